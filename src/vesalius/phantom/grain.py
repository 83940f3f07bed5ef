"""Smooth noise out of one table: cheap to look up at any place, and the same for all."""

from functools import cache

import numpy as np

from vesalius.phantom.paint import stream
from vesalius.phantom.truth import Floats

TEXTURE_PX, KNOT_PX = 1024, 16  # of the table: a power of two, and how far its knots are apart


def texture(row: Floats, column: Floats) -> Floats:
    """Smooth noise in [-1, 1] at coordinates, which broadcast, of a table that repeats itself; a grain is `KNOT_PX` wide."""
    last = TEXTURE_PX - 1
    at = row.astype(np.int32)
    at &= last
    at *= TEXTURE_PX
    across = column.astype(np.int32)
    across &= last
    found: Floats = _table().take(at + across)
    return found


@cache
def _table() -> Floats:
    """The flattened table of noise: the same for all."""
    knots = stream("cells", 1).uniform(-1, 1, (TEXTURE_PX // KNOT_PX,) * 2).astype(np.float32)
    part = (np.arange(KNOT_PX, dtype=np.float32) / KNOT_PX)[None, :, None]
    part = part * part * (3 - 2 * part)
    for _ in range(2):
        following = np.roll(knots, -1, axis=0)
        between = knots[:, None] * (1 - part) + following[:, None] * part
        knots = between.reshape(-1, knots.shape[1]).T.astype(np.float32)
    flat: Floats = np.ascontiguousarray(np.clip(knots * np.float32(1.35), -1, 1)).ravel()
    return flat
