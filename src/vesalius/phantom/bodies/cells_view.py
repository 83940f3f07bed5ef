"""A view of a specimen: any rectangle of its plane at any fineness, with the masks and the counts of what lies in it."""

from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from vesalius.phantom.bodies import cells_red as red
from vesalius.phantom.bodies import cells_section, cells_smear, cells_tissue
from vesalius.phantom.bodies import cells_white as white
from vesalius.phantom.bodies.cells_specimen import TILE_UM, Specimen
from vesalius.phantom.bodies.cells_stain import Stain, shown
from vesalius.phantom.bodies.cells_stamp import DYES, Canvas
from vesalius.phantom.truth import Bools, Floats
from vesalius.types import Point

FINEST_UM = 1.05  # a coarser grid is drawn finer and averaged, so that no cell falls between its pixels
_LESION_SHARE, _SHARE = 0.25, 0.5  # of a coarse pixel that something has to cover to be marked there


@dataclass(frozen=True, eq=False)
class View:
    """What is seen.

    Attributes:
        colour: (Y, X, 3) in [0, 1], before the camera.
        masks: by cell type and lesion, (Y, X).
        counts: cell type → number of cells whose center lies in the view and of which something can be seen.
        points: centers of the cells that are drawn over the others, in pixels (y, x).
    """

    colour: Floats
    masks: dict[str, Bools]
    counts: dict[str, int]
    points: dict[str, Point]


def view(
    specimen: Specimen, stain: Stain, at: tuple[int, int], low_um: tuple[float, float], shape: tuple[int, int], step_um: float
) -> View:
    """Everything from `low_um` (y, x) on, measured from the corner of tile `at`, on a grid of `shape`."""
    parts = max(1, ceil(step_um / FINEST_UM))
    fine = (shape[0] * parts, shape[1] * parts)
    canvas = Canvas(low_um, step_um / parts, np.zeros((DYES, *fine), np.float32), {})
    blur_um = 0.25 + 0.3 * specimen.case.look.blur
    around = [
        (row, column)
        for row in range(floor(low_um[0] / TILE_UM) - 1, ceil(canvas.high_um[0] / TILE_UM) + 1)
        for column in range(floor(low_um[1] / TILE_UM) - 1, ceil(canvas.high_um[1] / TILE_UM) + 1)
    ]
    places = [((at[0] + row, at[1] + column), (row * TILE_UM, column * TILE_UM)) for row, column in around]
    if specimen.kind == "smear":
        smear = cells_smear.joined([cells_smear.tile(specimen, *place) for place in places])
        cells_smear.paint(canvas, smear, specimen, blur_um)
        counts, points = _in_smear(canvas, smear), _points(canvas, smear.white, parts)
    else:
        tissue = cells_tissue.joined([cells_tissue.tile(specimen, *place) for place in places])
        cells_section.paint(canvas, tissue, specimen, blur_um)
        counts, points = _in_tissue(canvas, tissue), _points(canvas, tissue.white, parts)
    colour, masks = shown(canvas.dyes, stain), canvas.masks
    if parts > 1:
        colour = averaged(colour, parts)
        lesions = {lesion.mask for lesion in specimen.case.lesions}
        masks = {name: _coarse(mask, parts, is_lesion=name in lesions) for name, mask in masks.items()}
    return View(colour, masks, counts, points)


def averaged(picture: Floats, parts: int) -> Floats:
    """The mean of each `parts` x `parts` pixels, (Y, X, C)."""
    rows, columns = picture.shape[0] // parts, picture.shape[1] // parts
    found: Floats = picture.reshape(rows, parts, columns, parts, -1).mean(axis=(1, 3), dtype=np.float32)
    return found


def _coarse(mask: Bools, parts: int, *, is_lesion: bool) -> Bools:
    """A mask on the coarse grid; a lesion that is there is never lost."""
    share = averaged(mask[..., None].astype(np.float32), parts)[..., 0]
    found: Bools = share >= (_LESION_SHARE if is_lesion else _SHARE)
    if not found.any() and share.any():
        found = share == share.max()
    return found


def _inside(canvas: Canvas, rows: Floats) -> Bools:
    """Whose centers lie in the view, (N,)."""
    low, high = canvas.low_um, canvas.high_um
    found: Bools = (rows[:, 0] >= low[0]) & (rows[:, 0] < high[0]) & (rows[:, 1] >= low[1]) & (rows[:, 1] < high[1])
    return found


def _in_smear(canvas: Canvas, cells: cells_smear.Tile) -> dict[str, int]:
    """Red cells and platelets count unless they lie wholly behind a white cell."""
    radius = white.radii(cells.white, white.SMEAR)
    reds = np.concatenate([cells.red[:, :3], np.pad(cells.sickle[:, :2], ((0, 0), (0, 1)), constant_values=1.5)])
    found = {"red cell": reds, "sickle cell": cells.sickle, "parasite": cells.parasite, "platelet": cells.platelet}
    counts = {}
    for name, rows in found.items():
        rows = rows[_inside(canvas, rows)]
        least = -float(np.mean(reds[:, 2])) if name == "red cell" else -1.0
        counts[name] = len(rows) - int(red.behind(rows[:, 0], rows[:, 1], cells.white, radius, least).sum())
    return {**counts, **_of_sorts(canvas, cells.white)}


def _in_tissue(canvas: Canvas, cells: cells_tissue.Tile) -> dict[str, int]:
    """Nuclei count unless a nest or necrosis lies where they were."""
    lost = cells_tissue.within(cells.nucleus, cells.nest) | cells_tissue.within(cells.nucleus, cells.necrosis)
    nuclei = cells.nucleus[~lost & _inside(canvas, cells.nucleus)]
    counts = {
        "red cell": len(cells.red[_inside(canvas, cells.red)]) + len(cells.sickle[_inside(canvas, cells.sickle)]),
        "sickle cell": len(cells.sickle[_inside(canvas, cells.sickle)]),
        "parasite": len(cells.parasite[_inside(canvas, cells.parasite)]),
        "epithelial cell": int((nuclei[:, 9] == cells_tissue.EPITHELIAL).sum()),
        "stromal cell": int((nuclei[:, 9] == cells_tissue.STROMAL).sum()),
        "gland": int(_inside(canvas, cells.gland).sum()),
    }
    sorts = _of_sorts(canvas, cells.white)
    sorts["malignant cell"] = int(_inside(canvas, cells.nest_nucleus).sum())
    return {**counts, **{name: sorts[name] for name in sorts if name not in ("neutrophil", "monocyte", "necrotic cell")}}


def _of_sorts(canvas: Canvas, rows: Floats) -> dict[str, int]:
    """How many of each sort of nucleated cell."""
    sort = rows[_inside(canvas, rows), 2]
    return {name: int((sort == index).sum()) for index, name in enumerate(white.SORTS)}


def _points(canvas: Canvas, rows: Floats, parts: int) -> dict[str, Point]:
    """Centers by name and number, from the top down."""
    seen = rows[_inside(canvas, rows)]
    seen = seen[np.lexsort((seen[:, 1], seen[:, 0]))]
    found: dict[str, Point] = {}
    numbers: dict[str, int] = {}
    step = canvas.step_um * parts
    for row in seen[:60]:
        name = white.SORTS[int(row[2])]
        numbers[name] = numbers.get(name, 0) + 1
        found[f"{name} {numbers[name]}"] = Point(((float(row[0]) - canvas.low_um[0]) / step, (float(row[1]) - canvas.low_um[1]) / step))
    return found
