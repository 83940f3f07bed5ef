"""The members of an uncompressed tar, and where in it their bytes lie: nothing is unpacked, no name from inside is followed."""

import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import RawIOBase
from pathlib import Path

from vesalius.clinical import gate
from vesalius.datasets.sources import RecordRefused

MOST_MEMBERS = 5_000_000
LARGEST_HEADER = 1 << 20  # bytes of one header: names and what extends them
BLOCK = 512


@dataclass(frozen=True)
class Member:
    """A regular file in a tar. `name` may be a patient's and is never shown."""

    tar: Path
    name: str = field(repr=False)
    offset: int
    size: int

    @property
    def place(self) -> gate.Place:
        """Where its bytes lie."""
        return gate.Place(self.tar, None, self.offset, self.size)

    def read(self, most_bytes: int) -> bytes:
        """Its bytes.

        Raises:
            RecordRefused: `record_malformed`, when there are more than `most_bytes`.
        """
        if self.size > most_bytes:
            raise RecordRefused("record_malformed", f"A text of it has more than {most_bytes} bytes.")
        with self.tar.open("rb") as file:
            return os.pread(file.fileno(), self.size, self.offset)


class Damaged(Exception):
    """A tar that ends before its end, or is none."""


def members(tar: Path) -> Iterator[Member]:
    """The regular files of a tar in its order; links, devices and folders are passed over.

    Raises:
        Damaged: it is no uncompressed tar, a header is damaged, or it is cut off; what came before is whole.
    """
    try:
        with tar.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            with tarfile.open(fileobj=_Headers(file.fileno(), size), mode="r:") as archive:
                for number, info in enumerate(archive, start=1):
                    archive.members = []  # type: ignore[attr-defined]  # they would pile up
                    if number > MOST_MEMBERS or info.offset_data + info.size > size or info.issparse():
                        raise Damaged
                    if info.isreg():
                        yield Member(tar, info.name, info.offset_data, info.size)
                # What stands where no further header was found: zeros at a proper end.
                if os.pread(file.fileno(), BLOCK, archive.offset) != bytes(BLOCK):
                    raise Damaged
    except (tarfile.TarError, OSError, ValueError, OverflowError) as wrong:
        raise Damaged from wrong


class _Headers(RawIOBase):
    """A file that is read in small pieces only: no header makes its reader take more memory than it should."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.descriptor, self.size, self.at = descriptor, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: self.size}[whence])
        return self.at

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LARGEST_HEADER:
            raise Damaged
        content = os.pread(self.descriptor, size, self.at)
        self.at += len(content)
        return content
