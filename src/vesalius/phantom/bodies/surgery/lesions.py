"""What can go wrong, or be wrong, in a cholecystectomy: where it lies and how it looks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from vesalius.phantom.bodies.surgery.field import Anatomy, along_tube
from vesalius.phantom.bodies.surgery.maps import Maps, spot
from vesalius.phantom.bodies.surgery.view import Color, Frames, Pair, Slices, Surface
from vesalius.phantom.case import Case
from vesalius.phantom.truth import Bools, Floats, Lesion

STONES: dict[str, Color] = {"yellow": (0.80, 0.62, 0.22), "brown": (0.45, 0.28, 0.12), "black": (0.13, 0.11, 0.10)}
_SIDES = 9  # stream of the body
_STRANDS = 6  # of an adhesion
_GROWN = 0.7  # share of the clip at which blood has come to its size
_BEFORE = 0.72  # what of its size blood has when it begins


@dataclass(frozen=True, eq=False)
class Placed:
    """A lesion: its middle in the body, mm, and whether it moves with the gallbladder; `begins` as a share of the clip."""

    lesion: Lesion
    place: Pair
    pulled: bool
    begins: float
    numbers: Callable[[], np.random.Generator]

    @property
    def radius_mm(self) -> float:
        """Half its size; 0 where it has none."""
        return (self.lesion.size_mm or 0.0) / 2

    def there(self, moments: Floats) -> Bools:
        """(T,): whether it has begun."""
        return np.asarray(moments >= self.begins)


@dataclass(frozen=True, eq=False)
class Scene:
    """What the painters work on: some frames of one clip."""

    surface: Surface
    anatomy: Anatomy
    maps: Maps
    frames: Frames
    gallbladder: Bools


def place_all(case: Case, anatomy: Anatomy) -> list[Placed]:
    """Where each lesion lies: the same at both visits."""
    return [_put(case, anatomy, lesion) for lesion in case.lesions]


def _put(case: Case, a: Anatomy, lesion: Lesion) -> Placed:
    rng = case.place(lesion)
    shares, aside, late = rng.uniform(0, 1, 2), rng.uniform(-1, 1, 2), rng.uniform(0, 0.35)
    triangle = (0.5 * (a.neck[0] + a.duct_end[0]), 0.5 * (a.neck[1] + a.duct_end[1]))
    begins, pulled = 0.0, False
    if lesion.finding == "spilled stone":
        # Slots side by side, so that stones do not lie on one another.
        slot = (lesion.number - 1) % 4
        place = (-24 + 16 * slot + 4 * aside[0], 27 + 8 * shares[1])
    elif lesion.finding == "perforation":
        share = 0.38 + 0.34 * shares[0]
        middle, half = a.on_axis(share), a.half_at(share)
        place, pulled = (middle[0] + 0.4 * half * aside[0], middle[1] + 0.3 * half * aside[1]), True
    elif lesion.finding == "cholecystitis":
        place, pulled = a.on_axis(0.5), True
    elif lesion.finding == "adhesion":
        place, pulled = a.on_axis(0.40 + 0.25 * shares[0]), True
    else:
        begins = late if lesion.finding == "bleeding" and shares[0] < 0.6 else 0.0
        bed = a.on_axis(0.35)
        # Blood on one side of a patient's field and bile on the other, so that neither hides the other.
        side = (1 if case.body(_SIDES).random() < 0.5 else -1) * (1 if lesion.finding == "bleeding" else -1)
        zones = {
            "liver bed": (bed[0] + side * (a.half_at(0.35) + 5), bed[1] - 3 + 3 * aside[1]),
            "hepatocystic triangle": (triangle[0] + side * (4 + 3 * shares[1]), triangle[1] + 3 * aside[1]),
            "omentum": (0.5 * triangle[0] + side * (7 + 11 * shares[1]), 22 + 4 * aside[1]),
        }
        place = zones[str(lesion.zone)]
    return Placed(lesion, (float(place[0]), float(place[1])), pulled, begins, lambda: case.place(lesion, 1))


def paint(scene: Scene, placed: Sequence[Placed]) -> dict[str, Bools]:
    """Paint lesions over the field, what is fixed to an organ first. Masks (T, Y, X) by `Lesion.mask`."""
    masks: dict[str, Bools] = {}
    for item in sorted(placed, key=lambda one: list(PAINTERS).index(one.lesion.finding)):
        box, inside = PAINTERS[item.lesion.finding](scene, item)
        mask = np.zeros(scene.frames.x.shape, np.bool_)
        mask[box] = inside
        if item.lesion.finding != "perforation":  # an inflamed wall is inflamed around a hole, too
            masks = {name: other & ~mask for name, other in masks.items()}
        masks[item.lesion.mask] = mask
    return masks


def _nearest(scene: Scene, radius_mm: float) -> float:
    """A radius that at least the nearest pixel's center lies within."""
    return max(radius_mm, 0.72 * scene.frames.step_mm)


