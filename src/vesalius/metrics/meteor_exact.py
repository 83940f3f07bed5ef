"""METEOR with equal words alone: recall-weighted words in common, less for every break in their order.

A word of the answer is paired with an equal word of the truth; with m pairs in c unbroken chunks the score is
F (1 - 0.5 (c / m)³), F = P R / (0.9 P + 0.1 R).

Direction:       higher is better.
At the extremes: 0 no word in common. The same text has 1 - 0.5 / m³, so one right word alone has 0.5: no answer reaches 1.
Undefined when:  there is no item.
Interval:        percentile bootstrap over patients.
Words:           what white space separates, case lowered.
Differs:         METEOR proper also pairs words by their stem, by synonyms and, since 1.3, by tables of paraphrases. These are
                 WordNet and a 60 MB table of the Java program that publishes the numbers called METEOR; without them nothing
                 can equal those, so this one has a name of its own. Pairs are chosen from the end backwards, as NLTK does.
Source:          Banerjee and Lavie 2005, ACL workshop, section 2; parameters and pairing of `nltk.translate.meteor_score`.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

NAME = "meteor_exact"
DIRECTION: Literal["higher", "lower"] = "higher"

ALPHA, BETA, GAMMA = 0.9, 3.0, 0.5


def items(answers: Sequence[str], truths: Sequence[str]) -> npt.NDArray[np.float64]:
    """Score each answer.

    Args:
        answers: one per item.
        truths: as many.

    Returns:
        float64, (items,), in [0, 1).
    """
    pairs = zip(answers, truths, strict=True)
    return np.array([_score(answer.lower().split(), truth.lower().split()) for answer, truth in pairs], dtype=np.float64)


def _score(answer: Sequence[str], truth: Sequence[str]) -> float:
    pairs = _pairs(answer, truth)
    if not pairs:
        return 0.0
    precision, recall = len(pairs) / len(answer), len(pairs) / len(truth)
    mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall)
    breaks = sum(after != (a + 1, t + 1) for (a, t), after in pairwise(pairs))
    return mean * float(1 - GAMMA * ((breaks + 1) / len(pairs)) ** BETA)


def _pairs(answer: Sequence[str], truth: Sequence[str]) -> list[tuple[int, int]]:
    """Places of equal words, in the order of the answer; the last free one of the truth for the last of the answer."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(truth):
        places[word].append(place)
    backwards = range(len(answer) - 1, -1, -1)
    return [(place, places[answer[place]].pop()) for place in backwards if places[answer[place]]][::-1]
