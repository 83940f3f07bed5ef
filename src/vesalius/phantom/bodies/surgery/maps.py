"""Textures of tissue that repeat: lobules of fat, fine and coarse noise, small vessels."""

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from vesalius.phantom.paint import blur, dome
from vesalius.phantom.truth import Floats

TILE, TILE_MM = 256, 154.0  # the maps repeat after that
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Maps:
    """Maps of a patient's tissues, each (TILE * TILE,) and periodic.

    `lobes` height of fat lobules in mm with its slopes; `grain` and `cloud` noise about 0 of standard deviation near 1, fine
    and coarse; `vessels` 0 to 1.
    """

    lobes: Floats
    lobes_x: Floats
    lobes_y: Floats
    grain: Floats
    cloud: Floats
    vessels: Floats


def draw_maps(rng: np.random.Generator) -> Maps:
    """A patient's maps."""
    lobes = blur(_lobes(rng), 1.2)
    step = np.float32(TILE / TILE_MM / 2)
    slopes = [(np.roll(lobes, -1, axis) - np.roll(lobes, 1, axis)) * step for axis in (1, 0)]
    cloud = _periodic(rng, 9) + 0.6 * _periodic(rng, 21)
    grain = _periodic(rng, 64) + 0.7 * _periodic(rng, 128)
    # Where two smooth maps both cross zero's neighborhood lie lines that branch as small vessels do.
    lines = np.exp(-((_periodic(rng, 12) / 0.07) ** 2)) + 0.7 * np.exp(-((_periodic(rng, 25) / 0.09) ** 2))
    fade = np.clip(0.6 + 0.6 * _periodic(rng, 7), 0, 1)
    return Maps(lobes.ravel(), slopes[0].ravel(), slopes[1].ravel(), grain.ravel(), cloud.ravel(), (lines * fade).ravel())


def _lobes(rng: np.random.Generator) -> Floats:
    """Lobules of fat, heaped up, mm."""
    pad = 24  # wider than the widest dome reaches
    found = np.zeros((TILE + 2 * pad, TILE + 2 * pad), np.float32)
    places, radii, flat = rng.uniform(0, TILE, (190, 2)), rng.uniform(6, 17, 190), rng.uniform(0.6, 1.5, 190)
    for (x, y), radius, ratio in zip(places, radii, flat, strict=True):
        reach = min(ceil(radius * 1.3), pad - 1)
        low_y, low_x = int(y) - reach + pad, int(x) - reach + pad
        steps = np.arange(2 * reach + 1, dtype=np.float32) - np.float32(reach)
        down, across = steps + np.float32(int(y) - y), steps + np.float32(int(x) - x)
        down *= np.float32(ratio / radius)
        across *= np.float32(1 / (ratio * radius))
        rise = dome((down * down)[:, None] + across * across) * np.float32(0.30 * radius)
        part = found[low_y : low_y + len(steps), low_x : low_x + len(steps)]
        np.maximum(part, rise, out=part)
    # What reaches over one rim comes in at the other.
    for _ in range(2):
        found[pad : 2 * pad] = np.maximum(found[pad : 2 * pad], found[-pad:])
        found[-2 * pad : -pad] = np.maximum(found[-2 * pad : -pad], found[:pad])
        found = found[pad:-pad].T
    return np.ascontiguousarray(found)


def _periodic(rng: np.random.Generator, cells: int) -> Floats:
    """Smooth noise that repeats after `TILE`, of standard deviation near 0.6."""
    knots = rng.standard_normal((cells, cells), dtype=np.float32)
    at = (np.arange(TILE, dtype=np.float32) + np.float32(0.5)) * np.float32(cells / TILE)
    cell = at.astype(np.intp)
    share = at - cell.astype(np.float32)
    share = (share * share * (3 - 2 * share))[:, None]
    for _ in range(2):
        knots = np.ascontiguousarray((knots[cell] * (1 - share) + knots[(cell + 1) % cells] * share).T)
    return knots


@dataclass(frozen=True, eq=False)
class Spot:
    """Where places lie in the maps: the four nearest samples and how near each is."""

    at: tuple[Indices, Indices, Indices, Indices]
    share: tuple[Floats, Floats, Floats, Floats]

    def of(self, table: Floats) -> Floats:
        """A map at these places."""
        found = table.take(self.at[0], mode="clip") * self.share[0]
        for at, share in zip(self.at[1:], self.share[1:], strict=True):
            found += table.take(at, mode="clip") * share
        return found


def spot(x: Floats, y: Floats) -> Spot:
    """Where (x, y) in mm lie in the maps."""
    column, row = x * np.float32(TILE / TILE_MM) + 8 * TILE, y * np.float32(TILE / TILE_MM) + 8 * TILE
    left, low = column.astype(np.intp), row.astype(np.intp)
    column -= left
    row -= low
    last = TILE - 1
    right, down = (left + 1) & last, ((low + 1) & last) * TILE
    left &= last
    low &= last
    low *= TILE
    beside, below = 1 - column, 1 - row
    return Spot(
        (low + left, low + right, down + left, down + right), (below * beside, below * column, row * beside, row * column)
    )
