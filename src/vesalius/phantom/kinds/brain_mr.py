"""brain_mr: the head as T1, T2 and FLAIR volumes of one body on one grid.

Physics:
    Every tissue has T1, T2 and proton density (`bodies/brain/signal.py`, `brain_head.py`, `brain_inside.py`). t1: spin echo,
    S = density (1 - exp(-TR/T1)) exp(-TE/T2), TR 500, TE 12 ms. t2: spin echo, TR 4500, TE 95 ms. flair: inversion recovery,
    S = density |1 - 2 exp(-TI/T1) + exp(-TR/T1)| exp(-TE/T2), TR 9000, TE 120, TI 2500 ms, which hides free fluid. Each visit
    varies TR and TE by up to 15 %. Then receive bias, blur below a voxel, Rician noise, the site's tone; 12 bits.
Findings:
    glioma (with edema in the white matter around it; solid, necrotic or cystic), meningioma (on the dura), infarct (a wedge to
    the cortex; acute or chronic), white matter lesion (up to four), subdural collection (a crescent), hydrocephalus, pituitary
    mass. A patient has at most one of glioma, meningioma, infarct and subdural collection: two would share one place.
    Healthy patients have perivascular spaces, bright caps at the horns, and shrink with age: wide sulci and ventricles.
Measured:
    midline shift (mm): how far the septum between the lateral ventricles lies from the middle of the skull. Gliomas above 20 mm
    and collections above 4 mm push the brain: voxels show the healthy brain of another place.
    frontal horn width (mm): greatest width of both frontal horns together; Evans index (1): that by the greatest width of the
    cavity. ventricular volume (mL): lateral, third and fourth, less what a tumor fills. intracranial volume (mL): within the
    inner skull. Both are counted on a lattice of the body (2.5 and 5 mm), not on the picture.
Known limits:
    The lobes are directions, not gyri of known names; vessels are only one vein; no diffusion, no contrast medium. Edema of
    meningiomas is not drawn. Sulci are sheets of one width.
"""

import numpy as np

from vesalius.errors import Problem
from vesalius.phantom import grid as grids
from vesalius.phantom.bodies.brain import head as brain_head
from vesalius.phantom.bodies.brain import lesions as brain_lesions
from vesalius.phantom.bodies.brain.head import Head
from vesalius.phantom.bodies.brain.inside import Ventricles, paint_brain
from vesalius.phantom.bodies.brain.lesions import COLLECTIONS, Crescent, Push, Shape, Wedge
from vesalius.phantom.bodies.mr.laying import canvas_edge
from vesalius.phantom.bodies.mr.signal import Canvas, Sequence3, detect, protocol, scattered, share, smooth
from vesalius.phantom.bodies.mr.space import Blob, pose
from vesalius.phantom.case import Case
from vesalius.phantom.factors import Values
from vesalius.phantom.findings import FindingKind
from vesalius.phantom.truth import Bools, Drawing, Floats, Measured, Picture
from vesalius.types import Array

FIELD_MM = (208.0, 236.0, 196.0)  # z, y, x
SIZE_PX = 64
NOISE = 0.016
SEQUENCES = (
    Sequence3("flair", 9000, 120, ti_ms=2500, gain=2.35),  # the first is the one that a question is about: it shows most findings
    Sequence3("t1", 500, 12, gain=1.55),
    Sequence3("t2", 4500, 95, gain=1.42),
)
PARTS = (
    "brain", "gray matter", "white matter", "basal ganglia", "ventricles", "cerebellum", "brain stem", "edema",
)  # fmt: skip
SEPTUM = (0.0, -12.0, 14.0)
GLAND = (0.0, -27.0, -33.0)

SAYS = "the head in T1, T2 and FLAIR: tumors, infarcts, white matter lesions, collections, wide ventricles, midline shift"

