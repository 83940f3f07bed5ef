"""DICOM slices of one series made into volumes: ordered by where they lie, with every doubt about it said."""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vesalius.clinical.dicom import picture, plane_affine
from vesalius.clinical.dicom_header import Header
from vesalius.clinical.dicom_pixels import decode
from vesalius.clinical.geometry import SHEAR_DEG, checked_size, shear_deg
from vesalius.errors import InputRefused
from vesalius.types import Array, CodedWarning, Image, Source

SAME_PLACE_MM = 0.01
SAME_DIRECTION = 0.01  # largest difference of a direction cosine, about half a degree
GAP_STEPS = 1.5
UNEQUAL_PART, UNEQUAL_MM = 0.02, 0.02  # of a step, and what rounding in the file may cause
LISTED = 16  # gaps that a warning lists


@dataclass(frozen=True)
class Stacking:
    """How slices lie on one another: their order, the step from each to the next in LPS mm, and the doubts."""

    order: tuple[int, ...]
    step_mm: tuple[float, float, float]
    spacing_mm: float
    warnings: tuple[CodedWarning, ...]


def images_of(headers: Sequence[Header]) -> tuple[tuple[Image, ...], tuple[CodedWarning, ...]]:
    """The pictures of one series, the largest stack first, and what is doubtful about the series as a whole.

    Slices that share size, spacing and orientation become one volume; what does not stack stays a picture of its own,
    in the order of instance numbers.
    """
    groups = _groups([header for header in headers if header.is_slice])
    groups.sort(key=len, reverse=True)
    singles = [group[0] for group in groups if len(group) == 1] + [header for header in headers if not header.is_slice]
    singles.sort(key=lambda header: (header.order[-1:], header.sha256))
    images = [_volume(group) for group in groups if len(group) > 1] + [picture(header) for header in singles]
    placed = [group for group in groups if group[0].row is not None]
    if len(placed) < 2 or all(_is_parallel(placed[0][0], group[0]) for group in placed[1:]):
        return tuple(images), ()
    counts = [len(group) for group in placed]
    said = f"The slices of the series lie in {len(counts)} groups that do not stack; each is a picture of its own."
    return tuple(images), (CodedWarning("mixed_orientation", said, {"slices": counts[:LISTED]}),)


def stack(headers: Sequence[Header]) -> Stacking | None:
    """Order slices of one orientation by their position along the normal; None when a position is missing.

    The step follows the positions, not the normal, so that a tilted stack keeps its voxels where they are.
    """
    first = headers[0]
    if first.row is None or first.column is None or any(header.position_mm is None for header in headers):
        return None
    normal = np.cross(first.row, first.column)
    along_mm = [float(np.dot(header.position_mm or (), normal)) for header in headers]
    order = sorted(range(len(headers)), key=lambda i: (round(along_mm[i] / SAME_PLACE_MM), headers[i].order, headers[i].sha256))
    kept = [order[0]]
    for index in order[1:]:
        if along_mm[index] - along_mm[kept[-1]] > SAME_PLACE_MM:
            kept.append(index)
    warnings = []
    if doubles := len(order) - len(kept):
        said = f"{doubles} slices lie where another lies; the first of each place was used."
        warnings.append(CodedWarning("slices_duplicate", said, {"slices": doubles}))
    if len(kept) < 2:
        return Stacking(tuple(kept), (0.0, 0.0, 0.0), 0.0, tuple(warnings))
    places = np.array([headers[index].position_mm for index in kept])
    step, spacing, doubts = _steps(np.array([along_mm[index] for index in kept]), places)
    return Stacking(tuple(kept), (float(step[0]), float(step[1]), float(step[2])), spacing, (*warnings, *doubts))


def _steps(
    along_mm: npt.NDArray[np.float64], places_mm: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], float, list[CodedWarning]]:
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


def _groups(headers: Sequence[Header]) -> list[list[Header]]:
    """Slices that could lie on one another, whether or not their places are known."""
    groups: list[list[Header]] = []
    for header in headers:
        fitting = (group for group in groups if _fits(group[0], header))
        group = next(fitting, None)
        if group is None:
            groups.append([header])
        else:
            group.append(header)
    return groups