def outline(x: Floats, y: Floats, radius_mm: Floats | float, uneven: float, phase: float) -> Floats:
    """Distance relative to a wavy outline, below 1 within; its greatest diameter is twice `radius_mm`."""
    turn = np.arctan2(y, x) - np.float32(phase)
    waves = np.sin(3 * turn + np.float32(phase)) + 0.8 * np.sin(5 * turn + np.float32(2 * phase)) + 0.5 * np.sin(8 * turn)
    inward = np.maximum(np.float32(0.45 * uneven) + np.float32(0.34 * uneven) * waves, 0)
    inward *= np.sin(turn) ** 2
    distance: Floats = np.sqrt(x * x + y * y)
    distance /= (1 - inward * np.float32(0.55)) * np.asarray(radius_mm, np.float32)
    return distance


def _cholecystitis(scene: Scene, item: Placed) -> tuple[Slices, Bools]:
    """An inflamed gallbladder: thick and red, with swollen vessels and fibrin; when severe, dying in dark patches."""
    grade = ("mild", "moderate", "severe").index(str(item.lesion.severity))
    a, frames, surface = scene.anatomy, scene.frames, scene.surface
    box = frames.box(a.on_axis(0.55), 0.75 * abs(a.fundus[1] - a.neck[1]) + 18, pull=1)
    inside = scene.gallbladder[box]
    there = spot(*frames.around((0, 0), box, pull=1))
    vessels, cloud, grain = there.of(scene.maps.vessels), there.of(scene.maps.cloud), there.of(scene.maps.grain)
    flush = np.clip(0.45 + 0.35 * cloud, 0.12, 0.9) * np.float32((0.6, 0.85, 0.95)[grade])
    surface.blend(box, inside, (0.78, 0.30, 0.24), flush)
    surface.blend(box, inside, (0.55, 0.07, 0.07), np.clip(vessels * np.float32(1.3), 0, 0.9))
    fibrin = np.clip(cloud * np.float32(1.5) + grain * np.float32(0.25) - np.float32((1.25, 0.75, 0.7)[grade]), 0, 0.85)
    surface.blend(box, inside, (0.93, 0.88, 0.66), fibrin)
    if grade == 2:
        dead = np.clip(-cloud * np.float32(2.0) + grain * np.float32(0.2) - np.float32(0.7), 0, 0.9)
        surface.blend(box, inside, (0.16, 0.17, 0.12), dead)
    bump = grain * np.float32(0.10 + 0.07 * grade)
    for axis in range(2):
        part = surface.slope[axis][box]
        np.copyto(part, part * np.float32(0.85) + bump, where=inside)
    np.copyto(surface.gloss[box], np.float32(0.6), where=inside)
    return box, inside


