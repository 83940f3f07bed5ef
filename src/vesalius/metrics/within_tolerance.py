"""Within tolerance: how often is a number off by no more than is allowed, in its own unit (mm, degrees, cells)?

Direction:       higher is better.
At the extremes: 1 every number is within; 0 none is. What is exactly at the tolerance is within. An answer that is not one plain
                 number counts as 0, and stays in the denominator.
Undefined when:  there is no item; for an item whose truth is no number (NaN, not scored).
Interval:        percentile bootstrap over patients.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.absolute_error import numbers

NAME = "within_tolerance"
DIRECTION: Literal["higher", "lower"] = "higher"

SLACK = 1e-9  # 6.1 - 5.1 is not 1 in floating point


def items(answers: Sequence[str], truths: Sequence[str], *, tolerance: float) -> npt.NDArray[np.float64]:
    """Score each answer.

    Args:
        answers: one per item.
        truths: as many.
        tolerance: the largest error that is allowed, in the unit of the truths, >= 0.

    Returns:
        float64, (items,), 1.0 or 0.0; NaN where the truth is no number.
    """
    true, given = numbers(truths), numbers(answers)
    near = np.abs(given - true) <= tolerance + SLACK  # NaN compares false
    return np.where(np.isnan(true), np.nan, near.astype(np.float64))


def named(tolerance: float, unit: str) -> str:
    """The name under which a score at this tolerance is stored: "within_tolerance_2_mm"."""
    return f"{NAME}_{tolerance:g}_{unit}"
