"""What can be wrong with a colon's wall, where it lies and how it looks from within."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import asin, cos, pi, sin

import numpy as np

from vesalius.phantom.bodies.endoscopy.lumen import Camera, Tube
from vesalius.phantom.bodies.endoscopy.things import Met, ball, lay, lumpy, on_wall, outline
from vesalius.phantom.bodies.endoscopy.view import Optics, Surface
from vesalius.phantom.bodies.endoscopy.wall import Color, Mucosa
from vesalius.phantom.case import Case
from vesalius.phantom.truth import Bools, Floats, Lesion

ZONES = {"right": 0.0, "lower": pi / 2, "left": pi, "upper": -pi / 2}  # angle about the axis, as seen in the picture
_SIDEWAYS = (-0.50, 0.0, 0.50)  # radians from the middle of a zone
_ROWS = 3  # along the tube
_ORDER = 20  # stream of a lesion's preferences; the painters have streams of their own


@dataclass(frozen=True, eq=False)
class Placed:
    """A lesion on the wall: the place (3,) in mm, the unit vectors into the tube and around it."""

    lesion: Lesion
    point: Floats
    up: Floats
    around: Floats
    numbers: Callable[[], np.random.Generator]  # a generator that starts anew: the same for every frame

    @property
    def radius_mm(self) -> float:
        """Half its size; 0 where it has none."""
        return (self.lesion.size_mm or 0.0) / 2


def place_all(case: Case, tube: Tube, fold: int) -> list[Placed]:
    """Where each lesion lies: on the near side of fold number `fold`, where the camera can see it.

    Lesions of the visit before come first, resolved ones too, so that none moves when another goes or comes.
    """
    old = [lesion for lesion in (*case.lesions, *case.resolved) if lesion.change != "new"]
    old.sort(key=lambda lesion: (lesion.finding, lesion.number))
    new = [lesion for lesion in case.lesions if lesion.change == "new"]
    taken: list[tuple[int, int, int]] = []
    found = []
    for lesion in (*old, *new):
        cell = _cell(case.place(lesion, _ORDER), lesion, taken)
        taken.append(cell)
        if lesion in case.lesions:
            found.append(_put(case, tube, fold, lesion, cell))
    return found


def _cell(rng: np.random.Generator, lesion: Lesion, taken: Sequence[tuple[int, int, int]]) -> tuple[int, int, int]:
    """A zone, a row and a place sideways that are free and, if possible, have no neighbor."""
    zone = list(ZONES).index(lesion.zone) if lesion.zone in ZONES else int(rng.integers(4))
    cells = [(zone, int(number) // 3, int(number) % 3) for number in rng.permutation(3 * _ROWS)]
    # What stands on the wall hides what is behind it: it never lies in the first row, nor anything else in the last.
    cells = [cell for cell in cells if cell[1] != (0 if lesion.finding == "polyp" else _ROWS - 1)]
    # Counted around the tube, places sideways of neighboring zones are neighbors too.
    rings = [(row, 3 * around + side) for around, row, side in taken]

    def crowded(cell: tuple[int, int, int]) -> int:
        ring = 3 * cell[0] + cell[2]
        steps = [abs(cell[1] - row) + min((ring - other) % 12, (other - ring) % 12) for row, other in rings]
        return -min([*steps, 3])

    return min(cells, key=crowded)


def _put(case: Case, tube: Tube, fold: int, lesion: Lesion, cell: tuple[int, int, int]) -> Placed:
    rng = case.place(lesion, _ORDER + 1)
    angle = list(ZONES.values())[cell[0]] + _SIDEWAYS[cell[2]] + rng.uniform(-0.1, 0.1)
    before = (rng.uniform(0.31, 0.37), rng.uniform(0.19, 0.25), rng.uniform(0.04, 0.10))[cell[1]]
    z = float(tube.fold_z[fold]) - before * tube.gap  # nearer to the fold before, that one would hide it
    point, up = tube.point(angle, z)
    around = np.array([-sin(angle), cos(angle), 0], np.float32)
    return Placed(lesion, point, up, around, lambda: case.place(lesion, _ORDER + 2))


@dataclass(frozen=True, eq=False)
class Scene:
    """What the painters work on: some frames of one clip."""

    surface: Surface
    tube: Tube
    mucosa: Mucosa
    camera: Camera
    lens: Optics

    def at_least(self, radius_mm: float, point: Floats) -> float:
        """A radius that at least the nearest pixel's center lies within."""
        distance = float(self.lens.place(self.camera, point)[2].min())
        return max(radius_mm, 0.75 * self.lens.step * distance)


