"""White cells and other cells with a nucleus, in a smear or in tissue: their places in a tile, outlines, nuclei, granules.

Every tile has the same 36 places. A few hold the patient's own white cells; each finding has places of its own, which are
empty without it, so that what a finding adds does not move anything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vesalius.phantom.bodies.cells.specimen import MIDDLE, TILE_UM, Numbers, Specimen
from vesalius.phantom.bodies.cells.stamp import BASIC, EOSIN, NUCLEAR, ORANGE, Canvas, Stamps, grain, soft, stamps
from vesalius.phantom.truth import Bools, Floats

SORTS = (
    "neutrophil",
    "lymphocyte",
    "monocyte",
    "eosinophil",
    "malignant cell",
    "mitotic cell",
    "apoptotic cell",
    "necrotic cell",
)
OPAQUE = "opaque"  # a mask on the canvas alone: where nothing shines through white cells
SIDE = 6  # places along a tile
ROW = 24  # numbers of a place: y, x, sort, lesion, and random ones
NEEDS = SIDE * SIDE * (ROW + 1) + 9  # random numbers of a tile
REACH_UM = 10.5
_LOBES = 6
# Which places a finding may take, in the tile's own order; the patient's cells and apoptotic ones come first.
_OWN, _APOPTOTIC = slice(0, 7), slice(7, 9)
PLACES = {
    "eosinophilia": ("eosinophil", slice(9, 15)),
    "lymphocytosis": ("lymphocyte", slice(15, 22)),
    "malignant cells": ("malignant cell", slice(22, 28)),
    "necrosis": ("necrotic cell", slice(28, 32)),
    "mitosis": ("mitotic cell", slice(32, 36)),
}


@dataclass(frozen=True)
class Sort:
    """How one sort of cell looks in one stain: radius in µm, amounts of dye, and how coarse its grain is."""

    radius_um: tuple[float, float]
    plasm: tuple[float, float, float, float]  # eosin, nuclear, basic, orange
    granules: tuple[int, float]  # dye, amount
    nucleus: float
    chromatin: tuple[float, float]  # amount, distance in µm
    wobble: float = 0.05


SMEAR = {
    "neutrophil": Sort((5.6, 6.8), (0.22, 0.05, 0.08, 0.0), (EOSIN, 0.14), 1.25, (0.25, 1.7)),
    "lymphocyte": Sort((3.9, 5.2), (0.0, 0.08, 0.9, 0.0), (BASIC, 0.1), 1.35, (0.22, 1.9)),
    "monocyte": Sort((7.0, 8.4), (0.10, 0.14, 0.45, 0.0), (NUCLEAR, 0.08), 0.95, (0.35, 1.4), 0.08),
    "eosinophil": Sort((5.8, 6.9), (0.10, 0.05, 0.0, 0.75), (ORANGE, 0.55), 1.15, (0.2, 1.7)),
    "malignant cell": Sort((6.6, 8.3), (0.0, 0.22, 1.15, 0.0), (BASIC, 0.15), 0.80, (0.16, 0.9), 0.07),
    "mitotic cell": Sort((6.2, 7.4), (0.0, 0.08, 0.6, 0.0), (BASIC, 0.1), 1.75, (0.1, 1.2)),
    "apoptotic cell": Sort((4.2, 5.2), (0.65, 0.1, 0.15, 0.0), (EOSIN, 0.05), 1.75, (0.0, 1.5)),
    "necrotic cell": Sort((6.6, 8.4), (0.12, 0.34, 0.1, 0.0), (NUCLEAR, 0.22), 0.45, (0.5, 2.6), 0.17),
}
TISSUE = {
    **SMEAR,
    "lymphocyte": Sort((3.1, 3.8), (0.25, 0.05, 0.15, 0.0), (BASIC, 0.0), 1.30, (0.25, 1.6)),
    "eosinophil": Sort((4.7, 5.6), (0.35, 0.0, 0.0, 1.0), (ORANGE, 0.35), 1.20, (0.2, 1.6)),
    "mitotic cell": Sort((5.6, 6.8), (0.24, 0.05, 0.0, 0.0), (EOSIN, 0.08), 1.85, (0.1, 1.2), 0.07),
    "apoptotic cell": Sort((3.3, 4.2), (1.15, 0.05, 0.0, 0.0), (EOSIN, 0.05), 1.85, (0.0, 1.5)),
}


def places(numbers: Numbers) -> Floats:
    """The 36 places of each tile in the order in which they are taken, (T, 36, ROW): y, x in µm of the tile, random numbers.

    In tissue the order is the caller's to change: a gland's lumen is no place for cells.
    """
    rows = numbers.take(SIDE * SIDE, ROW).copy()
    order = np.argsort(numbers.take(SIDE * SIDE), axis=1, kind="stable")
    index = np.arange(SIDE * SIDE)
    row, column = index // SIDE, index % SIDE
    pitch = np.float32(TILE_UM / SIDE)
    shift = np.where(row % 2 == 0, np.float32(-0.12), np.float32(0.12))
    rows[..., 0] = (row + np.float32(0.5)) * pitch + (rows[..., 0] - np.float32(0.5)) * np.float32(4.6)
    rows[..., 1] = (column + np.float32(0.5) + shift) * pitch + (rows[..., 1] - np.float32(0.5)) * np.float32(4.6)
    return rows[np.arange(len(rows))[:, None], order]


def occupy(specimen: Specimen, tiles: Sequence[tuple[int, int]], numbers: Numbers, free: Floats) -> Bools:
    """Give the cells of each tile their places, the patient's own and those of the findings; which are taken, (T, 36).

    Column 2 of `free` becomes the sort, column 3 the lesion or -1.
    """
    one = numbers.take(2 + _OWN.stop)
    least, most = specimen.whites
    place = np.arange(SIDE * SIDE)[None]
    free[..., 3] = -1
    taken = np.zeros(free.shape[:2], np.bool_)
    if specimen.kind == "smear":
        sorts = np.searchsorted(np.cumsum(specimen.shares)[:-1], one[:, 2:])
        free[:, _OWN, 2] = sorts
        taken |= place < (least + one[:, :1] * (most - least + 1)).astype(np.intp)
    apoptotic = (one[:, 1:2] > np.float32(0.6)).astype(np.intp) + (one[:, 1:2] > np.float32(0.9))
    free[:, _APOPTOTIC, 2] = SORTS.index("apoptotic cell")
    taken |= (place >= _APOPTOTIC.start) & (place < _APOPTOTIC.start + apoptotic)
    for index, lesion in enumerate(specimen.case.lesions):
        if lesion.finding not in PLACES or (specimen.kind == "tissue" and lesion.finding in ("malignant cells", "necrosis")):
            continue
        name, where = PLACES[lesion.finding]
        mine = (place >= where.start) & (place < where.start + specimen.cells[index])
        if lesion.finding == "mitosis":  # each is a lesion of its own, and in the middle of the slide
            mine = (place == where.start + lesion.number - 1) & np.array([tile == MIDDLE for tile in tiles])[:, None]
        free[..., 2] = np.where(mine, SORTS.index(name), free[..., 2])
        free[..., 3] = np.where(mine, index, free[..., 3])
        taken |= mine
    return taken


def clusters(cells: Floats) -> Floats:
    """In tissue lymphocytes of an infiltrate lie in threes: two neighbors to each, (N, ROW)."""
    lead = cells[(cells[:, 2] == SORTS.index("lymphocyte")) & (cells[:, 3] >= 0)]
    more = []
    for turn, columns in ((0.0, (8, 9)), (2.2, (10, 11))):
        other = lead.copy()
        angle, away = lead[:, columns[0]] * np.float32(2.0) + np.float32(turn), 5.4 + lead[:, columns[1]] * np.float32(1.8)
        other[:, 0] += away * np.sin(angle)
        other[:, 1] += away * np.cos(angle)
        other[:, 4:] = np.roll(lead[:, 4:], 5, axis=1)
        more.append(other)
    return np.concatenate([cells, *more])


def radii(cells: Floats, looks: dict[str, Sort]) -> Floats:
    """Mean radius of each cell in µm, (N,)."""
    span = np.array([looks[name].radius_um for name in SORTS], np.float32)[cells[:, 2].astype(np.intp)]
    found: Floats = span[:, 0] + cells[:, 4] * (span[:, 1] - span[:, 0])
    return found


def paint(canvas: Canvas, cells: Floats, looks: dict[str, Sort], blur_um: float, masks: list[str]) -> None:
    """Cells over whatever lies there; `masks` are the names of the lesions, by index."""
    cells = cells[canvas.sees(cells, REACH_UM)]
    if not len(cells):
        return
    sort = cells[:, 2].astype(np.intp)
    kinds = [looks[name] for name in SORTS]
    radius = radii(cells, looks)
    wobble = np.array([kind.wobble for kind in kinds], np.float32)[sort]
    reach_um = min(REACH_UM, float((radius * (1 + 2 * wobble)).max()) + 0.3)
    stamp = stamps(canvas, cells[:, 0], cells[:, 1], reach_um)
    inside_um = _inside(stamp, cells, radius, wobble)
    cover = soft(inside_um, canvas, blur_um)
    core = soft(_nucleus(stamp, cells, sort, radius), canvas, blur_um)
    core *= cover
    stamp.hide(cover)
    stamp.mark(OPAQUE, cover >= 1)
    chromatin = np.array([kind.chromatin for kind in kinds], np.float32)[sort]
    coarse = grain(stamp, cells[:, 5:8], chromatin[:, 1]) * chromatin[:, 0, None, None]
    spots = grain(stamp, cells[:, 6:9], chromatin[:, 1] * np.float32(0.6))
    dense = np.array([kind.nucleus for kind in kinds], np.float32)[sort] * (0.9 + cells[:, 8] * np.float32(0.2))
    body = cover - core
    plasm = np.array([kind.plasm for kind in kinds], np.float32)[sort]
    granules = np.array([kind.granules for kind in kinds], np.float32)[sort]
    for dye in (EOSIN, NUCLEAR, BASIC, ORANGE):
        amount = plasm[:, dye] * (0.85 + cells[:, 9 + dye] * np.float32(0.3))
        varied = np.where(granules[:, 0] == dye, granules[:, 1], np.float32(0))
        if not amount.any() and not varied.any() and dye != NUCLEAR:
            continue
        laid = body * (amount[:, None, None] + varied[:, None, None] * spots)
        if dye == NUCLEAR:
            laid += core * (dense[:, None, None] * (1 + coarse))
        stamp.add(dye, np.maximum(laid, 0, out=laid))
    inside = inside_um > 0
    _mark(stamp, inside, core > 0.5, cells, sort, masks)


def _inside(stamp: Stamps, cells: Floats, radius: Floats, wobble: Floats) -> Floats:
    """Distance inside of each outline, µm, (N, P, P); negative outside."""
    square = stamp.dy * stamp.dy + stamp.dx * stamp.dx
    away = np.sqrt(square)
    np.maximum(away, np.float32(1e-3), out=away)
    cosine, sine = stamp.dx / away, stamp.dy / away
    angle = (cells[:, 13:16] * np.float32(6.283))[:, :, None, None]
    double = cosine * cosine - sine * sine
    twice = 2 * cosine * sine
    lobes = double * np.cos(angle[:, 0]) + twice * np.sin(angle[:, 0])
    triple = (double * cosine - twice * sine) * np.cos(angle[:, 1]) + (twice * cosine + double * sine) * np.sin(angle[:, 1])
    rim = 1 + wobble[:, None, None] * (lobes + triple)
    # Strongly wobbling outlines, of ruined cells, have fine tatters too.
    ragged = np.maximum(wobble - np.float32(0.1), 0)[:, None, None] * 2
    if ragged.any():
        rim += ragged * (double * double - twice * twice) * np.sin(4 * double + angle[:, 2])
    out: Floats = radius[:, None, None] * rim - away
    return out


def _nucleus(stamp: Stamps, cells: Floats, sort: np.ndarray, radius: Floats) -> Floats:
    """Distance inside of the nucleus, µm: of the nearest of its lobes."""
    lobes = _lobes(cells, sort) * radius[:, None, None]
    best = np.full(stamp.at.shape, np.float32(-99))
    for lobe in range(_LOBES):
        there = np.flatnonzero(lobes[:, lobe, 2] > 0)
        if not len(there):
            continue
        y, x, size = (lobes[there, lobe, column, None, None] for column in range(3))
        reach = size - np.sqrt((stamp.dy[there] - y) ** 2 + (stamp.dx[there] - x) ** 2)
        best[there] = np.maximum(best[there], reach) if lobe else reach
    return best


def _lobes(cells: Floats, sort: np.ndarray) -> Floats:
    """Discs that make up each nucleus, in radii of the cell: (N, 6, 3) of y, x and radius; radius -9 where there is none."""
    count, own = len(cells), cells[:, 16:]
    turn = own[:, 0] * np.float32(6.283)
    index = np.arange(_LOBES, dtype=np.float32)[None]
    along, across, size = (np.zeros((count, _LOBES), np.float32) for _ in range(3))
    size[:] = -9

    def of(name: str) -> Bools:
        found: Bools = sort == SORTS.index(name)
        return found

    # Lobes on an arc: three to five of a neutrophil, two of an eosinophil, five that merge to a kidney of a monocyte.
    number = 3 + (own[:, 1] * 3).astype(np.intp)
    for name, lobes, step, ring, wide in (
        ("neutrophil", number, 1.15, 0.44, 0.29),
        ("eosinophil", np.full(count, 2), 1.9, 0.42, 0.36),
        ("monocyte", np.full(count, 5), 0.5, 0.36, 0.40),
    ):
        which = of(name)
        angle = (index - (lobes[:, None] - 1) / 2) * np.float32(step * 1.0) * (0.85 + own[:, 2:3] * np.float32(0.3))
        there = which[:, None] & (index < lobes[:, None])
        along = np.where(there, ring * np.cos(angle) - np.float32(0.12), along)
        across = np.where(there, ring * np.sin(angle), across)
        size = np.where(there, wide + np.float32(0.06) * np.sin(index * 2.4 + own[:, 3:4] * 6), size)
    for name, wide, off in (("lymphocyte", 0.84, 0.06), ("malignant cell", 0.76, 0.12), ("necrotic cell", 0.55, 0.2)):
        which = of(name)
        size[which, 0], along[which, 0] = wide, off
    cleft = of("malignant cell")
    size[cleft, 1], along[cleft, 1], across[cleft, 1] = 0.5, -0.25, (own[cleft, 1] - 0.5) * np.float32(0.6)
    # A mitosis: one plate across the cell, or two that move apart.
    plate, apart = of("mitotic cell"), own[:, 1] > np.float32(0.55)
    across = np.where(plate[:, None], np.where(apart[:, None], (index % 3 - 1) * 0.26, (index - 2.5) * 0.19), across)
    along = np.where((plate & apart)[:, None], np.where(index < 3, -0.34, 0.34), along)
    size = np.where(plate[:, None], 0.2 + np.float32(0.03) * np.sin(index * 2 + own[:, 3:4] * 6), size)
    # An apoptotic cell: dense balls of unequal size.
    balls = of("apoptotic cell")
    for ball, (radius, distance) in enumerate(((0.38, 0.25), (0.26, 0.45), (0.18, 0.5))):
        size[balls, ball] = radius
        angle = own[balls, 4] * np.float32(6.283) + ball * np.float32(2.3)
        along[balls, ball], across[balls, ball] = distance * np.cos(angle), distance * np.sin(angle)
    cosine, sine = np.cos(turn)[:, None], np.sin(turn)[:, None]
    return np.stack([along * sine + across * cosine, along * cosine - across * sine, size], axis=-1).astype(np.float32)


def _mark(stamp: Stamps, inside: Bools, core: Bools, cells: Floats, sort: np.ndarray, masks: list[str]) -> None:
    """Masks of each sort, of the nuclei and of each lesion."""
    for index, name in enumerate(SORTS):
        which = sort == index
        if which.any():
            stamp.mark(name, inside, which)
    stamp.mark("nucleus", core)
    for index, name in enumerate(masks):
        which = cells[:, 3] == index
        if which.any():
            stamp.mark(name, inside, which)
