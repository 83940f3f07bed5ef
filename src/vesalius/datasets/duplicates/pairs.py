"""Near-duplicates among many pictures: candidates by a quick description, each confirmed by a close look."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from vesalius.datasets.duplicates.candidates import candidates
from vesalius.datasets.duplicates.closely import look
from vesalius.datasets.duplicates.prints import Prints

ENOUGH = 3  # prints that must be alike, of pictures that have several


@dataclass(frozen=True)
class Pair:
    """Two pictures that are nearly the same, by the numbers that they were added under; `one` < `other`."""

    one: int
    other: int
    likeness: float
    is_mirrored: bool


def near_duplicates(prints: Prints, matters: Callable[[int, int], bool] = lambda one, other: True) -> Iterator[Pair]:
    """Every pair of pictures that show the same, once, in order; the likeness is that of the print that decided.

    Bodies are alike in single slices: of volumes and clips all prints must be.

    Args:
        prints: of all of them.
        matters: whether two pictures (by their owners' numbers) are worth comparing at all; others are left out.
    """
    owners = np.array(prints.owners, np.int64)
    planes, counts = prints.planes(), Counter(prints.owners)
    found: dict[tuple[int, int], list[tuple[float, bool]]] = {}
    for block in candidates(planes, owners):
        pairs = [(a, b) for a, b in block.tolist() if matters(int(owners[a]), int(owners[b]))]
        if not pairs:
            continue
        ones, others = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
        for (a, b), fit in zip(pairs, look(planes[ones], planes[others]), strict=True):
            if fit.is_alike:
                one, other = sorted((int(owners[a]), int(owners[b])))
                found.setdefault((one, other), []).append((round(fit.likeness, 3), fit.is_mirrored))
    for (one, other), fits in sorted(found.items()):
        wanted = min(ENOUGH, counts[one], counts[other])
        if len(fits) >= wanted:
            yield Pair(one, other, *sorted(fits, reverse=True)[wanted - 1])
