"""The knee of one patient: bones, cartilage, menisci, ligaments, muscles, each by its signed distance in mm.

The body's origin is the middle of the joint. Coordinates are (u, y, z): u away from the other leg (lateral), y to the back, z to
the head. A left knee has u = x, a right one u = -x.
"""

from dataclasses import dataclass
from math import cos, radians, sin
from typing import TYPE_CHECKING

import numpy as np

from vesalius.phantom.bodies.mr.laying import Place, lay_ellipsoid, lay_rod
from vesalius.phantom.bodies.mr.signal import Canvas, Tissue, share
from vesalius.phantom.bodies.mr.space import Vector, ellipsoid, rod
from vesalius.phantom.truth import Floats

if TYPE_CHECKING:
    from vesalius.phantom.case import Case

FAT = Tissue(280, 90, 0.90, fat=0.95)
MUSCLE = Tissue(950, 38, 0.76)
MARROW = Tissue(320, 72, 0.86, fat=0.88)
RED_MARROW = Tissue(600, 55, 0.82, fat=0.45)
CORTEX = Tissue(900, 2, 0.20)
TENDON = Tissue(800, 9, 0.55)
LIGAMENT = Tissue(900, 15, 0.60)
MENISCUS = Tissue(900, 10, 0.60)
WORN = Tissue(1000, 20, 0.66)
CARTILAGE = Tissue(1000, 50, 0.78)
FLUID = Tissue(3200, 700, 1.0)
VESSEL = Tissue(1300, 6, 0.8)
VEIN = Tissue(1500, 160, 0.95)
WET_FAT = Tissue(700, 110, 0.92, fat=0.5)
SKIN = Tissue(900, 25, 0.70)

COMPARTMENTS = ("medial femoral", "lateral femoral", "medial tibial", "lateral tibial", "patellar")
HORNS = {"anterior horn": -66.0, "body": 0.0, "posterior horn": 66.0}  # degrees about the plateau's middle
PLATEAU = -3.0  # z of the tibia's surface
RING = (9.0, 17.5)  # inner and outer radius of a meniscus, at a scale of 1
LONG = 1.22  # how much longer a meniscus is from front to back than from side to side
CLEFT = 0.6  # fluid between the cartilages


