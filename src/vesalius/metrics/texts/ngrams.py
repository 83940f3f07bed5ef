"""Runs of 1 to n words, counted; what BLEU and CIDEr are made of."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Run = tuple[str, ...]

ORDERS = 4


def runs(words: Sequence[str], order: int) -> Counter[Run]:
    """How often each run of `order` words stands in a text; empty for a text that is shorter."""
    return Counter(zip(*(words[start:] for start in range(order)), strict=False))


def matches(answers: Sequence[Sequence[str]], truths: Sequence[Sequence[str]]) -> Values:
    """What BLEU sums over items.

    Args:
        answers: the words of each answer.
        truths: the words of each truth, as many.

    Returns:
        float64, (items, 10): for orders 1 to 4 the runs of the answer that the truth has too (each at most as often as there),
        then for orders 1 to 4 all runs of the answer, then the words of the answer and of the truth.
    """
    rows = np.zeros((len(answers), 2 * ORDERS + 2))
    for row, answer, truth in zip(rows, answers, truths, strict=True):
        for order in range(1, ORDERS + 1):
            given = runs(answer, order)
            row[order - 1] = (given & runs(truth, order)).total()
            row[ORDERS + order - 1] = given.total()
        row[-2:] = len(answer), len(truth)
    return rows
