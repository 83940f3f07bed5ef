"""Microscopy as DICOM files: one level of a slide, cut into tiles that fill its grid in order.

Object: VL Whole Slide Microscopy Image Storage, DICOM PS3.3 A.32.8 and C.8.12.4; TILED_FULL (C.7.6.17.3). Tiles are asked for
and written one after another, so that a slide may be larger than memory.
"""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import VLWholeSlideMicroscopyImageStorage

from vesalius.clinical.dicom import write
from vesalius.clinical.dicom.write import NOON, Names, Visit
from vesalius.errors import UsageError
from vesalius.types import Array

TILE_PX = 256
THICKNESS_MM = 0.004  # of a section of tissue
_BRIGHTFIELD, _WHITE = ("111744", "Brightfield illumination", "DCM"), ("414298005", "Full Spectrum")


def write_level(
    path: Path,
    region: Callable[[int, int, int, int], Array],
    shape: tuple[int, int],
    visit: Visit,
    names: Names,
    *,
    spacing_mm: tuple[float, float],
    frame_uid: str,
    specimen_uid: str,
    tile_px: int = TILE_PX,
    is_finest: bool = True,
) -> str:
    """Write one level of a slide.

    Args:
        path: the file to write; its folder must exist.
        region: (y0, x0, y1, x1) within the level → its pixels, uint8 RGB (y1 - y0, x1 - x0, 3).
        shape: (rows, columns) of the level.
        visit: whose it is.
        names: of the object.
        spacing_mm: (y, x), both > 0.
        frame_uid: Frame of Reference UID, the same for the levels of one slide.
        specimen_uid: Specimen UID.
        tile_px: side of the tiles; those at the edge are filled with white. A smaller level is one tile of its own size.
        is_finest: other levels were resampled from it.

    Returns:
        The SOP Class UID.

    Raises:
        UsageError: `bad_option`, when a tile is not as it should be, or there are more than a file can hold.
    """
    tile = tile_of(shape, tile_px)
    corners = corners_of(shape, tile)
    length = len(corners) * tile[0] * tile[1] * 3
    if length >= 2**32 - 2:
        raise UsageError("bad_option", "The slide's level is larger than one file can hold, 4 GiB. Ask for a coarser one.")
    dataset = write.begin(VLWholeSlideMicroscopyImageStorage, "SM", visit, names)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"] if is_finest else ["DERIVED", "PRIMARY", "VOLUME", "RESAMPLED"]
    dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = frame_uid, "SLIDE_CORNER"
    dataset.AcquisitionDateTime = visit.stamp + NOON
    dataset.AcquisitionContextSequence = Sequence()
    write.checked_spacing(spacing_mm)
    _set_matrix(dataset, shape, spacing_mm, len(corners))
    _set_specimen(dataset, visit, specimen_uid)
    _set_light(dataset)
    write.set_color(dataset, np.zeros((*tile, 3), np.uint8))
    del dataset.PixelData
    sop_class = write.save(dataset, path)
    with path.open("ab") as file:  # the last element, as PS3.5, 7.1.2 has it
        file.write(struct.pack("<2H2sHI", 0x7FE0, 0x0010, b"OB", 0, length + length % 2))
        for y, x in corners:
            file.write(_tile(region, y, x, shape, tile))
        file.write(bytes(length % 2))
    return sop_class


def tile_of(shape: tuple[int, int], tile_px: int = TILE_PX) -> tuple[int, int]:
    """(rows, columns) of the tiles of a level."""
    return min(tile_px, shape[0]), min(tile_px, shape[1])


def corners_of(shape: tuple[int, int], tile: tuple[int, int]) -> list[tuple[int, int]]:
    """(y, x) of the first pixel of each tile, in the order in which they are stored."""
    return [(y, x) for y in range(0, shape[0], tile[0]) for x in range(0, shape[1], tile[1])]


def _tile(region: Callable[[int, int, int, int], Array], y: int, x: int, shape: tuple[int, int], tile: tuple[int, int]) -> bytes:
    bottom, right = min(y + tile[0], shape[0]), min(x + tile[1], shape[1])
    pixels = region(y, x, bottom, right)
    if pixels.dtype != np.uint8 or pixels.shape != (bottom - y, right - x, 3):
        raise UsageError("bad_option", "A part of a slide is uint8 RGB of the size that was asked for. Convert it.")
    whole = np.full((*tile, 3), 255, np.uint8)
    whole[: bottom - y, : right - x] = pixels
    return whole.tobytes()