_SIDES, _LOBES = ("right", "left"), ("frontal", "parietal", "temporal", "occipital")
_LARGE = ("glioma", "meningioma", "infarct", "subdural collection")
FINDINGS = (
    FindingKind(
        "glioma",
        "C71.9",
        size_mm=(16, 44),
        size_is="greatest diameter of the tumor without its edema",
        attributes={
            "side": _SIDES,
            "zone": _LOBES,
            "shape": ("round", "lobulated", "irregular"),
            "texture": ("solid", "necrotic", "cystic"),
        },
        not_with=_LARGE[1:],
        looks_like=("meningioma", "infarct"),
        changes="anywhere",
    ),
    FindingKind(
        "meningioma",
        "D32.0",
        size_mm=(14, 38),
        size_is="greatest diameter",
        attributes={"side": _SIDES, "zone": _LOBES, "shape": ("round", "lobulated")},
        not_with=("glioma", "infarct", "subdural collection"),
        looks_like=("glioma",),
    ),
    FindingKind(
        "infarct",
        "I63.9",
        size_mm=(20, 42),
        size_is="greatest diameter, from the apex to the cortex",
        attributes={"side": _SIDES, "zone": _LOBES, "stage": ("acute", "chronic")},
        not_with=("glioma", "meningioma", "subdural collection"),
        looks_like=("glioma",),
    ),
    FindingKind(
        "white matter lesion",
        "I67.8",
        size_mm=(6, 14),
        size_is="greatest diameter",
        attributes={"side": _SIDES, "zone": tuple(brain_lesions.WHITE_PLACES), "shape": ("round", "ovoid")},
        most=4,
        looks_like=("perivascular space",),
    ),
    FindingKind(
        "subdural collection",
        "I62.0",
        size_mm=(4, 13),
        size_is="greatest thickness from side to side",
        attributes={"side": _SIDES, "stage": tuple(brain_lesions.COLLECTIONS)},
        severities={"small": (4, 6), "moderate": (6, 9), "large": (9, 19.5)},
        not_with=("glioma", "meningioma", "infarct", "hydrocephalus"),
        looks_like=("brain atrophy",),
        changes="anywhere",
    ),
    FindingKind(
        "hydrocephalus",
        "G91.9",
        size_mm=(42, 54),
        size_is="width of both frontal horns together",
        severities={"mild": (42, 45), "moderate": (45, 49), "severe": (49, 81)},
        not_with=("subdural collection",),
        looks_like=("brain atrophy",),
        changes="anywhere",
    ),
    FindingKind(
        "pituitary mass",
        "D35.2",
        size_mm=(12, 24),
        size_is="greatest diameter",
        attributes={"shape": ("round", "lobulated"), "texture": ("solid", "cystic")},
        looks_like=("pituitary gland",),
    ),
)
FACTORS = {**grids.VOLUME}


def together(values: Values) -> list[Problem]:
    """What is impossible only in combination."""
    return grids.unfit(values, FIELD_MM)


def draw(case: Case) -> Drawing:
    """The head of one visit: three pictures (Z, Y, X) of 12 bits."""
    grid = grids.volume_grid(case.values, field_mm=FIELD_MM, size_px=SIZE_PX)
    head, lying = brain_head.head_of(case), pose(case.pose(0), (14, 9, 12), 9)
    shapes = {lesion.mask: brain_lesions.shape_of(case, head, lesion) for lesion in case.lesions}
    push = brain_lesions.push_of(head, case.lesions, shapes)
    vent = brain_lesions.width_of(head, case.lesions)
    place = lying.body_of(grid.axes_mm())
    canvas = Canvas(grid.shape, protocol(SEQUENCES, case.pose(1)))
    depth = head.depth(*place)
    skin = brain_head.paint_outside(canvas, head, place, depth, smooth(case.body(2), 11, grid.shape))
    edge = canvas_edge(place)
    at = np.flatnonzero(depth > -edge)
    inner = tuple(axis.reshape(-1)[at] for axis in place)
    masks = _paint_inner(canvas, case, head, vent, push, shapes, (inner, depth.reshape(-1)[at], at), edge, min(grid.spacing_mm))
    masks["skull"] = (depth < 0) & (depth > -head.skull) & (skin < 0)
    points = {"septum": lying.pixel_of((-push.midline_mm, SEPTUM[1], SEPTUM[2]), grid), "pituitary": lying.pixel_of(GLAND, grid)}
    pictures = []
    for number, (sequence, light) in enumerate(zip(canvas.sequences, canvas.light, strict=True)):
        bias = smooth(case.pose(10 + number), 3, grid.shape)
        light *= 1 + np.float32(0.24) * bias
        pixels = detect(light, case.look, NOISE, case.pose(20 + number))
        pictures.append(
            Picture(
                name=sequence.name,
                kind="volume",
                pixels=pixels,
                spacing_mm=grid.spacing_mm,
                modality="MR",
                masks=masks,
                affine_lps_mm=grid.affine_lps_mm(),
                points=points,
            )
        )
    return Drawing(tuple(pictures), _measured(head, vent, push, shapes))


Listed = tuple[tuple[Floats, ...], Floats, Array]


