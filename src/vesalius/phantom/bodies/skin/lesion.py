"""Lesions painted into the layers of the skin: each finding with its pigment, vessels, scale and texture."""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, radians, sin

import numpy as np

from vesalius.phantom.bodies.skin.outline import Outline
from vesalius.phantom.bodies.skin.surface import BLOOD, DEEP, KERATIN, MELANIN, Pose, dots
from vesalius.phantom.case import Case
from vesalius.phantom.grain import KNOT_PX, TEXTURE_PX, texture
from vesalius.phantom.grid import Grid
from vesalius.phantom.paint import lay_tubes
from vesalius.phantom.truth import Bools, Floats, Lesion

_EDGE_MM = {"regular": 0.7, "sharp": 0.3, "ill-defined": 1.3, "rolled": 0.6, "irregular": 0.6, "notched": 0.45}


@dataclass(frozen=True, eq=False)
class Spot:
    """The part of the picture around a lesion, in the lesion's own frame, which turns with the patient.

    Attributes:
        y, x: mm from its middle, (Y, X).
        rho: distance by the outline's radius in that direction: below 1 inside.
        cover: 0 outside, 1 from the margin's softness inward.
        radius_mm: half of its greatest diameter.
        rng: of the lesion's texture.
        grid: of the window, whose middle is not the lesion's: `middle_mm` (y, x) is.
    """

    y: Floats
    x: Floats
    rho: Floats
    cover: Floats
    radius_mm: float
    rng: np.random.Generator
    grid: Grid
    middle_mm: tuple[float, float]
    turn_deg: float

    def grain(self, wave_mm: float) -> Floats:
        """Smooth noise of the lesion's own in [-1, 1]."""
        scale, place = KNOT_PX / wave_mm, self.rng.random(4) * TEXTURE_PX + TEXTURE_PX
        # Two looks at the table, turned against each other, hide its lattice.
        turns = ((0.80, 0.60), (0.28, -0.96))
        total = np.zeros(self.y.shape, np.float32)
        for number, (one, two) in enumerate(turns):
            cosine, sine = np.float32(one * scale), np.float32(two * scale)
            row = self.y * cosine + self.x * sine + np.float32(place[2 * number])
            total += texture(row, self.x * cosine - self.y * sine + np.float32(place[2 * number + 1]))
        total *= np.float32(0.75)
        np.clip(total, -1, 1, out=total)
        return total

    def globules(self, count: int, small_mm: float, large_mm: float, spread: float, most: float) -> Floats:
        """`count` soft discs at random within `most` of the outline, of amount 1 or a little less."""
        n = self.rng.random((count, 4))
        away = self.radius_mm * most * np.sqrt(n[:, 0])
        angle, turn = 2 * pi * n[:, 1], radians(self.turn_deg)
        y, x = away * np.sin(angle), away * np.cos(angle)
        row = y * cos(turn) + x * sin(turn) + self.middle_mm[0]
        column = x * cos(turn) - y * sin(turn) + self.middle_mm[1]
        size = small_mm + (large_mm - small_mm) * n[:, 2] ** 1.5
        laid, _ = dots(self.grid, row, column, size, 1 - spread * n[:, 3], 0.25)
        return np.minimum(laid, np.float32(1))

    def network(self, pitch_mm: float, uneven: float) -> Floats:
        """Dark lines of a net in [0, 1], its meshes about `pitch_mm` wide; `uneven` bends and interrupts them."""
        turn = self.rng.random() * pi
        bend = self.grain(3.5 * pitch_mm) * np.float32(0.5 + 1.6 * uneven)
        total = np.full(self.y.shape, np.float32(0))
        for angle in (turn, turn + pi / 3, turn + 2 * pi / 3):
            across = self.y * np.float32(cos(angle)) - self.x * np.float32(sin(angle))
            total += np.cos(across * np.float32(2 * pi / pitch_mm) + bend)
        lines: Floats = np.clip(np.float32(0.62) - total * np.float32(0.45), 0, 1)
        if uneven > 0.3:
            lines *= np.clip(self.grain(2.6 * pitch_mm) * 1.6 + 0.75, 0, 1)
        # Where pixels are nearly as wide as the meshes, only their mean is seen.
        fade = np.float32(np.exp(-((0.75 * self.grid.spacing_mm[0] / pitch_mm) ** 2) * 4))
        lines -= np.float32(0.5)
        lines *= fade
        lines += np.float32(0.5)
        return lines


