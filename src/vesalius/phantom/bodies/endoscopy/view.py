"""What a camera with a lamp sees of a tube: the optics, the surface that each pixel meets and the light that comes back."""

from dataclasses import dataclass
from functools import cache
from math import ceil

import numpy as np

from vesalius.phantom.bodies.endoscopy.lumen import FAR_MM, Camera, Hits, Tube, cast, march, rays
from vesalius.phantom.bodies.endoscopy.wall import Mucosa, Spot, spot
from vesalius.phantom.truth import Bools, Floats

HALF_ANGLE = 1.05  # radians from the middle of the picture to the middle of its sides; 60 degrees
Slices = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class Optics:
    """A lens whose distance from the middle of the picture is proportional to the angle from its axis.

    Attributes:
        size_px: rows and columns.
        step: radians a pixel.
        view: directions of the pixels, right, down and ahead, each (Y * X,).
        x, y: angles of the columns (1, X) and rows (Y, 1), in units of `HALF_ANGLE`: -1 to 1.
    """

    size_px: int
    step: float
    view: tuple[Floats, Floats, Floats]
    x: Floats
    y: Floats

    def place(self, camera: Camera, point: Floats) -> tuple[Floats, Floats, Floats]:
        """Where a point (3,) or (T, 3) is seen in each frame: (row, column) in pixels and its distance in mm, each (T,)."""
        right, down, ahead = (((point - camera.at) * camera.axes[:, axis]).sum(axis=1) for axis in range(3))
        across = np.maximum(np.hypot(right, down), np.float32(1e-4))
        angle = np.arctan2(across, ahead) / across / np.float32(self.step)
        middle = np.float32(self.size_px / 2)
        return middle + down * angle, middle + right * angle, np.hypot(across, ahead)

    def box(self, camera: Camera, point: Floats, radius_mm: float) -> Slices | None:
        """The rows and columns within which a ball is seen in any of the frames; None when in none."""
        row, column, distance = self.place(camera, point)
        apparent = np.arcsin(np.clip(radius_mm / distance, 0, 1)) * np.float32(1.7 / self.step) + 2
        low_y, high_y = int((row - apparent).min()), ceil((row + apparent).max())
        low_x, high_x = int((column - apparent).min()), ceil((column + apparent).max())
        low_y, low_x, high_y, high_x = max(low_y, 0), max(low_x, 0), min(high_y, self.size_px), min(high_x, self.size_px)
        if low_y >= high_y or low_x >= high_x:
            return None
        return slice(None), slice(low_y, high_y), slice(low_x, high_x)


@cache
def optics(size_px: int) -> Optics:
    """The lens at a number of pixels."""
    step = 2 * HALF_ANGLE / size_px
    axis = ((np.arange(size_px) + 0.5 - size_px / 2) * step).astype(np.float32)
    x, y = axis[None, :], axis[:, None]
    angle: Floats = np.sqrt(x * x + y * y)
    off: Floats = (np.sin(angle) / np.maximum(angle, np.float32(1e-6))).astype(np.float32)
    view = ((x * off).ravel(), (y * off).ravel(), np.cos(angle).ravel())
    return Optics(size_px, step, view, x / np.float32(HALF_ANGLE), y / np.float32(HALF_ANGLE))


@dataclass(eq=False)
class Surface:
    """What each pixel of some frames sees, every array (T, Y, X); painters change it in place.

    Attributes:
        rays: unit directions in the body frame.
        hits: where they meet the bare wall.
        spot: of the wall's places in the maps of the mucosa.
        distance: mm, to what is seen.
        normal: unit, towards the camera's side.
        color: red, green and blue that come back of white light.
        gloss: 0 dull to 1 wet.
        open: 1, less where light does not reach.
    """

    rays: tuple[Floats, Floats, Floats]
    hits: Hits
    spot: Spot
    distance: Floats
    normal: list[Floats]
    color: list[Floats]
    gloss: Floats
    open: Floats

    def hits_map(self, table: Floats) -> Floats:
        """A map of the mucosa where the rays meet the wall."""
        return self.spot.of(table).reshape(self.distance.shape)


