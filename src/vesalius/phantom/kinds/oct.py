"""oct: a section through the macula by optical coherence tomography.

Physics:  each layer sends back light of its own; what lies deeper gets less, vessels and pigment cast shadows, and where the
          pigment epithelium is lost light reaches the choroid. The display is logarithmic, so that speckle is as strong
          everywhere. The section is 6 mm wide and 1.5 mm deep; as in clinics its pixels are not square in the body.
Findings: intraretinal fluid, subretinal fluid, pigment epithelial detachment, drusen, epiretinal membrane, macular hole,
          geographic atrophy, thinning of the nerve fiber layer. They move the layers: a twin may differ anywhere.
Measured: on the analytic layers: central retinal thickness (mean from the inner surface to Bruch's membrane within 0.5 mm of
          the fovea, along the section, fluid included, a hole counted as nothing), nerve fiber layer thickness (mean from 0.5
          to 2.3 mm nasal of the fovea), area of intraretinal and subretinal fluid, thickness of the choroid under the fovea,
          laterality.
Known limits: one horizontal section through the fovea, no volume; no refraction, no mirror artefact, no motion. Layers whose
          thickness is below the pixel's are blurred together, as in a coarse print.
"""

from typing import cast

import numpy as np

from vesalius.errors import Problem
from vesalius.phantom import grid as grids
from vesalius.phantom.bodies.oct import lesions as disease
from vesalius.phantom.bodies.oct import paint
from vesalius.phantom.bodies.oct.lesions import ZONES, Placed
from vesalius.phantom.bodies.oct.retina import (
    BORDERS,
    THINNED,
    Retina,
    borders,
    central_thickness_mm,
    fiber_thickness_mm,
    retina_of,
)
from vesalius.phantom.case import Case
from vesalius.phantom.factors import Factor, Values
from vesalius.phantom.findings import LARGER, FindingKind
from vesalius.phantom.grid import Grid
from vesalius.phantom.paint import Points
from vesalius.phantom.site import toned
from vesalius.phantom.truth import Bools, Drawing, Floats, Measured, Picture
from vesalius.types import Point
from vesalius.units import Unit

SAYS = "a section through the macula by optical coherence tomography, with the layers of the retina"
FIELD_MM = (1.5, 6.0)
SIZE_PX = 256
THINNED_FROM_MM = 0.4  # nearer to the fovea there are no nerve fibers to lose

FINDINGS = (
    FindingKind(
        name="intraretinal fluid",
        code="H35.35",
        size_mm=(0.5, 1.5),
        size_is="width of the cystic area",
        attributes={"zone": ZONES},
        not_with=("macular hole",),
        looks_like=("subretinal fluid", "shadows of vessels"),
        changes="anywhere",
    ),
    FindingKind(
        name="subretinal fluid",
        code="H33.2",
        size_mm=(0.6, 1.8),
        size_is="width of the fluid",
        attributes={"zone": ZONES},
        not_with=("macular hole", "geographic atrophy"),
        looks_like=("pigment epithelial detachment", "intraretinal fluid"),
        changes="anywhere",
    ),
    FindingKind(
        name="pigment epithelial detachment",
        code="H35.72",
        size_mm=(0.5, 1.4),
        size_is="width at its base",
        attributes={"content": ("serous", "fibrovascular"), "zone": ZONES},
        not_with=("macular hole", "geographic atrophy", "drusen"),
        looks_like=("subretinal fluid", "drusen"),
        changes="anywhere",
    ),
    FindingKind(
        name="drusen",
        code="H35.36",
        size_mm=(0.7, 2.2),
        size_is="width of the row of bumps",
        attributes={"zone": ZONES},
        not_with=("geographic atrophy",),
        looks_like=("pigment epithelial detachment", "a wavy pigment epithelium"),
        changes="anywhere",
    ),
    FindingKind(
        name="epiretinal membrane",
        code="H35.37",
        size_mm=(0.9, 2.4),
        size_is="width along the retina",
        attributes={"shape": ("flat", "wrinkled")},
        not_with=("macular hole",),
        looks_like=("the detached membrane of the vitreous",),
        changes="anywhere",
    ),
    FindingKind(
        name="macular hole",
        code="H35.34",
        size_mm=(0.4, 0.9),
        size_is="width at its base",
        not_with=("geographic atrophy",),
        looks_like=("a deep foveal pit", "intraretinal fluid"),
        changes="anywhere",
    ),
    FindingKind(
        name="geographic atrophy",
        code="H35.31",
        size_mm=(0.5, 1.6),
        size_is="width of the lost pigment epithelium",
        attributes={"zone": ZONES},
        looks_like=("bright gaps between shadows of vessels",),
        changes="anywhere",
    ),
    FindingKind(
        name="nerve fiber layer thinning",
        code="H47.23",
        grades=tuple(THINNED),
        looks_like=("a naturally thin retina",),
        changes="anywhere",
    ),
)
FACTORS = {
    "size_px": grids.PICTURE["size_px"],
    "spacing_mm": Factor("of the pixels (y, x), instead of a size", low=0.001, high=0.3, numbers=2),
    "eye": Factor("the eye that is seen", choices=("right", "left")),
}
_LARGEST_MM = {item.name: item.size_mm[1] * LARGER[1] for item in FINDINGS if item.size_mm}


