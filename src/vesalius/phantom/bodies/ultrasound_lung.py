"""The chest wall and the lung under an ultrasound probe laid along the body: ribs, pleura that slides, air, fluid, solid lung.

Frame: x to the feet, y into the body. The wall stays; the lung's surface moves along x with each breath and everything under it
follows. Air sends all sound back: what is seen below it are echoes between pleura and probe (A-lines) and ring-down (B-lines).
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from vesalius.phantom.bodies.ultrasound_beam import (
    LINES,
    SAMPLES,
    TISSUE_DB_PER_MM,
    Probe,
    Scene,
    Screen,
    Tissue,
    decibel,
    facing,
    field_axes,
)
from vesalius.phantom.case import Case
from vesalius.phantom.paint import noise as smooth
from vesalius.phantom.truth import Bools, Floats

B_LINES = {"mild": (3, 3), "moderate": (4, 4), "severe": (5, 6)}  # how many, healthy lungs have none to two
ZONES = {"cranial half": -1.0, "caudal half": 1.0}
_TABLE = 256  # knots of textures along the pleura
_KNOT_MM = 0.75


@dataclass(frozen=True, eq=False)
class Lung:
    """One patient's chest wall and lung; lengths in millimetres.

    `b_lines` are places along the pleura. `fluid` is (greatest depth, place of it, half width), `solid` the same of consolidated
    lung; depth 0 for none.
    """

    probe: Probe
    fat: float
    pleura: float  # depth of the parietal pleura in the middle
    tilt: float  # how it falls to the right, mm per mm
    bend: float  # how it bends away, 1/mm
    rib_x: float
    rib_gap: float
    rib: tuple[float, float]  # half width, half height
    sliding: float  # how far the lung moves to each side; 0 with air between
    period_s: float
    phase: float
    a_lines: float  # strength
    b_lines: tuple[float, ...]
    fluid: tuple[float, float, float]
    solid: tuple[float, float, float]
    rough: Floats  # along the lung's surface, (4, _TABLE), about -1 to 1

    def pleura_mm(self, x: Floats) -> Floats:
        """Depth of the parietal pleura."""
        found: Floats = x * np.float32(self.tilt) + x * x * np.float32(self.bend) + np.float32(self.pleura)
        return found

    def texture(self, row: int, x: Floats) -> Floats:
        """One of the textures along the lung's surface."""
        at = (x + np.float32(_KNOT_MM * _TABLE / 2)) * np.float32(1 / _KNOT_MM)
        np.clip(at, 0, _TABLE - 1.001, out=at)
        cell = at.astype(np.int32)
        at -= cell
        low = self.rough[row].take(cell)
        found: Floats = low + at * (self.rough[row].take(cell + 1) - low)
        return found

    def slid_mm(self, time_s: Floats) -> Floats:
        """Where the lung is at each time, (T,)."""
        found: Floats = np.sin(time_s * np.float32(2 * math.pi / self.period_s) + np.float32(self.phase)) * np.float32(
            self.sliding
        )
        return found

    def fluid_mm(self, x: Floats, time_s: Floats) -> Floats:
        """How deep the fluid is at each time (T, 1, 1): in the first frame as deep as stated, then a little less and back."""
        deep, middle, half = self.fluid
        if not deep:
            return 0 * x * time_s
        breath = 1 - np.float32(0.06) * (1 - np.cos(time_s * np.float32(2 * math.pi / self.period_s)))
        found: Floats = _arch(x, middle, half, 1.4) * np.float32(deep) * breath
        return found

    def solid_mm(self, x: Floats) -> Floats:
        """How deep solid lung reaches below its surface; ragged, never deeper than stated. `x` moves with the lung."""
        deep, middle, half = self.solid
        if not deep:
            return 0 * x
        away = np.abs(x - np.float32(middle)) * np.float32(1 / half)
        ragged = 1 - np.clip(away * 2.2, 0, 1) * (0.22 + 0.22 * self.texture(2, x))
        found: Floats = _arch(x, middle, half, 1.0) * ragged * np.float32(deep)
        return found


def _arch(x: Floats, middle: float, half: float, power: float) -> Floats:
    """1 in the middle, 0 beyond the half width."""
    rest = 1 - ((x - np.float32(middle)) * np.float32(1 / half)) ** 2
    np.maximum(rest, 0, out=rest)
    found: Floats = rest if power == 1.0 else rest ** np.float32(power / 2)
    return found


