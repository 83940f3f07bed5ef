"""Which pairs of prints are worth a close look: a description of each that neither shifts nor mirrors change.

It is the size of the Fourier coefficients of the local contrast: a shift moves only their phase, a mirror exchanges columns
that are averaged here. What all prints of a collection have in common is taken away, so that chest radiographs, which look
alike to the eye, do not look alike to it. Compared are dot products, a block of rows at a time.
"""

from collections.abc import Iterator

import numpy as np

from vesalius.datasets.duplicates.contrast import local_contrast, windowed
from vesalius.datasets.duplicates.prints import SIDE
from vesalius.types import Array

FEW = 48  # below this every pair is looked at
HIGHEST = 12  # waves over the print
KEPT = 0.93  # a second description is of the middle of the print: what the copy that was cut shows
ALIKE = 0.5
MOST_EACH = 4  # the nearest of each print that are looked at
MOST_COMPARED = 1 << 24  # pairs at once: 64 MB, a few times over
_AT_ONCE = 1024

Pairs = Array  # int64, (n, 2)
Descriptions = Array  # float32, (n, 169)


def candidates(planes: Array, owners: Array) -> Iterator[Pairs]:
    """Pairs that may show one picture, in blocks of (n, 2), smaller index first; each pair once.

    Args:
        planes: (n, 64, 64).
        owners: (n,), whose print each is; prints of one owner are no pair.
    """
    if len(planes) < FEW:
        yield np.argwhere(np.triu(owners[:, None] != owners, 1))
        return
    whole, middle = _standardized(_described(planes, 1.0), _described(planes, KEPT))
    found: list[Pairs] = []
    rows = max(1, min(_AT_ONCE, MOST_COMPARED // len(planes)))
    for start in range(0, len(planes), rows):
        stop = min(start + rows, len(planes))
        alike = whole[start:stop] @ whole.T
        for one, other in ((middle, middle), (middle, whole), (whole, middle)):
            np.maximum(alike, one[start:stop] @ other.T, out=alike)
        alike[owners[start:stop, None] == owners] = -1
        found.append(_nearest(alike, start))
    pairs = np.unique(np.sort(np.concatenate(found), axis=1), axis=0)
    for start in range(0, len(pairs), _AT_ONCE):
        yield pairs[start : start + _AT_ONCE]


def _nearest(alike: Array, start: int) -> Pairs:
    """The pairs of a block of rows that are alike enough, the few best of each row."""
    most = min(MOST_EACH, alike.shape[1] - 1)
    best = np.argpartition(-alike, most, axis=1)[:, :most]
    rows = np.repeat(np.arange(len(alike)), most)
    columns = best.ravel()
    enough = alike[rows, columns] >= ALIKE
    return np.stack([rows[enough] + start, columns[enough]], axis=1)


def _described(planes: Array, kept: float) -> Descriptions:
    """Sizes of the coefficients up to `HIGHEST` waves, mirrored ones averaged: (n, 169)."""
    found = np.empty((len(planes), (HIGHEST + 1) ** 2), np.float32)
    fade = np.hanning(SIDE + 2)[1:-1].astype(np.float32)
    fading = np.outer(fade, fade)
    for start in range(0, len(planes), _AT_ONCE):
        contrast = local_contrast(windowed(planes[start : start + _AT_ONCE], kept, kept))
        sizes = np.abs(np.fft.rfft2(contrast * fading))[:, :, : HIGHEST + 1]
        upward, downward = sizes[:, : HIGHEST + 1], sizes[:, np.r_[0, -1 : -HIGHEST - 1 : -1]]
        both = ((upward + downward) / 2).reshape(len(contrast), -1)
        found[start : start + _AT_ONCE] = np.sqrt(both / np.maximum(np.linalg.norm(both, axis=1, keepdims=True), 1e-6))
    return found


def _standardized(whole: Descriptions, middle: Descriptions) -> tuple[Descriptions, Descriptions]:
    """Less what the collection has in common, by its spread; of unit length."""
    mean, spread = whole.mean(axis=0), np.maximum(whole.std(axis=0), 1e-6)

    def own(described: Descriptions) -> Descriptions:
        less = (described - mean) / spread
        unit: Descriptions = less / np.maximum(np.linalg.norm(less, axis=1, keepdims=True), 1e-6)
        return unit.astype(np.float32, copy=False)

    return own(whole), own(middle)
