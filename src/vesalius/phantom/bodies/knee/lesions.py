"""What can be wrong in the knee: where it lies, its outline, and how it is laid on the canvas."""

from dataclasses import dataclass
from math import pi
from typing import TYPE_CHECKING, cast

import numpy as np

from vesalius.phantom.bodies.knee.body import CORTEX, FLUID, PLATEAU, RING, Knee
from vesalius.phantom.bodies.knee.joint import Index, Joint, Listed, listed
from vesalius.phantom.bodies.mr.laying import Place
from vesalius.phantom.bodies.mr.signal import Canvas, Tissue, share
from vesalius.phantom.bodies.mr.space import Blob, Vector, blob, ellipsoid, rod
from vesalius.phantom.truth import Bools, Floats, Lesion

if TYPE_CHECKING:
    from vesalius.phantom.case import Case

EDEMA = Tissue(1100, 95, 0.90, fat=0.15)
TORN = Tissue(1300, 85, 0.90)
SOFTENED = Tissue(1300, 85, 0.88)
SPUR = Tissue(500, 30, 0.62, fat=0.35)
LOST = {"mild": 0.35, "moderate": 0.70, "severe": 1.0}  # share of the cartilage's thickness that is gone
TORN_PART = (0.30, 0.72)  # of the anterior cruciate ligament's length, from the tibia
POUCH = (25.0, 15.0)  # half width and half height of the suprapatellar pouch at a scale of 1, mm
Laid = tuple[Index, Bools]


@dataclass(frozen=True, eq=False)
class Spot:
    """A lesion in or on something: within `size_mm` / 2 of its center."""

    center: Vector
    size_mm: float

    def distance(self, place: Place) -> Floats:
        """Signed."""
        found: Floats = np.sqrt(sum((at - np.float32(c)) ** 2 for at, c in zip(place, self.center, strict=True)))
        found -= np.float32(self.size_mm / 2)
        return found


def pouch_volume_ml(knee: Knee, depth_mm: float) -> float:
    """Of the fluid in the suprapatellar pouch: its depth falls to the rim as the root of 1 - r^4, whose mean is pi / 4."""
    return pi / 4 * depth_mm * pi * POUCH[0] * POUCH[1] * knee.scale**2 / 1000


def lay_pouch(canvas: Canvas, knee: Knee, place: Place, depth_mm: float, edge: float) -> Laid:
    """Lay the fluid of the pouch, `depth_mm` from front to back in its middle; a little is normal."""
    at, back, up = knee.pouch
    middle = (at, back - depth_mm / 2, up)
    where = _around(place, middle, POUCH[0] * knee.scale)
    u, y, z = where.place
    rim = ((u - np.float32(at)) * np.float32(1 / (POUCH[0] * knee.scale))) ** 2
    rim += ((z - np.float32(up)) * np.float32(1 / (POUCH[1] * knee.scale))) ** 2
    deep = np.float32(depth_mm / 2) * np.sqrt(np.maximum(1 - rim * rim, 0))
    distance = np.where(rim < 1, np.abs(y - np.float32(middle[1])) - deep, np.float32(9))
    inside = _nearest(where, distance, middle)
    _flat(canvas).lay(_kept(share(distance, edge), where, inside, place[0].shape), FLUID, where.at)
    return where.at, inside


def _flat(canvas: Canvas) -> Canvas:
    """The same canvas with its voxels in one row."""
    flat = Canvas((1,), canvas.sequences)
    flat.light = canvas.light.reshape(len(canvas.sequences), -1)
    return flat


def _around(place: Place, middle: Vector, reach: float) -> Listed:
    reach += 4
    return listed(
        place,
        (middle[0] - reach, middle[1] - reach, middle[2] - reach),
        (middle[0] + reach, middle[1] + reach, middle[2] + reach),
    )


def _nearest(where: Listed, distance: Floats, center: Vector) -> Bools:
    """Where the distance is negative; the voxel nearest to the center if it is nowhere."""
    inside: Bools = distance < 0
    if not inside.any() and len(inside):
        inside[int(np.argmin(sum((at - np.float32(c)) ** 2 for at, c in zip(where.place, center, strict=True))))] = True
    return inside


def _kept(cover: Floats, where: Listed, inside: Bools, shape: tuple[int, ...]) -> Floats:
    """The cover within one voxel of the mask: what is thinner than a voxel would show where no mask tells of it."""
    near = np.zeros(shape, np.bool_)
    near.reshape(-1)[where.at[inside]] = True
    for axis in range(3):
        ahead: list[slice] = [slice(None)] * 3
        behind: list[slice] = [slice(None)] * 3
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        wide = near.copy()
        wide[tuple(ahead)] |= near[tuple(behind)]
        wide[tuple(behind)] |= near[tuple(ahead)]
        near = wide
    return cover * near.reshape(-1)[where.at]


