"""What lies in a tube or on its wall: balls that rays meet exactly, spots of the wall, fluid, bubbles, rests of stool."""

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from vesalius.phantom.bodies.lumen import Camera, Tube
from vesalius.phantom.bodies.lumen_view import Optics, Slices, Surface
from vesalius.phantom.bodies.lumen_wall import Color
from vesalius.phantom.paint import Points
from vesalius.phantom.truth import Bools, Floats


@dataclass(eq=False)
class Met:
    """Where rays meet a thing within `box`: every array of the box's shape.

    Attributes:
        mask: where it is seen.
        distance: mm along the ray.
        from_middle: place relative to the thing's middle, mm (x, y, z).
        normal: unit.
    """

    box: Slices
    mask: Bools
    distance: Floats
    from_middle: list[Floats]
    normal: list[Floats]

    def along(self, direction: Floats) -> Floats:
        """Distance from the middle along a unit direction (3,), mm."""
        return _dot(self.from_middle, direction)


def ball(
    surface: Surface,
    camera: Camera,
    lens: Optics,
    middle: Floats,
    up: Floats,
    radii_mm: tuple[float, float],
    behind_in: Slices | None = None,
) -> Met | None:
    """Meet an ellipsoid of revolution: `radii_mm` across and along the unit vector `up`. None if it is in no frame.

    Its near side, where that is before the wall; with a box `behind_in` its far side, seen from within, in that box.
    """
    across_mm, up_mm = radii_mm
    box, behind = behind_in or lens.box(camera, middle, max(radii_mm)), behind_in is not None
    if box is None:
        return None
    rays = [part[box] for part in surface.rays]
    origin = camera.at - middle
    stretch = (across_mm / up_mm) ** 2 - 1
    up_ray = _dot(rays, up)
    up_origin = (origin * up).sum(axis=1)[:, None, None]
    # Stretched along `up` the ellipsoid is a ball, whose meeting with a ray is a quadratic equation.
    square = up_ray * up_ray
    square *= np.float32(stretch)
    square += 1
    half = rays[0] * origin[:, 0, None, None]
    half += rays[1] * origin[:, 1, None, None]
    half += rays[2] * origin[:, 2, None, None]
    half += up_ray * up_origin * np.float32(stretch)
    rest = (origin * origin).sum(axis=1)[:, None, None] + np.float32(stretch) * up_origin * up_origin - np.float32(across_mm**2)
    inside = half * half
    inside -= square * rest
    root = np.sqrt(np.maximum(inside, 0))
    distance = ((root if behind else -root) - half) / square
    mask = (inside > 0) & (distance > 0)
    if not behind:
        mask &= distance < surface.hits.distance[box]
    place = [rays[axis] * distance + origin[:, axis, None, None] for axis in range(3)]
    rise = _dot(place, up) * np.float32(stretch)
    normal = [part + rise * up[axis] for axis, part in enumerate(place)]
    unit = 1 / np.sqrt(np.maximum(normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2], 1e-9))
    if behind:
        unit = -unit
    return Met(box, mask, distance, place, [part * unit for part in normal])


def on_wall(surface: Surface, camera: Camera, lens: Optics, middle: Floats, radius_mm: float) -> Met | None:
    """The places of the wall that are seen within `radius_mm` of a place on it; None if they are in no frame."""
    box = lens.box(camera, middle, radius_mm)
    if box is None:
        return None
    hits = surface.hits
    place = [part[box] - middle[axis] for axis, part in enumerate((hits.x, hits.y, hits.z))]
    distance = place[0] * place[0] + place[1] * place[1] + place[2] * place[2]
    mask = (distance < np.float32(radius_mm**2)) & ~hits.far[box]
    return Met(box, mask, hits.distance[box], place, [part[box] for part in surface.normal])


def lay(surface: Surface, met: Met, color: tuple[Floats, ...] | Color, *, gloss: float, open_: Floats | float = 1.0) -> None:
    """Let the thing be what is seen in its mask."""
    where = met.mask
    np.copyto(surface.distance[met.box], met.distance, where=where)
    for channel in range(3):
        np.copyto(surface.color[channel][met.box], np.asarray(color[channel], np.float32), where=where)
        np.copyto(surface.normal[channel][met.box], met.normal[channel], where=where)
    np.copyto(surface.gloss[met.box], np.float32(gloss), where=where)
    np.copyto(surface.open[met.box], np.asarray(open_, np.float32), where=where)


def draw_fluid(rng: np.random.Generator, surface: Surface, tube: Tube) -> None:
    """A pool of thin fluid in the deepest part of the tube, or none."""
    has, turn, share = rng.random() < 0.55, rng.uniform(0, 2 * pi), rng.uniform(0.84, 0.97)
    color = [(0.80, 0.66, 0.30), (0.62, 0.60, 0.34), (0.86, 0.80, 0.62)][int(rng.integers(3))]
    if not has:
        return
    hits = surface.hits
    depth = hits.radius * np.cos(hits.angle - np.float32(turn)) - np.float32(share * tube.radius)
    wet = depth > 0
    if not wet.any():
        return
    thick = np.clip(depth * np.float32(0.35), 0, np.float32(0.72))
    ripple = np.sin(hits.z * np.float32(0.9) + np.sin(hits.x * np.float32(0.7)) * 2) * np.float32(0.05)
    for channel in range(3):
        base = surface.color[channel]
        base += (np.float32(color[channel]) - base) * thick
        level = (-cos(turn), -sin(turn), 0.0)[channel] + ripple
        np.copyto(surface.normal[channel], level, where=wet)
    np.copyto(surface.gloss, np.float32(1.3), where=wet)


