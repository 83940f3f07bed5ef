"""What can be wrong in the chest of a phantom: where it lies, how thick it is along the beam, what becomes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import cos, pi, sin
from typing import cast

import numpy as np

from vesalius.errors import Problem, UsageError
from vesalius.phantom import chest_body as anatomy
from vesalius.phantom.chest_body import Chest
from vesalius.phantom.factors import Values
from vesalius.phantom.paint import dome, ramp
from vesalius.phantom.truth import Bools, Change, Floats, Lesion, Side

FINDINGS = ("effusion", "nodule", "consolidation")
ZONES = ("upper", "middle", "lower")
SEVERITY_MM = {"small": (15.0, 35.0), "moderate": (35.0, 75.0), "large": (75.0, 120.0)}
SIZE_MM = {"effusion": (15.0, 120.0), "nodule": (8.0, 35.0), "consolidation": (45.0, 105.0)}
NODULES_MAX = 3

_NORMAL = 0.35
_TRIES = 160
_HOW_MANY = (0.40, 0.38, 0.22)  # of the abnormal: one, two or three kinds of finding
_NEW = 0.1625  # of the findings that were absent before: as often as each of the four other outcomes
_GROWTH: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "effusion": {"larger": (1.4, 1.8), "smaller": (0.45, 0.7)},
    "nodule": {"larger": (1.32, 1.55), "smaller": (0.5, 0.72)},
    "consolidation": {"larger": (1.25, 1.5), "smaller": (0.5, 0.75)},
}


@dataclass(frozen=True, eq=False)
class Placed:
    """A lesion and where it lies in the body's frame.

    `places` are the relative positions that are tried in turn, (2, tries); `wobble` roughens a
    consolidation's outline; a nodule may grow to `room_mm`.
    """

    lesion: Lesion
    center_mm: tuple[float, float]
    places: Floats
    wobble: tuple[tuple[float, float], ...] = ()
    room_mm: float = 0.0


def timeline(chest: Chest, rng: np.random.Generator, fixed: Values) -> tuple[list[Placed], list[Placed], list[Placed]]:
    """What is seen at the first visit, what at the second, and what has resolved between them.

    Everything is drawn whatever is fixed, so that fixing one factor leaves the others as they were.
    """
    kinds = _kinds(rng, fixed)
    drawn = {finding: _draw(finding, rng, fixed) for finding in FINDINGS}
    changes = {finding: _change(rng, finding in kinds, fixed) for finding in FINDINGS}
    scales = {f: {change: float(rng.uniform(*_GROWTH[f][change])) for change in ("larger", "smaller")} for f in FINDINGS}
    before: list[Placed] = []
    after: list[Placed] = []
    resolved: list[Placed] = []
    everything: list[Placed] = []
    for finding in FINDINGS:
        change = changes[finding]
        if finding not in kinds and change != "new":
            continue
        for planned in drawn[finding]:
            lesion = _placed(chest, planned, everything, "zone" in fixed)
            everything.append(lesion)
            if change != "new":
                before.append(lesion)
            if change == "resolved":
                resolved.append(replace(lesion, lesion=replace(lesion.lesion, mask=None, change="resolved")))
            else:
                factor = scales[finding].get(change or "", 1.0)
                after.append(_grown(lesion, factor, change))
    return before, after, resolved


def severity(depth_mm: float) -> str:
    """How much fluid, in words."""
    return next((word for word, (_, high) in SEVERITY_MM.items() if depth_mm < high), "large")


def thickness(placed: Placed, chest: Chest, lung: Floats, x: Floats, y: Floats) -> Floats:
    """Thickness of the lesion along the beam, in millimetres of water replacing lung; above 0 exactly in its mask.

    Args:
        placed: the lesion.
        chest: the patient at this visit.
        lung: thickness of the lung that the beam passes there, less before and behind the heart.
        x: to the patient's left in the body's frame, any shape.
        y: to the feet, the same shape.
    """
    finding = placed.lesion.finding
    if finding == "effusion":
        return _fluid(placed, chest, lung, x, y)
    dx, dy = x - np.float32(placed.center_mm[0]), y - np.float32(placed.center_mm[1])
    radius = placed.lesion.size_mm / 2
    if finding == "nodule":
        # A nodule is denser than water here, so that the smallest can still be seen.
        return dome((dx * dx + dy * dy) * np.float32(1 / radius**2)) * np.float32(1.1 * radius + 12.0) * (lung > 0)
    distance = np.sqrt(dx * dx + dy * dy)
    angle = np.arctan2(dy, dx)
    outline = np.full_like(distance, np.float32(1 - sum(size for size, _ in placed.wobble)))
    for order, (size, phase) in enumerate(placed.wobble, start=2):
        outline += np.float32(size) * np.cos(order * angle + np.float32(phase))
    inside = 1 - distance / (outline * np.float32(radius))
    patchy = np.full_like(distance, np.float32(0.8))
    for order, (size, phase) in enumerate(placed.wobble, start=1):
        # Waves of 35, 17 and 12 mm in directions of their own: lobules filled to different degrees.
        wave = dx * np.float32(cos(phase)) + dy * np.float32(sin(phase))
        patchy += np.float32(0.02 + 0.7 * size) * np.sin(wave * np.float32(0.18 * order) + np.float32(9 * phase))
    opacity: Floats = ramp(inside, 0.55) * patchy * np.minimum(lung, np.float32(95.0)) * np.float32(0.62)
    return opacity


def reach_mm(placed: Placed, chest: Chest) -> tuple[float, float, float, float]:
    """A box (x0, y0, x1, y1) in the body's frame outside which the lesion has no thickness."""
    x, y = placed.center_mm
    if placed.lesion.finding != "effusion":
        half = placed.lesion.size_mm / 2
        return x - half, y - half, x + half, y + half
    bottom = _angle_y(chest, placed.lesion.side)
    edge = chest.lung_u + chest.lung_half
    low, high = (-edge, 0.0) if placed.lesion.side == "right" else (0.0, edge)
    return low, bottom - placed.lesion.size_mm, high, bottom