def paint(case: Case, lesion: Lesion, outline: Outline, pose: Pose, found: Floats, scale: Floats, grid: Grid) -> Bools:
    """Lay a lesion into the layers (4, Y, X) and the scale (Y, X), in place; its mask, (Y, X)."""
    row_mm, column_mm = pose.seen_mm(np.array([outline.y_mm]), np.array([outline.x_mm]))
    middle = (float(row_mm[0]), float(column_mm[0]))
    window, part = _window(grid, middle, outline.size_mm * 0.56 + grid.spacing_mm[0])
    y_mm, x_mm = part.axes_mm()
    off = [(edge.start + edge.stop) / 2 - count / 2 for edge, count in zip(window, grid.shape, strict=True)]
    inner = (middle[0] - off[0] * grid.spacing_mm[0], middle[1] - off[1] * grid.spacing_mm[1])
    turn = radians(pose.turn_deg)
    down, right = y_mm - np.float32(inner[0]), x_mm - np.float32(inner[1])
    y = down * np.float32(cos(turn)) - right * np.float32(sin(turn))
    x = right * np.float32(cos(turn)) + down * np.float32(sin(turn))
    away = np.sqrt(y * y + x * x)
    rim = outline.radius(np.arctan2(y, x).ravel().astype(np.float64)).reshape(y.shape).astype(np.float32)
    mask = np.zeros(grid.shape, np.bool_)
    mask[window] = away < rim
    edge_mm = min(_EDGE_MM[lesion.attributes.get("margin", "regular")], 0.3 * outline.size_mm)
    cover = np.clip((rim - away) * np.float32(1 / max(edge_mm, grid.spacing_mm[0])), 0, 1)
    if not mask.any():  # it lies between the pixels' centers
        nearest = np.unravel_index(int(np.argmin(away)), away.shape)
        cover[nearest] = 0.6
        mask[window] = cover > 0
    spot = Spot(y, x, away / rim, cover, outline.size_mm / 2, case.place(lesion, 2), part, inner, pose.turn_deg)
    _PAINTERS[lesion.finding](spot, lesion, found[(slice(None), *window)], scale[window])
    return mask


def _window(grid: Grid, middle_mm: tuple[float, float], reach_mm: float) -> tuple[tuple[slice, slice], Grid]:
    """A square of pixels that holds everything within reach, and its grid."""
    step, side = grid.spacing_mm[0], grid.shape[0]
    half = int(np.ceil(reach_mm / step)) + 1
    edges = []
    for place in middle_mm:
        at = int(np.floor(place / step + side / 2))
        low = min(max(at - half, 0), max(side - 2 * half, 0))
        edges.append(slice(low, min(low + 2 * half, side)))
    shape = (edges[0].stop - edges[0].start, edges[1].stop - edges[1].start)
    return (edges[0], edges[1]), Grid(shape, grid.spacing_mm)


def _melanoma(spot: Spot, lesion: Lesion, found: Floats, scale: Floats) -> None:
    """Several colors in blotches that lie to one side, a broken network or globules of unequal size."""
    word, pattern = lesion.attributes["color"], lesion.attributes["texture"]
    angle = spot.rng.random() * 2 * pi
    side = (spot.y * np.float32(sin(angle)) + spot.x * np.float32(cos(angle))) / np.float32(spot.radius_mm)
    blotch = np.clip(spot.grain(0.9 * spot.radius_mm) * 1.3 + side * np.float32(0.9) + 0.1, 0, 1)
    pigment = 0.48 + 0.22 * spot.grain(0.5 * spot.radius_mm) + 0.45 * blotch
    if pattern == "atypical network":
        pigment = pigment + 1.0 * (spot.network(1.3, 0.8) - 0.4)
    elif pattern == "irregular globules":
        pigment = pigment - 0.12 + 1.0 * spot.globules(18, 0.2, 0.65, 0.4, 0.9)
    else:
        pigment = pigment + 0.12 * spot.grain(0.8)
    if word == "brown and black":
        pigment = pigment + 1.0 * blotch * np.clip(spot.grain(0.7 * spot.radius_mm) + 0.5, 0, 1)
    found[DEEP] += spot.cover * (0.85 * blotch if word == "blue-gray and brown" else 0.25 * blotch)
    if word == "red and brown":
        found[BLOOD] += spot.cover * (0.85 * np.clip(0.4 - side + 0.6 * spot.grain(spot.radius_mm), 0, 1))
    found[MELANIN] += spot.cover * np.maximum(pigment, 0.05)


