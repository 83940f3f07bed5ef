"""The mucosa of a tube, unrolled: vessels, patches of color and fine relief in (angle, z)."""

from dataclasses import dataclass
from math import pi

import numpy as np
import numpy.typing as npt

from vesalius.phantom.paint import blur
from vesalius.phantom.truth import Floats

LENGTH_MM = 180.0
_ROWS, _COLUMNS = 400, 336  # along z, around
_STEPS, _STEP_MM = 36, 1.7
_PARTS = np.array([[0.2], [0.4], [0.6], [0.8], [1.0]])

Color = tuple[float, float, float]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Mucosa:
    """Maps of (z, angle), flat, and the colors that they stand for.

    `vessels` 0 to 1; `patches` and `relief` about 0 with a standard deviation near 1.
    """

    vessels: Floats
    patches: Floats
    relief: Floats
    color: Color
    roughness: float


@dataclass(frozen=True, eq=False)
class Spot:
    """Where places of the wall lie in the maps: the four nearest samples and how near each is."""

    at: tuple[Indices, Indices, Indices, Indices]
    share: tuple[Floats, Floats, Floats, Floats]

    def of(self, table: Floats) -> Floats:
        """A map at these places."""
        found = table.take(self.at[0]) * self.share[0]
        for at, share in zip(self.at[1:], self.share[1:], strict=True):
            found += table.take(at) * share
        return found


def spot(angle: Floats, z: Floats) -> Spot:
    """Where (angle, z) lies in the maps; angles in radians, z in mm."""
    row, column = z * np.float32((_ROWS - 1) / LENGTH_MM), (angle + np.float32(pi)) * np.float32(_COLUMNS / (2 * pi))
    np.clip(row, 0, _ROWS - 1.001, out=row)
    np.clip(column, 0, _COLUMNS - 0.001, out=column)
    low, left = row.astype(np.intp), column.astype(np.intp)
    row -= low
    column -= left
    right = left + 1
    right[right == _COLUMNS] = 0
    low *= _COLUMNS
    below, beside = 1 - row, 1 - column
    return Spot(
        (low + left, low + right, low + left + _COLUMNS, low + right + _COLUMNS),
        (below * beside, below * column, row * beside, row * column),
    )


def draw_mucosa(rng: np.random.Generator, radius_mm: float) -> Mucosa:
    """A patient's mucosa: from pale and pink to deep red, with few or many vessels."""
    red = rng.uniform(0, 1)
    tint = rng.uniform(-1, 1)
    color = (0.95 - 0.06 * red, 0.50 - 0.20 * red + 0.04 * tint, 0.41 - 0.20 * red - 0.05 * tint)
    strength = rng.uniform(0.45, 1.3)
    fine = _vessels(rng, radius_mm, int(rng.integers(16, 40)), 0.9) * np.float32(strength)
    return Mucosa(
        vessels=np.minimum(fine, 1).ravel(),
        patches=(_around(rng, 9, 7) + 0.6 * _around(rng, 22, 18)).ravel(),
        relief=(_around(rng, 60, 48) + 0.8 * _around(rng, 140, 110)).ravel(),
        color=color,
        roughness=rng.uniform(0.5, 1.2),
    )


def _around(rng: np.random.Generator, rows: int, columns: int) -> Floats:
    """Smooth noise that closes around the tube, of standard deviation near 0.6."""
    knots = rng.standard_normal((rows + 1, columns), dtype=np.float32)
    knots = np.concatenate([knots, knots[:, :1]], axis=1)
    for count, cells in ((_ROWS, rows), (_COLUMNS, columns)):
        at = (np.arange(count, dtype=np.float32) + np.float32(0.5)) * np.float32(cells / count)
        cell = at.astype(np.intp)
        share = at - cell.astype(np.float32)
        share = (share * share * (3 - 2 * share))[:, None]
        knots = np.ascontiguousarray((knots[cell] * (1 - share) + knots[cell + 1] * share).T)
    return knots


def _vessels(rng: np.random.Generator, radius_mm: float, trees: int, width: float) -> Floats:
    """Branching vessels that thin out from where they come through the wall, 0 to 1."""
    most = trees * 6
    x, y = rng.uniform(0, 2 * pi * radius_mm, trees), rng.uniform(0, LENGTH_MM, trees)
    heading, thick = rng.uniform(0, 2 * pi, trees), rng.uniform(0.6, 1.0, trees)
    places: list[Indices] = []
    weights: list[npt.NDArray[np.float64]] = []
    across, along = _COLUMNS / (2 * pi * radius_mm), _ROWS / LENGTH_MM
    for _ in range(_STEPS):
        bends, forks, sides = rng.normal(0, 0.22, most), rng.random(most), rng.uniform(0.35, 0.9, most)
        count = len(x)
        heading = heading + bends[:count]
        ahead_x, ahead_y = _STEP_MM * np.cos(heading), _STEP_MM * np.sin(heading)
        column = ((x + _PARTS * ahead_x) * across).astype(np.intp) % _COLUMNS
        row = ((y + _PARTS * ahead_y) * along).astype(np.intp)
        inside = (row >= 0) & (row < _ROWS)
        places.append((row * _COLUMNS + column)[inside])
        weights.append(np.broadcast_to(thick**2, row.shape)[inside])
        x, y = x + ahead_x, y + ahead_y
        thick = thick * 0.985
        fork = np.flatnonzero((forks[:count] < 0.07) & (thick > 0.25))[: most - count]
        side = np.where(forks[fork] < 0.035, 1, -1) * sides[fork]
        x, y = np.concatenate([x, x[fork]]), np.concatenate([y, y[fork]])
        heading, thick = np.concatenate([heading, heading[fork] + side]), np.concatenate([thick, 0.75 * thick[fork]])
    weight = np.bincount(np.concatenate(places), np.concatenate(weights), minlength=_ROWS * _COLUMNS)
    laid = blur(weight.astype(np.float32).reshape(_ROWS, _COLUMNS), width)
    shown: Floats = 1 - np.exp(laid * np.float32(-1.6))
    return shown
