"""monuseg: stained tissue sections with every nucleus outlined.

What:       30 sections to learn from and 14 to be tested on, of 1,000 × 1,000 px at 40 ×, seven organs, of as many patients;
            some 28,800 nuclei. Or patches of 256 × 256 px that others have cut of them, with masks and a model's answers.
Layout:     `*.tif` named by TCGA with `*.xml` (ImageScope) of the same names, wherever both lie. Or `img_0.png`,
            `label_0.png` and `pred_0.png`. Read with any number of them.
Split unit: the patient, the first twelve letters of TCGA's name. Patches name nobody: each is a unit, and neighbors may lie
            on both sides of a split.
Labels:     outlines drawn by students and checked by a pathologist. Coordinates are pixels from 0, x before y.
Defects:    nuclei that touch one another are one in the masks of patches. A model's answers are regions of their own name,
            "predicted nuclei": they are no truth.
Samples:    a section with a polygon per nucleus; a patch with one mask of all nuclei, and one of what a model took for them.
Licence:    CC BY-NC-SA 4.0.
Source:     monuseg.grand-challenge.org; Kumar et al. 2017, IEEE Transactions on Medical Imaging 36(7): 1550.
"""

import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from vesalius.clinical import keys
from vesalius.clinical.upload import files_below
from vesalius.datasets.collections import masks
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.sources import Files, Pictures, RecordRefused, patient_of
from vesalius.errors import InputRefused
from vesalius.types import Image, Polygon, Provenance, Region, Sample, SampleImage

NAME = "monuseg"
LICENCE = "CC BY-NC-SA 4.0"
NUCLEUS, NUCLEI, PREDICTED = "nucleus", "nuclei", "predicted nuclei"
_PATCH = re.compile(r"img_(\d+)\.png")
_SECTION = re.compile(r"(TCGA-[A-Z0-9]{2}-[A-Z0-9]{4})-.*\.tiff?", re.IGNORECASE)
_MOST_LISTED = 2000
_MOST_VERTICES = 100_000
_BESIDE_PX = 2.0  # outlines were drawn on the picture's border, and a little beyond


def recognizes(root: Path) -> bool:
    """Whether `root` holds patches with labels, or TCGA's sections with ImageScope files of the same names."""
    if not root.is_dir():
        return False
    if (root / "img_0.png").is_file() and (root / "label_0.png").is_file():
        return True
    names = {path.name for _, path in zip(range(_MOST_LISTED), files_below(root), strict=False)}
    return any(_SECTION.fullmatch(name) and f"{Path(name).stem}.xml" in names for name in names)


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """Every section with an outline, then every patch.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset",
            "The folder holds neither patches with labels nor sections with ImageScope files. Without them no nucleus is "
            "marked. Give the folder that holds them.",
        )
    pictures = Pictures(Files(root))
    sections = [path for path in pictures.files.paths if _SECTION.fullmatch(path.name)]
    patches = sorted((int(named[1]), path.name) for path in pictures.files.paths if (named := _PATCH.fullmatch(path.name)))
    pictures.expect(path.relative_to(pictures.files.root).as_posix() for path in sections)
    pictures.expect(f"{kind}_{number}.png" for number, _ in patches for kind in ("img", "label", "pred"))
    for place, path in enumerate(sections, start=1):
        try:
            yield _section(path, f"section {place}", pictures, tell)
        except RecordRefused as wrong:
            tell(wrong.at(f"section {place}"))
    for number, name in patches:
        try:
            yield _patch(number, name, pictures)
        except RecordRefused as wrong:
            tell(wrong.at(f"patch {number}"))


def _section(path: Path, where: str, pictures: Pictures, tell: Tell) -> Sample:
    named = _SECTION.fullmatch(path.name)
    assert named is not None, "only such names are listed"
    image = pictures.at(path, modality="SM")
    try:
        drawn = ElementTree.parse(pictures.files.find(f"{path.stem}.xml")).getroot()
    except ElementTree.ParseError as wrong:
        raise RecordRefused("record_malformed", "Its outlines are not well-formed XML.") from wrong
    regions = []
    for number, outline in enumerate(drawn.iter("Region"), start=1):
        try:
            regions.append(Region(NUCLEUS, _polygon(outline, image)))
        except RecordRefused as wrong:
            tell(Fault(wrong.code, f"{where}, outline {number}", wrong.message))
    split: Literal["test"] | None = "test" if "test" in path.relative_to(pictures.files.root).as_posix().lower() else None
    patient = keys.key(NAME, named[1].upper(), salted=False)
    provenance = Provenance(NAME, LICENCE, patient, keys.key(NAME, path.stem, "study", salted=False), "outlines", split)
    key = f"{NAME}-{keys.key(NAME, path.stem, salted=False)}"
    return Sample(key, "annotation", (SampleImage("current", image),), (), provenance, tuple(regions))


def _polygon(outline: ElementTree.Element, image: Image) -> Polygon:
    try:
        vertices = [(float(vertex.get("Y", "")), float(vertex.get("X", ""))) for vertex in outline.iter("Vertex")]
    except ValueError as wrong:
        raise RecordRefused("record_malformed", "A corner of an outline is no pair of numbers.") from wrong
    if not 3 <= len(vertices) <= _MOST_VERTICES or not all(math.isfinite(y + x) for y, x in vertices):
        raise RecordRefused("record_malformed", f"An outline has {len(vertices)} corners, or corners that are not finite.")
    height, width = image.shape
    if any(not (-_BESIDE_PX <= y <= height + _BESIDE_PX and -_BESIDE_PX <= x <= width + _BESIDE_PX) for y, x in vertices):
        raise RecordRefused("box_outside", f"An outline leaves its picture of {width} × {height} px.")
    return Polygon(tuple(vertices))


def _patch(number: int, name: str, pictures: Pictures) -> Sample:
    image = pictures.open(name, modality="SM")
    regions = [Region(NUCLEI, masks.above(pictures.open(f"label_{number}.png"), image, value=127.0))]
    if f"pred_{number}.png" in pictures.files:
        predicted = masks.above(pictures.open(f"pred_{number}.png"), image, value=127.0)
        regions.append(Region(PREDICTED, predicted, attributes={"drawn by": "a model"}))
    study = keys.key(NAME, image.source.sha256, "study", salted=False)
    provenance = Provenance(NAME, LICENCE, patient_of(image), study, "masks of patches")
    key = f"{NAME}-{keys.key(NAME, image.source.sha256, salted=False)}"
    return Sample(key, "annotation", (SampleImage("current", image),), (), provenance, tuple(regions))
