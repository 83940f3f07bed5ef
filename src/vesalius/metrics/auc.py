"""AUC: how often does a positive item get a higher score than a negative one? The area under the ROC curve.

Direction:       higher is better.
At the extremes: 1 every positive scores above every negative; 0.5 no order (also all scores equal); 0 the order is reversed.
Unreadable:      an item without a score (NaN) is below all negatives when positive, above all positives when negative.
Undefined when:  there is no positive or no negative item.
Interval:        percentile bootstrap over patients (`bootstrap.corpus_score`), or `delong` where each patient has one item. With
                 no error at all either has no width; see there.
Ties:            count one half, which is the area under the ROC curve with straight lines (as scikit-learn).
Source:          Hanley and McNeil, Radiology 1982; DeLong et al., Biometrics 1988 (placements).
"""

import math
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

NAME = "auc"
DIRECTION: Literal["higher", "lower"] = "higher"

DEVIATIONS = 1.959963984540054  # of the normal distribution, for 95 %

Scores = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]


class Estimate(NamedTuple):
    """An area or a difference of areas with its 95 % interval and the two-sided p-value against `null` (0.5 or 0)."""

    value: float
    low: float
    high: float
    p: float


def value(scores: Scores, truths: Truths) -> float:
    """The area.

    Args:
        scores: float64, (items,), higher for "positive", on any scale; NaN where there is none.
        truths: bool, (items,).

    Returns:
        In [0, 1]; NaN when a class has no item.
    """
    of_positives, _ = placements(scores, truths)
    return float(of_positives.mean()) if len(of_positives) else math.nan


def delong(scores: Scores, truths: Truths) -> Estimate:
    """The area with DeLong's interval, cut at 0 and 1; items are taken as independent: one per patient. NaN as `value`."""
    return _estimate(*placements(scores, truths), null=0.5, lowest=0.0)


def delong_difference(scores: Scores, others: Scores, truths: Truths) -> Estimate:
    """How much larger the area of `scores` is than that of `others` on the same items; positive favors the first."""
    pairs = zip(placements(scores, truths), placements(others, truths), strict=True)
    return _estimate(*(one - other for one, other in pairs), null=0.0, lowest=-1.0)


def placements(scores: Scores, truths: Truths) -> tuple[Scores, Scores]:
    """Per positive item the share of negatives below it, per negative the share of positives above it; empty when undefined."""
    known = np.where(np.isnan(scores), np.where(truths, -np.inf, np.inf), scores)
    positive, negative = known[truths], known[~truths]
    if not len(positive) or not len(negative):
        return np.empty(0), np.empty(0)
    return _below(positive, negative), 1.0 - _below(negative, positive)


def _below(values: Scores, others: Scores) -> Scores:
    """Of each value, the share of others that lie below; ties count one half."""
    ordered = np.sort(others)
    below, up_to = np.searchsorted(ordered, values, side="left"), np.searchsorted(ordered, values, side="right")
    return (below + up_to) / (2 * len(ordered))


def _estimate(of_positives: Scores, of_negatives: Scores, *, null: float, lowest: float) -> Estimate:
    if len(of_positives) < 2 or len(of_negatives) < 2:
        mean = float(of_positives.mean()) if len(of_positives) else math.nan
        return Estimate(mean, math.nan, math.nan, math.nan)
    mean = float(of_positives.mean())
    error = math.sqrt(of_positives.var(ddof=1) / len(of_positives) + of_negatives.var(ddof=1) / len(of_negatives))
    p = math.erfc(abs(mean - null) / error / math.sqrt(2)) if error else float(mean == null)
    return Estimate(mean, max(mean - DEVIATIONS * error, lowest), min(mean + DEVIATIONS * error, 1.0), p)
