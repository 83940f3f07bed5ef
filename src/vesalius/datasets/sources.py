"""A dataset on disk before it is one of ours: its files found by the names that its records give, its tables opened.

Names in records come from somebody else's machine. They are looked up among the files that lie below the source and are never
followed as paths: a name with `..`, or from the root of another disk, finds what has its end below the source, or nothing.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from vesalius.clinical import keys
from vesalius.clinical.images import known, open_images
from vesalius.clinical.upload import files_below
from vesalius.datasets.faults import Fault
from vesalius.errors import InputRefused
from vesalius.types import Image

MOST_FILES = 5_000_000
HEAD_BYTES = 1 << 20  # a format is recognized by no more than this of a file
OPENED_AT_ONCE = 64
LONGEST_FIELD = 1 << 26  # characters of a cell


class RecordRefused(Exception):
    """Why one record does not become a sample. Raised deep inside a reader; the reader's loop makes a `Fault` of it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message

    def at(self, where: str, key: str = "") -> Fault:
        """The fault, at the place of the record."""
        return Fault(self.code, where, self.message, key)


class Files:
    """The files below a folder, or beside and below a file, found by the ends of their names."""

    def __init__(self, source: Path) -> None:
        """List them; hidden ones are left out, links are followed, each folder is entered once.

        Raises:
            InputRefused: `input_missing`, `size_limit` for a folder of more than `MOST_FILES` files.
        """
        if not source.exists():
            raise InputRefused("input_missing", "Nothing lies at the path that was given. There is nothing to read. Check it.")
        self.root = (source if source.is_dir() else source.parent).resolve()
        listed = list(islice((p for p in files_below(self.root) if p.is_file()), MOST_FILES + 1))
        if len(listed) > MOST_FILES:
            raise InputRefused(
                "size_limit", f"The folder holds more than {MOST_FILES} files. They are not listed. Name a folder further down."
            )
        self.paths = tuple(sorted(listed))
        self._by_name: dict[str, list[Path]] = {}
        for path in self.paths:
            self._by_name.setdefault(path.name.casefold(), []).append(path)
        # Folders that hold files of the same names, as one a patient does: there a last name alone says nothing.
        self._alike = {path.parent for alike in self._by_name.values() if len(alike) > 1 for path in alike}
        self._claimed: dict[Path, tuple[str, ...]] = {}

    def __contains__(self, name: str) -> bool:
        return bool(self._candidates(name))

    def find(self, name: str) -> Path:
        """The file that a record means.

        Of files with that last name, the one that shares most of the folders before it, counted from the end; a file that lies
        just where the record says, seen from the source, comes first. Capital letters count only where they must. A file whose
        folder has another name than the record says is taken only where that folder shares no file's name with another, and for
        one name alone: "CXR9/0.png" is never answered with the 0.png of somebody else.

        Raises:
            RecordRefused: `media_missing`; `media_ambiguous`: several fit equally well and their contents differ, or the file
                was taken for another name before.
        """
        found = self._candidates(name)
        if not found:
            raise RecordRefused("media_missing", "A file that it names does not lie anywhere below the source.")
        if len(found) > 1 and len({keys.content_sha256(path) for path in found}) > 1:
            raise RecordRefused("media_ambiguous", f"{len(found)} files with different contents could be the one that it names.")
        self._claim(_parts(name), found[0])
        return found[0]

    def _claim(self, parts: tuple[str, ...], path: Path) -> None:
        """Remember files that were found by their last name alone, and let no second name have one."""
        by_name_alone = len(parts) > 1 and _shared_end(parts, path.relative_to(self.root).parts) < 2
        if by_name_alone and path.parent in self._alike:
            raise RecordRefused(
                "media_missing", "A file that it names does not lie below the source; one of that last name does."
            )
        taken = self._claimed.setdefault(path, parts) if by_name_alone else self._claimed.get(path, parts)
        if taken != parts:
            raise RecordRefused(
                "media_ambiguous", "The file that it names was taken for that of another record, of another folder."
            )

    def having(self, suffixes: Sequence[str]) -> list[Path]:
        """The files whose names end in one of these, sorted by path; case does not count."""
        return [path for path in self.paths if path.name.lower().endswith(tuple(suffixes))]

    def _candidates(self, name: str) -> list[Path]:
        parts = _parts(name)
        if not parts:
            return []
        alike = self._by_name.get(parts[-1].casefold(), [])
        if (exact := self.root.joinpath(*parts)) in alike:
            return [exact]
        shared = [_shared_end(parts, path.relative_to(self.root).parts) for path in alike]
        return [path for path, length in zip(alike, shared, strict=True) if length == max(shared)]