def lay_lesion(canvas: Canvas, case: "Case", knee: Knee, joint: Joint, lesion: Lesion, place: Place, edge: float) -> Laid:
    """Lay one lesion; returns its voxels: (flat indices, inside)."""
    rng = case.place(lesion)
    flat = _flat(canvas)
    size = lesion.size_mm or 0.0
    if lesion.finding == "joint effusion":
        return lay_pouch(canvas, knee, place, size, edge)
    if lesion.finding == "cartilage loss":
        return _lay_loss(flat, knee, joint, lesion, cartilage_spot(case, knee, lesion), place[0].shape, edge)
    if lesion.finding == "meniscal tear":
        return _lay_tear(flat, knee, joint, lesion, place[0].shape, edge)
    if lesion.finding == "anterior cruciate ligament tear":
        return _lay_rupture(flat, knee, lesion, place, edge)
    if lesion.finding == "bone marrow edema":
        made = blob(rng, _below(knee, lesion, rng.uniform(-1, 1)), size, "round", _long(lesion))
        return _lay_edema(flat, knee, joint, lesion, made, place, edge)
    if lesion.finding == "popliteal cyst":
        k = knee.scale
        at = (-21 * k + 2 * float(rng.uniform(-1, 1)), 46 * k - 0.04 * size, (2 + 10 * float(rng.uniform(-1, 1))) * k)
        made = blob(rng, at, size, "irregular", (0.0, 0.0, 1.0))
        return _lay_blob(flat, made, place, FLUID, edge)
    made = blob(rng, _margin(knee, lesion, size), size, "lobulated", (0.0, 1.0, 0.0))
    laid = _lay_blob(flat, made, place, CORTEX, edge)
    _lay_blob(flat, Blob(made.center, max(size - 2.6, 0.5), made.axis, made.amount, made.waves), place, SPUR, edge)
    return laid


def _lay_blob(flat: Canvas, made: Blob, place: Place, tissue: Tissue, edge: float) -> Laid:
    where = _around(place, made.center, made.size_mm / 2 + edge)
    distance = made.distance(*where.place)
    inside = _nearest(where, distance, made.center)
    flat.lay(np.where(inside, np.maximum(share(distance, edge), 0.5), share(distance, edge)), tissue, where.at)
    return where.at, inside


def cartilage_spot(case: "Case", knee: Knee, lesion: Lesion) -> Spot:
    """The ball in which the cartilage of a compartment is damaged: its middle lies halfway through the cartilage."""
    rng = case.place(lesion, 1)
    name = str(lesion.zone)
    u, y, z = knee.pole(name, 5 * float(rng.uniform(-1, 1)))
    half = 0.5 * knee.thick[name]
    if name == "patellar":
        return Spot((u, y + half, z), cast(float, lesion.size_mm))
    return Spot((u, y, z - half if name.endswith("femoral") else z + half), cast(float, lesion.size_mm))


def _lay_loss(flat: Canvas, knee: Knee, joint: Joint, lesion: Lesion, spot: Spot, shape: tuple[int, ...], edge: float) -> Laid:
    """In the whole depth the cartilage is softened; the outer share of it is gone and fluid is there instead."""
    where, height, border = joint.shells[str(lesion.zone)]
    thick = knee.thick[str(lesion.zone)]
    column = np.maximum(np.maximum(border, spot.distance(where.place)), np.maximum(-height, height - np.float32(thick)))
    inside = _nearest(where, column, spot.center)
    cover = np.where(inside, np.maximum(share(column, edge), 0.7), share(column, edge))
    flat.lay(_kept(cover, where, inside, shape), SOFTENED, where.at)
    left = np.float32(thick * (1 - LOST[lesion.attributes["severity"]]))
    gone = share(np.maximum(column, left - height), edge)
    flat.lay(_kept(gone, where, inside, shape), FLUID, where.at)
    return where.at, inside


def remaining(knee: Knee, lesion: Lesion) -> float:
    """Thickness of the cartilage that a loss has left."""
    return knee.thick[str(lesion.zone)] * (1 - LOST[lesion.attributes["severity"]])


