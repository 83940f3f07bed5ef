"""Precision at k: which share of the k items that a search puts first is of the query's own kind?

Direction:       higher is better.
At the extremes: 1 all of the first k are right; 0 none is. By chance it is the share of right items in the gallery. Where fewer
                 than k items are right, 1 cannot be reached.
Undefined when:  there is no query; for a query without a right item, or with fewer than k items to find (NaN, not scored).
Ties:            wrong items that are exactly as similar stand before the right ones.
Interval:        percentile bootstrap over patients.
Source:          Manning et al., Introduction to Information Retrieval, 2008, sec. 8.4.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

NAME = "precision_at_k"
DIRECTION: Literal["higher", "lower"] = "higher"


def items(similarities: npt.NDArray[np.floating], right: npt.NDArray[np.bool_], *, k: int = 5) -> npt.NDArray[np.float64]:
    """Score each query.

    Args:
        similarities: (queries, gallery), higher is closer; -inf for an item that is not to be found (the query itself, or
            another of its patient's).
        right: bool, as large: which items are of the query's kind.
        k: how many items are looked at, > 0.

    Returns:
        float64, (queries,), in [0, 1]; NaN where it is undefined.
    """
    there = similarities > -np.inf
    mine = right & there
    order = np.lexsort((mine, -np.asarray(similarities, np.float64)), axis=-1)[:, :k]
    hits = np.take_along_axis(mine, order, axis=1).sum(axis=1) / k
    return np.where(mine.any(axis=1) & (there.sum(axis=1) >= k), hits, np.nan)
