"""Subgroup gap: how much worse does the worst group fare than the best? Groups by sex, age, site, scanner or question type.

The largest mean of a metric's items over groups minus the smallest.

Direction:       lower is better, for metrics of either direction.
At the extremes: 0 all groups fare the same; for a metric in [0, 1] at most 1.
Bias:            the largest of many noisy means minus the smallest is above 0 for a fair model, too, the more so the smaller and
                 the more numerous the groups. Groups with fewer than `fewest` items are left out; compare with the gap over
                 groups that were dealt at random before calling a model unfair.
Undefined when:  fewer than two groups are large enough.
Interval:        percentile bootstrap over patients: `bootstrap.counted_score` with `counts` and `of_sums`. Its lower end cannot
                 reach below 0, so it does not show that there is a gap.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

NAME = "subgroup_gap"
DIRECTION: Literal["higher", "lower"] = "lower"

FEWEST = 10

Values = npt.NDArray[np.float64]


def value(values: Values, groups: Sequence[str], *, fewest: int = FEWEST) -> float:
    """The gap.

    Args:
        values: float64, (items,), of any metric with `items`; NaN items are left out.
        groups: which group each belongs to; as many.
        fewest: items that a group must have.

    Returns:
        >= 0; NaN when fewer than two groups are large enough.
    """
    return float(of_sums(counts(values, groups, fewest=fewest).sum(axis=0)[None])[0])


def counts(values: Values, groups: Sequence[str], *, fewest: int = FEWEST) -> Values:
    """What each item adds to its group: its value, and 1; float64, (items, 2 x groups that are large enough)."""
    defined = ~np.isnan(values)
    if len(groups) != len(values):
        raise ValueError(f"{len(values)} items cannot be of {len(groups)} groups. Give one group per item.")
    names, place = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    sizes = np.bincount(place[defined], minlength=len(names))
    mine = (place[:, None] == np.flatnonzero(sizes >= fewest)) & defined[:, None]
    return np.concatenate([mine * np.where(defined, values, 0.0)[:, None], mine.astype(np.float64)], axis=1)


def of_sums(sums: Values) -> Values:
    """The gap from the sums of `counts`, float64 (sets, 2 x groups), to (sets,); NaN with fewer than two groups in a set."""
    totals, sizes = np.split(sums, 2, axis=1)
    there = sizes > 0
    means = totals / np.where(there, sizes, 1.0)
    highest = np.where(there, means, -np.inf).max(axis=1, initial=-np.inf)
    lowest = np.where(there, means, np.inf).min(axis=1, initial=np.inf)
    return np.where(there.sum(axis=1) >= 2, highest - lowest, np.nan)
