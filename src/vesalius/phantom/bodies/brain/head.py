"""The head of one patient: its measures, the inner skull as a surface, and what lies outside it.

The body's origin is the middle of the cranial cavity. The cavity is an ellipsoid, squarer than an exact one, whose floor is
high in front, lower below the temporal lobes and lowest behind.
"""

from dataclasses import dataclass
from math import pi
from typing import TYPE_CHECKING

import numpy as np

from vesalius.phantom.bodies.mr.laying import Place, canvas_edge, lay_ellipsoid, lay_rod
from vesalius.phantom.bodies.mr.signal import Canvas, Tissue, share, step
from vesalius.phantom.bodies.mr.space import Vector, direction
from vesalius.phantom.truth import Floats

if TYPE_CHECKING:
    from vesalius.phantom.case import Case

FAT = Tissue(280, 95, 0.72)
MUSCLE = Tissue(950, 45, 0.72)
BONE = Tissue(1000, 1, 0.05)
MARROW = Tissue(420, 60, 0.42)
CSF = Tissue(4200, 1800, 1.0)
AIR = Tissue(1000, 1, 0.0)
VITREOUS = Tissue(3800, 1500, 0.98)
CORD = Tissue(750, 80, 0.72)
SQUARE = 0.30  # 0: an exact ellipsoid
WAVES = 14