def look(tube: Tube, mucosa: Mucosa, camera: Camera, lens: Optics, field: Bools) -> Surface:
    """The bare wall in some frames; what lies outside the `field` (Y, X) of the lens is not followed to where it is."""
    shape = (len(camera.at), lens.size_px, lens.size_px)
    directions = rays(camera, lens.view)
    wanted = np.flatnonzero(field)
    distance = np.ones(directions[0].shape, np.float32)
    distance[:, wanted] = march(tube, camera, (directions[0][:, wanted], directions[1][:, wanted], directions[2][:, wanted]))
    hits = cast(tube, camera, directions, distance)
    there = spot(hits.angle, hits.z)
    vessels, patches, relief = there.of(mucosa.vessels), there.of(mucosa.patches), there.of(mucosa.relief)
    color = []
    # Blood takes green and blue; patches are fuller or emptier of it.
    for base, taken, fuller in zip(mucosa.color, (0.20, 0.62, 0.58), (0.03, 0.10, 0.08), strict=True):
        part = patches * np.float32(-fuller)
        part += relief * np.float32(0.025)
        part += 1
        part -= vessels * np.float32(taken)
        part *= np.float32(base)
        color.append(part.reshape(shape))
    rough = np.float32(0.085 * mucosa.roughness)
    normal = [
        hits.normal[0] + rough * relief * directions[2],
        hits.normal[1] + rough * (relief - patches),
        hits.normal[2] - rough * relief * directions[0],
    ]
    surface = Surface(
        rays=(directions[0].reshape(shape), directions[1].reshape(shape), directions[2].reshape(shape)),
        hits=hits,
        spot=there,
        distance=hits.distance.reshape(shape).copy(),
        normal=[part.reshape(shape) for part in normal],
        color=color,
        gloss=np.full(shape, 0.55, np.float32),
        open=np.ones(shape, np.float32),
    )
    for name in ("distance", "radius", "x", "y", "z", "angle", "fold", "far"):
        setattr(hits, name, getattr(hits, name).reshape(shape))
    return surface


@dataclass(frozen=True)
class Lamp:
    """How the scene is lit and framed.

    Attributes:
        gain: of the exposure.
        reach: below 0.5 light falls off faster than from there on.
        shine: of wet surfaces.
        tight: how small highlights are, in doublings of the exponent.
        haze: stray light.
        shape: of the field: octagon, circle or square.
    """

    gain: float
    reach: float
    shine: float
    tight: int
    haze: float
    shape: str


def light(surface: Surface, lamp: Lamp) -> Floats:
    """The picture in [0, 1], (3, T, Y, X): a lamp at the camera, its light returned by the surface and by the wall around."""
    towards = surface.normal[0] * surface.rays[0]
    towards += surface.normal[1] * surface.rays[1]
    towards += surface.normal[2] * surface.rays[2]
    size = surface.normal[0] * surface.normal[0]
    size += surface.normal[1] * surface.normal[1]
    size += surface.normal[2] * surface.normal[2]
    towards *= -1 / np.sqrt(size)
    np.clip(towards, 0, 1, out=towards)
    near = np.float32(30) / np.maximum(surface.distance, np.float32(13))  # exposure follows what is very near
    fall = near * np.sqrt(near) if lamp.reach < 0.5 else near
    around = surface.open * np.float32(0.30)
    lit = towards * surface.open
    lit += around
    lit *= fall
    lit *= np.float32(lamp.gain)
    fade = (np.float32(FAR_MM) - surface.distance) * np.float32(1 / 60)
    lit *= np.clip(fade, 0, 1, out=fade)
    shine = towards * towards
    for _ in range(lamp.tight):
        shine *= shine
    shine *= surface.gloss
    shine *= np.minimum(near, np.float32(2.2)) * np.float32(lamp.shine)
    shine *= surface.open
    shown = np.empty((3, *lit.shape), np.float32)
    for channel in range(3):
        seen = lit * surface.color[channel]
        seen += shine
        seen += np.float32(lamp.haze)
        # A camera's shoulder: nothing is whiter than white.
        seen *= np.float32(-1.35)
        np.exp(seen, out=seen)
        np.subtract(1, seen, out=shown[channel])
    return shown


def field_of_view(lens: Optics, shape: str) -> Bools:
    """(Y, X): the part of the picture that the lens fills."""
    across, down = np.abs(lens.x), np.abs(lens.y)
    if shape == "circle":
        inside = across * across + down * down <= 0.985**2
    elif shape == "octagon":
        inside = (across + down <= 1.42) & (np.maximum(across, down) <= 0.985)
    else:
        inside = (across + down <= 1.80) & (np.maximum(across, down) <= 0.99)
    return np.asarray(inside)


def seen_directly(tube: Tube, camera: Camera, lens: Optics, point: Floats) -> Bools:
    """(T,): whether a place (3,) on the wall is within the picture and no fold stands before it."""
    row, column, distance = lens.place(camera, point)
    towards = (point - camera.at) / distance[:, None]
    ray = (towards[:, :1], towards[:, 1:2], towards[:, 2:])
    met = cast(tube, camera, (ray[0].astype(np.float32), ray[1].astype(np.float32), ray[2].astype(np.float32))).distance[:, 0]
    inside = (row >= 0) & (row < lens.size_px) & (column >= 0) & (column < lens.size_px)
    return np.asarray(inside & (met > distance - 1.5))
