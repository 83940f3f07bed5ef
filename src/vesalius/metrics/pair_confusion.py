"""Confusion of pairs: how often does a model give two different pictures the same answer?

An item is a pair of pictures that look alike, with one question whose right answers differ. Only pairs with two readable answers
say anything about confusion; how many those are (`n` of the score) belongs beside it: a model that mostly answers nonsense can
have a low confusion of few pairs. `pair_set_accuracy` counts them all.

Direction:       lower is better.
At the extremes: 0 the answers of a pair always differ (they may all be wrong); 1 they never do: the picture is not looked at.
Undefined when:  there is no pair; for a pair with an answer that is none of the options (NaN, not scored).
Interval:        percentile bootstrap over patients.
Source:          Sepehri et al., MediConfusion, 2024 (confusion: the same valid option for both, over pairs with two valid).
"""

from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

NAME = "pair_confusion"
DIRECTION: Literal["higher", "lower"] = "lower"


def items(answers: Sequence[tuple[str, str]], options: Collection[str]) -> npt.NDArray[np.float64]:
    """Score each pair.

    Args:
        answers: the two of each pair.
        options: what a readable answer can be, as it is written ("A", "B").

    Returns:
        float64, (pairs,), 1.0 when both are the same, 0.0 when they differ, NaN when one is none of the options.
    """
    known = frozenset(options)
    rows = [float(one == other) if {one, other} <= known else np.nan for one, other in answers]
    return np.array(rows, dtype=np.float64)
