"""Median rank: how far down does a searcher read until the first right item? The median over queries.

Direction:       lower is better.
At the extremes: 1 the first item is right for at least half of the queries; near half of the gallery without any order where one
                 item is right. Ranks are those of `recall_at_k.ranks`.
Undefined when:  no query has a right item.
Interval:        percentile bootstrap over patients (`bootstrap.corpus_score`).
Source:          Hodosh et al., JAIR 2013.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

NAME = "median_rank"
DIRECTION: Literal["higher", "lower"] = "lower"


def value(ranks: npt.NDArray[np.float64]) -> float:
    """The median of the ranks, float64 (queries,) from 1; NaN ranks are left out, NaN when none is left."""
    known = ranks[~np.isnan(ranks)]
    return float(np.median(known)) if len(known) else float("nan")
