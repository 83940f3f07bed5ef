"""Colored marks that were drawn on gray pictures: the boxes, lines and arrows of a person or a program."""

from typing import Any

import numpy as np
import numpy.typing as npt

from vesalius.types import Array

GRAY_CHROMA, DRAWN_CHROMA = 0.06, 0.35  # largest minus smallest channel, of full scale: below is gray, above is drawn
GRAY_PART = 0.9  # of all pixels that must be gray
SHORTEST_PART, SHORTEST_PX = 0.03, 10  # of the shorter side: a straight rim is at least so long,
RIM_PX = 2  # wanders no farther than this,
FLAT = 0.2  # and is of one color: its ends differ by no more of full scale
FEWEST_RIMS = 2
FEW_COLORS, FEW_COLORS_PART, SHADES = 3, 0.6, 8  # so many colors, told apart by so many shades a channel, make up most of it

Marks = npt.NDArray[np.bool_]
Colors = npt.NDArray[np.float32]


def has_colored_strokes(picture: Array) -> bool:
    """Whether a picture that is gray otherwise bears straight rims of one strong color.

    Boxes, lines along rows and columns, and filled arrows have such rims. Flow in ultrasound and the scale of its colors have
    many colors and count as none; photographs and stained slides are not gray. What is drawn aslant or freely, and colored
    text, is not found.

    Args:
        picture: (Y, X, 3), integers at full scale or fractions in [0, 1]; other shapes have no color and thus no strokes.

    Returns:
        True for at least two such rims.
    """
    if picture.ndim != 3 or picture.shape[-1] != 3:
        return False
    full = float(np.iinfo(picture.dtype).max) if np.issubdtype(picture.dtype, np.integer) else 1.0
    red, green, blue = (picture[..., channel] for channel in range(3))
    highest, lowest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    chroma = highest - lowest
    drawn = chroma >= DRAWN_CHROMA * full
    length = max(SHORTEST_PX, round(SHORTEST_PART * min(drawn.shape)))
    if not drawn.any() or min(drawn.shape) < length or np.mean(chroma <= GRAY_CHROMA * full) < GRAY_PART:
        return False
    if not _are_few(picture[drawn] / full):
        return False
    rows, columns = (np.flatnonzero(drawn.any(axis=axis)) for axis in (1, 0))
    around = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    marks, colors = drawn[around], (picture[around] / full).astype(np.float32)
    turned = np.ascontiguousarray(colors.swapaxes(0, 1))
    return _count(_rims(marks, colors, length)) + _count(_rims(marks.T.copy(), turned, length)) >= FEWEST_RIMS


def _are_few(colors: npt.NDArray[np.floating[Any]]) -> bool:
    """Whether a few colors make up most of these, (n, 3) in [0, 1]."""
    shades = np.minimum((colors * SHADES).astype(np.int64), SHADES - 1)
    counts = np.sort(np.bincount(shades @ np.array([SHADES**2, SHADES, 1])))
    return bool(counts[-FEW_COLORS:].sum() >= FEW_COLORS_PART * len(colors))


def _rims(marks: Marks, colors: Colors, length: int) -> Marks:
    """Straight rims along the last axis of the marks, of strokes and of areas alike."""
    padded = np.pad(marks, ((RIM_PX, RIM_PX), (0, 0)))
    above, below = padded[: -2 * RIM_PX], padded[2 * RIM_PX :]
    return _long(marks & ~above, colors, length) | _long(marks & ~below, colors, length)


def _long(marks: Marks, colors: Colors, length: int) -> Marks:
    """Runs along the last axis that are at least so long, and of one color."""
    long = np.zeros_like(marks)
    rows = np.flatnonzero(marks.sum(axis=1) >= length)
    if not len(rows):
        return long
    sums = np.cumsum(np.pad(marks[rows], ((0, 0), (1, 0))), axis=1, dtype=np.int32)
    begins = sums[:, length:] - sums[:, :-length] == length
    for channel in range(3):
        values = colors[rows, :, channel]
        begins &= np.abs(values[:, length - 1 :] - values[:, : 1 - length]) <= FLAT
    counts = np.cumsum(np.pad(begins, ((0, 0), (length, length - 1))), axis=1, dtype=np.int32)
    long[rows] = counts[:, length:] - counts[:, :-length] > 0
    return long


def _count(marks: Marks) -> int:
    """How many separate patches there are: stretches of rows, and within each, stretches of columns."""
    rows: Marks = np.asarray(marks.any(axis=1))
    return sum(len(_runs(np.asarray(marks[begin:end].any(axis=0)))) for begin, end in _runs(rows))


def _runs(line: Marks) -> list[tuple[int, int]]:
    """The half-open stretches of a line that are set."""
    edges = np.flatnonzero(np.diff(np.pad(line, 1).astype(np.int8)))
    return [(int(begin), int(end)) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
