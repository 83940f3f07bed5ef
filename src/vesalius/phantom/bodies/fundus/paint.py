"""The colors of a fundus photograph: retina, choroid, disc, vessels and macula, light, haze and what the camera adds.

Pictures are planar, (3, Y, X) float32 in [0, 1]; a plane is worked on as a whole.
"""

from dataclasses import dataclass

import numpy as np

from vesalius.phantom.bodies.fundus.eye import Eye, inside_ellipse
from vesalius.phantom.bodies.fundus.vessels import laid_on, lay
from vesalius.phantom.case import Case
from vesalius.phantom.grid import Grid
from vesalius.phantom.paint import blur, noise
from vesalius.phantom.site import toned
from vesalius.phantom.truth import Bools, Floats
from vesalius.types import Array

LIGHT, DARK, PALE = (0.84, 0.44, 0.21), (0.47, 0.20, 0.085), (0.90, 0.55, 0.32)
RIM, CUP = (0.96, 0.64, 0.38), (1.00, 0.90, 0.70)
ARTERY, VEIN = (0.90, 0.56, 0.55), (0.68, 0.34, 0.42)  # share of the light that comes back through a wide vessel
APERTURE_MM = (6.08, 6.30)
SHIFT_MM = 0.35  # most, along each axis
_NOISE = 0.012


@dataclass(frozen=True)
class Shot:
    """How one photograph is taken."""

    shift_mm: tuple[float, float]
    aperture_mm: float
    crop_mm: float
    notch_deg: float
    gain: tuple[float, float, float]
    tilt: tuple[float, float]
    vignette: float
    haze: float
    defocus_mm: float


def shot_of(case: Case, eye: Eye) -> Shot:
    """Position, light and focus of this visit."""
    rng = case.pose(0)
    shift = rng.uniform(-SHIFT_MM, SHIFT_MM, 2)
    gain = rng.uniform(0.82, 1.18)
    tint = rng.uniform(-0.06, 0.06, 3)
    haze = float(rng.random() ** 2 * (0.16 + 0.22 * eye.age))
    return Shot(
        shift_mm=(float(shift[0]), float(shift[1])),
        aperture_mm=float(rng.uniform(*APERTURE_MM)),
        crop_mm=float(rng.uniform(5.9, 6.1)) if rng.random() < 0.35 else 9.0,
        notch_deg=float(rng.choice([-45.0, 45.0, 0.0, 999.0])),
        gain=(float(gain * (1 + tint[0])), float(gain * (1 + tint[1])), float(gain * (1 + 2 * tint[2]))),
        tilt=(float(rng.uniform(-0.14, 0.14)), float(rng.uniform(-0.14, 0.14))),
        vignette=float(rng.uniform(0.12, 0.45)),
        haze=haze,
        defocus_mm=float(rng.uniform(0.015, 0.04) + 0.05 * haze),
    )


def axes_of(grid: Grid, eye: Eye, shot: Shot) -> tuple[Floats, Floats]:
    """The eye's frame at the pixel centers: x (1, X), y (Y, 1)."""
    y, x = grid.axes_mm()
    return (x - np.float32(shot.shift_mm[0])) * np.float32(eye.mirror), y - np.float32(shot.shift_mm[1])


def retina(case: Case, eye: Eye, x: Floats, y: Floats) -> Floats:
    """The bare retina over the choroid, (3, Y, X)."""
    rng = case.body(2)
    unit_x, unit_y = (((axis.ravel() + 7.5) / 15).astype(np.float32) for axis in (x, y))
    dark = eye.pigment
    hue = rng.uniform(-1, 1, 3)
    pale = float(rng.random() ** 3) * (1 - dark)
    base = [(1 - dark) * light + dark * deep for light, deep in zip(LIGHT, DARK, strict=True)]
    base = [(1 - pale) * own + pale * other for own, other in zip(base, PALE, strict=True)]
    base = [own * (1 + size * by) for own, size, by in zip(base, (0.05, 0.10, 0.16), hue, strict=True)]
    broad = noise(rng, 5, unit_x, unit_y)
    fine = noise(rng, 71, unit_x, unit_y)
    grain, tiger = rng.uniform(0.012, 0.036), float(rng.random() ** 1.5) * (1 - 0.7 * dark)  # how much of the choroid is seen
    ribbons = fine * np.float32(grain)
    if tiger > 0.08:
        ribbons += _ribbons(rng, unit_x, unit_y) * np.float32(0.19 * tiger)
    color = np.empty((3, *broad.shape), np.float32)
    for index, (own, low, ribbon) in enumerate(zip(base, (0.05, 0.09, 0.07), (0.7, 1.0, 0.8), strict=True)):
        np.multiply(ribbons, np.float32(ribbon), out=color[index])
        color[index] += broad * np.float32(low)
        color[index] += 1
        color[index] *= np.float32(own)
    rng = case.body(3)
    _macula(rng, eye, x, y, color)
    _nerve_fibers(rng, eye, x, y, color)
    return color


