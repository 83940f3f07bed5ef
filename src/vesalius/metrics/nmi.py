"""Normalized mutual information: how much do groups that were found by looking alone tell about the true classes?

The mutual information of group and class over the arithmetic mean of their entropies.

Direction:       higher is better.
At the extremes: 1 groups and classes are the same but for their names; 0 they are independent, also when all items are in one
                 group or of one class. It is above 0 by chance, the more the more groups: give a random grouping's beside it.
Undefined when:  there is no item, or one group and one class alone (both entropies are 0).
Interval:        percentile bootstrap over patients: `bootstrap.counted_score` with `counts`; the groups stay as found. It lies
                 too high when items are few: a draw repeats some and lacks others, which looks like order.
Source:          Strehl and Ghosh, JMLR 2002; the arithmetic mean as in scikit-learn.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

NAME = "nmi"
DIRECTION: Literal["higher", "lower"] = "higher"

Values = npt.NDArray[np.float64]
Labels = Sequence[str] | Sequence[int] | npt.NDArray[np.intp]


def value(groups: Labels, truths: Labels) -> float:
    """The information.

    Args:
        groups: the group of each item.
        truths: its class; as many.

    Returns:
        In [0, 1]; NaN where it is undefined.
    """
    added, compute = counts(groups, truths)
    return float(compute(added.sum(axis=0)[None])[0])


def counts(groups: Labels, truths: Labels) -> tuple[Values, Callable[[Values], Values]]:
    """What each item adds to the table of groups and classes, float64 (items, groups x classes), and the function of its sums.

    Raises:
        ValueError: not as many groups as truths.
    """
    if len(groups) != len(truths):
        raise ValueError(f"{len(groups)} items cannot have {len(truths)} classes. Give one class per item.")
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    classes, true = np.unique(np.asarray(truths), return_inverse=True)
    added = np.zeros((len(place), len(names) * len(classes)))
    added[np.arange(len(place)), place * len(classes) + true] = 1.0
    return added, lambda sums: of_sums(sums, len(names), len(classes))


def of_sums(sums: Values, groups: int, classes: int) -> Values:
    """The information from tables (sets, groups x classes), to (sets,); NaN where it is undefined."""
    table = sums.reshape(len(sums), groups, classes)
    shares = table / np.maximum(table.sum(axis=(1, 2), keepdims=True), 1.0)
    of_group, of_class = _entropy(shares.sum(axis=2)), _entropy(shares.sum(axis=1))
    shared = of_group + of_class - _entropy(shares.reshape(len(sums), -1))
    mean = (of_group + of_class) / 2
    return np.where(mean > 0, np.clip(shared / np.where(mean > 0, mean, 1.0), 0.0, 1.0), np.nan)


def _entropy(shares: Values) -> Values:
    entropies: Values = -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=1)
    return entropies