def _kinds(rng: np.random.Generator, fixed: Values) -> tuple[str, ...]:
    """Which findings the patient has."""
    normal, many = rng.random() < _NORMAL, int(rng.choice(3, p=_HOW_MANY)) + 1
    order = [FINDINGS[i] for i in rng.permutation(len(FINDINGS))]
    if "finding" in fixed:
        return tuple(word for word in str(fixed["finding"]).split(",") if word != "none")
    if "nodules" in fixed:
        # A count says whether there are nodules, not what else there is.
        others = [finding for finding in order[:many] if finding != "nodule"] if not normal else []
        return tuple(others + (["nodule"] if fixed["nodules"] else []))
    if normal and not {"side", "change"} & fixed.keys():
        return ()
    return tuple(order[:many])


def _change(rng: np.random.Generator, present: bool, fixed: Values) -> Change | None:
    """What becomes of a finding until the second visit."""
    drawn: Change = ("larger", "smaller", "unchanged", "resolved")[int(rng.integers(4))]
    appears = rng.random() < _NEW
    if "change" in fixed:
        return cast(Change, fixed["change"]) if present else None
    if present:
        return drawn
    return "new" if appears and "finding" not in fixed and "nodules" not in fixed else None


def _draw(finding: str, rng: np.random.Generator, fixed: Values) -> list[Placed]:
    """The lesions of one kind, not yet placed; nodules 1 to 3."""
    count = int(rng.integers(1, NODULES_MAX + 1)) if finding == "nodule" else 1
    drawn = [_draw_one(finding, index, rng, fixed) for index in range(NODULES_MAX)]
    if finding == "nodule":
        count = int(fixed.get("nodules", 0)) or count
    return drawn[:count]


