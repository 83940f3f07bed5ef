"""CIDEr-D, which pycocoevalcap prints as "CIDEr": rare runs of 1 to 4 words in common, clipped, less for another length.

Per order the clipped product of the tf-idf vectors of answer and truth over their lengths, times exp(-d² / 72) for a
difference of d words; the mean over the four orders times 10.

Direction:       higher is better.
At the extremes: 0 nothing in common; 10 the same text, if each of its orders has a run that not every truth has. A set of one
                 item scores 0 whatever it says, and so does a set whose truths are all the same: no run is rare in it.
Undefined when:  there is no item.
Interval:        percentile bootstrap over patients; how rare a run is stays what it is in the whole set.
Depends on:      the set. The same answer has another value beside other truths: never compare values over different sets.
Words:           what white space separates; nothing is folded.
Source:          Vedantam et al. 2015, arXiv:1411.5726, section 5.2 (there with sigma 6); pycocoevalcap 1.2, whose length of a
                 text is its number of pairs of words.
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.texts.ngrams import ORDERS
from vesalius.metrics.texts.rarity import Rarity

NAME = "cider_d_pycoco"
DIRECTION: Literal["higher", "lower"] = "higher"

SIGMA, SCALE = 6.0, 10.0


def items(answers: Sequence[str], truths: Sequence[str]) -> npt.NDArray[np.float64]:
    """Score each answer.

    Args:
        answers: one per item of the whole set.
        truths: as many.

    Returns:
        float64, (items,), in [0, 10].
    """
    true = [truth.split() for truth in truths]
    rarity = Rarity(true)
    pairs = zip((answer.split() for answer in answers), true, strict=True)
    return np.array([_item(rarity, answer, truth) for answer, truth in pairs], dtype=np.float64)


def _item(rarity: Rarity, answer: Sequence[str], truth: Sequence[str]) -> float:
    longer = max(len(answer) - 1, 0) - max(len(truth) - 1, 0)
    near = math.exp(-(longer**2) / (2 * SIGMA**2))
    total = 0.0
    for (given, given_length), (true, true_length) in zip(rarity.vectors(answer), rarity.vectors(truth), strict=True):
        common = math.fsum(min(weight, true[run]) * true[run] for run, weight in given.items() if run in true)
        total += common / (given_length * true_length) if given_length and true_length else 0.0
    return SCALE * near * total / ORDERS
