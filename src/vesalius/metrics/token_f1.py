"""Token F1: how many words do a longer answer and the true text share?

Words are runs of letters and digits, case folded; F1 is over the two multisets of words, order ignored. It says nothing about
whether the answer is medically right: "no effusion" and "effusion" share most of what they have.

Direction:       higher is better.
At the extremes: 1 the same words equally often; 0 no word in common. Two texts without words agree (1); one without is 0.
Undefined when:  there is no item.
Interval:        percentile bootstrap over patients.
Source:          the F1 of extractive question answering (SQuAD), without its removal of articles.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

NAME = "token_f1"
DIRECTION: Literal["higher", "lower"] = "higher"

WORD = re.compile(r"[^\W_]+")


def items(answers: Sequence[str], truths: Sequence[str]) -> npt.NDArray[np.float64]:
    """Score each answer.

    Args:
        answers: one per item.
        truths: as many.

    Returns:
        float64, (items,), in [0, 1].
    """
    return np.array([_f1(_words(a), _words(t)) for a, t in zip(answers, truths, strict=True)], dtype=np.float64)


def _words(text: str) -> Counter[str]:
    return Counter(WORD.findall(text.casefold()))


def _f1(answer: Counter[str], truth: Counter[str]) -> float:
    total = answer.total() + truth.total()
    return 2 * (answer & truth).total() / total if total else 1.0
