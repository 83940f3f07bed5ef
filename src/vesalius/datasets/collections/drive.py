"""drive: photographs of the retina with every vessel marked by hand.

What:       40 photographs of 565 × 584 px, 20 to learn from and 20 to be tested on, of a screening for diabetic retinopathy.
Layout:     `training/` and `test/`, each with `images/21_training.tif`, `1st_manual/21_manual1.gif` (vessels),
            `mask/21_training_mask.gif` (the round field of view), and for the test set `2nd_manual/01_manual2.gif`, a second
            observer. Pictures that were saved anew as JPEG or PNG are found as well. Read with any number of pictures.
Split unit: the photograph; the collection names no patients. As published.
Labels:     vessels marked pixel by pixel by one of three trained observers. The field of view was found by a program.
Defects:    the second observer's marks are a region of their own, "retinal vessels" with the attribute observer "2": they
            are not the truth of the benchmark. 25 of 32 pictures that were looked at have some vessel pixels (up to 78)
            outside of their field of view.
Samples:    a photograph with its vessels and its field of view as masks.
Licence:    for research; Staal et al. 2004 state none. Some copies are under CC BY 4.0.
Source:     drive.grand-challenge.org; Staal et al. 2004, IEEE Transactions on Medical Imaging 23(4): 501.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from vesalius.clinical import keys
from vesalius.datasets.collections import masks
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.sources import Files, Pictures, RecordRefused
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Region, Sample, SampleImage

NAME = "drive"
LICENCE = "for research"
VESSELS, FIELD = "retinal vessels", "field of view"
PARTS: dict[str, Literal["train", "test"]] = {"training": "train", "test": "test"}
_PICTURE = re.compile(r"(\d+)_(training|test)\.(tiff?|jpe?g|png)", re.IGNORECASE)


def recognizes(root: Path) -> bool:
    """Whether `root` has `training/` or `test/` with both `images/` and `1st_manual/` or `mask/`."""
    return any((root / part / "images").is_dir() and (root / part / "mask").is_dir() for part in PARTS)


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """Every photograph of `training/` and `test/`.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset",
            "The folder has neither training/ nor test/ with images/ and mask/ in it. Without them no picture has its "
            "vessels. Give the folder that holds training/ and test/.",
        )
    pictures = Pictures(Files(root))
    for part, split in PARTS.items():
        found = [path for path in pictures.files.paths if path.parent == pictures.files.root / part / "images"]
        names = [(f"{part}/images/{path.name}", named) for path in found if (named := _PICTURE.fullmatch(path.name))]
        pictures.expect(name for name, _ in names)
        pictures.expect(_files_of(named[1], part)[what] for _, named in names for what in ("first", "second", "field"))
        if len(names) < len(found):
            tell(Fault("media_unused", f"{part}/images", f"{len(found) - len(names)} files are not named like the published."))
        for name, named in names:
            try:
                yield _sample(name, named[1], part, split, pictures, tell)
            except RecordRefused as wrong:
                tell(wrong.at(f"picture {named[1]} of {part}"))


def _sample(name: str, number: str, part: str, split: Literal["train", "test"], pictures: Pictures, tell: Tell) -> Sample:
    image = pictures.open(name, modality="OP")
    regions = []
    for what, file in _files_of(number, part).items():
        try:
            if file in pictures.files or (what == "first" and part == "training"):
                drawn = masks.above(pictures.open(file), image, value=127.0)
                observer = {"first": {"observer": "1"}, "second": {"observer": "2"}, "field": {}}[what]
                regions.append(Region(FIELD if what == "field" else VESSELS, drawn, attributes=observer))
        except RecordRefused as wrong:
            tell(wrong.at(f"picture {number} of {part}, {what}"))
    patient = keys.key(NAME, number, salted=False)
    study = keys.key(NAME, number, "study", salted=False)
    provenance = Provenance(NAME, LICENCE, patient, study, "vessels marked by hand", split)
    key = f"{NAME}-{keys.key(NAME, part, number, salted=False)}"
    return Sample(key, "annotation", (SampleImage("current", image),), (), provenance, tuple(regions))


def _files_of(number: str, part: str) -> dict[str, str]:
    """Where the marks of both observers and the field of view of a picture lie."""
    return {
        "first": f"{part}/1st_manual/{number}_manual1.gif",
        "second": f"{part}/2nd_manual/{number}_manual2.gif",
        "field": f"{part}/mask/{number}_{part}_mask.gif",
    }
