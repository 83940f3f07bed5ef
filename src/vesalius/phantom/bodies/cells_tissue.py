"""A section of glandular tissue: what lies in a tile. Painting it is `cells_section`'s.

A tile holds four sites: a vessel full of red cells, a gland, a gland or stroma, and stroma. A nest of tumor cells takes the
stroma's site, necrosis the third, parasites and sickle cells lie in the vessel, single cells wherever there is room.
"""

from dataclasses import dataclass

import numpy as np

from vesalius.phantom.bodies import cells_red as red
from vesalius.phantom.bodies import cells_white as white
from vesalius.phantom.bodies.cells_specimen import TILE_UM, Specimen
from vesalius.phantom.truth import Bools, Floats

SITE_ROW = 12  # y, x, radius, and numbers: wobble (3 phases), height of the epithelium, mucin, dye, …
NUCLEUS_ROW = 10  # y, x, half axes (2), angle, density, numbers (3), sort
EPITHELIAL, STROMAL, ENDOTHELIAL = range(3)
_GLAND_NUCLEI, _STROMA_NUCLEI, _REDS, _NEST_MOST = 26, 70, 20, 12
_SPINDLES = {"sparse": 0.45, "normal": 0.75, "crowded": 1.0}
_GLANDS = {"sparse": 0.25, "normal": 0.55, "crowded": 0.85}  # how often the third site is a gland too
RED_AMOUNT, RED_SHRINK = 1.45, 0.82  # fixation shrinks red cells
# Which places of white cells are taken in tissue, in the order of the room that they get.
_TAKEN = [*range(9, 22), *range(32, 36), 7, 8]


@dataclass(frozen=True, eq=False)
class Tile:
    """What lies in a tile, or in several; y and x in µm come first in every row."""

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


def tile(specimen: Specimen, at: tuple[int, int], low_um: tuple[float, float]) -> Tile:
    """What lies in tile `at`, whose corner is placed at `low_um`. What is drawn does not depend on the lesions."""
    rng = specimen.rng(at)
    free = white.places(specimen, at, rng)
    sites = _sites(rng)
    vessel, gland, third, stroma = sites[:1], sites[1:2], sites[2:3], sites[3:4]
    vessel[:, 2] = 11.5 + vessel[:, 3] * np.float32(3.5)
    is_gland = rng.random() < _GLANDS[specimen.crowding]
    glands = np.concatenate([gland, third]) if is_gland else gland.copy()
    glands[:, 2] = 18.5 + glands[:, 3] * np.float32(5)
    cells = _loose(specimen, at, rng, free, glands, vessel, np.concatenate([third, stroma]))
    nucleus = np.concatenate([_gland_nuclei(rng, glands, third), _spindles(specimen, rng, glands, vessel), _wall(rng, vessel)])
    reds, sickles, parasites = _blood(specimen, rng, vessel)
    nest, nest_nucleus = _nest(specimen, rng, stroma)
    found = Tile(glands, vessel, nest, _necrosis(specimen, third), nucleus, nest_nucleus, reds, sickles, parasites, cells)
    for array in vars(found).values():
        array[:, 0] += np.float32(low_um[0])
        array[:, 1] += np.float32(low_um[1])
    return found


