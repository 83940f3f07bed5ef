"""Sizes of what a mask marks: lengths, areas, volumes and angles, from its pixels and their spacing.

Lengths are between the middles of pixels, plus one pixel's extent along the line: a row of five pixels of 2 mm is 10 mm long.
Whatever is measured so lies within one voxel diagonal of the length of the body that the mask was drawn from, if a pixel is
marked when its middle lies inside.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
DIRECTIONS = 720  # in which the farthest pixels are looked for; a diameter is never short by more than one in ten thousand


def diagonal_mm(spacing_mm: Sequence[float]) -> float:
    """Of one pixel or voxel: how sure a length is."""
    return math.hypot(*spacing_mm)


def diameter_mm(mask: Bools, spacing_mm: Sequence[float]) -> float:
    """The greatest length of what is marked, in any direction.

    Args:
        mask: (Y, X) or (Z, Y, X) with at least one true pixel.
        spacing_mm: per axis.
    """
    return _farthest(mask, spacing_mm)[0]


def axes_mm(mask: Bools, spacing_mm: Sequence[float]) -> tuple[float, float]:
    """The greatest length in a plane, and the greatest width at right angles to it, as RECIST measures.

    Args:
        mask: (Y, X) with at least one true pixel.
        spacing_mm: (y, x).
    """
    length, along = _farthest(mask, spacing_mm)
    across = np.array([-along[1], along[0]])
    width = np.ptp(_rim_mm(mask, spacing_mm) @ across)
    return length, float(width + _chord(across, spacing_mm))


def area_mm2(mask: Bools, spacing_mm: Sequence[float]) -> float:
    """Of what is marked in a plane."""
    return float(mask.sum()) * spacing_mm[0] * spacing_mm[1]


def volume_ml(mask: Bools, spacing_mm: Sequence[float]) -> float:
    """Of what is marked in space."""
    return float(mask.sum()) * math.prod(spacing_mm) / 1000


def distance_mm(first: Sequence[float], second: Sequence[float], spacing_mm: Sequence[float]) -> float:
    """Between two points in pixels."""
    return math.hypot(*((a - b) * step for a, b, step in zip(first, second, spacing_mm, strict=True)))


def angle_deg(
    first: Sequence[float], vertex: Sequence[float], second: Sequence[float], spacing_mm: Sequence[float]
) -> float | None:
    """At the vertex between the lines to two other points, 0 to 180; None where two of the points are one."""
    arms = [(np.asarray(end) - np.asarray(vertex)) * np.asarray(spacing_mm) for end in (first, second)]
    lengths = [float(np.linalg.norm(arm)) for arm in arms]
    if min(lengths) == 0:
        return None
    return math.degrees(math.acos(max(-1.0, min(1.0, float(arms[0] @ arms[1]) / (lengths[0] * lengths[1])))))


def between_lines_deg(first: Floats, second: Floats) -> float:
    """Between two directions without a sense, 0 to 90."""
    return math.degrees(math.acos(min(1.0, abs(float(first @ second)))))


def long_axis(mask: Bools, spacing_mm: Sequence[float]) -> tuple[Floats, float]:
    """The direction of what is marked, a unit vector in mm by the second moments, and how many times longer than wide it is.

    The second is 1 for a disk and infinite for a single row.
    """
    at = np.argwhere(mask) * np.asarray(spacing_mm, np.float64)
    spread, directions = np.linalg.eigh(np.cov(at.T)) if len(at) > 1 else (np.zeros(mask.ndim), np.eye(mask.ndim))
    longest, next_longest = (math.sqrt(max(0.0, v)) for v in (spread[-1], spread[-2]))
    return directions[:, -1], math.inf if next_longest == 0 else longest / next_longest


def _farthest(mask: Bools, spacing_mm: Sequence[float]) -> tuple[float, Floats]:
    """The greatest length and its direction."""
    points = _rim_mm(mask, spacing_mm)
    directions = _circle() if mask.ndim == 2 else _sphere()
    ends: set[int] = set()
    for some in np.array_split(directions, max(1, len(points) // 2000)):
        along = points @ some.T
        ends |= set(along.argmax(axis=0).tolist()) | set(along.argmin(axis=0).tolist())
    outer = points[sorted(ends)]
    steps = outer[:, None] - outer[None]
    lengths = np.sqrt((steps**2).sum(axis=-1))
    first, second = np.unravel_index(int(lengths.argmax()), lengths.shape)
    length = float(lengths[first, second])
    # One pixel alone has the length of its longest side.
    along = steps[first, second] / length if length else np.eye(mask.ndim)[int(np.argmax(spacing_mm))]
    return length + _chord(along, spacing_mm), along


def _rim_mm(mask: Bools, spacing_mm: Sequence[float]) -> Floats:
    """The first and the last marked pixel of every row, in mm: all that is outermost is among them."""
    rows = np.argwhere(mask.any(axis=-1))
    lines = mask[tuple(rows.T)]
    ends = (lines.argmax(axis=-1), mask.shape[-1] - 1 - lines[:, ::-1].argmax(axis=-1))
    at = np.concatenate([np.column_stack([rows, end]) for end in ends])
    found: Floats = at * np.asarray(spacing_mm, np.float64)
    return found


def _chord(along: Floats, spacing_mm: Sequence[float]) -> float:
    """How long a line in that direction runs through the middle of a pixel."""
    parts = [float(part) for part in along]
    return min(float(step) / abs(part) for part, step in zip(parts, spacing_mm, strict=True) if abs(part) > 1e-12)


def _circle() -> Floats:
    angles = np.arange(DIRECTIONS) * np.pi / DIRECTIONS
    return np.column_stack([np.sin(angles), np.cos(angles)])


def _sphere() -> Floats:
    """Evenly spread over half a sphere, along a spiral."""
    number = np.arange(DIRECTIONS) + 0.5
    height = number / DIRECTIONS
    turn = np.pi * (1 + 5**0.5) * number
    flat = np.sqrt(1 - height**2)
    return np.column_stack([height, flat * np.sin(turn), flat * np.cos(turn)])