def _nevus(spot: Spot, lesion: Lesion, found: Floats, scale: Floats) -> None:
    """Even, round, one color; a fine network, globules of one size, or nothing."""
    depth = {"light brown": 0.55, "dark brown": 1.05}[lesion.attributes["color"]]
    dome = 0.85 + 0.3 * np.clip(1 - spot.rho * spot.rho, 0, 1) * (spot.rng.random() - 0.35)
    pattern = lesion.attributes["texture"]
    fine = 0.05 * spot.grain(0.9)
    if pattern == "network":
        fine = fine + 0.5 * (spot.network(1.0, 0.1) - 0.5)
    elif pattern == "globules":
        fine = fine - 0.12 + 0.45 * spot.globules(int(6 + 1.5 * spot.radius_mm**2), 0.26, 0.32, 0.1, 0.85)
    found[MELANIN] += spot.cover * np.maximum(depth * (dome + fine), 0.05)
    found[BLOOD] += spot.cover * np.float32(0.08)


def _keratosis(spot: Spot, lesion: Lesion, found: Floats, scale: Floats) -> None:
    """Stuck on, waxy: pale cysts and dark plugs, or fissures like those of a brain."""
    dark = {"tan": 0.35, "dark brown": 0.95}[lesion.attributes["color"]]
    waxy = 1 + 0.2 * spot.grain(1.1)
    found[KERATIN] += spot.cover * (0.75 * waxy)
    found[MELANIN] += spot.cover * (dark * waxy)
    count = int(5 + 1.1 * spot.radius_mm**2)
    if lesion.attributes["texture"] == "fissured":
        ridge = np.abs(spot.grain(1.3))
        found[MELANIN] += spot.cover * (np.clip(1 - ridge * 4.5, 0, 1) * np.float32(0.9))
        scale += spot.cover * np.clip(ridge - 0.35, 0, 1) * np.float32(0.22)
    else:
        found[MELANIN] += spot.cover * (spot.globules(count, 0.18, 0.36, 0.2, 0.85) * np.float32(1.1))
        scale += spot.cover * spot.globules(count, 0.2, 0.4, 0.3, 0.85) * np.float32(0.62)


def _carcinoma(spot: Spot, lesion: Lesion, found: Floats, scale: Floats) -> None:
    """Pink or pearly, with vessels that branch, an ulcer, or blue-gray nests."""
    pearly = lesion.attributes["color"] == "pearly"
    found[BLOOD] += spot.cover * ((0.30 if pearly else 0.46) + 0.12 * spot.grain(1.6))
    sheen = 0.30 if pearly else 0.10
    rim = np.exp(-(((spot.rho - np.float32(0.80)) / np.float32(0.14)) ** 2))
    rolled = lesion.attributes["margin"] == "rolled"
    scale += spot.cover * (sheen * (0.6 + 0.3 * spot.grain(1.2)) + rim * np.float32(0.30 if rolled else 0.05))
    pattern = lesion.attributes["texture"]
    if pattern == "arborizing vessels":
        found[BLOOD] += spot.cover * np.minimum(_vessels(spot) * np.float32(1.5), np.float32(1.8))
    elif pattern == "ulcerated":
        hole = np.clip((np.float32(0.50) - spot.rho + 0.14 * spot.grain(1.4)) * 5, 0, 1)
        found[BLOOD] += spot.cover * hole * np.float32(1.15)
        found[KERATIN] += spot.cover * hole * np.float32(0.9)
        scale *= 1 - spot.cover * hole
    else:
        found[DEEP] += spot.cover * (spot.globules(int(4 + 0.8 * spot.radius_mm**2), 0.3, 0.75, 0.3, 0.8) * np.float32(0.95))


