"""The header of one DICOM file, checked and cut down to what pictures need: no name, no date, no free text."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from io import BufferedReader
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset

from vesalius.clinical import keys
from vesalius.clinical.dicom import sop_classes
from vesalius.clinical.dicom.facts import Frame, Header, plane_affine
from vesalius.clinical.dicom.file import PixelPlace, quiet, read_dataset
from vesalius.clinical.dicom.pixels import checked_storage, pixel_format
from vesalius.clinical.dicom.values import integer, number, numbers, text, values
from vesalius.clinical.dicom.write import DAY_ZERO
from vesalius.clinical.geometry import rows_of
from vesalius.clinical.picture import Description
from vesalius.clinical.signatures import has_preamble
from vesalius.clinical.wire import pack
from vesalius.errors import InputRefused
from vesalius.types import CodedWarning

# Values that may be shown are those that the standard lists (PS3.3, C.7.3.1.1.1 and C.8): others could be anybody's name.
# fmt: off
MODALITIES = frozenset({
    "AR", "AU", "BI", "BMD", "CR", "CT", "DG", "DMS", "DOC", "DX", "ECG", "EPS", "ES", "FID", "GM", "HC", "HD", "IO",
    "IVOCT", "IVUS", "KER", "KO", "LS", "MG", "MR", "NM", "OAM", "OCT", "OP", "OPM", "OPT", "OPV", "OSS", "OT", "PLAN", "PR",
    "PT", "PX", "REG", "RF", "RG", "RTDOSE", "RTIMAGE", "RTPLAN", "RTRECORD", "RTSTRUCT", "RWV", "SEG", "SM", "SMR", "SR",
    "SRF", "TG", "US", "VA", "XA", "XC",
})
VIEWS = frozenset({
    "AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO", "RAO", "LAO", "RPO", "LPO", "CC", "MLO", "ML", "LM", "LMO", "FB",
    "XCC", "XCCL", "XCCM", "SIO", "ISO", "CV", "AT", "TAN",
})
# fmt: on
# Rays spread between patient and detector, so that a pixel at the detector is larger than what it shows.
PROJECTIONS = frozenset({"CR", "DX", "MG", "XA", "RF", "IO", "PX", "RG"})
_ORDER = ("AcquisitionNumber", "TemporalPositionIdentifier", "EchoTime", "InstanceNumber")
_CENTIMETRES, _TISSUE = 3, 1  # PS3.3, C.8.5.5.1: units of a region, and its being a picture


def read_header(file: BufferedReader, sha256: str) -> Header:
    """Read and check everything before the pixels.

    Args:
        file: the whole file.
        sha256: of its content; it stands for what the file does not name.

    Raises:
        InputRefused: with the code of what is wrong; the pixels themselves are not looked at.
    """
    is_bare = not has_preamble(file.read(132))
    file.seek(0)
    dataset, place = read_dataset(file)
    with quiet():
        sop_class = text(dataset, "SOPClassUID") or text(dataset.file_meta, "MediaStorageSOPClassUID")
        if not sop_class and place is None:
            raise InputRefused(
                "bad_attribute", "The file states no SOP Class UID and holds no pixels. It is no whole object. Export it again."
            )
        header = _identity(dataset, sha256, sop_classes.kind_of(sop_class))
        if is_bare:
            said = CodedWarning("no_preamble", "The file has no DICOM preamble; it was read all the same.")
            header = replace(header, warnings=(*header.warnings, said))
        return _with_picture(dataset, place, sop_class, header) if header.kind == "picture" else header


def _identity(dataset: FileDataset, sha256: str, kind: str) -> Header:
    patient, (study, series, doubts) = text(dataset, "PatientID"), _grouping(dataset, sha256)
    is_phantom = text(dataset, "Manufacturer") == keys.PHANTOM_MANUFACTURER
    if is_phantom:
        patient_key, study_key = keys.phantom_patient_key(patient), keys.phantom_study_key(study)
    else:
        # Without a number nobody can tell whose it is: such a study stands for a patient of its own.
        patient_key = keys.key("dicom", "patient", patient) if patient else keys.key("dicom", "patient of study", study)
        study_key = keys.key("dicom", "study", study)
    modality = text(dataset, "Modality")
    return Header(
        kind=kind,
        patient_key=patient_key,
        study_key=study_key,
        series_key=keys.key("dicom", "series", study, series, salted=not is_phantom),
        modality=modality if modality in MODALITIES else None,
        day=_day(dataset, patient_key, is_phantom),
        warnings=tuple(doubts),
    )


def _grouping(dataset: Dataset, sha256: str) -> tuple[str, str, list[CodedWarning]]:
    """What names the study and the series. Where anonymizing has emptied the UIDs, the frame of reference serves."""
    study, series = text(dataset, "StudyInstanceUID"), text(dataset, "SeriesInstanceUID")
    if study and series:
        return study, series, []
    frame = text(dataset, "FrameOfReferenceUID")
    said = "The file does not say to which study and series it belongs; it was put by its frame of reference, or alone."
    rest = [text(dataset, keyword) for keyword in ("Modality", "SeriesNumber", "SeriesTime")] if frame else [sha256]
    return study or frame or sha256, series or "/".join([frame, *rest]), [CodedWarning("grouping_guessed", said)]


def _day(dataset: Dataset, patient_key: str, is_phantom: bool) -> float | None:
    """Days since an origin that is the same for all of a patient's files, and says nothing of the calendar."""
    for keyword in ("AcquisitionDate", "StudyDate"):
        digits = text(dataset, keyword)
        try:
            days = (date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])) - DAY_ZERO).days
        except ValueError:
            continue
        return float(days) if is_phantom else float(days + int(keys.key("calendar", patient_key), 16) % 36524)
    return None


