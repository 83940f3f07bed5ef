"""What files made by code hold: small pictures, each seed another, and canaries wherever a format has room for text."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom.dataset import Dataset

CANARY = "ZZCANARY"
NAME, NUMBER, BORN, INSTITUTE = f"{CANARY}^QX", f"{CANARY}-77", "19370423", "ZZINSTITUTE"
PLANTED = (CANARY, INSTITUTE, BORN)

Pixels = npt.NDArray[np.generic]


def picture_u8(rows: int, columns: int, *, seed: int) -> npt.NDArray[np.uint8]:
    """A gradient with a disc and noise, (rows, columns)."""
    y, x = np.mgrid[0:rows, 0:columns]
    disc = 60 * ((y - rows / 2) ** 2 + (x - columns / 2) ** 2 < (min(rows, columns) / 3) ** 2)
    noise = np.random.default_rng(seed).integers(0, 40, (rows, columns))
    return np.asarray(x * 120 // columns + disc + noise, dtype=np.uint8)


def picture_u16(rows: int, columns: int, *, seed: int) -> npt.NDArray[np.uint16]:
    """The same with 12 bits."""
    return picture_u8(rows, columns, seed=seed).astype(np.uint16) * np.uint16(16)


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """A picture as the bytes of a file, by Pillow."""
    written = io.BytesIO()
    picture.save(written, kind, **options)
    return written.getvalue()


def plant(dataset: Dataset) -> None:
    """Put canaries where a name, a number, a date or free text may stand."""
    dataset.PatientName, dataset.PatientID = NAME, NUMBER
    dataset.PatientBirthDate, dataset.InstitutionName = BORN, INSTITUTE
    dataset.AccessionNumber, dataset.ReferringPhysicianName = NUMBER, NAME
    dataset.StudyDescription = dataset.SeriesDescription = dataset.PatientComments = f"{CANARY} said so"
    dataset.ImageComments, dataset.ProtocolName, dataset.StationName = NAME, NUMBER, NUMBER
    block = dataset.private_block(0x0099, f"{CANARY} MAKER", create=True)
    block.add_new(0x01, "LO", NAME)
