"""cells: stained cells under a microscope, in a blood smear or in a section of glandular tissue.

Physics: dyes take light by Beer and Lambert's law; where cells lie on one another, dye adds up, but white cells, nests and
necrosis are thick and hide what lies under them. Smears are stained by Giemsa, sections by hematoxylin and eosin, each
laboratory a little differently. The camera's light is uneven and its noise white.
Findings: all can be in either specimen. Malaria: parasites in red cells, of a smear or in a vessel of tissue. Sickle cells
the same. Eosinophilia and lymphocytosis: more of these cells, in the blood or between the glands. Malignant cells: blasts,
or a nest of tumor cells. Necrosis: ruined cells, or a patch without structure. Mitosis: each is a lesion of its own. A grade
says how many cells a field holds (`bodies/cells_specimen.CELLS`). The masks of malaria are the parasites, not their cells.
Measured: number of cells of each type whose centers lie in the field and that do not lie wholly behind a white cell; share
of the sorts of white cells; mean diameter of red cells, shrunk by fixation in tissue.
Known limits: a follow-up is a new smear or a new section of the same patient, so that cells are others, but the shares are
the patient's; a slide's cells lie on a jittered lattice, and tissue has four sites to a tile of 0.1 mm. A slide's mitoses
all lie in its middle tile. Findings have grades or are counted; they have no size.
"""

from typing import Any

import numpy as np

from vesalius.errors import Problem
from vesalius.phantom import case as cases
from vesalius.phantom import findings
from vesalius.phantom.bodies.cells import specimen as specimens
from vesalius.phantom.bodies.cells import stain as cells_stain
from vesalius.phantom.bodies.cells.specimen import MIDDLE, TILE_UM, Specimen
from vesalius.phantom.bodies.cells.tissue import RED_SHRINK
from vesalius.phantom.bodies.cells.view import View, points, view
from vesalius.phantom.bodies.cells.white import SORTS
from vesalius.phantom.case import Case
from vesalius.phantom.factors import Factor, Values, checked
from vesalius.phantom.findings import FindingKind
from vesalius.phantom.grid import PICTURE, Grid, picture_grid, unfit
from vesalius.phantom.site import toned
from vesalius.phantom.truth import Drawing, Floats, Measured, Picture

SAYS = "stained cells: blood smears and sections of tissue, every cell counted, at two magnifications and on whole slides"
FIELD_MM = TILE_UM / 1000  # at a magnification of 40
SIZE_PX = 128
_POINTED = (*SORTS, "sickle cell", "parasite")  # cells that are few enough for landmarks
_GRADES = ("mild", "moderate", "severe")

FINDINGS = (
    FindingKind(
        "malaria",
        "B54",
        attributes={"stage": ("ring", "trophozoite", "schizont")},
        grades=_GRADES,
        looks_like=("platelet on a red cell", "stain precipitate"),
    ),
    FindingKind("sickle cells", "D57", grades=_GRADES, looks_like=("oval red cell",)),
    FindingKind("eosinophilia", "D72.1", grades=_GRADES, looks_like=("neutrophil",)),
    FindingKind("lymphocytosis", "D72.8", grades=_GRADES, looks_like=("malignant cells",)),
    FindingKind("malignant cells", "C80", grades=_GRADES, looks_like=("lymphocytosis", "monocyte")),
    FindingKind("necrosis", "R89.7", grades=_GRADES, looks_like=("stain precipitate",)),
    FindingKind("mitosis", "R89.6", most=4, looks_like=("apoptotic cell",)),
)
FACTORS = {
    **PICTURE,
    "specimen": Factor("what lies on the slide", choices=specimens.SPECIMENS),
    "crowding": Factor("how densely cells lie", choices=specimens.CROWDING),
    "stain": Factor("how the slide is stained", choices=specimens.STAINS),
    "magnification": Factor("of the objective; both give two pictures of the same cells", choices=("40", "10"), several=True),
}


def together(values: Values) -> list[Problem]:
    """What is impossible only in combination."""
    problems = []
    chosen = str(values.get("magnification", "40")).split(",")
    if "spacing_mm" in values and len(chosen) > 1:
        problems.append(Problem("spacing_mm", "two magnifications have two spacings", ("size_px", "one magnification")))
        return problems
    field_mm = FIELD_MM * 40 / float(chosen[0])
    problems += unfit(values, (field_mm, field_mm))
    return problems