def _adhesion(scene: Scene, item: Placed) -> tuple[Slices, Bools]:
    """Strands with a film between them, from the gallbladder to the fat below."""
    rng, length = item.numbers(), float(item.lesion.size_mm or 0)
    dense = item.lesion.attributes["shape"] == "dense"
    a = scene.anatomy
    side, lean, spread = (1 if rng.random() < 0.5 else -1), rng.uniform(0.65, 1.1), rng.uniform(0.20, 0.27)
    bows, widths = rng.uniform(-3, 3, _STRANDS), rng.uniform(0.4, 0.8, _STRANDS)
    axis_x, axis_y = a.fundus[0] - a.neck[0], a.fundus[1] - a.neck[1]
    span = (axis_x**2 + axis_y**2) ** 0.5
    # Away from the gallbladder's axis and towards its neck, where the fat is.
    ux = (-side * axis_y * cos(lean) - axis_x * sin(lean)) / span
    uy = (side * axis_x * cos(lean) - axis_y * sin(lean)) / span
    away = length / 2 + a.half_at(0.5) * 0.45
    middle = (item.place[0] + ux * away, item.place[1] + uy * away)
    start, end = (
        (middle[0] - ux * length / 2, middle[1] - uy * length / 2),
        (middle[0] + ux * length / 2, middle[1] + uy * length / 2),
    )
    box = scene.frames.box(middle, length / 2 + 2, pull=1)
    along, aside = along_tube(scene.frames.pulled(), (start, end, 0.0), box)
    share = along * np.float32(1 / length)
    round_ = (share > 0) & (share < 1)
    wide = _nearest(scene, spread * length) * (0.30 + 0.70 * np.clip(share, 0, 1))
    wide *= np.sqrt(np.maximum(1 - (2 * share - 1) ** 8, 0))
    film = round_ & (np.abs(aside) < wide)
    strand = np.zeros(film.shape, np.float32)
    for number in range(_STRANDS):
        middle_line = (number - 2.5) * 0.36 * wide + np.float32(bows[number]) * share * (1 - share)
        half = np.float32(max(widths[number] * (1.8 if dense else 1.1), 0.55 * scene.frames.step_mm))
        strand = np.maximum(strand, np.clip(1.4 - np.abs(aside - middle_line) / half, 0, 1))
    threads = np.sin(along * np.float32(1.7) + aside * np.float32(2.3)) * np.float32(0.08)
    veil = (0.60 if dense else 0.30) + threads
    scene.surface.blend(box, film, (0.97, 0.84, 0.74), np.clip(veil + strand * np.float32(0.6), 0, 0.95))
    for axis, normal in enumerate((-uy, ux)):
        part = scene.surface.slope[axis][box]
        np.copyto(part, part * np.float32(0.5) + strand * np.float32(0.5 * normal), where=film)
    np.copyto(scene.surface.gloss[box], np.float32(1.1), where=film)
    return box, film


def _perforation(scene: Scene, item: Placed) -> tuple[Slices, Bools]:
    """A ragged hole of the gallbladder's wall with a red rim, dark and green within."""
    radius = _nearest(scene, item.radius_mm)
    box = scene.frames.box(item.place, radius, pull=1)
    x, y = scene.frames.around(item.place, box, pull=1)
    out = outline(x, y, radius, 0.7, float(item.numbers().uniform(0, 6)))
    inside = out < 1
    hole = np.clip((0.74 - out) * 8, 0, 1)
    scene.surface.blend(box, inside, (0.62, 0.10, 0.08), np.full(out.shape, 0.9, np.float32))
    scene.surface.blend(box, inside, (0.10, 0.11, 0.03), hole * np.float32(0.96))
    for axis, part in enumerate((x, y)):
        slope = scene.surface.slope[axis][box]
        np.copyto(slope, slope - part * np.exp(-(((out - 0.75) / 0.2) ** 2)) * np.float32(1.2 / radius), where=inside)
    np.copyto(scene.surface.gloss[box], (0.9 - 0.7 * hole).astype(np.float32), where=inside)
    return box, inside


