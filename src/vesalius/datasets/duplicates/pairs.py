"""Near-duplicates among many pictures: candidates by a quick description, each confirmed by a close look."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from vesalius.datasets.duplicates.candidates import candidates
from vesalius.datasets.duplicates.closely import look
from vesalius.datasets.duplicates.prints import Prints


@dataclass(frozen=True)
class Pair:
    """Two pictures that are nearly the same, by the numbers that they were added under; `one` < `other`."""

    one: int
    other: int
    likeness: float
    is_mirrored: bool


def near_duplicates(prints: Prints, matters: Callable[[int, int], bool] = lambda one, other: True) -> Iterator[Pair]:
    """Every pair of pictures that show the same, once, in order.

    Args:
        prints: of all of them.
        matters: whether two pictures (by their owners' numbers) are worth comparing at all; others are left out.
    """
    owners = np.array(prints.owners, np.int64)
    planes = prints.planes()
    found: dict[tuple[int, int], Pair] = {}
    for block in candidates(planes):
        pairs = [(a, b) for a, b in block.tolist() if owners[a] != owners[b] and matters(int(owners[a]), int(owners[b]))]
        if not pairs:
            continue
        ones, others = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
        for (a, b), fit in zip(pairs, look(planes[ones], planes[others]), strict=True):
            one, other = sorted((int(owners[a]), int(owners[b])))
            known = found.get((one, other))
            if fit.is_alike and (known is None or known.likeness < fit.likeness):
                found[one, other] = Pair(one, other, round(fit.likeness, 3), fit.is_mirrored)
    yield from (found[key] for key in sorted(found))