def _with_picture(dataset: FileDataset, place: PixelPlace | None, sop_class: str, header: Header) -> Header:
    image_type = {str(value) for value in values(dataset, "ImageType")}
    if "MOSAIC" in image_type:
        raise InputRefused(
            "unsupported_iod", "The picture is a mosaic of slices. Its geometry is not read yet. Export it as single slices."
        )
    if place is None:
        raise InputRefused(
            "no_pixels", "The file should hold a picture, but has none. Only its header was exported, or it was cut."
        )
    if place.keyword != "PixelData":
        raise InputRefused(
            "unsupported_iod", "The pixels are stored as fractions, which is not read yet. Export them as integers."
        )
    pixels = checked_storage(dataset, place, pixel_format(dataset, sop_class))
    spacing_mm, doubts = _spacing(dataset, header.modality)
    window, window_doubts = _window(dataset, pixels.channels)
    is_clip = pixels.frames > 1
    is_slice = not is_clip and (sop_class in sop_classes.SLICES or (not sop_class and header.modality in ("CT", "MR", "PT")))
    position_mm, row, column = _place(dataset, is_slice)
    if is_slice and row is None:
        doubts = (*doubts, CodedWarning("affine_unknown", "The file states no orientation; directions and sides are unknown."))
    view = text(dataset, "ViewPosition")
    order = tuple(_sortable(number(dataset, keyword)) for keyword in _ORDER)
    frame = Frame(position_mm, row, column, spacing_mm, order)
    affine = plane_affine(frame)
    plane = (pixels.rows, pixels.columns)
    picture = Description(
        format="dicom",
        kind="clip" if is_clip else "image",
        shape=(pixels.frames, *plane) if is_clip else plane,
        channels=pixels.channels,
        dtype=pixels.dtype,
        spacing_mm=spacing_mm,
        frame_s=_frame_s(dataset, sop_class) if is_clip else None,
        affine_lps_mm=None if affine is None else rows_of(affine),
        modality=header.modality,
        view=view if view in VIEWS else None,
        window=window,
        inverted=text(dataset, "PhotometricInterpretation") == "MONOCHROME1",
        warnings=(*header.warnings, *doubts, *window_doubts, *_doubts(dataset, sop_class, image_type, header.modality)),
        notes={"pixels": pack(pixels)},
    )
    return replace(header, picture=picture, frames=(frame,) if is_slice else (), number=order[-1], warnings=picture.warnings)


