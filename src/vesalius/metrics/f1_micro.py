"""Micro F1: the F1 over all pairs of item and class at once, so that each true label weighs the same.

Direction:       higher is better.
At the extremes: 1 every answer has exactly the true classes; 0 no class is ever right. With one class per answer and all classes
                 counted it is the plain accuracy.
Unreadable:      an answer that is none of the named classes misses its true class and is a false alarm of none.
Undefined when:  no class occurs.
Interval:        percentile bootstrap over patients: `bootstrap.counted_score` with `f1_macro.counts` and `of_sums`.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from vesalius.metrics.f1_macro import Labels, Values, counts

NAME = "f1_micro"
DIRECTION: Literal["higher", "lower"] = "higher"


def value(answers: Sequence[Labels], truths: Sequence[Labels], *, classes: Sequence[str] | None = None) -> float:
    """The F1 of all labels.

    Args:
        answers: per item its class, or its classes.
        truths: as many.
        classes: those that count; None: all that occur.

    Returns:
        In [0, 1]; NaN when no class occurs.
    """
    return float(of_sums(counts(answers, truths, classes=classes).sum(axis=0)[None])[0])


def of_sums(sums: Values) -> Values:
    """Micro F1 from the sums of `f1_macro.counts`, float64 (sets, 3 x classes), to (sets,); NaN where no class occurs."""
    hits, alarms, misses = (part.sum(axis=1) for part in np.split(sums, 3, axis=1))
    places = 2 * hits + alarms + misses
    return np.where(places > 0, 2 * hits / np.where(places > 0, places, 1.0), np.nan)
