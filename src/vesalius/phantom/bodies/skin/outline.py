"""Outlines of skin lesions and their places: what is measured on them is computed here, on the outline itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi

import numpy as np

from vesalius.phantom.case import Case
from vesalius.phantom.paint import Points
from vesalius.phantom.truth import Lesion

_POINTS, _TRIES = 240, 160  # of an outline; places that are tried for a lesion
_REACH_MM = 15.0  # from the middle of the patient's frame to where a lesion may end
_WAVES = np.arange(2, 10)
# How much each wave of the outline may be, by the margin.
_MARGINS = {
    "regular": (0.10, 0.025, 0.015, 0.008, 0.0, 0.0, 0.0, 0.0),
    "sharp": (0.09, 0.035, 0.025, 0.02, 0.012, 0.01, 0.0, 0.0),
    "ill-defined": (0.13, 0.06, 0.04, 0.03, 0.02, 0.01, 0.0, 0.0),
    "rolled": (0.08, 0.04, 0.03, 0.02, 0.01, 0.01, 0.0, 0.0),
    "irregular": (0.19, 0.12, 0.08, 0.05, 0.04, 0.03, 0.02, 0.02),
    "notched": (0.12, 0.09, 0.08, 0.08, 0.07, 0.05, 0.05, 0.05),
}


@dataclass(frozen=True, eq=False)
class Outline:
    """A lesion's outline about its own middle, on the patient.

    Attributes:
        y_mm, x_mm: its middle.
        size_mm: greatest diameter.
        mean_mm: mean radius; `height` and `phase` of waves 2 to 9 around it, as shares of the radius.
    """

    y_mm: float
    x_mm: float
    size_mm: float
    mean_mm: float
    height: Points
    phase: Points

    def radius(self, angle: Points) -> Points:
        """Radius in mm at angles from x towards y."""
        waves = self.height[:, None] * np.cos(_WAVES[:, None] * angle[None] + self.phase[:, None])
        found: Points = self.mean_mm * (1 + waves.sum(axis=0))
        return found


def outlines(case: Case, most_mm: Mapping[str, float]) -> list[tuple[Lesion, Outline]]:
    """The outlines of all lesions of a visit, each at the place that it has at every visit.

    `most_mm` is how large a finding can become. Places are given out in turn, first to what was there at the first visit, so
    that later lesions do not move earlier ones.
    """
    old = [lesion for lesion in (*case.lesions, *case.resolved) if lesion.change != "new"]
    names = list(most_mm)
    # The larger a finding can become, the earlier it is placed: small ones find room between.
    old.sort(key=lambda lesion: (-most_mm[lesion.finding], names.index(lesion.finding), lesion.number))
    new = [lesion for lesion in case.lesions if lesion.change == "new"]
    order = [*old, *sorted(new, key=lambda lesion: -most_mm[lesion.finding])]
    placed: list[tuple[float, float, float]] = []
    found = {}
    for lesion in order:
        half = most_mm[lesion.finding] / 2
        rng = case.place(lesion, 0)
        away, angle = (_REACH_MM - half) * np.sqrt(rng.random(_TRIES)), rng.random(_TRIES) * 2 * pi
        y, x = away * np.sin(angle), away * np.cos(angle)
        free = np.full(_TRIES, 99.0)
        for other_y, other_x, other_half in placed:
            np.minimum(free, np.hypot(y - other_y, x - other_x) - 0.7 * (other_half + half), out=free)
        best = int(np.argmax(free > 0.5)) if (free > 0.5).any() else int(np.argmax(free))
        placed.append((float(y[best]), float(x[best]), half))
        found[id(lesion)] = (float(y[best]), float(x[best]))
    return [(lesion, _outline(case, lesion, *found[id(lesion)])) for lesion in case.lesions]


def _outline(case: Case, lesion: Lesion, y_mm: float, x_mm: float) -> Outline:
    """The outline, as wide as its stated greatest diameter."""
    rng = case.place(lesion, 1)
    height = np.array(_MARGINS[lesion.attributes.get("margin", "regular")]) * rng.uniform(0.15, 1.2, len(_WAVES))
    phase = rng.uniform(0, 2 * pi, len(_WAVES))
    size_mm = float(lesion.size_mm or 1.0)
    unit = Outline(y_mm, x_mm, size_mm, 1.0, height, phase)
    return Outline(y_mm, x_mm, size_mm, size_mm / _greatest(*_rim(unit)), height, phase)


def _rim(outline: Outline) -> tuple[Points, Points]:
    """Points of the outline about its middle, (y, x)."""
    angle = np.arange(_POINTS, dtype=np.float64) * (2 * pi / _POINTS)
    radius = outline.radius(angle)
    return radius * np.sin(angle), radius * np.cos(angle)


def _greatest(y: Points, x: Points) -> float:
    """The greatest distance of two points of an outline: its greatest width in any direction."""
    turn = np.arange(90) * (pi / 90)
    along = y[:, None] * np.sin(turn) + x[:, None] * np.cos(turn)
    return float(np.ptp(along, axis=0).max())


def area_mm2(outline: Outline) -> float:
    """Area within the outline."""
    y, x = _rim(outline)
    return float(0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))


def irregularity(outline: Outline) -> float:
    """Squared perimeter by 4π times the area: 1 of a circle."""
    y, x = _rim(outline)
    around = float(np.hypot(np.diff(y, append=y[0]), np.diff(x, append=x[0])).sum())
    return around**2 / (4 * pi * area_mm2(outline))


def asymmetry(outline: Outline) -> float:
    """Share of the area that the lesion, turned by half a turn about its center of area, does not cover: 0 of an ellipse."""
    y, x = _rim(outline)
    cross = x * np.roll(y, -1) - y * np.roll(x, -1)
    total = cross.sum() * 3
    y, x = y - ((y + np.roll(y, -1)) * cross).sum() / total, x - ((x + np.roll(x, -1)) * cross).sum() / total
    angle = np.unwrap(np.arctan2(y, x))
    even = angle[0] + np.arange(_POINTS) * (2 * pi / _POINTS)
    radius = np.interp(even, np.append(angle, angle[0] + 2 * pi), np.append(np.hypot(y, x), np.hypot(y[0], x[0])))
    both = np.minimum(radius, np.roll(radius, _POINTS // 2))
    return float(1 - np.sum(both**2) / np.sum(radius**2))
