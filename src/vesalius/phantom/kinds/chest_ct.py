"""chest_ct: a torso with lungs, lobes, heart, great vessels, ribs, spine and diaphragm in Hounsfield units.

Physics: HU of each tissue without or with contrast medium; partial volume and the kernel's softness by a small blur; noise
    with a grain in the slice. The body is that of `chest_xray`: seed s is the same patient, and has the same lesions at the
    same places where `finding`, `sex`, `age_years` and the lesions' own factors are fixed to the same values (findings and
    facts are drawn by kind); position and breath are the visit's own.
Findings: effusion, nodule (up to 3), consolidation, pneumothorax, cardiomegaly: solids of the body. Vessels that run along an
    axis, a small calcified scar and the nipples are in healthy patients as well.
Measured: cardiothoracic ratio, widths and axis of the heart at the stated geometry; volumes on beams 5 mm apart; a nodule's
    diameter. Landmarks: carina, domes of the diaphragm.
Known limits: the patient lies as he or she stands, fluid does not run to the back; arms hang at the sides of the field; one
    HU for each tissue, no artefacts of beam hardening or motion.
"""

import numpy as np

from vesalius.errors import Problem
from vesalius.phantom.bodies.chest.body import chest_of
from vesalius.phantom.bodies.chest.findings import FINDINGS as CHEST_FINDINGS
from vesalius.phantom.bodies.chest.lesions import placed
from vesalius.phantom.bodies.chest.measures import landmarks_mm, measured
from vesalius.phantom.bodies.chest.scene import scene_of
from vesalius.phantom.bodies.chest.spans import upright_rays
from vesalius.phantom.bodies.chest.tree import tree_of
from vesalius.phantom.bodies.chest.voxels import Scan, hounsfield, labelled, vessels
from vesalius.phantom.case import Case
from vesalius.phantom.factors import Factor, Values
from vesalius.phantom.grid import VOLUME, Grid, unfit, volume_grid
from vesalius.phantom.truth import Drawing, Picture
from vesalius.types import Point

SAYS = "a CT of the chest in Hounsfield units, of the body of chest_xray"
FINDINGS = CHEST_FINDINGS
FACTORS = {**VOLUME, "contrast": Factor("contrast medium in the blood", choices=("none", "given"))}
SIZE_PX, FIELD_MM = 96, (330.0, 370.0, 370.0)
WINDOW_HU = (-500.0, 1500.0)


def together(values: Values) -> list[Problem]:
    """What is impossible only in combination."""
    return unfit(values, FIELD_MM)


def draw(case: Case) -> Drawing:
    """One volume."""
    grid = volume_grid(case.values, field_mm=FIELD_MM, size_px=SIZE_PX)
    chest, lesions = chest_of(case), placed(case)
    rays = upright_rays(grid.shape[2], grid.shape[0], grid.spacing_mm[2], grid.spacing_mm[0])
    scene = scene_of(chest, lesions, rays)
    labels, masks = labelled(scene, grid)
    blood = vessels(tree_of(chest, case.seed, onward=True), chest, grid)
    pixels = hounsfield(scene, grid, labels, masks, blood, _scan(case), case.pose(3), case.body(1))
    picture = Picture(
        name="ct",
        kind="volume",
        pixels=pixels,
        spacing_mm=grid.spacing_mm,
        modality="CT",
        masks=masks,
        affine_lps_mm=grid.affine_lps_mm(),
        window=WINDOW_HU,
        points={name: _voxel(at_mm, grid) for name, at_mm in landmarks_mm(chest).items()},
    )
    return Drawing((picture,), measured(chest, lesions, "ct"))


def _voxel(at_mm: tuple[float, float, float], grid: Grid) -> Point:
    """A place of the body, (x, y, z), in voxels (z, y, x)."""
    steps = zip(reversed(at_mm), grid.spacing_mm, grid.shape, strict=True)
    return Point(tuple(length / step + count / 2 for length, step, count in steps))


def _scan(case: Case) -> Scan:
    """How the volume was taken, drawn in an order that never changes."""
    rng = case.pose(1)
    noise_hu, softness = float(np.exp(rng.uniform(np.log(9), np.log(26)))), float(rng.uniform(0.6, 1.4))
    given, strength = rng.random() < 0.5, float(rng.uniform(0.6, 1.15))
    contrast = {"none": 0.0, "given": strength}[str(case.fixed("contrast", "given" if given else "none"))]
    return Scan(noise_hu * case.look.noise, softness * case.look.blur / 0.75, contrast)
