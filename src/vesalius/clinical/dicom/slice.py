"""The one slice that a classic CT, MR or PET file holds: its place, and what tells it from others at that place."""

import math
from collections.abc import Sequence

from pydicom.dataset import Dataset

from vesalius.clinical.dicom.clock import taken_s
from vesalius.clinical.dicom.facts import ORDER, Frame
from vesalius.clinical.dicom.file import PARSE_FAULTS
from vesalius.clinical.dicom.items import number_for
from vesalius.clinical.dicom.plane import directions_of, is_size, position_of
from vesalius.clinical.dicom.values import number, numbers, values

Facts = dict[str, float]

_COMMON = {"acquisition": "AcquisitionNumber", "time": "TemporalPositionIdentifier", "number": "InstanceNumber"}
_HEART = {"phase_ms": "TriggerTime"}
_MAGNETIC = {"b_value": "DiffusionBValue", "echo_ms": "EchoTime", "inversion_ms": "InversionTime", "flip_deg": "FlipAngle"}
_SINCE_START = {"phase_ms": "FrameReferenceTime"}  # of a dynamic PET
# b-values of makers who do not use the standard's attribute: group, creator, element; GE adds multiples of a billion.
_PRIVATE_B = ((0x0019, "SIEMENS MR HEADER", 0x0C), (0x0043, "GEMS_PARM_01", 0x39), (0x2001, "Philips Imaging DD 001", 0x03))
_GE_OFFSET = 1e9


def slice_of(dataset: Dataset, spacing_mm: tuple[float, float] | None, modality: str | None) -> Frame:
    """Where the slice lies and what orders it.

    Raises:
        InputRefused: `bad_geometry`.
    """
    directions, position = directions_of(dataset), position_of(dataset)
    row, column = directions or (None, None)
    known = _order(dataset, modality)
    return Frame(
        position_mm=position if directions else None,
        row=row,
        column=column,
        spacing_mm=spacing_mm,
        order=tuple(known.get(name, math.inf) for name in ORDER),
        content=number_for(*(str(value) for value in values(dataset, "ImageType"))),
        time_s=taken_s(dataset),
        thickness_mm=length_mm(dataset, "SliceThickness"),
        between_mm=length_mm(dataset, "SpacingBetweenSlices"),
    )


def length_mm(dataset: Dataset, keyword: str) -> float | None:
    """A size or distance; None for anything else."""
    value = number(dataset, keyword, math.nan)
    return value if is_size(value) else None


def _order(dataset: Dataset, modality: str | None) -> Facts:
    keywords = _COMMON | _HEART
    if modality == "MR":
        keywords |= _MAGNETIC
    elif modality == "PT" and "TriggerTime" not in dataset:
        keywords |= _SINCE_START
    known = {name: number(dataset, keyword, math.nan) for name, keyword in keywords.items()}
    known = {name: value for name, value in known.items() if math.isfinite(value)}
    if modality != "MR":
        return known
    if "b_value" not in known:
        known |= _private_b_value(dataset)
    gradient = numbers(dataset, "DiffusionGradientOrientation")
    if len(gradient) == 3 and all(map(math.isfinite, gradient)):
        known |= {f"gradient_{axis}": value for axis, value in zip("xyz", gradient, strict=True)}
    return known


def _private_b_value(dataset: Dataset) -> Facts:
    for group, creator, element in _PRIVATE_B:
        try:
            stated = dataset.private_block(group, creator)[element].value
        except PARSE_FAULTS:
            continue
        first = stated[0] if isinstance(stated, Sequence) and not isinstance(stated, str | bytes) and stated else stated
        if isinstance(first, bytes):  # of a type that the file does not state
            first = first.partition(b"\\")[0].strip(b" \0")
        try:
            value = float(first)
        except (TypeError, ValueError):
            continue
        if math.isfinite(value) and value >= 0:
            return {"b_value": value % _GE_OFFSET}
    return {}