def _ribbons(rng: np.random.Generator, unit_x: Floats, unit_y: Floats) -> Floats:
    """Vessels of the choroid as bands where smooth noise is near zero, -0.4 to 0.6."""
    field = noise(rng, 31, unit_x, unit_y)
    field += noise(rng, 19, unit_x, unit_y)
    np.abs(field, out=field)
    field *= np.float32(-1 / 0.6)
    field += np.float32(0.6)
    return np.maximum(field, np.float32(-0.4), out=field)


def _macula(rng: np.random.Generator, eye: Eye, x: Floats, y: Floats, color: Floats) -> None:
    """Yellow pigment and taller cells make the macula darker, and the fovea darkest; young foveas mirror the light."""
    dx, dy = x - np.float32(eye.fovea_mm[0]), y - np.float32(eye.fovea_mm[1])
    wide, narrow = rng.uniform(0.8, 1.4), rng.uniform(0.22, 0.36)
    deep, core = rng.uniform(0.12, 0.38), rng.uniform(0.08, 0.24)
    darker = _bell(dx, dy, wide) * np.float32(deep) + _bell(dx, dy, narrow) * np.float32(core)
    for plane, share in zip(color, (0.55, 1.0, 1.15), strict=True):
        plane *= 1 - darker * np.float32(share)
    glint = float(rng.random()) * (1 - eye.age) * 0.22
    if glint > 0.02:
        spot = _bell(dx - np.float32(0.04), dy, 0.07) * np.float32(glint)
        for plane in color:
            plane += spot


def _bell(dx: Floats, dy: Floats, width_mm: float) -> Floats:
    """A round Gaussian, as the product of its two axes."""
    scale = np.float32(-1 / width_mm**2)
    bell: Floats = np.exp(dx * dx * scale) * np.exp(dy * dy * scale)
    return bell


def _nerve_fibers(rng: np.random.Generator, eye: Eye, x: Floats, y: Floats, color: Floats) -> None:
    """The gray sheen of the nerve fibers above and below the disc, striped, stronger in the young."""
    sheen = float(rng.uniform(0.2, 1.0)) * (1 - 0.7 * eye.age) * 0.10
    waves, phase = rng.uniform(9, 16), rng.uniform(0, 6.283)
    dx, dy = x - np.float32(eye.disc_mm[0]), y - np.float32(eye.disc_mm[1])
    bundle = np.exp(-((np.abs(dy) - 1.7) ** 2) * np.float32(1 / 0.9)) * np.exp(-((dx + 0.6) ** 2) * np.float32(1 / 5.0))
    slope = dy / (np.abs(dx - np.float32(1.5)) + np.float32(1.2))
    bundle *= np.float32(sheen) * (1 + np.float32(0.5) * np.sin(slope * np.float32(waves) + np.float32(phase)))
    for plane, target in zip(color, (0.62, 0.55, 0.40), strict=True):
        plane += bundle * (np.float32(target) - plane)


