"""A blood smear: where the red cells, white cells, platelets, parasites and grains of a tile lie, and how they are painted."""

from dataclasses import dataclass

import numpy as np

from vesalius.phantom.bodies import cells_red as red
from vesalius.phantom.bodies import cells_white as white
from vesalius.phantom.bodies.cells_specimen import TILE_UM, Specimen
from vesalius.phantom.bodies.cells_stamp import Canvas
from vesalius.phantom.truth import Floats

AMOUNT = 1.0  # of a red cell's dye
_ROWS = {"sparse": (11, 0.52), "normal": (12, 0.72), "crowded": (13, 0.88)}  # places along a tile, share of them taken
_RESERVED = 12  # places that stay empty, but for sickle cells
_MARGIN_UM = 4.5  # so far inside of its tile a finding's cell lies


@dataclass(frozen=True, eq=False)
class Tile:
    """The cells of a tile, or of several; y and x in µm come first in every row."""

    red: Floats
    sickle: Floats
    parasite: Floats
    platelet: Floats
    precipitate: Floats
    white: Floats


def tile(specimen: Specimen, at: tuple[int, int], low_um: tuple[float, float]) -> Tile:
    """The cells of tile `at`, whose corner is placed at `low_um`. What is drawn does not depend on the lesions."""
    rng = specimen.rng(at)
    cells = white.occupied(specimen, at, rng, white.places(specimen, at, rng))
    rows, all_reds = _reds(specimen, rng)
    platelet = rng.random((int(rng.poisson(specimen.platelets)), red.DOT_ROW), dtype=np.float32)
    platelet[:, :2] *= np.float32(TILE_UM)
    platelet[:, 2] = 0.95 + platelet[:, 2] * np.float32(0.75)
    grains = rng.random((int(rng.poisson(specimen.precipitate)), red.DOT_ROW), dtype=np.float32)
    grains[:, :2] *= np.float32(TILE_UM)
    grains[:, 2] = 0.25 + grains[:, 2] ** 3 * np.float32(0.75)
    numbers = rng.random((16, red.PARASITE_ROW), dtype=np.float32)
    found = Tile(rows, _sickles(specimen, all_reds), _parasites(specimen, rows, numbers), platelet, grains, cells)
    for array in vars(found).values():
        array[:, 0] += np.float32(low_um[0])
        array[:, 1] += np.float32(low_um[1])
    return found


