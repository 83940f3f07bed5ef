"""Group mean: the mean over groups of the mean of another metric's items, so that a frequent group does not hide a rare one.

Groups are question types, answers, organs, sites …: "accuracy per type, averaged", or balanced accuracy when the groups are the
true answers. `by_group` gives the mean of each group with its interval.

Direction:       that of the metric whose items are given; "higher" for accuracies.
At the extremes: those of the metric. A group with one item weighs as much as one with a thousand.
Undefined when:  no group has an item that is defined. A draw of patients without a group takes the mean over the others.
Interval:        bootstrap over patients of the counts (`bootstrap.counted_score`).
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics import bootstrap
from vesalius.types import Score

NAME = "group_mean"
DIRECTION: Literal["higher", "lower"] = "higher"

Values = npt.NDArray[np.float64]


def value(values: Values, groups: Sequence[str]) -> float:
    """The mean over groups of their means; NaN when no item is defined.

    Args:
        values: float64, (items,), of any metric with `items`; NaN items are left out.
        groups: which group each belongs to; as many.
    """
    return float(of_sums(counts(values, groups).sum(axis=0)[None])[0])


def counts(values: Values, groups: Sequence[str]) -> Values:
    """What each item adds to its group: its value, and 1; float64, (items, 2 x groups)."""
    if len(groups) != len(values):
        raise ValueError(f"{len(values)} items cannot be of {len(groups)} groups. Give one group per item.")
    defined = ~np.isnan(values)
    names, place = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    mine = (place[:, None] == np.arange(len(names))) & defined[:, None]
    return np.concatenate([mine * np.where(defined, values, 0.0)[:, None], mine.astype(np.float64)], axis=1)


def of_sums(sums: Values) -> Values:
    """The mean over groups from the sums of `counts`, float64 (sets, 2 x groups), to (sets,); NaN where no group has an item."""
    totals, sizes = np.split(sums, 2, axis=1)
    there = sizes > 0
    means = np.where(there, totals / np.where(there, sizes, 1.0), 0.0)
    known = there.sum(axis=1)
    return np.where(known > 0, means.sum(axis=1) / np.where(known > 0, known, 1), np.nan)


def by_group(
    metric: str, direction: Literal["higher", "lower"], values: Values, groups: Sequence[str], patients: Sequence[str]
) -> dict[str, Score]:
    """The metric's score in each group, in alphabetical order of groups.

    Args:
        metric: the metric's `NAME`.
        direction: its `DIRECTION`.
        values: float64, (items,), its items.
        groups: which group each belongs to; as many.
        patients: whose item it is; as many.
    """
    mine, whose = np.asarray(groups, dtype=np.str_), np.asarray(patients, dtype=np.str_)
    return {
        str(name): bootstrap.score(metric, direction, values[mine == name], whose[mine == name].tolist())
        for name in np.unique(mine)
    }
