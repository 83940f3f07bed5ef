"""What is known of a DICOM file, as plain data that crosses the gate; it needs no pydicom."""

import math
from dataclasses import dataclass

import numpy as np

from vesalius.clinical.geometry import Affine
from vesalius.clinical.picture import Description
from vesalius.types import CodedWarning

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Frame:
    """Where one slice lies: `position_mm`, `row` and `column` are in LPS, each None where the file does not say.

    `order` sorts slices that lie at one place: acquisition, time, echo, instance number.
    """

    position_mm: Triple | None
    row: Triple | None
    column: Triple | None
    spacing_mm: tuple[float, float] | None
    order: tuple[float, ...]


@dataclass(frozen=True)
class Header:
    """What is known of one DICOM file. Keys are hashes.

    `kind` is `picture`, or the kind of an object that holds none; then `picture` is None. `frames` are the slices that
    the file holds, one per frame; empty for what does not stack.
    """

    kind: str
    patient_key: str
    study_key: str
    series_key: str
    modality: str | None = None
    day: float | None = None
    picture: Description | None = None
    frames: tuple[Frame, ...] = ()
    number: float = math.inf
    warnings: tuple[CodedWarning, ...] = ()


def plane_affine(frame: Frame, step_mm: Triple = (0.0, 0.0, 0.0)) -> Affine | None:
    """The affine of a slice and those stacked on it by `step_mm`; None without position, orientation or spacing.

    For a single picture the step is unknown: with zeros, the affine gets the normal, 1 mm long, so that it can be
    inverted. z is 0 there.
    """
    if frame.position_mm is None or frame.row is None or frame.column is None or frame.spacing_mm is None:
        return None
    row, column = np.asarray(frame.row), np.asarray(frame.column)
    step = np.asarray(step_mm) if any(step_mm) else np.cross(row, column)
    affine: Affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = column * frame.spacing_mm[0]
    affine[:3, 2] = row * frame.spacing_mm[1]
    affine[:3, 3] = frame.position_mm
    return affine