def _reds(specimen: Specimen, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The red cells of a tile, (N, 12), and its reserved places, (12, 12)."""
    side, share = _ROWS[specimen.crowding]
    n = rng.random((side * side, 16), dtype=np.float32)
    normal = rng.standard_normal((side * side, 3), dtype=np.float32)
    index = np.arange(side * side)
    row, column = index // side, index % side
    pitch = np.float32(TILE_UM / side)
    rows = np.empty((side * side, red.RED_ROW), np.float32)
    shift = np.where(row % 2 == 0, np.float32(0.25), np.float32(-0.25))
    jitter = np.clip(normal[:, :2], -2, 2) * np.float32(0.24)
    rows[:, 0] = (row + np.float32(0.5) + jitter[:, 0]) * pitch
    rows[:, 1] = (column + np.float32(0.5) + shift + jitter[:, 1]) * pitch
    rows[:, 2] = specimen.red_um * (1 + specimen.red_spread * np.clip(normal[:, 2], -2.2, 2.2))
    is_oval = n[:, 0] < specimen.oval
    rows[:, 3] = 1 + n[:, 1] * np.float32(0.14) + is_oval * (0.25 + n[:, 2] * np.float32(0.45))
    rows[:, 4] = n[:, 3] * np.float32(6.283)
    rows[:, 5] = specimen.pallor * (0.55 + n[:, 4] * np.float32(0.65))
    rows[:, 6] = 0.48 + n[:, 5] * np.float32(0.3)
    rows[:, 7:9] = (n[:, 6:8] - np.float32(0.5)) * np.float32(0.24)
    rows[:, 9] = 0.82 + n[:, 8] * np.float32(0.36)
    rows[:, 10] = n[:, 9] * np.float32(0.045)
    rows[:, 11] = n[:, 10]
    period, one, two = specimen.wave
    turn = np.float32(2 * np.pi / period)
    uneven = np.sin(rows[:, 0] * turn + np.float32(one)) * np.sin(rows[:, 1] * turn + np.float32(two))
    taken = n[:, 11] < share + np.float32(0.16) * uneven
    kept = np.argsort(n[:, 12] + (_between(rows) < np.float32(0.3)), kind="stable")
    away = np.minimum(np.minimum(rows[kept, 0], TILE_UM - rows[kept, 0]), np.minimum(rows[kept, 1], TILE_UM - rows[kept, 1]))
    reserved = kept[away > red.SICKLE_UM + 1][:_RESERVED]
    taken[reserved] = False
    return rows[taken], rows[reserved]


def _sickles(specimen: Specimen, reserved: Floats) -> Floats:
    """Sickle cells at reserved places, (N, 8)."""
    found = specimen.lesion("sickle cells")
    count = min(found[1], len(reserved)) if found else 0
    rows = np.zeros((count, red.SICKLE_ROW), np.float32)
    rows[:, :2] = reserved[:count, :2]
    rows[:, 2] = reserved[:count, 4]
    rows[:, 3:7] = (reserved[:count, 4:5] * np.array([7.1, 3.3, 5.7, 11.9], np.float32)) % 1
    return rows


def _parasites(specimen: Specimen, rows: Floats, numbers: Floats) -> Floats:
    """Parasites in round red cells that no white cell can lie on, (N, 12)."""
    found = specimen.lesion("malaria")
    if not found:
        return numbers[:0]
    _, count, lesion = found
    within = np.minimum(rows[:, :2], TILE_UM - rows[:, :2]).min(axis=1) > _MARGIN_UM
    unfit = 4 * ~within + 2 * (_between(rows) < np.float32(0.22)) + (rows[:, 3] > np.float32(1.2))
    order = np.argsort(unfit + rows[:, 11], kind="stable")[:count]
    out = numbers[: len(order)]
    turn = out[:, 10] * np.float32(6.283)
    out[:, 0] = rows[order, 0] + np.sin(turn) * out[:, 11] * np.float32(1.1)
    out[:, 1] = rows[order, 1] + np.cos(turn) * out[:, 11] * np.float32(1.1)
    out[:, 2] = red.STAGES.index(lesion.attributes["stage"])
    return out


def _between(rows: Floats) -> Floats:
    """How far a red cell is from the nearest place of a white cell, 0 to 0.5 of their distance, along the farther axis."""
    found: Floats = np.abs((rows[:, :2] * np.float32(white.SIDE / TILE_UM)) % 1 - np.float32(0.5)).max(axis=1)
    return found


def joined(tiles: list[Tile]) -> Tile:
    """The cells of several tiles."""
    return Tile(*(np.concatenate([getattr(one, name) for one in tiles]) for name in vars(tiles[0])))


def paint(canvas: Canvas, cells: Tile, specimen: Specimen, blur_um: float) -> None:
    """The smear without its background."""
    names = [lesion.mask for lesion in specimen.case.lesions]
    for name in ("red cell", "platelet", "nucleus", *white.SORTS[:4], *white.SORTS[6:7], *names):
        canvas.mask(name)
    sickle, malaria = specimen.lesion("sickle cells"), specimen.lesion("malaria")
    red.paint_red(canvas, cells.red, blur_um, AMOUNT)
    if sickle:
        red.paint_sickles(canvas, cells.sickle, blur_um, AMOUNT, sickle[2].mask, 1.0)
    if malaria:
        red.paint_parasites(canvas, cells.parasite, blur_um, malaria[2].mask, 1.0)
    red.paint_platelets(canvas, cells.platelet, blur_um)
    white.paint(canvas, cells.white, white.SMEAR, blur_um, names)
    covered = np.zeros(canvas.shape, np.bool_)
    for name in white.SORTS:
        if name in canvas.masks:
            covered |= canvas.masks[name]
    for name in ("red cell", "platelet", *(found[2].mask for found in (sickle, malaria) if found)):
        canvas.masks[name] &= ~covered
    red.paint_precipitate(canvas, cells.precipitate, blur_um)