def draw(case: Case) -> Drawing:
    """A picture of the middle of the slide, at each magnification that was asked for."""
    specimen = specimens.prepare(case)
    stain = cells_stain.mixed(case.pose(1), specimen.kind, specimen.stain)
    pictures: list[Picture] = []
    measured: tuple[Measured, ...] = ()
    for magnification in str(case.fixed("magnification", "40")).split(","):
        field_mm = FIELD_MM * 40 / float(magnification)
        grid = picture_grid(case.values, field_mm=field_mm, size_px=SIZE_PX)
        low_um = (TILE_UM - 1000 * grid.field_mm[0]) / 2
        step_um = grid.spacing_mm[0] * 1000
        seen = view(specimen, stain, MIDDLE, (low_um, low_um), (grid.shape[0], grid.shape[1]), step_um)
        name = f"field {magnification}x"
        pictures.append(_picture(case, grid, seen, name, int(magnification)))
        measured += _measured(specimen, seen, name)
    return Drawing(tuple(pictures), measured)


def slide_case(seed: int, *, visit: int = 0, **given: Any) -> Case:
    """The patient whose whole slide `bodies.cells_slide.region` draws.

    Args:
        seed: as of `world.make`, as are the visit and the factors.
        visit: 0 or 1.
        given: factors of this kind.

    Raises:
        UsageError: `bad_factor`, listing every problem and what is allowed.
    """
    known = {**findings.factors_of(FINDINGS), **FACTORS, **cases.FACTORS}
    values = checked("cells", given, known, lambda found: [*findings.together(FINDINGS, found), *together(found)])
    first, second, gone = findings.timeline("cells", seed, FINDINGS, values)
    return cases.open_case("cells", seed, visit, values, second if visit else first, gone if visit else ())


def _picture(case: Case, grid: Grid, seen: View, name: str, number: int) -> Picture:
    """What the camera makes of a view: uneven light, the site's tone, noise."""
    rng = case.pose(2, number)
    shown = toned(seen.color * _light(grid, rng), case.look)
    grain = rng.standard_normal(grid.shape, dtype=np.float32)
    grain *= np.float32(255 * 0.016 * case.look.noise)
    grain += np.float32(0.5)
    shown *= np.float32(255)
    shown += grain[..., None]
    np.clip(shown, 0, 255, out=shown)
    return Picture(
        name=name,
        kind="image",
        pixels=np.ascontiguousarray(shown.astype(np.uint8)),
        spacing_mm=(grid.spacing_mm[0], grid.spacing_mm[1]),
        modality="SM",
        masks=seen.masks,
        points=points(seen.centers, _POINTED),
    )


def _light(grid: Grid, rng: np.random.Generator) -> Floats:
    """The lamp: brightest near the middle, (Y, X, 1)."""
    y_mm, x_mm = grid.axes_mm()
    half = np.float32(grid.field_mm[0] / 2)
    y, x = y_mm / half - np.float32(rng.uniform(-0.4, 0.4)), x_mm / half - np.float32(rng.uniform(-0.4, 0.4))
    fall = np.float32(rng.uniform(0.0, 0.07))
    level = np.float32(rng.uniform(0.93, 1.05))
    lamp: Floats = (level * (1 - fall * (x * x + y * y)))[..., None]
    return lamp


def _measured(specimen: Specimen, seen: View, picture: str) -> tuple[Measured, ...]:
    """Counts, shares and the size of red cells."""
    in_field = "cells whose center lies in the field and that do not lie wholly behind another"
    found = [
        Measured(f"number of {name}s", float(len(at)), "1", in_field, picture, name if name in seen.masks else "")
        for name, at in seen.centers.items()
    ]
    if specimen.kind == "smear":
        whites = {name: len(seen.centers[name]) for name in ("neutrophil", "lymphocyte", "monocyte", "eosinophil")}
        for name, number in whites.items():
            share = number / max(sum(whites.values()), 1)
            says = f"{name}s by all neutrophils, lymphocytes, monocytes and eosinophils of the field; 0 without any"
            found.append(Measured(f"share of {name}s", share, "1", says, picture, name))
    shrunk = 1.0 if specimen.kind == "smear" else RED_SHRINK
    diameter = 2 * specimen.red_um * shrunk / 1000
    found.append(Measured("mean red cell diameter", diameter, "mm", "the mean of the patient's red cells", picture, "red cell"))
    return tuple(found)
