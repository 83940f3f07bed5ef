"""Point F1: how many of the places asked for are pointed at, each once, within 10 pixels?

Points of one label, image and frame are paired one to one so that as many pairs as can be are at most the tolerance apart; the
item's value is the F1 of pairs over points given and points asked for.

Direction:       higher is better.
At the extremes: 1 every place has its point and there is no other; 0 no point is near. Nothing to find: 1 when no point was
                 given, 0 when one was.
Unreadable:      an item without a readable point is 0 when there was something to find, never left out. What is no point, or is
                 not finite, is a point that misses.
Undefined when:  there is no item.
Interval:        percentile bootstrap over patients.
Differs:         the script of Point, Detect, Count takes the nearest true point of each given one, so that one place pointed at
                 ten times scores in full, and leaves items without a point out.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.box_iou import Key, best_pairing
from vesalius.types import Point, Region

NAME = "point_f1"
DIRECTION: Literal["higher", "lower"] = "higher"

TOLERANCE_PX = 10.0


def items(
    predicted: Sequence[Sequence[Region]], truths: Sequence[Sequence[Region]], *, tolerance_px: float = TOLERANCE_PX
) -> npt.NDArray[np.float64]:
    """Score each item.

    Args:
        predicted: the points given for each item, in pixels of the image's own grid.
        truths: the points asked for, likewise; every geometry is a `Point`.
        tolerance_px: how far apart a pair may be, Euclidean, >= 0.

    Returns:
        float64, (items,), in [0, 1].
    """
    pairs = zip(predicted, truths, strict=True)
    return np.array([_f1(given, true, tolerance_px) for given, true in pairs], dtype=np.float64)


def _f1(given: Sequence[Region], true: Sequence[Region], tolerance_px: float) -> float:
    if not given and not true:
        return 1.0
    given_points, true_points = _by_key(given), _by_key(true)
    hits = 0.0
    for key in given_points.keys() & true_points.keys():
        near = [[float(_apart_px(a, b) <= tolerance_px) for b in true_points[key]] for a in given_points[key]]
        hits += best_pairing(np.array(near))
    return 2 * hits / (len(given) + len(true))


def _by_key(regions: Sequence[Region]) -> defaultdict[Key, list[tuple[float, ...]]]:
    points: defaultdict[Key, list[tuple[float, ...]]] = defaultdict(list)
    for region in regions:
        at = region.geometry.at if isinstance(region.geometry, Point) else (math.nan,)
        points[region.label.strip().casefold(), region.image, region.frame].append(at)
    return points


def _apart_px(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return math.dist(a, b) if len(a) == len(b) else math.inf
