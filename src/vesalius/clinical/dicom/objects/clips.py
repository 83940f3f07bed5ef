"""Films of ultrasound and endoscopy as DICOM files, and single pictures of both; photographs of the skin.

Objects: Ultrasound (Multi-frame) Image Storage (PS3.3 A.6, A.7), Video Endoscopic, VL Endoscopic and VL Photographic Image
Storage (A.32.5, A.32.1, A.32.4). Video objects may hold frames that are not compressed: their modules ask for no video codec.
"""

from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    VideoEndoscopicImageStorage,
    VLEndoscopicImageStorage,
    VLPhotographicImageStorage,
)

from vesalius.clinical.dicom import write
from vesalius.clinical.dicom.write import Names, Visit
from vesalius.errors import UsageError
from vesalius.types import Array

Spacing = tuple[float, float]

_TISSUE_2D, _CENTIMETERS = 1, 3  # of a region: Region Spatial Format, Region Data Type and Physical Units (PS3.3, C.8.5.5.1)


def write_ultrasound(
    path: Path,
    pixels_u8: Array,
    visit: Visit,
    names: Names,
    *,
    spacing_mm: Spacing,
    frame_s: float | None = None,
    is_color: bool = False,
) -> str:
    """Write one film or picture of ultrasound, calibrated by one region that covers all of it.

    Args:
        path: the file to write.
        pixels_u8: (T, Y, X) or (Y, X), with a last axis of 3 if `is_color`. Ultrasound has 8 bits (C.8.5.6.1.13).
        visit: whose it is.
        names: of the object.
        spacing_mm: (y, x), both > 0.
        frame_s: from frame to frame, > 0; None: a picture.
        is_color: the pixels are RGB.

    Returns:
        The SOP Class UID.

    Raises:
        UsageError: `bad_option`, when a value has a type or range that the file cannot hold.
    """
    if pixels_u8.dtype != np.uint8:
        raise UsageError("bad_option", "Ultrasound has 8 bits. A file of that kind holds no more. Convert the picture to uint8.")
    sop_class = UltrasoundImageStorage if frame_s is None else UltrasoundMultiFrameImageStorage
    dataset = write.begin(sop_class, "US", visit, names)
    dataset.PatientOrientation = dataset.Laterality = ""
    y_cm, x_cm = (value / 10 for value in write.checked_spacing(spacing_mm))
    rows, columns = pixels_u8.shape[-3:-1] if is_color else pixels_u8.shape[-2:]
    dataset.SequenceOfUltrasoundRegions = write.only(
        RegionSpatialFormat=_TISSUE_2D,
        RegionDataType=_TISSUE_2D,
        RegionFlags=0,
        RegionLocationMinX0=0,
        RegionLocationMinY0=0,
        RegionLocationMaxX1=columns - 1,
        RegionLocationMaxY1=rows - 1,
        PhysicalUnitsXDirection=_CENTIMETERS,
        PhysicalUnitsYDirection=_CENTIMETERS,
        PhysicalDeltaX=x_cm,
        PhysicalDeltaY=y_cm,
    )
    _set_film(dataset, pixels_u8, frame_s, is_color=is_color)
    return write.save(dataset, path)


def write_endoscopy(
    path: Path,
    pixels_u8: Array,
    visit: Visit,
    names: Names,
    *,
    region: tuple[str, str],
    spacing_mm: Spacing | None = None,
    frame_s: float | None = None,
) -> str:
    """Write one film or picture of endoscopy, RGB (T, Y, X, 3) or (Y, X, 3).

    Args:
        path: the file to write.
        pixels_u8: uint8.
        visit: whose it is.
        names: of the object.
        region: of the body, as a SNOMED code and its meaning.
        spacing_mm: (y, x); None where depth varies, as it does in an endoscope's view.
        frame_s: from frame to frame, > 0; None: a picture.

    Returns:
        The SOP Class UID.

    Raises:
        UsageError: `bad_option`, as `write_ultrasound`.
    """
    sop_class = VLEndoscopicImageStorage if frame_s is None else VideoEndoscopicImageStorage
    dataset = write.begin(sop_class, "ES", visit, names)
    _set_visible_light(dataset, region, spacing_mm)
    _set_film(dataset, pixels_u8, frame_s, is_color=True)
    return write.save(dataset, path)


def write_photograph(
    path: Path, pixels_u8: Array, visit: Visit, names: Names, *, region: tuple[str, str], spacing_mm: Spacing | None = None
) -> str:
    """Write one photograph, RGB (Y, X, 3) uint8; `region` and `spacing_mm` as `write_endoscopy`.

    Returns:
        The SOP Class UID.

    Raises:
        UsageError: `bad_option`, as `write_ultrasound`.
    """
    dataset = write.begin(VLPhotographicImageStorage, "XC", visit, names)
    dataset.Laterality = ""
    _set_visible_light(dataset, region, spacing_mm)
    write.set_color(dataset, pixels_u8)
    return write.save(dataset, path)


def _set_film(dataset: FileDataset, pixels: Array, frame_s: float | None, *, is_color: bool) -> None:
    if frame_s is not None:
        if not frame_s > 0:
            raise UsageError("bad_option", "A film needs a time between its frames above 0. Give it in seconds.")
        write.set_frames(dataset, len(pixels), frame_s)
    write.set_gray_or_color(dataset, pixels, is_color=is_color)


def _set_visible_light(dataset: FileDataset, region: tuple[str, str], spacing_mm: Spacing | None) -> None:
    """What all pictures of visible light say. Source: PS3.3, C.8.12.1."""
    dataset.PatientOrientation = ""
    dataset.AcquisitionContextSequence = Sequence()
    dataset.AnatomicRegionSequence = write.coded(*region)
    if spacing_mm is not None:  # a standard extension: the modules have no place for it, and a ruler lies in the picture
        dataset.PixelSpacing = write.decimals(write.checked_spacing(spacing_mm))
