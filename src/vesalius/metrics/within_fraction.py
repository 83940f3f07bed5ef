"""Within a fraction: how often is a number off by no more than, say, a tenth of the true one?

Direction:       higher is better.
At the extremes: 1 every number is within; 0 none is. What is exactly at the fraction is within. An answer that is not one plain
                 number counts as 0, and stays in the denominator.
Undefined when:  there is no item; for an item whose truth is no number or 0 (NaN, not scored).
Interval:        percentile bootstrap over patients.
Differs:         MedVision's "MRE<k" is over all answers too, but its summary counts every readable one at k = 1, however far off.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.absolute_error import numbers

NAME = "within_fraction"
DIRECTION: Literal["higher", "lower"] = "higher"

SLACK = 1e-9  # 1.1 is off from 1 by more than a tenth in floating point


def items(answers: Sequence[str], truths: Sequence[str], *, fraction: float = 0.1) -> npt.NDArray[np.float64]:
    """Score each answer.

    Args:
        answers: one per item.
        truths: as many.
        fraction: the largest error that is allowed, over the true number's magnitude, >= 0.

    Returns:
        float64, (items,), 1.0 or 0.0; NaN where the truth is no number, or 0.
    """
    true, given = numbers(truths), numbers(answers)
    size = np.abs(true)
    near = np.abs(given - true) <= (fraction + SLACK) * size  # NaN compares false
    return np.where(np.isnan(true) | (size == 0), np.nan, near.astype(np.float64))


def named(fraction: float) -> str:
    """The name under which a score at this fraction is stored: "within_fraction_0.1"."""
    return f"{NAME}_{fraction:g}"
