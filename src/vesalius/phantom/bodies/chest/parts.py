"""The soft tissues and the airways of a chest as spans."""

import math
from dataclasses import dataclass

import numpy as np

from vesalius.phantom.bodies.chest.body import Chest
from vesalius.phantom.bodies.chest.spans import (
    Course,
    Ends,
    Rays,
    Reals,
    Span,
    around,
    before,
    bulge,
    ellipsoid,
    hulled,
    span,
    tube,
)

WIDE = 400.0


@dataclass(frozen=True, eq=False)
class Part:
    """A structure: `tissue` says what it is made of, `cuts` whether it takes its room from the lungs."""

    name: str
    tissue: str
    span: Span
    cuts: bool = False


def wall(c: Chest, rays: Rays) -> list[Part]:
    """Skin and fat, breasts, the muscles of the wall."""
    skin = span(rays, None, lambda x, z: trunk(c, x, z, 0.0))
    flesh = span(rays, None, lambda x, z: trunk(c, x, z, c.fat))
    found = [Part("body", "fat", skin), Part("wall", "muscle", flesh)]
    thick, wide, z0 = c.breast
    for side in (-1.0, 1.0):
        y = -0.45 * c.depth
        if thick > 1:
            # It leans outward and hangs: on the chest wall its upper slope is longer than its lower one.
            center = (side * (c.lung_u + 0.4 * wide) + 0.45 * c.depth * c.turn, y, z0)
            breast = ellipsoid(rays, center, (wide, 8 + thick, 0.84 * wide), 0.0, (side * 0.3, 0.12))
            found.append(Part("breast", "breast", before(breast, skin)))
            y -= 6 + thick
        if c.nipples:
            center = (side * (c.lung_u + 34) + 0.45 * c.depth * c.turn, y - 3, z0 - 8)
            found.append(Part("nipple", "muscle", ellipsoid(rays, center, (5, 7, 5))))
    return found


def trunk(c: Chest, x: Reals, z: Reals, inset: float) -> Ends:
    """Neck, shoulders and trunk, less a layer of `inset` mm."""
    u = np.abs(x)
    neck = 52.0
    away = np.maximum(u - neck, 0)
    drop = np.minimum(away * away * 0.02, away * c.slope + 24) - (c.shoulder_z + 30 - inset)
    below = -z - drop
    below *= 1 / 110.0
    np.clip(below, 0, 1, out=below)
    np.sqrt(below, out=below)
    wider = np.maximum(z - 35.0, 0)
    wider = wider * wider * 0.022 + (c.half_width - inset)
    side = u / wider
    side *= side
    shape = bulge(1 - side * side) * below
    column = bulge(1 - u * u * (1 / (neck + 14 - inset) ** 2)) * np.clip((z - c.apex_z + 50) * (1 / 50.0), 0, 1)
    half = np.maximum(shape, column * 0.58) * (c.depth / 2)
    front, back = around(0.0, half)
    if inset:
        front, back = front + inset, back - 0.8 * inset
    return front, back


def cage(c: Chest, u: Reals, z: Reals, grow: float) -> tuple[Reals, Reals]:
    """Squared relative distance from a lung's axis, and half the depth of the cage there; wider by `grow` mm all around."""
    outward = u - c.lung_u
    high = np.maximum(z - c.widest_z, 0) * (1 / (c.apex_z + grow - c.widest_z))
    squared = np.where(outward > 0, 1, 0.45 * (1 + high)) * (1 / (c.lung_half + grow) ** 2)
    squared *= outward
    squared *= outward
    squared += (high * 0.4 + 0.6) * high * high
    return squared, bulge(1 - squared) * (c.lung_depth / 2 + grow)


def hull(c: Chest, rays: Rays) -> Span:
    """Both pleural cavities, as if nothing were between them and below them."""

    def ends(x: Reals, z: Reals) -> Ends:
        _, half = cage(c, np.abs(x), z, 0.0)
        return around(c.lung_y, half)

    return span(rays, None, ends)


def cutting(c: Chest, rays: Rays) -> list[Part]:
    """What takes its room from the lungs: abdomen, mediastinum, heart, great vessels, spine."""
    return [
        Part("mediastinum", "fat", span(rays, (-60, -WIDE, 60, WIDE), lambda x, z: core(c, x, z)), True),
        Part("abdomen", "liver", span(rays, (-WIDE, -WIDE, WIDE, max(c.dome_z) + 1), lambda x, z: abdomen(c, x, z)), True),
        Part("heart", "heart", hulled(heart(c, rays)), True),
        *great_vessels(c, rays),
        Part("spine", "spongy", spine(c, rays), True),
    ]


