"""What an ultrasound probe on the chest meets: ribs, pleura that slides, air, fluid, solid lung; and where each of it is seen.

Air sends all sound back: what is seen below it are echoes between pleura and probe (A-lines) and ring-down (B-lines).
"""

import math

import numpy as np

from vesalius.phantom.bodies.ultrasound.beam import (
    LINES,
    SAMPLES,
    TISSUE_DB_PER_MM,
    Scene,
    Screen,
    Tissue,
    decibel,
    facing,
    field_axes,
)
from vesalius.phantom.bodies.ultrasound.lung import Lung, line_mm
from vesalius.phantom.case import Case
from vesalius.phantom.truth import Bools, Floats


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
    fade, haze = rng.uniform(9, 60), decibel(rng.uniform(-20, -4))
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
    b_lines = beam * ring * np.float32(lung.b_strength)
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
