"""Brier score: how far are stated probabilities from what was so, squared?

For the confidence of an answer and whether it is right, or the probability of a finding and whether it is there.

Direction:       lower is better.
At the extremes: 0 always certain and always right; 0.25 always 0.5; 1 always certain and always wrong. The constant probability p
                 for a share p of events has p (1 - p): give that beside it.
Unreadable:      no probability (NaN) is as wrong as can be: 1.
Undefined when:  there is no item.
Interval:        percentile bootstrap over patients.
Source:          Brier, Monthly Weather Review 1950, for two outcomes with one probability: half of the sum over both.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

NAME = "brier"
DIRECTION: Literal["higher", "lower"] = "lower"


def items(probabilities: npt.NDArray[np.float64], truths: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Score each probability.

    Args:
        probabilities: float64, (items,), in [0, 1]; NaN where there is none.
        truths: bool, (items,).

    Returns:
        float64, (items,), in [0, 1].
    """
    return np.where(np.isnan(probabilities), 1.0, (probabilities - truths) ** 2)