def abdomen(c: Chest, x: Reals, z: Reals) -> Ends:
    """Everything below the domes of the diaphragm, within the cage."""
    u = np.abs(x)
    across = (u - (c.lung_u + 2)) * (1 / (c.lung_half - 2))
    top = np.where(x > 0, c.dome_z[1], c.dome_z[0]) - across * across * np.where(across > 0, c.dome_drop[0], 12.0)
    _, half = cage(c, u, z, 0.0)
    reach = bulge((top - z) * (1 / c.dome_drop[1])) * (c.lung_depth / 2)
    middle = c.lung_y - 7
    return np.maximum(middle - reach, c.lung_y - half), np.minimum(middle + reach, c.lung_y + half)


def below(c: Chest, rays: Rays) -> list[Part]:
    """What lies below the diaphragm on the left: fat, spleen, stomach with its air."""
    bubble = (c.lung_u + 4.0, -22.0, c.dome_z[1] - c.bubble[1] - 9)
    low = min(c.dome_z)

    def left(x: Reals, z: Reals) -> Ends:
        front, back = abdomen(c, x, z)
        return front + 5, np.where(x > 0.35 * c.lung_u - 0.4 * (z - c.dome_z[0]), back - 5, front)

    return [
        Part("under", "fat", span(rays, (0, -WIDE, WIDE, max(c.dome_z)), left)),
        Part("spleen", "spleen", ellipsoid(rays, (c.lung_u + 44, 34.0, low - 42), (22.0, 32.0, 38.0), 0.3)),
        Part("stomach", "muscle", ellipsoid(rays, (c.lung_u + 2, -18.0, c.dome_z[1] - 46), (40.0, 34.0, 40.0))),
        Part("bubble", "air", ellipsoid(rays, bubble, (c.bubble[0], 0.9 * c.bubble[0], c.bubble[1]))),
    ]


def core(c: Chest, x: Reals, z: Reals) -> Ends:
    """The mediastinum's fat from the sternum to the spine: where it is widest it fills the whole depth."""
    middle = (z - (c.arch[1] + 4)) * (1 / 78.0)
    wide = c.mediastinum + np.minimum(7 * middle * middle, 15)
    across = (x - 0.3 * c.lung_depth * c.turn) / wide
    across *= across
    return around(c.lung_y, np.minimum(bulge(1 - across * across) * 0.56, 0.5) * c.lung_depth)


def heart_scale(c: Chest) -> float:
    """By how much the heart is larger than `heart_half`, so that it is as wide as the ratio says."""
    along, across = c.heart_half
    half = math.hypot(along * math.cos(c.heart_tilt), across * math.sin(c.heart_tilt))
    right = max(half, 0.53 * along + 0.43 * along)
    return c.ratio * c.chest_width / (half + right)


def heart(c: Chest, rays: Rays) -> list[Span]:
    """The ventricles, one tilted ellipsoid, the right atrium at their right and the outflow above them."""
    scale = heart_scale(c)
    along, across = (half * scale for half in c.heart_half)
    deep = 0.40 * c.lung_depth * math.sqrt(scale)
    x = c.heart[0] * math.sqrt(scale) - c.heart[1] * c.turn
    z = c.heart[2] + 30 * (scale - 1)
    left = ellipsoid(rays, (x, c.heart[1], z), (along, deep, across), -c.heart_tilt, (0.12, -0.15))
    right = ellipsoid(rays, (x - 0.53 * along, c.heart[1] + 4, z + 3), (0.43 * along, 0.75 * deep, 0.52 * along))
    top = (0.25 * (x + c.arch[0]), c.heart[1] - 4, z + 0.62 * across + 8)
    return [left, right, ellipsoid(rays, top, (0.62 * across, 0.6 * deep, 0.62 * across), -0.5)]


