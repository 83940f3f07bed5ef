"""The chest of a patient as thickness along the beam: millimetres of tissue over every point of the frontal plane.

Body frame: x to the patient's left, y to the feet, in millimetres from the middle of the chest; `u` is |x|. Every function
takes coordinates of any one shape and gives thickness in millimetres of that shape, above zero exactly inside.
"""

from dataclasses import dataclass, replace

import numpy as np

from vesalius.phantom.paint import dome, ramp
from vesalius.phantom.truth import Bools, Floats

LUNG_AIR = 0.74  # share of a lung's thickness that does not attenuate


@dataclass(frozen=True)
class Chest:
    """One patient's measures, in millimetres unless said otherwise; pairs are (right, left)."""

    depth: float  # of the trunk, front to back
    half_width: float  # of the trunk below the arms
    shoulder_y: float
    slope: float  # of the shoulders, mm per mm
    lung_u: float  # distance of each lung's axis from the midline
    lung_half: float  # half width of a lung, towards the side
    lung_depth: float
    apex_y: float
    widest_y: float
    dome_y: tuple[float, float]
    dome_drop: float  # from the top of the dome to the costophrenic angle
    mediastinum: float  # half width
    heart_x: float
    heart_y: float
    heart_half: tuple[float, float]  # along and across its long axis
    heart_tilt: float  # radians
    arch: tuple[float, float, float]  # x, y, radius of the aortic arch
    rib_y: float  # of the first posterior rib at the spine
    rib_gap: float
    rib_half: float
    rib_drop: float  # from the spine to the side
    clavicle: tuple[float, float]  # y at the sternum, rise to the shoulder
    front_shift: float  # of what lies in front against the spine, from the patient's turning
    breast: float  # thickness
    bubble: tuple[float, float]  # half width and half height of the stomach's air


def draw_chest(rng: np.random.Generator, sex: str) -> Chest:
    """A patient: build, breath and proportions from the generator, in an order that never changes."""
    width, height, stout = rng.uniform(0.93, 1.07), rng.uniform(0.93, 1.06), rng.uniform(-1, 1)
    if sex == "F":
        width, height = width * 0.97, height * 0.97
    breath = rng.uniform(-14, 12)
    dome_y = 84 * height + breath
    uneven = rng.uniform(4, 16)
    return Chest(
        depth=205 + 35 * stout + rng.uniform(-10, 10),
        half_width=174 * width + 10 * stout + rng.uniform(-3, 6),
        shoulder_y=-176 * height + rng.uniform(-8, 6),
        slope=rng.uniform(0.16, 0.4),
        lung_u=55 * width,
        lung_half=87 * width + rng.uniform(-3, 3),
        lung_depth=rng.uniform(125, 155),
        apex_y=-136 * height,
        widest_y=44 * height,
        dome_y=(dome_y, dome_y + uneven),
        dome_drop=rng.uniform(34, 48),
        mediastinum=rng.uniform(15, 20),
        heart_x=rng.uniform(19, 27),
        heart_y=dome_y - rng.uniform(30, 37),
        heart_half=(rng.uniform(70, 84) * width, rng.uniform(46, 54)),
        heart_tilt=rng.uniform(0.5, 0.8),
        arch=(rng.uniform(18, 25), -58 * height + rng.uniform(-5, 5), rng.uniform(15, 21)),
        rib_y=-122 * height + rng.uniform(-5, 5),
        rib_gap=rng.uniform(24.5, 27.5) * height,
        rib_half=rng.uniform(5.6, 7.2),
        rib_drop=rng.uniform(20, 42),
        clavicle=(-98 * height + rng.uniform(-6, 6), rng.uniform(6, 26)),
        front_shift=0.0,
        breast=rng.uniform(18, 42) if sex == "F" else rng.uniform(0, 7),
        bubble=(rng.uniform(16, 32), rng.uniform(8, 15)),
    )


def turned(chest: Chest, turn_deg: float, breath_mm: float) -> Chest:
    """The same patient turned a little about the long axis and with the diaphragm lower by `breath_mm`."""
    shift = 1.6 * turn_deg
    return replace(
        chest,
        front_shift=shift,
        heart_x=chest.heart_x + shift,
        heart_y=chest.heart_y + 0.6 * breath_mm,
        dome_y=(chest.dome_y[0] + breath_mm, chest.dome_y[1] + breath_mm),
    )


