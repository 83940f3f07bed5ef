"""How slices of one orientation lie on one another: which share a place, how far apart places are, and every doubt about it."""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vesalius.clinical.dicom.facts import ORDER, TIMES, Frame, Triple
from vesalius.types import CodedWarning

SAME_PLACE_MM = 0.01
GAP_STEPS = 1.5
UNEQUAL_PART, UNEQUAL_MM = 0.02, 0.02  # of a step, and what rounding in the file may cause
OVERLAP_PART = 0.5  # of the thickness; neighbors that share half of it are common practice
LISTED = 16  # gaps that a warning lists
SAME_VALUE = 1e-3  # in proportion: of an echo time, a b-value, a direction
# Numbers that slices of one moment need not share exactly, so that only their rank at each place counts.
_RANKED = ("phase_ms", "acquisition", "clock")
_NUMBER = ORDER.index("number")

Columns = tuple[tuple[int, ...], ...]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Stacking:
    """How slices lie: `places` are indices of slices, per place those that share it, from first to last along the normal.

    `step_mm` leads from each place to the next in LPS; `spacing_mm` is its length along the normal. Both are 0 for one place.
    """

    places: tuple[tuple[int, ...], ...]
    step_mm: Triple
    spacing_mm: float
    warnings: tuple[CodedWarning, ...]


def stack(frames: Sequence[Frame]) -> Stacking | None:
    """Order slices of one orientation by their position along the normal; None when a position is missing.

    The step follows the positions, not the normal, so that a tilted stack keeps its voxels where they are. Slices at one
    place are in the order of `Frame.order`, and then in the order given.
    """
    first = frames[0]
    if first.row is None or first.column is None or any(frame.position_mm is None for frame in frames):
        return None
    positions = np.array([frame.position_mm for frame in frames])
    along_mm = positions @ np.cross(first.row, first.column)
    places: list[list[int]] = []
    for index in np.argsort(along_mm, kind="stable").tolist():
        if places and along_mm[index] - along_mm[places[-1][0]] <= SAME_PLACE_MM:
            places[-1].append(index)
        else:
            places.append([index])
    ordered = tuple(tuple(sorted(same, key=lambda index: (frames[index].order, index))) for same in places)
    if len(ordered) < 2:
        return Stacking(ordered, (0.0, 0.0, 0.0), 0.0, ())
    leaders = [same[0] for same in ordered]
    step, spacing, doubts = _steps(along_mm[leaders], positions[leaders])
    doubts += _stated(spacing, [frames[index] for index in leaders])
    return Stacking(ordered, (float(step[0]), float(step[1]), float(step[2])), spacing, tuple(doubts))


def series_of(frames: Sequence[Frame], places: Sequence[Sequence[int]]) -> tuple[Columns, frozenset[str]] | None:
    """Slices that share places as a series of whole volumes, and by what the volumes differ; None when they are none.

    Of the result the first index counts volumes, the second places. A series is complete: every place has as many slices,
    told apart by the same values of what `ORDER` names. Where only times differ, their rank at each place decides.
    """
    count = len(places[0])
    if count < 2 or any(len(same) != count for same in places):
        return None
    known = [_values(frame) for frame in frames]
    varying = [name for name in known[0] if any(_vary(name, [known[index] for index in same]) for same in places)]
    steady = [name for name in varying if name not in _RANKED and name != "number"]
    # Pictures without diffusion weighting are often taken several times: where something else differs, their number counts.
    ranked = [name for name in (*_RANKED, *(["number"] if steady else [])) if name in varying]
    for names in (steady, *([*steady, name] for name in ranked)):
        columns = _columns(known, places, names, steady)
        if columns is not None:
            return columns, frozenset("time" if name == "clock" else name for name in names) - {"number"}
    return None


