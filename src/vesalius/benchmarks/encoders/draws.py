"""Which labels a protocol may learn from: a share of each class, or a few of each, by a seed and by nothing else."""

from collections.abc import Callable, Sequence

import numpy as np

from vesalius.benchmarks.encoders.embedded import Indices


def share_of(labels: Sequence[int], percent: float, seed: int) -> Indices:
    """Rows of a share of each class, at least one of each; ascending.

    Args:
        labels: class of each row.
        percent: (0, 100]; 100 takes all.
        seed: of the draw. The rows of a smaller share lie within those of a larger one of the same seed.
    """
    return _first(labels, seed, lambda many: max(1, round(many * percent / 100)))


def few_of(labels: Sequence[int], shots: int, seed: int) -> Indices:
    """Rows of `shots` of each class, all where a class has fewer; ascending."""
    return _first(labels, seed, lambda many: min(many, shots))


def _first(labels: Sequence[int], seed: int, wanted: Callable[[int], int]) -> Indices:
    """The first rows of each class in an order of its own."""
    numbers = np.asarray(labels)
    found = []
    for label in np.unique(numbers):
        rows = np.flatnonzero(numbers == label)
        order = np.random.default_rng([seed, int(label)]).permutation(len(rows))
        found.append(rows[order[: wanted(len(rows))]])
    return np.sort(np.concatenate(found)) if found else np.zeros(0, np.intp)