def _fits(one: Header, other: Header) -> bool:
    if one.pixels is None or other.pixels is None:
        return False
    sizes = [(header.rows, header.columns, header.channels) for header in (one.pixels, other.pixels)]
    placed = [header.row is not None and header.position_mm is not None for header in (one, other)]
    if sizes[0] != sizes[1] or placed[0] != placed[1] or one.inverted != other.inverted:
        return False
    if (one.spacing_mm is None) != (other.spacing_mm is None):
        return False
    if one.spacing_mm and other.spacing_mm and not np.allclose(one.spacing_mm, other.spacing_mm, rtol=1e-3):
        return False
    return not placed[0] or _is_parallel(one, other)


def _is_parallel(one: Header, other: Header) -> bool:
    ours, theirs = ((*(header.row or ()), *(header.column or ())) for header in (one, other))
    return len(ours) == len(theirs) and all(abs(a - b) < SAME_DIRECTION for a, b in zip(ours, theirs, strict=True))


def _volume(headers: Sequence[Header]) -> Image:
    stacking = stack(headers)
    if stacking is None:
        ordered = sorted(headers, key=lambda header: (header.order[-1:], header.order, header.sha256))
        said = "Slices have no position; they were ordered by instance number and have no affine."
        return _image(ordered, None, None, [CodedWarning("position_unknown", said, {"slices": len(ordered)})])
    ordered = [headers[index] for index in stacking.order]
    if len(ordered) == 1:
        alone = picture(ordered[0])
        return replace(alone, warnings=(*alone.warnings, *stacking.warnings))
    return _image(ordered, plane_affine(ordered[0], stacking.step_mm), stacking.spacing_mm, list(stacking.warnings))


def _image(
    headers: Sequence[Header],
    affine: npt.NDArray[np.float64] | None,
    between_mm: float | None,
    warnings: list[CodedWarning],
) -> Image:
    """The volume of slices that are in order."""
    first, middle = headers[0], headers[len(headers) // 2]
    assert first.pixels is not None, "slices have pixels"
    dtype = np.result_type(*{np.dtype(header.pixels.dtype) for header in headers if header.pixels})
    checked_size(len(headers), first.pixels.rows, first.pixels.columns, item_bytes=first.pixels.channels * dtype.itemsize)
    if affine is not None and (tilt := shear_deg(affine)) > SHEAR_DEG:
        said = f"The slices are sheared by {tilt:.1f} degrees: the stacking direction is not their normal."
        warnings.append(CodedWarning("gantry_tilt", said, {"degrees": round(tilt, 1)}))
    in_plane = first.spacing_mm
    shape = (len(headers), first.pixels.rows, first.pixels.columns)
    digest = hashlib.sha256("".join(header.sha256 for header in headers).encode()).hexdigest()
    return Image(
        kind="volume",
        shape=shape,
        channels=first.pixels.channels,
        load=functools.partial(_load, tuple(headers), shape, dtype),
        source=Source(first.path, digest, "DICOM"),
        spacing_mm=(between_mm, *in_plane) if between_mm and in_plane else None,
        affine_lps_mm=affine,
        modality=first.modality,
        window=middle.window,
        inverted=first.inverted,
        day=first.day,
        warnings=(*warnings, *merged([header.warnings for header in headers])),
    )


def merged(warnings: Sequence[Sequence[CodedWarning]]) -> tuple[CodedWarning, ...]:
    """The doubts of several files, each said once; `at` counts the files where it does not hold for all of them."""
    found: dict[str, list[CodedWarning]] = {}
    for warning in (warning for group in warnings for warning in group):
        found.setdefault(warning.code, []).append(warning)
    total = len(warnings)
    return tuple(
        same[0] if len(same) >= total else replace(same[0], at={**same[0].at, "files": len(same)}) for same in found.values()
    )


def _load(headers: tuple[Header, ...], shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
    """(Z, Y, X), slice by slice into one array."""
    colors = headers[0].pixels.channels if headers[0].pixels else 1
    volume: Array = np.empty((*shape, 3) if colors == 3 else shape, dtype=dtype)
    for index, header in enumerate(headers):
        assert header.pixels is not None, "slices have pixels"
        try:
            volume[index] = decode(header.path, header.pixels)
        except InputRefused as refusal:
            raise InputRefused(refusal.code, f"Slice {index + 1} of {len(headers)}: {refusal.message}") from refusal
    return volume
