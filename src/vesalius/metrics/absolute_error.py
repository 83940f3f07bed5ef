"""Absolute error: how far is the number in the answer from the true one? For counts and for scores on a scale.

Direction:       lower is better; the unit is that of the answer (cells, points of the scale).
At the extremes: 0 every number is right; it has no upper bound.
Unreadable:      an answer that is not one plain number (`number`) is as wrong as the worst answer between 0 and the largest
                 truth of the items scored together, and wrong by at least 1. So not answering never pays, and leaving such
                 items out, as public scripts do, cannot flatter a model. Give items of one question at a time.
Undefined when:  there is no item; for an item whose truth is no number (NaN, not scored).
Interval:        percentile bootstrap over patients.
"""

import math
import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.exact import normalize

NAME = "absolute_error"
DIRECTION: Literal["higher", "lower"] = "lower"

PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def items(answers: Sequence[str], truths: Sequence[str]) -> npt.NDArray[np.float64]:
    """Score each answer.

    Args:
        answers: one per item.
        truths: as many, of one question.

    Returns:
        float64, (items,), >= 0; NaN where the truth is no number.
    """
    true = numbers(truths)
    given = numbers(answers)
    if np.isnan(true).all():
        return np.full(len(true), np.nan)
    worst = np.maximum(np.maximum(true, np.nanmax(true) - true), 1.0)
    return np.where(np.isnan(given), worst, np.abs(given - true)) + np.where(np.isnan(true), np.nan, 0.0)


def numbers(texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """`number` of each text, NaN where there is none; float64, (texts,)."""
    found = [number(text) for text in texts]
    return np.array([math.nan if value is None else value for value in found], dtype=np.float64)


def number(text: str) -> float | None:
    """The number that a text is: decimal digits with an optional sign and fraction, folded as `exact` folds; else None.

    "12", " 12. ", "6.0" and "-3" are numbers; "12 cells", "1,200", "3-5", "many" and "nan" are not: guessing which number of
    a sentence is meant is how scores come to depend on the parser.
    """
    folded = normalize(text)
    if PLAIN_NUMBER.fullmatch(folded) is None:
        return None
    value = float(folded)
    return value if math.isfinite(value) else None