def paint(scene: Scene, placed: Sequence[Placed]) -> dict[str, Bools]:
    """Paint lesions over the wall: those of the wall first, then what stands on it. Masks (T, Y, X) by `Lesion.mask`."""
    shape = scene.surface.distance.shape
    masks: dict[str, Bools] = {}
    for item in sorted(placed, key=lambda one: list(PAINTERS).index(one.lesion.finding)):
        met = PAINTERS[item.lesion.finding](scene, item)
        mask = np.zeros(shape, np.bool_)
        for part in met:
            mask[part.box] |= part.mask
        if item.lesion.finding == "polyp":
            masks = {name: other & ~mask for name, other in masks.items()}
        masks[item.lesion.mask] = mask
    return masks


def _colitis(scene: Scene, item: Placed) -> list[Met]:
    """Inflamed mucosa all around: no vessels, granular, in places eroded or oozing, the more the worse."""
    grade = ("mild", "moderate", "severe").index(str(item.lesion.severity))
    hits, numbers, surface = scene.surface.hits, item.numbers(), scene.surface
    phase = numbers.uniform(0, 6, 3)
    edge = np.sin(hits.angle * 2 + np.float32(phase[0])) * np.float32(2.2) + np.sin(hits.angle * 5 + np.float32(phase[1]))
    low, high = span_of_colitis(item)
    mask = (hits.z > edge + np.float32(low)) & (hits.z < edge + np.float32(high)) & ~hits.far
    relief, patches = (surface.hits_map(table) for table in (scene.mucosa.relief, scene.mucosa.patches))
    worse = (0.55, 0.8, 1.0)[grade]
    grain = np.sin(hits.angle * np.float32(46) + patches * 2) * np.sin(hits.z * np.float32(3.3) + relief * 2)
    pale = np.clip(grain * np.float32(1.4) - np.float32(0.5), 0, 1) * np.float32(worse)
    bleeds = np.clip(patches * np.float32(1.6) + grain * np.float32(0.4) - (2.4, 1.9, 1.5)[grade], 0, 1)
    slough = np.clip(-patches * np.float32(1.8) + relief * np.float32(0.3) - (9.0, 2.2, 1.6)[grade], 0, 1)
    base = scene.mucosa.color
    inflamed = (base[0] * 1.02, base[1] * (1 - 0.10 * worse), base[2] * (1 - 0.06 * worse))
    for channel in range(3):
        color = np.float32(inflamed[channel]) * (1 + relief * np.float32(0.05 * worse) - grain * np.float32(0.05))
        color += (np.float32((0.93, 0.78, 0.66)[channel]) - color) * pale * np.float32(0.8)
        color += (np.float32((0.62, 0.06, 0.05)[channel]) - color) * bleeds
        color += (np.float32((0.90, 0.84, 0.60)[channel]) - color) * slough
        np.copyto(surface.color[channel], color, where=mask)
    bump = (grain + relief) * np.float32(0.16 * worse)
    np.copyto(surface.normal[0], surface.normal[0] + bump, where=mask)
    np.copyto(surface.normal[2], surface.normal[2] - bump, where=mask)
    np.copyto(surface.gloss, np.float32(0.8), where=mask)
    everywhere = (slice(None), slice(None), slice(None))
    return [Met(everywhere, mask, hits.distance, [hits.x, hits.y, hits.z], surface.normal)]


def span_of_colitis(item: Placed) -> tuple[float, float]:
    """Where along the tube the inflamed segment begins and ends, mm, before its edge wanders."""
    middle = float(item.point[2])
    return middle - 14.0, middle + 16.0


def _angiodysplasia(scene: Scene, item: Placed) -> list[Met]:
    """A cherry-red tuft of vessels that spread like a fern from one spot."""
    radius = scene.at_least(item.radius_mm, item.point)
    met = on_wall(scene.surface, scene.camera, scene.lens, item.point, radius)
    if met is None:
        return []
    numbers = item.numbers()
    arms, phase, curl = int(numbers.integers(5, 8)), numbers.uniform(0, 6), numbers.uniform(-1.5, 1.5)
    distance = np.sqrt(sum(part * part for part in met.from_middle)) * np.float32(1 / radius)
    turn = np.arctan2(met.from_middle[2], met.along(item.around))
    turn += distance * np.float32(curl)
    fern = np.cos(turn * np.float32(arms) + np.float32(phase)) + 0.7 * np.cos(distance * 14 + turn * 3)
    share = np.clip(1.25 - 0.9 * distance + 0.55 * fern, 0.16, 0.97)
    share *= np.clip((1 - distance) * 6, 0, 1)
    for channel, part in enumerate((0.80, 0.07, 0.09)):
        color = scene.surface.color[channel][met.box]
        np.copyto(color, color + (np.float32(part) - color) * share, where=met.mask)
    return [met]


