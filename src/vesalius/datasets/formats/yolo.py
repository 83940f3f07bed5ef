"""YOLO (Ultralytics): pictures with boxes or outlines, a text file each, and `data.yaml` with names and splits.

What:       a line an object in `labels/…/<stem>.txt` for the picture `images/…/<stem>.<any>`.
Layout:     `data.yaml` (any name that ends in .yaml or .yml) with `names` and `train`, `val`, `test`: folders of pictures, lists
            of them, or text files that list them; they are looked for below the source by their ends, whatever `path` says.
            A text file lies where the last folder `images` of its picture's place is called `labels`, or beside the picture.
            Without such a file `classes.txt` or `*.names` (a name a line) beside `images` and `labels`.
Holds:      `class cx cy w h`: a box by its center and size, in parts of the picture's width and height; our corners are
            (cx ± w/2) times the width, (cy ± h/2) times the height. `class x0 y0 x1 y1 x2 y2 …`: an outline. With `kpt_shape`
            key points behind the box, those of visibility 0 left out. A picture without a text file has no objects.
Lacks:      masks, attributes, questions, reports, measurements, patients, licences; volumes, clips and slides.
Split unit: the picture, because YOLO names no patients: pictures of one patient may lie on both sides.
Labels:     as annotated. What is not annotated may be there all the same, so that nothing is stated absent.
Defects:    numbers are rounded; what leaves the picture by no more than their last digit can is put on its edge. Numbers above
            1 are pixels, and told (`box_space`).
Samples:    task "annotation", one for each picture of a split, without turns.
Licence:    not stated by the format.
Source:     docs.ultralytics.com, the pages on datasets for detection, segmentation and pose, as of 2025.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from vesalius.datasets.annotated import (
    ROUNDED_PX,
    box_of,
    count_unheld,
    extent,
    finite,
    label_of,
    pictures_in,
    polygon_of,
    sample_of,
)
from vesalius.datasets.exports import Dropped, Export
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.sources import Files, Pictures, RecordRefused
from vesalius.datasets.split import Split
from vesalius.datasets.store.media import appearing
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Image, Point, Polygon, Region, Sample

NAME = "yolo"
SPLITS: dict[str, Split] = {"train": "train", "val": "validation", "test": "test"}
FOLDERS = {"train": "train", "validation": "val", "test": "test", None: "train"}
MOST_LOOKED_AT = 8
MOST_BYTES, MOST_DEPTH = 1 << 20, 16  # of data.yaml
MOST_LABEL_BYTES = 1 << 26
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".dcm")
AT_ONCE = 256
DIGITS = 8
MOST_KEY_POINTS = 1000
LEAST_DIGITS = 3  # numbers with fewer were not rounded: a half, a quarter
_NAMES = re.compile(r"^names\s*:", re.MULTILINE)
ABOVE_ONE = 1.5  # more than any rounding makes of parts of a picture


def recognizes(root: Path) -> bool:
    """Whether a list of names with splits lies in the folder or one below, or names beside `images` and `labels`."""
    if root.is_file():
        return root.suffix.lower() in (".yaml", ".yml") and _document(root) is not None
    lists = (path for pattern in ("*.y*ml", "*/*.y*ml") for path in islice(root.glob(pattern), MOST_LOOKED_AT))
    if any(_document(path) is not None for path in lists):
        return True
    return (root / "labels").is_dir() and (root / "images").is_dir() and _plain_names(root) is not None


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """A sample for each picture of each split.

    Args:
        root: the folder, or its `data.yaml`.
        tell: takes faults. A region that has one is left out and the others of its picture stay; a picture that has one is
            left out.

    Raises:
        InputRefused: `bad_dataset`: no list of names; `input_missing`, `size_limit`.
    """
    files = Files(root)
    folder = _opened(root, files)
    pictures, known, used, number = Pictures(files), frozenset(files.paths), set[Path](), 0
    for split, paths in folder.splits(files, tell):
        for start in range(0, len(paths), AT_ONCE):
            some = paths[start : start + AT_ONCE]
            pictures.expect(str(path.relative_to(files.root)) for path in some)
            for path in some:
                number += 1
                try:
                    image = pictures.at(path)
                    if image.kind != "image":
                        raise RecordRefused("record_malformed", f"It is a {image.kind}, and YOLO's places lie in pictures.")
                    labels = _labels_of(path, files.root, known)
                    used |= {labels} if labels else set()
                    regions = list(_regions(labels, image, folder, f"picture {number}", tell)) if labels else []
                except RecordRefused as wrong:
                    tell(wrong.at(f"picture {number}"))
                    continue
                parts = path.relative_to(files.root).parts
                yield sample_of(NAME, parts, [image], regions, annotation="YOLO labels", split=split)
    lone = [path for path in files.having([".txt"]) if "labels" in path.relative_to(files.root).parts[:-1] and path not in used]
    if lone:
        tell(Fault("media_missing", "labels", f"{len(lone)} files of labels belong to no picture of a split that can be read."))


def write(samples: Iterable[Sample], out: Path, dropped: Dropped) -> None:
    """Write `images/<train, val or test>/`, `labels/…/` and `data.yaml`.

    Where every region of a picture is an outline, outlines are written, else boxes: the programs take the lines of a file for
    one or the other. Of masks their boxes are written. Samples without a split are written as train.

    Args:
        samples: any; pictures of kind "image" are written.
        out: the folder; is made.
        dropped: counts what YOLO cannot hold.

    Raises:
        UsageError: `bad_option`: there is no such picture.
    """
    exports, classes = dict[str, Export](), dict[str, int]()
    for sample in samples:
        count_unheld(sample, dropped)
        folder = FOLDERS[sample.provenance.split]
        for image, regions in pictures_in(sample, dropped):
            export = exports.setdefault(folder, Export(out, dropped, media=f"images/{folder}"))
            name = export.picture(image)
            if sample.provenance.split is None:
                dropped["pictures without a split: written as train"] += 1
            if sample.provenance.licence != "unknown":
                dropped["licences: the format has none"] += 1
            _write_labels(out / "labels" / folder / f"{Path(name).stem}.txt", image, regions, classes, dropped)
    if not exports:
        raise UsageError("bad_option", "No sample has a plain picture, and YOLO holds no others. Choose another format.")
    about: dict[str, Any] = {"path": "."} | {key: f"images/{key}" for key in SPLITS if key in exports}
    about["names"] = {number: name for name, number in classes.items()}
    with appearing(out / "data.yaml") as draft:
        draft.write_text(yaml.safe_dump(about, sort_keys=False, allow_unicode=True), encoding="utf-8")


@dataclass(frozen=True, eq=False)
class _Folder:
    """What `data.yaml` says: names by number, the entries of each split (None: all pictures), key points and their numbers."""

    names: Mapping[int, Any]
    entries: Mapping[str, Sequence[str]] | None
    key_points: tuple[int, int] | None = None

    def splits(self, files: Files, tell: Tell) -> Iterator[tuple[Split | None, list[Path]]]:
        """The pictures of each split."""
        pictures = [path for path in files.paths if path.suffix.lower() in SUFFIXES]
        if self.entries is None:
            yield None, pictures
            return
        for key, entries in self.entries.items():
            found: dict[Path, None] = {}
            for entry in entries:
                paths = _listed(entry, files, tell, key) if entry.endswith(".txt") else _below(entry, pictures, files.root)
                if not paths:
                    tell(Fault("media_missing", f"split {key}", "No picture lies where the list of splits says."))
                found |= dict.fromkeys(paths)
            yield SPLITS[key], list(found)


def _document(path: Path) -> dict[str, Any] | None:
    """What a list of names with splits says; None when it is something else."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        text = path.read_text(encoding="utf-8-sig")
        # What is no such list is not parsed: brackets within brackets cost the parser seconds before it gives up.
        if not _NAMES.search(text) or _depth(text) > MOST_DEPTH:
            return None
        found = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("names"), (dict, list)):
        return None
    return found if any(isinstance(found.get(key), (str, list)) for key in SPLITS) else None


