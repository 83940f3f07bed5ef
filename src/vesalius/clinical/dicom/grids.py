"""Multi-frame objects whose frames lie evenly or at listed offsets: doses, and slices of nuclear medicine.

Source: DICOM PS3.3, C.8.8.3.2 (Grid Frame Offset Vector), C.8.4.9 and C.8.4.15 (nuclear medicine).
"""

import math

from pydicom.dataset import Dataset

from vesalius.clinical.dicom.calibration import pair
from vesalius.clinical.dicom.facts import ORDER, Frame, Triple
from vesalius.clinical.dicom.items import first
from vesalius.clinical.dicom.plane import LARGEST_MM, directions_of, is_size, moved, normal_of, position_of
from vesalius.clinical.dicom.values import number, numbers, text, values
from vesalius.errors import InputRefused

SAME_PLACE_MM = 0.01
UNPLACED: tuple[Triple, Triple, Triple] = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def dose_frames(dataset: Dataset, count: int) -> tuple[Frame, ...]:
    """The planes of a dose: offsets count from the first plane, or are places along z of an axial grid.

    Raises:
        InputRefused: `bad_geometry`, when offsets are missing or contradict the position.
    """
    position, directions = position_of(dataset), directions_of(dataset)
    offsets = numbers(dataset, "GridFrameOffsetVector") if count > 1 else (0.0,)
    if len(offsets) != count or not all(abs(offset) <= LARGEST_MM for offset in offsets):
        raise InputRefused(
            "bad_geometry", "Grid Frame Offset Vector does not say where each plane of the dose lies. Export the dose again."
        )
    if position is None or directions is None:
        return tuple(_frame(dataset, None, None, index) for index in range(count))
    normal = normal_of(*directions)
    if abs(offsets[0]) > SAME_PLACE_MM:  # places, not offsets: told by the first, which would be 0
        if abs(normal[2]) < 1 - SAME_PLACE_MM or abs(offsets[0] - position[2]) > SAME_PLACE_MM:
            raise InputRefused(
                "bad_geometry",
                "Grid Frame Offset Vector contradicts Image Position. Where the dose lies is unclear. Export it anew.",
            )
        offsets = tuple((offset - position[2]) * math.copysign(1.0, normal[2]) for offset in offsets)
    return tuple(_frame(dataset, moved(position, normal, offset), directions, index) for index, offset in enumerate(offsets))


def dose_scaling(dataset: Dataset) -> float:
    """What stored values are multiplied with.

    Raises:
        InputRefused: `bad_rescale`.
    """
    scaling = number(dataset, "DoseGridScaling", math.nan)
    if not math.isfinite(scaling) or not 0 < scaling < 1e9:
        raise InputRefused("bad_rescale", "Dose Grid Scaling is missing, zero or no number. The values would mean nothing.")
    return scaling


def nuclear_frames(dataset: Dataset, count: int) -> tuple[tuple[Frame, ...], bool]:
    """The slices of a reconstruction, and whether their places are in the patient; none for everything else.

    Frames are slices, over time slots of the heartbeat where there are some. A positive spacing leads along the normal.
    """
    kinds = [str(value) for value in values(dataset, "ImageType")]
    between_mm = number(dataset, "SpacingBetweenSlices", math.nan)
    at = numbers(dataset, "SliceVector")
    is_usable = len(at) == count and all(1 <= place <= count for place in at) and is_size(abs(between_mm))
    if not {"RECON TOMO", "RECON GATED TOMO"} & set(kinds[2:3]) or not is_usable:
        return (), False
    detector = first(dataset, "DetectorInformationSequence")
    position, directions = position_of(detector), directions_of(detector)
    is_in_patient = position is not None and directions is not None
    if position is None or directions is None:
        position, directions = UNPLACED[0], UNPLACED[1:]
    normal = normal_of(*directions)
    slots = numbers(dataset, "TimeSlotVector")
    return tuple(
        _frame(
            dataset,
            moved(position, normal, (at[index] - 1) * between_mm),
            directions,
            index,
            time=slots[index] if len(slots) == count else math.inf,
        )
        for index in range(count)
    ), is_in_patient


def dose_is_relative(dataset: Dataset) -> bool:
    """Whether the values are parts of a dose and no gray."""
    return text(dataset, "DoseUnits") != "GY"


def _frame(
    dataset: Dataset, position: Triple | None, directions: tuple[Triple, Triple] | None, index: int, *, time: float = math.inf
) -> Frame:
    row, column = directions or (None, None)
    known = {"time": time, "number": float(index + 1)}
    return Frame(position, row, column, pair(dataset, "PixelSpacing"), tuple(known.get(name, math.inf) for name in ORDER))
