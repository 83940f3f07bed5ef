"""Quadratic weighted kappa: agreement on grades, where two grades off is four times as wrong as one.

Direction:       higher is better.
At the extremes: 1 every grade is right; 0 as by chance, also for one constant grade; below 0 worse than that.
Unreadable:      an answer that is none of the grades counts as the grade that is farthest from the true one.
Undefined when:  there is no item, or answers and truths are all of one and the same grade.
Interval:        percentile bootstrap over patients (`bootstrap.counted_score` with `kappa.counts` and `kappa.of_sums`).
Source:          Cohen, Psychological Bulletin 1968.
"""

from collections.abc import Sequence
from typing import Literal

from vesalius.metrics import kappa

NAME = "kappa_quadratic"
DIRECTION: Literal["higher", "lower"] = "higher"


def value(answers: Sequence[str], truths: Sequence[str], grades: Sequence[str]) -> float:
    """The kappa.

    Args:
        answers: one per item.
        truths: as many, each one of the grades.
        grades: all there are, in their order.

    Returns:
        In [-1, 1]; NaN where it is undefined.

    Raises:
        ValueError: a truth is none of the grades.
    """
    return kappa.value(answers, truths, grades, weights="quadratic")
