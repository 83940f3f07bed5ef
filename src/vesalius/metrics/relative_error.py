"""Relative error: how far is the number in the answer from the true one, as a share of the true one?

Direction:       lower is better; 0.1 is a tenth off.
At the extremes: 0 every number is right; it has no upper bound. One wild answer moves the mean: give `within_fraction` beside it.
Unreadable:      an answer that is not one plain number is as wrong as `absolute_error` has it, over the true number, and by at
                 least 1: the size of the truth.
Undefined when:  there is no item; for an item whose truth is no number or 0 (NaN, not scored).
Interval:        percentile bootstrap over patients.
Differs:         MedVision takes the mean over readable answers only, so that a model which answers the easy half looks best.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics import absolute_error

NAME = "relative_error"
DIRECTION: Literal["higher", "lower"] = "lower"


def items(answers: Sequence[str], truths: Sequence[str]) -> npt.NDArray[np.float64]:
    """Score each answer.

    Args:
        answers: one per item.
        truths: as many, of one quantity.

    Returns:
        float64, (items,), >= 0; NaN where the truth is no number, or 0.
    """
    true = absolute_error.numbers(truths)
    size = np.where(true == 0, np.nan, np.abs(true))
    unread = np.isnan(absolute_error.numbers(answers))
    found = absolute_error.items(answers, truths) / size
    return np.where(unread, np.maximum(found, 1.0), found)
