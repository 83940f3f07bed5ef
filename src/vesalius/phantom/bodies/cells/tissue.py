"""A section of glandular tissue: what lies in a tile. Painting it is `cells_section`'s.

A tile holds four sites: a vessel full of red cells, a gland, a gland or stroma, and stroma. A nest of tumor cells takes the
stroma's site, necrosis the third, parasites and sickle cells lie in the vessel, single cells wherever there is room.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vesalius.phantom.bodies.cells import red, white
from vesalius.phantom.bodies.cells.specimen import TILE_UM, Numbers, Specimen
from vesalius.phantom.truth import Bools, Floats

SITE_ROW = 12  # y, x, radius, and numbers: wobble (3 phases), height of the epithelium, mucin, dye, …
NUCLEUS_ROW = 10  # y, x, half axes (2), angle, density, numbers (3), sort
EPITHELIAL, STROMAL, ENDOTHELIAL = range(3)
_GLAND_NUCLEI, _STROMA_NUCLEI, _REDS, _NEST_MOST, _SCATTERED, _SICKLES, _PARASITES = 26, 70, 20, 12, 14, 6, 8
_NEEDS = (  # random numbers of a tile
    white.NEEDS
    + 4 * SITE_ROW
    + 4
    + 1
    + _SCATTERED * white.ROW
    + 1
    + 2 * _GLAND_NUCLEI * 8
    + _STROMA_NUCLEI * 9
    + 5 * 7
    + _REDS * 9
    + _SICKLES * red.SICKLE_ROW
    + _PARASITES * red.PARASITE_ROW
    + 1
    + _NEST_MOST * 9
)
_SPINDLES = {"sparse": 0.45, "normal": 0.75, "crowded": 1.0}
_GLANDS = {"sparse": 0.25, "normal": 0.55, "crowded": 0.85}  # how often the third site is a gland too
RED_AMOUNT, RED_SHRINK = 1.45, 0.82  # fixation shrinks red cells
# Which places of white cells are taken in tissue, in the order of the room that they get.
_TAKEN = [*range(9, 22), *range(32, 36), 7, 8]


@dataclass(frozen=True, eq=False)
class Tissue:
    """What lies in several tiles; y and x in µm come first in every row."""

    gland: Floats
    vessel: Floats
    nest: Floats
    necrosis: Floats
    nucleus: Floats
    nest_nucleus: Floats
    red: Floats
    sickle: Floats
    parasite: Floats
    white: Floats


def cells_of(specimen: Specimen, tiles: Sequence[tuple[int, int]], low_um: Floats) -> Tissue:
    """What lies in tiles whose corners are placed at `low_um`, (T, 2). No random draw depends on the lesions."""
    numbers = specimen.numbers(tiles, _NEEDS)
    free = white.places(numbers)
    sites = _sites(numbers)
    vessel, glands, third, stroma = sites[:, :1], sites[:, 1:3].copy(), sites[:, 2:3], sites[:, 3:]
    vessel[..., 2] = 11.5 + vessel[..., 3] * np.float32(3.5)
    glands[..., 2] = 18.5 + glands[..., 3] * np.float32(5)
    is_gland = np.ones(glands.shape[:2], np.bool_)
    is_gland[:, 1] = numbers.take(1)[:, 0] < _GLANDS[specimen.crowding]
    glands[..., 2] *= is_gland  # of no size where there is none
    own = _scattered(specimen, numbers, glands, vessel)
    placed, taken = _placed(specimen, tiles, numbers, free, glands, vessel, sites[:, 2:])
    nuclei = [_gland_nuclei(numbers, glands), _spindles(specimen, numbers, glands, vessel), _wall(numbers, vessel)]
    reds, is_red, sickles, parasites = _blood(specimen, numbers, vessel)
    nest, nest_nuclei = _nest(specimen, numbers, stroma)
    necrosis = _necrosis(specimen, third)
    for rows in (glands, vessel, nest, necrosis, nest_nuclei, reds, sickles, parasites, placed, own[0], *(n for n, _ in nuclei)):
        rows[..., :2] += low_um[:, None]
    flat = [rows.reshape(-1, rows.shape[-1]) for rows in (vessel, nest, necrosis, nest_nuclei, sickles, parasites)]
    return Tissue(
        gland=glands[is_gland],
        vessel=flat[0],
        nest=flat[1],
        necrosis=flat[2],
        nucleus=np.concatenate([rows[there] for rows, there in nuclei]),
        nest_nucleus=flat[3],
        red=reds[is_red],
        sickle=flat[4],
        parasite=flat[5],
        white=np.concatenate([own[0][own[1]], white.clusters(placed[taken])]),
    )


def _sites(numbers: Numbers) -> Floats:
    """Four sites of each tile in the order of what they hold: vessel, gland, gland or stroma, stroma; (T, 4, SITE_ROW)."""
    rows = numbers.take(4, SITE_ROW).copy()
    order = np.argsort(numbers.take(4), axis=1, kind="stable")
    half = np.float32(TILE_UM / 2)
    rows[..., 0] = (order // 2 + np.float32(0.5)) * half + (rows[..., 0] - np.float32(0.5)) * np.float32(6)
    rows[..., 1] = (order % 2 + np.float32(0.5)) * half + (rows[..., 1] - np.float32(0.5)) * np.float32(6)
    return rows


def _away(rows: Floats, sites: Floats) -> Floats:
    """Distances in µm, (T, N, sites)."""
    found: Floats = np.hypot(rows[..., :, None, 0] - sites[..., None, :, 0], rows[..., :, None, 1] - sites[..., None, :, 1])
    return found


def _touch(rows: Floats, sites: Floats, more_um: float) -> Bools:
    """Which rows come nearer to one of the sites than its radius and some more; (T, N). Sites of no size touch nothing."""
    reach = np.where(sites[..., 2] > 0, sites[..., 2] + np.float32(more_um), np.float32(-1))
    found: Bools = np.any(_away(rows, sites) < reach[:, None], axis=-1)
    return found


def _scattered(specimen: Specimen, numbers: Numbers, glands: Floats, vessel: Floats) -> tuple[Floats, Bools]:
    """Single lymphocytes of the healthy."""
    own = numbers.take(_SCATTERED, white.ROW).copy()
    most = 4 + 2 * specimen.whites[0]
    own[..., :2] *= np.float32(TILE_UM)
    own[..., 2], own[..., 3] = white.SORTS.index("lymphocyte"), -1
    there = ~_touch(own, glands, 3.5) & ~_touch(own, vessel, 4)
    return own, there & (np.cumsum(there, axis=1) <= np.floor(numbers.take(1) * most))


def _placed(
    specimen: Specimen,
    tiles: Sequence[tuple[int, int]],
    numbers: Numbers,
    free: Floats,
    glands: Floats,
    vessel: Floats,
    core: Floats,
) -> tuple[Floats, Bools]:
    """Cells that the findings add, where there is room for them: not in a lumen, a vessel, a nest."""
    tight = 2 * _touch(free, glands, -6) + 2 * _touch(free, vessel, 5) + (_away(free, core) < 17).any(axis=-1)
    ranked = np.argsort(tight, axis=1, kind="stable")
    rest = [place for place in range(free.shape[1]) if place not in _TAKEN]
    placed = np.empty_like(free)
    placed[:, [*_TAKEN, *rest]] = free[np.arange(len(free))[:, None], ranked]
    taken = white.occupy(specimen, tiles, numbers, placed)
    return placed, taken


def _gland_nuclei(numbers: Numbers, glands: Floats) -> tuple[Floats, Bools]:
    """Nuclei at the base of each gland's epithelium, long axes outward."""
    n = numbers.take(2, _GLAND_NUCLEI, 8)
    count = np.minimum((glands[..., 2] * np.float32(1.05)).astype(np.intp), _GLAND_NUCLEI)[..., None]
    index = np.arange(_GLAND_NUCLEI, dtype=np.float32)
    angle = (index + (n[..., 0] - 0.5) * np.float32(0.7)) * np.float32(2 * np.pi) / np.maximum(count, 1)
    rim = outline(glands, np.asarray(angle, np.float32)) - np.float32(4.6) - n[..., 1] * np.float32(2.2)
    rows = np.zeros((*n.shape[:3], NUCLEUS_ROW), np.float32)
    rows[..., 0] = glands[..., None, 0] + rim * np.sin(angle)
    rows[..., 1] = glands[..., None, 1] + rim * np.cos(angle)
    rows[..., 2], rows[..., 3] = 3.1 + n[..., 2] * 1.1, 1.9 + n[..., 3] * 0.6
    rows[..., 4] = angle + (n[..., 4] - 0.5) * np.float32(0.5)
    rows[..., 5] = 0.95 + n[..., 5] * np.float32(0.35)
    rows[..., 6:9] = n[..., 5:8]
    rows[..., 9] = EPITHELIAL
    return rows.reshape(len(n), -1, NUCLEUS_ROW), (index < count).reshape(len(n), -1)


