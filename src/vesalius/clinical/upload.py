"""What an upload consists of: files below folders, members of archives, and what a DICOMDIR lists; each described by its content.

Content decides what a file is, never its name. What is hidden is left out of folders and archives: names that begin with a
full stop, and macOS's own.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from vesalius.clinical import archives, gate
from vesalius.clinical.images import FileRefused, Found, describe, digests, suffix_of
from vesalius.clinical.wire import unpack
from vesalius.errors import InputRefused, UsageError
from vesalius.types import CodedWarning

DIRECTORY = "directory"  # the kind of a DICOMDIR
ITEM_HEX = 12
LISTED = 16  # records that a warning lists
SCHEMES = ("http:/", "https:/", "dicomweb:/")


@dataclass(frozen=True, eq=False)
class Origin:
    """Where an item comes from: a file, or the entry of an archive with this number, counted from 1 as a listing does.

    As a text it is what `--map` writes, and stands nowhere else.
    """

    path: Path
    member: int | None = None
    name: str = field(default="", repr=False)

    def __str__(self) -> str:
        return os.fsdecode(self.path) + (f"#{self.member}" if self.member is not None else "")


@dataclass(frozen=True, eq=False)
class Item:
    """One file of an upload, and what became of it."""

    origin: Origin
    place: gate.Place
    result: Found | InputRefused


@dataclass(frozen=True, eq=False)
class Upload:
    """The items in the order that they are numbered by, and what is doubtful about the upload as a whole."""

    items: tuple[Item, ...]
    warnings: tuple[CodedWarning, ...]

    def names(self) -> list[str]:
        """What each item is called in public: its index, and the beginning of its content's sha256."""
        results = [item.result for item in self.items]
        unknown = [index for index, result in enumerate(results) if not isinstance(result, Found | FileRefused)]
        hashes = dict(zip(unknown, digests([self.items[index].place for index in unknown]), strict=True))
        hashes |= {i: result.facts.sha256 for i, result in enumerate(results) if isinstance(result, Found)}
        hashes |= {i: result.sha256 for i, result in enumerate(results) if isinstance(result, FileRefused)}
        return [f"{index}-{hashes[index][:ITEM_HEX] or '0' * ITEM_HEX}" for index in range(len(results))]


@dataclass(frozen=True)
class Listed:
    """What a worker says of a DICOMDIR: the parts of each name that it refers to."""

    references: tuple[tuple[str, ...], ...]


def look(paths: Sequence[Path]) -> Upload:
    """Find every file below `paths`, and describe each by its header.

    Items are numbered through all files sorted by path, then through the members of the first archive sorted by name, then
    through those of the second, and so on. An archive inside an archive is not opened. A DICOMDIR that is named itself
    stands for the files that it lists; in a folder it is only checked, because everything there is read anyway.

    Raises:
        InputRefused: `input_missing` when a path does not exist, `input_empty` when there is no file at all.
        UsageError: `bad_option` for an address.
    """
    files = _files(paths)
    if not files:
        raise InputRefused("input_empty", "The folder holds no file. There is nothing to read. Name another one.")
    items = _of_files(files)
    named = {path.resolve() for path in paths}
    listed = {path for item in items if _is_directory(item) and item.origin.path in named for path in _named_by(item)}
    items = sorted([*items, *_of_files(listed - files)], key=lambda item: item.origin.path)
    opened = [_opened(item) if _is_archive(item) else (item, []) for item in items]
    items = [item for item, _ in opened] + [member for _, members in opened for member in members]
    return _with_directories_checked(items)


def _files(paths: Sequence[Path]) -> set[Path]:
    """All files, once each."""
    found: set[Path] = set()
    for path in paths:
        try:
            is_folder = stat.S_ISDIR(path.stat().st_mode)
        except PermissionError:
            raise InputRefused("unreadable", "A path that was given may not be looked at. Ask for the right to do so.") from None
        except OSError:
            _refuse_address(path)
            raise InputRefused(
                "input_missing", "Nothing lies at a path that was given. It cannot be read. Check its spelling."
            ) from None
        found.update(files_below(path.resolve()) if is_folder else [path.resolve()])
    return found


def _refuse_address(path: Path) -> None:
    if path.as_posix().startswith(SCHEMES):
        raise UsageError(
            "bad_option", "An address was given. Studies cannot be fetched over DICOMweb yet. Fetch it, and name its folder."
        )


