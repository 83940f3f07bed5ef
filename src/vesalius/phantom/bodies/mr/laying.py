"""Laying tissues on a volume within the box that a shape can reach."""

from math import sqrt

from vesalius.phantom.bodies.mr.signal import Canvas, Tissue, share
from vesalius.phantom.bodies.mr.space import Vector, ellipsoid, rod
from vesalius.phantom.truth import Floats

Place = tuple[Floats, Floats, Floats]  # the body's x, y, z at every sample, of one shape


def canvas_edge(place: Place) -> float:
    """The width over which a surface is blended: the mean step of a grid, from its coordinates."""
    x, y, z = place
    steps = [sqrt(sum(float(c[at] - c[0, 0, 0]) ** 2 for c in (x, y, z))) for at in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]
    return sum(steps) / 3


def box_around(place: Place, ends: tuple[Vector, ...], reach_mm: float) -> tuple[slice, slice, slice] | None:
    """The part of the grid within `reach_mm` of the box around some places of the body; None if there is none."""
    shape = place[0].shape
    found = []
    start = [float(at[0, 0, 0]) for at in place]
    for axis in range(3):
        last = tuple(shape[axis] - 1 if other == axis else 0 for other in range(3))
        span = [float(at[last]) - first for at, first in zip(place, start, strict=True)]
        length = sqrt(sum(value * value for value in span))
        along = [sum((c - s) * v for c, s, v in zip(end, start, span, strict=True)) / length for end in ends]
        size = length / (shape[axis] - 1)
        low, high = max(int((min(along) - reach_mm) / size), 0), min(int((max(along) + reach_mm) / size) + 2, shape[axis])
        if low >= high:
            return None
        found.append(slice(low, high))
    return (found[0], found[1], found[2])


def lay_ellipsoid(canvas: Canvas, place: Place, center: Vector, radii: Vector, tissue: Tissue, edge: float) -> None:
    """Lay a tissue in an ellipsoid, within its box."""
    box = box_around(place, (center,), max(radii) + edge)
    if box is not None:
        x, y, z = (at[box] for at in place)
        canvas.lay(share(ellipsoid(x, y, z, center, radii), edge), tissue, box)


def lay_rod(
    canvas: Canvas, place: Place, ends: tuple[Vector, Vector], radii: tuple[float, float], tissue: Tissue, edge: float
) -> None:
    """Lay a tissue in a rod, within its box."""
    box = box_around(place, ends, max(radii) + edge)
    if box is not None:
        x, y, z = (at[box] for at in place)
        canvas.lay(share(rod(x, y, z, ends, radii), edge), tissue, box)