def outline(sites: Floats, angle: Floats) -> Floats:
    """Radius of each site's outline in µm at angles (…, sites, N) from x towards y."""
    one, two, three = (sites[..., column, None] * np.float32(6.283) for column in (4, 5, 6))
    wave = np.float32(0.11) * np.cos(2 * angle + one) + np.float32(0.06) * np.cos(3 * angle + two)
    found: Floats = np.asarray(sites[..., 2, None] * (1 + wave + np.float32(0.03) * np.cos(5 * angle + three)), np.float32)
    return found


def _spindles(specimen: Specimen, numbers: Numbers, glands: Floats, vessel: Floats) -> tuple[Floats, Bools]:
    """Nuclei of the stroma's fibroblasts: thin, along the fibers."""
    n = numbers.take(_STROMA_NUCLEI, 9)
    rows = np.zeros((*n.shape[:2], NUCLEUS_ROW), np.float32)
    rows[..., :2] = n[..., :2] * np.float32(TILE_UM)
    rows[..., 2], rows[..., 3] = 4.2 + n[..., 2] * 2.6, 1.05 + n[..., 3] * 0.65
    rows[..., 4] = np.float32(specimen.wave[1]) + (n[..., 4] - 0.5) * np.float32(1.1)
    rows[..., 5] = 0.8 + n[..., 5] * np.float32(0.4)
    rows[..., 6:9] = n[..., 5:8]
    rows[..., 9] = STROMAL
    clear = ~_touch(rows, glands, 5.5) & ~_touch(rows, vessel, 3)
    return rows, clear & (n[..., 8] < _SPINDLES[specimen.crowding])


