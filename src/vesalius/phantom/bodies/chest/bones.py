"""The bones of a chest as spans: ribs and their cartilage, sternum, collar bones, shoulder blades, arms, the spine's arches."""

from functools import partial

import numpy as np

from vesalius.phantom.bodies.chest.body import Chest
from vesalius.phantom.bodies.chest.parts import WIDE, Part, cage, level, spine_x, trunk
from vesalius.phantom.bodies.chest.spans import Ends, Rays, Reals, around, bulge, ellipsoid, span


def bones(c: Chest, rays: Rays) -> list[Part]:
    """All of them; of those with marrow the whole first and then what fills it."""
    edge = c.lung_u + c.lung_half
    found = []
    box = (-edge - 14, -WIDE, edge + 14, WIDE)
    x, z = rays.at(*rays.window(box))
    u = np.abs(x)
    shell = cage(c, u, z, 1.0)[1], cage(c, u, z, 8.5)[1]
    for where in ("back", "front"):
        for name, tissue, share in (("ribs", "cortex", 1.0), ("marrow", "spongy", 0.68)):
            found.append(Part(name, tissue, span(rays, box, partial(rib_ends, c, where, share, shell))))
    found.append(Part("cartilage", "cartilage", span(rays, box, partial(rib_ends, c, "cartilage", 0.9, shell))))
    front_y = c.lung_y - c.lung_depth / 2
    sternum = ellipsoid(rays, (-front_y * c.turn, front_y - 9, c.arch[1] - 24), (17.0, 7.0, 82.0), 0.0, (0.0, -0.06))
    found.append(Part("sternum", "spongy", sternum))
    box = (-165.0, c.clavicle[0] - 14, 165.0, c.clavicle[0] + c.clavicle[1] + 16)
    found += [Part("clavicle", tissue, span(rays, box, partial(clavicles, c, s))) for tissue, s in _SHELL]
    back_y = c.lung_y + c.lung_depth / 2 + 15
    for side in (-1.0, 1.0):
        at = side * (edge + 26) - back_y * c.turn
        blade = span(rays, (at - 36, c.apex_z - 134, at + 36, c.apex_z + 2), partial(blade_ends, c, at, back_y))
        found.append(Part("scapula", "cortex", blade))
        head = (side * (c.half_width + 30), 8.0, c.shoulder_z - 62)
        found += [Part("arm", tissue, ellipsoid(rays, head, (25 * s + 0.5, 25 * s, 26 * s + 0.5))) for tissue, s in _SHELL]
    found.append(Part("arches", "spongy", span(rays, (-60, -WIDE, 60, WIDE), lambda x, z: arches(c, x, z))))
    return found


_SHELL = (("cortex", 1.0), ("spongy", 0.74))


def rib_ends(c: Chest, where: str, share: float, shell: Ends, x: Reals, z: Reals) -> Ends:
    """Bands on the cage, each a rib; `share` of their thickness. `shell`: half the depth within and without the bone."""
    u = np.abs(x)
    edge = c.lung_u + c.lung_half + 8
    out = np.minimum(u * (1 / edge), 1.1)
    arched = out * (1 - out)
    if where == "back":
        gap = c.rib_gap * (1 + 0.12 * out)
        offset = c.rib_z + 34.0 * arched - c.rib_drop * out * out * out - z
    else:
        gap = c.rib_gap * (1.24 - 0.12 * out)
        offset = c.rib_z - c.rib_drop - c.front_drop * (1 - out) * 1.35 - 22 * arched - z
        if where == "cartilage":
            offset = offset - 1.1 * np.maximum(0.9 * c.lung_u - u, 0)
    offset = offset / gap
    number = np.rint(offset)
    away = (offset - number) * gap * (1 / (c.rib_half * (share if share > 0.7 else 0.7)))
    band = bulge(1 - away * away)
    last = 11 if where == "back" else 8 if where == "front" else 6
    band *= (number >= (0 if where == "back" else 1)) & (number < last)
    if where == "back":
        band *= u > 13.0
    elif where == "front":
        band *= u > 0.88 * c.lung_u
    else:
        band *= (u < 0.9 * c.lung_u) & (u > 14)
    near, far = shell
    half = (far - near) * (0.5 * share) * band
    middle = (far + near) * 0.5
    return around(c.lung_y + (middle if where == "back" else -middle), half)


def clavicles(c: Chest, share: float, x: Reals, z: Reals) -> Ends:
    """Both collar bones; their inner ends move with the patient's turning."""
    y = c.lung_y - 0.42 * c.lung_depth
    u = np.abs(x + y * c.turn)
    out = u * (1 / 150.0)
    arched = out * (1 - out)
    middle = c.clavicle[0] + c.clavicle[1] * out + 26 * arched * (1 - 2 * out)
    half = (6.5 - 6 * arched) * share
    away = (z - middle) / half
    inside = bulge(1 - away * away)
    inside *= (u > 12) & (u < 156)
    return around(y + 60 * out * out, inside * half * 1.2)


def blade_ends(c: Chest, at: float, y: float, x: Reals, z: Reals) -> Ends:
    """A shoulder blade: a plate with a thicker inner border, beneath the muscles of the back."""
    across, up = (x - at) * (1 / 34.0), (z - (c.apex_z - 66)) * (1 / 66.0)
    disc = bulge(1 - across * across - up * up)
    half = np.minimum(disc * 9.0, 2.1 + 1.6 * np.maximum(1 - disc * 2.4, 0))
    _, back = trunk(c, x, z, c.fat)
    half = half * (back > 16)
    return around(np.minimum(y - 0.16 * np.maximum(np.abs(x) - abs(at) + 20, 0), back - 9), half)


def arches(c: Chest, x: Reals, z: Reals) -> Ends:
    """Behind the vertebral bodies: pedicles, the roof of the canal and a spine in the middle."""
    h, u = level(c, z), np.abs(x - spine_x(c, z))
    pedicle = bulge(1 - ((u - 13) * (1 / 4.5)) ** 2 - ((h - 0.1) * (c.rib_gap / 7.0)) ** 2) * 8.0
    process = bulge(1 - (u * (1 / 3.4)) ** 2) * bulge(1 - ((h - 0.14) * (c.rib_gap / 8.0)) ** 2) * 9.0
    wing = 4.0 * ((u > 14) & (u < 31)) * bulge(1 - ((h - 0.12) * (c.rib_gap / 4.5)) ** 2)
    y = c.spine_y + 20 + 12 * (u < 3.4)
    return around(y, np.maximum(np.maximum(pedicle, process), wing))
