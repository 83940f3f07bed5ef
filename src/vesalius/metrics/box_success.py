"""Box success: of how many items do the boxes fit at least this well? The usual "Acc@0.5" of phrase grounding.

An item succeeds when its `box_iou` is at least the threshold: with one box asked for and one given that is the IoU of the two;
with several, missing and superfluous boxes pull an item below the threshold as they should.

Direction:       higher is better.
At the extremes: 1 every item succeeds; 0 none. An IoU that equals the threshold succeeds. Nothing to find: as `box_iou` has it.
Undefined when:  there is no item.
Interval:        percentile bootstrap over patients.
Differs:         MedSG-Bench, MedRPG and others score the first box of an answer and do not look at the picture it was given for;
                 here a second box costs and a box on the wrong picture misses.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics import box_iou
from vesalius.types import Region

NAME = "box_success"
DIRECTION: Literal["higher", "lower"] = "higher"

THRESHOLDS = (0.3, 0.5, 0.7)


def items(
    predicted: Sequence[Sequence[Region]], truths: Sequence[Sequence[Region]], *, threshold: float = 0.5
) -> npt.NDArray[np.float64]:
    """Score each item.

    Args:
        predicted: the boxes given for each item, in pixels of the image's own grid.
        truths: the boxes asked for, likewise.
        threshold: the least IoU of a success, in (0, 1].

    Returns:
        float64, (items,), 1.0 or 0.0.
    """
    return (box_iou.items(predicted, truths) >= threshold).astype(np.float64)


def named(threshold: float) -> str:
    """The name under which a score at this threshold is stored: "box_success_0.5"."""
    return f"{NAME}_{threshold:g}"
