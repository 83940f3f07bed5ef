"""The tiles of one level of a DICOM slide, or of a mask of it: which of them a region touches, described alone.

Tiles are [y, x, frame] each, the place of their first pixel and the frame that holds them; where none are listed, they fill
a grid, row after row. Source: DICOM PS3.3, C.7.6.17.3 (Dimension Organization Type).
"""

from dataclasses import replace
from typing import Any

import numpy as np

from vesalius.clinical.picture import Description

Box = tuple[int, int, int, int]
Tile = tuple[int, int, int]


def tiles_in(description: Description, box_yxyx_px: Box) -> list[Tile]:
    """The tiles that a region touches, in the order in which they lie on one another."""
    stored = description.notes["pixels"]
    rows, columns = stored["rows"], stored["columns"]
    y0, x0, y1, x1 = box_yxyx_px
    if description.notes["tiles"] is None:
        across = -(-description.shape[1] // columns)
        last = min(-(-y1 // rows), stored["frames"] // across + 1)
        grid = [(y, x) for y in range(y0 // rows, last) for x in range(x0 // columns, -(-x1 // columns))]
        return [(y * rows, x * columns, y * across + x) for y, x in grid if y * across + x < stored["frames"]]
    listed = np.array(description.notes["tiles"], dtype=np.int64).reshape(-1, 3)
    tops, lefts = listed[:, 0], listed[:, 1]
    inside = (tops < y1) & (tops + rows > y0) & (lefts < x1) & (lefts + columns > x0)
    return [(int(y), int(x), int(frame)) for y, x, frame in listed[inside]]


def trimmed(description: Description, box_yxyx_px: Box) -> Description:
    """The description with what a region needs: a level may have a hundred thousand tiles, and is sent with every region."""
    tiles, stored = tiles_in(description, box_yxyx_px), dict(description.notes["pixels"])
    if stored["syntax"]:  # each compressed frame from its begin to its end; every other of these stretches is no frame
        begins = stored["begins"]
        stored["begins"] = [at for _, _, frame in tiles for at in begins[frame : frame + 2]]
        tiles = [(y, x, 2 * index) for index, (y, x, _) in enumerate(tiles)]
    notes: dict[str, Any] = {**description.notes, "pixels": stored, "tiles": [list(tile) for tile in tiles]}
    return replace(description, warnings=(), notes=notes)