def draw_bubbles(rng: np.random.Generator, surface: Surface, tube: Tube, camera: Camera, lens: Optics, from_z: float) -> None:
    """Clusters of bubbles on the wall: thin rims of light."""
    count = int(rng.integers(0, 4)) if rng.random() < 0.6 else 0
    for _ in range(count):
        angle, z = rng.uniform(-pi, pi), from_z + rng.uniform(14, 44)
        for _ in range(int(rng.integers(2, 7))):
            radius = rng.uniform(0.4, 1.5)
            place, up = tube.point(angle + rng.normal(0, 0.09), z + rng.normal(0, 2.0))
            met = ball(surface, camera, lens, place, up, (radius, radius))
            if met is None:
                continue
            facing = _facing(surface, met)
            rim = (1 - facing) ** 2
            color = tuple(surface.color[c][met.box] * (1 - 0.12 * facing) + 0.38 * rim for c in range(3))
            lay(surface, met, color, gloss=1.6)


def draw_stool(rng: np.random.Generator, surface: Surface, tube: Tube, camera: Camera, lens: Optics, from_z: float) -> None:
    """Rests of stool, lumps that look like polyps, and flat mucus that looks like an ulcer's floor."""
    lumps, films = int(rng.integers(0, 5)), int(rng.integers(0, 3))
    browns = ((0.50, 0.36, 0.12), (0.66, 0.52, 0.20), (0.36, 0.25, 0.10), (0.72, 0.62, 0.34))
    for _ in range(lumps):
        radius, flat = rng.uniform(0.7, 3.2), rng.uniform(0.4, 0.8)
        place, up = tube.point(rng.uniform(-pi, pi), from_z + rng.uniform(12, 46))
        brown, phase = browns[int(rng.integers(4))], rng.uniform(0, 6, 3)
        met = ball(surface, camera, lens, place, up, (radius, radius * flat))
        if met is None:
            continue
        lumpy(met, 2.6 / radius, 0.5, phase)
        spots = 1 + 0.18 * np.sin(met.from_middle[2] * np.float32(4.1 / radius) + np.float32(phase[0]))
        lay(surface, met, tuple(spots * part for part in brown), gloss=0.25)
    for _ in range(films):
        radius, turn, lobes = rng.uniform(1.5, 5.0), rng.uniform(0, 6), rng.uniform(0.2, 0.6)
        place, up = tube.point(rng.uniform(-pi, pi), from_z + rng.uniform(12, 46))
        met = on_wall(surface, camera, lens, place, radius)
        if met is None:
            continue
        shrunk = outline(met, np.cross(up, [0, 0, 1]).astype(np.float32), radius, lobes, turn)
        share = np.clip((1 - shrunk) * 2.5, 0, 0.75)
        for channel, part in enumerate((0.88, 0.82, 0.58)):
            base = surface.color[channel][met.box]
            np.copyto(base, base + (np.float32(part) - base) * share, where=met.mask & (shrunk < 1))


def outline(met: Met, around: Floats, radius_mm: float, uneven: float, phase: float) -> Floats:
    """Distance from the middle relative to a wavy outline, below 1 within.

    The outline touches the circle of `radius_mm` at two opposite places, so that its greatest diameter is the circle's.
    """
    u, v = met.along(around), met.from_middle[2]
    turn = np.arctan2(v, u) - np.float32(phase)
    inward = (2 - np.cos(4 * turn) - np.cos(6 * turn)) * np.float32(0.25 * uneven)
    inward += (1 - np.cos(2 * turn)) * np.float32(0.5 * (0.15 + 0.3 * uneven))
    place = met.from_middle
    distance: Floats = np.sqrt(place[0] * place[0] + place[1] * place[1] + place[2] * place[2])
    distance /= (1 - inward * np.float32(0.62)) * np.float32(radius_mm)
    return distance


def lumpy(met: Met, waves_per_mm: float, height: float, phase: Points) -> None:
    """Lobes on a thing: its normals lean to and fro."""
    x, y, z = (part * np.float32(2 * waves_per_mm) for part in met.from_middle)
    shift = [np.float32(part) for part in phase]
    met.normal[0] += np.sin(y + z + shift[0]) * np.float32(0.5 * height)
    met.normal[1] += np.sin(z + x + shift[1]) * np.float32(0.5 * height)
    met.normal[2] += np.sin(x - y + shift[2]) * np.float32(0.5 * height)


def _facing(surface: Surface, met: Met) -> Floats:
    """How much a thing's surface faces the camera, 0 to 1."""
    rays = [part[met.box] for part in surface.rays]
    facing: Floats = -(met.normal[0] * rays[0] + met.normal[1] * rays[1] + met.normal[2] * rays[2])
    np.clip(facing, 0, 1, out=facing)
    return facing


def _dot(parts: list[Floats], direction: Floats) -> Floats:
    """Of vectors, by their three parts, with one vector (3,)."""
    found: Floats = parts[0] * direction[0]
    found += parts[1] * direction[1]
    found += parts[2] * direction[2]
    return found