def together(values: Values) -> list[Problem]:
    """What is impossible only in combination."""
    if "size_px" in values and "spacing_mm" in values:
        return [Problem("size_px", "follows from spacing_mm", ("leave one of them out",))]
    return grids.unfit(values, FIELD_MM)


def draw(case: Case) -> Drawing:
    """The section: layers as disease has moved them, fluid and membranes over them, signal and speckle last."""
    grid = _grid(case.values)
    retina, scan = retina_of(case), paint.scan_of(case)
    placed = tuple(disease.placed_of(case, lesion, _LARGEST_MM.get(lesion.finding, 0.0)) for lesion in case.lesions)
    y_mm, across = grid.axes_mm()
    x_mm = (across.ravel().astype(np.float64) - scan.shift_mm[0]) * retina.mirror
    sink = scan.shift_mm[1] + scan.tilt * across.ravel().astype(np.float64)
    lines = {name: line + sink for name, line in borders(retina, placed, x_mm).items()}
    shown = paint.section(case, retina, placed, lines, x_mm, y_mm, grid.spacing_mm[0])
    paint.vitreous(case, lines, x_mm, y_mm, grid.spacing_mm[0], shown)
    masks = {item.lesion.mask: _lesion(item, lines, x_mm, y_mm, grid, shown) for item in placed}
    shown = toned(paint.exposed(case, scan, grid, shown), case.look)
    fovea = _fovea(retina, placed, scan, grid)
    picture = Picture(
        name="section",
        kind="image",
        pixels=np.round(shown * np.float32(4095)).astype(np.uint16),
        spacing_mm=grid.spacing_mm,
        modality="OPT",
        masks={**_layers(lines, y_mm, placed, masks), **masks},
        view="R" if retina.eye == "right" else "L",  # DICOM's image laterality
        points={"fovea": fovea},
    )
    return Drawing((picture,), _measured(retina, placed))


def _grid(values: Values) -> Grid:
    """By the fixed spacing, or as many pixels along both axes."""
    if "spacing_mm" in values:
        steps = cast(tuple[float, ...], values["spacing_mm"])
        return Grid(tuple(max(round(length / step), 1) for length, step in zip(FIELD_MM, steps, strict=True)), tuple(steps))
    side = int(cast(int, values.get("size_px", SIZE_PX)))
    return Grid((side, side), (round(FIELD_MM[0] / side, 6), round(FIELD_MM[1] / side, 6)))


