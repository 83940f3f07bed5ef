"""A whole slide, larger than any input: any region of it at any level, drawn without the rest.

The slide is 16,000 x 20,000 pixels of 0.25 µm at its first level; each further level is four times coarser, and each of its
pixels is the mean of 4 x 4 of the level before. It is drawn tile by tile, each in the same way whatever region was asked
for, so that regions that overlap agree to the pixel. The tile in the middle holds the field that a picture of the same
patient shows.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vesalius.errors import Problem, UsageError
from vesalius.phantom.bodies.cells import specimen as specimens
from vesalius.phantom.bodies.cells import stain as cells_stain
from vesalius.phantom.bodies.cells.specimen import TILES, Specimen
from vesalius.phantom.bodies.cells.stain import Stain
from vesalius.phantom.bodies.cells.view import View, averaged, coarse, view
from vesalius.phantom.case import Case
from vesalius.phantom.site import toned
from vesalius.phantom.truth import Bools, Floats

STEP_UM = 0.25
DOWN = 4  # from one level to the next
LEVELS = 3
TILE_PX = 400  # at the first level
_NOISE = 0.014


@dataclass(frozen=True, eq=False)
class Region:
    """A part of a slide.

    Attributes:
        pixels: (Y, X, 3) uint8.
        spacing_mm: (y, x) at this level.
        masks: by cell type and lesion, (Y, X): at a coarser level, where half of a pixel is covered, or any of it by a lesion.
        counts: cell type → cells whose center lies in the region and of which something can be seen.
        centers: the same cells' (y, x) in pixels of the region, (N, 2).
    """

    pixels: npt.NDArray[np.uint8]
    spacing_mm: tuple[float, float]
    masks: dict[str, Bools]
    counts: dict[str, int]
    centers: dict[str, Floats]


def shape_px(level: int) -> tuple[int, int]:
    """(Y, X) of the whole slide at a level."""
    return TILES[0] * TILE_PX // DOWN**level, TILES[1] * TILE_PX // DOWN**level


def region(case: Case, box_yxyx_px: tuple[int, int, int, int], level: int = 0) -> Region:
    """Draw a region of a patient's slide.

    Args:
        case: as `kinds.cells.slide_case` gives it.
        box_yxyx_px: (y0, x0, y1, x1) in pixels of the level, within `shape_px(level)`, not empty.
        level: 0 to 2.

    Raises:
        UsageError: `bad_factor` for a level or a box that the slide does not have.
    """
    rows, columns = shape_px(level) if level in range(LEVELS) else (0, 0)
    y0, x0, y1, x1 = box_yxyx_px
    if not (0 <= y0 < y1 <= rows and 0 <= x0 < x1 <= columns):
        allowed = tuple(f"level {each}: 0, 0, {shape_px(each)[0]}, {shape_px(each)[1]}" for each in range(LEVELS))
        problem = Problem("box_yxyx_px or level", "not on the slide", allowed)
        raise UsageError("bad_factor", f"The slide has no such region · {', '.join(allowed)} · choose one within.", [problem])
    specimen = specimens.prepare(case)
    stain = cells_stain.mixed(case.pose(1), specimen.kind, specimen.stain)
    side = TILE_PX // DOWN**level
    pixels = np.zeros((y1 - y0, x1 - x0, 3), np.uint8)
    masks: dict[str, Bools] = {}
    centers: dict[str, list[Floats]] = {}
    for row in range(y0 // side, -(-y1 // side)):
        for column in range(x0 // side, -(-x1 // side)):
            seen, shown, marked = _tile(specimen, stain, (row, column), level)
            top, left = row * side - y0, column * side - x0  # of the tile in the region
            here = slice(max(top, 0), min(top + side, y1 - y0)), slice(max(left, 0), min(left + side, x1 - x0))
            there = slice(here[0].start - top, here[0].stop - top), slice(here[1].start - left, here[1].stop - left)
            pixels[here] = shown[there]
            for name, mask in marked.items():
                masks.setdefault(name, np.zeros(pixels.shape[:2], np.bool_))[here] = mask[there]
            for name, at in seen.centers.items():
                centers.setdefault(name, []).append(at / np.float32(DOWN**level) + np.array((top, left), np.float32))
    within = {name: _within(np.concatenate(parts), pixels.shape) for name, parts in centers.items()}
    spacing_mm = STEP_UM * DOWN**level / 1000
    counts = {name: len(found) for name, found in within.items()}
    return Region(pixels, (spacing_mm, spacing_mm), masks, counts, within)


def _within(at: Floats, shape: tuple[int, ...]) -> Floats:
    """The centers that lie in the region, from the top down."""
    at = at[((at >= 0) & (at < np.array(shape[:2], np.float32))).all(axis=1)]
    return at[np.lexsort((at[:, 1], at[:, 0]))]


def _tile(
    specimen: Specimen, stain: Stain, at: tuple[int, int], level: int
) -> tuple[View, npt.NDArray[np.uint8], dict[str, Bools]]:
    """One tile at a level: always drawn at the first, with the scanner's noise, then averaged level by level."""
    seen = view(specimen, stain, at, (0.0, 0.0), (TILE_PX, TILE_PX), STEP_UM)
    shown = toned(seen.color, specimen.case.look)
    grain = specimen.case.pose(3, *at).standard_normal((TILE_PX, TILE_PX, 1), dtype=np.float32)
    shown += grain * np.float32(_NOISE * specimen.case.look.noise)
    pixels = np.clip(shown * np.float32(255) + np.float32(0.5), 0, 255).astype(np.uint8)
    masks = seen.masks
    for _ in range(level):
        pixels = np.rint(averaged(pixels.astype(np.float32), DOWN)).astype(np.uint8)
        masks = {name: coarse(mask, DOWN, is_lesion=name in specimen.masks) for name, mask in masks.items()}
    return seen, pixels, masks
