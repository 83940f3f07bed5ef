"""Records of other programs: found, read one by one, and made into samples or faults with the place where each stands.

Files of records are read line by line where they are lines, so that pictures inside of them do not fill the memory. Pictures
that come as bytes lie in one file without a name and are opened by the same readers as all others. Nothing is fetched.
"""

import base64
import binascii
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

from vesalius.clinical import gate, keys
from vesalius.clinical.images import describe, image_of
from vesalius.datasets.faults import Fault, Tell
from vesalius.datasets.sources import HEAD_BYTES, Files, Pictures, RecordRefused, first_record, patient_of, records
from vesalius.datasets.split import Split
from vesalius.errors import InputRefused
from vesalius.types import Image, Provenance, Sample

LONGEST_LINE = 1 << 28  # bytes of one record
LONGEST_FIRST = 1 << 25  # bytes of a first record by which a format is still recognized
LARGEST_INLINE = 1 << 27  # bytes of one picture inside of a record
LOOKED_AT = 16  # records that tell a format from its siblings
MOST_LOOKED = 2_000  # names in a folder that are looked at to recognize a format
AT_ONCE = 64  # records whose pictures are described together
NOT_STATED = "not stated"
_SPLITS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "ts"), "test"),
}  # fmt: skip
_DATA = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[^;,]*)*;base64,", re.ASCII)


def places(root: Path, suffixes: Sequence[str], fits: Callable[[Path], bool]) -> list[Path]:
    """The files of records: `root` itself, or those in it and in the folders right below it, sorted; those that `fits`."""
    if root.is_file():
        return [root] if root.name.lower().endswith(tuple(suffixes)) and fits(root) else []
    return [place for place in _listed(root, tuple(suffixes)) if fits(place)]


def _listed(root: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Files of a folder and of the folders right below it whose names end so; of a large folder below, some are looked at."""
    inside = _entries(root, None)
    below = [entry for folder in inside if folder.is_dir() for entry in _entries(Path(folder.path), MOST_LOOKED)]
    return sorted(Path(entry.path) for entry in (*inside, *below) if entry.name.lower().endswith(suffixes) and entry.is_file())


def _entries(folder: Path, most: int | None) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in islice(entries, most) if not entry.name.startswith(".")]
    except OSError:
        return []


def head(place: Path, most: int = LOOKED_AT) -> list[Any]:
    """The first records of a JSON list or of JSON lines, as many as the first MiB shows; never an error.

    A first record that is longer, as those with pictures inside are, is read to its end if that comes within `LONGEST_FIRST`.
    """
    try:
        with place.open("rb") as file:
            content = file.read(HEAD_BYTES)
            found = _decoded(content, most)
            if not found and len(content) == HEAD_BYTES and content.lstrip(b"\xef\xbb\xbf[ \t\r\n").startswith(b"{"):
                found = _decoded(content + file.read(LONGEST_FIRST), 1)
    except OSError:
        return []
    return found


def _decoded(content: bytes, most: int) -> list[Any]:
    text = content.decode("utf-8-sig", "replace").lstrip().removeprefix("[").lstrip()
    found: list[Any] = []
    decoder = json.JSONDecoder()
    at = 0
    while at < len(text) and len(found) < most:
        try:
            record, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        found.append(record)
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
    return found


def explained(root: Path) -> dict[str, dict[str, Any]]:
    """What LLaMA-Factory's `dataset_info.json`, in a folder or itself, says of each dataset; empty when there is none."""
    place = root / "dataset_info.json" if root.is_dir() else root
    if place.name != "dataset_info.json" or not place.is_file():
        return {}
    found = first_record(place)
    if not isinstance(found, dict):
        return {}
    sources = {"file_name", "hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name"}
    return {name: entry for name, entry in found.items() if isinstance(entry, dict) and sources & set(entry)}


def streamed(place: Path, tell: Tell, which: str = "") -> Iterator[tuple[str, Any]]:
    """The records of a JSON list or of JSON lines, with where each stands ("record 3", "line 3"); a bad line is a fault.

    Args:
        place: the file.
        tell: takes a line that is no JSON (`record_malformed`) or no UTF-8 (`encoding_broken`).
        which: put before the number where there are several files: "file 2, ".

    Raises:
        InputRefused: `bad_dataset`: a list that is cut off or not UTF-8 as a whole.
    """
    with place.open("rb") as file:
        start = file.read(4096)
        if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
            yield from ((which + where, record) for where, record in records(place))
            return
        file.seek(3 if start.startswith(b"\xef\xbb\xbf") else 0)
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), start=1):
            if line.strip():
                where = f"{which}line {number}"
                try:
                    yield where, json.loads(line.decode("utf-8"))
                except UnicodeDecodeError:
                    tell(Fault("encoding_broken", where, "The line has bytes that are no UTF-8. Save it as that."))
                except (ValueError, RecursionError):
                    tell(Fault("record_malformed", where, "The line is no JSON, or is cut off."))


