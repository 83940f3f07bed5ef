"""abdomen_ct: the abdomen from the bases of the lungs to the crests of the hips on CT, without or with contrast medium.

Physics: HU of each tissue in four phases (`bodies/abdomen/contrast.py`); voxels that hold two tissues have a share of each; noise
of the detector is correlated in the slice as the kernel makes it, soft or sharp by the site's look.
Findings: liver mass, gallstone, kidney stone, renal cyst and renal mass (each taken for the other), aneurysm of the aorta,
ascites, enlarged spleen. Aneurysm and spleen have grades, not sizes: half of an aneurysm would be a normal aorta.
Measured: volumes of liver, spleen and kidneys, from the shapes themselves; the length of the spleen along the body; the greatest
outer diameter of the aorta across its axis.
Known limits: no adrenal glands, appendix or pelvis; bowel is packed, not followed; a lesion that outgrows its organ overlaps what
lies beside it; masks of organs hold the lesions inside them.
"""

import numpy as np

from vesalius.errors import Problem
from vesalius.phantom import grid
from vesalius.phantom.bodies.abdomen import lesions, vessels, viscera, wall
from vesalius.phantom.bodies.abdomen.body import (
    Abdomen,
    aorta_axis,
    aorta_radius,
    breathing,
    draw_abdomen,
)
from vesalius.phantom.bodies.abdomen.contrast import PHASES, contrast
from vesalius.phantom.bodies.abdomen.space import Canvas, Pose
from vesalius.phantom.case import Case
from vesalius.phantom.factors import Factor, Values
from vesalius.phantom.findings import FindingKind
from vesalius.phantom.truth import Bools, Drawing, Floats, Lesion, Measured, Picture
from vesalius.types import Point

SAYS = "Abdomen on CT in four phases of contrast: masses, stones, cysts, aneurysm, ascites, enlarged spleen."
FIELD_MM = (300.0, 350.0, 350.0)
SIZE_PX = 64
WINDOW = (40.0, 400.0)

_SIDES = ("right", "left")
_POLES = tuple(lesions.POLES)
FINDINGS = (
    FindingKind(
        "liver mass",
        "K76.89",
        (18, 44),
        "greatest diameter",
        {
            "zone": ("right lobe", "left lobe"),
            "shape": ("round", "oval", "lobulated"),
            "margin": ("well-defined", "ill-defined"),
            "density": ("hypodense", "hyperdense"),
        },
        most=3,
        looks_like=("hepatic vein",),
    ),
    FindingKind(
        "gallstone",
        "K80.20",
        (8, 22),
        "greatest diameter",
        {"density": ("calcified", "faint")},
        most=3,
        looks_like=("bowel content",),
    ),
    FindingKind(
        "kidney stone",
        "N20.0",
        (8, 20),
        "greatest diameter",
        {"side": _SIDES, "zone": _POLES, "density": ("calcified", "faint")},
        looks_like=("excreted contrast medium", "calcium of the aorta"),
    ),
    FindingKind(
        "renal cyst", "N28.1", (18, 48), "greatest diameter", {"side": _SIDES, "zone": _POLES}, looks_like=("renal mass",)
    ),
    FindingKind(
        "renal mass",
        "N28.89",
        (22, 52),
        "greatest diameter",
        {"side": _SIDES, "zone": _POLES, "shape": ("round", "oval", "lobulated")},
        looks_like=("renal cyst",),
    ),
    FindingKind(
        "aortic aneurysm", "I71.4", grades=("small", "moderate", "large"), looks_like=("ectatic aorta",), changes="anywhere"
    ),
    FindingKind(
        "ascites",
        "R18.8",
        (9, 30),
        "greatest depth along the wall of the cavity",
        severities={"small": (9, 14), "moderate": (14, 21), "large": (21, 30)},
        looks_like=("fluid in bowel",),
        changes="anywhere",
    ),
    FindingKind(
        "splenomegaly", "R16.1", grades=("mild", "moderate", "severe"), looks_like=("normal spleen",), changes="anywhere"
    ),
)
FACTORS = {**grid.VOLUME, "phase": Factor("of the contrast medium", choices=PHASES)}


def together(values: Values) -> list[Problem]:
    """What is impossible only in combination."""
    return grid.unfit(values, FIELD_MM)


