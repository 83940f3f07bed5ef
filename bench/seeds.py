"""Small files that the mutation run breaks: real ones, and one or more made by code for each format.

Wherever a format has room for text a canary stands there, so that any message that quotes a file is seen.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import config, dcmread, dcmwrite

from made_content import CANARY, picture_u8, picture_u16, plant, saved
from made_dicom import dicom_bytes, dicom_files
from made_files import animation_files, archive_files, picture_files, volume_files

LARGEST_BYTES = 300_000
PUBLIC = ("dicom_real", "nifti_samples", "totalsegmentator", "pocus_ultrasound", "covid_chestxray", "drive_fundus")
MOST_OF_ONE = 40  # files of one kind in one collection: the rest are alike
TEXTS = {"PN", "LO", "SH", "LT", "ST", "UT", "UC", "UI", "DA"}
SHORTEST_TEXT = 6  # shorter values turn up in messages by chance
FAULTS = (ValueError, TypeError, AttributeError, NotImplementedError, EOFError, OSError, LookupError, RecursionError)

config.settings.reading_validation_mode = config.IGNORE


@dataclass(frozen=True)
class Seed:
    """A file as it was before it is broken, and the texts in it that no message may hold."""

    name: str
    suffix: str
    content: bytes
    texts: tuple[str, ...] = ()


def gather(folders: Sequence[Path]) -> list[Seed]:
    """The seeds made by code, and those of the folders, in an order that depends on nothing but names."""
    return [*made(), *(seed for folder in folders for seed in _real(folder))]


def made(seed: int = 0, *, larger_px: int = 0) -> Iterator[Seed]:
    """Small files of every format, made here; another seed gives other pixels, `larger_px` is added to their sides."""
    for label, content in dicom_files(seed, larger_px=larger_px):
        yield Seed(f"made/{label}", ".dcm", content, _texts(content))
    volume = np.stack([picture_u16(18 + larger_px, 16 + larger_px, seed=seed + index) for index in range(6)]).astype(np.int16)
    for suffix, content in volume_files(volume):
        yield Seed(f"made/{suffix[1:]}", suffix, content)
    picture = picture_u8(26 + larger_px, 30 + larger_px, seed=seed)
    frames = [picture_u8(20 + larger_px, 22 + larger_px, seed=seed + index) for index in range(4)]
    for files in (picture_files(picture), animation_files(frames), archive_files(_archived(seed))):
        for suffix, label, content in files:
            yield Seed(f"made/{label}", suffix, content)


def _archived(seed: int) -> dict[str, bytes]:
    """Three slices and a picture, by names that hold a canary."""
    members = {f"{CANARY}/picture.png": saved(Image.fromarray(picture_u8(20, 20, seed=seed)), "PNG")}
    for index in range(3):
        pixels, together = picture_u16(12, 10, seed=seed + index), f"2.25.771.9.{seed}"
        one_series = {"StudyInstanceUID": together, "SeriesInstanceUID": f"{together}.1", "FrameOfReferenceUID": f"{together}.2"}
        members[f"{CANARY}/{index}.dcm"] = dicom_bytes(pixels, ImagePositionPatient=[0, 0, 2 * index], **one_series)
    return members


def _real(folder: Path) -> Iterator[Seed]:
    """Real files that are small; of DICOM once as it is and once with canaries."""
    small = [place for place in sorted(folder.rglob("*")) if place.is_file() and 0 < place.stat().st_size <= LARGEST_BYTES]
    for place in _thinned(small):
        content = place.read_bytes()
        name = f"{folder.name}/{place.relative_to(folder).as_posix()}"
        suffix = "".join(place.suffixes[-2:]) if place.name.endswith(".nii.gz") else place.suffix
        is_dicom = content[128:132] == b"DICM" or suffix == ".dcm"
        yield Seed(name, suffix, content, _texts(content) if is_dicom else ())
        if is_dicom and (planted := _planted(content)) is not None:
            yield Seed(f"{name} with canaries", suffix, planted, _texts(planted))


def _thinned(places: Sequence[Path]) -> list[Path]:
    """Of every kind of file at most `MOST_OF_ONE`, evenly spread."""
    kinds: dict[str, list[Path]] = {}
    for place in places:
        kinds.setdefault(place.suffix.lower()[:4], []).append(place)
    return [
        same[index * len(same) // min(len(same), MOST_OF_ONE)]
        for same in kinds.values()
        for index in range(min(len(same), MOST_OF_ONE))
    ]


def _texts(content: bytes) -> tuple[str, ...]:
    """Values of a DICOM file that could name somebody."""
    found: set[str] = set()
    try:
        for element in dcmread(io.BytesIO(content), force=True, stop_before_pixels=True).iterall():
            if element.VR in TEXTS and not str(element.value).startswith("1.2.840.10008."):
                found.update(part.strip() for part in str(element.value).replace("\\", "^").split("^"))
    except FAULTS:
        pass  # a file that is broken from the start: what was found until there counts
    return tuple(sorted(text for text in found if len(text) >= SHORTEST_TEXT))


def _planted(content: bytes) -> bytes | None:
    """The DICOM file with canaries; None when pydicom cannot write it again."""
    written = io.BytesIO()
    try:
        dataset = dcmread(io.BytesIO(content), force=True)
        plant(dataset)
        dcmwrite(written, dataset)
    except FAULTS:
        return None
    return written.getvalue()