def _depth(text: str) -> int:
    """How deep brackets lie in one another, at most."""
    return max(accumulate(1 if bracket in "[{" else -1 for bracket in re.findall(r"[][{}]", text)), default=0)


def _plain_names(folder: Path) -> list[str] | None:
    """The names in a file that has one a line."""
    for path in sorted([folder / "classes.txt", folder / "labels" / "classes.txt", *folder.glob("*.names")]):
        if path.is_file() and path.stat().st_size <= MOST_BYTES:
            return path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    return None


def _opened(root: Path, files: Files) -> _Folder:
    lists = [root] if root.is_file() else files.having([".yaml", ".yml"])
    for path in sorted(lists, key=lambda path: (len(path.parts), path)):
        about = _document(path)
        if about is None:
            continue
        stated = about["names"]
        named = dict(enumerate(stated)) if isinstance(stated, list) else stated
        names = {int(key): name for key, name in named.items() if str(key).isdigit()}
        given = {key: about.get(key) for key in SPLITS}
        entries = {key: [value] if isinstance(value, str) else value for key, value in given.items() if value}
        texts = {
            key: [entry for entry in each if isinstance(entry, str)] for key, each in entries.items() if isinstance(each, list)
        }
        match about.get("kpt_shape"):
            case [int(many), 2 | 3 as step] if 0 < many < MOST_KEY_POINTS:
                return _Folder(names, texts, (many, step))
        return _Folder(names, texts)
    plain = _plain_names(files.root)
    if plain is None:
        raise InputRefused(
            "bad_dataset",
            "There is no data.yaml with names and splits, and no classes.txt. Without the names of its classes nothing says what "
            "a number means. Give the folder that holds it.",
        )
    return _Folder(dict(enumerate(plain)), None)


