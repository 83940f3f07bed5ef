"""What lies in a tube or on its wall: balls that rays meet exactly and spots of the wall, with wavy outlines and lobes."""

from dataclasses import dataclass

import numpy as np

from vesalius.phantom.bodies.endoscopy.lumen import Camera
from vesalius.phantom.bodies.endoscopy.view import Optics, Slices, Surface
from vesalius.phantom.bodies.endoscopy.wall import Color
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


def outline(met: Met, around: Floats, radius_mm: float, uneven: float, phase: float) -> Floats:
    """Distance from the middle relative to a wavy outline, below 1 within.

    The outline touches the circle of `radius_mm` at two opposite places, so that its greatest diameter is the circle's.
    """
    u, v = met.along(around), met.from_middle[2]
    turn = np.arctan2(v, u) - np.float32(phase)
    waves = np.sin(3 * turn + np.float32(phase)) + 0.8 * np.sin(5 * turn + np.float32(2 * phase)) + 0.5 * np.sin(8 * turn)
    inward = np.maximum(np.float32(0.22 + 0.35 * uneven) + np.float32(0.34 * uneven) * waves, 0)
    inward *= np.sin(turn) ** 2
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


def _dot(parts: list[Floats], direction: Floats) -> Floats:
    """Of vectors, by their three parts, with one vector (3,)."""
    found: Floats = parts[0] * direction[0]
    found += parts[1] * direction[1]
    found += parts[2] * direction[2]
    return found
