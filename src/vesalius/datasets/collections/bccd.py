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
            one in four shows some; where few red cells are boxed, more are to be seen. So nothing is asked about
            absent white cells, nor where red cells are. One red cell's box has no extent; it is dropped. Crossed
            corners are put right and corners outside the picture clipped, each with a log line that counts them; the
            published collection has none.
Samples:    "Where are the white blood cells?" where they are boxed, "Where are the platelets?", "none" without boxes.
Licence:    MIT.
Source:     github.com/Shenggan/BCCD_Dataset.
"""

import logging
import math
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vesalius.clinical import keys
from vesalius.clinical.images import open_image
from vesalius.datasets import split
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Tell, refuse
from vesalius.errors import InputRefused, Problem
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
    """Location samples of white blood cells and platelets, each with at most `MOST_LOCATED` boxes.

    Args:
        root: the folder that holds `BCCD/`.
        tell: takes faults; nothing is told yet, what is malformed is refused.

    Raises:
        InputRefused: `bad_dataset`, with every malformed annotation.
    """
    for stem, field in fields(root).items():
        for label, may_be_absent in LOCATED.items():
            found = field.of(label)
            if len(found) > MOST_LOCATED or not (found or may_be_absent):
                continue
            asked = questions.where(label, found, plural=PLURALS[label])
            key = f"{NAME}-{keys.key(NAME, stem, label, salted=False)}"
            yield Sample(key, asked.task, (field.shown,), asked.turns, field.provenance, asked.regions)


def fields(root: Path) -> dict[str, Field]:
    """Every annotated picture of the folder by its file's stem, in sorted order; each picture opened once."""
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset",
            "The folder does not have BCCD/JPEGImages and BCCD/Annotations. Without both there are no pictures with "
            "boxes to read. Give the folder that holds BCCD/.",
        )
    problems: list[Problem] = []
    counts: Counter[str] = Counter()
    published, found = _published_lists(root), {}
    pictures = {path.stem: path for path in sorted((root / "BCCD" / "JPEGImages").iterdir()) if path.is_file()}
    for row, path in enumerate(sorted((root / "BCCD" / "Annotations").glob("*.xml")), start=1):
        if path.stem not in pictures:
            counts["annotations without a picture, skipped"] += 1
            continue
        try:
            found[path.stem] = _field(path, pictures[path.stem], published.get(path.stem), counts)
        except InputRefused as refused:
            problems.append(Problem(f"annotation {row}", refused.message))
    counts["pictures without an annotation, skipped"] = len(pictures) - len(found) - len(problems)
    for what, number in counts.items():
        if number:
            log.warning("bccd: %s: %d", what, number)
    if problems or not found:
        raise InputRefused(
            "bad_dataset",
            f"{len(problems)} annotations of the folder cannot be read and {len(found)} can. A model trained on the "
            "rest would count wrongly without anyone noticing. Mend or remove those in the list (sorted order).",
            problems,
        )
    return found


def _field(annotation: Path, picture: Path, published: str | None, counts: Counter[str]) -> Field:
    """One picture with the boxes of its Pascal VOC file."""
    image = open_image(picture, modality="SM")
    regions = tuple(Region(label, box) for label, box in _boxes(annotation, image.shape, counts))
    unit = keys.key(NAME, _UNIT.get(picture.stem, picture.stem), salted=False)
    origin = "VOC boxes" if published is None else f"VOC boxes, published list {published}"
    study = keys.key(NAME, picture.stem, "study", salted=False)
    provenance = Provenance(NAME, LICENCE, unit, study, origin, split.by_patient(unit))
    return Field(picture.name, SampleImage("current", image), provenance, regions)


def _boxes(annotation: Path, shape: tuple[int, ...], counts: Counter[str]) -> Iterator[tuple[str, Box]]:
    """Label and box of every usable object; what was put right or dropped goes to `counts`."""
    try:
        root = ElementTree.parse(annotation).getroot()
    except ElementTree.ParseError as wrong:
        raise _malformed("it is not well-formed XML") from wrong
    stated = tuple(root.findtext(f"size/{side}", default="0").strip() for side in ("height", "width"))
    # Some tools write 0 × 0 for "not measured".
    if "0" not in stated and stated != tuple(str(side) for side in shape):
        raise _malformed("it states another size than the picture has, so that its boxes belong to another grid")
    for item in root.iter("object"):
        name = item.findtext("name", default="").strip()
        if name not in LABELS:
            raise _malformed("an object's name is none of " + ", ".join(LABELS))
        box = _repaired(item, shape, counts)
        if box is not None:
            yield LABELS[name], box


def _repaired(item: ElementTree.Element, shape: tuple[int, ...], counts: Counter[str]) -> Box | None:
    """The object's box in our pixels (half open, from 0), or None when it has no extent inside the picture."""
    try:
        x0, y0, x1, y1 = (float(item.findtext(f"bndbox/{c}", default="")) for c in ("xmin", "ymin", "xmax", "ymax"))
    except ValueError as wrong:
        raise _malformed("an object's box is not four numbers") from wrong
    if not all(math.isfinite(corner) for corner in (x0, y0, x1, y1)):
        raise _malformed("an object's box is not four finite numbers")
    if x0 == x1 or y0 == y1:
        counts["boxes without extent, dropped"] += 1
        return None
    if x0 > x1 or y0 > y1:
        counts["boxes with crossed corners, put right"] += 1
        x0, x1, y0, y1 = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    height, width = shape
    inside = (max(0.0, x0 - 1), max(0.0, y0 - 1), min(float(width), x1), min(float(height), y1))
    if inside != (x0 - 1, y0 - 1, x1, y1):
        counts["boxes that leave the picture, clipped"] += 1
    if inside[0] >= inside[2] or inside[1] >= inside[3]:
        counts["boxes outside the picture, dropped"] += 1
        return None
    return Box.from_xyxy_px(*inside)


def _published_lists(root: Path) -> Mapping[str, str]:
    """File stem → the published list it stands in; empty when the folder has none."""
    lists = {}
    for name in ("train", "val", "test"):
        path = root / "BCCD" / "ImageSets" / "Main" / f"{name}.txt"
        if path.is_file():
            lists.update(dict.fromkeys(path.read_text(encoding="utf-8").split(), name))
    return lists


def _malformed(what: str) -> InputRefused:
    return InputRefused("bad_dataset", f"The annotation cannot be used: {what}.")