def _lay_tear(flat: Canvas, knee: Knee, joint: Joint, lesion: Lesion, shape: tuple[int, ...], edge: float) -> Laid:
    """A bright line along a meniscus: level, upright, or both."""
    side, horn = str(lesion.zone).split(" ", 1)
    medial = side == "medial"
    where, distance = joint.menisci[medial]
    center = knee.horn(medial, horn)
    u, y, z = where.place
    radius, _ = knee.plateau(medial, u, y)
    middle = 0.62 * RING[1] + 0.38 * RING[0]
    top = knee.top(u, y) + np.float32(knee.thick[f"{side} tibial"])
    upright = np.abs(radius - np.float32(middle)) * np.float32(knee.scale) - np.float32(1.2)
    level = np.abs(z - top - np.float32(1.7 * knee.scale)) - np.float32(1.1)
    sheet = {"horizontal": level, "vertical": upright, "complex": np.minimum(level, upright)}[lesion.attributes["shape"]]
    torn = np.maximum(np.maximum(sheet, distance), Spot(center, cast(float, lesion.size_mm)).distance(where.place))
    inside = _nearest(where, torn, center)
    cover = np.where(inside, np.maximum(share(torn, edge), 0.8), share(torn, edge))
    flat.lay(_kept(cover, where, inside, shape), FLUID, where.at)
    return where.at, inside


def _lay_rupture(flat: Canvas, knee: Knee, lesion: Lesion, place: Place, edge: float) -> Laid:
    """Part of the ligament is gone, whole or half of its thickness, and swollen tissue lies in its place."""
    one, two = knee.cruciate
    low, high = (tuple(a + t * (b - a) for a, b in zip(one, two, strict=True)) for t in TORN_PART)
    complete = lesion.attributes["severity"] == "complete"
    aside = 0.0 if complete else -2.4
    ends = ((low[0], low[1] + aside, low[2]), (high[0], high[1] + aside, high[2]))
    middle = ((ends[0][0] + ends[1][0]) / 2, (ends[0][1] + ends[1][1]) / 2, (ends[0][2] + ends[1][2]) / 2)
    where = _around(place, middle, 18)
    distance = rod(*where.place, ends, (5.2, 5.6) if complete else (3.2, 3.4))
    flat.lay(share(distance, edge), TORN, where.at)
    return where.at, _nearest(where, distance, middle)


def _below(knee: Knee, lesion: Lesion, aside: float) -> Vector:
    """The middle of an edema: right below the surface of its bone, as deep as it is large."""
    name, depth = str(lesion.zone), cast(float, lesion.size_mm) / 2 + 1
    u, y, z = knee.pole(name)
    if name == "patellar":
        return knee.patella[0]
    u += 1.5 * float(aside)
    return (u, y, z + depth) if name.endswith("femoral") else (u, y, z - depth)


def _long(lesion: Lesion) -> Vector:
    """The axis along which a bone has room."""
    return (0.0, 0.0, 1.0) if lesion.zone == "patellar" else (0.0, 1.0, 0.0)


def _lay_edema(flat: Canvas, knee: Knee, joint: Joint, lesion: Lesion, made: Blob, place: Place, edge: float) -> Laid:
    """Marrow that is wet instead of fat, brightest in the middle, within its bone."""
    if lesion.zone == "patellar":
        where = _around(place, made.center, made.size_mm / 2)
        bone = ellipsoid(*where.place, *knee.patella)
    else:
        upper = str(lesion.zone).endswith("femoral")
        where = _around(place, made.center, made.size_mm / 2)
        bone = (knee.femur if upper else knee.tibia)(*where.place)
    distance = np.maximum(made.distance(*where.place), bone + np.float32(0.5))
    inside = _nearest(where, distance, made.center)
    cover = share(distance, edge) * np.clip(np.float32(0.62) - distance * np.float32(3 / made.size_mm), 0, np.float32(0.95))
    flat.lay(cover, EDEMA, where.at)
    return where.at, inside


def _margin(knee: Knee, lesion: Lesion, size: float) -> Vector:
    """The middle of a bony spur: at the outer edge of its joint surface, a third of it outside the bone."""
    k, name = knee.scale, str(lesion.zone)
    sign = -1.0 if name.startswith("medial") else 1.0
    if name == "patellar":
        (u, y, z), radii = knee.patella
        return u, y + 0.5 * radii[1], z + radii[2] + 0.02 * size
    if name.endswith("tibial"):
        return sign * (37.5 * k + 0.2 * size), 7 * k, (PLATEAU - 3.5) * k
    (u, y, z), radii = knee.condyle(sign < 0)
    return u + sign * (radii[0] + 0.1 * size), y, z - 0.15 * radii[2]