def _set_matrix(dataset: Dataset, shape: tuple[int, int], spacing_mm: tuple[float, float], tiles: int) -> None:
    """The grid of the tiles and where it lies on the glass. Source: PS3.3, C.8.12.14, C.7.6.17."""
    rows, columns = shape
    set_glass(dataset, shape)
    dataset.ImagedVolumeHeight, dataset.ImagedVolumeWidth = rows * spacing_mm[0], columns * spacing_mm[1]
    dataset.ImagedVolumeDepth = THICKNESS_MM
    dataset.NumberOfFrames = tiles
    dataset.DimensionOrganizationType = "TILED_FULL"
    dataset.DimensionOrganizationSequence = write.only(
        DimensionOrganizationUID=write.uid_of("dimensions", dataset.SOPInstanceUID)
    )
    dataset.SharedFunctionalGroupsSequence = write.only(
        PixelMeasuresSequence=write.only(PixelSpacing=write.decimals(spacing_mm), SliceThickness=write.decimal(THICKNESS_MM)),
        WholeSlideMicroscopyImageFrameTypeSequence=write.only(FrameType=dataset.ImageType),
        OpticalPathIdentificationSequence=write.only(OpticalPathIdentifier="1"),
    )


def set_glass(dataset: Dataset, shape: tuple[int, int]) -> None:
    """A level of (rows, columns) lies with its first pixel in the corner of the glass. Source: PS3.3, C.8.12.14."""
    dataset.TotalPixelMatrixRows, dataset.TotalPixelMatrixColumns = shape
    dataset.TotalPixelMatrixOriginSequence = write.only(XOffsetInSlideCoordinateSystem="0", YOffsetInSlideCoordinateSystem="0")
    dataset.ImageOrientationSlide = ["0", "1", "0", "1", "0", "0"]
    dataset.TotalPixelMatrixFocalPlanes = 1


def _set_specimen(dataset: Dataset, visit: Visit, specimen_uid: str) -> None:
    dataset.ContainerIdentifier = visit.patient_id
    dataset.IssuerOfTheContainerIdentifierSequence = Sequence()
    dataset.ContainerTypeCodeSequence = write.coded("433466003", "Microscope slide")
    dataset.SpecimenDescriptionSequence = write.only(
        SpecimenIdentifier=visit.patient_id,
        SpecimenUID=specimen_uid,
        IssuerOfTheSpecimenIdentifierSequence=Sequence(),
        SpecimenPreparationSequence=Sequence(),
    )
    dataset.SpecimenLabelInImage = "NO"


def _set_light(dataset: Dataset) -> None:
    """How the tissue was lit and seen, and what the colors mean. Source: PS3.3, C.8.12.4 and C.8.12.5."""
    dataset.VolumetricProperties = "VOLUME"
    dataset.FocusMethod, dataset.ExtendedDepthOfField = "AUTO", "NO"
    dataset.NumberOfOpticalPaths = 1
    dataset.OpticalPathSequence = write.only(
        OpticalPathIdentifier="1",
        IlluminationTypeCodeSequence=write.coded(*_BRIGHTFIELD),
        IlluminationColorCodeSequence=write.coded(*_WHITE),
        ICCProfile=srgb_profile(),
    )


def srgb_profile() -> bytes:
    """A color profile of sRGB's primaries and a curve of gamma 2.2, the same bytes always. Source: ICC.1:2001-04."""
    primaries = {"rXYZ": (0.4361, 0.2225, 0.0139), "gXYZ": (0.3851, 0.7169, 0.0971), "bXYZ": (0.1431, 0.0606, 0.7141)}
    white = (0.9642, 1.0, 0.8249)
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(2.2 * 256)) + bytes(2)
    words = b"sRGB\0"
    told = b"desc" + bytes(4) + struct.pack(">I", len(words)) + words + bytes(78)
    tags = {"desc": told, "cprt": b"text" + bytes(4) + b"CC0\0", "wtpt": _xyz(white)}
    tags |= {name: _xyz(value) for name, value in primaries.items()} | dict.fromkeys(("rTRC", "gTRC", "bTRC"), curve)
    at, table, content = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += struct.pack(">4sII", name.encode(), at + len(content), len(value))
        content += value + bytes(-len(value) % 4)
    head = struct.pack(">I4sI4s4s4s", at + len(content), bytes(4), 0x02400000, b"scnr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _fixed(white) + bytes(48)
    return head + table + content


def _xyz(value: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(value)


def _fixed(value: tuple[float, float, float]) -> bytes:
    return struct.pack(">3i", *(round(part * 65536) for part in value))