def _parts(entry: str) -> tuple[str, ...]:
    return tuple(part for part in PurePosixPath(entry.replace("\\", "/")).parts if part not in ("/", ".", ".."))


def _below(entry: str, pictures: Sequence[Path], root: Path) -> list[Path]:
    """The pictures of a folder: of its name as much from the end as some place below the source has."""
    wanted = _parts(entry)
    folders = {path: path.relative_to(root).parts[:-1] for path in pictures}
    for start in range(len(wanted)):
        tail = wanted[start:]
        runs = {parts: _position(parts, tail) for parts in set(folders.values())}
        if fitting := [at for at in runs.values() if at is not None]:
            return [path for path, parts in folders.items() if runs[parts] == min(fitting)]
    return list(pictures) if not wanted else []


def _position(parts: Sequence[str], tail: Sequence[str]) -> int | None:
    """Where a run of folders begins among others; None when it is not there."""
    return next((at for at in range(len(parts) - len(tail) + 1) if tuple(parts[at : at + len(tail)]) == tuple(tail)), None)


def _listed(entry: str, files: Files, tell: Tell, key: str) -> list[Path]:
    """The pictures that a text file lists."""
    try:
        lines = files.find(entry).read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except RecordRefused:
        return []
    found = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                found.append(files.find(line.strip()))
            except RecordRefused as wrong:
                tell(wrong.at(f"line {number} of split {key}"))
    return found


def _labels_of(path: Path, root: Path, known: frozenset[Path]) -> Path | None:
    """The text file of a picture; None without one."""
    parts = path.relative_to(root).with_suffix(".txt").parts
    places = [path.with_suffix(".txt")]
    if "images" in parts[:-1]:
        last = len(parts) - 1 - parts[::-1].index("images")
        places.insert(0, root.joinpath(*parts[:last], "labels", *parts[last + 1 :]))
    return next((place for place in places if place in known), None)


def _regions(labels: Path, image: Image, folder: _Folder, where: str, tell: Tell) -> Iterator[Region]:
    """The objects of a picture."""
    if labels.stat().st_size > MOST_LABEL_BYTES:
        raise RecordRefused("record_malformed", f"Its file of labels is larger than {MOST_LABEL_BYTES >> 20} MiB.")
    for number, line in enumerate(labels.read_text(encoding="utf-8-sig", errors="replace").splitlines(), start=1):
        if line.strip():
            try:
                yield from _objects(line.split(), image, folder, str(number))
            except RecordRefused as wrong:
                tell(wrong.at(f"{where}, line {number}"))