def _ulcer(scene: Scene, item: Placed) -> list[Met]:
    """A floor of yellow-white fibrin below the wall, with a red rim."""
    radius = scene.at_least(item.radius_mm, item.point)
    met = on_wall(scene.surface, scene.camera, scene.lens, item.point, radius)
    if met is None:
        return []
    uneven = {"sharp": 0.1, "irregular": 0.75}[item.lesion.attributes["margin"]]
    phase = float(item.numbers().uniform(0, 6))
    out = outline(met, item.around, radius, uneven, phase)
    met.mask &= out < 1
    relief = scene.surface.hits_map(scene.mucosa.relief)[met.box]
    floor = np.clip((0.76 - out + 0.05 * relief) * 9, 0, 1)
    mottle = 1 + 0.10 * relief
    for channel in range(3):
        rim = np.float32((0.78, 0.16, 0.14)[channel]) * mottle
        base = np.float32((0.93, 0.86, 0.62)[channel]) * mottle
        color = scene.surface.color[channel][met.box]
        edge = color + (rim - color) * np.clip((1 - out) * 8, 0, 0.85)
        np.copyto(color, edge + (base - edge) * floor, where=met.mask)
    # The rim's inner slope leans to the middle: light catches it on one side only.
    slope = np.exp(-(((out - 0.74) / 0.12) ** 2)) * np.float32(0.7 / radius)
    for axis in range(3):
        normal = scene.surface.normal[axis][met.box]
        np.copyto(normal, normal - met.from_middle[axis] * slope, where=met.mask)
    np.copyto(scene.surface.gloss[met.box], np.float32(0.35), where=met.mask)
    return [met]


def _bleeding(scene: Scene, item: Placed) -> list[Met]:
    """Fresh blood that runs aslant along the wall from where it comes out; its length is its size."""
    numbers = item.numbers()
    lean, phase = (1 if numbers.random() < 0.5 else -1) * numbers.uniform(0.75, 1.2), numbers.uniform(0, 6)
    # Around the tube the wall bends towards its middle: blood whose ends are that far apart begins nearer to the middle.
    bend = sin(lean) ** 2 / (2 * scene.tube.radius)
    radius = sin(0.5 * asin(min(2 * item.radius_mm * bend, 0.95))) / bend
    radius = scene.at_least(radius, item.point)
    met = on_wall(scene.surface, scene.camera, scene.lens, item.point, radius)
    if met is None:
        return []
    sideways, along = met.along(item.around), met.from_middle[2]
    run = (along * cos(lean) + sideways * sin(lean)) * np.float32(1 / radius)
    across = (sideways * cos(lean) - along * sin(lean)) * np.float32(1 / radius)
    across += np.sin(run * np.float32(4.2) + np.float32(phase)) * np.float32(0.13) * (1 - run * run)
    # A pool where it comes out and a stream that gets narrower: the whole is as long as the ball is wide.
    pool = np.sqrt(np.maximum(0.16 - (run - 0.56) ** 2, 0))
    stream = 0.20 + 0.05 * np.sin(run * 9 + np.float32(phase)) - 0.10 * (0.5 - 0.5 * run)
    round_ = np.sqrt(np.maximum(1 - run**4, 0))
    half = np.maximum(pool, stream * round_)
    met.mask &= np.abs(across) < half
    thick = np.clip((1 - np.abs(across) / np.maximum(half, 1e-3)) * 3.0, 0.45, 1)
    for channel, part in enumerate((0.66, 0.035, 0.03)):
        color = scene.surface.color[channel][met.box]
        np.copyto(color, color + (np.float32(part) - color) * thick, where=met.mask)
    for axis, bare in enumerate(scene.surface.hits.normal):
        normal = scene.surface.normal[axis][met.box]
        smooth = bare.reshape(scene.surface.distance.shape)[met.box] + item.around[axis] * across * np.float32(1.4)
        np.copyto(normal, smooth, where=met.mask)
    np.copyto(scene.surface.gloss[met.box], np.float32(1.3), where=met.mask)
    return [met]