def body(c: Chest, x: Floats, y: Floats, u: Floats) -> Floats:
    """Neck, shoulders and trunk."""
    neck = 52.0
    away = np.maximum(u - neck, 0)
    top = c.shoulder_y - 30 + np.minimum(away * away * np.float32(0.02), c.slope * away + 24)
    below = ramp(y - top, 110.0)
    column = dome((u / np.float32(neck + 14)) ** 2) * np.float32(0.58)
    high = np.maximum(-35.0 - y, 0)
    half = c.half_width + np.float32(0.022) * high * high
    side = u / half
    side *= side
    side *= side
    trunk = dome(side) * np.sqrt(below)
    whole: Floats = np.maximum(trunk, column * ramp(c.apex_y + 50 - y, 50.0)) * np.float32(c.depth)
    return whole


def lungs(c: Chest, x: Floats, y: Floats, u: Floats) -> Floats:
    """Both lungs, as if the heart were not there; below the diaphragm and in the mediastinum 0."""
    left = x > 0
    outward = u - np.float32(c.lung_u)
    across = np.where(outward > 0, outward / np.float32(c.lung_half), outward / np.float32(c.lung_half * 0.95))
    high = np.maximum(c.widest_y - y, 0) / np.float32(c.widest_y - c.apex_y)
    squared = across * across
    squared *= np.where(outward > 0, np.float32(1), np.float32(0.5) + np.float32(0.5) * high)
    squared += high * high * (np.float32(0.6) + np.float32(0.4) * high)
    thickness = dome(squared) * np.float32(c.lung_depth)
    middle = (y - np.float32(c.arch[1] - 4)) * np.float32(1 / 78.0)
    thickness *= ramp(u - np.float32(c.mediastinum) - np.minimum(7 * middle * middle, np.float32(16)), 6.0)
    thickness *= ramp(diaphragm(c, left, u) - y, 5.0)
    return thickness


def diaphragm(c: Chest, left: Bools, u: Floats) -> Floats:
    """The height y of the diaphragm's dome over each u."""
    across = (u - np.float32(c.lung_u + 4)) * np.float32(1 / (c.lung_half - 4))
    top = np.where(left, np.float32(c.dome_y[1]), np.float32(c.dome_y[0]))
    return top + across * across * np.float32(c.dome_drop)


def heart(c: Chest, x: Floats, y: Floats) -> Floats:
    """The heart: one tilted ellipsoid, and the right atrium's border."""
    along, across = _tilted(x - np.float32(c.heart_x), y - np.float32(c.heart_y), c.heart_tilt)
    squared = (along / np.float32(c.heart_half[0])) ** 2 + (across / np.float32(c.heart_half[1])) ** 2
    return dome(squared) * np.float32(118.0)


def great_vessels(c: Chest, x: Floats, y: Floats) -> Floats:
    """The aortic arch, the pulmonary trunk below it and the upper vein on the right."""
    arch_x, arch_y, radius = c.arch[0] + c.front_shift, c.arch[1], c.arch[2]
    knob = _disc(x, y, (arch_x + 4, arch_y), (radius, radius * 1.08)) * np.float32(2.2 * radius)
    trunk = _disc(x, y, (arch_x - 2, arch_y + 44), (24.0, 34.0)) * np.float32(44.0)
    vein = _disc(x, y, (c.front_shift - 16, arch_y + 8), (17.0, 72.0)) * np.float32(30.0)
    joined: Floats = np.maximum(np.maximum(knob, trunk), vein)
    return joined


def spine(x: Floats, y: Floats, u: Floats) -> Floats:
    """Bone of the vertebrae: bodies with brighter end plates, and a row of spinous processes."""
    phase = np.abs((y * np.float32(1 / 25.0)) % 1 - np.float32(0.5)) * 2
    plates = np.float32(0.72) + np.float32(0.28) * phase * phase
    bone: Floats = dome((u / np.float32(19.0)) ** 2) * plates * np.float32(20.0)
    return bone


