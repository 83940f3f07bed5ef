"""Selective accuracy: how many of the most certain answers are right, when the others are left to a human?

Direction:       higher is better.
At the extremes: 1 all answers that are kept are right; 0 none is. A confidence that says nothing gives the plain accuracy.
Kept:            the share `coverage` of all answers, rounded up to a whole answer; with ties at the border in expectation over
                 their random order.
Unreadable:      an answer without a confidence (NaN) is the most certain when wrong and the least certain when right.
Undefined when:  there is no answer.
Interval:        percentile bootstrap over patients (`bootstrap.corpus_score`).
Source:          El-Yaniv and Wiener, JMLR 2010; one point of the curve of `aurc`.
"""

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics import aurc

NAME = "selective_accuracy"
DIRECTION: Literal["higher", "lower"] = "higher"

SLACK = 1e-9  # 0.8 of 10 answers are 8


def value(confidences: npt.NDArray[np.float64], correct: npt.NDArray[np.bool_], *, coverage: float = 0.8) -> float:
    """The accuracy of what is kept.

    Args:
        confidences: float64, (answers,), higher for more certain, on any scale; NaN where there is none.
        correct: bool, (answers,).
        coverage: the share that is kept, in (0, 1].

    Returns:
        In [0, 1]; NaN when there is no answer.
    """
    if not len(correct):
        return math.nan
    _, risk = aurc.curve(confidences, correct)
    kept = max(math.ceil(coverage * len(correct) - SLACK), 1)
    return float(1 - risk[kept - 1])


def named(coverage: float) -> str:
    """The name under which a score at this coverage is stored: "selective_accuracy_0.8"."""
    return f"{NAME}_{coverage:g}"