def draw_lung(case: Case) -> Lung:
    """The patient of a case, in an order that does not depend on what is found."""
    rng, pose = case.body(20), case.pose(20)
    shape = rng.random()  # of the probe: straight, a small sector, or curved
    is_straight, is_sector = bool(shape < 0.3), bool(shape > 0.8)
    depth, straight_half = rng.uniform(60, 78) if is_straight else rng.uniform(88, 135), rng.uniform(22, 27)
    radius, half = rng.uniform(46, 62), rng.uniform(0.46, 0.58)
    radius, half = (radius - 30, half + 0.1) if is_sector else (radius, half)
    fat, muscle = rng.uniform(3, 13), rng.uniform(9, 16)
    gap, rib = rng.uniform(27, 36), (rng.uniform(4.5, 6.5), rng.uniform(3.0, 4.2))
    pleura = fat + muscle + 2 * rib[1] - 2
    # Nothing that is stated may lie below the picture.
    depth = max(depth, pleura + 8 + sum(lesion.size_mm or 0.0 for lesion in case.lesions))
    straight, curved = Probe(float(depth), 0.0, float(straight_half)), Probe(float(depth), float(radius), float(half))
    probe = straight if is_straight else curved
    tilt, bend, rib_x = rng.uniform(-0.10, 0.10), rng.uniform(-0.0012, 0.0006), rng.uniform(0, 1)
    sliding, period = rng.uniform(3.5, 8), rng.uniform(2.6, 4.0)
    a_lines = rng.uniform(0.15, 1.0)
    spare, places = int(rng.choice(3, p=(0.5, 0.3, 0.2))), rng.uniform(-1, 1, 8)
    least = float(rng.random())
    rough = smooth(rng, 60, np.linspace(0, 1, _TABLE, dtype=np.float32), np.linspace(0, 1, 4, dtype=np.float32))
    many = spare
    for lesion in case.of("interstitial syndrome"):
        low, high = B_LINES[str(lesion.severity)]
        many = low + int(least * (high - low + 1))
    shift = gap * (rib_x - 0.5) + pose.uniform(-5, 5)
    window = (float(shift + gap / 2), float(gap))
    is_still = bool(case.of("pneumothorax"))
    lung = Lung(
        probe=probe,
        fat=float(fat),
        pleura=float(pleura),
        tilt=float(tilt),
        bend=float(bend),
        rib_x=float(shift),
        rib_gap=float(gap),
        rib=(float(rib[0]), float(rib[1])),
        sliding=0.0 if is_still else float(sliding),
        period_s=float(period),
        phase=float(pose.uniform(-0.7, 0.7) + math.pi * pose.integers(2)),
        a_lines=float(a_lines),
        b_lines=(),
        fluid=_pocket(case, "pleural effusion", probe, pleura, window),
        solid=_pocket(case, "consolidation", probe, pleura, window),
        rough=rough,
    )
    return replace(lung, b_lines=_lines(lung, 0 if is_still else many, places.tolist()))


def _lines(lung: Lung, many: int, places: list[float]) -> tuple[float, ...]:
    """Places of so many B-lines, evenly spread with some jitter over the windows between the ribs that the fan shows."""
    reach = window_mm(lung.probe, lung.pleura) - 3 - 0.5 * lung.sliding
    x = np.arange(-reach, reach, 0.25)
    phase = np.abs((x - lung.rib_x + lung.rib_gap / 2) % lung.rib_gap - lung.rib_gap / 2)
    open_x = x[phase > lung.rib[0] + 1.5]
    found = []
    for number in range(many):
        share = (number + 0.5 + 0.28 * places[number]) / many
        found.append(float(open_x[min(int(share * len(open_x)), len(open_x) - 1)]))
    return tuple(found)


def window_mm(probe: Probe, depth: float) -> float:
    """Half of the fan's width at a depth."""
    return (probe.radius_mm + depth) * math.sin(probe.half) if probe.radius_mm else probe.half


def line_mm(lung: Lung) -> float:
    """Width of a B-line at the pleura."""
    return 1.3 * window_mm(lung.probe, lung.pleura) / LINES + 0.25


