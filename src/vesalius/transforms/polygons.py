"""Outlines as pixels, and outlines with holes as one: a pixel belongs to an outline when its center lies inside.

An outline with holes is one closed line as well: each hole is walked around behind the outer ring, there and back along the same
straight line. Nothing lies between the two ways of that line, so area and pixels are those of the ring without its holes.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vesalius.transforms.outline import signed_area_px
from vesalius.types import Polygon

Vertex = tuple[float, float]
Ring = tuple[Vertex, ...]
_CROSSINGS_AT_ONCE = 1 << 20


def filled(outlines: Sequence[Polygon], shape: tuple[int, int], *, origin_px: tuple[int, int] = (0, 0)) -> npt.NDArray[np.bool_]:
    """The pixels whose centers lie inside an odd number of windings of any of the outlines; what lies outside is cut off.

    A center that lies on a left or upper edge is inside, on a right or lower one outside: outlines that share an edge share no
    pixel and leave none out. An outline of `outline.outlines` gives back the very mask.

    Args:
        outlines: vertices (y, x) in pixels; of several the union.
        shape: (Y, X) of the result.
        origin_px: (y, x) of the result's first pixel in the picture.

    Returns:
        bool, (Y, X).
    """
    found = np.zeros(shape, np.bool_)
    for outline in outlines:
        found |= _filled(np.array(outline.vertices, np.float64).reshape(-1, 2) - origin_px, shape)
    return found


def _filled(vertices: npt.NDArray[np.float64], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """One outline: along each row, every crossing of an edge turns inside to outside or back."""
    height, width = shape
    flips = np.zeros((height, width + 1), np.bool_)
    starts, ends = vertices, np.roll(vertices, -1, axis=0)
    top, bottom = np.minimum(starts[:, 0], ends[:, 0]), np.maximum(starts[:, 0], ends[:, 0])
    # Rows whose center y + 1/2 lies in [top, bottom).
    first = np.clip(np.ceil(top - 0.5), 0, height).astype(np.int64)
    behind = np.clip(np.ceil(bottom - 0.5), 0, height).astype(np.int64)
    rows = np.maximum(behind - first, 0)
    done = np.cumsum(rows)
    begin = 0
    while begin < len(rows):
        until = max(begin + 1, int(np.searchsorted(done, (done[begin - 1] if begin else 0) + _CROSSINGS_AT_ONCE, "right")))
        part = slice(begin, until)
        edge = np.repeat(np.arange(len(rows))[part], rows[part])
        offset = np.arange(edge.size) - np.repeat(np.cumsum(rows[part]) - rows[part], rows[part])
        row = first[edge] + offset
        (y0, x0), (y1, x1) = starts[edge].T, ends[edge].T
        x = x0 + (row + 0.5 - y0) * ((x1 - x0) / (y1 - y0))
        column = np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)
        np.logical_xor.at(flips, (row, column), True)
        begin = until
    inside: npt.NDArray[np.bool_] = np.logical_xor.accumulate(flips, axis=1)[:, :width]
    return inside


def area_px(polygon: Polygon) -> float:
    """The area inside an outline that does not cross itself, in square pixels; holes that it walks around taken off."""
    return abs(signed_area_px(polygon))


def with_holes(ring: Ring, holes: Sequence[Ring]) -> Polygon:
    """The outer ring and its holes as one outline, as this file's head has it.

    Args:
        ring: vertices (y, x), not closed: the last is not the first again.
        holes: the same, each inside of the ring and outside of one another.
    """
    walked = list(ring)
    is_positive = signed_area_px(Polygon(ring)) > 0
    for number, hole in enumerate(holes):
        turned = hole if (signed_area_px(Polygon(hole)) > 0) != is_positive else (hole[0], *hole[:0:-1])
        walked += [*((ring[0],) if number == 0 else ()), *turned, turned[0], ring[0]]
    return Polygon(tuple(walked))


def rings(polygon: Polygon) -> tuple[Ring, tuple[Ring, ...]]:
    """The outer ring and the holes of an outline: what `with_holes` was given, up to the direction of holes."""
    vertices = polygon.vertices
    whole: tuple[Ring, tuple[Ring, ...]] = (vertices, ())
    if vertices[0] not in vertices[1:]:
        return whole
    at = vertices.index(vertices[0], 1)
    ring, holes = vertices[:at], []
    while at + 1 < len(vertices):
        try:
            end = vertices.index(vertices[at + 1], at + 2)
        except ValueError:
            return whole
        if vertices[end + 1 : end + 2] != (vertices[0],):
            return whole
        holes.append(vertices[at + 1 : end])
        at = end + 1
    return (ring, tuple(holes)) if holes else whole
