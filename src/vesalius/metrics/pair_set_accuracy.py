"""Set accuracy: of how many sets of questions are all answered right? For pairs of pictures with opposite answers.

An item is a set: two pictures that look alike, one question, and the right answers differ. Whoever always gives the same answer
is right on half of the questions and on no set.

Direction:       higher is better.
At the extremes: 1 every set is right; 0 none is. By chance a quarter, for pairs with two options.
Unreadable:      an answer that is none of the options is wrong.
Undefined when:  there is no set.
Interval:        percentile bootstrap over patients; the sets of one patient are drawn together.
Source:          Sepehri et al., MediConfusion, 2024 (set accuracy).
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

NAME = "pair_set_accuracy"
DIRECTION: Literal["higher", "lower"] = "higher"


def items(answers: Sequence[Sequence[str]], truths: Sequence[Sequence[str]]) -> npt.NDArray[np.float64]:
    """Score each set.

    Args:
        answers: of each set, one per question, as the options are written ("A").
        truths: as many of as many.

    Returns:
        float64, (sets,), 1.0 when all answers are right, else 0.0.

    Raises:
        ValueError: a set has more or fewer answers than truths.
    """
    pairs = zip(answers, truths, strict=True)
    return np.array([all(a == t for a, t in zip(given, true, strict=True)) for given, true in pairs], dtype=np.float64)
