"""ROUGE-L as the package `rouge-score` computes it without stemming: the F1 of the longest common subsequence of words.

Direction:       higher is better.
At the extremes: 1 the words are the same in the same order; 0 no word in common, and when either text has no word.
Undefined when:  there is no item.
Interval:        percentile bootstrap over patients.
Words:           runs of a to z and 0 to 9 after lowering case. Other alphabets have no words: a Chinese answer scores 0.
Not this:        with `use_stemmer=True`, as some harnesses call it, scores are higher; the package `rouge` is another program.
Source:          Lin 2004, ROUGE, section 3.1; rouge-score 0.1.2 (`rougeL`).
"""

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.texts.subsequence import longest

NAME = "rouge_l_google"
DIRECTION: Literal["higher", "lower"] = "higher"

WORD = re.compile(r"[a-z0-9]+")


def items(answers: Sequence[str], truths: Sequence[str]) -> npt.NDArray[np.float64]:
    """Score each answer.

    Args:
        answers: one per item.
        truths: as many.

    Returns:
        float64, (items,), in [0, 1].
    """
    pairs = zip(answers, truths, strict=True)
    return np.array([_f1(WORD.findall(a.lower()), WORD.findall(t.lower())) for a, t in pairs], dtype=np.float64)


def _f1(answer: Sequence[str], truth: Sequence[str]) -> float:
    total = len(answer) + len(truth)
    return 2 * longest(answer, truth) / total if total else 0.0
