"""The chest of a patient as thickness along the beam: millimetres of tissue over every point of the frontal plane.

Body frame: x to the patient's left, y to the feet, in millimetres from the middle of the chest; `u` is |x|. Every function
takes coordinates of any one shape and gives thickness in millimetres of that shape, above zero exactly inside.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import cos, sin
from typing import Literal

import numpy as np

from vesalius.phantom.paint import dome, ramp
from vesalius.phantom.truth import Bools, Floats

LUNG_AIR = 0.74  # share of a lung's thickness that does not attenuate


@dataclass(frozen=True)
class Part:
    """A structure of one tissue, the function that paints it and the box (x0, y0, x1, y1) that holds all of it."""

    tissue: Literal["heart", "cover", "bone", "soft", "air"]
    paint: Callable[["Chest", Floats, Floats], Floats]
    box_mm: tuple[float, float, float, float]


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


def body(c: Chest, y: Floats, u: Floats) -> Floats:
    """Neck, shoulders and trunk."""
    neck = 52.0
    away = np.maximum(u - np.float32(neck), 0)
    below = np.minimum(away * away * np.float32(0.02), away * np.float32(c.slope) + 24)
    below += np.float32(c.shoulder_y - 30)
    np.subtract(y, below, out=below)
    below = np.sqrt(ramp(below, 110.0))
    wider = np.maximum(-35.0 - y, 0)
    wider *= wider
    wider *= np.float32(0.022)
    wider += np.float32(c.half_width)
    side = u / wider
    side *= side
    side *= side
    trunk = dome(side)
    trunk *= below
    column = dome(u * u * np.float32(1 / (neck + 14) ** 2)) * ramp(c.apex_y + 50 - y, 50.0)
    np.maximum(trunk, column * np.float32(0.58), out=trunk)
    trunk *= np.float32(c.depth)
    return trunk


def lungs(c: Chest, x: Floats, y: Floats) -> Floats:
    """Both lungs, as if the heart were not there; below the diaphragm and in the mediastinum 0."""
    u = np.abs(x)
    return lungs_within(c, y, u, outline(c, y, u), diaphragm(c, x > 0, u))


def outline(c: Chest, y: Floats, u: Floats) -> Floats:
    """Squared relative distance from each lung's axis: 1 on the pleura of side and apex. Not a thickness."""
    outward = u - np.float32(c.lung_u)
    high = np.maximum(c.widest_y - y, 0)
    high *= np.float32(1 / (c.widest_y - c.apex_y))
    # Towards the midline a lung ends at the mediastinum, and rounds off near the apex alone.
    squared = np.where(outward > 0, np.float32(1), np.float32(0.55) * (1 + high))
    outward *= np.float32(1 / c.lung_half)
    squared *= outward
    squared *= outward
    rounded = high * np.float32(0.4)
    rounded += np.float32(0.6)
    rounded *= high
    rounded *= high
    squared += rounded
    return squared


def lungs_within(c: Chest, y: Floats, u: Floats, squared: Floats, floor: Floats) -> Floats:
    """`lungs` from its `outline` and the `diaphragm`."""
    thickness = dome(squared) * np.float32(c.lung_depth)
    middle = (y - np.float32(c.arch[1] - 4)) * np.float32(1 / 78.0)
    thickness *= ramp(u - np.float32(c.mediastinum) - np.minimum(7 * middle * middle, np.float32(16)), 6.0)
    thickness *= ramp(floor - y, 5.0)
    return thickness


def diaphragm(c: Chest, left: Bools, u: Floats) -> Floats:
    """The height y of the diaphragm's dome over each u."""
    across = (u - np.float32(c.lung_u + 4)) * np.float32(1 / (c.lung_half - 4))
    top = np.where(left, np.float32(c.dome_y[1]), np.float32(c.dome_y[0]))
    return top + across * across * np.float32(c.dome_drop)


