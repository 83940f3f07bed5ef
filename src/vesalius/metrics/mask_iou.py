"""Mask IoU: the pixels that two masks share over the pixels that either has; Jaccard's index.

Direction:       higher is better. It ranks single items as `dice` does, but means over items differ.
At the extremes: 1 the masks are equal; 0 they share no pixel. Both empty: 1, the right answer was given. One empty: 0.
Unreadable:      no mask is an empty one.
Undefined when:  there is no item.
Interval:        percentile bootstrap over patients.
Differs:         MedPLIB gives 0 to a right empty mask; `both_empty=0.0` does so.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.dice import MaskArray, overlap

NAME = "mask_iou"
DIRECTION: Literal["higher", "lower"] = "higher"


def items(
    predicted: Sequence[MaskArray | None], truths: Sequence[MaskArray], *, both_empty: float = 1.0
) -> npt.NDArray[np.float64]:
    """Score each item.

    Args:
        predicted: one mask per item, of any dimension; None where none was given.
        truths: as many, each of the shape of its prediction.
        both_empty: the value of an item whose two masks are empty.

    Returns:
        float64, (items,), in [0, 1].

    Raises:
        ValueError: two masks differ in shape.
    """
    found = []
    for given, true in zip(predicted, truths, strict=True):
        common, in_given, in_true = overlap(given, true)
        union = in_given + in_true - common
        found.append(common / union if union else both_empty)
    return np.array(found, dtype=np.float64)
