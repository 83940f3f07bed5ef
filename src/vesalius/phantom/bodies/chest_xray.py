"""A frontal (PA) chest radiograph: thickness of tissue turned into grey by the Beer-Lambert law, with its truth.

The patient's right is on the picture's left. What is drawn: body, lungs, heart, great vessels, vessels of the lungs, ribs,
collar bones, shoulders, spine, diaphragm, stomach bubble, windpipe; detector noise, blur, exposure and a side marker.
A lesion is laid over the blurred picture, so that a twin without it differs inside its mask and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np

from vesalius.errors import Problem
from vesalius.phantom import chest_body as anatomy
from vesalius.phantom import chest_lesions as disease
from vesalius.phantom import report
from vesalius.phantom.chest_body import Chest
from vesalius.phantom.chest_lesions import Placed
from vesalius.phantom.factors import Factor, Values
from vesalius.phantom.paint import Points, blur, centers_mm, lay_tubes, letter, noise, stream
from vesalius.phantom.truth import CHANGES, Bools, Floats, Lesion, Phantom

KIND, MODALITY, VIEW = "chest_xray", "DX", "PA"
SIZE_PX = 224
FIELD_MM = (345.0, 480.0)  # a smaller one would cut the lungs

FACTORS: dict[str, Factor] = {
    "size_px": Factor("rows and columns of the picture", low=32, high=512, whole=True),
    "spacing_mm": Factor("size of a pixel; size_px x spacing_mm is the field", low=0.5, high=15.0),
    "finding": Factor("what is wrong, or none", choices=("none", *disease.FINDINGS), several=True),
    "side": Factor("of every finding: the patient's own", choices=("right", "left")),
    "zone": Factor("of nodules and consolidation: a third of the lung", choices=disease.ZONES),
    "size_mm": Factor("nodule: diameter; effusion: depth; consolidation: diameter", low=8, high=120),
    "severity": Factor("how much fluid", choices=tuple(disease.SEVERITY_MM)),
    "nodules": Factor("how many nodules", low=0, high=disease.NODULES_MAX, whole=True),
    "change": Factor("of every finding between the first visit and the second", choices=CHANGES),
    "sex": Factor("the patient's sex", choices=("F", "M")),
    "age_years": Factor("the patient's age at the first visit", low=18, high=95, whole=True),
    "wording": Factor("of the report: as in tests, or in other words", choices=("canonical", "varied")),
    "marker": Factor("the side marker that is drawn", choices=("none", "R", "L")),
}

_WATER, _BONE, _VESSEL = 0.0158, 0.040, 0.034  # attenuation per mm, effective over the beam's spectrum
_PATIENT, _DISEASE, _POSE, _DETECTOR, _WORDS = range(5)  # one stream of random numbers each


@dataclass(frozen=True)
class Pose:
    """How the patient stands before the detector at one visit, and how the picture is taken."""

    spacing_mm: float
    field_mm: float
    shift_mm: tuple[float, float]
    tilt_deg: float
    turn_deg: float
    breath_mm: float
    contrast: float
    brightness: float
    dose: float
    blur_mm: float
    marker: str
    marker_mm: tuple[float, float]


def together(values: Values) -> list[Problem]:
    """What is impossible only in combination."""
    problems: list[Problem] = []
    findings = str(values.get("finding", "")).split(",")
    alone = findings[0] if len(findings) == 1 and findings[0] in disease.FINDINGS else None
    if values.get("finding") == "none":
        for key in ("side", "zone", "size_mm", "severity", "change"):
            if key in values:
                problems.append(Problem(key, "a patient without findings has none of it", ("leave it out",)))
    if "size_mm" in values and alone is None:
        problems.append(Problem("size_mm", "means another length for each finding; name one finding", disease.FINDINGS))
    elif "size_mm" in values and alone:
        low, high = disease.SIZE_MM[alone]
        if not low <= float(values["size_mm"]) <= high:
            problems.append(Problem("size_mm", f"no {alone} of that size is made", (f"a number from {low:g} to {high:g}",)))
        if "severity" in values:
            problems.append(Problem("severity", "follows from size_mm", ("leave one of them out",)))
    if "severity" in values and "finding" in values and "effusion" not in findings:
        problems.append(Problem("severity", "only an effusion has one", ("finding=effusion",)))
    if "zone" in values and alone == "effusion":
        problems.append(Problem("zone", "an effusion lies at the base", ("leave it out",)))
    if "nodules" in values and "finding" in values and ("nodule" in findings) != bool(values["nodules"]):
        problems.append(Problem("nodules", "contradicts finding", ("leave it out",)))
    if "spacing_mm" in values:
        field_mm = float(values["spacing_mm"]) * int(values.get("size_px", SIZE_PX))
        if not FIELD_MM[0] <= field_mm <= FIELD_MM[1]:
            allowed = tuple(f"{edge / int(values.get('size_px', SIZE_PX)):.3f}" for edge in FIELD_MM)
            problems.append(Problem("spacing_mm", "the chest would not fit or not fill the picture", (" to ".join(allowed),)))
    return problems


def make(seed: int, visit: int, values: Values) -> Phantom:
    """One picture of patient `seed` at `visit` 0 or 1; factors that are not in `values` are drawn."""
    size_px = int(values.get("size_px", SIZE_PX))
    rng = stream(KIND, seed, _PATIENT)
    drawn_sex, drawn_age, days = "F" if rng.random() < 0.5 else "M", int(rng.integers(20, 90)), int(rng.integers(2, 200))
    sex, age = str(values.get("sex", drawn_sex)), int(values.get("age_years", drawn_age))
    patient = anatomy.draw_chest(rng, sex)
    before, after, resolved = disease.timeline(patient, stream(KIND, seed, _DISEASE), values)
    pose = _pose(stream(KIND, seed, _POSE, visit), size_px, values)
    chest = anatomy.turned(patient, pose.turn_deg, pose.breath_mm)
    seen = after if visit else before
    pixels, masks = _picture(chest, pose, seen, size_px, seed, visit)
    lesions = _in_reading_order(seen, masks)
    return Phantom(
        kind=KIND,
        seed=seed,
        visit=visit,
        day=days if visit else 0,
        pixels=pixels,
        spacing_mm=(pose.spacing_mm, pose.spacing_mm),
        modality=MODALITY,
        view=VIEW,
        masks=masks,
        lesions=lesions,
        resolved=tuple(placed.lesion for placed in resolved) if visit else (),
        report=report.write(lesions, None if values.get("wording") == "canonical" else stream(KIND, seed, _WORDS, visit)),
        facts={"age_years": age, "sex": sex, "marker": pose.marker, "turn_deg": round(pose.turn_deg, 2)},
    )


def _pose(rng: np.random.Generator, size_px: int, values: Values) -> Pose:
    """Position and exposure of one visit, drawn in an order that never changes."""
    field_mm = float(rng.uniform(350, 385))
    shift = (float(rng.uniform(-9, 9)), float(rng.uniform(-9, 9)))
    tilt, turn = float(rng.uniform(-2.5, 2.5)), float(rng.uniform(-disease.MOST_TURN_DEG, disease.MOST_TURN_DEG))
    breath = float(rng.uniform(-disease.MOST_BREATH_MM, disease.MOST_BREATH_MM))
    contrast, brightness = float(rng.uniform(0.85, 1.2)), float(rng.uniform(-0.22, 0.22))
    dose, blur_mm = float(np.exp(rng.uniform(np.log(1500), np.log(9000)))), float(rng.uniform(0.5, 1.4))
    marker = ("none", "R", "L")[int(rng.choice(3, p=(0.4, 0.3, 0.3)))]
    place = (float(rng.uniform(0, 14)), float(rng.uniform(0, 26)))
    # Six decimals, so that a file can state the very number.
    spacing_mm = float(values.get("spacing_mm", round(field_mm / size_px, 6)))
    field_mm = spacing_mm * size_px
    marker = str(values.get("marker", marker))
    return Pose(spacing_mm, field_mm, shift, tilt, turn, breath, contrast, brightness, dose, blur_mm, marker, place)


def _picture(
    chest: Chest, pose: Pose, seen: Sequence[Placed], size_px: int, seed: int, visit: int
) -> tuple[Floats, dict[str, Bools]]:
    """Pixels and masks."""
    axis = centers_mm(size_px, pose.field_mm)
    turn = radians(pose.tilt_deg)
    right, down = axis[None, :] - np.float32(pose.shift_mm[0]), axis[:, None] - np.float32(pose.shift_mm[1])
    x = right * np.float32(cos(turn)) + down * np.float32(sin(turn))
    y = down * np.float32(cos(turn)) - right * np.float32(sin(turn))
    air, attenuation, masks = _healthy(chest, pose, x, y, stream(KIND, seed, _PATIENT, 1))
    attenuation = blur(attenuation, pose.blur_mm / pose.spacing_mm)
    for placed in seen:
        window = _window(disease.reach_mm(placed, chest), pose, size_px)
        thick = disease.thickness(placed, chest, air[window], x[window], y[window])
        if not thick.any():
            thick = _averaged(placed, chest, pose, x[window], y[window])
        attenuation[window] += thick * np.float32(_WATER * anatomy.LUNG_AIR)
        mask = np.zeros((size_px, size_px), np.bool_)
        mask[window] = thick > 0
        masks[str(placed.lesion.mask)] = mask
    return _detected(attenuation, chest, pose, axis, stream(KIND, seed, _DETECTOR, visit)), masks


def _averaged(placed: Placed, chest: Chest, pose: Pose, x: Floats, y: Floats) -> Floats:
    """Mean thickness over each pixel's area: a lesion that lies between the pixels' centers is seen all the same."""
    parts, turn = 8, radians(pose.tilt_deg)
    off = ((np.arange(parts) + 0.5) / parts - 0.5) * pose.spacing_mm
    right, down = np.tile(off, parts).astype(np.float32), np.repeat(off, parts).astype(np.float32)
    fine_x = x[..., None] + right * np.float32(cos(turn)) + down * np.float32(sin(turn))
    fine_y = y[..., None] + down * np.float32(cos(turn)) - right * np.float32(sin(turn))
    fine_air = disease.visible_lung(chest, fine_x, fine_y)
    mean: Floats = disease.thickness(placed, chest, fine_air, fine_x, fine_y).mean(axis=-1)
    return mean


def _healthy(chest: Chest, pose: Pose, x: Floats, y: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, dict[str, Bools]]:
    """Thickness of the lung that the beam passes, attenuation without any lesion, masks of the anatomy."""
    size_px, u = len(x), np.abs(x)
    floor, squared = anatomy.diaphragm(chest, x > 0, u), anatomy.outline(chest, y, u)
    visible = anatomy.lungs_within(chest, y, u, squared, floor)
    air, soft = visible.copy(), anatomy.body(chest, y, u)
    bone = anatomy.ribs(chest, y, u, squared, floor)
    ribs, heart = bone > 0, np.zeros((size_px, size_px), np.bool_)
    for part in anatomy.parts(chest):
        window = _window(part.box_mm, pose, size_px)
        thick = part.paint(chest, x[window], y[window])
        if part.tissue == "bone":
            bone[window] += thick
        elif part.tissue == "soft":
            soft[window] += thick
        elif part.tissue == "air":
            soft[window] -= thick
        else:
            air[window] = np.maximum(air[window] - thick, 0)
            visible[window][thick > 0] = 0
            if part.tissue == "heart":
                heart[window] = thick > 0
    soft -= np.float32(anatomy.LUNG_AIR) * air
    unit: Floats = (np.arange(size_px, dtype=np.float32) + np.float32(0.5)) / np.float32(size_px)
    grain = noise(rng, 9, unit, unit) * np.float32(0.012)
    grain += noise(rng, 40, unit, unit) * np.float32(0.007)
    soft *= 1 + grain
    np.maximum(soft, 0, out=soft)
    vessels = _lung_vessels(chest, pose, size_px, rng)
    vessels *= np.minimum(air * np.float32(1 / 40), 1)
    attenuation = soft * np.float32(_WATER) + bone * np.float32(_BONE - _WATER) + vessels * np.float32(_VESSEL)
    in_lung = visible > 0
    masks = {"right lung": in_lung & (x < 0), "left lung": in_lung & (x > 0), "heart": heart, "ribs": ribs}
    return air, attenuation, masks


def _lung_vessels(chest: Chest, pose: Pose, size_px: int, rng: np.random.Generator) -> Floats:
    """Thickness of the arteries and veins that branch from both hila, three generations of them."""
    scale = 1 / pose.spacing_mm
    turn = radians(pose.tilt_deg)
    total = np.zeros((size_px, size_px), np.float32)
    generations = _tree(chest, rng)
    for (x, y, volume), width_mm in zip(generations, (2.3, 1.15), strict=True):
        column = (x * cos(turn) - y * sin(turn) + pose.shift_mm[0] + pose.field_mm / 2) * scale
        row = (x * sin(turn) + y * cos(turn) + pose.shift_mm[1] + pose.field_mm / 2) * scale
        lay_tubes(total, column, row, volume * scale * scale, width_mm * scale)
    return total


def _tree(chest: Chest, rng: np.random.Generator) -> list[tuple[Points, Points, Points]]:
    """Points (x, y) and volumes (mm3) along the thick and the thin branches of both lungs, (N,) each."""
    step = 3.0
    mains, length = 7, 16
    side = np.repeat([-1.0, 1.0], mains)
    fan = np.tile(np.linspace(-1.25, 1.35, mains), 2) + rng.uniform(-0.15, 0.15, 2 * mains)
    start_x = side * (chest.mediastinum + 7) + rng.uniform(-3, 3, 2 * mains) + chest.front_shift
    start_y = chest.arch[1] + 40 + 12 * np.sin(fan) + 4 * (side > 0)
    thick = _branches(rng, (side, fan, start_x, start_y), length, step, 0.05)
    widths = np.linspace(7.5, 2.6, length)
    thin_parts = [_with_volume(thick, np.zeros(length), step)]
    parents, angles = thick, thick[2]
    for at, count, width in ((6, 13, 2.8), (11, 12, 2.3), (15, 9, 2.0), (3, 11, 2.0)):
        for bend in (-0.55, 0.5):
            start = (side, angles[:, at] + bend + rng.uniform(-0.2, 0.2, 2 * mains), parents[0][:, at], parents[1][:, at])
            twig = _branches(rng, start, count, step, 0.07)
            thin_parts.append(_with_volume(twig, np.linspace(width, 0.9, count), step))
    joined = tuple(np.concatenate(parts) for parts in zip(*thin_parts, strict=True))
    return [_with_volume(thick, widths, step), (joined[0], joined[1], joined[2])]


def _branches(
    rng: np.random.Generator, start: tuple[Points, Points, Points, Points], length: int, step: float, wander: float
) -> tuple[Points, Points, Points]:
    """Wandering lines (branch, point): x, y and direction; angles run from straight out to the side, down positive."""
    side, angle, x, y = start
    direction = angle[:, None] + np.cumsum(rng.normal(0, wander, (len(angle), length)), axis=1)
    along_x = x[:, None] + np.cumsum(step * np.cos(direction) * side[:, None], axis=1)
    along_y = y[:, None] + np.cumsum(step * np.sin(direction), axis=1)
    return along_x, along_y, direction


def _with_volume(branches: tuple[Points, Points, Points], width_mm: Points, step: float) -> tuple[Points, Points, Points]:
    """Points and the volume of an artery and its vein, each of that width, between one and the next."""
    volume = np.broadcast_to(1.5 * width_mm**2 * step, branches[0].shape)
    return branches[0].ravel(), branches[1].ravel(), volume.ravel()


def _detected(attenuation: Floats, chest: Chest, pose: Pose, axis: Floats, rng: np.random.Generator) -> Floats:
    """Quanta counted with noise, shown on a film's curve, with the marker."""
    size_px = len(axis)
    quanta = pose.dose * pose.spacing_mm**2
    grain = rng.standard_normal((size_px, size_px), dtype=np.float32)
    grain *= np.exp(attenuation * np.float32(0.5))
    grain *= np.float32(quanta**-0.5)
    attenuation = attenuation + grain
    # The exposure is set for the patient's own build, as the automatic exposure of the room does.
    middle = _WATER * (chest.depth - 0.37 * chest.lung_depth) * 0.97 + pose.brightness
    width = 0.66 / pose.contrast
    attenuation -= np.float32(middle)
    attenuation *= np.float32(-1 / width)
    np.exp(attenuation, out=attenuation)
    attenuation += 1
    pixels: Floats = np.reciprocal(attenuation)
    if pose.marker != "none":
        half = pose.field_mm / 2
        left = -half + 8 + pose.marker_mm[0] if pose.marker == "R" else half - 8 - 16 - pose.marker_mm[0]
        pixels[letter(pose.marker, axis, axis, (left, -half + 8 + pose.marker_mm[1]), 20.0)] = 0.97
    return pixels