def _vessels(spot: Spot) -> Floats:
    """A tree of thin vessels from one side across the lesion."""
    rng, radius = spot.rng, spot.radius_mm
    start, length = rng.random() * 2 * pi, 26
    points = []
    for branch in range(7):
        n = rng.standard_normal(length)
        at = start + (0.5 if branch else 0.0) * rng.standard_normal()
        away = -0.75 + 0.2 * branch * rng.random()
        heading = at + np.cumsum(0.13 * n) + (0.8 * (branch % 2 * 2 - 1) if branch else 0.0)
        step = radius * 1.35 / length * (1 if branch == 0 else 0.6)
        y = away * radius * np.sin(start) + np.cumsum(step * np.sin(heading))
        x = away * radius * np.cos(start) + np.cumsum(step * np.cos(heading))
        points.append(np.stack([y, x, np.full(length, step * (0.24 if branch == 0 else 0.15))]))
    y, x, amount = np.concatenate(points, axis=1)
    turn, pixel = radians(spot.turn_deg), spot.grid.spacing_mm[0]
    row = (y * cos(turn) + x * sin(turn) + spot.middle_mm[0]) / pixel + spot.grid.shape[0] / 2
    column = (x * cos(turn) - y * sin(turn) + spot.middle_mm[1]) / pixel + spot.grid.shape[1] / 2
    side = max(spot.grid.shape)
    laid = np.zeros((side, side), np.float32)
    lay_tubes(laid, column, row, amount / pixel**2, max(0.09 / pixel, 0.3))
    return laid[: spot.grid.shape[0], : spot.grid.shape[1]]


def _psoriasis(spot: Spot, lesion: Lesion, found: Floats, scale: Floats) -> None:
    """A red plaque under silvery scale."""
    found[BLOOD] += spot.cover * (0.62 + 0.12 * spot.grain(1.5))
    silvery = lesion.attributes["texture"] == "silvery scale"
    flakes = 0.45 + 0.5 * spot.grain(1.2) + 0.35 * spot.grain(0.5) + (0.1 if silvery else -0.25)
    inner = np.clip((np.float32(0.97) - spot.rho) * 5, 0, 1)
    scale += spot.cover * inner * np.clip(flakes, 0, 1) * np.float32(0.58 if silvery else 0.42)


def _ringworm(spot: Spot, lesion: Lesion, found: Floats, scale: Floats) -> None:
    """A red ring with fine scale at its rim, nearly healed in the middle."""
    ring = np.exp(-(((spot.rho - np.float32(0.82)) / np.float32(0.15)) ** 2))
    found[BLOOD] += spot.cover * (0.14 + ring * (0.55 + 0.2 * spot.grain(1.3)))
    flakes = np.clip(spot.grain(0.7) - 0.05, 0, 1) * np.clip((spot.rho - 0.62) * 4, 0, 1)
    scale += spot.cover * flakes * np.float32(0.6 if lesion.attributes["texture"] == "silvery scale" else 0.42)


def _hemangioma(spot: Spot, lesion: Lesion, found: Floats, scale: Floats) -> None:
    """Lakes of blood, bright or purple."""
    purple = lesion.attributes["color"] == "purple"
    lakes = np.clip(spot.grain(0.9) * 1.5 + 0.7, 0, 1)
    found[BLOOD] += spot.cover * (0.85 + 0.85 * lakes)
    found[DEEP] += spot.cover * (lakes * np.float32(0.55 if purple else 0.05))


_PAINTERS: dict[str, Callable[[Spot, Lesion, Floats, Floats], None]] = {
    "melanoma": _melanoma,
    "nevus": _nevus,
    "seborrheic keratosis": _keratosis,
    "basal cell carcinoma": _carcinoma,
    "psoriasis": _psoriasis,
    "ringworm": _ringworm,
    "hemangioma": _hemangioma,
}
