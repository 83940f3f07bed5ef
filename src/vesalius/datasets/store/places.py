"""Where a dataset lies: a folder of this machine, or what a URL names that fsspec knows; both are read in the same words.

Nothing is fetched but what lies below the URL that a person has named: rows hold names below it and no addresses.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec
from fsspec.core import url_to_fs

from vesalius.errors import InputRefused, MissingFromEnvironment, UsageError

Root = Path | str  # a folder, or a URL: memory://, s3://, zip://…::…; file:// is a folder


class Place:
    """A folder that is read, wherever it lies. `local` is its path, where it has one."""

    def __init__(self, root: Root) -> None:
        """Open nothing yet.

        Raises:
            UsageError: `bad_option`: nobody knows such a URL.
            MissingFromEnvironment: `missing_package`: what speaks it is not installed.
        """
        self.local: Path | None = None
        self._sizes: dict[str, int] | None = None
        if is_url(root) and not str(root).startswith(("file://", "local://")):
            self._system, self._below = _opened(str(root))
        else:
            self.local = Path(fsspec.filesystem("file")._strip_protocol(str(root))) if is_url(root) else Path(root)

    def size(self, name: str) -> int | None:
        """How many bytes a file below has; None where there is none. Of a URL all files are listed at once, if they can be."""
        if self.local is not None:
            try:
                return os.stat(self.local / name).st_size if (self.local / name).is_file() else None
            except OSError:
                return None
        if self._sizes is None and "/" in name:
            with _answering():
                found = self._system.find(self._at(name.partition("/")[0]), detail=True)
            told = {path: entry.get("size") for path, entry in found.items()}
            self._sizes = {"/".join(path.rsplit("/", 3)[-3:]): size for path, size in told.items() if isinstance(size, int)}
        if self._sizes is not None and name in self._sizes:
            return self._sizes[name]
        try:  # one by one, where folders cannot be listed
            found = self._system.info(self._at(name))
            size: int | None = found.get("size") if found.get("type") == "file" else None
        except OSError:
            return None
        return size

    def open(self, name: str) -> BinaryIO:
        """A file below, for reading from any place in it.

        Raises:
            InputRefused: `input_missing`.
        """
        if self.local is not None:
            return (self.local / name).open("rb")
        with _answering():
            return cast(BinaryIO, self._system.open(self._at(name), "rb"))

    def content(self, name: str) -> bytes:
        """All of a file below; as `open`."""
        if self.local is not None:
            return (self.local / name).read_bytes()
        with _answering():
            return cast(bytes, self._system.cat_file(self._at(name)))

    def _at(self, name: str) -> str:
        return f"{self._below.rstrip('/')}/{name}" if self._below else name


def is_url(root: Root) -> bool:
    """Whether this is an address and no path."""
    return isinstance(root, str) and "://" in root


def _opened(url: str) -> tuple[Any, str]:
    try:
        system, below = url_to_fs(url)
    except ImportError as error:
        raise MissingFromEnvironment(
            "missing_package",
            f"Addresses that begin with {url.partition('://')[0]}:// are read by an extra package of fsspec, which is not "
            "installed. Without it nothing there can be opened. Install it: s3fs for s3://, gcsfs for gs://, adlfs for az://, "
            "aiohttp for http:// and https://.",
        ) from error
    except (ValueError, OSError) as error:
        raise UsageError(
            "bad_option",
            "The address cannot be opened. Nobody knows how to read it, or nothing answers there. Name a folder, or an "
            "address as s3://bucket/folder.",
        ) from error
    return system, str(below)


@contextmanager
def _answering() -> Iterator[None]:
    """What goes wrong far away, in our words: theirs may hold the address."""
    try:
        yield
    except (FileNotFoundError, KeyError) as error:
        raise InputRefused(
            "input_missing", "A file does not lie at its address. It cannot be read. Check the address."
        ) from error
    except OSError as error:
        raise InputRefused(
            "unreadable", f"A file at an address could not be read ({type(error).__name__}). Try again, or copy the dataset here."
        ) from error
