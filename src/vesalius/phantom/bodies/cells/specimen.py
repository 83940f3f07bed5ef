"""A specimen on a slide: what is the same over all of it, and which cells its findings ask for in every tile.

The slide is a plane cut into tiles of `TILE_UM`; each tile has random numbers of its own, so that any part of a slide can
be drawn without the rest. The tile in the middle is the field that a picture shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from vesalius.phantom.case import Case
from vesalius.phantom.truth import Floats, Lesion

TILE_UM = 100.0
TILES = (40, 50)  # (Y, X) of a slide
MIDDLE = (20, 25)

SPECIMENS = ("smear", "tissue")
CROWDING = ("sparse", "normal", "crowded")
STAINS = ("standard", "pale", "dark", "blue", "pink")

# How many cells of each grade are in a tile, least and most: in a smear, in tissue.
CELLS: dict[str, dict[str, tuple[tuple[int, int], tuple[int, int]]]] = {
    "malaria": {"mild": ((3, 4), (2, 2)), "moderate": ((6, 8), (4, 4)), "severe": ((12, 16), (6, 7))},
    "sickle cells": {"mild": ((4, 5), (2, 3)), "moderate": ((7, 8), (4, 4)), "severe": ((11, 12), (5, 6))},
    "eosinophilia": {"mild": ((2, 2), (2, 2)), "moderate": ((3, 4), (3, 4)), "severe": ((5, 6), (5, 6))},
    "lymphocytosis": {"mild": ((3, 3), (3, 3)), "moderate": ((4, 5), (4, 5)), "severe": ((6, 7), (6, 7))},
    "malignant cells": {"mild": ((2, 2), (5, 6)), "moderate": ((3, 4), (7, 9)), "severe": ((5, 6), (10, 12))},
    "necrosis": {"mild": ((1, 1), (1, 1)), "moderate": ((2, 2), (2, 2)), "severe": ((3, 4), (3, 3))},
}


@dataclass(frozen=True, eq=False)
class Specimen:
    """One stained slide of one patient.

    Attributes:
        case: whose it is; tiles take their random numbers from it.
        kind: smear or tissue.
        crowding, stain: in words.
        red_um: mean radius of the patient's red cells; `red_spread`: its relative standard deviation.
        pallor: depth of the pale middle of red cells, 0 to 1.
        oval: share of red cells that are oval: many in some healthy patients.
        whites: least and most white cells of a tile; `shares` of neutrophils, lymphocytes, monocytes, eosinophils.
        platelets, precipitate: mean number of a tile.
        wave: period and phases of the unevenness of a smear, in µm and radians.
        cells: lesion's index → how many cells of it are in each tile.
    """

    case: Case
    kind: str
    crowding: str
    stain: str
    red_um: float
    red_spread: float
    pallor: float
    oval: float
    whites: tuple[int, int]
    shares: tuple[float, ...]
    platelets: float
    precipitate: float
    wave: tuple[float, float, float]
    cells: dict[int, int]

    def numbers(self, tiles: Sequence[tuple[int, int]], count: int) -> "Numbers":
        """`count` random numbers for each tile out of a stream of its own: each visit's specimen is another one."""
        drawn = [self.case.pose(9, row + 1, column + 1).random(count, dtype=np.float32) for row, column in tiles]
        return Numbers(np.stack(drawn), 0)

    @property
    def masks(self) -> list[str]:
        """The lesions' names, by index."""
        return [lesion.mask for lesion in self.case.lesions]

    def lesion(self, finding: str) -> tuple[int, int, Lesion] | None:
        """Index, cells of a tile and the lesion of a finding; None when it is not there."""
        for index, lesion in enumerate(self.case.lesions):
            if lesion.finding == finding:
                return index, self.cells[index], lesion
        return None


@dataclass(eq=False)
class Numbers:
    """Random numbers of several tiles, (T, count), handed out in turn."""

    drawn: Floats
    used: int

    def take(self, *shape: int) -> Floats:
        """The next of every tile, (T, *shape)."""
        first, self.used = self.used, self.used + prod(shape)
        return self.drawn[:, first : self.used].reshape(-1, *shape)


def middling(numbers: Floats) -> Floats:
    """Nearly normal numbers, within 3 of 0, out of three uniform ones on the last axis."""
    found: Floats = (numbers[..., 0] + numbers[..., 1] + numbers[..., 2] - np.float32(1.5)) * np.float32(2)
    return found


def prepare(case: Case) -> Specimen:
    """The specimen of a visit: blood is smeared, or tissue cut, and stained anew at each."""
    body, made = case.body(0), case.pose(0)
    drawn_kind = "smear" if body.random() < 0.65 else "tissue"
    red_um, red_spread = float(body.uniform(3.45, 4.0)), float(body.uniform(0.03, 0.09))
    pallor, oval = float(body.uniform(0.25, 0.75)), float(body.uniform(0.0, 1.0) ** 3 * 0.25)
    low = int(body.integers(1, 4))
    shares = np.array([0.58, 0.27, 0.1, 0.05]) * body.uniform(0.5, 1.5, 4)
    platelets = float(body.uniform(4, 20))
    drawn_crowding = CROWDING[int(made.choice(3, p=(0.25, 0.5, 0.25)))]
    drawn_stain = STAINS[int(made.choice(5, p=(0.4, 0.15, 0.15, 0.15, 0.15)))]
    wave = (float(made.uniform(70, 220)), float(made.uniform(0, 6.28)), float(made.uniform(0, 6.28)))
    has_precipitate, precipitate = made.random() < 0.4, float(made.uniform(2, 14))
    kind = str(case.fixed("specimen", drawn_kind))
    return Specimen(
        case=case,
        kind=kind,
        crowding=str(case.fixed("crowding", drawn_crowding)),
        stain=str(case.fixed("stain", drawn_stain)),
        red_um=red_um,
        red_spread=red_spread,
        pallor=pallor,
        oval=oval,
        whites=(low, low + 4),
        shares=tuple(float(share) for share in shares / shares.sum()),
        platelets=platelets,
        precipitate=precipitate if has_precipitate else 0.0,
        wave=wave,
        cells={index: _cells(case, lesion, kind) for index, lesion in enumerate(case.lesions)},
    )


def _cells(case: Case, lesion: Lesion, kind: str) -> int:
    """How many cells of a tile show a lesion; one, where each lesion is a cell of its own."""
    if lesion.finding not in CELLS:
        return 1
    least, most = CELLS[lesion.finding][str(lesion.severity)][SPECIMENS.index(kind)]
    return least + int(case.place(lesion).random() * (most - least + 1))
