"""Recall at k: does one of the k items that a search puts first answer the query?

Of a query with several right items (other texts that say the same, other pictures of one caption) any of them answers it:
counting one alone as right punishes a search for finding the same words at another place.

Direction:       higher is better.
At the extremes: 1 every query has a right item among its first k; 0 none has. By chance, with r of g right, it is
                 1 - C(g - r, k) / C(g, k) (`by_chance`): give it beside the value.
Undefined when:  there is no query; for a query without a right item (NaN, not scored).
Ties:            wrong items that are exactly as similar stand before the right ones: vectors that are all alike find nothing.
Interval:        percentile bootstrap over patients.
Source:          as in image-text retrieval since Hodosh et al., JAIR 2013; several right items as in Karpathy's five captions.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

NAME = "recall_at_k"
DIRECTION: Literal["higher", "lower"] = "higher"

Values = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


def items(similarities: npt.NDArray[np.floating], right: Marks, *, k: int = 1) -> Values:
    """Score each query.

    Args:
        similarities: (queries, gallery), higher is closer; -inf for an item that is not to be found.
        right: bool, as large: which items answer which query.
        k: how many items are looked at, > 0.

    Returns:
        float64, (queries,), 1.0 or 0.0; NaN where no item is right.
    """
    return within(ranks(similarities, right), k)


def ranks(similarities: npt.NDArray[np.floating], right: Marks) -> Values:
    """The place, from 1, of the first right item of each query; float64, (queries,), NaN where no item is right."""
    best = np.where(right, similarities, -np.inf).max(axis=1, initial=-np.inf)
    before = (~right & (similarities >= best[:, None])).sum(axis=1)
    return np.where(right.any(axis=1), before + 1.0, np.nan)


def within(found: Values, k: int) -> Values:
    """Which ranks are k or less: 1.0 or 0.0; NaN stays."""
    return np.where(np.isnan(found), np.nan, (found <= k).astype(np.float64))


def by_chance(right: Marks, *, k: int = 1) -> Values:
    """What an order without meaning scores on each query; float64, (queries,), NaN where no item is right."""
    gallery, many = right.shape[1], right.sum(axis=1).astype(np.float64)
    missed = np.ones(len(right))
    for drawn in range(min(k, gallery)):
        missed *= np.clip((gallery - drawn - many) / (gallery - drawn), 0.0, 1.0)
    return np.where(many > 0, 1.0 - missed, np.nan)
