"""Within one: is the number in the answer at most 1 away from the true one?

Direction:       higher is better.
At the extremes: 1 every number is at most 1 off; 0 none is. An answer that is not one plain number counts as 0.
Undefined when:  there is no item; for an item whose truth is no number (NaN, not scored).
Interval:        percentile bootstrap over patients.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.absolute_error import numbers

NAME = "within_one"
DIRECTION: Literal["higher", "lower"] = "higher"

SLACK = 1e-9  # 6.1 - 5.1 is not 1 in floating point


def items(answers: Sequence[str], truths: Sequence[str]) -> npt.NDArray[np.float64]:
    """Score each answer.

    Args:
        answers: one per item.
        truths: as many.

    Returns:
        float64, (items,), 1.0 or 0.0; NaN where the truth is no number.
    """
    true, given = numbers(truths), numbers(answers)
    near = np.abs(given - true) <= 1.0 + SLACK  # NaN compares false
    return np.where(np.isnan(true), np.nan, near.astype(np.float64))