def by_offset(frames: Sequence[Frame], places: Sequence[Sequence[int]]) -> list[list[int]]:
    """Slices parted by where they lie within their plane, when some at one place lie beside one another; else all together.

    So two hips that were taken side by side become two volumes, and a tilted stack stays one.
    """
    first = frames[0]
    axes = np.array([first.row, first.column], dtype=np.float64)
    within_mm = np.array([frame.position_mm for frame in frames]) @ axes.T
    apart_mm = min(first.spacing_mm or (1.0, 1.0))
    if not any(np.ptp(within_mm[list(same)], axis=0).max() > apart_mm for same in places if len(same) > 1):
        return [[index for same in places for index in same]]
    leaders: list[int] = []
    parts: list[list[int]] = []
    for index in (index for same in places for index in same):
        off_mm = np.abs(within_mm[leaders] - within_mm[index]).max(axis=1) if leaders else np.zeros(0)
        fitting = np.flatnonzero(off_mm <= apart_mm / 2)
        if len(fitting):
            parts[int(fitting[0])].append(index)
        else:
            leaders.append(index)
            parts.append([index])
    return parts


def by_content(frames: Sequence[Frame], places: Sequence[Sequence[int]]) -> list[list[int]]:
    """Slices parted by what their values are, when each kind has a slice at every place; else all together."""
    kinds = {frames[index].content for same in places for index in same}
    parted = {kind: [[index for index in same if frames[index].content == kind] for same in places] for kind in kinds}
    if len(kinds) < 2 or not all(all(part) for part in parted.values()):
        return [[index for same in places for index in same]]
    return [[index for same in parted[kind] for index in same] for kind in sorted(parted, key=lambda kind: parted[kind][0][0])]


def is_over_time(names: Iterable[str]) -> bool:
    """Whether volumes that differ by these follow one another in time, and are not of several kinds."""
    return set(names) <= TIMES


def times_s(frames: Sequence[Frame], columns: Sequence[Sequence[int]], names: Iterable[str]) -> list[float] | None:
    """When each volume was taken, from the first; None when the files do not say, or say what cannot be."""
    if "phase_ms" in set(names):
        at = ORDER.index("phase_ms")
        clocks = [[frames[index].order[at] / 1000 for index in volume] for volume in columns]
    else:
        clocks = [[math.nan if (at_s := frames[index].time_s) is None else at_s for index in volume] for volume in columns]
    taken = np.array(clocks)
    since: list[float] = (taken - taken[0]).mean(axis=1).tolist()
    return since if all(math.isfinite(time) for time in since) and bool(np.all(np.diff(since) > 0)) else None


def doubles(places: Sequence[Sequence[int]]) -> tuple[CodedWarning, ...]:
    """The doubt about slices that lie where another lies."""
    count = sum(len(same) - 1 for same in places)
    said = f"{count} slices lie where another lies; the first of each place was used."
    return (CodedWarning("slices_duplicate", said, {"slices": count}),) if count else ()


def numbering(frames: Sequence[Frame], columns: Sequence[Sequence[int]]) -> tuple[CodedWarning, ...]:
    """The doubt about instance numbers that do not follow the places; missing ones say nothing."""
    numbers = np.array([[frames[index].order[_NUMBER] for index in volume] for volume in columns])
    known = numbers[np.isfinite(numbers)]
    doubled = len(known) - len(np.unique(known))
    steps = np.sign(np.diff(numbers, axis=1)) if np.isfinite(numbers).all() else np.zeros((1, 0))
    contradicts = bool(steps.size and (steps != steps[0, 0]).any())
    if not doubled and not contradicts:
        return ()
    what = f"{doubled} instance numbers are doubled" if doubled else "Instance numbers do not follow the slices' positions"
    said = f"{what}; positions decided the order."
    return (CodedWarning("instance_order", said, {"doubled": doubled}),)


def _values(frame: Frame) -> dict[str, float]:
    """What may tell slices at one place apart, by name; missing values are equal to one another."""
    return {**dict(zip(ORDER, frame.order, strict=True)), "clock": math.inf if frame.time_s is None else frame.time_s}


def _vary(name: str, values: Sequence[dict[str, float]]) -> bool:
    return any(not _same(name, values[0], other) for other in values[1:])


def _same(name: str, one: dict[str, float], other: dict[str, float]) -> bool:
    relative = 0.0 if name in ("number", "acquisition", "clock") else SAME_VALUE
    return one[name] == other[name] or math.isclose(one[name], other[name], rel_tol=relative, abs_tol=SAME_VALUE)