def disc(case: Case, eye: Eye, x: Floats, y: Floats, pixel_mm: float, color: Floats) -> tuple[Bools, Bools]:
    """The optic disc with its healthy cup, drawn in place; where the disc and that cup are."""
    rng = case.body(4)
    pale, warm = rng.uniform(-0.12, 0.08), rng.uniform(-0.10, 0.10)
    halo, crescent, edge = rng.uniform(0, 0.30), float(rng.random() ** 2) * 0.7, rng.uniform(0.05, 0.14)
    pit = rng.uniform(0.45, 1.0)
    rows, columns = (_near(axis, middle, 2.4) for axis, middle in ((y, eye.disc_mm[1]), (x, eye.disc_mm[0])))
    is_disc, is_cup = np.zeros((2, *color.shape[1:]), np.bool_)
    color, x, y = color[:, rows, columns], x[:, columns], y[rows]
    depth = inside_ellipse(x, y, eye.disc_mm, eye.disc_half_mm)
    ring = np.exp(np.minimum(depth, 0) * np.float32(3.2)) * np.float32(halo)
    ring *= np.clip((depth + np.float32(1.3)) * 2, 0, 1)
    for plane, gain in zip(color, (0.5, 0.8, 1.0), strict=True):
        plane *= 1 + ring * np.float32(gain)
    half = eye.disc_half_mm
    beside = inside_ellipse(x, y, (eye.disc_mm[0] - 0.16, eye.disc_mm[1]), (half[0] * 1.05, half[1] * 1.04))
    shade = np.clip(beside * np.float32(12), 0, 1) * np.float32(crescent)
    for plane, target in zip(color, (0.86, 0.66, 0.44), strict=True):
        plane += shade * (np.float32(target) - plane)
    light = 0.84 + 0.16 * (1 - 0.75 * eye.pigment)
    over = np.clip(depth * np.float32(1 / max(edge, pixel_mm)) + np.float32(0.5), 0, 1)
    dx = (x - np.float32(eye.disc_mm[0])) * np.float32(1 / half[0])
    toward_nose = np.float32(1) - np.float32(0.07) * dx
    for index, plane in enumerate(color):
        target = RIM[index] * light * (1 + pale) * (1 + (0, 0.5, 1)[index] * warm)
        plane += over * (np.float32(target) * toward_nose - plane)
    inner = cup(eye, eye.cup_ratio, x, y)
    lighten(color, np.clip(inner * np.float32(1 / max(0.12, pixel_mm)) + np.float32(0.4), 0, 1) * np.float32(pit), light)
    is_disc[rows, columns], is_cup[rows, columns] = depth > 0, inner > 0
    return is_disc, is_cup


def _near(axis: Floats, middle_mm: float, reach_mm: float) -> slice:
    """The part of an axis that lies that near to a place."""
    found = np.flatnonzero(np.abs(axis.ravel() - np.float32(middle_mm)) < reach_mm)
    return slice(int(found[0]), int(found[-1]) + 1)


def cup(eye: Eye, ratio: float, x: Floats, y: Floats) -> Floats:
    """About how deep in mm each pixel lies inside the cup of a vertical cup-to-disc ratio."""
    return inside_ellipse(x, y, eye.cup_middle_mm(ratio), eye.cup_half_mm(ratio))


def lighten(color: Floats, share: Floats, light: float) -> None:
    """Blend toward the pale bottom of a cup, in place."""
    for plane, target in zip(color, CUP, strict=True):
        plane += share * (np.float32(target * light) - plane)


def vessels(eye: Eye, grid: Grid, shot: Shot, color: Floats) -> tuple[Bools, Bools]:
    """Veins, then arteries that cross before them, drawn in place; where arteries and where veins are."""
    laid = laid_on(grid)
    lay(eye.vessels.points, grid, eye.mirror, shot.shift_mm, laid)
    vein, artery = laid.cover.reshape(2, *grid.shape) * np.float32(eye.blood)
    vein *= 1 - np.float32(0.8) * artery
    middle = laid.middle.reshape(2, *grid.shape)[1] * np.float32(0.35 * eye.blood)  # the reflex along an artery's middle
    shine = artery * (1 - middle)
    for plane, through_vein, through_artery in zip(color, VEIN, ARTERY, strict=True):
        plane *= 1 - vein * np.float32(1 - through_vein)
        plane *= 1 - shine * np.float32(1 - through_artery)
    in_vein, in_artery = laid.inside.reshape(2, *grid.shape)
    return in_artery, in_vein


def focus(color: Floats, shot: Shot, pixel_mm: float, look_blur: float) -> None:
    """The optics' blur, in place."""
    for plane in color:
        plane[:] = blur(plane, min(shot.defocus_mm * look_blur / pixel_mm * 1.1, 3.0))