def _draw_one(finding: str, index: int, rng: np.random.Generator, fixed: Values) -> Placed:
    """One lesion with every attribute, its place still unknown."""
    side: Side = "right" if rng.random() < 0.5 else "left"
    zone = ZONES[int(rng.integers(3))]
    part, grade = float(rng.random()), tuple(SEVERITY_MM)[int(rng.integers(3))]
    wobble = tuple((float(rng.uniform(0.03, 0.11)), float(rng.uniform(0, 2 * pi))) for _ in range(3))
    places = rng.random((2, _TRIES), dtype=np.float32)
    if finding == "effusion":
        low, high = SEVERITY_MM[str(fixed.get("severity", grade))]
    else:
        low, high = SIZE_MM[finding]
    size = float(fixed.get("size_mm", low + part * (high - low)))
    lesion = Lesion(
        finding=finding,
        side=cast(Side, fixed.get("side", side)),
        zone=None if finding == "effusion" else str(fixed.get("zone", zone)),
        size_mm=size,
        severity=severity(size) if finding == "effusion" else None,
        mask=f"nodule {index + 1}" if finding == "nodule" else finding,
    )
    return Placed(lesion, (0.0, 0.0), places, wobble)


def _placed(chest: Chest, planned: Placed, others: Sequence[Placed], zone_fixed: bool) -> Placed:
    """The lesion at a place of its side and zone where all of it can be seen, apart from the others.

    A nodule's whole disc, grown as far as it may grow until the next visit, lies in the lung that can be seen; of a
    consolidation only the middle has to. Where its zone has no room apart from the others, another zone is taken unless
    the zone is fixed; only then may lesions overlap.
    """
    lesion = planned.lesion
    if lesion.zone is None:
        return planned
    radius = lesion.size_mm / 2
    rim = 1.55 * radius + 3 if lesion.finding == "nodule" else 0.45 * radius
    clear = rim if lesion.finding == "nodule" else 0.9 * radius
    zones = [lesion.zone] if zone_fixed else [lesion.zone, *(zone for zone in ZONES if zone != lesion.zone)]
    # From what is best to what is possible: apart, overlapping, with room to grow by a quarter, with none.
    for apart, reach in ((True, rim), (False, rim), (False, min(rim, 1.25 * radius)), (False, min(rim, radius + 0.5))):
        for zone in zones:
            x, y = _candidates(chest, planned, zone)
            fits = _rim_in_lung(chest, x, y, reach)
            for other in others if apart else ():
                fits &= _apart(other, chest, x, y, clear)
            if fits.any():
                best = int(np.argmax(fits))
                placed = replace(lesion, zone=zone)
                return replace(planned, center_mm=(float(x[best]), float(y[best])), room_mm=2 * reach, lesion=placed)
    allowed = ("another zone or side", "a smaller size_mm", "another seed")
    problem = Problem("zone", f"this patient's {lesion.zone} zone on the {lesion.side} has no room for it", allowed)
    raise UsageError(
        "bad_factor",
        f"A {lesion.finding} of {lesion.size_mm:.0f} mm does not fit into the zone · this patient's {lesion.zone} zone on the "
        f"{lesion.side} is too small · choose {', '.join(allowed)}.",
        [problem],
    )


def _candidates(chest: Chest, planned: Placed, zone: str) -> tuple[Floats, Floats]:
    """Centers to try in a third of the lung on the lesion's side, in the order in which they were drawn."""
    right = planned.lesion.side == "right"
    third = (chest.dome_y[0 if right else 1] - chest.apex_y) / 3
    u = chest.mediastinum + planned.places[0] * np.float32(chest.lung_u + chest.lung_half - chest.mediastinum)
    y = np.float32(chest.apex_y + ZONES.index(zone) * third) + planned.places[1] * np.float32(third)
    return (-u if right else u), y


