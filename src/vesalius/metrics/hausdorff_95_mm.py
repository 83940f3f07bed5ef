"""Hausdorff distance at the 95th percentile: how far off is the outline of a mask at its worst places but for the worst 5 %?

Outlines and distances are those of `surface_distance_mm`. The larger of the 95th percentiles of the two directions (linear
between ranks), as MONAI and `surface-distance` take it; MedPy takes the percentile of both directions together, another number.

Direction:       lower is better; millimeters when the spacing is.
At the extremes: 0 the outlines differ at 5 % of their pixels at most; no upper bound but the diagonal of the array.
Both empty:      0. One empty: the diagonal of the array, the largest distance there is.
Undefined when:  there is no item.
Interval:        percentile bootstrap over patients.
Source:          Huttenlocher et al., Comparing Images Using the Hausdorff Distance, IEEE TPAMI 1993 (ranked distances).
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.dice import MaskArray
from vesalius.metrics.surface_distance_mm import each

NAME = "hausdorff_95_mm"
DIRECTION: Literal["higher", "lower"] = "lower"

PERCENT = 95.0


def items(
    predicted: Sequence[MaskArray | None], truths: Sequence[MaskArray], spacings_mm: Sequence[Sequence[float]]
) -> npt.NDArray[np.float64]:
    """Score each item.

    Args:
        predicted: one mask per item, 2-D or 3-D; None where none was given.
        truths: as many, each of the shape of its prediction.
        spacings_mm: from pixel to pixel along each axis of the array, > 0; as many.

    Returns:
        float64, (items,), >= 0.

    Raises:
        ValueError: two masks differ in shape, or a spacing does not fit.
    """
    return each(predicted, truths, spacings_mm, lambda *ways: float(max(np.percentile(way, PERCENT) for way in ways)))
