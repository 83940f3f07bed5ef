"""BCCD: photographs of stained blood smears with boxes around white cells, red cells and platelets (Pascal VOC).

What:       304 fields of view of 640 × 480 px; 311 white cells, 3,363 red cells, 306 platelets as published.
Layout:     `BCCD/JPEGImages/*.jpg`, `BCCD/Annotations/*.xml`, `BCCD/ImageSets/Main/*.txt`; read with any number of pictures.
Split unit: the part of a smear: a field of view, or the fields that overlap it. 58 of the 304 published fields overlap
            others (most were photographed again on the way back); they are 24 units. The collection names no
            patients, so units of one person may lie on both sides of a split; figures on it say nothing about new
            patients. The published lists (train, val, test) part overlapping fields; they are named in
            `provenance.annotation` but not used: our split is a function of the key alone and holds for further
            pictures too.
Labels:     boxes drawn by hand by the authors. Corners are 1-based and inclusive (over the collection they run from 1
            to 640 and 480), so a box from 1 to 640 covers pixels 0..639.
Defects:    what has no box is not always absent (looked at, all or a sample): the 6 fields without a white cell's box
            all show one, the 15 without a red cell's box all show many, and of those without a platelet's box about
            one in four shows some; where few red cells are boxed, more are to be seen. So nothing is called absent,
            and nothing is asked about absent white cells, nor where red cells are. One red cell's box has no extent: a
            fault. Of the 24 units of overlapping fields the published lists part 18, 11 of them between test and the rest.
Samples:    a field with all its boxes. `asked` makes questions of them: "Where are the white blood cells?" where they
            are boxed, "Where are the platelets?", "none" without boxes.
Licence:    MIT.
Source:     github.com/Shenggan/BCCD_Dataset.
"""

import logging
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vesalius.clinical import keys
from vesalius.datasets import split
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.sources import Files, Pictures, RecordRefused
from vesalius.errors import InputRefused
from vesalius.types import Box, Provenance, Region, Sample, SampleImage

log = logging.getLogger(__name__)

NAME = "bccd"
LICENCE = "MIT"
LABELS = {"WBC": "white blood cell", "RBC": "red blood cell", "Platelets": "platelet"}
PLURALS = {"white blood cell": "white blood cells", "red blood cell": "red blood cells", "platelet": "platelets"}
# Cell types that are asked for, and whether a field without their boxes is taken to show none.
LOCATED = {"white blood cell": False, "platelet": True}
MOST_LOCATED = 6  # more boxes than this are counted by people, not listed
# Fields that overlap by at least 15 % of their area. Found by correlating all 46,056 pairs at every shift (local contrast,
# 160 × 120 px): these reach 0.88 or more, every other pair stays below 0.58. The first of a row names them all.
_OVERLAPPING = (
    (19, 20), (37, 38), (40, 41), (44, 45), (107, 108), (160, 161), (165, 166, 193), (204, 205, 276, 277), (206, 278),
    (207, 279), (223, 224, 225, 262, 263, 264), (226, 261), (227, 260), (228, 259), (229, 258), (230, 257),
    (231, 232, 255, 256), (233, 254), (236, 253), (237, 252), (239, 240), (242, 248, 249), (243, 250), (244, 247),
)  # fmt: skip
_UNIT = {f"BloodImage_{member:05}": f"BloodImage_{row[0]:05}" for row in _OVERLAPPING for member in row}


@dataclass(frozen=True, eq=False)
class Field:
    """One field of view: the picture, whom it counts for, and every usable box as a region in pixels."""

    file_name: str
    shown: SampleImage
    provenance: Provenance
    regions: tuple[Region, ...]

    def of(self, label: str) -> tuple[Region, ...]:
        """The regions of one cell type."""
        return tuple(region for region in self.regions if region.label == label)


def recognizes(root: Path) -> bool:
    """Whether `root` has the published layout (`BCCD/JPEGImages` and `BCCD/Annotations`)."""
    return (root / "BCCD" / "JPEGImages").is_dir() and (root / "BCCD" / "Annotations").is_dir()


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """Every field of view with all its boxes.

    Args:
        root: the folder that holds `BCCD/`.
        tell: takes faults; a field of view without the box that has one stays.

    Raises:
        InputRefused: `bad_dataset`: another layout, or no usable annotation.
    """
    for stem, field in fields(root, tell).items():
        key = f"{NAME}-{keys.key(NAME, stem, 'annotation', salted=False)}"
        yield Sample(key, "annotation", (field.shown,), (), field.provenance, field.regions)


