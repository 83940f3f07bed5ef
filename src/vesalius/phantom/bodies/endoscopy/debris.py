"""What is left in a tube that was washed: fluid, bubbles, stool and mucus, which look like what is wrong with others."""

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from vesalius.phantom.bodies.endoscopy.lumen import Camera, Tube
from vesalius.phantom.bodies.endoscopy.things import Met, ball, lay, lumpy, on_wall, outline
from vesalius.phantom.bodies.endoscopy.view import Optics, Surface
from vesalius.phantom.bodies.endoscopy.wall import Color
from vesalius.phantom.paint import Points
from vesalius.phantom.truth import Floats

_BROWNS: tuple[Color, ...] = ((0.50, 0.36, 0.12), (0.66, 0.52, 0.20), (0.36, 0.25, 0.10), (0.72, 0.62, 0.34))
_FLUIDS: tuple[Color, ...] = ((0.78, 0.62, 0.30), (0.62, 0.58, 0.36), (0.84, 0.76, 0.58))
_NEAR, _FAR = 12.0, 46.0  # mm ahead of where the camera may be


@dataclass(frozen=True, eq=False)
class Rest:
    """One thing on the wall: a bubble, a lump of stool or a film of mucus."""

    sort: str
    place: Floats
    up: Floats
    radius_mm: float
    flat: float
    color: Color
    phase: Points


@dataclass(frozen=True, eq=False)
class Debris:
    """All that is left.

    Attributes:
        rests: on the wall.
        fluid: color of a pool; None without one.
        fluid_turn: towards which side of the axis it lies, radians.
        fluid_level: distance of its surface from the axis, mm.
    """

    rests: tuple[Rest, ...]
    fluid: Color | None
    fluid_turn: float
    fluid_level: float


def draw_debris(rng: np.random.Generator, tube: Tube, from_z: float) -> Debris:
    """What is left along a stretch of a tube that begins at `from_z`, mm."""
    has_fluid, turn, level = rng.random() < 0.5, rng.uniform(0, 2 * pi), rng.uniform(0.84, 0.97) * tube.radius
    fluid = _FLUIDS[int(rng.integers(len(_FLUIDS)))]
    rests: list[Rest] = []

    def add(sort: str, angle: float, z: float, radius_mm: float, flat: float, color: Color) -> None:
        place, up = tube.point(angle, z)
        rests.append(Rest(sort, place, up, radius_mm, flat, color, rng.uniform(0, 6, 3)))

    for _ in range(int(rng.integers(0, 3))):
        add("film", rng.uniform(-pi, pi), from_z + rng.uniform(_NEAR, _FAR), rng.uniform(1.5, 5.0), 0.6, (0.88, 0.80, 0.60))
    for _ in range(int(rng.integers(0, 5))):
        brown = _BROWNS[int(rng.integers(len(_BROWNS)))]
        z, radius_mm, flat = from_z + rng.uniform(_NEAR, _FAR), rng.uniform(0.7, 3.2), rng.uniform(0.4, 0.8)
        add("stool", rng.uniform(-pi, pi), z, radius_mm, flat, brown)
    for _ in range(int(rng.integers(0, 4)) if rng.random() < 0.6 else 0):
        angle, z = rng.uniform(-pi, pi), from_z + rng.uniform(_NEAR, _FAR)
        for _ in range(int(rng.integers(2, 6))):
            add("bubble", angle + rng.normal(0, 0.09), z + rng.normal(0, 2), rng.uniform(0.4, 1.5), 1.0, (1.0, 1.0, 1.0))
    return Debris(tuple(rests), fluid if has_fluid else None, turn, level)


def paint_debris(debris: Debris, surface: Surface, camera: Camera, lens: Optics) -> None:
    """Paint it over the bare wall."""
    if debris.fluid:
        _fluid(debris, debris.fluid, surface)
    for rest in debris.rests:
        if rest.sort == "film":
            met = on_wall(surface, camera, lens, rest.place, rest.radius_mm)
        else:
            met = ball(surface, camera, lens, rest.place, rest.up, (rest.radius_mm, rest.radius_mm * rest.flat))
        if met is not None:
            {"film": _film, "stool": _stool, "bubble": _bubble}[rest.sort](rest, surface, met)


def _fluid(debris: Debris, color: Color, surface: Surface) -> None:
    """A pool of thin fluid that the wall shows through."""
    hits = surface.hits
    depth = hits.radius * np.cos(hits.angle - np.float32(debris.fluid_turn)) - np.float32(debris.fluid_level)
    if not (depth > 0).any():
        return
    share = np.clip(depth * np.float32(0.4), 0, np.float32(0.62))
    level = share * np.float32(1 / 0.62)
    ripple = np.sin(hits.z * np.float32(0.9) + np.sin(hits.x * np.float32(0.7)) * 2) * np.float32(0.05)
    for channel, still in enumerate((-cos(debris.fluid_turn), -sin(debris.fluid_turn), 0.0)):
        base, normal = surface.color[channel], surface.normal[channel]
        base += (np.float32(color[channel]) - base) * share
        normal += (np.float32(still) + ripple - normal) * level
    surface.gloss += level * np.float32(0.7)


def _film(rest: Rest, surface: Surface, met: Met) -> None:
    """Mucus: flat and pale as an ulcer's floor, without its rim."""
    around = np.array([-rest.up[1], rest.up[0], 0], np.float32)
    out = outline(met, around, rest.radius_mm, rest.flat, float(rest.phase[0]))
    share = np.clip((1 - out) * np.float32(2.5), 0, np.float32(0.75))
    share *= met.mask
    for channel, part in enumerate(rest.color):
        base = surface.color[channel][met.box]
        base += (np.float32(part) - base) * share


def _stool(rest: Rest, surface: Surface, met: Met) -> None:
    """A dull brown lump."""
    lumpy(met, 2.6 / rest.radius_mm, 0.5, rest.phase)
    spots = 1 + np.float32(0.18) * np.sin(met.from_middle[2] * np.float32(4.1 / rest.radius_mm) + np.float32(rest.phase[0]))
    lay(surface, met, tuple(spots * np.float32(part) for part in rest.color), gloss=0.25)


def _bubble(rest: Rest, surface: Surface, met: Met) -> None:
    """A thin rim of light around what is behind it."""
    rays = [part[met.box] for part in surface.rays]
    facing = np.clip(-(met.normal[0] * rays[0] + met.normal[1] * rays[1] + met.normal[2] * rays[2]), 0, 1)
    rim = (1 - facing) ** 2 * np.float32(0.38)
    dim = 1 - np.float32(0.12) * facing
    lay(surface, met, tuple(surface.color[channel][met.box] * dim + rim for channel in range(3)), gloss=1.6)
