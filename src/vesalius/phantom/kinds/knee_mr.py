"""knee_mr: one knee as two volumes on one grid, proton density without and with fat suppression.

Physics:
    Every tissue has T1, T2, proton density and a share of fat (`bodies/brain/signal.py`, `knee_body.py`, `knee_lesions.py`). Both
    pictures are spin echoes, S = density (1 - exp(-TR/T1)) exp(-TE/T2): pd with TR 2500, TE 28 ms, pd_fs with TR 3600, TE 38 ms
    and 90 % of the fat's share taken away. Each visit varies TR and TE by up to 15 %. Then receive bias, blur below a voxel,
    Rician noise, the site's tone; 12 bits.
Findings:
    cartilage loss (compartment; mild, moderate, severe: 35, 70, 100 % of the thickness gone), meniscal tear (meniscus and horn),
    anterior cruciate ligament tear (partial, complete), joint effusion (depth of the suprapatellar pouch), bone marrow edema,
    popliteal (Baker) cyst, osteophyte. Healthy knees have fluid in the pouch and beside the cruciate ligaments,
    wet fat pads, bright veins, worn gray menisci and islands of red marrow.
Measured:
    cartilage thickness of each compartment (mm): least thickness along the normal, 0 where all is gone. effusion volume (mL): of
    the fluid in the pouch. cyst diameter (mm). osteoarthritis grade (1), 0 to 4: 0 no osteophyte and no loss; 1 mild
    loss or an osteophyte below 5 mm; 2 one from 5 mm; 3 moderate loss, or mild loss with an osteophyte; 4 severe loss.
Known limits:
    The knee is straight; no popliteus tendon, no plica, no retinacula; collateral ligaments are single cords. Cartilage is one
    layer. An effusion fills only the suprapatellar pouch.
"""

from dataclasses import replace
from typing import cast

import numpy as np

from vesalius.errors import Problem
from vesalius.phantom import grid as grids
from vesalius.phantom.bodies.knee import lesions as knee_lesions
from vesalius.phantom.bodies.knee.body import COMPARTMENTS, HORNS, Knee, knee_of, paint_around
from vesalius.phantom.bodies.knee.joint import cruciates, ligament_distance, listed, paint_joint
from vesalius.phantom.bodies.mr.laying import canvas_edge
from vesalius.phantom.bodies.mr.signal import Canvas, Sequence3, detect, protocol, scattered, smooth
from vesalius.phantom.bodies.mr.space import pose
from vesalius.phantom.case import Case
from vesalius.phantom.factors import Factor, Values
from vesalius.phantom.findings import FindingKind
from vesalius.phantom.truth import Bools, Drawing, Lesion, Measured, Picture

FIELD_MM = (164.0, 150.0, 126.0)  # z, y, x
LOW_MM = 7.0  # how far the joint lies below the middle of the field
SIZE_PX = 64
NOISE = 0.018
SEQUENCES = (
    Sequence3("pd_fs", 3600, 38, suppressed=0.90, gain=1.5),  # the first is the one that a question is about: it shows most
    Sequence3("pd", 2500, 28, gain=1.15),
)

SAYS = "the knee in proton density without and with fat: cartilage, menisci, ligaments, effusion, marrow edema, cysts"

_ZONES = tuple(f"{side} {horn}" for side in ("medial", "lateral") for horn in HORNS)
FINDINGS = (
    FindingKind(
        "cartilage loss",
        "M94.2",
        size_mm=(9, 20),
        size_is="greatest diameter of the damaged area",
        attributes={"zone": COMPARTMENTS},
        grades=tuple(knee_lesions.LOST),
        looks_like=("joint fluid",),
    ),
    FindingKind(
        "meniscal tear",
        "S83.2",
        size_mm=(8, 15),
        size_is="greatest length",
        attributes={"zone": _ZONES, "shape": ("horizontal", "vertical", "complex")},
        looks_like=("worn meniscus",),
    ),
    FindingKind(
        "anterior cruciate ligament tear",
        "S83.5",
        grades=("partial", "complete"),
        looks_like=("fat between the fibers of the ligament",),
    ),
    FindingKind(
        "joint effusion",
        "M25.4",
        size_mm=(5, 12),
        size_is="depth of the fluid in the suprapatellar pouch, from front to back",
        severities={"small": (5, 7), "moderate": (7, 9.5), "large": (9.5, 18)},
        looks_like=("joint fluid",),
    ),
    FindingKind(
        "bone marrow edema",
        "M89.9",
        size_mm=(9, 20),
        size_is="greatest diameter",
        attributes={"zone": COMPARTMENTS},
        looks_like=("red marrow",),
    ),
    FindingKind(
        "popliteal cyst",
        "M71.2",
        size_mm=(14, 40),
        size_is="greatest diameter",
        looks_like=("popliteal vessels",),
    ),
    FindingKind(
        "osteophyte",
        "M25.7",
        size_mm=(4.5, 10),
        size_is="greatest diameter",
        attributes={"zone": COMPARTMENTS},
        looks_like=("bone marrow edema",),
    ),
)
FACTORS = {**grids.VOLUME, "knee": Factor("which knee is examined", choices=("right", "left"))}


