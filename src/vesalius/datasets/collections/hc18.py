"""hc18: ultrasound pictures of fetal heads with their pixel size, the head's outline and its circumference.

What:       999 pictures to learn from and 335 to be tested on of about 800 × 540 px, of 551 pregnancies in all trimesters.
Layout:     `training_set_pixel_size_and_HC.csv` (filename, pixel size(mm), head circumference (mm)), `training_set/*_HC.png`
            with `*_HC_Annotation.png`, the outline; `test_set_pixel_size.csv` and `test_set/`, without truth. Copies with
            filled masks, `*_HC_Mask.png`, are read as well: a filled mask is used where there is one. Read with any number
            of pictures.
Split unit: the number in front of the name: 010_HC, 010_2HC and 010_3HC are pictures of one pregnancy. As published
            elsewhere the set to learn from is `train` and the other `test`.
Labels:     ellipses that a sonographer drew, and their circumference in mm. The pixel size holds for both axes.
Defects:    a filled mask made from a drawn outline includes the line itself. In the part of the collection that was looked
            at, pictures of one pregnancy with the very same size and circumference are copies or neighbors of one clip.
Samples:    a picture with the head as a mask and its circumference; those to be tested on have neither.
Licence:    CC BY 4.0.
Source:     zenodo.org/records/1327317; van den Heuvel et al. 2018, PLoS ONE 13(8): e0200412.
"""

import math
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vesalius.clinical import keys
from vesalius.datasets.collections import masks
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.sources import Files, Pictures, RecordRefused, columns, table
from vesalius.errors import InputRefused
from vesalius.types import Mask, Measurement, Provenance, Region, Sample, SampleImage

NAME = "hc18"
LICENCE = "CC BY 4.0"
LABEL, QUANTITY = "fetal head", "head circumference"
TABLES = {"training_set_pixel_size_and_HC.csv": "train", "test_set_pixel_size.csv": "test"}
_NAMED = re.compile(r"(\d+)_(\d*)HC\.png", re.IGNORECASE)
_SIZE, _CIRCUMFERENCE = "pixel size(mm)", "head circumference (mm)"


def recognizes(root: Path) -> bool:
    """Whether `root` holds one of the two tables with their columns."""
    return any({"filename", _SIZE} <= set(columns(root / name)) for name in TABLES if (root / name).is_file())


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """Every picture of the tables.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset",
            "The folder holds neither of the two tables with file names and pixel sizes. Without them nothing says how large "
            "a pixel is. Give the folder that holds training_set_pixel_size_and_HC.csv.",
        )
    pictures = Pictures(Files(root))
    for name in TABLES:
        if (root / name).is_file():
            yield from _table(root / name, pictures, tell)


def _table(path: Path, pictures: Pictures, tell: Tell) -> Iterator[Sample]:
    rows = list(table(path))
    folder = "training_set" if TABLES[path.name] == "train" else "test_set"
    drawn = [_outline(f"{folder}/{row.get('filename', '')}", pictures) for _, row in rows]
    pictures.expect([*(f"{folder}/{row.get('filename', '')}" for _, row in rows), *filter(None, drawn)])
    for (where, row), outline in zip(rows, drawn, strict=True):
        try:
            yield _sample(row, folder, outline, path.name, pictures)
        except RecordRefused as wrong:
            tell(wrong.at(f"{where} of {path.name}"))


def _outline(name: str, pictures: Pictures) -> str | None:
    """The file of the head's mask or outline, a mask first."""
    stem = name.removesuffix(".png")
    return next((each for each in (f"{stem}_Mask.png", f"{stem}_Annotation.png") if each in pictures.files), None)


def _sample(row: dict[str, str], folder: str, outline: str | None, origin: str, pictures: Pictures) -> Sample:
    name = row["filename"].strip()
    if (named := _NAMED.fullmatch(name)) is None:
        raise RecordRefused("record_malformed", "The file name does not begin with the number of a pregnancy.")
    size_mm = _positive(row[_SIZE], "pixel size")
    image = pictures.open(f"{folder}/{name}", modality="US", spacing_mm=(size_mm, size_mm))
    regions: tuple[Region, ...] = ()
    if outline is not None:
        drawn = pictures.open(outline)
        mask = masks.above(drawn, image, value=127.0)
        regions = (Region(LABEL, mask if "_Mask" in outline else Mask(partial(filled, mask))),)
    elif folder == "training_set":
        raise RecordRefused("media_missing", "The picture has neither an outline nor a mask.")
    measured: tuple[Measurement, ...] = ()
    if _CIRCUMFERENCE in row:
        value = _positive(row[_CIRCUMFERENCE], "circumference")
        measured = (Measurement(QUANTITY, value, "mm", "of an ellipse that a sonographer drew", 0 if regions else None),)
    patient = keys.key(NAME, named[1], salted=False)
    study = keys.key(NAME, named[1], "study", salted=False)
    split = "train" if folder == "training_set" else "test"
    provenance = Provenance(NAME, LICENCE, patient, study, origin, split)  # type: ignore[arg-type]
    key = f"{NAME}-{keys.key(NAME, folder, name, salted=False)}"
    return Sample(key, "annotation", (SampleImage("current", image),), (), provenance, regions, measured)


def filled(line: Mask) -> npt.NDArray[np.bool_]:
    """What a closed line encloses, the line with it: all that cannot be reached from the picture's border."""
    inside = line.load()
    outside = np.zeros(tuple(side + 2 for side in inside.shape), bool)
    free = np.pad(~inside, 1, constant_values=True)
    outside[0, :] = True
    while True:  # each round carries what is reached along whole rows and columns
        before = outside.sum()
        for axis in (0, 1):
            for turned in (slice(None), slice(None, None, -1)):
                outside = _carried(outside, free, axis, turned)
        if outside.sum() == before:
            return ~outside[1:-1, 1:-1]


def _carried(reached: npt.NDArray[np.bool_], free: npt.NDArray[np.bool_], axis: int, turned: slice) -> npt.NDArray[np.bool_]:
    """What is reached, carried on along one direction through what is free."""
    moved, through = (np.moveaxis(array, axis, 0)[turned] for array in (reached, free))
    index = np.arange(len(moved))[:, None]
    last_reached = np.maximum.accumulate(np.where(moved, index, -1), axis=0)
    last_wall = np.maximum.accumulate(np.where(through, -1, index), axis=0)
    found = (last_reached > last_wall) & through
    return np.moveaxis(found[turned], 0, axis)


def _positive(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise RecordRefused("record_malformed", f"The {what} is no positive number.")
    return value
