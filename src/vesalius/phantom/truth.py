"""What a phantom is: pictures of one visit of one simulated patient, and everything that is true of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vesalius.types import Array, Box, Kind, Point, Report
from vesalius.types import Finding as State
from vesalius.units import Unit

Change = Literal["new", "larger", "smaller", "unchanged", "resolved"]
CHANGES: tuple[Change, ...] = ("new", "larger", "smaller", "unchanged", "resolved")
LANGUAGES = ("en", "ar", "zh", "hi")  # hi: Hindi mixed with English, as it is spoken in reading rooms

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Lesion:
    """One thing that is wrong with the patient.

    Attributes:
        finding: what a reader calls it; one of the kind's `FINDINGS`.
        number: 1, 2, … among the lesions of that finding.
        attributes: in words: side (the patient's own), zone, severity, shape, margin, density, …; those that the finding has.
        size_mm: of it now, by the finding's `size_is`; None where it has none.
        change: since the visit before; None at the first visit.
    """

    finding: str
    number: int
    attributes: Mapping[str, str]
    size_mm: float | None = None
    change: Change | None = None

    @property
    def mask(self) -> str:
        """Key of its mask in `Picture.masks`: the finding, with its number from the second on."""
        return self.finding if self.number == 1 else f"{self.finding} {self.number}"

    @property
    def side(self) -> str | None:
        """right, left; None where the finding has no side."""
        return self.attributes.get("side")

    @property
    def zone(self) -> str | None:
        """The part of the organ; None where the finding has none."""
        return self.attributes.get("zone")

    @property
    def severity(self) -> str | None:
        """How bad, in words; None where the finding is only present or absent."""
        return self.attributes.get("severity")


@dataclass(frozen=True, eq=False)
class Picture:
    """One image, volume, clip or slide with the places of everything in it.

    Attributes:
        name: among the phantom's pictures: frontal, lateral, t1, clip, …
        kind: image (Y, X), volume (Z, Y, X) or clip (T, Y, X).
        pixels: as a file stores them; a last axis of 3 is color. HU as int16; uint8 color; else uint16 of 12 bits.
        spacing_mm: per spatial axis in array order; None when a picture of that kind states none.
        modality: DICOM's defined term.
        masks: name → bool of the picture's shape without color: anatomy by its name and each lesion by `Lesion.mask`.
        affine_lps_mm: (4, 4), (z, y, x, 1) at voxel centres → LPS mm; None when the position is unknown.
        view: PA, LL, …; None when there is no word for it.
        frame_s: of a clip.
        window: (center, width) for display.
        points: name → place, in pixels: the fovea, a landmark.
    """

    name: str
    kind: Kind
    pixels: Array
    spacing_mm: tuple[float, ...] | None
    modality: str
    masks: Mapping[str, Bools]
    affine_lps_mm: Array | None = None
    view: str | None = None
    frame_s: float | None = None
    window: tuple[float, float] | None = None
    points: Mapping[str, Point] = field(default_factory=dict)

    @property
    def channels(self) -> int:
        """1, or 3 for color."""
        return 3 if self.pixels.ndim == (2 if self.kind == "image" else 3) + 1 else 1

    def boxes(self) -> dict[str, Box]:
        """The tight box around each mask that is not empty, in pixels; of a clip (t, y, x)."""
        return {name: box_around(mask) for name, mask in self.masks.items() if mask.any()}


@dataclass(frozen=True)
class Measured:
    """A quantity that is true of a phantom, with how it is defined. `of` names the picture and the mask; "" is the whole."""

    name: str
    value: float
    unit: Unit
    definition: str
    picture: str = ""
    of: str = ""


@dataclass(frozen=True)
class Event:
    """What happens in a clip from frame `begin` to frame `end`, exclusive. `sort`: phase, tool or action."""

    sort: str
    name: str
    begin: int
    end: int


@dataclass(frozen=True)
class Transcript:
    """A narration as a recognizer heard it: words with the frame each was said at, and the share of words that are wrong."""

    words: tuple[str, ...]
    frames: tuple[int, ...]
    word_error_rate: float


@dataclass(frozen=True, eq=False)
class Drawing:
    """What a kind's `draw` gives: the pictures of one visit and what was measured on the body that it drew."""

    pictures: tuple[Picture, ...]
    measurements: tuple[Measured, ...] = ()
    events: tuple[Event, ...] = ()
    transcripts: tuple[Transcript, ...] = ()


@dataclass(frozen=True, eq=False)
class Phantom:
    """One visit of one simulated patient, with its truth.

    Attributes:
        kind, seed: who it is: the seed is the patient's number.
        visit: 0 for the first, 1 for the follow-up; `day` counts from the first.
        pictures: one or several of the same body.
        lesions: those there now; `resolved`: those of the visit before that are gone.
        labels: present or absent, for every finding that the kind can have.
        told: the same as the report tells it: present, uncertain, absent or not_mentioned.
        reports: by language, all of the same content.
        codes: ICD-10 of the diagnoses, sorted; none of a normal examination.
        facts: age_years, sex, history, site, …: none of it decides a finding, unless a confounder was asked for.
    """

    kind: str
    seed: int
    visit: int
    day: int
    pictures: tuple[Picture, ...]
    lesions: tuple[Lesion, ...]
    resolved: tuple[Lesion, ...]
    labels: Mapping[str, State]
    told: Mapping[str, State]
    reports: Mapping[str, Report]
    codes: tuple[str, ...]
    measurements: tuple[Measured, ...] = ()
    events: tuple[Event, ...] = ()
    transcripts: tuple[Transcript, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def picture(self) -> Picture:
        """The first picture, which is the one that a question is about when it names none."""
        return self.pictures[0]

    @property
    def report(self) -> Report:
        """In English."""
        return self.reports["en"]


def box_around(mask: Bools) -> Box:
    """The tight box around the true pixels of a mask that has some, in array order; pixel i covers [i, i + 1)."""
    axes = range(mask.ndim)
    spans = [np.flatnonzero(mask.any(axis=tuple(other for other in axes if other != axis))) for axis in axes]
    return Box(tuple(float(span[0]) for span in spans), tuple(float(span[-1] + 1) for span in spans))
