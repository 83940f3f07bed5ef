"""A view of a specimen: any rectangle of its plane at any fineness, with the masks and the counts of what lies in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from vesalius.phantom.bodies.cells import red, white
from vesalius.phantom.bodies.cells import section as cells_section
from vesalius.phantom.bodies.cells import smear as cells_smear
from vesalius.phantom.bodies.cells import tissue as cells_tissue
from vesalius.phantom.bodies.cells.specimen import TILE_UM, Specimen
from vesalius.phantom.bodies.cells.stain import Stain, shown
from vesalius.phantom.bodies.cells.stamp import DYES, Canvas
from vesalius.phantom.truth import Bools, Floats
from vesalius.types import Point

FINEST_UM = 1.05  # a coarser grid is drawn finer and averaged, so that no cell falls between its pixels
_REACH_UM = 31.0  # from its own tile to where the largest thing may reach
_SHARE = 0.5  # of a coarse pixel that an anatomical structure has to cover to be marked there; of a lesion, any


@dataclass(frozen=True, eq=False)
class View:
    """What is seen.

    Attributes:
        color: (Y, X, 3) in [0, 1], before the camera.
        masks: by cell type and lesion, (Y, X).
        centers: cell type → (y, x) in pixels, (N, 2), of all cells of which something can be seen and whose center lies in the
            view; from the top down.
    """

    color: Floats
    masks: dict[str, Bools]
    centers: dict[str, Floats]


def view(
    specimen: Specimen, stain: Stain, at: tuple[int, int], low_um: tuple[float, float], shape: tuple[int, int], step_um: float
) -> View:
    """Everything from `low_um` (y, x) on, measured from the corner of tile `at`, on a grid of `shape`."""
    parts = max(1, ceil(step_um / FINEST_UM))
    fine = (shape[0] * parts, shape[1] * parts)
    corner = (at[0] * TILE_UM, at[1] * TILE_UM)
    canvas = Canvas(low_um, step_um / parts, corner, np.zeros((DYES, *fine), np.float32), {})
    blur_um = 0.25 + 0.3 * specimen.case.look.blur
    rows, columns = (
        range(floor((low - _REACH_UM) / TILE_UM), ceil((high + _REACH_UM) / TILE_UM))
        for low, high in zip(low_um, canvas.high_um, strict=True)
    )
    near = [(row, column) for row in rows for column in columns]
    tiles, corners = [(at[0] + row, at[1] + column) for row, column in near], np.array(near, np.float32) * np.float32(TILE_UM)
    if specimen.kind == "smear":
        smear = cells_smear.cells_of(specimen, tiles, corners, canvas)
        cells_smear.paint(canvas, smear, specimen, blur_um)
        cells = _in_smear(canvas, smear)
    else:
        tissue = cells_tissue.cells_of(specimen, tiles, corners)
        cells_section.paint(canvas, tissue, specimen, blur_um)
        cells = _in_tissue(tissue)
    color, masks = shown(canvas.dyes, stain), canvas.masks
    if parts > 1:
        color = averaged(color, parts)
        masks = {name: coarse(mask, parts, is_lesion=name in specimen.masks) for name, mask in masks.items()}
    return View(color, masks, {name: _centers(rows, low_um, shape, step_um) for name, rows in cells.items()})


def points(centers: dict[str, Floats], names: Sequence[str]) -> dict[str, Point]:
    """Landmarks of some cell types, by name and number."""
    return {
        f"{name} {number}": Point((float(row[0]), float(row[1])))
        for name in names
        for number, row in enumerate(centers.get(name, ()), start=1)
    }


def averaged(picture: Floats, parts: int) -> Floats:
    """The mean of each `parts` x `parts` pixels, (Y, X, C)."""
    rows, columns = picture.shape[0] // parts, picture.shape[1] // parts
    found: Floats = picture.reshape(rows, parts, columns, parts, -1).mean(axis=(1, 3), dtype=np.float32)
    return found


def coarse(mask: Bools, parts: int, *, is_lesion: bool) -> Bools:
    """A mask on a grid `parts` times coarser: where half of a pixel is covered, or any of it by a lesion."""
    share = averaged(mask[..., None].astype(np.float32), parts)[..., 0]
    found: Bools = share > 0 if is_lesion else share >= _SHARE
    return found


def _centers(rows: Floats, low_um: tuple[float, float], shape: tuple[int, int], step_um: float) -> Floats:
    """Those in the view, in pixels, from the top down."""
    at: Floats = (rows[:, :2] - np.array(low_um, np.float32)) / np.float32(step_um)
    y, x = at[:, 0], at[:, 1]
    at = at[(y >= 0) & (y < shape[0]) & (x >= 0) & (x < shape[1])]
    return at[np.lexsort((at[:, 1], at[:, 0]))] if len(at) > 1 else at


def _in_smear(canvas: Canvas, cells: cells_smear.Smear) -> dict[str, Floats]:
    """Red cells and platelets that do not lie wholly behind a white cell, and all others."""
    nucleated = cells.white[canvas.sees(cells.white, white.REACH_UM)]
    radius = white.radii(nucleated, white.SMEAR)
    reds = np.concatenate([cells.red[:, :2], cells.sickle[:, :2]])
    reds, platelets = (rows[canvas.sees(rows, 0.5)] for rows in (reds, cells.platelet))
    found = {
        "red cell": reds[~red.behind(reds[:, 0], reds[:, 1], nucleated, radius, -3.6)],
        "sickle cell": cells.sickle,
        "parasite": cells.parasite,
        "platelet": platelets[~red.behind(platelets[:, 0], platelets[:, 1], nucleated, radius, -1.0)],
    }
    return {**found, **_of_sorts(cells.white)}


def _in_tissue(cells: cells_tissue.Tissue) -> dict[str, Floats]:
    """Nuclei, unless a nest or necrosis lies where they were."""
    lost = cells_tissue.within(cells.nucleus, cells.nest) | cells_tissue.within(cells.nucleus, cells.necrosis)
    nuclei = cells.nucleus[~lost]
    sorts = _of_sorts(cells.white)
    return {
        "red cell": np.concatenate([cells.red[:, :2], cells.sickle[:, :2]]),
        "sickle cell": cells.sickle,
        "parasite": cells.parasite,
        "epithelial cell": nuclei[nuclei[:, 9] == cells_tissue.EPITHELIAL],
        "stromal cell": nuclei[nuclei[:, 9] == cells_tissue.STROMAL],
        "gland": cells.gland,
        **{name: sorts[name] for name in ("lymphocyte", "eosinophil", "mitotic cell", "apoptotic cell")},
        "malignant cell": cells.nest_nucleus,
    }


def _of_sorts(rows: Floats) -> dict[str, Floats]:
    """The cells of each sort that has a nucleus."""
    return {name: rows[rows[:, 2] == index] for index, name in enumerate(white.SORTS)}