@dataclass(frozen=True, eq=False)
class Head:
    """Measures of one head, in mm.

    Attributes:
        half: of the cavity: to each side, to the front, to the back, up.
        gap: between skull and brain.
        tilt: by which share the gap is wider on the left and at the back.
        sulcus: how wide a sulcus is open.
        sulci: how deep the sulci are.
        cortex: its thickness.
        skull, scalp: their thickness.
        horns: width of both frontal horns together, when nothing widens them.
        lean: by which share the left ventricle is wider than the right.
        aged: 0 young to 1 shrunken.
        sinus, cistern, gland: sizes of the sinuses, of the cistern around the pituitary gland and of the gland, near 1.
        caps: how bright the caps at the horns are.
        waves: (WAVES, 4), wave vectors per mm and phases whose sum is zero in the sulci.
        spaces: perivascular spaces: (end, end, radius).
    """

    half: tuple[float, float, float, float]
    gap: float
    tilt: tuple[float, float]
    sulcus: float
    sulci: float
    cortex: float
    skull: float
    scalp: float
    horns: float
    lean: float
    aged: float
    waves: Floats
    spaces: tuple[tuple[Vector, Vector, float], ...]
    caps: float
    sinus: float
    cistern: float
    gland: float

    def low(self, y: Floats) -> Floats:
        """How far the cavity's floor lies below its middle."""
        return np.float32(29) + np.float32(37) * step(y, -52, 26)

    def depth(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """How deep below the inner skull, along the line to the middle; negative outside. Zero exactly on the skull."""
        side, front, back, up = self.half
        t1 = (x * np.float32(1 / side)) ** 2
        t2 = (y * np.where(y < 0, np.float32(1 / front), np.float32(1 / back))) ** 2
        t3 = (z * np.where(z > 0, np.float32(1 / up), 1 / self.low(y))) ** 2
        r: Floats = np.sqrt(x * x + y * y + z * z)
        for t in (t1, t2, t3):
            np.minimum(t, np.float32(1.5), out=t)
        q = t1 * t2
        q += t3 * (t1 + t2)
        q *= np.float32(-SQUARE)
        q += t1
        q += t2
        q += t3
        np.sqrt(np.maximum(q, np.float32(1e-4), out=q), out=q)
        return r / q - r

    def surface(self, toward: Vector) -> float:
        """How far the inner skull is from the middle in a direction."""
        near, far = 10.0, 130.0
        for _ in range(24):
            middle = (near + far) / 2
            at = [np.array([middle * value], np.float32) for value in toward]
            near, far = (middle, far) if self.depth(at[0], at[1], at[2])[0] > 0 else (near, middle)
        return near

    def side_at(self, y: float, z: float) -> float:
        """How far the inner skull is from the midline, at a place."""
        near, far = 0.0, 100.0
        for _ in range(24):
            middle = (near + far) / 2
            at = [np.array([value], np.float32) for value in (middle, y, z)]
            near, far = (middle, far) if self.depth(at[0], at[1], at[2])[0] > 0 else (near, middle)
        return near


def head_of(case: "Case") -> Head:
    """The patient's head."""
    rng = case.body(0)
    scale = (0.985 if case.sex == "F" else 1.015) * rng.uniform(0.90, 1.06)
    shape = rng.uniform(-1, 1, 4)
    aged = float(np.clip((case.age_years - 35) / 50, 0, 1) * rng.uniform(0.5, 1) + rng.uniform(0, 0.15))
    size = rng.uniform(-1, 1, 8)
    lean = rng.uniform(-1, 1, 4)
    turns = [direction(rng) for _ in range(WAVES)]
    length = rng.uniform(20, 26)
    phases = rng.uniform(0, 2 * pi, WAVES)
    waves = np.array([[*(2 * pi / length * value for value in turn), phase] for turn, phase in zip(turns, phases, strict=True)])
    half = (68.5 * scale * (1 + 0.04 * shape[0]), 80 * scale * (1 + 0.05 * shape[1]), 84 * scale * (1 + 0.05 * shape[2]))
    return Head(
        half=(float(half[0]), float(half[1]), float(half[2]), float(70 * scale * (1 + 0.04 * shape[3]))),
        gap=2.2 + 2.6 * aged + 0.5 * float(size[0]),
        tilt=(0.55 * float(lean[0]), 0.55 * float(lean[1])),
        sulcus=0.75 + 1.7 * aged + 0.35 * float(size[1]),
        sulci=14.0 + 2.5 * float(size[2]),
        cortex=3.1 - 0.4 * aged + 0.25 * float(size[3]),
        skull=7.2 + 1.6 * float(size[4]),
        scalp=6.5 + 2.0 * float(size[5]),
        horns=29 + 4 * float(size[6]) + 7.5 * aged,
        lean=0.14 * float(size[7]),
        aged=aged,
        waves=waves.astype(np.float32),
        spaces=_spaces(rng, aged),
        caps=float(rng.uniform(0, 1)) * (0.4 + 0.6 * aged),
        sinus=float(rng.uniform(0.75, 1.15)),
        cistern=1 + 0.25 * float(lean[2]),
        gland=1.2 + 0.45 * float(lean[3]),
    )


def _spaces(rng: np.random.Generator, aged: float) -> tuple[tuple[Vector, Vector, float], ...]:
    """Perivascular spaces: along vessels of the centrum semiovale and below the putamen; healthy people have them."""
    found = []
    count = int(rng.integers(3, 9) + 8 * aged)
    for index in range(24):
        side = 1.0 if rng.random() < 0.5 else -1.0
        u, v, w = (float(value) for value in rng.uniform(-1, 1, 3))
        radius, length = float(rng.uniform(0.8, 1.5)), float(rng.uniform(6, 14))
        if index % 3:
            low = (side * (24 + 5 * u), 2 + 34 * v, 34 + 4 * w)
            high = (low[0] + side * 0.6 * length, low[1] + 2 * u, low[2] + 0.6 * length)
        else:
            low = (side * (24 + 4 * u), -2 + 9 * v, -6 + 2 * w)
            high = (low[0] + 1.5 * w, low[1], low[2] + 0.7 * length)
        if index < count:
            found.append((low, high, radius))
    return tuple(found)


def paint_outside(canvas: Canvas, head: Head, place: Place, depth: Floats, mixed: Floats) -> Floats:
    """Lay scalp, muscles, skull, eyes, sinuses and neck; returns the distance to the skin. `mixed`: noise, for textures."""
    x, y, z = place
    edge = canvas_edge(place)
    skin = _skin(head, x, y, z)
    canvas.lay(share(skin, edge), FAT)
    flesh = share(skin + np.float32(head.scalp), edge)
    flesh *= np.clip(np.float32(0.86) + np.float32(0.55) * mixed, np.float32(0.25), 1)
    canvas.lay(flesh, MUSCLE)
    # Bone all around the cavity; marrow between its tables, patchy.
    out = -depth
    canvas.lay(share(out - np.float32(head.skull), edge), BONE)
    table = np.abs(out - np.float32(0.5 * head.skull)) - np.float32(0.22 * head.skull)
    diploe = share(table, edge) * np.clip(np.float32(0.75) + np.float32(0.7) * mixed, 0, 1)
    canvas.lay(diploe, MARROW)
    _paint_face(canvas, head, place, edge)
    _paint_neck(canvas, place, edge)
    return skin


def _skin(head: Head, x: Floats, y: Floats, z: Floats) -> Floats:
    """About the signed distance to the skin: an ellipsoid above, a face and a neck below."""
    side, front, back, up = (half + head.skull + head.scalp for half in head.half)
    lower = np.maximum(-z, 0)
    nape = np.float32(1) + np.maximum(lower - 42, 0) * np.float32(1 / 75)
    q: Floats = (x * np.float32(1 / (side + 1.5))) ** 2
    q *= 1 + np.maximum(lower - 30, 0) * np.float32(1 / 160)
    depth_y = np.where(y < 0, np.float32(1 / (front + 3)), np.float32(1 / back) * nape)
    q += (y * depth_y) ** 2
    q += (z * np.where(z > 0, np.float32(1 / up), np.float32(1 / 215))) ** 2
    np.sqrt(q, out=q)
    q -= 1
    q *= np.float32((side + front) / 2)
    return q


def _paint_face(canvas: Canvas, head: Head, place: Place, edge: float) -> None:
    """Nose, orbits with eyes, and the air of the sinuses."""
    front = -(head.half[1] + head.skull + head.scalp)
    s = head.sinus
    lay_ellipsoid(canvas, place, (0, front + 3, -46), (13, 16, 22), MUSCLE, edge)
    for side in (-1.0, 1.0):
        lay_ellipsoid(canvas, place, (side * 31, front + 32, -32), (19, 28, 17), FAT, edge)
        lay_rod(canvas, place, ((side * 31, front + 30, -32), (side * 12, front + 66, -27)), (4, 2.5), MUSCLE, edge)
        lay_ellipsoid(canvas, place, (side * 32, front + 22, -32), (12, 12.5, 12), VITREOUS, edge)
        lay_ellipsoid(canvas, place, (side * 32, front + 12.5, -32), (4.5, 2.5, 4.5), MUSCLE, edge)
        lay_ellipsoid(canvas, place, (side * 27, front + 32, -66), (13 * s, 17 * s, 15 * s), AIR, edge)
        lay_ellipsoid(canvas, place, (side * 58, 24, -46), (9, 13, 12), BONE, edge)
        lay_rod(canvas, place, ((side * 66, 4, -48), (side * 82, 10, -50)), (5, 5), AIR, edge)
    lay_ellipsoid(canvas, place, (0, front + 38, -36), (10 * s, 20, 13), AIR, edge)
    lay_ellipsoid(canvas, place, (0, front + 46, -70), (9, 32, 18), AIR, edge)
    lay_ellipsoid(canvas, place, (0, front + 14, -8), (19 * s, 5 * s, 11 * s), AIR, edge)


def _paint_neck(canvas: Canvas, place: Place, edge: float) -> None:
    """Clivus and vertebrae, and the spinal canal with its cord."""
    lay_rod(canvas, place, ((0, -18, -42), (0, 4, -66)), (8, 6), MARROW, edge)
    lay_ellipsoid(canvas, place, (0, 4, -86), (17, 11, 14), MARROW, edge)
    lay_rod(canvas, place, ((0, 18, -62), (0, 24, -125)), (11, 10), CSF, edge)
    lay_rod(canvas, place, ((0, 17, -58), (0, 24, -125)), (6.5, 6), CORD, edge)