@dataclass(frozen=True, eq=False)
class Knee:
    """Measures of one knee.

    Attributes:
        side: left or right.
        scale: of all lengths but cartilage.
        thick: cartilage in mm, by compartment.
        worn: gray within the menisci, 0 to 1.
        fluid: depth in mm of the fluid that is normal.
        red: how much of the marrow is red.
        vein: how bright the popliteal vein is, and its radius in mm.
        recess: fluid beside the cruciate ligaments, which is normal: how much in three places, 0 to 1.
        pads: wet fat above the patella and below it, which is normal: how wet and where, 0 to 1.
    """

    side: str
    scale: float
    thick: dict[str, float]
    patella_up: float
    patella_out: float
    notch: float
    fat: float
    bulk: float
    slope: float
    worn: float
    fluid: float
    red: float
    calf: float
    vein: tuple[float, float]
    recess: tuple[float, float, float]
    pads: tuple[float, float, float, float]

    @property
    def lateral(self) -> float:
        """+1 where the lateral side is the patient's left, as in a left knee."""
        return 1.0 if self.side == "left" else -1.0

    def condyle(self, medial: bool) -> tuple[Vector, Vector]:
        """Middle and radii of the bone of a femoral condyle; its lowest point leaves room for the cartilage."""
        name = "medial" if medial else "lateral"
        k = self.scale
        room = PLATEAU + self.thick[f"{name} tibial"] + CLEFT + self.thick[f"{name} femoral"]
        radii = (15.0 * k, 29.0 * k, 23.0 * k) if medial else (15.5 * k, 28.0 * k, 23.5 * k)
        return ((-1.0 if medial else 1.0) * (22.5 + self.notch) * k, 7.0 * k, room + radii[2]), radii

    @property
    def patella(self) -> tuple[Vector, Vector]:
        """Middle and radii of its bone."""
        k = self.scale
        radii = (21 * k, 9.5 * k, 20 * k)
        back = self.trochlea[0][1] - self.trochlea[1][1] - 1.6 - CLEFT - self.thick["patellar"]
        return (self.patella_out, back - radii[1], (33 + self.patella_up) * k), radii

    @property
    def trochlea(self) -> tuple[Vector, Vector]:
        """Middle and radii of the bone behind the patella on the lateral side; mirrored on the medial side."""
        k = self.scale
        return (14.0 * k, -7 * k, 31 * k), (21 * k, 22 * k, 21 * k)

    def femur(self, u: Floats, y: Floats, z: Floats) -> Floats:
        """Signed distance to the femur's surface."""
        k = self.scale
        found = rod(u, y, z, ((0, 2 * k, 42 * k), (0, -1 * k, 74 * k)), (27 * k, 15.5 * k))
        np.minimum(found, rod(u, y, z, ((0, -1 * k, 74 * k), (2 * k, -3 * k, 140 * k)), (15.5 * k, 13.5 * k)), out=found)
        np.minimum(found, ellipsoid(np.abs(u), y, z, *self.trochlea), out=found)
        # The notch: between the condyles, open to the back and downward.
        gap = ellipsoid(u, y, z, (0, 30 * k, 8 * k), (9.5 * k, 32 * k, 22 * k))
        np.maximum(found, -gap, out=found)
        for medial in (True, False):
            np.minimum(found, ellipsoid(u, y, z, *self.condyle(medial)), out=found)
        return found

    def top(self, u: Floats, y: Floats) -> Floats:
        """The tibia's surface (z): hollow on the medial side, rounded on the lateral one, sloping down to the back."""
        k = self.scale
        side = np.abs(u) - np.float32(22.5 * k)
        away = (side * side + (y - np.float32(7 * k)) ** 2) * np.float32(1 / (300 * k * k))
        np.minimum(away, 1.2, out=away)
        tilt = np.float32(self.slope) * (y - np.float32(7 * k))
        rise: Floats = np.where(u < 0, away * np.float32(0.9), away * np.float32(-0.9)) - tilt
        rise += np.float32(PLATEAU)
        return rise

    def tibia(self, u: Floats, y: Floats, z: Floats) -> Floats:
        """Signed distance to the tibia's surface, exact on the plateau."""
        k = self.scale
        head = ellipsoid(u, y, z, (0, 6 * k, -14 * k), (39 * k, 27 * k, 30 * k))
        np.maximum(head, z - self.top(u, y), out=head)
        spines = ellipsoid(np.abs(u), y, z, (5.5 * k, 5 * k, -4 * k), (4 * k, 10 * k, 7 * k))
        np.minimum(head, spines, out=head)
        np.minimum(head, rod(u, y, z, ((0, 3 * k, -28 * k), (0, 6 * k, -75 * k)), (25 * k, 14.5 * k)), out=head)
        np.minimum(head, rod(u, y, z, ((0, 6 * k, -75 * k), (0, 7 * k, -130 * k)), (14.5 * k, 13 * k)), out=head)
        np.minimum(head, ellipsoid(u, y, z, (4 * k, -19 * k, -36 * k), (9 * k, 8 * k, 13 * k)), out=head)
        return head

    def fibula(self, u: Floats, y: Floats, z: Floats) -> Floats:
        """Signed distance to the fibula's surface."""
        k = self.scale
        found = ellipsoid(u, y, z, (33 * k, 25 * k, -30 * k), (9 * k, 9.5 * k, 11 * k))
        shaft = rod(u, y, z, ((34 * k, 26 * k, -36 * k), (31 * k, 28 * k, -130 * k)), (6.5 * k, 5.5 * k))
        return np.minimum(found, shaft, out=found)

    def plateau(self, medial: bool, u: Floats, y: Floats) -> tuple[Floats, Floats]:
        """About the middle of a plateau: the radius in which menisci are rings, and the way outward (both in mm at scale 1)."""
        k = self.scale
        sign = -1.0 if medial else 1.0
        outward = (u * np.float32(sign) - np.float32(22.5 * k)) * np.float32(1 / k)
        along = (y - np.float32(7 * k)) * np.float32(1 / (k * LONG))
        return np.sqrt(outward * outward + along * along), outward

    def meniscus(self, medial: bool, place: Place, top: Floats, over: Floats) -> Floats:
        """Signed distance to a meniscus. `top`: the tibial cartilage's surface; `over`: distance to the femoral cartilage."""
        u, y, z = place
        radius, outward = self.plateau(medial, u, y)
        height = z - top
        wedge: Floats = height - np.float32(0.6) - np.float32(0.72 * self.scale) * (radius - np.float32(RING[0]))
        wedge *= np.float32(0.81)
        np.maximum(wedge, -height, out=wedge)
        np.maximum(wedge, np.float32(0.2) - over, out=wedge)
        np.maximum(wedge, np.float32(self.scale) * (radius - np.float32(RING[1])), out=wedge)
        np.maximum(wedge, np.float32(self.scale) * (np.float32(RING[0]) - radius), out=wedge)
        np.maximum(wedge, np.float32(self.scale) * (np.float32(-10.5) - outward), out=wedge)
        return wedge

    def horn(self, medial: bool, name: str) -> Vector:
        """A place within a meniscus's horn, at half its height."""
        k, middle, turn = self.scale, 0.62 * RING[1] + 0.38 * RING[0], radians(HORNS[name])
        out = (22.5 + middle * cos(turn)) * k
        u, y = (-out if medial else out), (7 + LONG * middle * sin(turn)) * k
        top = float(self.top(np.array([u], np.float32), np.array([y], np.float32))[0])
        return u, y, top + self.thick["medial tibial" if medial else "lateral tibial"] + 1.6 * k

    def pole(self, compartment: str, forward_mm: float = 0.0) -> Vector:
        """The place on the bone's surface in the middle of a compartment, or that far in front of it."""
        k = self.scale
        if compartment == "patellar":
            (u, y, z), radii = self.patella
            up = -0.5 * forward_mm
            return u, y + radii[1] * float(np.sqrt(1 - (up / radii[2]) ** 2)), z + up
        medial = compartment.startswith("medial")
        u, y = (-22.5 if medial else 22.5) * k, 7 * k - forward_mm
        if compartment.endswith("tibial"):
            return u, y, float(self.top(np.array([u], np.float32), np.array([y], np.float32))[0])
        (cu, cy, cz), radii = self.condyle(medial)
        return cu, y, cz - radii[2] * float(np.sqrt(1 - ((y - cy) / radii[1]) ** 2))

    @property
    def cruciate(self) -> tuple[Vector, Vector]:
        """The ends of the anterior cruciate ligament: tibia, femur."""
        k = self.scale
        return (-1.5 * k, -7 * k, 0.0), (5.5 * k, 20 * k, 25 * k)

    @property
    def pouch(self) -> Vector:
        """The place on the femur's front where the suprapatellar pouch lies."""
        k = self.scale
        return 0.0, -24.5 * k, 60 * k


