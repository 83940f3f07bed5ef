"""A blood smear: where the red cells, white cells, platelets, parasites and grains of a tile lie, and how they are painted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vesalius.phantom.bodies.cells import red, white
from vesalius.phantom.bodies.cells.specimen import TILE_UM, Numbers, Specimen, middling
from vesalius.phantom.bodies.cells.stamp import Canvas
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


def cells_of(specimen: Specimen, tiles: Sequence[tuple[int, int]], low_um: Floats, canvas: Canvas) -> Smear:
    """The cells of tiles whose corners are placed at `low_um`, (T, 2), as far as the canvas can see them.

    No random draw depends on the lesions, nor on what is seen.
    """
    side, _ = _ROWS[specimen.crowding]
    dots = (_PLATELETS + _GRAINS) * red.DOT_ROW + 2
    numbers = specimen.numbers(tiles, white.NEEDS + side * side * _RED_NUMBERS + dots + _PARASITES * red.PARASITE_ROW)
    nucleated = white.places(numbers)
    taken = white.occupy(specimen, tiles, numbers, nucleated)
    n = numbers.take(side * side, _RED_NUMBERS)
    place, is_red, reserved = _places(specimen, n)
    platelets, is_platelet = _dots(numbers, _PLATELETS, specimen.platelets)
    grains, is_grain = _dots(numbers, _GRAINS, specimen.precipitate)
    parasites = _parasites(specimen, place, is_red, n, numbers.take(_PARASITES, red.PARASITE_ROW).copy())
    sickles = _sickles(specimen, place, n, reserved)
    for rows in (place, sickles, parasites, platelets, grains, nucleated):
        rows[..., :2] += low_um[:, None]
    is_red &= canvas.sees(place, red.RED_REACH_UM)
    platelet, grain = platelets[is_platelet], grains[is_grain]
    platelet[:, 2] = 0.95 + platelet[:, 2] * np.float32(0.75)
    grain[:, 2] = 0.25 + grain[:, 2] ** 3 * np.float32(0.75)
    return Smear(
        _reds(specimen, place[is_red], n[is_red]),
        sickles.reshape(-1, red.SICKLE_ROW),
        parasites.reshape(-1, red.PARASITE_ROW),
        platelet,
        grain,
        nucleated[taken & canvas.sees(nucleated, white.REACH_UM)],
    )


def _dots(numbers: Numbers, most: int, mean: float) -> tuple[Floats, Bools]:
    """Places anywhere in each tile, (T, most, DOT_ROW), and which are taken: around `mean` of them."""
    rows = numbers.take(most, red.DOT_ROW).copy()
    rows[..., :2] *= np.float32(TILE_UM)
    count = np.round(np.float32(mean) * (0.5 + numbers.take(1)))
    return rows, np.arange(most)[None] < count


def _places(specimen: Specimen, n: Floats) -> tuple[Floats, Bools, npt.NDArray[np.intp]]:
    """Where red cells may lie in each tile, (T, N, 2), which places are taken, (T, N), and which are reserved, (T, 12)."""
    side, share = _ROWS[specimen.crowding]
    index = np.arange(side * side)
    row, column = index // side, index % side
    pitch = np.float32(TILE_UM / side)
    place = np.empty((*n.shape[:2], 2), np.float32)
    shift = np.where(row % 2 == 0, np.float32(0.75), np.float32(0.25))
    place[..., 0] = (row + np.float32(0.5) + middling(n[..., 11:14]) * np.float32(0.23)) * pitch
    place[..., 1] = (column + shift + middling(n[..., 14:17]) * np.float32(0.23)) * pitch
    period, one, two = specimen.wave
    turn = np.float32(2 * np.pi / period)
    uneven = np.sin(place[..., 0] * turn + np.float32(one)) * np.sin(place[..., 1] * turn + np.float32(two))
    taken = n[..., 20] < share + np.float32(0.16) * uneven
    # Sickle cells keep clear of the tile's edge and of the places of white cells, which would hide them.
    unfit = 2 * (_within(place) < red.SICKLE_UM + 1) + (_between(place) < np.float32(0.3)) + n[..., 21]
    reserved = np.argsort(unfit, axis=1, kind="stable")[:, :_RESERVED]
    taken[np.arange(len(place))[:, None], reserved] = False
    return place, taken, reserved


def _reds(specimen: Specimen, place: Floats, n: Floats) -> Floats:
    """Red cells at places (N, 2), (N, RED_ROW)."""
    rows = np.empty((len(n), red.RED_ROW), np.float32)
    rows[:, :2] = place
    rows[:, 2] = specimen.red_um * (1 + np.float32(specimen.red_spread) * np.clip(middling(n[:, 17:20]), -2, 2))
    rows[:, 3] = 1 + n[:, 1] * np.float32(0.12) + (n[:, 0] < specimen.oval) * (0.2 + n[:, 2] * np.float32(0.25))
    rows[:, 4] = n[:, 3] * np.float32(6.283)
    rows[:, 5] = specimen.pallor * (0.55 + n[:, 4] * np.float32(0.65))
    rows[:, 6] = 0.48 + n[:, 5] * np.float32(0.3)
    rows[:, 7:9] = (n[:, 6:8] - np.float32(0.5)) * np.float32(0.24)
    rows[:, 9] = 0.82 + n[:, 8] * np.float32(0.36)
    rows[:, 10] = n[:, 9] * np.float32(0.045)
    rows[:, 11] = n[:, 10]
    return rows


def _sickles(specimen: Specimen, place: Floats, n: Floats, reserved: npt.NDArray[np.intp]) -> Floats:
    """Sickle cells at reserved places, (T, count, 8)."""
    found = specimen.lesion("sickle cells")
    first = reserved[:, : found[1] if found else 0]
    tiles = np.arange(len(place))[:, None]
    rows = np.zeros((*first.shape, red.SICKLE_ROW), np.float32)
    angle = n[tiles, first, 3] * np.float32(6.283)
    rows[..., :2], rows[..., 2] = place[tiles, first], angle
    rows[..., 3:7] = (angle[..., None] * np.array([7.1, 3.3, 5.7, 11.9], np.float32)) % 1
    return rows


def _parasites(specimen: Specimen, place: Floats, is_red: Bools, n: Floats, out: Floats) -> Floats:
    """Parasites in round red cells that no white cell can lie on, (T, count, 12)."""
    found = specimen.lesion("malaria")
    if not found:
        return out[:, :0]
    _, count, lesion = found
    unfit = 8 * ~is_red + 4 * (_within(place) < _MARGIN_UM) + 2 * (_between(place) < np.float32(0.22))
    order = np.argsort(unfit + (n[..., 0] < specimen.oval) + n[..., 10], axis=1, kind="stable")[:, :count]
    host = place[np.arange(len(place))[:, None], order]
    out = out[:, :count]
    turn, away = out[..., 10] * np.float32(6.283), out[..., 11] * np.float32(1.1)
    out[..., 0] = host[..., 0] + np.sin(turn) * away
    out[..., 1] = host[..., 1] + np.cos(turn) * away
    out[..., 2] = red.STAGES.index(lesion.attributes["stage"])
    return out


def _within(place: Floats) -> Floats:
    """How far places lie from their tile's edge, µm."""
    found: Floats = np.float32(TILE_UM / 2) - _farther(np.abs(place - np.float32(TILE_UM / 2)))
    return found


def _between(place: Floats) -> Floats:
    """How far a red cell is from the nearest place of a white cell, 0 to 0.5 of their distance, along the farther axis."""
    off = np.abs((place * np.float32(white.SIDE / TILE_UM)) % 1 - np.float32(0.5))
    return _farther(off)


def _farther(off: Floats) -> Floats:
    """The larger of the two coordinates."""
    found: Floats = np.maximum(off[..., 0], off[..., 1])
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
    for name in ("red cell", "platelet"):
        canvas.masks[name] &= ~covered
    opaque = canvas.masks.pop(white.OPAQUE, None)
    for found in (sickle, malaria):
        if found and opaque is not None:
            canvas.masks[found[2].mask] &= ~opaque
    red.paint_precipitate(canvas, cells.precipitate, blur_um)
