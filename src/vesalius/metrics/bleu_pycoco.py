"""BLEU 1 to 4 of a set of texts, as pycocoevalcap computes it: how many runs of 1 to 4 words do answers and truths share?

The runs of all items are counted together: precision of each order, their geometric mean, and a penalty when the answers
together are shorter than the truths. It is no mean over items, and no sentence has a BLEU of its own here.

Direction:       higher is better.
At the extremes: 1 all texts are the same, to 1e-9; 0 no word in common. BLEU of order n is nearly 0 (not 0) when no run of n
                 words is shared, and when all answers have fewer than n words.
Undefined when:  there is no item.
Interval:        bootstrap over patients of the counts (`bootstrap.counted_score`).
Words:           what white space separates; nothing is folded. The reference implementation is fed by a Java tokenizer that
                 lowers case and drops punctuation: published figures depend on what was done before.
Says nothing of: whether the text is right. "No effusion" and "effusion" share a word; see `finding_f1`.
Source:          Papineni et al. 2002, ACL; Chen et al. 2015, arXiv:1504.00325, section 3.2; pycocoevalcap 1.2.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from vesalius.metrics.texts.ngrams import ORDERS, Values, matches

NAME = "bleu_pycoco"
DIRECTION: Literal["higher", "lower"] = "higher"

TINY, SMALL = 1e-15, 1e-9  # pycocoevalcap's, against division by zero


def name(order: int) -> str:
    """What the BLEU of one order is called where it is stored: `bleu_4_pycoco`."""
    return f"bleu_{order}_pycoco"


def value(answers: Sequence[str], truths: Sequence[str], order: int = ORDERS) -> float:
    """BLEU of a set of texts, in [0, 1]; NaN when there is no item.

    Args:
        answers: one per item.
        truths: as many.
        order: 1 to 4, the longest run that is counted.
    """
    return float(of_sums(counts(answers, truths).sum(axis=0)[None], order)[0]) if len(answers) else float("nan")


def counts(answers: Sequence[str], truths: Sequence[str]) -> Values:
    """What each item adds to the sums that BLEU is made of; float64, (items, 10)."""
    return matches([answer.split() for answer in answers], [truth.split() for truth in truths])


def of_sums(sums: Values, order: int = ORDERS) -> Values:
    """BLEU of each set from its sums (sets, 10); float64, (sets,)."""
    precision = (sums[:, :order] + TINY) / (sums[:, ORDERS : ORDERS + order] + SMALL)
    ratio = (sums[:, -2] + TINY) / (sums[:, -1] + SMALL)
    with np.errstate(under="ignore"):
        penalty = np.where(ratio < 1, np.exp(1 - 1 / np.minimum(ratio, 1)), 1.0)
        return np.asarray(penalty * precision.prod(axis=1) ** (1 / order))
