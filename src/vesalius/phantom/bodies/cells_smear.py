"""A blood smear: where the red cells, white cells, platelets, parasites and grains of a tile lie, and how they are painted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vesalius.phantom.bodies import cells_red as red
from vesalius.phantom.bodies import cells_white as white
from vesalius.phantom.bodies.cells_specimen import TILE_UM, Numbers, Specimen, middling
from vesalius.phantom.bodies.cells_stamp import Canvas
from vesalius.phantom.truth import Bools, Floats

AMOUNT = 1.0  # of a red cell's dye
_ROWS = {"sparse": (11, 0.52), "normal": (12, 0.72), "crowded": (13, 0.88)}  # places along a tile, share of them taken
_RESERVED = 12  # places that stay empty, but for sickle cells
_RED_NUMBERS, _PLATELETS, _GRAINS, _PARASITES = 22, 32, 22, 16  # random numbers of a red cell; the most of a tile
_MARGIN_UM = 4.5  # so far inside of its tile a finding's cell lies


@dataclass(frozen=True, eq=False)
class Smear:
    """The cells of several tiles; y and x in µm come first in every row."""

    red: Floats
    sickle: Floats
    parasite: Floats
    platelet: Floats
    precipitate: Floats
    white: Floats


def cells_of(specimen: Specimen, tiles: Sequence[tuple[int, int]], low_um: Floats) -> Smear:
    """The cells of tiles whose corners are placed at `low_um`, (T, 2). No random draw depends on the lesions."""
    side, _ = _ROWS[specimen.crowding]
    dots = (_PLATELETS + _GRAINS) * red.DOT_ROW + 2
    numbers = specimen.numbers(tiles, white.NEEDS + side * side * _RED_NUMBERS + dots + _PARASITES * red.PARASITE_ROW)
    nucleated = white.places(numbers)
    taken = white.occupy(specimen, tiles, numbers, nucleated)
    reds, is_red, reserved = _reds(specimen, numbers.take(side * side, _RED_NUMBERS))
    platelets, is_platelet = _dots(numbers, _PLATELETS, specimen.platelets)
    platelets[..., 2] = 0.95 + platelets[..., 2] * np.float32(0.75)
    grains, is_grain = _dots(numbers, _GRAINS, specimen.precipitate)
    grains[..., 2] = 0.25 + grains[..., 2] ** 3 * np.float32(0.75)
    parasites = _parasites(specimen, reds, is_red, numbers.take(_PARASITES, red.PARASITE_ROW).copy())
    sickles = _sickles(specimen, reserved)
    for rows in (reds, sickles, parasites, platelets, grains, nucleated):
        rows[..., :2] += low_um[:, None]
    return Smear(
        reds[is_red],
        sickles.reshape(-1, red.SICKLE_ROW),
        parasites.reshape(-1, red.PARASITE_ROW),
        platelets[is_platelet],
        grains[is_grain],
        nucleated[taken],
    )


def _dots(numbers: Numbers, most: int, mean: float) -> tuple[Floats, Bools]:
    """Places anywhere in each tile, (T, most, DOT_ROW), and which are taken: around `mean` of them."""
    rows = numbers.take(most, red.DOT_ROW).copy()
    rows[..., :2] *= np.float32(TILE_UM)
    count = np.round(np.float32(mean) * (0.5 + numbers.take(1)))
    return rows, np.arange(most)[None] < count


def _reds(specimen: Specimen, n: Floats) -> tuple[Floats, Bools, Floats]:
    """The red cells' places in each tile, (T, N, 12), which are taken, (T, N), and the reserved ones, (T, 12, 12)."""
    side, share = _ROWS[specimen.crowding]
    index = np.arange(side * side)
    row, column = index // side, index % side
    pitch = np.float32(TILE_UM / side)
    rows = np.empty((*n.shape[:2], red.RED_ROW), np.float32)
    shift = np.where(row % 2 == 0, np.float32(0.25), np.float32(-0.25))
    rows[..., 0] = (row + np.float32(0.5) + middling(n[..., 11:14]) * np.float32(0.23)) * pitch
    rows[..., 1] = (column + np.float32(0.5) + shift + middling(n[..., 14:17]) * np.float32(0.23)) * pitch
    rows[..., 2] = specimen.red_um * (1 + np.float32(specimen.red_spread) * np.clip(middling(n[..., 17:20]), -2, 2))
    is_oval = n[..., 0] < specimen.oval
    rows[..., 3] = 1 + n[..., 1] * np.float32(0.12) + is_oval * (0.2 + n[..., 2] * np.float32(0.25))
    rows[..., 4] = n[..., 3] * np.float32(6.283)
    rows[..., 5] = specimen.pallor * (0.55 + n[..., 4] * np.float32(0.65))
    rows[..., 6] = 0.48 + n[..., 5] * np.float32(0.3)
    rows[..., 7:9] = (n[..., 6:8] - np.float32(0.5)) * np.float32(0.24)
    rows[..., 9] = 0.82 + n[..., 8] * np.float32(0.36)
    rows[..., 10] = n[..., 9] * np.float32(0.045)
    rows[..., 11] = n[..., 10]
    period, one, two = specimen.wave
    turn = np.float32(2 * np.pi / period)
    uneven = np.sin(rows[..., 0] * turn + np.float32(one)) * np.sin(rows[..., 1] * turn + np.float32(two))
    taken = n[..., 20] < share + np.float32(0.16) * uneven
    within = np.minimum(rows[..., :2], TILE_UM - rows[..., :2]).min(axis=-1)
    # Sickle cells keep clear of the tile's edge and of the places of white cells, which would hide them.
    unfit = 2 * (within < red.SICKLE_UM + 1) + (_between(rows) < np.float32(0.3)) + n[..., 21]
    reserved = np.argsort(unfit, axis=1, kind="stable")[:, :_RESERVED]
    tiles = np.arange(len(rows))[:, None]
    taken[tiles, reserved] = False
    return rows, taken, rows[tiles, reserved]


