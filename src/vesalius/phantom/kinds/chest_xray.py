"""chest_xray: frontal and lateral radiographs of a chest.

Physics: Beer-Lambert along parallel beams through the body that `chest_ct` fills with voxels; effective attenuation per
    tissue, automatic exposure, quantum noise, the film's logistic curve, the room's sharpening. Seed s of `chest_xray` and
    of `chest_ct` is the same body; it has the same lesions at the same places where `finding`, `sex`, `age_years` and the
    lesions' own factors are fixed to the same values (findings and facts are drawn by kind), in its own position and breath.
Findings: effusion, nodule (up to 3), consolidation, pneumothorax, cardiomegaly. All are solids of the body; a mask is where
    the beam passes more than nothing of one, so masks of what lies behind one another overlap, lobes of the lungs too.
    Nipples, vessels end on, a small calcified scar, an azygos fissure, skin folds, electrodes and their leads are in healthy
    patients as well.
Measured: cardiothoracic ratio and widths at the stated geometry; volumes on beams 5 mm apart.
Known limits: parallel beams (no magnification), one effective energy, no scatter; arms hang in both views.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np

from vesalius.errors import Problem
from vesalius.phantom.bodies.chest import film
from vesalius.phantom.bodies.chest.body import Chest, chest_of
from vesalius.phantom.bodies.chest.clutter import clutter_of, lay_clutter, shuttered
from vesalius.phantom.bodies.chest.findings import FINDINGS as CHEST_FINDINGS
from vesalius.phantom.bodies.chest.lesions import placed
from vesalius.phantom.bodies.chest.lungs import lobe_lengths, lobe_spans
from vesalius.phantom.bodies.chest.measures import landmarks_mm, measured
from vesalius.phantom.bodies.chest.scene import MASKS, SEEN_MM, Scene, scene_of
from vesalius.phantom.bodies.chest.spans import Rays, Reals, Span, from_the_side, picture_rays, side_rays
from vesalius.phantom.bodies.chest.tree import tree_of
from vesalius.phantom.case import Case
from vesalius.phantom.factors import Factor, Values
from vesalius.phantom.grid import PICTURE, Grid, picture_grid, unfit
from vesalius.phantom.paint import letter
from vesalius.phantom.site import toned
from vesalius.phantom.truth import Bools, Drawing, Picture
from vesalius.types import Point

SAYS = "a chest radiograph, frontal and if asked for lateral, of the body of chest_ct"
FINDINGS = CHEST_FINDINGS
FACTORS = {
    **PICTURE,
    "marker": Factor("the side marker that is drawn", choices=("none", "R", "L")),
    "views": Factor("which pictures are taken", choices=("frontal", "both")),
}
SIZE_PX, FIELD_MM = 224, 366.0
STEP_MM, HALF_WIDTH_MM = 2.5, 190.0  # of the beams that a lateral picture adds up


@dataclass(frozen=True)
class Stand:
    """How the patient stands before the detector at one visit, and how the picture is taken."""

    grid: Grid
    shift_mm: tuple[float, float]  # of the body, to the left and to the head
    tilt_deg: float
    how: film.Exposure
    marker: str
    marker_mm: tuple[float, float]


def together(values: Values) -> list[Problem]:
    """What is impossible only in combination."""
    return unfit(values, (FIELD_MM, FIELD_MM))


def draw(case: Case) -> Drawing:
    """One or two radiographs of the patient."""
    chest, lesions, stand = chest_of(case), placed(case), _stand(case)
    size_px, spacing_mm = stand.grid.shape[0], stand.grid.spacing_mm[0]
    rays = picture_rays(size_px, spacing_mm, stand.shift_mm, stand.tilt_deg)
    pictures = [_frontal(case, scene_of(chest, lesions, rays), stand)]
    if case.fixed("views", "frontal") == "both":
        pictures.append(_lateral(case, chest, stand))
    return Drawing(tuple(pictures), measured(chest, lesions, "frontal"))


def _stand(case: Case) -> Stand:
    """Position and exposure of the visit, drawn in an order that never changes."""
    rng = case.pose(1)
    field = float(rng.uniform(348, 392))
    shift = (float(rng.uniform(-13, 13)), float(rng.uniform(-14, 14)))
    tilt = float(rng.uniform(-4, 4))
    how = film.Exposure(
        dose=float(np.exp(rng.uniform(np.log(2000), np.log(12000)))) / case.look.noise**2,
        blur_mm=float(rng.uniform(0.5, 1.1)) * case.look.blur / 0.75,
        contrast=float(rng.uniform(0.85, 1.25)),
        brightness=float(rng.uniform(-0.28, 0.28)),
        sharpening=max(float(rng.uniform(-0.2, 0.6)), 0.0),
    )
    marker = ("none", "R", "L")[int(rng.choice(3, p=(0.4, 0.3, 0.3)))]
    place = (float(rng.uniform(0, 14)), float(rng.uniform(0, 26)))
    grid = picture_grid(case.values, field_mm=field, size_px=SIZE_PX)
    return Stand(grid, shift, tilt, how, str(case.fixed("marker", marker)), place)


def _frontal(case: Case, scene: Scene, stand: Stand) -> Picture:
    """The view from behind, the patient's right on the left of the picture."""
    rays, seen = scene.rays, film.frontal_lengths(scene.rays)
    tree = tree_of(scene.chest, case.seed)
    row, column = rays.pixel(tree.x - tree.y * scene.chest.turn, tree.z)
    lung = seen(scene.healthy)
    blood = film.vessels(rays.shape[0], tree, cast(Reals, column), cast(Reals, row), 1 / stand.grid.spacing_mm[0])
    blood *= np.minimum(lung * np.float32(1 / 40), 1) * np.float32(film.WATER * 1.25)
    plain = film.attenuation(scene, lung, seen) + blood
    clutter = clutter_of(case.pose(2), scene.chest)
    lay_clutter(plain, clutter, scene.chest, rays)
    added = film.lesions_added(scene, plain, blood, lung, seen)
    added += film.pleura(scene)
    pixels = _developed(case, plain, added, rays, stand, 3)
    shuttered(pixels, clutter, stand.grid.spacing_mm[0])
    if stand.marker != "none":
        _lay_marker(pixels, stand)
    masks = _masks(scene, lobe_lengths(scene.chest, rays, scene.air), seen)
    return _picture("frontal", pixels, masks, stand.grid, "PA", _landmarks(scene.chest, rays))


