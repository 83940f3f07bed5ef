"""BLEU of a set of texts, as sacreBLEU computes it by default: its tokenizer 13a, case kept, "exp" smoothing; here in [0, 1].

Direction:       higher is better.
At the extremes: 1 all texts are the same and one of them has four words; 0 no word in common, or no answer has four words.
Undefined when:  there is no item.
Interval:        bootstrap over patients of the counts (`bootstrap.counted_score`).
Smoothed:        an order of which nothing is shared counts as 1/2, 1/4, 1/8 … of a run.
Not for:         Chinese and Japanese, which 13a does not cut.
Source:          Post 2018, arXiv:1804.08771; signature nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from vesalius.metrics.texts import mteval
from vesalius.metrics.texts.ngrams import ORDERS, Values, matches

NAME = "bleu_sacre"
DIRECTION: Literal["higher", "lower"] = "higher"


def value(answers: Sequence[str], truths: Sequence[str]) -> float:
    """BLEU of a set of texts, in [0, 1]; NaN when there is no item.

    Args:
        answers: one per item.
        truths: as many.
    """
    return float(of_sums(counts(answers, truths).sum(axis=0)[None])[0]) if len(answers) else float("nan")


def counts(answers: Sequence[str], truths: Sequence[str]) -> Values:
    """What each item adds to the sums that BLEU is made of; float64, (items, 10)."""
    return matches([mteval.words(answer) for answer in answers], [mteval.words(truth) for truth in truths])


def of_sums(sums: Values) -> Values:
    """BLEU of each set from its sums (sets, 10); float64, (sets,)."""
    shared, given, (long, asked) = sums[:, :ORDERS], sums[:, ORDERS : 2 * ORDERS], sums[:, -2:].T
    nothing = shared == 0
    smoothed = np.where(nothing, 0.5 ** np.cumsum(nothing, axis=1), shared)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.exp(np.log(smoothed / given).mean(axis=1))
        penalty = np.where(long < asked, np.exp(1 - asked / long), 1.0)
        return np.where((given > 0).all(axis=1) & shared.any(axis=1), mean * penalty, 0.0)