def _sickles(specimen: Specimen, reserved: Floats) -> Floats:
    """Sickle cells at reserved places, (T, count, 8)."""
    found = specimen.lesion("sickle cells")
    first = reserved[:, : found[1] if found else 0]
    rows = np.zeros((*first.shape[:2], red.SICKLE_ROW), np.float32)
    rows[..., :2], rows[..., 2] = first[..., :2], first[..., 4]
    rows[..., 3:7] = (first[..., 4:5] * np.array([7.1, 3.3, 5.7, 11.9], np.float32)) % 1
    return rows


def _parasites(specimen: Specimen, reds: Floats, is_red: Bools, out: Floats) -> Floats:
    """Parasites in round red cells that no white cell can lie on, (T, count, 12)."""
    found = specimen.lesion("malaria")
    if not found:
        return out[:, :0]
    _, count, lesion = found
    within = np.minimum(reds[..., :2], TILE_UM - reds[..., :2]).min(axis=-1) > _MARGIN_UM
    unfit = 8 * ~is_red + 4 * ~within + 2 * (_between(reds) < np.float32(0.22)) + (reds[..., 3] > np.float32(1.2))
    order = np.argsort(unfit + reds[..., 11], axis=1, kind="stable")[:, :count]
    host = reds[np.arange(len(reds))[:, None], order]
    out = out[:, :count]
    turn = out[..., 10] * np.float32(6.283)
    out[..., 0] = host[..., 0] + np.sin(turn) * out[..., 11] * np.float32(1.1)
    out[..., 1] = host[..., 1] + np.cos(turn) * out[..., 11] * np.float32(1.1)
    out[..., 2] = red.STAGES.index(lesion.attributes["stage"])
    return out


def _between(rows: Floats) -> Floats:
    """How far a red cell is from the nearest place of a white cell, 0 to 0.5 of their distance, along the farther axis."""
    found: Floats = np.abs((rows[..., :2] * np.float32(white.SIDE / TILE_UM)) % 1 - np.float32(0.5)).max(axis=-1)
    return found


def paint(canvas: Canvas, cells: Smear, specimen: Specimen, blur_um: float) -> None:
    """The smear without its background."""
    names = specimen.masks
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
