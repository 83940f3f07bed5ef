"""Consistency over paraphrases: does a question that is asked in other words get the same answer?

An item is one question in several wordings, on one picture. Its value is the share of all pairs of wordings whose answers agree
(folded as `exact` folds). Whether the answers are right does not matter: a constant answer is fully consistent.

Direction:       higher is better.
At the extremes: 1 all answers of each question agree; 0 no two do.
Unreadable:      no answer (None, or nothing but white space) agrees with none, not even with another such.
Undefined when:  there is no question; for a question with one wording (NaN, not scored).
Interval:        percentile bootstrap over patients.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.exact import normalize

NAME = "paraphrase_consistency"
DIRECTION: Literal["higher", "lower"] = "higher"


def items(answers: Sequence[Sequence[str | None]]) -> npt.NDArray[np.float64]:
    """Score each question.

    Args:
        answers: of each question, one per wording.

    Returns:
        float64, (questions,), in [0, 1]; NaN where there is one wording or none.
    """
    return np.array([_agreement(wordings) for wordings in answers], dtype=np.float64)


def _agreement(answers: Sequence[str | None]) -> float:
    pairs = len(answers) * (len(answers) - 1)
    if not pairs:
        return np.nan
    folded = Counter(normalize(answer) for answer in answers if answer is not None)
    return sum(number * (number - 1) for answer, number in folded.items() if answer) / pairs