def knee_of(case: "Case") -> Knee:
    """The patient's knee; the factor `knee` fixes its side."""
    rng = case.body(0)
    side = "left" if rng.random() < 0.5 else "right"
    scale = (0.95 if case.sex == "F" else 1.03) * float(rng.uniform(0.95, 1.05))
    aged = float(np.clip((case.age_years - 30) / 55, 0, 1))
    usual = {"medial femoral": 2.7, "lateral femoral": 2.8, "medial tibial": 2.7, "lateral tibial": 3.1, "patellar": 4.0}
    thick = {name: round(mm * float(rng.uniform(0.88, 1.14)), 2) for name, mm in usual.items()}
    v = [float(value) for value in rng.uniform(-1, 1, 10)]
    w = rng.random(9)
    return Knee(
        side=str(case.fixed("knee", side)),
        scale=scale,
        thick=thick,
        patella_up=4 * v[0],
        patella_out=2 + 3 * v[1],
        notch=0.8 * v[2],
        fat=9 + 5 * v[3],
        bulk=1 + 0.15 * v[4],
        slope=0.035 + 0.03 * v[5],
        worn=aged * (0.5 + 0.5 * v[6]),
        fluid=max(0.0, 1.7 + 2.5 * v[7]),
        red=max(0.0, 0.35 + 0.55 * v[8]),
        calf=1 + 0.1 * v[9],
        vein=(float(w[0]), 3.4 + 2.4 * float(w[1])),
        recess=(float(w[2]), float(w[3]), float(w[4])),
        pads=(float(w[5]), float(w[6]), float(w[7]), float(w[8])),
    )