def split_of(place: Path, root: Path) -> Split | None:
    """The split that a file's name states ("train.json", "llava_val_v2.json"), or that of its folder ("test/0.json")."""
    below = place.parent.name if place.parent != root and root in place.parents else ""
    return split_named(place.stem) or split_named(below)


def split_named(name: str) -> Split | None:
    """The split that a name states by one of its words; None when its words state several."""
    named = {_SPLITS[word] for word in re.split(r"[^a-z]+", name.lower()) if word in _SPLITS}
    return named.pop() if len(named) == 1 else None


class Source:
    """What a reader of records reads from: its files, its pictures, and the keys that it has given."""

    def __init__(self, name: str, root: Path, tell: Tell, *, text_alone: bool = False) -> None:
        self.name, self.tell, self.text_alone = name, tell, text_alone
        self.files = Files(root)
        self.pictures = Pictures(self.files)
        self._spool = Spool()
        self._given: Counter[str] = Counter()

    def __call__(self, found: Iterable[tuple[str, Any]], make: Callable[[str, Any], Sample]) -> Iterator[Sample]:
        """A sample or a fault for every record; pictures of several records are described together."""
        for block in _blocks(found):
            if not self.text_alone:
                self.pictures.expect(name for _, record in block for name in _names(record))
            for where, record in block:
                try:
                    sample = make(where, record)
                except RecordRefused as wrong:
                    self.tell(wrong.at(where))
                else:
                    yield sample

    def open(self, said: Any) -> Image:
        """The picture that a record names, or holds as a `data:` address, bytes, or `{"bytes": …, "path": …}`.

        Raises:
            RecordRefused: `media_missing`, `media_ambiguous`, `media_unreadable`, `record_malformed`.
        """
        if isinstance(said, dict):
            content, name = said.get("bytes"), said.get("path") or said.get("url")
            said = content if isinstance(content, bytes) and content else name
        if isinstance(said, bytes):
            return self._spool.open(said)
        if not isinstance(said, str) or not said.strip():
            raise RecordRefused("record_malformed", "A picture of it is neither a name nor the bytes of a file.")
        if said.startswith("data:"):
            return self._spool.open(_inline(said))
        return self.pictures.open(said)

    def key(self, *parts: str) -> str:
        """A key for a record; one that was given before gets a number, so that no two samples share one."""
        return self.unique(f"{self.name}-{keys.key(self.name, *parts)}")

    def unique(self, key: str) -> str:
        """The key, with a number behind it when it was given before."""
        self._given[key] += 1
        return key if self._given[key] == 1 else f"{key}-{self._given[key]}"

    def provenance(
        self,
        images: Sequence[Image],
        key: str,
        *,
        split: Split | None,
        patient: str | None = None,
        study: str | None = None,
        annotation: str = "",
    ) -> Provenance:
        """Where a sample comes from; of whom, where the record says so, else the pictures stand for the patient.

        Numbers of patients and studies are hashed with the salt of the installation: they are somebody's data.
        """
        pictures = patient_of(*images) if images else keys.key(self.name, "record", key)
        who = keys.key(self.name, "patient", patient) if patient else pictures
        visit = keys.key(self.name, "study", patient or "", study) if study else keys.key("study", pictures, salted=False)
        return Provenance(self.name, NOT_STATED, who, visit, annotation, split)


