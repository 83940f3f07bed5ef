"""Laying the joint: bones with their marrow, cartilage by compartment, menisci, ligaments and the fluid between them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vesalius.phantom.bodies.knee.body import (
    CARTILAGE,
    CORTEX,
    FLUID,
    LIGAMENT,
    MARROW,
    MENISCUS,
    RED_MARROW,
    TENDON,
    WORN,
    Knee,
    lay_patella,
)
from vesalius.phantom.bodies.mr.laying import Place, box_around, lay_ellipsoid, lay_rod
from vesalius.phantom.bodies.mr.signal import Canvas, share, step
from vesalius.phantom.bodies.mr.space import Vector, ellipsoid, rod
from vesalius.phantom.truth import Bools, Floats

Index = npt.NDArray[np.intp]
SHELL = 1.3  # of dark bone around the marrow


@dataclass(frozen=True, eq=False)
class Listed:
    """Some voxels of the volume, by flat index, with their places in the body."""

    at: Index
    place: Place

    def of(self, keep: Bools) -> "Listed":
        """Those of them that are to be kept."""
        u, y, z = self.place
        return Listed(self.at[keep], (u[keep], y[keep], z[keep]))


@dataclass(frozen=True, eq=False)
class Joint:
    """What was laid: signed distances at listed voxels, and the masks as (voxels, inside).

    `shells`: by compartment: the voxels near it, and their height above the bone, with the shell's borders: negative inside.
    """

    masks: dict[str, tuple[Index, Bools]]
    shells: dict[str, tuple[Listed, Floats, Floats]]
    menisci: dict[bool, tuple[Listed, Floats]]
    bone: tuple[Listed, Floats]


def listed(place: Place, low: Vector, high: Vector) -> Listed:
    """The voxels of a box of the body."""
    found = box_around(place, (low, (high[0], low[1], low[2]), (low[0], high[1], low[2]), high), 12.0)
    shape = place[0].shape
    if found is None:
        found = (slice(0, 1), slice(0, 1), slice(0, 1))
    at = np.arange(int(np.prod(shape)), dtype=np.intp).reshape(shape)[found].reshape(-1)
    u, y, z = (axis[found].reshape(-1) for axis in place)
    inside = (u > low[0]) & (u < high[0]) & (y > low[1]) & (y < high[1]) & (z > low[2]) & (z < high[2])
    return Listed(at, (u, y, z)).of(inside)


def paint_joint(canvas: Canvas, knee: Knee, place: Place, mixed: Floats, edge: float) -> Joint:
    """Lay the joint on the canvas of a volume."""
    k = knee.scale
    flat = Canvas((1,), canvas.sequences)
    flat.light = canvas.light.reshape(len(canvas.sequences), -1)
    marrow = mixed.reshape(-1)
    masks: dict[str, tuple[Index, Bools]] = {}
    upper = listed(place, (-52 * k, -44 * k, -6 * k), (52 * k, 52 * k, 130 * k))
    femur = knee.femur(*upper.place)
    lower = listed(place, (-52 * k, -44 * k, -130 * k), (52 * k, 52 * k, 8 * k))
    tibia = knee.tibia(*lower.place)
    fibula_at = listed(place, (16 * k, 8 * k, -130 * k), (50 * k, 44 * k, -12 * k))
    fibula = knee.fibula(*fibula_at.place)
    _capsule(flat, knee, upper, femur, edge)
    bones = ((upper, femur, "femur"), (lower, tibia, "tibia"), (fibula_at, fibula, "fibula"))
    for where, distance, name in bones:
        _lay_bone(flat, knee, where, distance, marrow, edge)
        masks[name] = (where.at, distance < 0)
    lay_patella(canvas, knee, place, edge)
    shells = {}
    for name, (where, height, border) in _shells(knee, place, (upper, femur), (lower, tibia)).items():
        shells[name] = (where, height, border)
        cover = np.maximum(border, np.maximum(-height, height - np.float32(knee.thick.get(name, 2.8))))
        flat.lay(share(cover, edge), CARTILAGE, where.at)
        if name in knee.thick:
            masks[f"{name} cartilage"] = (where.at, cover < 0)
    near = upper.of((upper.place[2] < 16 * k) & (femur < 16)), femur[(upper.place[2] < 16 * k) & (femur < 16)]
    menisci = {medial: _lay_meniscus(flat, knee, medial, near, edge) for medial in (True, False)}
    for medial, (where, distance) in menisci.items():
        masks["medial meniscus" if medial else "lateral meniscus"] = (where.at, distance < 0)
    middle, radii = knee.patella
    kneecap = listed(place, *_span(middle, radii))
    masks["patella"] = (kneecap.at, ellipsoid(*kneecap.place, middle, radii) < 0)
    return Joint(masks, shells, menisci, _merged((upper, femur), (lower, tibia)))


def _span(middle: Vector, radii: Vector) -> tuple[Vector, Vector]:
    low, high = (tuple(m + s * (r + 2) for m, r in zip(middle, radii, strict=True)) for s in (-1, 1))
    return (low[0], low[1], low[2]), (high[0], high[1], high[2])


def _merged(one: tuple[Listed, Floats], two: tuple[Listed, Floats]) -> tuple[Listed, Floats]:
    """Both bones as one list; where the lists share voxels, those are there twice."""
    places = [np.concatenate([a, b]) for a, b in zip(one[0].place, two[0].place, strict=True)]
    at = np.concatenate([one[0].at, two[0].at])
    return Listed(at, (places[0], places[1], places[2])), np.concatenate([one[1], two[1]])


def _capsule(flat: Canvas, knee: Knee, upper: Listed, femur: Floats, edge: float) -> None:
    """A thin film of fluid around the condyles, which the healthy have too, and the ligaments' bed in the notch."""
    k = knee.scale
    _, y, z = upper.place
    film = np.maximum(femur - np.float32(2.2 + 0.5 * knee.fluid), z - np.float32(34 * k))
    film = np.maximum(film, np.float32(-34 * k) - y)
    flat.lay(share(film, edge) * np.float32(min(1.0, 0.35 + 0.2 * knee.fluid)), FLUID, upper.at)