def _lesion(item: Placed, lines: dict[str, Points], x_mm: Points, y_mm: Floats, grid: Grid, shown: Floats) -> Bools:
    """Where a lesion is; what is no layer is drawn in place."""
    finding = item.lesion.finding
    if finding == "intraretinal fluid":
        return paint.cysts(item, lines, x_mm, y_mm, grid, shown)
    if finding == "macular hole":
        return paint.hole(item, lines, x_mm, y_mm, grid, shown)
    if finding == "epiretinal membrane":
        return paint.membrane(item, lines, x_mm, y_mm, grid, shown)
    top, bottom = {
        "subretinal fluid": ("subretinal space", "pigment epithelium"),
        "pigment epithelial detachment": ("space under the pigment epithelium", "choroid"),
        "drusen": ("space under the pigment epithelium", "choroid"),
        "geographic atrophy": ("photoreceptors", "choroid"),
        "nerve fiber layer thinning": ("nerve fiber layer", "ganglion cell layer"),
    }[finding]
    if finding == "nerve fiber layer thinning":
        columns = np.abs(x_mm) > THINNED_FROM_MM
    elif finding == "drusen":
        columns = disease.height(item, x_mm) > 0
    else:
        columns = np.abs(x_mm - item.x_mm) < item.half_mm
    return paint.banded(lines[top], lines[bottom], columns, y_mm)


def _layers(lines: dict[str, Points], y_mm: Floats, placed: tuple[Placed, ...], masks: dict[str, Bools]) -> dict[str, Bools]:
    """Where each layer is, without the fluid or the hole in it."""
    taken = [masks[item.lesion.mask] for item in placed if item.lesion.finding in ("intraretinal fluid", "macular hole")]
    below = [y_mm > lines[name].astype(np.float32) for name in BORDERS]
    found = {}
    for index, name in enumerate(BORDERS[:-1]):
        if "space" in name:
            continue
        layer = below[index] & ~below[index + 1]
        for mask in taken:
            layer &= ~mask
        found[name] = layer
    return found


def _fovea(retina: Retina, placed: tuple[Placed, ...], scan: paint.Scan, grid: Grid) -> Point:
    """The middle of the pit on the retina's surface, in pixels (y, x)."""
    surface = float(borders(retina, placed, np.zeros(1))["nerve fiber layer"][0])
    x, y = scan.shift_mm[0], surface + scan.shift_mm[1] + scan.tilt * scan.shift_mm[0]
    return Point((y / grid.spacing_mm[0] + grid.shape[0] / 2, x / grid.spacing_mm[1] + grid.shape[1] / 2))


def _measured(retina: Retina, placed: tuple[Placed, ...]) -> tuple[Measured, ...]:
    """What is measured on the analytic layers."""
    at_fovea = borders(retina, placed, np.zeros(1))
    told = (
        (
            "central retinal thickness",
            central_thickness_mm(retina, placed),
            "mm",
            "mean from the inner surface of the retina to Bruch's membrane within 0.5 mm of the fovea along the section, fluid "
            "included; a hole counts as nothing",
        ),
        (
            "nerve fiber layer thickness",
            fiber_thickness_mm(retina, placed),
            "mm",
            "mean thickness of the nerve fiber layer from 0.5 to 2.3 mm nasal of the fovea",
        ),
        ("fluid area", disease.fluid_mm2(placed), "mm2", "area of intraretinal and subretinal fluid in the section"),
        (
            "choroidal thickness",
            float(at_fovea["sclera"][0] - at_fovea["choroid"][0]),
            "mm",
            "from Bruch's membrane to the sclera under the fovea",
        ),
        ("laterality", float(retina.mirror), "1", "1 right eye, -1 left eye: the nose is on the picture's right in right eyes"),
    )
    return tuple(Measured(name, value, cast(Unit, unit), definition, "section") for name, value, unit, definition in told)