def ribs(c: Chest, y: Floats, u: Floats, squared: Floats, floor: Floats) -> Floats:
    """Bone of all ribs, curved bands behind and in front, within the cage around the lungs' `outline`."""
    out = u * np.float32(1 / (c.lung_u + c.lung_half))
    arched = out * (1 - out)
    behind = y - np.float32(c.rib_y) + np.float32(38.0) * arched - np.float32(c.rib_drop) * out * out * out
    bone = _bands(behind, c.rib_gap, c.rib_half, 11)
    bone *= ramp(u - np.float32(16.0), 4.0)
    forward = y - np.float32(c.rib_y + 0.9 * c.rib_gap + 96.0) + np.float32(82.0) * out + np.float32(28.0) * arched
    front = _bands(forward, c.rib_gap * 1.22, c.rib_half * 1.12, 6)
    front *= ramp(u - np.float32(c.lung_u * 0.9), 26.0)
    bone += front * np.float32(0.5)
    bone *= ramp(np.float32(1.16) - squared, 0.07)
    bone *= ramp(floor + 50 - y, 60.0)
    return bone


def _bands(offset: Floats, gap: float, half: float, count: int) -> Floats:
    """Hollow tubes of half height `half`, one every `gap` from offset 0 on, `count` of them: thickness of bone."""
    offset *= np.float32(1 / gap)
    number = np.rint(offset)
    away = offset - number
    away *= np.float32(gap / half)
    away *= away
    shell = dome(away)
    shell -= np.float32(0.5) * dome(away * np.float32(1.6))
    shell *= np.float32(2 * half)
    shell *= (number >= 0) & (number < count)
    return shell


def parts(c: Chest) -> tuple[Part, ...]:
    """Everything of which a picture shows only a part, each with the box outside which it is not."""
    reach = max(c.heart_half)
    arch_x, arch_y, radius = c.arch[0] + c.front_shift, c.arch[1], c.arch[2]
    edge, wide = c.lung_u + c.lung_half, 400.0
    blade, arm, breast = c.apex_y + 66, c.shoulder_y + 62, c.dome_y[0] - 8
    bubble_y = c.dome_y[1] + c.bubble[1] + 8
    return (
        Part("heart", heart, (c.heart_x - reach, c.heart_y - reach, c.heart_x + reach, c.heart_y + reach)),
        Part("cover", great_vessels, (c.front_shift - 34, arch_y - 66, arch_x + max(23, radius + 5), arch_y + 82)),
        Part("bone", spine, (-20, -wide, 20, wide)),
        Part("bone", clavicles, (-160, c.clavicle[0] - c.clavicle[1] - 14, 160, c.clavicle[0] + 12)),
        Part("bone", shoulder, (-wide, min(blade - 67, arm - 27), -edge + 10, blade + 67)),
        Part("bone", shoulder, (edge - 10, min(blade - 67, arm - 27), wide, blade + 67)),
        Part("air", airways, (-46, -wide, 46, arch_y + 60)),
        Part("soft", breasts, (-141, breast - 51, 141, breast + 51)),
        Part("air", stomach_air, (c.lung_u - 40, bubble_y - 16, c.lung_u + 45, bubble_y + 16)),
    )


def heart(c: Chest, x: Floats, y: Floats) -> Floats:
    """The heart: one tilted ellipsoid."""
    cosine, sine = np.float32(cos(c.heart_tilt)), np.float32(sin(c.heart_tilt))
    right, down = x - np.float32(c.heart_x), y - np.float32(c.heart_y)
    along = (right * cosine + down * sine) * np.float32(1 / c.heart_half[0])
    across = (down * cosine - right * sine) * np.float32(1 / c.heart_half[1])
    return dome(along * along + across * across) * np.float32(118.0)


