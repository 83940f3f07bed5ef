"""What is known of a DICOM file, as plain data that crosses the gate; it needs no pydicom."""

import math
from dataclasses import dataclass

import numpy as np

from vesalius.clinical.geometry import Affine
from vesalius.clinical.picture import Description
from vesalius.types import CodedWarning

Triple = tuple[float, float, float]

# What tells slices at one place apart, in the order in which they are sorted by it: the places in `Frame.order`.
# fmt: off
ORDER = (
    "time", "phase_ms", "b_value", "gradient_x", "gradient_y", "gradient_z", "echo_ms", "inversion_ms", "flip_deg",
    "dimension", "acquisition", "number",
)
# fmt: on
TIMES = frozenset({"time", "phase_ms", "acquisition"})  # a series that differs in these alone is one over time


@dataclass(frozen=True)
class Frame:
    """Where one slice lies, and what tells it from others at its place.

    Attributes:
        position_mm: of the first pixel's center, in LPS; None when the file does not say.
        row: direction in which a row runs (x grows), in LPS; None when the file does not say.
        column: direction in which a column runs (y grows).
        spacing_mm: (y, x).
        order: numbers that sort slices at one place, as `ORDER` names them; infinite where the file does not say.
        content: what the values are (magnitude, phase, water, …) as a number; equal for equal contents.
        stack: frames of different stacks never lie in one volume; 0 when the file does not say.
        time_s: when it was taken, on a clock that the whole series shares; None when the file does not say.
        thickness_mm: of the slice.
        between_mm: distance from slice to slice, as the file states it.
        rescale: slope and intercept of this frame, where they are not the whole file's.
        window: (center, width) of this frame.
        box_yxyx_px: the part of a mosaic that the slice is.
        segment: number of the segment that a frame of a segmentation belongs to; 0 when it holds several, or none.
        source: the instance key of the picture that a frame of a segmentation was drawn on; empty when not stated.
        source_frame: the number of that picture's frame, from 1; 0 when no single one is stated.
    """

    position_mm: Triple | None
    row: Triple | None
    column: Triple | None
    spacing_mm: tuple[float, float] | None
    order: tuple[float, ...]
    content: int = 0
    stack: int = 0
    time_s: float | None = None
    thickness_mm: float | None = None
    between_mm: float | None = None
    rescale: tuple[float, float] | None = None
    window: tuple[float, float] | None = None
    box_yxyx_px: tuple[int, int, int, int] | None = None
    segment: int = 0
    source: str = ""
    source_frame: int = 0


@dataclass(frozen=True)
class Segment:
    """One structure that a segmentation delineates: its number in the file, and its name in lower case."""

    number: int
    label: str


@dataclass(frozen=True)
class Header:
    """What is known of one DICOM file. Keys are hashes.

    Attributes:
        kind: `picture`, or the kind of an object that holds none.
        picture: what the pixels are, all frames in the order of the file; None for an object without pixels. A
            segmentation has one too, though its pixels are no picture; that of tiles is of the kind `slide`.
        frames: the slices that the file holds, one per frame; empty for what does not stack.
        number: Instance Number; infinite when the file does not say.
        instance_key: stands for the SOP Instance UID; empty when there is none.
        reference_key: stands for the frame of reference; empty when there is none.
        is_in_patient: whether the frames' places are in the patient's space, and not in one of the object's own.
        patient_position: how the patient lay, as the standard's term; None when not stated.
        suv_factor: the values times this are body-weight SUV in g/ml; None when it is no PET or cannot be known.
        segments: of a segmentation.
        sources: the instance keys of the pictures that a segmentation was drawn on.
        largest: the largest value of a fractional segmentation; 1 for the others, 0 for one of labels.
    """

    kind: str
    patient_key: str
    study_key: str
    series_key: str
    modality: str | None = None
    scanner: str | None = None
    day: float | None = None
    picture: Description | None = None
    frames: tuple[Frame, ...] = ()
    number: float = math.inf
    instance_key: str = ""
    reference_key: str = ""
    is_in_patient: bool = True
    patient_position: str | None = None
    suv_factor: float | None = None
    segments: tuple[Segment, ...] = ()
    sources: tuple[str, ...] = ()
    largest: int = 1
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