def _pocket(case: Case, finding: str, probe: Probe, pleura: float, window: tuple[float, float]) -> tuple[float, float, float]:
    """Depth, place and half width of fluid or solid lung, (0, 0, 1) where there is none.

    `window` is the middle of one window between ribs and the distance to the next: solid lung lies behind a window.
    """
    for lesion in case.of(finding):
        rng, deep = case.place(lesion), float(lesion.size_mm or 0.0)
        wide, u = window_mm(probe, pleura), rng.uniform(-1, 1, 2)
        if finding == "pleural effusion":
            return deep, float(0.5 * wide * u[0]), float(wide * (0.95 + 0.3 * u[1]) + 0.4 * deep)
        side = ZONES[str(lesion.zone)]
        wanted = side * wide * 0.45
        middle = window[0] + window[1] * round((wanted - window[0]) / window[1]) + 2 * u[0]
        middle = side * min(max(side * middle, 0.2 * wide), 0.75 * wide)
        return deep, float(middle), float(min(0.6 * wide, 8 + 0.7 * deep) * (1 + 0.1 * u[1]))
    return 0.0, 0.0, 1.0


def scene(lung: Lung, case: Case, time_s: Floats, sway_mm: Floats) -> Scene:
    """What the beams meet at each time."""
    probe = lung.probe
    start, x, y = field_axes(probe)
    still = Tissue(start, *_wall(lung, case, x, y))
    moving = Tissue((start[0], -2.0), *_air(lung, case, x, y - y[0, 0] - 2))
    at_x, at_y = probe.samples()
    times = time_s[:, None, None]
    surface = lung.pleura_mm(at_x) + lung.fluid_mm(at_x[None], times)
    below = at_y - surface
    slid = lung.slid_mm(times)
    along = at_x - slid + 0 * below
    ghost = _ghosts(lung, at_x, at_y, surface, below, slid)
    return Scene(still, moving, below > 0, along, below, ghost, sway_mm)