def _sites(rng: np.random.Generator) -> Floats:
    """Four sites in the order of what they hold: vessel, gland, gland or stroma, stroma; (4, SITE_ROW)."""
    rows = rng.random((4, SITE_ROW), dtype=np.float32)
    order = rng.permutation(4)
    rows[:, 0] = (order // 2 + 0.5) * (TILE_UM / 2) + (rows[:, 0] - 0.5) * np.float32(6)
    rows[:, 1] = (order % 2 + 0.5) * (TILE_UM / 2) + (rows[:, 1] - 0.5) * np.float32(6)
    return rows


def _away(rows: Floats, sites: Floats) -> Floats:
    """Distances in µm, (N, sites)."""
    found: Floats = np.hypot(rows[:, None, 0] - sites[None, :, 0], rows[:, None, 1] - sites[None, :, 1])
    return found


def _loose(
    specimen: Specimen, at: tuple[int, int], rng: np.random.Generator, free: Floats, glands: Floats, vessel: Floats, core: Floats
) -> Floats:
    """Single cells: scattered lymphocytes of the healthy, and what the findings add where there is room."""
    own = rng.random((14, white.ROW), dtype=np.float32)
    count = int(rng.integers(0, 4 + 2 * specimen.whites[0]))
    own[:, :2] *= np.float32(TILE_UM)
    own[:, 2], own[:, 3] = white.SORTS.index("lymphocyte"), -1
    bad = (_away(own, glands) < glands[:, 2] + 3.5).any(axis=1) | (_away(own, vessel) < vessel[:, 2] + 4).any(axis=1)
    own = own[~bad][:count]
    tight = 2 * (_away(free, glands) < glands[:, 2] - 6).any(axis=1) + 2 * (_away(free, vessel) < vessel[:, 2] + 5).any(axis=1)
    tight = tight + (_away(free, core) < 17).any(axis=1)
    ranked = np.argsort(tight, kind="stable")
    rest = [place for place in range(len(free)) if place not in _TAKEN]
    placed = np.empty_like(free)
    placed[[*_TAKEN, *rest]] = free[ranked]
    return np.concatenate([own, white.clusters(white.occupied(specimen, at, rng, placed))])


def _gland_nuclei(rng: np.random.Generator, glands: Floats, third: Floats) -> Floats:
    """Nuclei at the base of each gland's epithelium, long axes outward; drawn for two glands in any case."""
    n = rng.random((2, _GLAND_NUCLEI, 8), dtype=np.float32)[: len(glands)]
    count = np.minimum((glands[:, 2] * np.float32(1.05)).astype(np.intp), _GLAND_NUCLEI)
    angle = (np.arange(_GLAND_NUCLEI)[None] + (n[..., 0] - 0.5) * np.float32(0.7)) * np.float32(2 * np.pi) / count[:, None]
    rim = outline(glands, angle) - np.float32(4.6) - n[..., 1] * np.float32(2.2)
    rows = np.zeros((*n.shape[:2], NUCLEUS_ROW), np.float32)
    rows[..., 0] = glands[:, None, 0] + rim * np.sin(angle)
    rows[..., 1] = glands[:, None, 1] + rim * np.cos(angle)
    rows[..., 2], rows[..., 3] = 3.1 + n[..., 2] * 1.1, 1.9 + n[..., 3] * 0.6
    rows[..., 4] = angle + (n[..., 4] - 0.5) * np.float32(0.5)
    rows[..., 5] = 0.95 + n[..., 5] * np.float32(0.35)
    rows[..., 6:9] = n[..., 5:8]
    rows[..., 9] = EPITHELIAL
    found: Floats = rows[np.arange(_GLAND_NUCLEI)[None] < count[:, None]]
    return found


def outline(sites: Floats, angle: Floats) -> Floats:
    """Radius of each site's outline in µm at angles (sites, N) from x towards y."""
    one, two, three = (sites[:, column, None] * np.float32(6.283) for column in (4, 5, 6))
    wave = np.float32(0.11) * np.cos(2 * angle + one) + np.float32(0.06) * np.cos(3 * angle + two)
    found: Floats = sites[:, 2, None] * (1 + wave + np.float32(0.03) * np.cos(5 * angle + three))
    return found


def _spindles(specimen: Specimen, rng: np.random.Generator, glands: Floats, vessel: Floats) -> Floats:
    """Nuclei of the stroma's fibroblasts: thin, along the fibers."""
    n = rng.random((_STROMA_NUCLEI, 9), dtype=np.float32)
    rows = np.zeros((_STROMA_NUCLEI, NUCLEUS_ROW), np.float32)
    rows[:, :2] = n[:, :2] * np.float32(TILE_UM)
    rows[:, 2], rows[:, 3] = 4.2 + n[:, 2] * 2.6, 1.05 + n[:, 3] * 0.65
    rows[:, 4] = np.float32(specimen.wave[1]) + (n[:, 4] - 0.5) * np.float32(1.1)
    rows[:, 5] = 0.8 + n[:, 5] * np.float32(0.4)
    rows[:, 6:9] = n[:, 5:8]
    rows[:, 9] = STROMAL
    clear = (_away(rows, glands) > glands[:, 2] * np.float32(1.12) + 3).all(axis=1) & (_away(rows, vessel) > vessel[:, 2] + 3)[:, 0]
    return rows[clear & (n[:, 8] < _SPINDLES[specimen.crowding])]


def _wall(rng: np.random.Generator, vessel: Floats) -> Floats:
    """Flat nuclei of the vessel's lining."""
    n = rng.random((5, 8), dtype=np.float32)
    angle = (np.arange(5, dtype=np.float32) + n[:, 0] * np.float32(0.6)) * np.float32(1.2566)
    rim = outline(vessel, angle[None])[0] + np.float32(0.4)
    rows = np.zeros((5, NUCLEUS_ROW), np.float32)
    rows[:, 0], rows[:, 1] = vessel[0, 0] + rim * np.sin(angle), vessel[0, 1] + rim * np.cos(angle)
    rows[:, 2], rows[:, 3] = 3.0 + n[:, 1], 0.9 + n[:, 2] * 0.3
    rows[:, 4] = angle + np.float32(np.pi / 2)
    rows[:, 5] = 1.0 + n[:, 3] * np.float32(0.2)
    rows[:, 6:9] = n[:, 4:7]
    rows[:, 9] = ENDOTHELIAL
    return rows


def _blood(specimen: Specimen, rng: np.random.Generator, vessel: Floats) -> tuple[Floats, Floats, Floats]:
    """Red cells in the vessel, sickled ones among them, and parasites in some."""
    n = rng.random((_REDS, 14), dtype=np.float32)
    bent = rng.random((6, red.SICKLE_ROW), dtype=np.float32)
    numbers = rng.random((8, red.PARASITE_ROW), dtype=np.float32)
    count = 12 + int(rng.random() * 6)
    index = np.arange(count)
    angle = index * np.float32(2.39996) + n[:count, 0] * np.float32(0.5)
    away = (vessel[0, 2] - np.float32(3.3)) * np.sqrt((index + np.float32(0.3)) / count)
    rows = np.zeros((count, red.RED_ROW), np.float32)
    rows[:, 0], rows[:, 1] = vessel[0, 0] + away * np.sin(angle), vessel[0, 1] + away * np.cos(angle)
    rows[:, 2] = specimen.red_um * np.float32(RED_SHRINK) * (0.93 + n[:count, 2] * np.float32(0.14))
    rows[:, 3] = 1 + n[:count, 3] * np.float32(0.3)
    rows[:, 4] = n[:count, 4] * np.float32(6.283)
    rows[:, 5], rows[:, 6] = specimen.pallor * np.float32(0.25), 0.5
    rows[:, 9] = 0.85 + n[:count, 6] * np.float32(0.3)
    rows[:, 10] = n[:count, 7] * np.float32(0.12)
    sickle, malaria = specimen.lesion("sickle cells"), specimen.lesion("malaria")
    sickles = bent[: sickle[1] if sickle else 0]
    turn, out = sickles[:, 0] * np.float32(1.0) + np.arange(len(sickles)) * np.float32(2.1), np.float32(0.48)
    sickles[:, 0] = vessel[0, 0] + vessel[0, 2] * out * np.sin(turn)
    sickles[:, 1] = vessel[0, 1] + vessel[0, 2] * out * np.cos(turn)
    sickles[:, 2] = turn + np.float32(1.4)
    parasites = numbers[: malaria[1] if malaria else 0]
    if malaria:
        order = np.argsort(n[:count, 8], kind="stable")[: len(parasites)]
        parasites[:, :2] = rows[order, :2]
        parasites[:, 2] = red.STAGES.index(malaria[2].attributes["stage"])
    return rows, sickles, parasites


def _nest(specimen: Specimen, rng: np.random.Generator, site: Floats) -> tuple[Floats, Floats]:
    """A nest of tumor cells, and its nuclei: large, dense, each of another size."""
    n = rng.random((_NEST_MOST, 10), dtype=np.float32)
    found = specimen.lesion("malignant cells")
    count = found[1] if found else 0
    nest = site[: 1 if found else 0].copy()
    nest[:, 2] = 4.9 * np.sqrt(np.float32(count)) + 4.2
    index = np.arange(count)
    angle = index * np.float32(2.39996) + n[:count, 0] * np.float32(0.8) + site[0, 7] * np.float32(6.283)
    away = (4.9 * np.sqrt(np.float32(count)) - 1.8) * np.sqrt((index + np.float32(0.4)) / max(count, 1))
    rows = np.zeros((count, NUCLEUS_ROW), np.float32)
    rows[:, 0], rows[:, 1] = site[0, 0] + away * np.sin(angle), site[0, 1] + away * np.cos(angle)
    rows[:, 2] = 3.7 + n[:count, 2] ** 2 * np.float32(2.2)
    rows[:, 3] = rows[:, 2] * (0.68 + n[:count, 3] * np.float32(0.25))
    rows[:, 4] = n[:count, 4] * np.float32(6.283)
    rows[:, 5] = 0.75 + n[:count, 5] * np.float32(0.75)
    rows[:, 6:9] = n[:count, 6:9]
    return nest, rows


def _necrosis(specimen: Specimen, site: Floats) -> Floats:
    """A necrotic patch, the larger the worse."""
    found = specimen.lesion("necrosis")
    patch = site[: 1 if found else 0].copy()
    patch[:, 2] = 7.5 + 4.2 * (found[1] if found else 0)
    return patch


def joined(tiles: list[Tile]) -> Tile:
    """What lies in several tiles."""
    return Tile(*(np.concatenate([getattr(one, name) for one in tiles]) for name in vars(tiles[0])))


def within(rows: Floats, sites: Floats, more_um: float = 0.0) -> Bools:
    """Which rows' centers lie inside of one of the sites' outlines, widened, (N,)."""
    if not len(sites) or not len(rows):
        return np.zeros(len(rows), np.bool_)
    angle = np.arctan2(rows[None, :, 0] - sites[:, 0, None], rows[None, :, 1] - sites[:, 1, None])
    found: Bools = (_away(rows, sites).T < outline(sites, angle) + np.float32(more_um)).any(axis=0)
    return found
