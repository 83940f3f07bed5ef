"""DICOM slices of one series made into volumes: ordered by where they lie, with every doubt about it said."""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vesalius.clinical.dicom.facts import Frame, Header, Triple, plane_affine
from vesalius.clinical.geometry import SHEAR_DEG, checked_size, shear_deg
from vesalius.clinical.images import Found, image_of, load_all
from vesalius.clinical.picture import Description
from vesalius.types import Array, CodedWarning, Image, Part, Source

SAME_PLACE_MM = 0.01
SAME_DIRECTION = 0.01  # largest difference of a direction cosine, about half a degree
GAP_STEPS = 1.5
UNEQUAL_PART, UNEQUAL_MM = 0.02, 0.02  # of a step, and what rounding in the file may cause
LISTED = 16  # gaps that a warning lists


@dataclass(frozen=True, eq=False)
class Slice:
    """One slice: a file, or one frame of it."""

    found: Found
    header: Header
    picture: Description
    frame: Frame
    index: tuple[int, ...] = ()

    @property
    def sha256(self) -> str:
        """Of the file that it lies in."""
        return self.found.facts.sha256


@dataclass(frozen=True)
class Stacking:
    """How slices lie on one another: their order, the step from each to the next in LPS mm, and the doubts."""

    order: tuple[int, ...]
    step_mm: Triple
    spacing_mm: float
    warnings: tuple[CodedWarning, ...]


def images_of(founds: Sequence[Found]) -> tuple[tuple[Image, ...], tuple[CodedWarning, ...]]:
    """The pictures of one series, the largest stack first, and what is doubtful about the series as a whole.

    Slices that share size, spacing and orientation become one volume; what does not stack stays a picture of its own,
    in the order of instance numbers.
    """
    groups = _groups([piece for found in founds for piece in slices_of(found)])
    groups.sort(key=len, reverse=True)
    lone = [group[0].found for group in groups if len(group) == 1]
    singles = [*lone, *(found for found in founds if found.facts.header and not found.facts.header.frames)]
    singles.sort(key=lambda found: (found.facts.header.number if found.facts.header else 0.0, found.facts.sha256))
    images = [_volume(group) for group in groups if len(group) > 1] + [picture_of(found) for found in singles]
    placed = [group for group in groups if group[0].frame.row is not None]
    if len(placed) < 2 or all(_is_parallel(placed[0][0], group[0]) for group in placed[1:]):
        return tuple(images), ()
    counts = [len(group) for group in placed]
    said = f"The slices of the series lie in {len(counts)} groups that do not stack; each is a picture of its own."
    return tuple(images), (CodedWarning("mixed_orientation", said, {"slices": counts[:LISTED]}),)


def slices_of(found: Found) -> list[Slice]:
    """The slices that a file holds: none for a picture or clip that lies nowhere."""
    header = found.facts.header
    if header is None or header.picture is None:
        return []
    several = header.picture.kind != "image"
    return [Slice(found, header, header.picture, frame, (index,) if several else ()) for index, frame in enumerate(header.frames)]


def picture_of(found: Found) -> Image:
    """The picture or clip of one DICOM file."""
    header = found.facts.header
    assert header is not None, "a DICOM file has a header"
    assert header.picture is not None, "a picture has a description"
    return image_of(found, header.picture, day=header.day)


def stack(slices: Sequence[Slice]) -> Stacking | None:
    """Order slices of one orientation by their position along the normal; None when a position is missing.

    The step follows the positions, not the normal, so that a tilted stack keeps its voxels where they are.
    """
    first = slices[0].frame
    if first.row is None or first.column is None or any(piece.frame.position_mm is None for piece in slices):
        return None
    normal = np.cross(first.row, first.column)
    along_mm = [float(np.dot(piece.frame.position_mm or (), normal)) for piece in slices]
    keys = [
        (round(mm / SAME_PLACE_MM), piece.frame.order, piece.sha256, piece.index)
        for mm, piece in zip(along_mm, slices, strict=True)
    ]
    order = sorted(range(len(slices)), key=keys.__getitem__)
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
    places = np.array([slices[index].frame.position_mm for index in kept])
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