def _diverticulum(scene: Scene, item: Placed) -> list[Met]:
    """A pouch behind a round hole of the wall: what is seen in the hole is the pouch's far side."""
    radius = scene.at_least(item.radius_mm, item.point)
    hole = on_wall(scene.surface, scene.camera, scene.lens, item.point, radius)
    if hole is None:
        return []
    numbers = item.numbers()
    deep = radius * float(numbers.uniform(1.3, 1.9))
    out = outline(hole, item.around, radius, 0.0, float(numbers.uniform(0, 6)))
    hole.mask &= out < 1
    sac = ball(scene.surface, scene.camera, scene.lens, item.point, item.up, (radius * 1.02, deep), behind_in=hole.box)
    assert sac is not None
    inner = sac.mask & hole.mask
    below = np.clip(-sac.along(item.up) / np.float32(deep), 0, 1)
    lip = np.clip((out - 0.80) * 5.5, 0, 1)
    dark = (1 - np.clip(below * 1.25, 0, 0.93)) * (0.35 + 0.65 * lip)
    pale = np.clip(lip * 0.30, 0, 1)
    color = tuple(
        np.float32(scene.mucosa.color[channel] * (0.95, 0.80, 0.75)[channel]) * (1 - pale)
        + pale * np.float32((1.0, 0.86, 0.76)[channel])
        for channel in range(3)
    )
    sac.mask = inner
    lay(scene.surface, sac, color, gloss=0.1, open_=dark)
    return [hole]


def _polyp(scene: Scene, item: Placed) -> list[Met]:
    """A growth on the wall: flat, broad-based or on a stalk."""
    radius, numbers, up = scene.at_least(item.radius_mm, item.point), item.numbers(), item.up
    tilt, phase, waves = numbers.uniform(-0.35, 0.35, 2), numbers.uniform(0, 6, 3), numbers.uniform(1.1, 1.9)
    base = scene.mucosa.color
    red = item.lesion.attributes["color"] == "red"
    tint: Color = (base[0] * 0.98, base[1] * 0.66, base[2] * 0.66) if red else (0.90, 0.5 * base[1] + 0.30, 0.5 * base[2] + 0.25)
    parts: list[Met] = []
    shape = item.lesion.attributes["shape"]
    middle = item.point + up * np.float32(0.08 * radius)
    if shape == "pedunculated":
        lean = up + item.around * np.float32(tilt[0]) + np.array([0, 0, tilt[1] - 0.35], np.float32)
        lean = (lean / np.sqrt((lean * lean).sum())).astype(np.float32)
        high = 0.75 * radius + 2.5
        stalk = ball(scene.surface, scene.camera, scene.lens, item.point, lean, (max(0.34 * radius, 0.5), high))
        if stalk is not None:
            lay(scene.surface, stalk, (base[0], 0.9 * base[1], 0.9 * base[2]), gloss=0.6)
            parts.append(stalk)
        middle, up = item.point + lean * np.float32(high), lean
    tall = {"flat": 0.30, "sessile": 0.80, "pedunculated": 0.88}[shape]
    head = ball(scene.surface, scene.camera, scene.lens, middle.astype(np.float32), up, (radius, max(tall * radius, 0.6)))
    if head is None:
        return parts
    lobes = np.float32(waves * 2.6 / radius)
    pits = sum(np.cos(part * 2 * lobes + np.float32(shift)) for part, shift in zip(head.from_middle, phase, strict=True))
    shade = 1 + pits * np.float32(0.035)
    lumpy(head, float(lobes), 0.34 if shape != "flat" else 0.22, phase)
    rise = np.clip(head.along(up) * np.float32(1.6 / max(tall * radius, 0.6)) + 0.55, 0.45, 1)
    lay(scene.surface, head, tuple(shade * part for part in tint), gloss=0.7, open_=rise if shape != "pedunculated" else 1.0)
    return [*parts, head]


PAINTERS: dict[str, Callable[[Scene, Placed], list[Met]]] = {
    "colitis": _colitis,
    "angiodysplasia": _angiodysplasia,
    "ulcer": _ulcer,
    "diverticulum": _diverticulum,
    "bleeding": _bleeding,
    "polyp": _polyp,
}