class Spool:
    """Pictures that come as bytes; the bytes lie in a file without a name as long as a picture of them lives."""

    def __init__(self) -> None:
        self._file: BinaryIO | None = None
        self._end = 0
        self._opened: dict[str, Image] = {}

    def open(self, content: bytes) -> Image:
        """The picture; the same object for the same bytes.

        Raises:
            RecordRefused: `media_unreadable`.
        """
        digest = sha256(content).hexdigest()
        if digest not in self._opened:
            if len(content) > LARGEST_INLINE:
                raise RecordRefused("media_unreadable", f"A picture inside of it has more than {LARGEST_INLINE} bytes.")
            if self._file is None:
                self._file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115
            try:
                self._file.write(content)
                self._file.flush()
            except OSError:
                said = "The disk is full: pictures inside of records could not be put aside. Make room and try again."
                raise InputRefused("disk_full", said) from None
            place = gate.Place(None, self._file, self._end, len(content))
            self._end += len(content)
            self._opened[digest] = opened(place)
        return self._opened[digest]


def opened(place: gate.Place) -> Image:
    """The picture in a stretch of a file, by its content.

    Raises:
        RecordRefused: `media_unreadable`.
    """
    (image,) = opened_all([place])
    if isinstance(image, RecordRefused):
        raise image
    return image


def opened_all(stretches: Sequence[gate.Place]) -> list[Image | RecordRefused]:
    """As `opened`, of many at once; a refusal stands for a stretch that holds no picture. Their sources have no path."""
    found: list[Image | RecordRefused] = []
    for one in describe(stretches, [""] * len(stretches)):
        if isinstance(one, InputRefused):
            said = f"A picture inside of it cannot be read ({one.code}). {one.message}"
            found.append(RecordRefused("media_unreadable", said))
            continue
        header, description = one.facts.header, one.facts.description
        if header is not None:
            description = header.picture if header.kind == "picture" else None
        if description is None:
            found.append(RecordRefused("media_unreadable", "What it holds as a picture is none."))
        else:
            image = image_of(one, description, day=header.day if header else None)
            found.append(replace(image, source=replace(image.source, path=None)))
    return found


def _inline(address: str) -> bytes:
    """The bytes of a `data:` address."""
    match = _DATA.match(address)
    if match is None:
        raise RecordRefused("media_unreadable", "A picture stands in it as a `data:` address that is not base64.")
    if len(address) > LARGEST_INLINE * 4 // 3 + 256:
        raise RecordRefused("media_unreadable", f"A picture inside of it has more than {LARGEST_INLINE} bytes.")
    try:
        return base64.b64decode(address[match.end() :].encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise RecordRefused("media_unreadable", "The base64 of a picture inside of it is broken.") from wrong


def _blocks(found: Iterable[tuple[str, Any]]) -> Iterator[list[tuple[str, Any]]]:
    rest = iter(found)
    while block := list(islice(rest, AT_ONCE)):
        yield block


def _names(record: Any) -> Iterator[str]:
    """What may be a name of a picture among the first two levels of a record; others are found when they are opened."""
    if not isinstance(record, dict):
        return
    for value in record.values():
        for item in value if isinstance(value, list) else [value]:
            name = item.get("path") if isinstance(item, dict) else item
            if isinstance(name, str) and 0 < len(name) < 1024 and not name.startswith("data:") and "." in name[-8:]:
                yield name