def together(values: Values) -> list[Problem]:
    """What is impossible only in combination."""
    return grids.unfit(values, FIELD_MM)


def draw(case: Case) -> Drawing:
    """The knee of one visit: two pictures (Z, Y, X) of 12 bits."""
    grid = grids.volume_grid(case.values, field_mm=FIELD_MM, size_px=SIZE_PX)
    knee, lying = knee_of(case), pose(case.pose(0), (9, 9, 15), 8)
    x, y, z = lying.shift_mm
    lying = replace(lying, shift_mm=(x, y, z - LOW_MM))
    at = lying.body_of(grid.axes_mm())
    place = (at[0] * np.float32(knee.lateral), at[1], at[2])
    edge, fine = canvas_edge(place), min(grid.spacing_mm)
    canvas = Canvas(grid.shape, protocol(SEQUENCES, case.pose(1)))
    mixed = smooth(case.body(2), 12, grid.shape)
    paint_around(canvas, knee, place, mixed, smooth(case.body(3), (3, 11, 9), grid.shape), edge)
    joint = paint_joint(canvas, knee, place, mixed, edge)
    cruciates(canvas, knee, place, edge)
    if knee.fluid > 0.5:
        knee_lesions.lay_pouch(canvas, knee, place, knee.fluid, edge)
    laid = {i.mask: knee_lesions.lay_lesion(canvas, case, knee, joint, i, place, fine) for i in case.lesions}
    masks = {name: scattered(grid.shape, at, inside) for name, (at, inside) in joint.masks.items()}
    notch = listed(place, (-20, -25, -8), (25, 40, 45))
    masks["anterior cruciate ligament"] = scattered(grid.shape, notch.at, ligament_distance(knee, notch.place) < 0)
    found = {name: scattered(grid.shape, at, inside) for name, (at, inside) in laid.items()}
    _carve(masks, found, case.lesions)
    pole = knee.pole("medial femoral")
    points = {
        "medial femoral condyle": lying.pixel_of((pole[0] * knee.lateral, pole[1], pole[2]), grid),
        "patella": lying.pixel_of((knee.patella[0][0] * knee.lateral, *knee.patella[0][1:]), grid),
    }
    pictures = []
    for number, (sequence, light) in enumerate(zip(canvas.sequences, canvas.light, strict=True)):
        bias = smooth(case.pose(10 + number), 3, grid.shape)
        light *= 1 + np.float32(0.26) * bias
        pictures.append(
            Picture(
                name=sequence.name,
                kind="volume",
                pixels=detect(light, case.look, NOISE, case.pose(20 + number)),
                spacing_mm=grid.spacing_mm,
                modality="MR",
                masks={**masks, **found},
                affine_lps_mm=grid.affine_lps_mm(),
                points=points,
            )
        )
    return Drawing(tuple(pictures), _measured(knee, case))


def _carve(masks: dict[str, Bools], found: dict[str, Bools], lesions: tuple[Lesion, ...]) -> None:
    """Take from the anatomy what a lesion has replaced."""
    replaced = {
        "meniscal tear": ("medial meniscus", "lateral meniscus"),
        "anterior cruciate ligament tear": ("anterior cruciate ligament",),
    }
    for lesion in lesions:
        names = replaced.get(lesion.finding, ())
        if lesion.finding == "cartilage loss" and lesion.severity == "severe":
            names = (f"{lesion.zone} cartilage",)
        for name in names:
            masks[name] = masks[name] & ~found[lesion.mask]


def _measured(knee: Knee, case: Case) -> tuple[Measured, ...]:
    """What is true of the body."""
    losses = {str(lesion.zone): lesion for lesion in case.of("cartilage loss")}
    found = []
    for name, whole in knee.thick.items():
        left = knee_lesions.remaining(knee, losses[name]) if name in losses else whole
        said = "least thickness along the normal"
        found.append(Measured(f"{name} cartilage thickness", round(left, 2), "mm", said, "pd_fs", f"{name} cartilage"))
    for lesion in case.of("joint effusion"):
        volume = knee_lesions.pouch_volume_ml(knee, cast(float, lesion.size_mm))
        found.append(Measured("effusion volume", round(volume, 2), "mL", "fluid in the pouch", "pd_fs", lesion.mask))
    for lesion in case.of("popliteal cyst"):
        found.append(Measured("cyst diameter", cast(float, lesion.size_mm), "mm", "greatest diameter", "pd_fs", lesion.mask))
    said = "0 none, 1 doubtful, 2 mild, 3 moderate, 4 severe, by osteophytes and cartilage loss"
    found.append(Measured("osteoarthritis grade", float(_grade(case)), "1", said, "pd_fs"))
    return tuple(found)


def _grade(case: Case) -> int:
    """Osteoarthritis, 0 to 4, as the module says."""
    loss = {lesion.severity for lesion in case.of("cartilage loss")}
    spur = max((cast(float, lesion.size_mm) for lesion in case.of("osteophyte")), default=0.0)
    if "severe" in loss:
        return 4
    if "moderate" in loss or (loss and spur):
        return 3
    return 2 if spur >= 5 else 1 if spur or loss else 0