def _columns(
    known: Sequence[dict[str, float]], places: Sequence[Sequence[int]], names: Sequence[str], steady: Sequence[str]
) -> Columns | None:
    """Volumes by `names`; None when these leave slices at a place equal, or places differ in what is steady."""
    lines = [sorted(same, key=lambda index: [known[index][name] for name in names]) for same in places]
    for line in lines:
        if any(all(_same(name, known[a], known[b]) for name in names) for a, b in itertools.pairwise(line)):
            return None
        if not all(_same(name, known[a], known[b]) for a, b in zip(line, lines[0], strict=True) for name in steady):
            return None
    return tuple(zip(*lines, strict=True))


def _steps(along_mm: Floats, places_mm: Floats) -> tuple[Floats, float, list[CodedWarning]]:
    """The step vector, its length along the normal, and the doubts of slices in order."""
    steps = np.diff(along_mm)
    usual = float(np.sort(steps)[(len(steps) - 1) // 2])  # of two middle ones the lower: with few slices half may be gaps
    gaps = np.flatnonzero(steps > GAP_STEPS * usual)
    spacing = usual if len(gaps) else float(along_mm[-1] - along_mm[0]) / len(steps)
    step = (places_mm[-1] - places_mm[0]) * (spacing / float(along_mm[-1] - along_mm[0]))
    predicted = places_mm[0] + np.arange(len(places_mm))[:, None] * step
    off_mm = round(float(np.linalg.norm(places_mm - predicted, axis=1).max()), 2)
    warnings = []
    if len(gaps):
        missing = sum(max(1, round(float(steps[gap]) / usual) - 1) for gap in gaps)
        listed = [{"from_mm": round(float(along_mm[g]), 2), "to_mm": round(float(along_mm[g + 1]), 2)} for g in gaps[:LISTED]]
        where = " and ".join(f"{gap['from_mm']:g} to {gap['to_mm']:g} mm" for gap in listed[:3])
        more = f" and {len(gaps) - 3} more" if len(gaps) > 3 else ""
        said = f"{missing} slices are missing, from {where}{more}; places beyond are off by up to {off_mm:g} mm."
        warnings.append(CodedWarning("slices_missing", said, {"slices": missing, "gaps": listed, "off_mm": off_mm}))
    rest = np.delete(steps, gaps)
    tolerance = max(UNEQUAL_MM, UNEQUAL_PART * usual)
    uneven = bool(np.abs(rest - usual).max() > tolerance)
    wanders = not len(gaps) and not uneven and off_mm > 2 * tolerance
    if uneven or wanders:
        ends = {"smallest_mm": round(float(rest.min()), 3), "largest_mm": round(float(rest.max()), 3), "off_mm": off_mm}
        said = f"Slices are {ends['smallest_mm']:g} to {ends['largest_mm']:g} mm apart; places are off by up to {off_mm:g} mm."
        warnings.append(CodedWarning("spacing_unequal", said, ends))
    return step, spacing, warnings


def _stated(usual_mm: float, frames: Sequence[Frame]) -> list[CodedWarning]:
    """The doubts about what slices state of their distance and thickness, against the distance of their positions."""
    doubts = []
    stated = [frame.between_mm for frame in frames if frame.between_mm is not None]
    between = float(np.median(stated)) if stated else usual_mm
    if abs(between - usual_mm) > max(UNEQUAL_MM, UNEQUAL_PART * usual_mm):
        ends = {"stated_mm": round(between, 3), "positions_mm": round(usual_mm, 3)}
        said = f"Slices should be {ends['stated_mm']:g} mm apart and lie {ends['positions_mm']:g} mm apart; positions decided."
        doubts.append(CodedWarning("spacing_contradictory", said, ends))
    thick = [frame.thickness_mm for frame in frames if frame.thickness_mm is not None]
    thickness = float(np.median(thick)) if thick else 0.0
    if usual_mm < OVERLAP_PART * thickness - UNEQUAL_MM:
        ends = {"thickness_mm": round(thickness, 3), "spacing_mm": round(usual_mm, 3)}
        said = f"Slices are {ends['thickness_mm']:g} mm thick and {ends['spacing_mm']:g} mm apart: neighbors show the same."
        doubts.append(CodedWarning("slices_overlapping", said, ends))
    return doubts