def _pool(scene: Scene, item: Placed, color: Color, thick: float) -> tuple[Slices, Bools]:
    """A wet pool with runlets on its way down; its greatest diameter is its size when it has grown."""
    rng, frames = item.numbers(), scene.frames
    turn, phases, wide = float(rng.uniform(-0.5, 0.5) + pi / 2), rng.uniform(0, 2 * pi, 3), rng.uniform(0.42, 0.60)
    grown = np.clip((frames.moments - item.begins) / max(_GROWN - item.begins, 1e-3), 0, 1)
    if item.lesion.finding != "bleeding":
        grown[:] = 1
    radius = (_BEFORE + (1 - _BEFORE) * grown)[:, None, None].astype(np.float32) * np.float32(item.radius_mm)
    radius = np.maximum(radius, np.float32(_nearest(scene, 0)))
    box = frames.box(item.place, _nearest(scene, item.radius_mm))
    x, y = frames.around(item.place, box)
    down = (x * np.float32(cos(turn)) + y * np.float32(sin(turn))) / radius
    aside = (y * np.float32(cos(turn)) - x * np.float32(sin(turn))) / radius
    # Its outline touches the circle of its size at both ends and stays within it everywhere else.
    round_ = np.maximum(1 - down * down, 0)
    aside -= np.sin(down * 3 + np.float32(phases[0])) * round_ * np.float32(0.14)
    waves = 1 + 0.28 * np.sin(down * np.float32(4.3) + np.float32(phases[1])) + 0.16 * np.sin(down * 9 + np.float32(phases[2]))
    half = np.sqrt(round_) * waves * np.float32(wide)
    out = np.sqrt(down * down * np.float32(0.3) + (aside / np.maximum(half, np.float32(1e-3))) ** 2 * np.float32(0.7))
    inside = (np.abs(aside) < half) & item.there(frames.moments)[:, None, None]
    grain = spot(x, y).of(scene.maps.grain)
    deep = np.clip((1 - out) * 3.5, 0, 1)
    scene.surface.blend(box, inside, color, np.clip(thick + (1 - thick) * deep, 0, 0.97))
    rim = np.exp(-(((out - 0.9) / 0.12) ** 2)) * np.float32(0.55)
    for axis, part in enumerate((x, y)):
        slope = scene.surface.slope[axis][box]
        wet = slope * np.float32(0.22) + part / np.maximum(radius, 1) * rim + grain * np.float32(0.05)
        np.copyto(slope, wet, where=inside)
    np.copyto(scene.surface.gloss[box], np.float32(1.4), where=inside)
    return box, inside


def _bleeding(scene: Scene, item: Placed) -> tuple[Slices, Bools]:
    """Fresh blood that spreads."""
    return _pool(scene, item, (0.46, 0.03, 0.03), 0.72)


def _bile_leak(scene: Scene, item: Placed) -> tuple[Slices, Bools]:
    """A pool of golden-green bile."""
    return _pool(scene, item, (0.56, 0.52, 0.06), 0.66)


def _stone(scene: Scene, item: Placed) -> tuple[Slices, Bools]:
    """A faceted stone."""
    radius, rng = _nearest(scene, item.radius_mm), item.numbers()
    box = scene.frames.box(item.place, radius)
    x, y = scene.frames.around(item.place, box)
    phase, facets = float(rng.uniform(0, 6)), rng.uniform(0, 2 * pi, 5)
    out = outline(x, y, radius, 0.16, phase)
    inside = out < 1
    steep = np.reciprocal(np.sqrt(np.maximum(1 - out * out, np.float32(0.12))))
    slope_x, slope_y = x * steep * np.float32(0.9 / radius), y * steep * np.float32(0.9 / radius)
    for number, angle in enumerate(facets):
        toward = (x * np.float32(cos(angle)) + y * np.float32(sin(angle))) * np.float32(1 / radius)
        flat = np.clip((toward - np.float32(0.35)) * 12, 0, 1)
        lean = 0.5 + 0.12 * number
        slope_x += (np.float32(lean * cos(angle)) - slope_x) * flat
        slope_y += (np.float32(lean * sin(angle)) - slope_y) * flat
    color = STONES[item.lesion.attributes["color"]]
    tone = 1 + 0.12 * np.sin(out * 9 + np.float32(phase))
    scene.surface.cover(box, inside, tuple(tone * np.float32(part) for part in color), (slope_x, slope_y), 0.7)
    return box, inside


PAINTERS: dict[str, Callable[[Scene, Placed], tuple[Slices, Bools]]] = {
    "cholecystitis": _cholecystitis,
    "adhesion": _adhesion,
    "perforation": _perforation,
    "bile leak": _bile_leak,
    "bleeding": _bleeding,
    "spilled stone": _stone,
}
