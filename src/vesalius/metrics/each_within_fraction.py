"""Each within a fraction: of several numbers asked for at once, how many are off by no more than, say, a tenth?

Direction:       higher is better.
At the extremes: 1 every number of every item is within; 0 none is. What is exactly at the fraction is within. An answer with
                 another number of numbers, or that is not plain numbers between spaces, counts as 0.
Undefined when:  there is no item; for an item whose truth is not numbers, or holds a 0 (NaN, not scored).
Interval:        percentile bootstrap over patients.
Order:           the first answered number is compared with the first true one: a length and a width are not exchangeable.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics import within_fraction

NAME = "each_within_fraction"
DIRECTION: Literal["higher", "lower"] = "higher"


def items(answers: Sequence[str], truths: Sequence[str], *, fraction: float = 0.1) -> npt.NDArray[np.float64]:
    """Score each answer.

    Args:
        answers: numbers between spaces, one text per item.
        truths: as many, likewise.
        fraction: the largest error that is allowed, over the true number's magnitude, >= 0.

    Returns:
        float64, (items,), in [0, 1]: the share of the true numbers that are met; NaN where the truth is not numbers or holds 0.
    """
    return np.array([_share(a.split(), t.split(), fraction) for a, t in zip(answers, truths, strict=True)], dtype=np.float64)


def named(fraction: float) -> str:
    """The name under which a score at this fraction is stored: "each_within_fraction_0.1"."""
    return f"{NAME}_{fraction:g}"


def _share(given: Sequence[str], true: Sequence[str], fraction: float) -> float:
    if not true:
        return float("nan")
    fits = given if len(given) == len(true) else [""] * len(true)
    return float(np.mean(within_fraction.items(fits, true, fraction=fraction)))  # NaN where one of the truths is undefined
