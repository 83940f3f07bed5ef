"""What can be wrong in the brain: where it lies, how large it is, what it pushes aside, and how it is laid on the canvas.

Lesions lie in the body as it is, the brain around them may be pushed aside: `Push` gives the place of the healthy brain that is
now at a place.
"""

from dataclasses import dataclass
from math import cos, pi, radians, sin
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from vesalius.phantom.bodies.brain.head import CSF, Head
from vesalius.phantom.bodies.brain.inside import GLIOSIS, PITUITARY, Ventricles
from vesalius.phantom.bodies.mr.signal import Canvas, Tissue, share, step
from vesalius.phantom.bodies.mr.space import Blob, Vector, blob, cross, direction, unit
from vesalius.phantom.truth import Floats, Lesion

if TYPE_CHECKING:
    from vesalius.phantom.case import Case

Index = npt.NDArray[np.intp]
EDEMA = Tissue(1350, 170, 0.90)
TUMOR = Tissue(1500, 120, 0.87)
NECROSIS = Tissue(2700, 450, 0.95)
MENINGIOMA = Tissue(1200, 122, 0.88)
INFARCT = Tissue(1400, 165, 0.90)
LESION = Tissue(1150, 165, 0.88)
COLLECTIONS = {"acute": Tissue(1150, 48, 0.85), "subacute": Tissue(420, 105, 0.85), "chronic": Tissue(2300, 330, 0.95)}

# From the middle of the cavity toward each lobe, on the left side.
LOBES: dict[str, Vector] = {
    "frontal": (0.60, -0.66, 0.45),
    "parietal": (0.58, 0.42, 0.70),
    "temporal": (0.90, -0.08, -0.36),
    "occipital": (0.50, 0.85, 0.17),
}
# White matter where single lesions lie, on the left side: middle, reach.
WHITE_PLACES: dict[str, tuple[Vector, Vector]] = {
    "periventricular": ((24, 4, 24), (4, 34, 4)),
    "deep": ((31, 6, 36), (5, 30, 4)),
    "juxtacortical": ((46, 6, 30), (3, 30, 6)),
}
PITUITARY_PLACE: Vector = (0, -27, -33)


def sign(lesion: Lesion) -> float:
    """+1 on the patient's left, where x is positive; -1 on the right."""
    return -1.0 if lesion.side == "right" else 1.0


def _toward(rng: np.random.Generator, lesion: Lesion, spread: float) -> Vector:
    """The direction from the middle to the lesion's lobe, on its side."""
    x, y, z = LOBES[str(lesion.zone)]
    a, b, c = (float(value) for value in rng.uniform(-spread, spread, 3))
    x, y, z = unit((x + a, y + b, z + c))
    return (sign(lesion) * x, y, z)


