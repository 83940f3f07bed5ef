"""The arteries and veins of both lungs: points along branching lines, each with a width, in three generations."""

from dataclasses import dataclass

import numpy as np

from vesalius.phantom.bodies.chest.body import Chest
from vesalius.phantom.bodies.chest.parts import cage
from vesalius.phantom.paint import Points, stream

STEP_MM = 3.0
_TREE = 3  # stream of random numbers
_MAINS, _LENGTH = 9, 17
_TWIGS = ((3, 2.9), (6, 2.8), (9, 2.5), (11, 2.3), (14, 2.0), (16, 2.0))  # from where on a main branch, width in mm
_TWIG_LENGTH = 11


@dataclass(frozen=True, eq=False)
class Tree:
    """Points (N,) in the body's frame, mm: where, how wide, whether of a thick vessel, and the way to the next point, or 0."""

    x: Points
    y: Points
    z: Points
    width: Points
    thick: Points
    way: Points  # (3, N): x, y, z


def tree_of(c: Chest, seed: int, *, onward: bool = False) -> Tree:
    """The vessels of one patient, as far as they lie within the cage; `onward` works out the ways between points too."""
    rng = stream("chest", seed, _TREE)
    count = 2 * _MAINS
    side = np.repeat([-1.0, 1.0], _MAINS)
    fan = np.tile(np.linspace(-1.4, 1.5, _MAINS), 2) + rng.uniform(-0.2, 0.2, count)
    lean = np.where(np.tile(np.arange(_MAINS) % 2, 2) == 0, 0.5, -0.45) + rng.uniform(-0.35, 0.35, count)
    x = side * (c.mediastinum + 9) + rng.uniform(-3, 3, count)
    z = c.arch[1] - 42 - 13 * np.sin(fan) - 4 * (side > 0)
    y = np.full(count, 3.0) + 10 * lean
    reach = rng.uniform(0.85, 1.12, count)
    mains = _lines(rng, (side, fan, lean, x, y, z), _LENGTH, 0.06, reach)
    widths = np.linspace(float(rng.uniform(6.5, 8.0)), 2.5, _LENGTH)
    found: list[tuple[Points, ...]] = [(*mains[:3], np.broadcast_to(widths, mains[0].shape), np.ones(mains[0].shape))]
    starts = np.repeat([at for at, _ in _TWIGS], 2)
    bends = np.tile([-0.6, 0.55], len(_TWIGS))[:, None] + rng.uniform(-0.25, 0.25, (2 * len(_TWIGS), count))
    tips = rng.uniform(-0.8, 0.8, bends.shape)
    turned, tipped = (mains[3].T[starts] + bends).ravel(), (mains[4].T[starts] + tips).ravel()
    along = tuple(part.T[starts].ravel() for part in mains[:3])
    many = len(starts)
    twigs = _lines(rng, (np.tile(side, many), turned, tipped, *along), _TWIG_LENGTH, 0.09, np.tile(reach, many))
    tapered = np.repeat(np.repeat([width for _, width in _TWIGS], 2), count)[:, None] * np.linspace(1, 0.3, _TWIG_LENGTH)
    found.append((*twigs[:3], tapered, np.zeros(tapered.shape)))
    many *= 2
    bends, tips = np.repeat([-0.55, 0.6], many * count // 2), rng.uniform(-0.9, 0.9, many * count)
    points = [np.tile(part[:, 5], 2) for part in twigs]
    start = (np.tile(side, many), points[3] + bends, points[4] + tips, *points[:3])
    last = _lines(rng, start, 7, 0.1, np.tile(reach, many))
    tapered = np.tile(tapered[:, 5], 2)[:, None] * np.linspace(0.75, 0.35, 7)
    found.append((*last[:3], tapered, np.zeros(tapered.shape)))
    # Vessels that run along the beam look like nodules from the front.
    for _ in range(3):
        branch, at, long = int(rng.integers(count)), int(rng.integers(3, 9)), int(rng.integers(0, 5))
        run = np.arange(-long, long + 1.0)
        spot = [np.full((1, len(run)), part[branch, at]) for part in mains[:3]]
        spot[1] = spot[1] + run[None, :] * STEP_MM
        found.append((*spot, np.full((1, len(run)), widths[at] * 0.75), np.ones((1, len(run)))))
    x, y, z, width, thick = (np.concatenate([part[i].ravel() for part in found]) for i in range(5))
    squared, half = cage(c, np.abs(x), z, -2.0)
    inside = (squared < 1) & (np.abs(y - c.lung_y) < half)
    way = np.zeros((3, len(x)))
    if onward:
        way = np.stack([np.concatenate([_onward(part[i]) for part in found]) for i in range(3)])
    return Tree(x[inside], y[inside], z[inside], width[inside], thick[inside], way[:, inside])


def _onward(along: Points) -> Points:
    """From each point of the lines to the next; nothing from the last."""
    steps = np.zeros(along.shape)
    steps[:, :-1] = np.diff(along, axis=1)
    return steps.ravel()


def _lines(
    rng: np.random.Generator, start: tuple[Points, ...], length: int, wander: float, reach: Points
) -> tuple[Points, Points, Points, Points, Points]:
    """Wandering lines (line, point): x, y, z and two directions.

    Angles run from straight out to the side: in the frontal plane down positive, and out of it back positive.
    """
    side, angle, lean, x, y, z = start
    shape = (len(angle), length)
    direction = angle[:, None] + np.cumsum(rng.normal(0, wander, shape), axis=1)
    depth = lean[:, None] + np.cumsum(rng.normal(0, wander, shape), axis=1)
    step = STEP_MM * reach[:, None]
    flat = step / np.sqrt(1 + 0.3 * np.sin(depth) ** 2)
    along_x = x[:, None] + np.cumsum(flat * np.cos(direction) * side[:, None], axis=1)
    along_z = z[:, None] - np.cumsum(flat * np.sin(direction), axis=1)
    along_y = y[:, None] + np.cumsum(step * 0.9 * np.sin(depth), axis=1)
    return along_x, along_y, along_z, direction, depth