def files_below(folder: Path) -> Iterator[Path]:
    """Files below a folder; links are followed, each folder is entered once, and depth costs no recursion."""
    waiting, seen = [folder], set()
    while waiting:
        place = waiting.pop()
        try:
            status = place.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(place) as entries:
                shown = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError:
            yield place  # a folder that cannot be entered is listed as an item that cannot be opened
            continue
        for entry in shown:
            if _is_folder(entry):
                waiting.append(Path(entry.path))
            else:
                yield Path(entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads round in a circle


def _of_files(paths: Iterable[Path]) -> list[Item]:
    ordered = sorted(paths)
    places = [gate.Place(path) for path in ordered]
    return _items(list(map(Origin, ordered)), places, [suffix_of(path.name) for path in ordered])


def _items(origins: Sequence[Origin], places: Sequence[gate.Place], suffixes: Sequence[str]) -> list[Item]:
    found = describe(places, suffixes)
    seen = [one.place if isinstance(one, Found) else place for one, place in zip(found, places, strict=True)]
    return list(map(Item, origins, seen, found))


def _is_archive(item: Item) -> bool:
    return isinstance(item.result, Found) and item.result.facts.is_archive


def _is_directory(item: Item) -> bool:
    header = item.result.facts.header if isinstance(item.result, Found) else None
    return header is not None and header.kind == DIRECTORY


def _opened(item: Item) -> tuple[Item, list[Item]]:
    """An archive and its members; an archive that is refused has none."""
    try:
        members = archives.members_of(item.place)
    except InputRefused as refusal:
        return _refused(item, refusal), []
    origins = [Origin(item.origin.path, member.number, member.name) for member in members]
    found = _items(origins, [member.place for member in members], [suffix_of(member.name) for member in members])
    if any(map(_is_archive, found)):
        nested = "An archive lies inside the archive. It was not opened. Unpack the outer one, and name its folder."
        return _refused(item, InputRefused("bad_archive", nested)), []
    return item, found


def _refused(item: Item, refusal: InputRefused) -> Item:
    """A file that was described, and is refused all the same."""
    assert isinstance(item.result, Found), "what was refused stays so"
    return replace(item, result=FileRefused(refusal.code, refusal.message, item.result.facts.sha256))


def _with_directories_checked(items: Sequence[Item]) -> Upload:
    """Every DICOMDIR is compared with what there is; one that leads out of its folder is refused."""
    members: dict[Path, set[str]] = {}
    for item in items:
        members.setdefault(item.origin.path, set()).add(item.origin.name)
    checked, warnings = [], []
    for index, item in enumerate(items):
        doubts = item.result.facts.warnings if isinstance(item.result, Found) else ()
        warnings += [replace(doubt, message=f"Item {index}: {doubt.message}", at={"item": index}) for doubt in doubts]
        try:
            checked.append(item)
            lacking = _lacking(item, members[item.origin.path]) if _is_directory(item) else []
        except InputRefused as refusal:
            checked[-1], lacking = _refused(item, refusal), []
        if lacking:
            said = f"Item {index} is a DICOMDIR; of the files that it lists {len(lacking)} are not there."
            at = {"item": index, "files": len(lacking), "records": lacking[:LISTED]}
            warnings.append(CodedWarning("listed_files_missing", said, at))
    return Upload(tuple(checked), tuple(warnings))


def _lacking(item: Item, members: set[str]) -> list[int]:
    """Which of the names in a DICOMDIR stand for nothing, counted from 1."""
    if item.origin.member is not None:
        folder = PurePosixPath(item.origin.name).parent
        there = [bool(_spellings(folder / name) & members) for name in _references(item)]
    else:
        there = [_file_at(item.origin.path.parent, name) is not None for name in _references(item)]
    return [number for number, is_there in enumerate(there, 1) if not is_there]


def _named_by(item: Item) -> set[Path]:
    """The files that a DICOMDIR lists and that are there; none when it leads outside, which is said later."""
    try:
        found = {_file_at(item.origin.path.parent, name) for name in _references(item)}
    except InputRefused:
        return set()
    return {path for path in found if path is not None}


def _references(item: Item) -> list[PurePosixPath]:
    """What a DICOMDIR refers to, from its own folder.

    Raises:
        InputRefused: `path_outside_root`, or why it cannot be read.
    """
    reply = gate.call("references", item.place)
    try:
        references = unpack(Listed, reply).references
    except ValueError:
        raise InputRefused("decode_failed", "The reader was brought down by the DICOMDIR. Nothing is guessed. Copy it.") from None
    found = []
    for reference in references:
        parts = "/".join(reference).replace("\\", "/").split("/")
        if parts[0] == "" or ".." in parts or any(":" in part or "\0" in part for part in parts):
            raise _outside()
        found.append(PurePosixPath(*parts))
    return found


def _file_at(folder: Path, name: PurePosixPath) -> Path | None:
    """The file of that name below a folder, in capitals or not, as discs are copied."""
    for spelling in sorted(_spellings(name)):
        path = folder / spelling
        try:
            if path.is_file():
                if not path.resolve().is_relative_to(folder):
                    raise _outside()
                return path.resolve()
        except OSError:
            continue
    return None


def _spellings(name: PurePosixPath) -> set[str]:
    return {str(name), str(name).lower(), str(name).upper()}


def _outside() -> InputRefused:
    return InputRefused(
        "path_outside_root",
        "The DICOMDIR refers to a file outside its own folder. It was not followed. Have its origin checked.",
    )
