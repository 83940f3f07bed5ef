"""Dice: how well does a mask cover the true one?

Twice the common pixels over the pixels of both. Pixels count, not millimeters: for surfaces see `surface_distance_mm`.

Direction:       higher is better.
At the extremes: 1 the masks are equal; 0 they share no pixel. Both empty: 1, the right answer was given. One empty: 0.
Unreadable:      no mask is an empty one.
Undefined when:  there is no item.
Interval:        percentile bootstrap over patients.
Differs:         MedPLIB gives 0 to a right empty mask (its union is empty); `both_empty=0.0` does so. Others leave such items out
                 (`both_empty=float("nan")`), which hides every false alarm on the healthy.
Source:          Dice, Ecology 26, 1945; the F1 of pixels.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

NAME = "dice"
DIRECTION: Literal["higher", "lower"] = "higher"

MaskArray = npt.NDArray[np.bool_]


def items(
    predicted: Sequence[MaskArray | None], truths: Sequence[MaskArray], *, both_empty: float = 1.0
) -> npt.NDArray[np.float64]:
    """Score each item.

    Args:
        predicted: one mask per item, of any dimension; None where none was given.
        truths: as many, each of the shape of its prediction.
        both_empty: the value of an item whose two masks are empty.

    Returns:
        float64, (items,), in [0, 1].

    Raises:
        ValueError: two masks differ in shape.
    """
    found = []
    for given, true in zip(predicted, truths, strict=True):
        common, in_given, in_true = overlap(given, true)
        found.append(2 * common / (in_given + in_true) if in_given + in_true else both_empty)
    return np.array(found, dtype=np.float64)


def overlap(given: MaskArray | None, true: MaskArray) -> tuple[int, int, int]:
    """How many pixels two masks share, and how many each has.

    Raises:
        ValueError: they differ in shape.
    """
    if given is None:
        return 0, 0, int(np.count_nonzero(true))
    if given.shape != true.shape:
        raise ValueError(f"A mask of shape {given.shape} cannot be laid over one of {true.shape}. Bring both to one grid first.")
    return int(np.count_nonzero(given & true)), int(np.count_nonzero(given)), int(np.count_nonzero(true))