def paint_around(canvas: Canvas, knee: Knee, place: Place, mixed: Floats, long: Floats, edge: float) -> None:
    """Lay skin, fat, muscles, tendons and vessels. `mixed`, `long`: noise for textures, even or along the leg."""
    u, y, z = place
    k, b = knee.scale, knee.bulk
    wide, deep = (47 * b + knee.fat) * k, (54 * b + 0.8 * knee.fat) * k
    narrow = 1 + np.float32(0.0013) * np.abs(z) * (z < 0) - np.float32(0.0009 * knee.calf) * np.maximum(z, 0)
    out: Floats = np.sqrt((u * np.float32(1 / wide)) ** 2 + ((y - 2) * np.float32(1 / deep)) ** 2) * narrow.astype(np.float32)
    skin = (out - 1) * np.float32((wide + deep) / 2)
    canvas.lay(share(skin, edge), SKIN)
    fat = share(skin + np.float32(1.8), edge)
    canvas.lay(fat * np.clip(np.float32(0.96) + np.float32(0.12) * mixed, 0, 1), FAT)
    # Above and below the joint muscles fill the leg; between them lies fat, and all of it lies before the shin.
    filled = skin + np.float32(knee.fat * 0.75 + 2)
    np.maximum(filled, np.float32(27 * k) - np.abs(z - np.float32(14 * k)) + np.float32(9) * long, out=filled)
    np.maximum(filled, np.where(z < 0, -y - u * np.float32(0.5) - np.float32(4), -y - np.float32(40 * k)), out=filled)
    np.maximum(filled, np.float32(1.0) - np.abs(long) * np.float32(11), out=filled)
    canvas.lay(share(filled, edge), MUSCLE)
    for (one, two), radii in _muscles(k, b):
        lay_rod(canvas, place, (one, two), radii, MUSCLE, edge)
    septa = np.clip(np.float32(0.4) * (long - np.float32(0.6)), 0, 0.4)
    canvas.lay(septa * (skin < -8), FAT)
    for ends, thickness in (
        (((6 * k, 37 * k, 130 * k), (3 * k, 39 * k, -130 * k)), 3.6),
        (((11 * k, 42 * k, 130 * k), (8 * k, 43 * k, -130 * k)), 3.2),
    ):
        lay_rod(canvas, place, ends, (thickness, thickness), VESSEL, edge)
    _lay_distractors(canvas, knee, place, edge)
    (pu, py, pz), bone = knee.patella
    low, high = pz - bone[2], pz + bone[2]
    for shift in (-7.0, -3.5, 0.0, 3.5, 7.0):  # tendons are flat: several cords side by side
        lay_rod(canvas, place, ((pu + shift, py - 3, low + 6), (4 * k + 0.7 * shift, -26 * k, -36 * k)), (2.6, 2.6), TENDON, edge)
        lay_rod(canvas, place, ((pu + shift, py - 1, high - 5), (pu + shift, py + 2, 130 * k)), (3.2, 3.2), TENDON, edge)
    for sign, back, end in ((-1.0, 6, -48.0), (1.0, 22, -26.0)):
        ends = ((sign * 38.5 * k, 6 * k, 24 * k), (sign * 39 * k, back * k, end * k))
        lay_rod(canvas, place, ends, (1.8, 1.8), TENDON, edge)


def _lay_distractors(canvas: Canvas, knee: Knee, place: Place, edge: float) -> None:
    """What healthy people have and what looks like a cyst, an effusion or a torn ligament: a bright vein, wet fat pads."""
    k, (bright, radius) = knee.scale, knee.vein
    if bright > 0.4:
        lay_rod(canvas, place, ((-5 * k, 44 * k, 130 * k), (-9 * k, 45 * k, -130 * k)), (radius, 0.8 * radius), VEIN, edge)
    for index, (up, back) in enumerate(((62.0, -30.0), (4.0, -34.0))):
        wet, shift = knee.pads[2 * index : 2 * index + 2]
        if wet > 0.45:
            middle = (14 * (shift - 0.5) * k, back * k, (up + 10 * (wet - 0.7)) * k)
            lay_ellipsoid(canvas, place, middle, ((6 + 14 * wet) * k, (2.5 + 5 * shift) * k, (5 + 12 * wet) * k), WET_FAT, edge)


def _muscles(k: float, b: float) -> list[tuple[tuple[Vector, Vector], tuple[float, float]]]:
    """Rods of muscle: (end, end), radii."""
    rods = [
        ((-17, 43, 22), (-20, 46, -130), 8, 19),
        ((18, 43, 18), (19, 46, -130), 7, 18),
        ((0, 34, -34), (0, 36, -130), 6, 20),
        ((-33, 36, 130), (-31, 36, 12), 11, 4),
        ((-24, 46, 130), (-34, 40, 0), 9, 3),
        ((31, 34, 130), (35, 27, -8), 13, 4),
        ((-28, -16, 130), (-31, -18, 44), 21, 9),
        ((27, -16, 130), (29, -20, 58), 20, 5),
        ((0, -30, 130), (0, -30, 88), 17, 6),
        ((22, -10, -38), (24, -8, -130), 5, 14),
        ((0, 24, -8), (10, 26, -50), 5, 6),
    ]
    scaled = []
    for (au, ay, az), (bu, by, bz), ra, rb in rods:
        ends = ((au * k, ay * k, az * k), (bu * k, by * k, bz * k))
        scaled.append((ends, (ra * k * b, rb * k * b)))
    return scaled


def lay_patella(canvas: Canvas, knee: Knee, place: Place, edge: float) -> None:
    """Lay the bone of the patella: a dark shell and marrow."""
    middle, radii = knee.patella
    lay_ellipsoid(canvas, place, middle, radii, CORTEX, edge)
    inner = (radii[0] - 1.4, radii[1] - 1.4, radii[2] - 1.4)
    lay_ellipsoid(canvas, place, middle, inner, MARROW, edge)