def _wall(lung: Lung, case: Case, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Skin, fat with septa, muscle with fibers, ribs, pleura, and fluid behind it: echo, mirror, loss."""
    rng = case.body(21)
    k, p = rng.uniform(0.5, 1.0, 4), rng.uniform(0, 2 * math.pi, 4)
    k, p = k.astype(np.float32), p.astype(np.float32)
    pleura = lung.pleura_mm(x)
    waves = np.sin(x * k[0] * 0.35 + p[0]) * 1.2 + np.sin(x * k[1] * 0.12 + p[1]) * 1.5
    septa = np.maximum(np.sin((y + waves) * k[2] * 1.9 + p[2]), 0) ** 6
    fibers = np.maximum(np.sin((y + 0.5 * waves) * k[3] * 2.6 + p[3] + 0.2 * np.sin(x * 0.3)), 0) ** 3
    fat, muscle = y < lung.fat + 0.3 * waves, y < pleura
    echo = np.where(fat, 0.14 + 1.2 * septa, np.where(muscle, 0.20 + 0.7 * fibers, np.float32(decibel(-42))))
    echo = np.where(y < 1.6, np.float32(1.6), echo).astype(np.float32)
    loss = np.where(muscle, np.float32(0.0), np.float32(-TISSUE_DB_PER_MM * 0.9)) + 0 * echo
    # The pleura is one bright line; a rib is bright in front and lets nothing through.
    nx, ny = -(np.float32(lung.tilt) + 2 * np.float32(lung.bend) * x), np.float32(1) + 0 * x
    turned = facing(nx, ny, lung.probe, x, pleura)
    line = np.exp(-(((y - pleura + 0.5) / 0.55) ** 2)) * turned**6 * np.float32(4.0 if lung.fluid[0] else 1.5)
    phase = (x - np.float32(lung.rib_x) + np.float32(lung.rib_gap / 2)) % np.float32(lung.rib_gap) - np.float32(lung.rib_gap / 2)
    half, high = lung.rib
    deep = pleura - np.float32(high + 2.0)
    squared = (phase / np.float32(half)) ** 2 + ((y - deep) / np.float32(high)) ** 2
    bone = squared < 1
    upward = facing(phase * np.float32(1 / half**2), (y - deep) * np.float32(1 / high**2), lung.probe, x, y)
    front = np.exp(-(((np.sqrt(squared) - 1) * np.float32(high) / 0.6) ** 2)) * (y < deep) * upward**3
    mirror = (line + front * np.float32(4.5) + _septa(lung, case, x, y - pleura)).astype(np.float32)
    echo = np.where(bone, np.float32(0.35), echo)
    loss = np.where(bone, np.float32(7.0), loss)
    return echo, mirror, loss.astype(np.float32)


def _septa(lung: Lung, case: Case, x: Floats, below: Floats) -> Floats:
    """Strands across the fluid of a septated effusion."""
    found = np.zeros(np.broadcast_shapes(x.shape, below.shape), np.float32)
    _, middle, half = lung.fluid
    for lesion in case.of("pleural effusion"):
        if lesion.attributes["content"] != "septated":
            break
        rng = case.place(lesion, 1)
        for number in range(5):
            u = rng.uniform(-1, 1, 4).tolist()
            foot = middle + min(half, 26.0) * (0.42 * (number - 2) + 0.12 * u[0])
            line = foot + 0.9 * u[1] * below + 1.6 * np.sin(below * np.float32(0.35 + 0.1 * u[2]) + np.float32(3 * u[3]))
            found += np.exp(-(((x - line) / np.float32(0.6)) ** 2))
        found *= (below > 0) * np.float32(1.1)
    return found


def _air(lung: Lung, case: Case, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """The lung from its surface on (y from 0): bright line, haze that fades, solid lung with air in its bronchi."""
    rng = case.body(22)
    fade, haze = rng.uniform(14, 34), decibel(rng.uniform(-17, -8))
    uneven = 1 + 0.85 * lung.texture(0, x)
    echo = np.float32(haze) * np.maximum(uneven, 0.2) * np.exp(np.minimum(-y, 0) / np.float32(fade)) + np.float32(decibel(-34))
    line = np.maximum(1 + 0.9 * lung.texture(1, x), 0.12)
    surface = np.exp(-(((y - 0.4) / 0.6) ** 2)) * line * np.float32(3.6)
    loss = np.zeros_like(echo)
    if lung.solid[0]:
        bottom = lung.solid_mm(x)
        inside = (y < bottom) & (y > 0)
        branches = _bronchi(case, lung, x, y)
        patchy = 0.75 + 0.25 * lung.texture(3, x)
        echo = np.where(inside, np.float32(0.75) * patchy + branches * np.float32(1.8), echo)
        edge = np.exp(-(((y - bottom - 0.5) / 0.9) ** 2)) * (bottom > 1) * np.maximum(0.6 + 0.8 * lung.texture(2, x), 0)
        surface = np.where(bottom > 1, surface * np.float32(0.3), surface) + edge * np.float32(3.5)
        tails = np.exp(np.minimum(bottom - y, 0) / np.float32(22)) * (y > bottom) * (bottom > 1)
        echo = np.maximum(echo, tails * np.maximum(0.2 + 0.5 * lung.texture(0, 2.1 * x), 0) * np.float32(0.7))
    return echo.astype(np.float32), surface.astype(np.float32), loss.astype(np.float32)


def _bronchi(case: Case, lung: Lung, x: Floats, y: Floats) -> Floats:
    """Air in the bronchi of solid lung: short bright branches."""
    rng = case.place(case.of("consolidation")[0], 1)
    deep, middle, half = lung.solid
    found = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
    for _ in range(4):
        u = rng.uniform(-1, 1, 4).tolist()
        x0, y0, slope, length = middle + 0.5 * half * u[0], deep * (0.42 + 0.22 * u[1]), 1.2 * u[2], 0.12 * deep * (1.4 + u[3])
        away = np.abs(x - np.float32(x0) - np.float32(slope) * (y - np.float32(y0)))
        found += (away < 0.6) & (np.abs(y - np.float32(y0)) < length)
    return np.minimum(found, 1)


def _ghosts(lung: Lung, x: Floats, y: Floats, surface: Floats, below: Floats, slid: Floats) -> Floats:
    """A-lines at multiples of the pleura's distance, and B-lines from the pleura to the end of every beam."""
    step = np.float32(lung.probe.depth_mm / SAMPLES)
    along = (np.arange(SAMPLES, dtype=np.float32) + np.float32(0.5))[:, None] * step
    first = np.argmax(below[0] > 0, axis=0)
    columns = np.arange(LINES)
    range_mm = (first.astype(np.float32) + np.float32(0.5)) * step
    foot = x[first, columns]
    slope = np.float32(lung.tilt) + 2 * np.float32(lung.bend) * foot
    turned = facing(-slope, np.float32(1) + 0 * foot, lung.probe, foot, y[first, columns]) ** 60
    is_air = lung.solid_mm(foot) < 1
    a_lines = np.zeros((SAMPLES, LINES), np.float32)
    for number in (2, 3, 4, 5):
        strength = np.float32(lung.a_lines * 2.6 * 0.52 ** (number - 1))
        a_lines += strength * np.exp(-(((along - number * range_mm) / np.float32(0.55 + 0.12 * number)) ** 2))
    a_lines *= turned * is_air
    if not lung.b_lines:
        return a_lines[None]
    ring = 0.75 + 0.25 * np.cos(along * np.float32(2 * math.pi / 2.4))
    beam = np.zeros((len(slid), 1, LINES), np.float32)
    for place in lung.b_lines:
        wide = np.float32(line_mm(lung))
        beam += np.exp(-(((foot - np.float32(place) - slid) / wide) ** 2))
    b_lines = beam * ring * np.float32(1.9)
    b_lines *= below > 0
    found: Floats = np.maximum(b_lines, a_lines * (1 - np.minimum(beam, 1)))
    return found


def masks(lung: Lung, at: Screen, time_s: Floats, sway_mm: Floats, findings: set[str]) -> dict[str, Bools]:
    """Where everything is on the screen, (T, Y, X)."""
    times = time_s[:, None, None]
    x, y = at.x - sway_mm[:, 0, None, None], at.y - sway_mm[:, 1, None, None]
    pleura = lung.pleura_mm(x)
    slid = x - lung.slid_mm(times)
    phase = (x - np.float32(lung.rib_x) + np.float32(lung.rib_gap / 2)) % np.float32(lung.rib_gap) - np.float32(lung.rib_gap / 2)
    half, high = lung.rib
    deep = pleura - np.float32(high + 2.0)
    found: dict[str, Bools] = {"rib": ((phase / half) ** 2 + ((y - deep) / high) ** 2 < 1) & at.fan}
    surface = pleura + lung.fluid_mm(x, times)
    thick = max(1.5, 0.75 * at.grid.spacing_mm[0])
    found["pleura"] = (np.abs(y - surface) < thick) & at.fan
    if "pleural effusion" in findings:
        found["pleural effusion"] = (y > pleura) & (y < surface) & at.fan
    if "consolidation" in findings:
        found["consolidation"] = (y > surface) & (y < surface + lung.solid_mm(slid)) & at.fan
    if "pneumothorax" in findings:
        found["pneumothorax"] = found["pleura"] & (np.abs(phase) > half)
    if "interstitial syndrome" in findings:
        found["interstitial syndrome"] = _b_mask(lung, at, x, y, slid, surface)
    return found


def _b_mask(lung: Lung, at: Screen, x: Floats, y: Floats, slid: Floats, surface: Floats) -> Bools:
    """The strips of all B-lines, from the pleura to the end of the fan."""
    if lung.probe.radius_mm:
        # Along a beam, x at the pleura follows from the angle.
        top = np.float32(lung.probe.radius_mm) + lung.pleura_mm(x)
        foot = x * top / (y + np.float32(lung.probe.radius_mm))
    else:
        foot = x
    wide = np.float32(line_mm(lung))
    inside = np.zeros(np.broadcast_shapes(slid.shape, y.shape), np.bool_)
    shift = x - slid
    for place in lung.b_lines:
        inside |= np.abs(foot - shift - np.float32(place)) < np.maximum(1.2 * wide, 0.6 * at.grid.spacing_mm[0])
    phase = np.abs((foot - np.float32(lung.rib_x) + np.float32(lung.rib_gap / 2)) % lung.rib_gap - lung.rib_gap / 2)
    strips: Bools = inside & (y > surface) & (phase > lung.rib[0]) & at.fan
    return strips