def asked(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """Where the white blood cells and the platelets are, each question with at most `MOST_LOCATED` boxes; as `read`."""
    for stem, field in fields(root, tell).items():
        for label, may_be_absent in LOCATED.items():
            found = field.of(label)
            if len(found) > MOST_LOCATED or not (found or may_be_absent):
                continue
            made = questions.where(label, found, plural=PLURALS[label])
            key = f"{NAME}-{keys.key(NAME, stem, label, salted=False)}"
            yield Sample(key, made.task, (field.shown,), made.turns, field.provenance, made.regions)


def fields(root: Path, tell: Tell = refuse) -> dict[str, Field]:
    """Every annotated picture of the folder by its file's stem, in sorted order; each picture opened once.

    Raises:
        InputRefused: `bad_dataset`, as `read`.
    """
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset",
            "The folder does not have BCCD/JPEGImages and BCCD/Annotations. Without both there are no pictures with "
            "boxes to read. Give the folder that holds BCCD/.",
        )
    published, found = _published_lists(root), {}
    pictures = Pictures(Files(root / "BCCD"))
    names = {path.stem: path.name for path in sorted((root / "BCCD" / "JPEGImages").iterdir()) if path.is_file()}
    pictures.expect(f"JPEGImages/{name}" for name in names.values())
    annotations = sorted((root / "BCCD" / "Annotations").glob("*.xml"))
    for row, path in enumerate(annotations, start=1):
        try:
            if path.stem not in names:
                raise RecordRefused("media_missing", "The annotation has no picture.")
            found[path.stem] = _field(path, pictures, names[path.stem], published.get(path.stem), f"annotation {row}", tell)
        except RecordRefused as wrong:
            tell(wrong.at(f"annotation {row}"))
    if unused := len(names.keys() - {path.stem for path in annotations}):
        log.warning("bccd: pictures without an annotation, left out: %d", unused)
    if not found:
        raise InputRefused(
            "bad_dataset",
            "No annotation of the folder can be read together with its picture. There is nothing to learn from. Copy it again.",
        )
    return found


def _field(annotation: Path, pictures: Pictures, name: str, published: str | None, where: str, tell: Tell) -> Field:
    """One picture with the boxes of its Pascal VOC file."""
    image = pictures.open(f"JPEGImages/{name}", modality="SM")
    regions = tuple(Region(label, box) for label, box in _boxes(annotation, image.shape, where, tell))
    stem = Path(name).stem
    unit = keys.key(NAME, _UNIT.get(stem, stem), salted=False)
    origin = "VOC boxes" if published is None else f"VOC boxes, published list {published}"
    study = keys.key(NAME, stem, "study", salted=False)
    provenance = Provenance(NAME, LICENCE, unit, study, origin, split.by_patient(unit))
    return Field(name, SampleImage("current", image), provenance, regions)


def _boxes(annotation: Path, shape: tuple[int, ...], where: str, tell: Tell) -> Iterator[tuple[str, Box]]:
    """Label and box of every usable object; the others are told."""
    try:
        root = ElementTree.parse(annotation).getroot()
    except ElementTree.ParseError as wrong:
        raise RecordRefused("record_malformed", "It is not well-formed XML.") from wrong
    stated = tuple(root.findtext(f"size/{side}", default="0").strip() for side in ("height", "width"))
    # Some tools write 0 × 0 for "not measured".
    if "0" not in stated and stated != tuple(str(side) for side in shape):
        raise RecordRefused("box_space", "It states another size than the picture has: its boxes belong to another grid.")
    for number, item in enumerate(root.iter("object"), start=1):
        name = item.findtext("name", default="").strip()
        try:
            if name not in LABELS:
                raise RecordRefused("label_unknown", "An object's name is none of " + ", ".join(LABELS) + ".")
            yield LABELS[name], _box(item, shape)
        except RecordRefused as wrong:
            tell(Fault(wrong.code, f"{where}, object {number}", wrong.message))


def _box(item: ElementTree.Element, shape: tuple[int, ...]) -> Box:
    """The object's box in our pixels (half open, from 0)."""
    try:
        x0, y0, x1, y1 = (float(item.findtext(f"bndbox/{c}", default="")) for c in ("xmin", "ymin", "xmax", "ymax"))
    except ValueError as wrong:
        raise RecordRefused("record_malformed", "An object's box is not four numbers.") from wrong
    if not all(math.isfinite(corner) for corner in (x0, y0, x1, y1)):
        raise RecordRefused("record_malformed", "An object's box is not four finite numbers.")
    if x0 == x1 or y0 == y1:
        raise RecordRefused("box_without_extent", "The first and the last column or row of a box are the same.")
    if x0 > x1 or y0 > y1:
        raise RecordRefused("box_inverted", "A box ends before it begins.")
    height, width = shape
    if x0 < 1 or y0 < 1 or x1 > width or y1 > height:
        raise RecordRefused("box_outside", f"A box reaches outside of a picture of {width} × {height} px.")
    return Box.from_xyxy_px(x0 - 1, y0 - 1, x1, y1)


def _published_lists(root: Path) -> Mapping[str, str]:
    """File stem → the published list it stands in; empty when the folder has none."""
    lists = {}
    for name in ("train", "val", "test"):
        path = root / "BCCD" / "ImageSets" / "Main" / f"{name}.txt"
        if path.is_file():
            lists.update(dict.fromkeys(path.read_text(encoding="utf-8").split(), name))
    return lists
