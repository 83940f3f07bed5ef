"""Box IoU: how well do the boxes of an answer cover the regions that were asked for?

Per item, boxes are matched by label, image and frame. Boxes of one label are paired one to one so that the sum of their IoU
is largest (exact, not greedy); the item's value is that sum over all labels, divided by the number of boxes that had to be
paired: per label the larger of true and predicted boxes. So a missing box, a superfluous box, a box with another label and a
box on the wrong image each cost as much as a box that misses, and naming many boxes does not pay.

Direction:       higher is better.
At the extremes: 1 every box is exact; 0 nothing overlaps. Nothing to find: 1 when no box was given, 0 when one was.
Undefined when:  there is no item.
Interval:        percentile bootstrap over patients.
Degenerate:      a box without extent, with its corners swapped, or not finite has IoU 0 with everything. Boxes are not cut
                 at the image's border: what lies outside counts against the answer.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.types import Box, Region

NAME = "box_iou"
DIRECTION: Literal["higher", "lower"] = "higher"

Key = tuple[str, int, int | None]  # label, image, frame
EPSILON = 1e-12  # gains below this are rounding


def items(predicted: Sequence[Sequence[Region]], truths: Sequence[Sequence[Region]]) -> npt.NDArray[np.float64]:
    """Score each item.

    Args:
        predicted: the boxes given for each item, in pixels of the image's own grid. Geometries other than `Box` miss.
        truths: the boxes asked for, likewise; every geometry is a `Box`.

    Returns:
        float64, (items,), in [0, 1].
    """
    return np.array([_item(given, true) for given, true in zip(predicted, truths, strict=True)], dtype=np.float64)


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes of the same dimension (2-D or 3-D); 0 for a box without extent."""
    if len(a.low) != len(b.low):
        return 0.0
    common = size_a = size_b = 1.0
    for low_a, high_a, low_b, high_b in zip(a.low, a.high, b.low, b.high, strict=True):
        size_a *= max(high_a - low_a, 0.0)
        size_b *= max(high_b - low_b, 0.0)
        common *= max(min(high_a, high_b) - max(low_a, low_b), 0.0)
    if not (0.0 < size_a < math.inf and 0.0 < size_b < math.inf):  # false for NaN, too
        return 0.0
    return common / (size_a + size_b - common)


def _item(given: Sequence[Region], true: Sequence[Region]) -> float:
    given_boxes, true_boxes = _by_key(given), _by_key(true)
    keys = given_boxes.keys() | true_boxes.keys()
    pairs = sum(max(len(given_boxes[key]), len(true_boxes[key])) for key in keys)
    if not pairs:
        return 1.0
    both = sorted((key for key in keys if given_boxes[key] and true_boxes[key]), key=str)
    overlaps = (np.array([[iou(a, b) for b in true_boxes[key]] for a in given_boxes[key]]) for key in both)
    return sum(best_pairing(overlap) for overlap in overlaps) / pairs


def _by_key(regions: Sequence[Region]) -> defaultdict[Key, list[Box]]:
    boxes: defaultdict[Key, list[Box]] = defaultdict(list)
    for region in regions:
        nothing = Box((0.0,), (0.0,))  # a point or an outline given for a box: it counts, and misses
        box = region.geometry if isinstance(region.geometry, Box) else nothing
        boxes[region.label.strip().casefold(), region.image, region.frame].append(box)
    return boxes


def best_pairing(value: npt.NDArray[np.float64]) -> float:
    """The largest sum of values over pairs of one row and one column, each used at most once; exact.

    Grows the pairing by one pair at a time along the chain of exchanges that gains most (Bellman-Ford over columns), which
    keeps it the best of its size; stops when nothing more is gained. 30 x 30 takes some milliseconds.

    Args:
        value: float64, (rows, columns), >= 0.
    """
    value = value[value.any(axis=1)][:, value.any(axis=0)]
    if min(value.shape) <= 1:
        return float(value.max(initial=0.0))
    row_of = np.full(value.shape[1], -1)  # the row paired with each column
    while True:
        gain, before = _chains(value, row_of)
        open_gain = np.where(row_of < 0, gain, -np.inf)
        column = int(open_gain.argmax())
        if open_gain[column] <= EPSILON:
            break
        while before[column] >= 0:  # along the chain each column hands its row on
            row_of[column], column = row_of[before[column]], int(before[column])
        free = np.setdiff1d(np.arange(len(value)), row_of)
        row_of[column] = free[value[free, column].argmax()]
    taken = row_of >= 0
    return float(value[row_of[taken], np.flatnonzero(taken)].sum())


def _chains(value: npt.NDArray[np.float64], row_of: npt.NDArray[np.int_]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int_]]:
    """Per column: the largest gain of a chain of exchanges that ends by pairing it anew, and the column before it (-1: none)."""
    paired = np.flatnonzero(row_of >= 0)
    rows = row_of[paired]
    free = np.setdiff1d(np.arange(len(value)), rows)
    before = np.full(value.shape[1], -1)
    if not len(free):
        return np.full(value.shape[1], -np.inf), before
    gain = value[free].max(axis=0)
    for _ in paired:
        # Column k takes the row of paired column j, and j is paired anew by the best chain so far.
        through = (gain[paired] - value[rows, paired])[:, None] + value[rows]
        best = through.argmax(axis=0)
        reached = through[best, np.arange(value.shape[1])]
        better = reached > gain + EPSILON
        if not better.any():
            break
        gain[better], before[better] = reached[better], paired[best[better]]
    return gain, before
