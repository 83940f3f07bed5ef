"""Prints: small gray planes that stand for pictures when pictures are compared.

A print is the picture on 64 × 64 pixels, whatever its proportions. Exposure, bit depth, size and compression are gone from it
or nearly so. Of a volume three slices are taken, of a clip three frames; of a slide its coarsest level.
"""

import tempfile
from functools import lru_cache

import numpy as np

from vesalius.types import Array, Image

SIDE = 64
LEAST_PX = 16  # pictures with a shorter side have too little in them to be told apart
_QUARTERS = (1, 2, 3)  # of the slices of a volume or the frames of a clip

Print = Array  # uint8, (64, 64)


def prints(array: Array, image: Image) -> list[Print]:
    """The prints of a picture.

    Args:
        array: its values, as `Image.load` gives them: any real dtype, a last axis of 3 where `image.channels` is 3.
        image: says what the axes are.

    Returns:
        uint8, each (64, 64), from 0 for the least to 255 for the greatest value; none for pictures that are too small, and
        none for planes that show one value alone, which are like all others of their kind.
    """
    color = array[..., None] if image.channels == 1 else array
    flat = color.reshape(-1, *color.shape[-3:])
    wanted = sorted({len(flat) * quarter // 4 for quarter in _QUARTERS}) if len(flat) > 1 else [0]
    found = (_print(flat[index]) for index in wanted)
    return [one for one in found if one is not None]


def _print(plane: Array) -> Print | None:
    if min(plane.shape[:2]) < LEAST_PX:
        return None
    gray = np.nan_to_num(plane.mean(axis=-1, dtype=np.float32), posinf=0, neginf=0)
    small = areas(gray.shape[0], SIDE) @ gray @ areas(gray.shape[1], SIDE).T
    low, high = float(small.min()), float(small.max())
    if high - low <= 1e-6 * max(1.0, abs(low), abs(high)):
        return None
    found: Print = np.round((small - low) * (255 / (high - low))).astype(np.uint8)
    return found


@lru_cache(maxsize=512)
def areas(length: int, side: int) -> Array:
    """The matrix (side, length) that averages `length` pixels in `side` equal parts; parts of pixels count as such."""
    edges = np.linspace(0, length, side + 1)
    starts = np.arange(length)
    covered = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    weights = np.clip(covered, 0, None)
    found: Array = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return found


class Prints:
    """Many prints, each with the number of the picture that it is of; on disk, so that memory does not grow with them."""

    def __init__(self) -> None:
        self.owners: list[int] = []
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this object

    def add(self, owner: int, plane: Print) -> None:
        """Put a print away."""
        self._file.write(plane.tobytes())
        self.owners.append(owner)

    def __len__(self) -> int:
        return len(self.owners)

    def planes(self) -> Array:
        """All of them, (n, 64, 64), read from disk as they are looked at."""
        if not self.owners:
            return np.zeros((0, SIDE, SIDE), np.uint8)
        self._file.flush()
        return np.memmap(self._file, np.uint8, "r", shape=(len(self), SIDE, SIDE))
