"""In which order samples are shown, and which of them together: a function of the seed and the epoch alone.

Any process can make it for itself, so ranks agree without a word, and a run goes on where it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
WINDOW = 64  # batches among which samples of like length are gathered


@dataclass(frozen=True)
class Order:
    """How samples are put together.

    Attributes:
        seed: of the order.
        is_shuffled: anew in each epoch; else as they are stored.
        batch: samples of a batch, at most.
        lengths: tokens or patches of each sample; None: all alike, and every batch has `batch` samples.
        budget: with `lengths`: how long a batch may be; None: no limit. A sample that is longer by itself stands alone.
        is_packed: lengths of a batch add up (samples are put one behind the other); else the longest counts for each of them
            (the others are filled up to it).
        ranks: processes that share an epoch; each has as many batches as the others, and what cannot be shared is left out:
            fewer batches than there are ranks, others in each epoch.
    """

    seed: int
    is_shuffled: bool
    batch: int
    lengths: Numbers | None = None
    budget: int | None = None
    is_packed: bool = False
    ranks: int = 1

    def batches(self, count: int, epoch: int, rank: int) -> list[Numbers]:
        """The batches of one rank in one epoch: numbers below `count`, each in one batch at most of all ranks."""
        random = np.random.default_rng((self.seed, 0, epoch))
        order = random.permutation(count) if self.is_shuffled else np.arange(count)
        if self.lengths is None:
            found = [order[start : start + self.batch] for start in range(0, count, self.batch)]
        else:
            found = self._by_length(order, self.lengths)
            if self.is_shuffled:
                found = [found[at] for at in random.permutation(len(found))]
        shared = len(found) // self.ranks * self.ranks
        return found[rank : shared : self.ranks]

    def _by_length(self, order: Numbers, lengths: Numbers) -> list[Numbers]:
        """Batches of samples of like length, gathered within windows of the order."""
        window, found = self.batch * WINDOW, []
        for start in range(0, len(order), window):
            some = order[start : start + window]
            some = some[np.argsort(-lengths[some], kind="stable")]
            found += self._packed(some, lengths) if self.is_packed else self._padded(some, lengths)
        return found

    def _padded(self, some: Numbers, lengths: Numbers) -> list[Numbers]:
        """The longest first: it says how many fit beside it."""
        found, start = [], 0
        while start < len(some):
            fitting = self.batch if self.budget is None else max(1, self.budget // max(1, int(lengths[some[start]])))
            end = start + min(self.batch, fitting)
            found.append(some[start:end])
            start = end
        return found

    def _packed(self, some: Numbers, lengths: Numbers) -> list[Numbers]:
        """The longest first, each into the first batch that has room (first fit decreasing)."""
        rows: list[list[int]] = []
        left: list[int] = []
        first = 0  # batches before this one are full
        budget = int(lengths[some].sum()) if self.budget is None else self.budget
        for number in some.tolist():
            need = int(lengths[number])
            for at in range(first, len(rows)):
                if left[at] >= need and len(rows[at]) < self.batch:
                    break
            else:
                at = len(rows)
                rows.append([])
                left.append(budget)
            rows[at].append(number)
            left[at] -= need
            while first < len(rows) and (left[first] <= 0 or len(rows[first]) >= self.batch):
                first += 1
        return [np.array(row, np.int64) for row in rows]


def fill(batches: Sequence[Numbers], lengths: Numbers, *, is_packed: bool, budget: int | None = None) -> float:
    """How much of what is computed counts: the lengths over the room that batches take; 1 is no waste."""
    if is_packed:
        room = sum(max(budget or 0, int(lengths[batch].sum())) for batch in batches)
    else:
        room = sum(int(lengths[batch].max()) * len(batch) for batch in batches)
    return float(sum(int(lengths[batch].sum()) for batch in batches) / max(1, room))