def light(case: Case, grid: Grid, shot: Shot, color: Floats) -> None:
    """Uneven light, haze before the retina and what lies on the lens, in place; in the picture's frame."""
    rng = case.pose(1)
    y, x = grid.axes_mm()
    middle = rng.uniform(-1.2, 1.2, 2)
    square = (x - np.float32(middle[0])) ** 2 + (y - np.float32(middle[1])) ** 2
    shade = 1 - square * np.float32(shot.vignette / 40)
    shade += x * np.float32(shot.tilt[0] / 6) + y * np.float32(shot.tilt[1] / 6)
    for plane, gain in zip(color, shot.gain, strict=True):
        plane *= shade * np.float32(gain)
    if shot.haze > 0.01:
        veil = noise(rng, 3, *(((axis.ravel() + 7) / 14).astype(np.float32) for axis in (x, y)))
        veil *= np.float32(0.5 * shot.haze)
        veil += np.float32(shot.haze)
        np.clip(veil, 0, 0.7, out=veil)
        for plane, gray in zip(color, (0.56, 0.47, 0.36), strict=True):
            plane += veil * (np.float32(gray) - plane)
    _edge_glow(rng, x, y, shot, color)
    for _ in range(int(rng.integers(0, 3))):  # dust
        at, size, dim = rng.uniform(-5, 5, 2), rng.uniform(0.08, 0.3), rng.uniform(-0.10, 0.07)
        color += _bell(x - np.float32(at[0]), y - np.float32(at[1]), size) * np.float32(dim)


def _edge_glow(rng: np.random.Generator, x: Floats, y: Floats, shot: Shot, color: Floats) -> None:
    """Light from the pupil's edge: a crescent at one side, in two of five pictures."""
    turn, bright, width, is_there = rng.uniform(0, 6.283), rng.uniform(0.1, 0.45), rng.uniform(0.5, 1.6), rng.random() < 0.4
    if not is_there:
        return
    lean = x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))
    glow = np.clip((lean - np.float32(shot.aperture_mm - width - 0.4)) * np.float32(1 / (width + 0.4)), 0, 1)
    glow *= glow * np.float32(bright)
    for plane, share in zip(color, (1.0, 0.85, 0.75), strict=True):
        plane += glow * np.float32(share)


def aperture(grid: Grid, shot: Shot) -> Floats:
    """What the camera's round stop lets through, 0 to 1, (Y, X); some stops have a notch, some cut above and below."""
    y, x = grid.axes_mm()
    pixel = np.float32(1 / grid.spacing_mm[0])
    inside: Floats = np.clip((np.float32(shot.aperture_mm) - np.sqrt(x * x + y * y)) * pixel + np.float32(0.5), 0, 1)
    if shot.notch_deg < 360:
        turn = np.radians(shot.notch_deg)
        along = x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))
        across = np.abs(y * np.float32(np.cos(turn)) - x * np.float32(np.sin(turn)))
        notch = (along > 0) & (along < shot.aperture_mm + 0.16) & (across < 0.22)
        inside = np.maximum(inside, notch.astype(np.float32))
    inside *= np.clip((np.float32(shot.crop_mm) - np.abs(y)) * pixel + np.float32(0.5), 0, 1)
    return inside


def developed(case: Case, color: Floats, stop: Floats) -> Array:
    """The picture as the camera stores it, (Y, X, 3) uint8."""
    shown = toned(np.moveaxis(color, 0, -1), case.look)
    planes = np.moveaxis(shown, -1, 0)
    planes = planes + _noisy(case, stop.shape, _NOISE * case.look.noise)
    planes *= stop * np.float32(253)
    planes += np.float32(2.5 + 0.5)
    return np.ascontiguousarray(np.moveaxis(np.clip(planes, 0, 255).astype(np.uint8), 0, -1))


def _noisy(case: Case, shape: tuple[int, ...], level: float) -> Floats:
    """The sensor's noise, (3, Y, X), of a standard deviation of `level`; mostly common to the colors."""
    rng = case.pose(2)
    count = shape[0] * shape[1]
    raw = np.frombuffer(rng.bytes(4 * count), np.uint8).reshape(4, *shape).astype(np.float32)
    raw -= 127.5
    raw[3] *= np.float32(1.5)
    grain: Floats = raw[:3]
    grain += raw[3]
    grain *= np.float32(level / (73.9 * np.sqrt(1 + 1.5**2)))
    return grain
