"""Average surface distance: how far, on average, does the outline of a mask lie from the true one, in millimeters?

The outline of a mask is its pixels that touch a pixel outside by a face; outside the array is outside. From the center of each
outline pixel of one mask to the nearest one of the other, both ways, all these distances in one mean (as MONAI; MedPy takes the
mean of the two directions' means).

Direction:       lower is better; millimeters when the spacing is.
At the extremes: 0 the outlines are equal; no upper bound but the diagonal of the array.
Both empty:      0, the right answer was given. One empty: the diagonal of the array, the largest distance there is. So giving no
                 mask never pays, and no item is left out because it went wrong.
Undefined when:  there is no item.
Interval:        percentile bootstrap over patients.
Differs:         the package `surface-distance` puts the surface between pixels and weights its pieces by area; on smooth shapes
                 the two differ by less than a pixel.
Source:          Heimann et al., Comparison and Evaluation of Methods for Liver Segmentation, IEEE TMI 2009; exact
                 distances as in Felzenszwalb and Huttenlocher, Distance Transforms of Sampled Functions, 2012, by plain minima.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.dice import MaskArray

NAME = "surface_distance_mm"
DIRECTION: Literal["higher", "lower"] = "lower"

SOME = 256  # marked pixels that bound the distances
ROUNDING = 1e-9

Distances = npt.NDArray[np.float64]


def items(
    predicted: Sequence[MaskArray | None], truths: Sequence[MaskArray], spacings_mm: Sequence[Sequence[float]]
) -> npt.NDArray[np.float64]:
    """Score each item.

    Args:
        predicted: one mask per item, 2-D or 3-D; None where none was given.
        truths: as many, each of the shape of its prediction.
        spacings_mm: from pixel to pixel along each axis of the array, > 0; as many.

    Returns:
        float64, (items,), >= 0.

    Raises:
        ValueError: two masks differ in shape, or a spacing does not fit.
    """
    return each(predicted, truths, spacings_mm, lambda there, back: float(np.concatenate([there, back]).mean()))


def each(
    predicted: Sequence[MaskArray | None],
    truths: Sequence[MaskArray],
    spacings_mm: Sequence[Sequence[float]],
    reduce: Callable[[Distances, Distances], float],
) -> npt.NDArray[np.float64]:
    """One value per item from its distances in both directions, empty masks as described above."""
    found = []
    for given, true, spacing_mm in zip(predicted, truths, spacings_mm, strict=True):
        filled = np.zeros_like(true) if given is None else given
        if filled.any() and true.any():
            found.append(reduce(*distances_mm(filled, true, spacing_mm)))
        else:
            diagonal_mm = math.hypot(
                *(size * step for size, step in zip(true.shape, _checked(filled, true, spacing_mm), strict=True))
            )
            found.append(diagonal_mm if filled.any() or true.any() else 0.0)
    return np.array(found, dtype=np.float64)


def distances_mm(one: MaskArray, other: MaskArray, spacing_mm: Sequence[float]) -> tuple[Distances, Distances]:
    """From each outline pixel of one mask to the nearest of the other, and back.

    Args:
        one: bool, (Y, X) or (Z, Y, X), with at least one pixel.
        other: likewise, of the same shape.
        spacing_mm: along each axis, > 0.

    Returns:
        float64, (outline pixels of `one`,), and (outline pixels of `other`,).

    Raises:
        ValueError: the masks differ in shape, or the spacing does not fit.
    """
    steps = _checked(one, other, spacing_mm)
    corners = np.argwhere(one | other)
    inside = tuple(slice(low, high + 1) for low, high in zip(corners.min(axis=0), corners.max(axis=0), strict=True))
    a, b = outline(one)[inside], outline(other)[inside]
    return _mm_to(b, a, steps), _mm_to(a, b, steps)


def outline(mask: MaskArray) -> MaskArray:
    """The pixels of a mask that touch a pixel outside it by a face."""
    padded = np.pad(mask, 1)
    inner = mask.copy()
    whole = slice(1, -1)
    for axis in range(mask.ndim):
        for side in (slice(None, -2), slice(2, None)):
            inner &= padded[tuple(side if i == axis else whole for i in range(mask.ndim))]
    return mask & ~inner


def _mm_to(marked: MaskArray, wanted: MaskArray, steps: Sequence[float]) -> Distances:
    """From each wanted pixel to the nearest marked one: the minimum of squares along one axis after the other."""
    places, targets = np.argwhere(wanted) * steps, np.argwhere(marked) * steps
    # No distance is larger than that to some of the marked pixels, so no offset beyond it can matter.
    nearest = np.full(len(places), np.inf)
    for target in targets[:: -(-len(targets) // SOME)]:
        np.minimum(nearest, ((places - target) ** 2).sum(axis=1), out=nearest)
    farthest = float(nearest.max()) * (1 + ROUNDING)
    squared = np.where(marked, 0.0, np.inf)
    for axis, step in enumerate(steps):
        before = np.moveaxis(squared, axis, 0)
        after = before.copy()
        for offset in range(1, len(before)):
            more = (offset * step) ** 2
            if more > farthest:
                break
            np.minimum(after[offset:], before[:-offset] + more, out=after[offset:])
            np.minimum(after[:-offset], before[offset:] + more, out=after[:-offset])
        squared = np.moveaxis(after, 0, axis)
    return np.sqrt(squared[wanted])


def _checked(one: MaskArray, other: MaskArray, spacing_mm: Sequence[float]) -> Sequence[float]:
    if one.shape != other.shape:
        raise ValueError(f"A mask of shape {one.shape} cannot be laid over one of {other.shape}. Bring both to one grid first.")
    if len(spacing_mm) != one.ndim or not all(0 < step < math.inf for step in spacing_mm):
        raise ValueError(f"A mask of {one.ndim} axes needs as many spacings, each above 0. Give one per axis, in array order.")
    return spacing_mm