def _wall(numbers: Numbers, vessel: Floats) -> tuple[Floats, Bools]:
    """Flat nuclei of the vessel's lining."""
    n = numbers.take(5, 7)
    angle = (np.arange(5, dtype=np.float32) + n[..., 0] * np.float32(0.6)) * np.float32(1.2566)
    rim = outline(vessel, angle[:, None])[:, 0] + np.float32(0.4)
    rows = np.zeros((*n.shape[:2], NUCLEUS_ROW), np.float32)
    rows[..., 0], rows[..., 1] = vessel[..., 0] + rim * np.sin(angle), vessel[..., 1] + rim * np.cos(angle)
    rows[..., 2], rows[..., 3] = 3.0 + n[..., 1], 0.9 + n[..., 2] * 0.3
    rows[..., 4] = angle + np.float32(np.pi / 2)
    rows[..., 5] = 1.0 + n[..., 3] * np.float32(0.2)
    rows[..., 6:9] = n[..., 4:7]
    rows[..., 9] = ENDOTHELIAL
    return rows, np.ones(n.shape[:2], np.bool_)


def _blood(specimen: Specimen, numbers: Numbers, vessel: Floats) -> tuple[Floats, Bools, Floats, Floats]:
    """Red cells in the vessel and which are there, sickled ones among them, and parasites in some."""
    n = numbers.take(_REDS, 9)
    sickles, parasites = numbers.take(_SICKLES, red.SICKLE_ROW).copy(), numbers.take(_PARASITES, red.PARASITE_ROW).copy()
    count = 12 + np.floor(numbers.take(1) * 6)
    index = np.arange(_REDS)[None]
    angle = index * np.float32(2.39996) + n[..., 0] * np.float32(0.5)
    away = (vessel[..., 2] - np.float32(3.3)) * np.sqrt((index + np.float32(0.3)) / count)
    rows = np.zeros((*n.shape[:2], red.RED_ROW), np.float32)
    rows[..., 0], rows[..., 1] = vessel[..., 0] + away * np.sin(angle), vessel[..., 1] + away * np.cos(angle)
    rows[..., 2] = specimen.red_um * np.float32(RED_SHRINK) * (0.93 + n[..., 2] * np.float32(0.14))
    rows[..., 3] = 1 + n[..., 3] * np.float32(0.3)
    rows[..., 4] = n[..., 4] * np.float32(6.283)
    rows[..., 5], rows[..., 6] = specimen.pallor * np.float32(0.25), 0.5
    rows[..., 9] = 0.85 + n[..., 6] * np.float32(0.3)
    rows[..., 10] = n[..., 7] * np.float32(0.12)
    sickle, malaria = specimen.lesion("sickle cells"), specimen.lesion("malaria")
    sickles = sickles[:, : sickle[1] if sickle else 0]
    turn = sickles[..., 0] + np.arange(sickles.shape[1], dtype=np.float32) * np.float32(2.1)
    sickles[..., 0] = vessel[..., 0] + vessel[..., 2] * np.float32(0.48) * np.sin(turn)
    sickles[..., 1] = vessel[..., 1] + vessel[..., 2] * np.float32(0.48) * np.cos(turn)
    sickles[..., 2] = turn + np.float32(1.4)
    parasites = parasites[:, : malaria[1] if malaria else 0]
    if malaria:
        order = np.argsort(n[..., 8] + (index >= count), axis=1, kind="stable")[:, : parasites.shape[1]]
        parasites[..., :2] = rows[np.arange(len(rows))[:, None], order, :2]
        parasites[..., 2] = red.STAGES.index(malaria[2].attributes["stage"])
    return rows, index < count, sickles, parasites


