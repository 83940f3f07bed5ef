"""ROUGE-L as pycocoevalcap computes it: the longest common subsequence of words, recall weighted more than precision.

Per item (1 + b²) P R / (R + b² P) with b = 1.2, where P and R are the length of the subsequence over that of the answer and of
the truth.

Direction:       higher is better.
At the extremes: 1 the texts are the same; 0 no word in common.
Undefined when:  there is no item.
Interval:        percentile bootstrap over patients.
Words:           what single spaces separate, as in the reference: two spaces have an empty word between them, and a text
                 without any is one empty word, so that two empty texts agree. Nothing is folded.
Source:          Lin 2004, ROUGE, section 3; Chen et al. 2015, arXiv:1504.00325, section 3.3; pycocoevalcap 1.2.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.texts.subsequence import longest

NAME = "rouge_l_pycoco"
DIRECTION: Literal["higher", "lower"] = "higher"

BETA = 1.2


def items(answers: Sequence[str], truths: Sequence[str]) -> npt.NDArray[np.float64]:
    """Score each answer.

    Args:
        answers: one per item.
        truths: as many.

    Returns:
        float64, (items,), in [0, 1].
    """
    pairs = zip(answers, truths, strict=True)
    return np.array([_f(answer.split(" "), truth.split(" ")) for answer, truth in pairs], dtype=np.float64)


def _f(answer: Sequence[str], truth: Sequence[str]) -> float:
    common = longest(answer, truth)
    if not common:
        return 0.0
    precision, recall = common / len(answer), common / len(truth)
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)
