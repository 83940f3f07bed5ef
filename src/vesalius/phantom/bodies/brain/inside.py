"""What lies within the skull: cortex folded into gyri, white matter, deep nuclei, ventricles, cerebellum, stem, falx.

Everything is computed for a list of places, given by their coordinates in the healthy brain, so that a brain which is pushed
aside is the same brain at other coordinates.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from vesalius.phantom.bodies.brain.head import BONE, CSF, Head
from vesalius.phantom.bodies.mr.signal import Canvas, Tissue, share, step
from vesalius.phantom.bodies.mr.space import Vector, ellipsoid, rod
from vesalius.phantom.truth import Bools, Floats

WHITE = Tissue(580, 74, 0.70)
GRAY = Tissue(1200, 104, 0.81)
DEEP = Tissue(1000, 82, 0.78)
PALLIDUM = Tissue(850, 62, 0.74)
DURA = Tissue(900, 18, 0.35)
STEM = Tissue(720, 80, 0.73)
CEREBELLUM = Tissue(1150, 98, 0.80)
GLIOSIS = Tissue(1300, 150, 0.88)
PITUITARY = Tissue(800, 88, 0.80)


@dataclass(frozen=True)
class Ventricles:
    """Lateral, third and fourth ventricles. `width` of both frontal horns together; `lean`: see `Head`."""

    width: float
    lean: float

    @property
    def tip(self) -> float:
        """Radius of a frontal horn's tip."""
        return max(4 + 0.28 * (self.width - 34), 1.2)

    @property
    def scale(self) -> float:
        """By which the other parts are wider than at a width of 34 mm."""
        return float((self.tip / 4) ** 0.72)

    @property
    def roof(self) -> float:
        """How much higher the corpus callosum lies than at a width of 34 mm."""
        return max(6 * (self.scale - 1), -2)

    def distance(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """Signed, to the nearest of all ventricles."""
        side = np.abs(x)
        s = self.scale
        at = self.width / 2 - self.tip
        waist = 0.75 * self.tip + 1.2
        tip, foramen, body = (at, -36.0, 8.0), (waist + 1.5, -12.0, 16.0), (5 * s + 2.5, 10.0, 24.0)
        atrium, occipital = (19 + 3.5 * s, 38.0, 11.0), (24.0, 57 + 3 * s, 4.0)
        middle, temporal = (32 + s, 16.0, -13.0), (33.0, -7.0, -20.0)
        found = rod(side, y, z, (tip, foramen), (self.tip, waist))
        for ends, radii in (
            ((foramen, body), (waist, 5.0 * s)),
            ((body, atrium), (5.0 * s, 6.8 * s)),
            ((atrium, occipital), (6.8 * s, 2.6 * s)),
            ((atrium, middle), (5.5 * s, 2.8 * s)),
            ((middle, temporal), (2.8 * s, 2.4 * s)),
        ):
            np.minimum(found, rod(side, y, z, ends, radii), out=found)
        # One side is a little wider than the other: the tips keep their mean.
        found += np.where(x > 0, np.float32(-self.lean * self.tip), np.float32(self.lean * self.tip))
        np.minimum(found, ellipsoid(x, y, z, (0, 2, 2), (1.6 * s + 0.4, 13, 9)), out=found)
        np.minimum(found, ellipsoid(x, y, z, (0, 25, -38), (6 * sqrt(s), 4.5 * sqrt(s), 9)), out=found)
        return found


def cerebrum(head: Head, vent: Ventricles, x: Floats, y: Floats, z: Floats, depth: Floats) -> Floats:
    """How deep below the surface of the cerebrum, sulci included; negative in the fluid around it and outside."""
    side = np.abs(x)
    tent = (z + 6 + np.float32(0.3) * side + np.float32(0.12) * (y - 20)) * np.float32(0.93)
    ridge = (8 + np.float32(0.45) * (side - 15) - y) * np.float32(0.9)
    deep: Floats = np.maximum(tent, ridge)
    deep -= 0.4
    gap = 1 + x * np.float32(head.tilt[0] / head.half[0]) + y * np.float32(head.tilt[1] / head.half[2])
    np.minimum(deep, depth - np.float32(head.gap) * gap, out=deep)
    wide = head.cistern
    np.minimum(deep, ellipsoid(x, y, z, (0, -11, -32), (14 * wide, 18 * wide, 17)), out=deep)
    # The fissure between the hemispheres ends where the corpus callosum joins them.
    arch = np.sqrt(((y - 3) * np.float32(1 / 44)) ** 2 + ((z - 12) * np.float32(1 / (25 + vent.roof))) ** 2)
    inside = np.maximum(1 - arch, 0) * np.float32(26)
    np.minimum(deep, np.sqrt(side * side + inside * inside) - np.float32(0.9 + 0.45 * head.sulcus), out=deep)
    # The lateral fissure, down to the insula.
    sheet = z + 5 - np.float32(0.55) * (y + 4) - np.float32(0.40) * (side - 50) + np.float32(2) * np.sin(y * np.float32(0.16))
    sheet *= np.float32(0.82)
    inward, ends = np.maximum(40 - side, 0), np.maximum(np.abs(y + 2) - 30, 0)
    np.minimum(deep, np.sqrt(sheet**2 + inward**2 + ends**2) - np.float32(0.8 + 0.8 * head.sulcus), out=deep)
    near = np.flatnonzero((deep > -3) & (deep < head.sulci + 10) & (depth < 36))
    folded = (x[near], y[near], z[near])
    deep[near] = np.minimum(deep[near], _sulci(head, vent, folded, deep[near], depth[near]))
    return deep


def _sulci(head: Head, vent: Ventricles, place: tuple[Floats, Floats, Floats], deep: Floats, depth: Floats) -> Floats:
    """Signed distance to the fluid in the nearest sulcus: sheets that wind inward, where a sum of waves is zero."""
    x, y, z = place
    r = np.maximum(np.sqrt(x * x + y * y + z * z), np.float32(45))
    out = np.float32(70) / r
    bend = np.float32(2.6) * np.sin(deep * np.float32(0.24))
    ux, uy, uz = x * out, y * out + bend, z * out - bend
    wave, gx, gy, gz = (np.zeros_like(x) for _ in range(4))
    deepest = np.full_like(x, np.float32(head.sulci))
    for index, (kx, ky, kz, phase) in enumerate(head.waves):
        turn = kx * ux + ky * uy + kz * uz + phase
        wave += np.cos(turn)
        tilt = np.sin(turn)
        gx += kx * tilt
        gy += ky * tilt
        gz += kz * tilt
        if index < 3:
            deepest += np.float32(2.4) * tilt
    radial = (gx * x + gy * y + gz * z) / r
    steep = np.sqrt(np.maximum(gx * gx + gy * gy + gz * gz - radial * radial, 0))
    usual = float(np.sqrt((head.waves[0, :3] ** 2).sum())) * sqrt(len(head.waves) / 2)
    steep = np.maximum(steep, np.float32(0.45 * usual)) * out
    across = np.abs(wave) / steep
    over = np.maximum(np.maximum(deep - deepest, depth - np.float32(head.gap + 26)), 0)
    # Wide ventricles press the sulci shut.
    width = head.sulcus * (1 - 0.65 * min(max((vent.width - head.horns) / 14, 0), 1))
    opening = np.float32(0.42 * width) * (1 + np.float32(1.0) * np.exp(deep * np.float32(-1 / 6)))
    found: Floats = np.sqrt(across * across + over * over) - opening
    return found


@dataclass(frozen=True, eq=False)
class Brain:
    """What of the brain lies at each of the places: signed distances, negative inside, and masks."""

    ventricles: Floats
    surface: Floats
    parts: dict[str, Bools]


NUCLEI: tuple[tuple[str, Vector, Vector, Tissue], ...] = (
    ("thalamus", (11, 10, 5), (8, 15, 9.5), DEEP),
    ("caudate", (15, -20, 9), (5, 11, 9), GRAY),
    ("putamen", (27, -4, 3), (5.5, 16, 10.5), DEEP),
    ("pallidum", (20.5, 0, 1), (4.0, 9, 6.5), PALLIDUM),
)


def paint_brain(
    canvas: Canvas, head: Head, vent: Ventricles, place: tuple[Floats, Floats, Floats], depth: Floats, edge: float
) -> Brain:
    """Lay the brain on a canvas of listed places, (S, N); `place` and `depth` are those of the healthy brain."""
    x, y, z = place
    side = np.abs(x)
    canvas.light[:] = np.array([s.signal(CSF) for s in canvas.sequences], np.float32)[:, None]
    deep = cerebrum(head, vent, x, y, z, depth)
    canvas.lay(share(-deep, edge), GRAY)
    white = deep - np.float32(head.cortex)
    canvas.lay(share(-white, edge), WHITE)
    parts = {"gray matter": (deep > 0) & (white <= 0), "white matter": white > 0}
    hind = np.flatnonzero(z < 6)
    parts |= _paint_hind(canvas, head, (x[hind], y[hind], z[hind]), depth[hind], edge, hind, len(x))
    middle = np.flatnonzero((side < 44) & (np.abs(z - 4) < 22) & (np.abs(y - 3) < 40))
    mx, my, mz = side[middle], y[middle], z[middle]
    shift = 0.5 * (vent.width / 2 - vent.tip) - 6
    nuclei = np.zeros(len(x), np.bool_)
    for name, (cx, cy, cz), radii, tissue in NUCLEI:
        cx += max(0.55 * shift, 0) + (0.5 * shift if name == "caudate" else 0)
        distance = ellipsoid(mx, my, mz, (cx, cy, cz), radii)
        canvas.lay(share(distance, edge), tissue, middle)
        nuclei[middle[distance < 0]] = True
    parts["basal ganglia"] = nuclei
    fluid = vent.distance(x, y, z)
    _paint_caps(canvas, head, vent, place, fluid)
    canvas.lay(share(fluid, edge), CSF)
    for one, two, radius in head.spaces:
        box = np.flatnonzero((np.abs(x - one[0]) < 12) & (np.abs(y - one[1]) < 6) & (np.abs(z - (one[2] + two[2]) / 2) < 12))
        tube = rod(x[box], y[box], z[box], (one, two), (radius, radius))
        canvas.lay(share(tube, edge) * (deep[box] > 2), CSF, box)
    _paint_dura(canvas, vent, place, depth, edge)
    inside = fluid < 0
    for mask in parts.values():
        mask &= ~inside
    parts["ventricles"] = inside
    return Brain(fluid, deep, parts)


def _paint_caps(canvas: Canvas, head: Head, vent: Ventricles, place: tuple[Floats, Floats, Floats], fluid: Floats) -> None:
    """Bright caps at the horns, which the healthy have, and the halo of fluid that is pressed out of wide ventricles."""
    _, y, z = place
    ring = 1 - np.abs(fluid) * np.float32(1 / 3.5)
    np.maximum(ring, 0, out=ring)
    caps = ring * np.float32(0.7 * head.caps) * (step(-y, 30, 40) + step(y, 46, 58)) * (z > -8)
    pressed = min(max((vent.width - head.horns) / 8, 0), 1)
    if pressed:
        caps += step(-fluid, -7, 0) * np.float32(0.75 * pressed) * (z > -6)
    canvas.lay(np.clip(caps, 0, 1), GLIOSIS)


def _paint_hind(
    canvas: Canvas,
    head: Head,
    place: tuple[Floats, Floats, Floats],
    depth: Floats,
    edge: float,
    at: np.ndarray[tuple[int], np.dtype[np.intp]],
    count: int,
) -> dict[str, Bools]:
    """Cerebellum with its folia and white tree, brain stem and pituitary gland."""
    x, y, z = place
    side = np.abs(x)
    lobe = ellipsoid(x, y, z, (0, 44, -38), (60, 40, 33))
    tent = (z + 7 + np.float32(0.3) * side + np.float32(0.12) * (y - 20)) * np.float32(0.93)
    lobe = np.maximum(np.maximum(lobe, tent), np.float32(head.gap + 1) - depth)
    for cx in (-45.0, 45.0):  # the petrous bones, between the temporal lobes and the cerebellum
        bone = ellipsoid(x, y, z, (cx, 15, -41), (19, 5.5, 6.5))
        np.maximum(lobe, np.float32(1) - bone, out=lobe)
        canvas.lay(share(bone, edge), BONE, at)
    # A notch behind between the hemispheres of the cerebellum.
    np.maximum(lobe, np.float32(1.2) - np.sqrt(side**2 + np.maximum(58 - y, 0) ** 2), out=lobe)
    canvas.lay(share(lobe, edge), CEREBELLUM, at)
    away = np.sqrt((y - 18) ** 2 + (z + 38) ** 2 + np.float32(0.15) * side**2)
    turn = np.arctan2(z + 38, y - 18)
    folia = np.cos(turn * np.float32(21) + np.sin(away * np.float32(0.3)))
    fine = min(max((4.5 / edge - 1) / 2, 0), 1)  # folia of 4.5 mm are lost in larger voxels
    lines = np.clip(folia - np.float32(0.55), 0, 1) * np.float32(1.6 * fine) * (lobe < -1)
    canvas.lay(lines * (away > 16), CSF, at)
    tree = np.maximum(lobe + np.float32(8), 2.2 * (folia + np.float32(0.35)))
    tree = np.minimum(tree, ellipsoid(side, y, z, (16, 36, -38), (12, 9, 8)))
    canvas.lay(share(tree, edge) * (lobe < -3), WHITE, at)
    stem = rod(x, y, z, ((0, 7, -2), (0, 9, -20)), (12, 12.5))
    np.minimum(stem, ellipsoid(x, y, z, (0, 6, -34), (15.5, 13, 14)), out=stem)
    np.minimum(stem, rod(x, y, z, ((0, 12, -40), (0, 18, -66)), (10, 7)), out=stem)
    stem = np.maximum(stem, z + 3)
    canvas.lay(share(stem, edge), STEM, at)
    gland = ellipsoid(x, y, z, (0, -27, -33), (6.5 * head.gland, 5 * head.gland, 4 * head.gland))
    canvas.lay(share(gland, edge), PITUITARY, at)
    found = {name: np.zeros(count, np.bool_) for name in ("cerebellum", "brain stem")}
    found["cerebellum"][at[(lobe < 0) & (stem >= 0)]] = True
    found["brain stem"][at[stem < 0]] = True
    return found


def _paint_dura(canvas: Canvas, vent: Ventricles, place: tuple[Floats, Floats, Floats], depth: Floats, edge: float) -> None:
    """The falx between the hemispheres, and the large vein in its upper edge."""
    x, y, z = place
    near = np.flatnonzero((np.abs(x) < 3 * edge + 6) & (z > -14))
    px, py, pz = x[near], y[near], z[near]
    arch = np.sqrt(((py - 3) * np.float32(1 / 44)) ** 2 + ((pz - 12) * np.float32(1 / (25 + vent.roof))) ** 2)
    falx = np.maximum(np.abs(px) - np.float32(0.7), (np.float32(1.22) - arch) * 26)
    canvas.lay(share(falx, edge), DURA, near)
    vein = np.abs(px) + np.abs(depth[near] - 3) - 4
    canvas.lay(share(np.maximum(vein, -10 - pz - py), edge), DURA, near)