def _nest(specimen: Specimen, numbers: Numbers, site: Floats) -> tuple[Floats, Floats]:
    """A nest of tumor cells, (T, 1 or 0, SITE_ROW), and its nuclei: large, dense, each of another size."""
    n = numbers.take(_NEST_MOST, 9)
    found = specimen.lesion("malignant cells")
    count = found[1] if found else 0
    n, nest = n[:, :count], site[:, : 1 if found else 0].copy()
    nest[..., 2] = 4.9 * np.sqrt(np.float32(count)) + 4.2
    index = np.arange(count)
    angle = index * np.float32(2.39996) + n[..., 0] * np.float32(0.8) + site[..., 7] * np.float32(6.283)
    away = (4.9 * np.sqrt(np.float32(count)) - 1.8) * np.sqrt((index + np.float32(0.4)) / max(count, 1)).astype(np.float32)
    rows = np.zeros((*n.shape[:2], NUCLEUS_ROW), np.float32)
    rows[..., 0], rows[..., 1] = site[..., 0] + away * np.sin(angle), site[..., 1] + away * np.cos(angle)
    rows[..., 2] = 3.7 + n[..., 2] ** 2 * np.float32(2.2)
    rows[..., 3] = rows[..., 2] * (0.68 + n[..., 3] * np.float32(0.25))
    rows[..., 4] = n[..., 4] * np.float32(6.283)
    rows[..., 5] = 0.75 + n[..., 5] * np.float32(0.75)
    rows[..., 6:9] = n[..., 6:9]
    return nest, rows


def _necrosis(specimen: Specimen, site: Floats) -> Floats:
    """A necrotic patch, the larger the worse, (T, 1 or 0, SITE_ROW)."""
    found = specimen.lesion("necrosis")
    patch = site[:, : 1 if found else 0].copy()
    patch[..., 2] = 7.5 + 4.2 * (found[1] if found else 0)
    return patch


def within(rows: Floats, sites: Floats, more_um: float = 0.0) -> Bools:
    """Which rows' centers lie inside of one of the sites' outlines, widened, (N,)."""
    if not len(sites) or not len(rows):
        return np.zeros(len(rows), np.bool_)
    angle = np.arctan2(rows[None, :, 0] - sites[:, 0, None], rows[None, :, 1] - sites[:, 1, None])
    found: Bools = np.any(outline(sites, angle) + np.float32(more_um) > _away(rows, sites).T, axis=0)
    return found
