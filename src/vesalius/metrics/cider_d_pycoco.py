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

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.texts.rarity import common

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
    given, true = ([text.split() for text in texts] for texts in (answers, truths))
    lengths = (np.array([max(len(words) - 1, 0) for words in each]) for each in (given, true))
    near = np.exp(-(np.subtract(*lengths) ** 2) / (2 * SIGMA**2))
    of_orders = [each.cosines(np.minimum(each.given, each.true) * each.true) for each in common(given, true)]
    return np.asarray(SCALE * near * np.mean(of_orders, axis=0))