def draw(case: Case) -> Drawing:
    """One volume (Z, Y, X) in HU with organs, lesions and their measures."""
    body = case.body(0)
    still = draw_abdomen(
        body,
        case.sex,
        case.age_years,
        spleen=_grade(case, "splenomegaly"),
        aorta=_grade(case, "aortic aneurysm"),
        fluid=next((lesion.size_mm or 0.0 for lesion in case.of("ascites")), 0.0),
    )
    pose = case.pose(0)
    shift, turn, breath = pose.uniform(-1, 1, 3) * (9, 14, 18), float(pose.uniform(-0.07, 0.07)), float(pose.uniform(-7, 7))
    phase = PHASES[int(pose.integers(len(PHASES)))]
    hu = contrast(case.body(1), str(case.fixed("phase", phase)), case.age_years)
    field = grid.volume_grid(case.values, field_mm=FIELD_MM, size_px=SIZE_PX)
    voxel = float(np.prod(field.spacing_mm)) ** (1 / 3)
    edge = min((0.75 + 0.5 * case.look.blur) * voxel, 2.5 * min(field.spacing_mm))
    canvas = Canvas(field, Pose((float(shift[0]), float(shift[1]), float(shift[2])), turn, breath), still.warp, edge)
    masks = _painted(case, canvas, still, hu, mottled=case.fixed("phase", phase) == "arterial")
    pixels = canvas.hu + _noise(case, field)
    np.clip(pixels, -1024, 3071, out=pixels)
    a = breathing(still, breath)
    points = {f"{side} kidney": Point(canvas.voxel(k.center)) for side, k in a.kidneys.items()}
    fork = aorta_axis(a, a.aorta[2])
    points["aortic bifurcation"] = Point(canvas.voxel((float(fork[0]), float(fork[1]), a.aorta[2])))
    picture = Picture(
        "ct",
        "volume",
        np.rint(pixels).astype(np.int16),
        field.spacing_mm,
        "CT",
        masks,
        affine_lps_mm=field.affine_lps_mm(),
        window=WINDOW,
        points=points,
    )
    return Drawing((picture,), _measured(still))


def _grade(case: Case, finding: str) -> str:
    """The grade of a finding, "" when the patient does not have it."""
    return next((str(lesion.severity) for lesion in case.of(finding)), "")


def _painted(case: Case, canvas: Canvas, still: Abdomen, hu: dict[str, float], *, mottled: bool) -> dict[str, Bools]:
    """Everything painted from the outside in, each organ over what lies behind it in the list; gives the masks."""
    a = breathing(still, canvas.pose.breath_mm)
    cavity = wall.paint_wall(canvas, a, hu, case.body(2))
    masks: dict[str, Bools] = {}
    found: dict[str, Bools] = {}
    if a.fluid[0]:
        distance, found["ascites"] = lesions.ascites_mask(a, canvas, cavity)
        canvas.paint((slice(None), slice(None), slice(None)), distance, hu["fluid"])
        cavity = cavity - np.where(distance > -1, 0.75 * a.fluid[0], 0)
    viscera.paint_bowel(canvas, a, hu, case.body(3), cavity)
    wall.paint_back(canvas, a, hu, case.body(4))
    wall.paint_thorax(canvas, a, hu, cavity, case.body(5))
    aorta = vessels.paint_vessels(canvas, a, hu, case.body(6))
    masks["gallbladder"] = viscera.paint_gallbladder(canvas, still, hu)
    masks["liver"] = viscera.paint_liver(canvas, still, hu, case.body(7))
    masks["spleen"] = viscera.paint_spleen(canvas, a, hu, case.body(8), mottled=mottled)
    for number, (side, k) in enumerate(a.kidneys.items()):
        masks[f"{side} kidney"] = viscera.paint_kidney(canvas, k, hu, case.body(9, number))
    masks["aorta"] = canvas.empty()
    masks["aorta"][aorta] = vessels.aorta_distance(canvas, a, aorta) > 0
    if "ascites" in found:
        for name in ("liver", "spleen", "gallbladder", "right kidney", "left kidney"):
            found["ascites"] &= ~masks[name]
    for lesion in case.lesions:
        masks[lesion.mask] = _lesion(case, canvas, still, lesion, {**masks, **found}, hu)
    return masks


def _lesion(case: Case, canvas: Canvas, still: Abdomen, lesion: Lesion, masks: dict[str, Bools], hu: dict[str, float]) -> Bools:
    """The mask of a lesion, painted if it is not part of the anatomy by now."""
    if lesion.finding == "ascites":
        return masks["ascites"]
    if lesion.finding == "splenomegaly":
        return masks["spleen"].copy()
    if lesion.finding == "aortic aneurysm":
        wide = aorta_radius(still, canvas.z) > 1.25 * still.aorta[1]
        return masks["aorta"] & wide
    center = lesions.place(case, still, canvas, lesion)
    return lesions.paint(canvas, still, lesion, center, hu, case.place(lesion, 1))


def _noise(case: Case, field: grid.Grid) -> Floats:
    """Noise of the detector, smooth in the slice with a soft kernel."""
    rng = case.pose(1)
    noise = rng.standard_normal(field.shape, dtype=np.float32)
    share = np.float32(0.28 * (case.look.blur - 0.35))
    for axis in (1, 2):
        smooth = noise * (1 - 2 * share)
        near = np.roll(noise, 1, axis)
        near += np.roll(noise, -1, axis)
        near *= share
        noise = smooth + near
    noise *= np.float32(14 * case.look.noise)
    return noise


def _measured(a: Abdomen) -> tuple[Measured, ...]:
    found = [
        Measured(f"{name} volume", value, "mL", f"volume of the {name} with any lesion inside it", "ct", name)
        for name, value in viscera.organ_volumes_ml(a).items()
    ]
    found.append(Measured("spleen length", a.spleen_mm, "mm", "extent of the spleen along the body", "ct", "spleen"))
    found.append(Measured("aortic diameter", a.aorta_mm, "mm", "greatest outer diameter of the aorta in a slice", "ct", "aorta"))
    return tuple(found)