def _sortable(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def _doubts(dataset: Dataset, sop_class: str, image_type: set[str], modality: str | None) -> list[CodedWarning]:
    doubts = []
    if sop_class == sop_classes.SECONDARY_CAPTURE:
        doubts.append(CodedWarning("secondary_capture", "A secondary capture: values and sizes may not be the acquisition's."))
    if "LOCALIZER" in image_type:
        doubts.append(CodedWarning("localizer", "A localizer: taken to plan others, not to be read."))
    elif "DERIVED" in image_type and sop_class in sop_classes.SLICES:  # processing is the rule elsewhere
        doubts.append(CodedWarning("derived", "Computed from other pictures: values and positions may not be the acquisition's."))
    if modality == "CT" and "RescaleSlope" not in dataset and "ModalityLUTSequence" not in dataset:
        doubts.append(CodedWarning("no_rescale", "A CT without rescale attributes: values may not be Hounsfield units."))
    return doubts


def _frame_s(dataset: Dataset, sop_class: str) -> float:
    """Seconds between the frames of a clip, which must be the same throughout."""
    steps_ms = numbers(dataset, "FrameTimeVector")[1:] or numbers(dataset, "FrameTime")[:1]
    if not steps_ms or not all(math.isfinite(step) and step > 0 for step in steps_ms) or max(steps_ms) > 1.01 * min(steps_ms):
        raise InputRefused(
            "unsupported_iod", "The clip states no constant time between its frames. Others are not read yet. Export frames."
        )
    return sum(steps_ms) / len(steps_ms) / 1000


def _spacing(dataset: Dataset, modality: str | None) -> tuple[tuple[float, float] | None, tuple[CodedWarning, ...]]:
    """(y, x) in mm, with what is doubtful about it. Source: PS3.3, 10.7.1 and C.8.5.5."""
    pixel, imager = _pair(dataset, "PixelSpacing"), _pair(dataset, "ImagerPixelSpacing")
    is_calibrated = text(dataset, "PixelSpacingCalibrationType") in ("GEOMETRY", "FIDUCIAL")
    corrected = is_calibrated or (imager is not None and pixel != imager)
    if pixel and (corrected or modality not in PROJECTIONS):
        return pixel, ()
    if pixel or imager:
        said = "Only the spacing at the detector is known: sizes in the patient are smaller than measured."
        return pixel or imager, (CodedWarning("detector_spacing", said),)
    if region := _region_spacing(dataset):
        return region, ()
    return None, (CodedWarning("no_calibration", "The pixel size is unknown: nothing can be measured in millimetres."),)


def _pair(dataset: Dataset, keyword: str) -> tuple[float, float] | None:
    values = numbers(dataset, keyword)
    if len(values) != 2 or not all(math.isfinite(value) and value > 0 for value in values):
        return None
    return (values[0], values[1])


def _region_spacing(dataset: Dataset) -> tuple[float, float] | None:
    """The spacing of an ultrasound picture whose calibrated regions agree."""
    found = set()
    for region in values(dataset, "SequenceOfUltrasoundRegions"):
        units = {integer(region, "PhysicalUnitsXDirection", 0), integer(region, "PhysicalUnitsYDirection", 0)}
        if units == {_CENTIMETRES} and integer(region, "RegionSpatialFormat", 0) == _TISSUE:
            found.add(tuple(round(10 * abs(number(region, f"PhysicalDelta{axis}")), 6) for axis in "YX"))
    if len(found) != 1:
        return None
    y, x = found.pop()
    return (y, x) if y > 0 and x > 0 and math.isfinite(y + x) else None


def _window(dataset: Dataset, channels: int) -> tuple[tuple[float, float] | None, tuple[CodedWarning, ...]]:
    if channels == 3:
        return None, ()
    centers, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    if centers and widths and math.isfinite(centers[0]) and math.isfinite(widths[0]) and widths[0] > 0:
        return (centers[0], widths[0]), ()
    if centers or widths:
        return None, (CodedWarning("bad_window", "The stored display window is unusable; the range of the values is used."),)
    if "VOILUTSequence" in dataset:
        return None, (CodedWarning("bad_window", "The display is stored as a table; the range of the values is used."),)
    return None, ()


def _place(dataset: Dataset, is_slice: bool) -> tuple[Any, Any, Any]:
    """Position, direction of a row (x grows) and of a column (y grows), each None where it is not stated."""
    orientation, position = numbers(dataset, "ImageOrientationPatient"), numbers(dataset, "ImagePositionPatient")
    row, column = orientation[:3], orientation[3:]
    if orientation and not (len(orientation) == 6 and _is_orthonormal(row, column)):
        if is_slice:
            raise InputRefused(
                "bad_geometry", "Image Orientation is not two perpendicular directions. Sides would be guessed. Export it again."
            )
        return None, None, None
    if position and not (len(position) == 3 and all(map(math.isfinite, position))):
        raise InputRefused(
            "bad_geometry", "Image Position is not three numbers. Where the slice lies is unknown. Export it again."
        )
    return (position or None, row or None, column or None) if orientation else (None, None, None)


def _is_orthonormal(row: Sequence[float], column: Sequence[float]) -> bool:
    if not all(map(math.isfinite, (*row, *column))):
        return False
    return abs(math.hypot(*row) - 1) < 0.01 and abs(math.hypot(*column) - 1) < 0.01 and abs(float(np.dot(row, column))) < 0.01
