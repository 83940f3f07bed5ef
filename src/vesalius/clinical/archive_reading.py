"""Archives, read in the worker: all members one after another in one file without a name, and where each of them begins.

Nothing is ever written under a name out of an archive. An archive that could do harm is refused whole: it was not packed by
somebody who wanted its pictures read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BufferedReader, BufferedWriter
from typing import Any

from vesalius.clinical.archive_entries import FAULTS, LONGEST_NAME, MOST_ENTRIES, Entry, bad_archive, entries_of, too_many
from vesalius.errors import InputRefused
from vesalius.types import Array

MOST_NAMES_BYTES = 8 * 2**20  # all names together
LARGEST_MEMBER_BYTES = 4 * 2**30
LARGEST_TOTAL_BYTES = 20 * 2**30
LARGEST_RATIO = 100  # of what comes out to what went in; the first bytes are free, because they harm nobody
FREE_BYTES = 16 * 2**20
# Documents and programs that are zip archives inside: what they hold is not for us.
_PACKED_DOCUMENTS = frozenset({"[Content_Types].xml", "META-INF/MANIFEST.MF", "mimetype"})


@dataclass
class _Spool:
    """The members so far, in the file that takes them, and what may still come."""

    target: BufferedWriter
    most_bytes: int
    inflated_bytes: int = 0
    end: int = 0
    members: list[tuple[int, str, int, int]] = field(default_factory=list)  # number, name, offset, length

    def take(self, number: int, name: str, entry: Entry) -> None:
        """Write one member."""
        offset = self.end
        for block in self.counted(entry):
            self._write(block)
            self.end += len(block)
        self.members.append((number, name, offset, self.end - offset))

    def _write(self, block: bytes) -> None:
        try:
            self.target.write(block)
            self.target.flush()
        except OSError:
            raise InputRefused(
                "disk_full", "The disk is full: the archive could not be unpacked. Nothing was kept. Make room and try again."
            ) from None

    def counted(self, entry: Entry) -> Iterator[bytes]:
        """The blocks of one entry, as long as the limits allow; what is stated is refused before anything is inflated."""
        if entry.size > LARGEST_MEMBER_BYTES and not entry.is_packed:
            raise InputRefused(
                "size_limit", f"The archive holds a file of more than {LARGEST_MEMBER_BYTES} bytes. It was not read. Unpack it."
            )
        if entry.size > min(LARGEST_MEMBER_BYTES, self.most_bytes - self.inflated_bytes):
            raise _bomb()
        for block in entry.blocks:
            self.inflated_bytes += len(block)
            if self.inflated_bytes > self.most_bytes:
                raise _bomb()
            yield block


def unpack(
    file: BufferedReader, arguments: Mapping[str, Any], out: Array | None, target: BufferedWriter | None
) -> dict[str, Any]:
    """Write all members into `target`; say of each its number, its name, where it begins and how long it is.

    Numbers count all entries from 1, in the order in which the archive lists them. Members come sorted by name. Folders are
    left out, and everything hidden: what begins with a full stop, and macOS's own.

    Raises:
        InputRefused: `path_outside_root` for names and links that lead outside; `bad_archive`, `archive_encrypted`,
            `decompression_limit`, `size_limit`, `unsupported_type`, `input_empty`, `disk_full`.
    """
    assert target is not None, "members need a place"
    size = file.seek(0, 2)
    file.seek(0)
    spool = _Spool(target, min(LARGEST_TOTAL_BYTES, max(FREE_BYTES, LARGEST_RATIO * size)))
    seen: set[str] = set()
    names_bytes = 0
    try:
        for number, entry in enumerate(entries_of(file), 1):
            name, names_bytes = _checked(entry, seen), names_bytes + len(entry.name)
            if number > MOST_ENTRIES or names_bytes > MOST_NAMES_BYTES:
                raise too_many()
            if entry.kind == "file" and not _is_hidden(name):
                spool.take(number, name, entry)
            else:
                for _ in spool.counted(entry):
                    pass
    except FAULTS:
        raise bad_archive("is damaged") from None
    if not spool.members:
        raise InputRefused("input_empty", "The archive holds no file. There is nothing to read. Pack it again.")
    return {"members": sorted(spool.members, key=lambda member: member[1])}


def _checked(entry: Entry, seen: set[str]) -> str:
    """The name of an entry in one spelling: parts joined by strokes."""
    parts = entry.name.replace("\\", "/").split("/")
    outside = entry.name.startswith(("/", "\\")) or ".." in parts or parts[0][1:2] == ":" or entry.kind == "link"
    if outside:
        raise InputRefused(
            "path_outside_root",
            "The archive holds a name or a link that leads out of it. Nothing in it was read. Have its origin checked.",
        )
    name = "/".join(part for part in parts if part not in ("", "."))
    if "\0" in name or len(name) > LONGEST_NAME:
        raise bad_archive("holds a name that no file can have")
    if name in _PACKED_DOCUMENTS:
        raise InputRefused(
            "unsupported_type", "The file is a document or program that is packed like an archive. It was not opened."
        )
    if name in seen and entry.kind == "file":
        raise bad_archive("holds two files of one name")
    seen.add(name)
    return name


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _bomb() -> InputRefused:
    return InputRefused(
        "decompression_limit",
        f"The archive inflates to more than {LARGEST_RATIO} times its size, a file of more than {LARGEST_MEMBER_BYTES} bytes, or "
        f"{LARGEST_TOTAL_BYTES} in all. Unpacking stopped there.",
    )