def _rim_in_lung(chest: Chest, x: Floats, y: Floats, radius: float) -> Bools:
    """For each center, whether a disc's middle and rim lie in lung that can be seen, at every breath of this patient."""
    turn = np.arange(12) * (2 * pi / 12)
    around_x = (x[:, None] + np.concatenate([[0.0], radius * np.cos(turn)])).astype(np.float32)
    around_y = (y[:, None] + np.concatenate([[0.0], radius * np.sin(turn)])).astype(np.float32)
    inside = np.ones(len(x), np.bool_)
    for turn_deg, breath_mm in ((-MOST_TURN_DEG, -MOST_BREATH_MM), (MOST_TURN_DEG, MOST_BREATH_MM)):
        posed = anatomy.turned(chest, turn_deg, breath_mm)
        inside &= (visible_lung(posed, around_x, around_y) > 0).all(axis=1)
    return inside


MOST_TURN_DEG, MOST_BREATH_MM = 3.0, 6.0  # the positions that one patient is pictured in


def visible_lung(chest: Chest, x: Floats, y: Floats) -> Floats:
    """Thickness of the lung where neither heart nor great vessels cover it."""
    lung = anatomy.lungs(chest, x, y)
    covered = np.maximum(anatomy.heart(chest, x, y), anatomy.great_vessels(chest, x, y)) > 0
    lung[covered] = 0
    return lung


def _apart(other: Placed, chest: Chest, x: Floats, y: Floats, radius: float) -> Bools:
    """For each center, whether a disc stays clear of a lesion, grown as it may be."""
    if other.lesion.finding == "effusion":
        fluid = replace(other, lesion=replace(other.lesion, size_mm=1.5 * other.lesion.size_mm))
        below = _level(fluid, chest, np.abs(x))
        same_side = (x > 0) == (other.lesion.side == "left")
        above: Bools = ~same_side | (y + radius < below)
        return above
    distance = np.hypot(x - other.center_mm[0], y - other.center_mm[1])
    clear: Bools = distance > radius + 0.75 * other.lesion.size_mm + 4
    return clear


def _grown(placed: Placed, factor: float, change: Change | None) -> Placed:
    """The lesion at the second visit."""
    lesion = placed.lesion
    size = lesion.size_mm * factor
    if lesion.finding == "nodule":
        size = min(size, placed.room_mm)
    grade = severity(size) if lesion.finding == "effusion" else None
    return replace(placed, lesion=replace(lesion, size_mm=size, severity=grade, change=change))


def _angle_y(chest: Chest, side: Side) -> float:
    """Height of the costophrenic angle: where the diaphragm meets the chest wall."""
    return chest.dome_y[0 if side == "right" else 1] + chest.dome_drop


def _level(placed: Placed, chest: Chest, u: Floats) -> Floats:
    """The fluid's upper rim over each u: highest along the chest wall, sinking towards the middle in a curve."""
    bottom, depth = _angle_y(chest, placed.lesion.side), placed.lesion.size_mm
    high = max(chest.widest_y - (bottom - depth), 0) / (chest.widest_y - chest.apex_y)
    wall = chest.lung_u + chest.lung_half * (max(1 - high * high * (0.6 + 0.4 * high), 0.0)) ** 0.5
    inner = chest.mediastinum
    # Flat over the last tenth, so that the rim meets the wall at the stated depth whatever the pixel size.
    out = np.clip((u - np.float32(inner)) / np.float32(0.9 * (wall - inner)), 0, 1)
    rim: Floats = np.float32(bottom) - np.float32(depth) * (np.float32(0.52) + np.float32(0.48) * out * out * out)
    return rim


def _fluid(placed: Placed, chest: Chest, lung: Floats, x: Floats, y: Floats) -> Floats:
    """Free fluid at the base."""
    same_side = (x > 0) if placed.lesion.side == "left" else (x < 0)
    below = ramp(y - _level(placed, chest, np.abs(x)), 14.0)
    fluid: Floats = np.where(same_side & (lung > 0), (lung + np.float32(12.0)) * below, np.float32(0))
    return fluid