@dataclass(frozen=True, eq=False)
class Wedge:
    """A territory: a cone from `apex` along `axis`, `size_mm` long, with a rounded base at the brain's surface."""

    apex: Vector
    axis: Vector
    size_mm: float
    half_deg: float
    rough: tuple[float, float, float]

    @property
    def center(self) -> Vector:
        """In the middle of the axis."""
        x, y, z = (a + 0.6 * self.size_mm * u for a, u in zip(self.apex, self.axis, strict=True))
        return (x, y, z)

    def distance(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """About the signed distance; the length along the axis is exact."""
        px, py, pz = (at - np.float32(a) for at, a in zip((x, y, z), self.apex, strict=True))
        along = px * np.float32(self.axis[0]) + py * np.float32(self.axis[1]) + pz * np.float32(self.axis[2])
        r2 = px * px + py * py + pz * pz
        aside: Floats = np.sqrt(np.maximum(r2 - along * along, 0))
        cone = aside * np.float32(cos(radians(self.half_deg))) - along * np.float32(sin(radians(self.half_deg)))
        # Blunt at the apex, ragged toward the cortex.
        a, b, _ = self.rough
        ragged = np.sin(px * np.float32(0.35) + np.float32(a)) * np.sin(py * np.float32(0.31) + np.float32(b))
        cone += np.float32(1.1) * (1 + ragged) * step(along, 5, 14) - np.float32(1.6)
        found: Floats = np.maximum(np.maximum(cone, -along), np.sqrt(r2) - np.float32(self.size_mm))
        return found


@dataclass(frozen=True)
class Crescent:
    """Fluid between skull and brain: `thickness` mm at its thickest, from side to side, about (y, z) = `middle`."""

    side: float
    thickness: float
    middle: tuple[float, float]
    skull_x: float

    def weight(self, y: Floats, z: Floats) -> Floats:
        """Of the thickness: 1 in the middle, 0 outside."""
        at = np.sqrt(((y - np.float32(self.middle[0])) / 80) ** 2 + ((z - np.float32(self.middle[1])) / 60) ** 2)
        return 1 - step(at, 0.34, 1)


Shape = Blob | Wedge | Crescent


def shape_of(case: "Case", head: Head, lesion: Lesion) -> Shape | None:
    """Where a lesion is and its outline, the same at both visits; None for wide ventricles, which have no place of their own."""
    if lesion.finding == "hydrocephalus":
        return None
    rng = case.place(lesion)
    size = cast(float, lesion.size_mm)
    if lesion.finding == "subdural collection":
        middle = (float(rng.uniform(-8, 8)), float(rng.uniform(8, 16)))
        return Crescent(sign(lesion), size, middle, head.side_at(*middle))
    outline = lesion.attributes.get("shape", "round")
    if lesion.finding == "white matter lesion":
        center, reach = WHITE_PLACES[str(lesion.zone)]
        # Each of a patient's lesions has a stretch of its own from front to back, so that none lies on another.
        y = center[1] + reach[1] * (2 * (lesion.number - 1 + float(rng.uniform(0.35, 0.65))) / 4 - 1)
        x = center[0] + reach[0] * float(rng.uniform(-1, 1)) - 0.004 * y * y
        z = center[2] + reach[2] * float(rng.uniform(-1, 1)) - 0.003 * y * y
        return blob(rng, (sign(lesion) * x, y, z), size, "round", _ovoid(rng, outline))
    if lesion.finding == "pituitary mass":
        at = (PITUITARY_PLACE[0], PITUITARY_PLACE[1], PITUITARY_PLACE[2] - 2 + 0.34 * size)
        return blob(rng, at, size, outline, (0.0, 0.0, 1.0))
    toward = _toward(rng, lesion, 0.12 if lesion.finding != "meningioma" else 0.2)
    far = head.surface(toward)
    if lesion.finding == "infarct":
        base = far - head.gap
        apex = tuple((base - size) * value for value in toward)
        return Wedge(cast(Vector, apex), toward, size, float(rng.uniform(20, 25)), cast(Vector, tuple(rng.uniform(0, 2 * pi, 3))))
    if lesion.finding == "meningioma":
        depth, flat = 0.32 * size, unit(cross(toward, direction(rng)))
    else:
        depth, flat = max(size / 2 + 4, float(rng.uniform(21, 31))), None
    x, y, z = ((far - depth) * value for value in toward)
    if lesion.finding == "glioma":
        x = sign(lesion) * max(abs(x), min(size / 2 + 3, 30.0))
    return blob(rng, (x, y, z), size, outline, flat)


def _ovoid(rng: np.random.Generator, outline: str) -> Vector | None:
    """The long axis of a lesion: ovoid ones point away from the ventricles."""
    return unit((1.0, float(rng.uniform(-0.3, 0.3)), 0.5)) if outline == "ovoid" else None


@dataclass(frozen=True)
class Push:
    """What moves the brain from side to side: masses by `mass_mm` and a crescent of fluid. Positive: toward the right."""

    mass_mm: float
    crescent: Crescent | None
    crescent_mm: float
    reach: float

    @property
    def midline_mm(self) -> float:
        """How far the septum has moved to the right."""
        return self.mass_mm + (self.crescent.side * self.crescent_mm if self.crescent else 0.0)

    def healthy_x(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """The x at which the healthy brain has what is now at a place."""
        moved = x
        if self.mass_mm:
            weight = 1 - step(np.sqrt((y / 70) ** 2 + ((z - 12) / 56) ** 2), 0.36, 1)
            weight *= 1 - step(np.abs(x), 32, self.reach)
            moved = moved + weight * np.float32(self.mass_mm)
        if self.crescent:
            c, most = self.crescent, self.crescent_mm
            out = x * np.float32(c.side)
            near = c.skull_x - c.thickness - 2
            by = np.float32(most) * step(out, -self.reach, -30)
            by += np.float32(c.thickness - most) * step(out, min(14.0, near - 20), near)
            moved = moved + (c.weight(y, z) * by * np.float32(c.side)).astype(np.float32)
        return moved


def push_of(head: Head, lesions: tuple[Lesion, ...], shapes: dict[str, Shape | None]) -> Push:
    """How far the lesions push the brain: gliomas beyond 20 mm by 0.24 of the rest, collections beyond 4 mm by 0.55 of it."""
    mass, crescent, by = 0.0, None, 0.0
    for lesion in lesions:
        shape = shapes[lesion.mask]
        size = cast(float, lesion.size_mm)
        if lesion.finding == "glioma":
            mass += sign(lesion) * min(max(0.24 * (size - 20), 0), 10)
        elif isinstance(shape, Crescent):
            crescent, by = shape, min(max(0.55 * (size - 4), 0), 12)
    return Push(mass, crescent, by, head.half[0] - 4)


def width_of(head: Head, lesions: tuple[Lesion, ...]) -> Ventricles:
    """The ventricles, as wide as a hydrocephalus says, or as the patient's age makes them."""
    widths = [cast(float, lesion.size_mm) for lesion in lesions if lesion.finding == "hydrocephalus"]
    return Ventricles(widths[0] if widths else head.horns, head.lean)


def lay_lesion(
    canvas: Canvas,
    case: "Case",
    lesion: Lesion,
    shape: Blob | Wedge,
    place: tuple[Floats, Floats, Floats],
    white: Floats,
    edge: float,
) -> tuple[Index, Index]:
    """Lay a lesion on a canvas of listed places; returns which of them it covers, and which its edema does.

    `white`: share of white matter that edema can spread in, at each place.
    """
    reach = shape.size_mm * (0.85 if lesion.finding == "glioma" else 0.62) + 3 + edge
    near = np.flatnonzero(sum((at - np.float32(c)) ** 2 for at, c in zip(place, shape.center, strict=True)) < reach**2)
    x, y, z = (at[near] for at in place)
    distance = shape.distance(x, y, z)
    covered = near[distance < 0]
    if not len(covered):  # it falls between the centers: the nearest one shows it
        away = sum((at - np.float32(c)) ** 2 for at, c in zip(place, shape.center, strict=True))
        covered = near = np.array([int(np.argmin(away))])
        distance = np.full(1, -edge, np.float32)
    inside, swollen = share(distance, edge), np.zeros(0, np.intp)
    if lesion.finding == "glioma":
        # From almost no edema to much of it.
        width = float(case.place(lesion, 1).uniform(0.06, 0.42)) * shape.size_mm / 2 + 2
        swollen = _lay_glioma(canvas, lesion, shape, (near, distance, white[near]), width, edge)
    elif lesion.finding == "infarct":
        _lay_infarct(canvas, lesion, near, distance, inside)
    else:
        tissue = {"meningioma": MENINGIOMA, "pituitary mass": PITUITARY}.get(lesion.finding, LESION)
        canvas.lay(inside, MENINGIOMA if tissue is PITUITARY else tissue, near)
        if lesion.attributes.get("texture") == "cystic":
            core = share(distance + np.float32(0.28 * shape.size_mm), edge)
            canvas.lay(core, NECROSIS, near)
    return covered, swollen


def _lay_glioma(
    canvas: Canvas, lesion: Lesion, shape: Blob | Wedge, at: tuple[Index, Floats, Floats], width_mm: float, edge: float
) -> Index:
    """Edema in fingers along the white matter; then the tumor, solid, or with a dead or a cystic core."""
    near, distance, white = at
    spread = distance - np.float32(width_mm) * (np.float32(0.25) + np.float32(0.9) * white)
    edema = share(spread, edge + 1.5)
    canvas.lay(edema * np.float32(0.85), EDEMA, near)
    canvas.lay(share(distance, edge), TUMOR, near)
    texture = lesion.attributes["texture"]
    if texture != "solid":
        depth = 0.30 if texture == "necrotic" else 0.16
        core = share(distance + np.float32(depth * shape.size_mm), edge)
        canvas.lay(core, NECROSIS if texture == "necrotic" else CSF, near)
    return near[(spread < 0) & (distance >= 0)]


def _lay_infarct(canvas: Canvas, lesion: Lesion, near: Index, distance: Floats, inside: Floats) -> None:
    """Acute: swollen and bright. Chronic: fluid in place of tissue, with a bright rim."""
    if lesion.attributes["stage"] == "acute":
        canvas.lay(inside * np.float32(0.9), INFARCT, near)
        return
    canvas.lay(inside, GLIOSIS, near)
    canvas.lay(step(-distance, 1.5, 4.5), CSF, near)
