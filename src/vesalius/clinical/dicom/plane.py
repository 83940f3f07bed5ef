"""Where a plane lies in the patient, as DICOM states it, checked.

Source: DICOM PS3.3, C.7.6.2.1.1.
"""

import math
from collections.abc import Sequence
from typing import cast

from pydicom.dataset import Dataset

from vesalius.clinical.dicom.facts import Triple
from vesalius.clinical.dicom.values import numbers
from vesalius.errors import InputRefused

LARGEST_MM = 1e6  # of a place or a size: a kilometer; what is larger is no measure of a patient
SMALLEST_MM = 1e-6
OFF_UNIT = 0.01  # how far a direction's length may be from 1, and two directions from perpendicular


def position_of(dataset: Dataset, keyword: str = "ImagePositionPatient") -> Triple | None:
    """The center of the first pixel in LPS mm; None when it is not stated.

    Raises:
        InputRefused: `bad_geometry` for what is not three numbers, or no place near a patient.
    """
    found = numbers(dataset, keyword)
    if not found:
        return None
    if len(found) != 3 or not all(abs(value) <= LARGEST_MM for value in found):
        raise InputRefused(
            "bad_geometry", "Image Position is not three numbers, or far away. Where the slice lies is unknown. Export it again."
        )
    return found


def directions_of(dataset: Dataset, keyword: str = "ImageOrientationPatient") -> tuple[Triple, Triple] | None:
    """Where a row and where a column runs, as unit vectors in LPS; None when it is not stated.

    Raises:
        InputRefused: `bad_geometry` for what is not two perpendicular directions.
    """
    found = numbers(dataset, keyword)
    if not found:
        return None
    row, column = found[:3], found[3:]
    if len(found) != 6 or not _are_orthonormal(row, column):
        raise InputRefused(
            "bad_geometry", "Image Orientation is not two perpendicular directions. Sides would be guessed. Export it again."
        )
    return cast("Triple", row), cast("Triple", column)


def is_size(value: float) -> bool:
    """Whether a number of millimeters can be the size or distance of something; false for NaN."""
    return SMALLEST_MM <= value <= LARGEST_MM


def normal_of(row: Triple, column: Triple) -> Triple:
    """Perpendicular to both, so that the three are right-handed."""
    (a, b, c), (x, y, z) = row, column
    return (b * z - c * y, c * x - a * z, a * y - b * x)


def moved(position_mm: Triple, direction: Triple, by_mm: float) -> Triple:
    """A place `by_mm` farther on."""
    x, y, z = (at + by_mm * along for at, along in zip(position_mm, direction, strict=True))
    return (x, y, z)


def _are_orthonormal(row: Sequence[float], column: Sequence[float]) -> bool:
    if not all(map(math.isfinite, (*row, *column))):
        return False
    across = sum(one * other for one, other in zip(row, column, strict=True))
    return abs(math.hypot(*row) - 1) < OFF_UNIT and abs(math.hypot(*column) - 1) < OFF_UNIT and abs(across) < OFF_UNIT