def _groups(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Slices that could lie on one another, whether or not their places are known."""
    groups: list[list[Slice]] = []
    for piece in slices:
        fitting = (group for group in groups if _fits(group[0], piece))
        group = next(fitting, None)
        if group is None:
            groups.append([piece])
        else:
            group.append(piece)
    return groups


def _fits(one: Slice, other: Slice) -> bool:
    kinds = [(piece.picture.shape[-2:], piece.picture.channels, piece.picture.inverted) for piece in (one, other)]
    placed = [piece.frame.row is not None and piece.frame.position_mm is not None for piece in (one, other)]
    if kinds[0] != kinds[1] or placed[0] != placed[1]:
        return False
    ours, theirs = one.frame.spacing_mm, other.frame.spacing_mm
    if (ours is None) != (theirs is None) or (ours and theirs and not np.allclose(ours, theirs, rtol=1e-3)):
        return False
    return not placed[0] or _is_parallel(one, other)


def _is_parallel(one: Slice, other: Slice) -> bool:
    ours, theirs = ((*(piece.frame.row or ()), *(piece.frame.column or ())) for piece in (one, other))
    return len(ours) == len(theirs) and all(abs(a - b) < SAME_DIRECTION for a, b in zip(ours, theirs, strict=True))


def _volume(slices: Sequence[Slice]) -> Image:
    stacking = stack(slices)
    if stacking is None:
        ordered = sorted(slices, key=lambda piece: (piece.frame.order[-1:], piece.frame.order, piece.sha256, piece.index))
        said = "Slices have no position; they were ordered by instance number and have no affine."
        return _image(ordered, None, None, [CodedWarning("position_unknown", said, {"slices": len(ordered)})])
    ordered = [slices[index] for index in stacking.order]
    if len(ordered) == 1:
        alone = picture_of(ordered[0].found)
        return replace(alone, warnings=(*alone.warnings, *stacking.warnings))
    return _image(ordered, plane_affine(ordered[0].frame, stacking.step_mm), stacking.spacing_mm, list(stacking.warnings))


def _image(
    slices: Sequence[Slice],
    affine: npt.NDArray[np.float64] | None,
    between_mm: float | None,
    warnings: list[CodedWarning],
) -> Image:
    """The volume of slices that are in order."""
    first, middle = slices[0], slices[len(slices) // 2]
    dtype = np.result_type(*{np.dtype(piece.picture.dtype) for piece in slices}).name
    plane, channels = first.picture.shape[-2:], first.picture.channels
    checked_size(len(slices), *plane, item_bytes=channels * np.dtype(dtype).itemsize)
    if affine is not None and (tilt := shear_deg(affine)) > SHEAR_DEG:
        said = f"The slices are sheared by {tilt:.1f} degrees: the stacking direction is not their normal."
        warnings.append(CodedWarning("gantry_tilt", said, {"degrees": round(tilt, 1)}))
    in_plane = first.frame.spacing_mm
    digest = hashlib.sha256("".join(piece.sha256 for piece in slices).encode()).hexdigest()
    return Image(
        kind="volume",
        shape=(len(slices), *plane),
        channels=channels,
        load=functools.partial(_load, tuple(slices), dtype, Part()),
        source=Source(first.found.place.path, digest, "dicom"),
        spacing_mm=(between_mm, *in_plane) if between_mm and in_plane else None,
        affine_lps_mm=affine,
        modality=first.picture.modality,
        window=middle.picture.window,
        inverted=first.picture.inverted,
        day=first.header.day,
        warnings=(*warnings, *merged([piece.picture.warnings for piece in slices])),
        load_part=functools.partial(_load, tuple(slices), dtype),
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


def _load(slices: tuple[Slice, ...], dtype: str, part: Part) -> Array:
    """(Z, Y, X), every slice from its file into its place; or the part of that which is asked for."""
    chosen = slices if not part.index else (slices[part.index[0]],)
    pieces = [(piece.found.place, piece.picture, replace(part, index=piece.index)) for piece in chosen]
    plane = chosen[0].picture.shape_of(pieces[0][2])
    return load_all(pieces, plane if part.index else (len(chosen), *plane), dtype)
