"""Runs of words weighted by how rare they are among the truths (tf-idf), and what answers and truths have in common of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vesalius.metrics.texts.ngrams import ORDERS, Values

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Common:
    """The runs of one order that an answer and its truth both have.

    Attributes:
        item: intp, (common,): whose they are.
        given: float64, (common,): count in the answer times weight.
        true: float64, (common,): count in the truth times weight.
        lengths: float64, (items,): length of the answer's whole vector times that of the truth's.
    """

    item: Indices
    given: Values
    true: Values
    lengths: Values

    def cosines(self, products: Values) -> Values:
        """Sums of products (common,) per item over the lengths; float64, (items,), 0 where a vector has no length."""
        sums = np.bincount(self.item, weights=products, minlength=len(self.lengths))
        return np.divide(sums, self.lengths, out=np.zeros_like(self.lengths), where=self.lengths > 0)


def common(answers: Sequence[Sequence[str]], truths: Sequence[Sequence[str]]) -> list[Common]:
    """What each answer has in common with its truth, for runs of 1 to 4 words.

    A run weighs log(truths / truths that have it); one that no truth has weighs as if one had it.

    Args:
        answers: the words of each answer.
        truths: the words of each truth, as many.

    Raises:
        ValueError: there are not as many.
    """
    if len(answers) != len(truths):
        raise ValueError(f"there are {len(answers)} answers and {len(truths)} truths")
    texts = [*truths, *answers]
    text = np.repeat(np.arange(len(texts)), [len(words) for words in texts])
    known: dict[str, int] = {}
    word = np.array([known.setdefault(word, len(known)) for words in texts for word in words], dtype=np.intp)
    found = []
    run, start = word, np.arange(len(word))  # the number of the run that begins at each place of the joined texts
    for order in range(1, ORDERS + 1):
        if order > 1:  # a run is the one that is shorter by a word, and that word
            goes_on = start + order - 1 < len(word)
            goes_on[goes_on] = text[start[goes_on] + order - 1] == text[start[goes_on]]
            start = start[goes_on]
            run = np.unique(run[goes_on] * len(known) + word[start + order - 1], return_inverse=True)[1]
        found.append(_common(text[start], run, len(truths)))
    return found


def _common(text: Indices, run: Indices, items: int) -> Common:
    """Of the runs of one order, each with the text that it stands in: truths come first, then answers."""
    runs = int(run.max(initial=-1)) + 1
    place, count = np.unique(text * runs + run, return_counts=True)
    at, of = np.divmod(place, max(runs, 1))
    is_true = at < items
    weights = np.log(max(items, 1)) - np.log(np.maximum(np.bincount(of[is_true], minlength=runs), 1))
    vector = count * weights[of]
    lengths = np.sqrt(np.bincount(at, weights=vector**2, minlength=2 * items))
    _, there, here = np.intersect1d(place[is_true], place[~is_true] - items * runs, assume_unique=True, return_indices=True)
    return Common(at[is_true][there], vector[~is_true][here], vector[is_true][there], lengths[:items] * lengths[items:])