def great_vessels(c: Chest, rays: Rays) -> list[Part]:
    """The aorta from the heart over its arch to the abdomen, the pulmonary arteries, the upper vein."""
    arch_x, arch_z, radius = c.arch
    front_y, back_y = c.heart[1] - 8, c.spine_y - 14
    ascending = -0.55 * arch_x

    def up(z: Reals) -> Course:
        rise = np.clip((arch_z - z) * (1 / 80), 0, 1)
        return ascending + 16 * rise * rise - front_y * c.turn, front_y + 10 * rise, radius

    def down(z: Reals) -> Course:
        fall = np.clip((arch_z - z) * (1 / 200), 0, 1)
        return arch_x + 3 - 12 * fall * fall - back_y * c.turn, back_y + 3 * fall, 0.72 * radius

    x1, x2 = ascending - front_y * c.turn, arch_x + 3 - back_y * c.turn
    sine, cosine = (back_y - front_y) / math.hypot(back_y - front_y, x2 - x1), (x2 - x1) / math.hypot(back_y - front_y, x2 - x1)

    def over(x: Reals, z: Reals) -> Ends:
        half = bulge(radius * radius * 0.8 - (z - arch_z) ** 2) * (1 / sine)
        half = half * ((x > x1 - radius) & (x < x2 + radius))
        middle = front_y + (x - x1) * (cosine / sine)
        middle = (back_y - front_y) * (1 / (x2 - x1)) * (x - x1) + front_y if abs(x2 - x1) > 1 else middle
        return np.maximum(middle - half, front_y - 4), np.minimum(middle + half, back_y + 4)

    top, bottom = c.arch[1] + 2, c.heart[2]
    hilum_z = arch_z - 44
    trunk_span = ellipsoid(rays, (arch_x - 2 + 18 * c.turn, -18.0, hilum_z), (23.0, 20.0, 32.0))

    def across(x: Reals) -> Course:
        u = np.abs(x)
        return hilum_z + 0.16 * x, 4.0 + 0.1 * u, 11 - 0.07 * u

    branches = tube(rays, (-46, 40), across, (hilum_z - 24, hilum_z + 24), 1.0, "x")
    return [
        Part("aorta", "blood", tube(rays, (bottom, arch_z), up, (-70, 40)), True),
        Part("aorta", "blood", span(rays, (x1 - 30, arch_z - radius, x2 + 30, arch_z + radius), over), True),
        Part("aorta", "blood", ellipsoid(rays, (x2 + 1, back_y - 8, arch_z), (radius, radius * 1.25, radius * 1.08)), True),
        Part("aorta", "blood", tube(rays, (-WIDE, top), down, (-30, 80)), True),
        Part("pulmonary", "blood", hulled([trunk_span, branches]), True),
        Part(
            "vein",
            "blood",
            tube(rays, (arch_z - 70, arch_z + 62), lambda z: (-17 + 10 * c.turn + 0.04 * (z - arch_z), -12.0, 10.5), (-60, 20)),
            True,
        ),
    ]


def spine_x(c: Chest, z: Reals) -> Reals:
    """How far to the side the spine is bent at each height."""
    found: Reals = c.spine_bend[0] * np.sin(z * 0.016 + c.spine_bend[1]) - c.spine_y * c.turn
    return found


def spine(c: Chest, rays: Rays) -> Span:
    """The vertebral bodies and discs."""
    return tube(rays, (-WIDE, WIDE), lambda z: (spine_x(c, z), c.spine_y, 18.0), (-52, 52), 0.82)


def level(c: Chest, z: Reals) -> Reals:
    """Height within a vertebra, from -0.5 to 0.5: at 0 its middle, beyond 0.38 the disc."""
    found: Reals = (z - c.rib_z) * (1 / c.rib_gap)
    found = found - np.rint(found)
    return found


def inner(c: Chest, rays: Rays) -> list[Part]:
    """The airways, the gullet and an old scar."""
    fork = c.arch[1] - 26
    turned = 0.3 * 20 * c.turn

    def branch(side: float) -> Span:
        slope = 0.75 if side < 0 else 1.0
        return tube(
            rays,
            (fork - 38, fork + 7),
            lambda z: (side * ((fork + 5 - z) * slope) - turned, 8.0, 7.2),
            (-52, 52),
        )

    share_x, share_z, radius = c.granuloma
    scar_x = math.copysign(c.lung_u - 8 + 60 * abs(share_x), share_x)
    scar_z = c.dome_z[0] + 20 + share_z * (c.apex_z - c.dome_z[0] - 50)
    return [
        Part("gullet", "muscle", tube(rays, (-WIDE, WIDE), lambda z: (7.0, c.spine_y - 27, 6.5), (0, 14))),
        Part("trachea", "air", tube(rays, (fork, WIDE), lambda z: (-1.0 - turned, 4.0, 8.6), (-30, 30))),
        Part("bronchus", "air", branch(-1.0)),
        Part("bronchus", "air", branch(1.0)),
        Part("scar", "cortex", ellipsoid(rays, (scar_x, 0.0, scar_z), (max(radius, 0.01), radius + 0.01, max(radius, 0.01)))),
    ]