def _lay_bone(flat: Canvas, knee: Knee, where: Listed, distance: Floats, marrow: Floats, edge: float) -> None:
    """A dark shell, yellow marrow, and islands of red marrow away from the joint, which many healthy people have."""
    near = np.flatnonzero(distance < edge)
    at, inside = where.at[near], distance[near]
    flat.lay(share(inside, edge), CORTEX, at)
    yellow = share(inside + np.float32(SHELL), edge)
    flat.lay(yellow, MARROW, at)
    z = where.place[2][near]
    away = step(np.abs(z - 6), 14 * knee.scale, 40 * knee.scale)
    # The scar of the growth plate: a thin dark line across the marrow.
    scar = np.abs(np.abs(z - np.float32(7 * knee.scale)) - np.float32(32 * knee.scale) + np.float32(2) * marrow[at]) - np.float32(
        0.4
    )
    flat.lay(yellow * share(scar, edge) * np.float32(0.5), CORTEX, at)
    flat.lay(yellow * away * np.clip(marrow[at] * np.float32(1.5) + np.float32(knee.red - 0.6), 0, 0.9), RED_MARROW, at)


def _shells(
    knee: Knee, place: Place, femur: tuple[Listed, Floats], tibia: tuple[Listed, Floats]
) -> dict[str, tuple[Listed, Floats, Floats]]:
    """Every compartment's voxels with their height above the bone and the signed distance to its borders."""
    k = knee.scale
    found = {}
    close = (femur[1] > -3) & (femur[1] < 6) & (femur[0].place[2] < 52 * k)
    where, height = femur[0].of(close), femur[1][close]
    u, y, z = where.place
    front = np.maximum(y + np.float32(15 * k), np.float32(11 * k) - z)
    found["trochlear"] = (where, height, np.maximum(front, z - np.float32(47 * k)))
    for medial in (True, False):
        sign = np.float32(-1 if medial else 1)
        inner = np.float32(7.5 * k) - sign * u
        border = np.maximum(np.maximum(inner, z - np.float32(34 * k)), -front)
        found["medial femoral" if medial else "lateral femoral"] = (where, height, border)
    close = (tibia[0].place[2] > PLATEAU_LOW * k) & (tibia[1] < 9)
    where = tibia[0].of(close)
    u, y, z = where.place
    height = z - knee.top(u, y)
    for medial in (True, False):
        radius, outward = knee.plateau(medial, u, y)
        border = np.maximum(np.float32(k) * (radius - np.float32(16.8)), np.float32(k) * (np.float32(-13.5) - outward))
        found["medial tibial" if medial else "lateral tibial"] = (where, height, border)
    middle, radii = knee.patella
    low, high = _span(middle, radii)
    where = listed(place, low, (high[0], high[1] + 6, high[2]))
    u, y, z = where.place
    border = np.maximum(np.float32(middle[1] + 3.0) - y, np.float32(middle[2] - 0.78 * radii[2]) - z)
    found["patellar"] = (where, ellipsoid(u, y, z, middle, radii), border)
    return found


PLATEAU_LOW = -9.0


def _lay_meniscus(flat: Canvas, knee: Knee, medial: bool, near: tuple[Listed, Floats], edge: float) -> tuple[Listed, Floats]:
    """A dark wedge, gray within where it is worn, which is no tear."""
    name = "medial" if medial else "lateral"
    keep = near[0].place[0] < 0 if medial else near[0].place[0] > 0
    where = near[0].of(keep)
    top = knee.top(where.place[0], where.place[1]) + np.float32(knee.thick[f"{name} tibial"])
    over = near[1][keep] - np.float32(knee.thick[f"{name} femoral"])
    distance = knee.meniscus(medial, where.place, top, over)
    flat.lay(share(distance, edge), MENISCUS, where.at)
    flat.lay(step(-distance, 0.6, 2.4) * np.float32(0.8 * knee.worn), WORN, where.at)
    return where, distance


def cruciates(canvas: Canvas, knee: Knee, place: Place, edge: float) -> None:
    """Lay both cruciate ligaments, and the fluid beside them."""
    k = knee.scale
    tibial, femoral = knee.cruciate
    for much, (u, y, z) in zip(knee.recess, ((1, -13, 6), (7, 6, 14), (-5, 19, 4)), strict=True):
        size = 9 * much * k
        if size > 2:
            lay_ellipsoid(canvas, place, (u * k, y * k, z * k), (0.6 * size, 0.8 * size, size), FLUID, edge)
    for shift in (-1.6, 1.6):
        one = (tibial[0], tibial[1] + shift, tibial[2])
        lay_rod(canvas, place, (one, (femoral[0], femoral[1] + shift, femoral[2])), (3.1, 3.4), LIGAMENT, edge)
    bend = (-1.0 * k, 26 * k, 15 * k)
    lay_rod(canvas, place, ((-5.5 * k, 6 * k, 20 * k), bend), (3.6, 3.8), TENDON, edge)
    lay_rod(canvas, place, (bend, (0.5 * k, 33 * k, -10 * k)), (3.8, 3.6), TENDON, edge)


def ligament_distance(knee: Knee, place: Place) -> Floats:
    """Signed distance to the anterior cruciate ligament."""
    return rod(*place, knee.cruciate, (4.6, 4.8))