def great_vessels(c: Chest, x: Floats, y: Floats) -> Floats:
    """The aortic arch, the pulmonary trunk below it and the upper vein on the right."""
    arch_x, arch_y, radius = c.arch[0] + c.front_shift, c.arch[1], c.arch[2]
    knob = _disc(x, y, (arch_x + 4, arch_y), (radius, radius * 1.08)) * np.float32(2.2 * radius)
    trunk = _disc(x, y, (arch_x - 2, arch_y + 44), (24.0, 34.0)) * np.float32(44.0)
    vein = _disc(x, y, (c.front_shift - 16, arch_y + 8), (17.0, 72.0)) * np.float32(30.0)
    joined: Floats = np.maximum(np.maximum(knob, trunk), vein)
    return joined


def spine(c: Chest, x: Floats, y: Floats) -> Floats:
    """Bone of the vertebrae: bodies with brighter end plates."""
    level = (y - np.float32(c.rib_y)) * np.float32(1 / c.rib_gap)
    level -= np.rint(level)
    bone = dome((x * np.float32(1 / 19.0)) ** 2) * np.float32(20.0)
    bone *= np.float32(0.72) + np.float32(1.12) * level * level
    return bone


def clavicles(c: Chest, x: Floats, y: Floats) -> Floats:
    """Bone of both collar bones; their inner ends move with the patient's turning."""
    u = np.abs(x - np.float32(c.front_shift))
    out = u * np.float32(1 / 150.0)
    arched = out * (1 - out)
    middle = np.float32(c.clavicle[0]) - np.float32(c.clavicle[1]) * out - np.float32(26) * arched * (1 - 2 * out)
    away = (y - middle) / (np.float32(6.5) - np.float32(6) * arched)
    away *= away
    shell = dome(away) - np.float32(0.4) * dome(away * np.float32(1.6))
    return shell * ramp(u - np.float32(11), 5.0) * ramp(np.float32(158) - u, 8.0) * np.float32(16.0)


def shoulder(c: Chest, x: Floats, y: Floats) -> Floats:
    """Bone of the shoulder blade's inner border and of the head of the upper arm."""
    u = np.abs(x)
    blade = _disc(u, y, (c.lung_u + c.lung_half + 26, c.apex_y + 66), (34.0, 66.0))
    plate = np.minimum(blade * np.float32(12.0), np.float32(5.5))
    head = _disc(u, y, (c.half_width + 30, c.shoulder_y + 62), (25.0, 26.0)) * np.float32(26.0)
    bone: Floats = plate + head
    return bone


def airways(c: Chest, x: Floats, y: Floats) -> Floats:
    """Air of the windpipe and its two main branches."""
    fork = c.arch[1] + 26
    shifted = np.abs(x - np.float32(c.front_shift * 0.5 - 1))
    pipe = dome((shifted * np.float32(1 / 8.5)) ** 2) * ramp(np.float32(fork) - y, 8.0)
    branch = np.maximum(y - np.float32(fork - 6), 0)
    arms = dome(((shifted - branch * np.float32(0.9)) * np.float32(1 / 6.0)) ** 2) * ramp(np.float32(38) - branch, 18.0)
    air: Floats = np.maximum(pipe * np.float32(15.0), arms * (y > fork - 6) * np.float32(10.0))
    return air


def breasts(c: Chest, x: Floats, y: Floats) -> Floats:
    """Soft tissue in front of the lower lungs."""
    return _disc(np.abs(x), y, (82.0, c.dome_y[0] - 8), (58.0, 50.0)) * np.float32(c.breast)


def stomach_air(c: Chest, x: Floats, y: Floats) -> Floats:
    """The bubble under the left dome."""
    return _disc(x, y, (c.lung_u + 4.0, c.dome_y[1] + c.bubble[1] + 8), c.bubble) * np.float32(38.0)


def _disc(x: Floats, y: Floats, center: tuple[float, float], half: tuple[float, float]) -> Floats:
    """Relative thickness of an upright ellipsoid."""
    across, down = x - np.float32(center[0]), y - np.float32(center[1])
    across *= np.float32(1 / half[0])
    down *= np.float32(1 / half[1])
    across *= across
    down *= down
    across += down
    return dome(across)
