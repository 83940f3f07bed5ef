"""What a phantom is: pictures whose every truth is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.types import Box, Report

Side = Literal["right", "left"]
Change = Literal["new", "larger", "smaller", "unchanged", "resolved"]
CHANGES: tuple[Change, ...] = ("new", "larger", "smaller", "unchanged", "resolved")

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

STORED_MAX = 4095


@dataclass(frozen=True)
class Lesion:
    """One thing that is wrong with the patient.

    Attributes:
        finding: what a reader calls it: effusion, nodule, consolidation.
        side: the patient's own; their right is on the left of a frontal picture.
        zone: upper, middle or lower third of the lung's height; None where the finding has no zone (effusion).
        size_mm: nodule: diameter; effusion: height of the fluid from the costophrenic angle to its rim; consolidation:
            diameter of the disc whose outline was roughened.
        severity: small, moderate or large for fluid; None otherwise.
        mask: key of its mask in `Phantom.masks`; None for a lesion that has resolved.
        change: since the visit before; None at the first visit.
    """

    finding: str
    side: Side
    zone: str | None
    size_mm: float
    severity: str | None
    mask: str | None
    change: Change | None = None


@dataclass(frozen=True, eq=False)
class Phantom:
    """One picture of one simulated patient, with its truth.

    Attributes:
        kind, seed: who it is: the seed is the patient's number.
        visit: 0 for the first, 1 for the follow-up; `day` counts from the first.
        pixels: float32 (Y, X) in [0, 1], 1 shown white.
        spacing_mm: (y, x).
        modality, view: DICOM's terms for both.
        masks: name → bool (Y, X): anatomy ("right lung", "left lung", "heart", "ribs") and one per lesion. Every mask is
            where that structure's thickness is above zero.
        lesions: those seen now, from the picture's top to its bottom.
        resolved: those seen at the visit before and gone now.
        report: about the lesions of this picture alone.
        facts: age_years, sex, …: what is known of the patient and the exposure; none of it decides a finding.
    """

    kind: str
    seed: int
    visit: int
    day: int
    pixels: Floats
    spacing_mm: tuple[float, float]
    modality: str
    view: str
    masks: Mapping[str, Bools]
    lesions: tuple[Lesion, ...]
    resolved: tuple[Lesion, ...]
    report: Report
    facts: Mapping[str, str | float] = field(default_factory=dict)

    def stored(self) -> npt.NDArray[np.uint16]:
        """The pixels as a detector stores them: uint16 (Y, X), 12 bits, 0..4095."""
        whole: npt.NDArray[np.uint16] = np.rint(self.pixels * np.float32(STORED_MAX)).astype(np.uint16)
        return whole

    def boxes(self) -> dict[str, Box]:
        """The tight box around each mask, in pixels, for every mask that is not empty."""
        return {name: box_around(mask) for name, mask in self.masks.items() if mask.any()}


def box_around(mask: Bools) -> Box:
    """The tight box (y, x) around the true pixels of a mask (Y, X) that has some; pixel i covers [i, i + 1)."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Box((float(rows[0]), float(columns[0])), (float(rows[-1] + 1), float(columns[-1] + 1)))