class Pictures:
    """The pictures of a source by the names that records give; a file is described once, whoever asks for it."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self._opened: dict[Path, Image | InputRefused] = {}
        self._known: dict[tuple[Path, tuple[Any, ...]], Image] = {}

    def expect(self, names: Iterable[str]) -> None:
        """Describe many at once, which is faster than one after another. What cannot be found is left for `open` to say."""
        waiting: dict[Path, None] = {}
        for name in names:
            if len(found := self.files._candidates(name)) == 1 and found[0] not in self._opened:
                waiting[found[0]] = None
        paths = list(waiting)
        for start in range(0, len(paths), OPENED_AT_ONCE):
            some = paths[start : start + OPENED_AT_ONCE]
            self._opened.update(zip(some, open_images(some), strict=True))

    def open(
        self,
        name: str,
        *,
        modality: str | None = None,
        spacing_mm: tuple[float, ...] | None = None,
        view: str | None = None,
        day: float | None = None,
        scanner: str | None = None,
    ) -> Image:
        """The picture that a record means, with what the record knows of it; the same object for the same file and knowledge.

        Raises:
            RecordRefused: `media_missing`, `media_ambiguous`, `media_unreadable`.
        """
        return self.at(self.files.find(name), modality=modality, spacing_mm=spacing_mm, view=view, day=day, scanner=scanner)

    def at(
        self,
        path: Path,
        *,
        modality: str | None = None,
        spacing_mm: tuple[float, ...] | None = None,
        view: str | None = None,
        day: float | None = None,
        scanner: str | None = None,
    ) -> Image:
        """As `open`, of a file of `files`.

        Raises:
            RecordRefused: `media_unreadable`.
        """
        if path not in self._opened:
            (self._opened[path],) = open_images([path])
        image = self._opened[path]
        if isinstance(image, InputRefused):
            raise RecordRefused("media_unreadable", f"A file that it names cannot be read ({image.code}). {image.message}")
        facts = (path, (modality, spacing_mm, view, day, scanner))
        if facts not in self._known:
            self._known[facts] = known(image, modality=modality, spacing_mm=spacing_mm, view=view, day=day, scanner=scanner)
        return self._known[facts]


def patient_of(*images: Image) -> str:
    """The key that stands for a patient nobody names: the pictures themselves, so that a picture is never on two sides."""
    return keys.key("picture", *sorted(image.source.sha256 for image in images), salted=False)


def records(path: Path) -> list[tuple[str, Any]]:
    """The records of a file that is a JSON list, or JSON lines: ("record 1", …) or ("line 1", …).

    Raises:
        InputRefused: `bad_dataset`: neither, cut off, or not UTF-8.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = path.read_bytes()[: wrong.start].count(b"\n") + 1
        raise InputRefused(
            "bad_dataset", f"The file of records is not UTF-8: line {line} has bytes that are none. Save it as UTF-8."
        ) from wrong
    try:
        if text.lstrip().startswith("["):
            return [(f"record {number}", record) for number, record in enumerate(json.loads(text), start=1)]
        lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
        return [(f"line {number}", json.loads(line)) for number, line in lines]
    except (ValueError, RecursionError) as wrong:
        raise InputRefused(
            "bad_dataset", "The file of records is neither a JSON list nor JSON lines, or is cut off. Copy or save it again."
        ) from wrong


def document(path: Path) -> Any:
    """A JSON file.

    Raises:
        InputRefused: `bad_dataset`: it is none, cut off, or not UTF-8.
    """
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as wrong:
        raise InputRefused("bad_dataset", "A file of the dataset is no JSON in UTF-8, or is cut off. Copy it again.") from wrong


def first_record(path: Path) -> Any:
    """The first record of a JSON list or of JSON lines, or a whole JSON object; None when the first MiB shows none."""
    with path.open("rb") as file:
        text = file.read(HEAD_BYTES).decode("utf-8-sig", "replace").lstrip()
    try:
        return json.JSONDecoder().raw_decode(text.removeprefix("[").lstrip())[0]
    except (ValueError, RecursionError):
        return None


def table(path: Path, delimiter: str = ",") -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a table with a head line: ("line 2", {column: cell}); cells that are missing are "".

    Raises:
        InputRefused: `bad_dataset`: not UTF-8, or no table.
    """
    csv.field_size_limit(LONGEST_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines, delimiter=delimiter, restval="", restkey="")
            for row in rows:
                yield f"line {rows.line_num}", {name: cell for name, cell in row.items() if name and isinstance(cell, str)}
    except (csv.Error, UnicodeDecodeError) as wrong:
        raise InputRefused("bad_dataset", "A table of the dataset is no CSV in UTF-8. Save it as that.") from wrong


def columns(path: Path, delimiter: str = ",") -> tuple[str, ...]:
    """The names in the head line of a table; empty when it has none."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        try:
            return tuple(name.strip() for name in next(csv.reader([lines.readline(HEAD_BYTES)], delimiter=delimiter), []))
        except csv.Error:
            return ()


def _parts(name: str) -> tuple[str, ...]:
    """The parts of a name as any system writes it, without its root and without steps up."""
    plain = PureWindowsPath(name).as_posix() if "\\" in name else name
    return tuple(part for part in PurePosixPath(plain.strip()).parts if part not in ("/", "..", ".") and not part.endswith(":/"))


def _shared_end(one: Sequence[str], other: Sequence[str]) -> int:
    """How many parts agree, from the end."""
    length = 0
    for left, right in zip(reversed(one), reversed(other), strict=False):
        if left.casefold() != right.casefold():
            break
        length += 1
    return length
