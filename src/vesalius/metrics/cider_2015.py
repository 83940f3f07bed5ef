"""CIDEr as its paper defines it: the cosine of the tf-idf vectors of answer and truth, the mean over runs of 1 to 4 words.

Direction:       higher is better.
At the extremes: 0 nothing in common; 1 the same text, if each of its orders has a run that not every truth has. A set of one
                 item scores 0 whatever it says, and so does a set whose truths are all the same: no run is rare in it.
Undefined when:  there is no item.
Interval:        percentile bootstrap over patients; how rare a run is stays what it is in the whole set.
Depends on:      the set, as `cider_d_pycoco`, which is what papers print as "CIDEr". Repeating rare words pays here.
Differs:         words are not stemmed (the paper maps them to their roots); one truth per item.
Source:          Vedantam et al. 2015, arXiv:1411.5726, section 3, equations 1 to 3.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.texts.rarity import common

NAME = "cider_2015"
DIRECTION: Literal["higher", "lower"] = "higher"


def items(answers: Sequence[str], truths: Sequence[str]) -> npt.NDArray[np.float64]:
    """Score each answer.

    Args:
        answers: one per item of the whole set.
        truths: as many.

    Returns:
        float64, (items,), in [0, 1].
    """
    given, true = ([text.split() for text in texts] for texts in (answers, truths))
    return np.asarray(np.mean([each.cosines(each.given * each.true) for each in common(given, true)], axis=0))