def ribs(c: Chest, x: Floats, y: Floats, u: Floats, cage: Floats) -> Floats:
    """Bone of all ribs: curved bands behind and in front; `cage` is above 0 within the bony cage."""
    out = u * np.float32(1 / (c.lung_u + c.lung_half))
    behind = np.float32(c.rib_y) - np.float32(38.0) * out * (1 - out) + np.float32(c.rib_drop) * out * out * out
    back = _bands(y - behind, c.rib_gap, c.rib_half, 11)
    back *= ramp(u - np.float32(16.0), 4.0)
    forward = np.float32(c.rib_y + 0.9 * c.rib_gap + 96.0) - np.float32(88.0) * out * (np.float32(1.25) - np.float32(0.32) * out)
    front = _bands(y - forward, c.rib_gap * 1.22, c.rib_half * 1.12, 6)
    front *= ramp(u - np.float32(c.lung_u * 0.9), 26.0)
    front *= np.float32(0.5)
    return (back + front) * cage


def _bands(offset: Floats, gap: float, half: float, count: int) -> Floats:
    """Hollow tubes of half height `half`, one every `gap` from offset 0 on, `count` of them: thickness of bone."""
    number = np.rint(offset * np.float32(1 / gap))
    away = (offset - number * np.float32(gap)) * np.float32(1 / half)
    away *= away
    shell = dome(away) - np.float32(0.5) * dome(away * np.float32(1.6))
    shell *= (number >= 0) & (number < count)
    return shell * np.float32(2 * half)


def clavicles(c: Chest, x: Floats, y: Floats) -> Floats:
    """Bone of both collar bones; their inner ends move apart when the patient turns."""
    forward = x - np.float32(c.front_shift)
    u = np.abs(forward)
    out = u * np.float32(1 / 150.0)
    middle = np.float32(c.clavicle[0]) - np.float32(c.clavicle[1]) * (3 - 2 * out) * out * out - 10 * out * (1 - out)
    half = np.float32(6.5) - np.float32(3) * out * (1 - out) * 2
    away = (y - middle) / half
    away *= away
    shell = dome(away) - np.float32(0.4) * dome(away * np.float32(1.6))
    return shell * ramp(u - np.float32(11), 5.0) * ramp(np.float32(158) - u, 8.0) * np.float32(16.0)


def shoulders(c: Chest, x: Floats, y: Floats, u: Floats) -> Floats:
    """Bone of the shoulder blades' inner borders and of the heads of the upper arms."""
    blade_u, blade_y = c.lung_u + c.lung_half + 4, c.apex_y + 66
    blade = _disc(u, y, (blade_u + 22 + 0.0, blade_y), (34.0, 66.0))
    plate = np.minimum(blade * np.float32(9.0), np.float32(4.0))
    head = _disc(u, y, (c.half_width + 30, c.shoulder_y + 62), (25.0, 26.0)) * np.float32(26.0)
    bone: Floats = plate + head
    return bone


def airways(c: Chest, x: Floats, y: Floats) -> Floats:
    """Air of the windpipe and its two main branches."""
    fork = c.arch[1] + 26
    shifted = np.abs(x - np.float32(c.front_shift * 0.5 - 1))
    pipe = dome((shifted / np.float32(8.5)) ** 2) * ramp(np.float32(fork) - y, 8.0)
    branch = np.maximum(y - np.float32(fork - 6), 0)
    arms = dome(((shifted - branch * np.float32(0.9)) / np.float32(6.0)) ** 2) * ramp(np.float32(38) - branch, 18.0)
    air: Floats = np.maximum(pipe * np.float32(15.0), arms * (y > fork - 6) * np.float32(10.0))
    return air


def breasts(c: Chest, x: Floats, y: Floats, u: Floats) -> Floats:
    """Soft tissue in front of the lower lungs."""
    squared = ((u - np.float32(82)) / np.float32(58)) ** 2 + ((y - np.float32(c.dome_y[0] - 8)) / np.float32(50)) ** 2
    return dome(squared) * np.float32(c.breast)


def stomach_air(c: Chest, x: Floats, y: Floats) -> Floats:
    """The bubble under the left dome."""
    center = (c.lung_u + 4.0, c.dome_y[1] + c.bubble[1] + 8)
    return _disc(x, y, center, c.bubble) * np.float32(38.0)


def _disc(x: Floats, y: Floats, center: tuple[float, float], half: tuple[float, float]) -> Floats:
    """Relative thickness of an upright ellipsoid."""
    return dome(
        ((x - np.float32(center[0])) / np.float32(half[0])) ** 2 + ((y - np.float32(center[1])) / np.float32(half[1])) ** 2
    )


def _tilted(x: Floats, y: Floats, angle: float) -> tuple[Floats, Floats]:
    """Coordinates along and across an axis at `angle` below the horizontal."""
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return x * cosine + y * sine, y * cosine - x * sine