def _objects(words: Sequence[str], image: Image, folder: _Folder, line: str) -> Iterator[Region]:
    """The region of a line, and its key points."""
    if not words[0].isdigit() or int(words[0]) not in folder.names:
        raise RecordRefused("label_unknown", "Its class is no number that the list of names has.")
    label = label_of(str(folder.names[int(words[0])]))
    try:
        numbers = finite([float(word) for word in words[1:]])
    except ValueError:
        raise RecordRefused("record_malformed", "What stands behind its class are not all numbers.") from None
    height, width = image.shape
    points = folder.key_points[0] * folder.key_points[1] if folder.key_points else 0
    is_outline = len(numbers) >= 6 and len(numbers) % 2 == 0 and not points
    if not is_outline and len(numbers) != 4 + points:
        raise RecordRefused("record_malformed", f"It has {len(numbers)} numbers; a box has {4 + points}, an outline 6, 8, ….")
    places = numbers if is_outline else numbers[:4]
    if max(places) > ABOVE_ONE:
        said = f"Its numbers run from {min(places):g} to {max(places):g}: they are pixels, and not parts of the picture."
        raise RecordRefused("box_space", said)
    slack_px = _slack_px(words[1:], max(width, height))
    if is_outline:
        vertices = [(x * width, y * height) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
        yield Region(label, polygon_of(vertices, (height, width), slack_px=slack_px))
        return
    x, y, w, h = numbers[:4]
    corners = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
    otherwise = ((x * width, y * height, w * width, h * height), "x0, y0, x1, y1 in parts of the picture")
    said_of = {"object": line} if points else {}
    yield Region(label, box_of(corners, (height, width), otherwise=otherwise, slack_px=slack_px), attributes=said_of)
    step = folder.key_points[1] if folder.key_points else 1
    for index in range(0, points, step):
        place = numbers[4 + index : 4 + index + step]
        if place[-1] > 0 if step == 3 else any(place):
            if not (0 <= place[0] <= 1 and 0 <= place[1] <= 1):
                raise RecordRefused("box_outside", f"A key point lies at ({place[0]:g}, {place[1]:g}) parts of the picture.")
            name = f"key point {index // step}"
            yield Region(name, Point((place[1] * height, place[0] * width)), attributes=said_of)


def _slack_px(words: Sequence[str], side_px: int) -> float:
    """How far an edge may be off because numbers were rounded: half of the last digit for a center, a quarter for half a size."""
    digits = max(9 if "e" in word.lower() else len(word.partition(".")[2]) for word in words)
    return max(ROUNDED_PX, 0.75 * 10.0**-digits * side_px) if digits >= LEAST_DIGITS else ROUNDED_PX


def _write_labels(path: Path, image: Image, regions: Sequence[Region], classes: dict[str, int], dropped: Dropped) -> None:
    """The text file of a picture, with what stands there already."""
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    height, width = image.shape
    for region in regions:
        box = extent(region.geometry)
        if box is None:
            dropped["points, and masks that mark nothing: the format has boxes and outlines"] += 1
            continue
        if region.attributes:
            dropped["attributes of regions: the format has none"] += 1
        place = region.geometry
        if isinstance(place, Polygon):
            numbers = [value for y, x in place.vertices for value in (x / width, y / height)]
        else:
            x0, y0, x1, y1 = box.xyxy_px
            numbers = [(x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height]
            dropped.update({} if place is box else {"masks: their boxes were written, the format has no others": 1})
        row = [str(classes.setdefault(region.label, len(classes))), *(_written(value) for value in numbers)]
        rows += [row] if row not in rows else []
    if any(len(row) == 5 for row in rows):
        outlines = sum(len(row) > 5 for row in rows)
        dropped.update({"outlines beside boxes of one picture: their boxes were written": outlines} if outlines else {})
        rows = [row if len(row) == 5 else _boxed(row) for row in rows]
    with appearing(path) as draft:
        draft.write_text("".join(" ".join(row) + "\n" for row in rows), encoding="utf-8")


def _written(value: float) -> str:
    return f"{value:.{DIGITS}f}".rstrip("0").rstrip(".") or "0"


def _boxed(row: Sequence[str]) -> list[str]:
    """The line of an outline as that of its box."""
    numbers = [float(word) for word in row[1:]]
    low, high = [min(numbers[axis::2]) for axis in (0, 1)], [max(numbers[axis::2]) for axis in (0, 1)]
    middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
    return [row[0], *(_written(value) for value in (*middle, high[0] - low[0], high[1] - low[1]))]
