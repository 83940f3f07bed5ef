"""Runs of words weighted by how rare they are among the truths: tf-idf, what CIDEr compares."""

import math
from collections import Counter
from collections.abc import Sequence

from vesalius.metrics.texts.ngrams import ORDERS, Run, runs

Vector = dict[Run, float]


class Rarity:
    """How many truths each run of words stands in.

    Args:
        truths: the words of every truth of the set.
    """

    def __init__(self, truths: Sequence[Sequence[str]]) -> None:
        seen = Counter[Run]()
        for truth in truths:
            for order in range(1, ORDERS + 1):
                seen.update(runs(truth, order).keys())
        self._weights = {run: math.log(len(truths) / documents) for run, documents in seen.items()}
        self._unseen = math.log(len(truths)) if truths else 0.0  # as if it stood in one truth

    def vectors(self, words: Sequence[str]) -> list[tuple[Vector, float]]:
        """For each order: count times weight of each run, and the length of that vector."""
        found = []
        for order in range(1, ORDERS + 1):
            vector = {run: count * self._weights.get(run, self._unseen) for run, count in runs(words, order).items()}
            found.append((vector, math.sqrt(math.fsum(weight * weight for weight in vector.values()))))
        return found