def _paint_inner(
    whole: Canvas,
    case: Case,
    head: Head,
    vent: Ventricles,
    push: Push,
    shapes: dict[str, Shape | None],
    listed: Listed,
    edge: float,
    fine: float,
) -> dict[str, Bools]:
    """Lay what is within the skull on the whole canvas; returns all masks but the skull's."""
    inner, depth, at = listed
    x, y, z = inner
    shape = whole.light.shape[1:]
    healthy, healthy_depth = x, depth
    if push.midline_mm or push.crescent:
        healthy = push.healthy_x(x, y, z)
        healthy_depth = head.depth(healthy, y, z)
    canvas = Canvas((len(at),), whole.sequences)
    brain = paint_brain(canvas, head, vent, (healthy, y, z), healthy_depth, edge)
    parts = brain.parts
    inside = depth > 0
    parts["brain"] = (brain.surface > 0) | parts["cerebellum"] | parts["brain stem"] | parts["basal ganglia"]
    swollen, lesions = np.zeros(len(at), np.bool_), {}
    white = share(head.cortex - brain.surface, 3.0)
    for lesion in case.lesions:
        made = shapes[lesion.mask]
        covered = np.zeros(len(at), np.bool_)
        if isinstance(made, Blob | Wedge):
            own, spread = brain_lesions.lay_lesion(canvas, case, lesion, made, (x, y, z), white, fine)
            covered[own] = True
            swollen[spread] = True
        elif isinstance(made, Crescent):
            covered = (healthy_depth < 0) & inside
            canvas.lay(share(healthy_depth, edge), COLLECTIONS[lesion.attributes["stage"]])
        else:
            covered = parts["ventricles"] & inside
        lesions[lesion.mask] = covered & inside if (covered & inside).any() else covered
    for mask, covered in lesions.items():
        if isinstance(shapes[mask], Blob | Wedge):
            for other in (*parts.values(), *(lesions[name] for name in lesions if shapes[name] is None)):
                other &= ~covered
    parts["edema"] = swollen & (brain.surface > 0) & ~parts["ventricles"]
    for covered in lesions.values():
        parts["edema"] &= ~covered
    flat = whole.light.reshape(len(whole.sequences), -1)
    cover = share(-depth, edge)
    under = flat[:, at]
    flat[:, at] = under + cover * (canvas.light - under)
    masks = {name: scattered(shape, at, parts[name] & inside) for name in PARTS}
    return {**masks, **{name: scattered(shape, at, covered) for name, covered in lesions.items()}}


def _measured(head: Head, vent: Ventricles, push: Push, shapes: dict[str, Shape | None]) -> tuple[Measured, ...]:
    """What is true of the body, counted on lattices that do not depend on the picture."""
    step = 5.0
    axes = [np.arange(low, high, step, dtype=np.float32) for low, high in ((-80, 80), (-95, 100), (-75, 80))]
    x, y, z = (axis.reshape([-1 if i == j else 1 for j in range(3)]) for i, axis in enumerate(axes))
    cavity = float(np.count_nonzero(head.depth(*np.broadcast_arrays(x, y, z)) > 0)) * step**3 / 1000
    step = 2.5
    axes = [np.arange(low, high, step, dtype=np.float32) for low, high in ((-52, 53), (-68, 82), (-50, 54))]
    mesh = [axis.reshape(-1) for axis in np.meshgrid(*axes, indexing="ij")]
    healthy = push.healthy_x(*mesh) if push.midline_mm or push.crescent else mesh[0]
    inside = vent.distance(healthy, mesh[1], mesh[2]) < 0
    found = [axis[inside] for axis in mesh]
    free = np.ones(len(found[0]), np.bool_)
    for shape in shapes.values():
        if isinstance(shape, Blob | Wedge):
            free &= shape.distance(*found) >= 0
    fluid = float(np.count_nonzero(free)) * step**3 / 1000
    widest = 2 * max(head.side_at(float(place), 4.0) for place in (-10, 0, 10))
    return (
        Measured("midline shift", round(abs(push.midline_mm), 2), "mm", "septum to the middle of the skull", "flair"),
        Measured("frontal horn width", round(vent.width, 2), "mm", "greatest width of both frontal horns", "flair", "ventricles"),
        Measured(
            "Evans index", round(vent.width / widest, 3), "1", "frontal horn width by greatest width of the cavity", "flair"
        ),
        Measured("ventricular volume", round(fluid, 2), "mL", "lateral, third and fourth ventricles", "flair", "ventricles"),
        Measured("intracranial volume", round(cavity, 1), "mL", "within the inner skull", "flair"),
    )