def _window(box_mm: tuple[float, float, float, float], pose: Pose, size_px: int) -> tuple[slice, slice]:
    """The rows and columns that a box (x0, y0, x1, y1) of the body's frame can touch."""
    x0, y0, x1, y1 = box_mm
    turn, scale = radians(pose.tilt_deg), 1 / pose.spacing_mm
    corners = [(x, y) for x in (x0, x1) for y in (y0, y1)]
    columns = [(x * cos(turn) - y * sin(turn) + pose.shift_mm[0] + pose.field_mm / 2) * scale for x, y in corners]
    rows = [(x * sin(turn) + y * cos(turn) + pose.shift_mm[1] + pose.field_mm / 2) * scale for x, y in corners]

    def span(values: Sequence[float]) -> slice:
        return slice(min(max(int(min(values)) - 1, 0), size_px), min(max(int(max(values)) + 2, 0), size_px))

    return span(rows), span(columns)


def _in_reading_order(seen: Sequence[Placed], masks: dict[str, Bools]) -> tuple[Lesion, ...]:
    """The lesions from the picture's top to its bottom."""

    def top(placed: Placed) -> int:
        return int(np.argmax(masks[str(placed.lesion.mask)].any(axis=1)))

    return tuple(placed.lesion for placed in sorted(seen, key=top))
