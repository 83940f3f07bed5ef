"""Exact number: is the number in the answer the true one?

Unlike `exact`, "6", "6.0" and "+6." are the same.

Direction:       higher is better.
At the extremes: 1 every number is right; 0 none is. An answer that is not one plain number counts as 0.
Undefined when:  there is no item; for an item whose truth is no number (NaN, not scored).
Interval:        percentile bootstrap over patients.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics import within_tolerance

NAME = "number_exact"
DIRECTION: Literal["higher", "lower"] = "higher"


def items(answers: Sequence[str], truths: Sequence[str]) -> npt.NDArray[np.float64]:
    """Score each answer.

    Args:
        answers: one per item.
        truths: as many.

    Returns:
        float64, (items,), 1.0 or 0.0; NaN where the truth is no number.
    """
    return within_tolerance.items(answers, truths, tolerance=0.0)