def _lateral(case: Case, chest: Chest, stand: Stand) -> Picture:
    """The view from the patient's right, the front on the left of the picture."""
    size_px, spacing_mm = stand.grid.shape[0], stand.grid.spacing_mm[0]
    rays = side_rays(size_px, spacing_mm, stand.shift_mm[1], STEP_MM, HALF_WIDTH_MM)
    scene = scene_of(chest, placed(case), rays)
    first_mm = stand.shift_mm[0] - size_px / 2 * spacing_mm

    def seen(spans: list[Span]) -> Reals:
        return from_the_side(spans, size_px, size_px, spacing_mm, STEP_MM, first_mm)

    plane = picture_rays(size_px, spacing_mm, (0.0, stand.shift_mm[1]), 0.0)
    tree = tree_of(chest, case.seed)
    row, _ = plane.pixel(tree.x, tree.z)
    column = (tree.y - first_mm) / spacing_mm
    lung = seen(scene.healthy)
    blood = film.vessels(size_px, tree, column, cast(Reals, row), 1 / spacing_mm)
    blood *= np.minimum(lung * np.float32(1 / 60), 1) * np.float32(film.WATER * 1.25)
    plain = film.attenuation(scene, lung, seen) + blood
    added = film.lesions_added(scene, plain, blood, lung, seen)
    pixels = _developed(case, plain, added, plane, stand, 5)
    lobes = {name: seen(spans) for name, spans in lobe_spans(chest, rays, scene.air).items()}
    return _picture("lateral", pixels, _masks(scene, lobes, seen), stand.grid, "LL", {})


def _developed(case: Case, plain: Reals, added: Reals, rays: Rays, stand: Stand, stream: int) -> Reals:
    """In [0, 1]. What is added by lesions comes after blur and sharpening, so that it changes its mask alone."""
    limits = film.levels(plain)
    grain = case.pose(stream).standard_normal(rays.shape, dtype=np.float32)
    soft = film.softened(plain, rays, stand.how, case.body(1))
    soft += added
    return toned(film.developed(soft, limits, rays, stand.how, grain), case.look)


def _masks(scene: Scene, lobes: dict[str, Reals], seen: film.Lengths) -> dict[str, Bools]:
    """Where the beam passes more than nothing of each structure and each lesion."""
    parted = {name: way > SEEN_MM for name, way in lobes.items()}
    found: dict[str, Bools] = {}  # first what a newcomer would ask for
    for side in ("right", "left"):
        found[f"{side} lung"] = np.logical_or.reduce([mask for name, mask in parted.items() if name.startswith(side)])
    for name, parts in MASKS.items():
        found[name] = seen(scene.named(*parts)) > SEEN_MM
    found |= parted
    for wrong in scene.wrong:
        found[wrong.lesion.mask] = seen(list(wrong.inside)) > SEEN_MM
    return found


def _landmarks(c: Chest, rays: Rays) -> dict[str, Point]:
    """The body's landmarks on the picture."""
    found = {}
    for name, (x, _, z) in landmarks_mm(c).items():
        row, column = rays.pixel(x, z)
        found[name] = Point((float(row), float(column)))
    return found


def _lay_marker(pixels: Reals, stand: Stand) -> None:
    """The letter of lead at its side."""
    axis = stand.grid.axes_mm()[1].ravel()
    half = stand.grid.field_mm[0] / 2
    left = -half + 10 + stand.marker_mm[0] if stand.marker == "R" else half - 26 - stand.marker_mm[0]
    pixels[letter(stand.marker, axis, axis, (left, -half + 10 + stand.marker_mm[1]), 20.0)] = 0.97


def _picture(name: str, pixels: Reals, masks: dict[str, Bools], grid: Grid, view: str, points: dict[str, Point]) -> Picture:
    """Twelve bits."""
    stored = np.rint(pixels * np.float32(4095)).astype(np.uint16)
    return Picture(name, "image", stored, grid.spacing_mm, "DX", masks, view=view, points=points)
