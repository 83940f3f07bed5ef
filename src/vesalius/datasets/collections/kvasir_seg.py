"""kvasir_seg: pictures of colonoscopies with the polyp as a mask.

What:       1,000 pictures of polyps of 332 × 487 to 1,920 × 1,072 px.
Layout:     `images/*.jpg` and `masks/*.jpg` of the same names, which begin with "cj" or "ck"; `kavsir_bboxes.json` holds the
            boxes of the same masks and is not read. Read with any number of pictures.
Split unit: the picture: nothing says which are of one patient, so figures on it say nothing about new patients.
Labels:     outlines drawn by a physician and an engineer, checked by a gastroenterologist.
Defects:    masks are JPEG: values between black and white near the border are cut in the middle (above 127). Some pictures
            show the endoscope's position in a green inset, and text.
Samples:    a picture with its polyps as one mask.
Licence:    for research and education.
Source:     datasets.simula.no/kvasir-seg; Jha et al. 2020, MultiMedia Modeling.
"""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from vesalius.clinical import keys
from vesalius.datasets.collections import masks
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.sources import Files, Pictures, RecordRefused, patient_of
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Region, Sample, SampleImage

NAME = "kvasir_seg"
LICENCE = "for research and education"
LABEL = "polyp"
_NAMED = re.compile(r"c[jk][a-z0-9]{23}\.jpe?g")
_LOOKED_AT = 16


def recognizes(root: Path) -> bool:
    """Whether `root` has `images/` and `masks/` with pictures named as the collection names them."""
    if not ((root / "images").is_dir() and (root / "masks").is_dir()):
        return False
    names = [path.name for path in islice((root / "images").iterdir(), _LOOKED_AT)]
    return bool(names) and all(_NAMED.fullmatch(name) for name in names)


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """Every picture with its mask, by name.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset",
            "The folder does not have images/ and masks/ with the published names. Without both no polyp is marked. Give the "
            "folder that holds them.",
        )
    pictures = Pictures(Files(root))
    names = sorted(path.name for path in (root / "images").iterdir())
    pictures.expect(f"{folder}/{name}" for folder in ("images", "masks") for name in names)
    for number, name in enumerate(names, start=1):
        try:
            if not (root / "masks" / name).is_file():  # looked for elsewhere, its picture would be found: the names are the same
                raise RecordRefused("media_missing", "The picture has no mask.")
            image = pictures.open(f"images/{name}", modality="ES")
            drawn = masks.above(pictures.open(f"masks/{name}"), image, value=127.0)
            stem = Path(name).stem
            study = keys.key(NAME, stem, "study", salted=False)
            provenance = Provenance(NAME, LICENCE, patient_of(image), study, "masks")
            key = f"{NAME}-{keys.key(NAME, stem, salted=False)}"
            yield Sample(key, "annotation", (SampleImage("current", image),), (), provenance, (Region(LABEL, drawn),))
        except RecordRefused as wrong:
            tell(wrong.at(f"picture {number}"))
