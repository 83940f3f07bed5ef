"""Local contrast: what of a print is its own when exposure and slow changes of brightness are taken away."""

from functools import lru_cache

import numpy as np

from vesalius.datasets.duplicates.prints import SIDE
from vesalius.types import Array

SIGMA = 2.0  # of the neighborhood, in pixels of a print
FLOOR = 0.5  # contrast below this share of the print's own counts less: noise of empty parts
PLAIN, END = 0.02, 0.06  # of a print's range: a background differs less than this from its neighbors, this from black or white
REACH = 5  # pixels around a background that its edge still decides

Planes = Array  # float32, (n, 64, 64)


def local_contrast(planes: Array) -> Planes:
    """Each pixel less its neighborhood's mean, by its neighborhood's spread.

    Args:
        planes: (n, 64, 64), any real dtype.

    Returns:
        float32, (n, 64, 64), of zero mean and unit length per plane; zero for a plane of one value.
    """
    values = planes.astype(np.float32)
    blur = _blur()
    less = values - blur @ values @ blur.T
    spread = np.sqrt(np.maximum(blur @ (less * less) @ blur.T, 0))
    own = less.std(axis=(1, 2), keepdims=True)
    found = less / (spread + FLOOR * own + 1e-6)
    found -= found.mean(axis=(1, 2), keepdims=True)
    length = np.linalg.norm(found, axis=(1, 2), keepdims=True)
    result: Planes = (found / np.maximum(length, 1e-6)).astype(np.float32)
    return result


def shows(planes: Array) -> Array:
    """Where a plane shows more than an empty background and its edge: (n, 64, 64).

    The round field of a fundus camera and the fan of a probe are the same in every picture of their kind.
    """
    values = planes.astype(np.float32)
    box = _box(1)
    mean = box @ values @ box.T
    spread = np.sqrt(np.maximum(box @ (values * values) @ box.T - mean * mean, 0))
    low, high = values.min(axis=(1, 2), keepdims=True), values.max(axis=(1, 2), keepdims=True)
    at_end = np.minimum(values - low, high - values) < END * (high - low)
    plain = (spread < PLAIN * (high - low)) & at_end
    inner = ~_near(~plain, 1)
    return ~_near(inner, REACH)


def _near(marked: Array, reach: int) -> Array:
    """The pixels that have a marked one in the square of `reach` around them."""
    box = _box(reach)
    found: Array = (box @ marked.astype(np.float32) @ box.T) > 1e-6
    return found


@lru_cache(maxsize=8)
def _box(reach: int) -> Planes:
    index = np.arange(SIDE)
    near: Planes = (np.abs(index[:, None] - index) <= reach).astype(np.float32)
    near /= near.sum(axis=1, keepdims=True)
    return near


@lru_cache(maxsize=1)
def _blur() -> Planes:
    index = np.arange(SIDE)
    distance = index[:, None] - index
    weights = np.where(np.abs(distance) <= 3 * SIGMA, np.exp(-(distance**2) / (2 * SIGMA**2)), 0)
    found: Planes = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return found


@lru_cache(maxsize=1024)
def window(share: float, moved: float = 0.0) -> Planes:
    """The matrix (64, 64) that stretches the middle `share` of 64 pixels over all of them, linearly; ≤ 1.

    What comes out is moved down (right) by `moved` pixels; pixels from beyond the end are those of the end.
    """
    center = (np.arange(SIDE) + 0.5 - moved) * share + (1 - share) * SIDE / 2 - 0.5
    distance = np.abs(np.clip(center, 0, SIDE - 1)[:, None] - np.arange(SIDE))
    found: Planes = np.clip(1 - distance, 0, None).astype(np.float32)
    return found


def windowed(planes: Array, rows: float, columns: float, down: float = 0.0, right: float = 0.0) -> Planes:
    """The middle of each plane, stretched over 64 × 64 and moved: `rows` and `columns` are the shares that are kept."""
    values = planes.astype(np.float32)
    if (rows, columns, down, right) == (1, 1, 0, 0):
        return values
    return window(rows, down) @ values @ window(columns, right).T
