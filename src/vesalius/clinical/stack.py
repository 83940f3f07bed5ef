"""DICOM slices of one series made into volumes: ordered by where they lie, with every doubt about it said."""

import functools
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from vesalius.clinical import ordering
from vesalius.clinical.dicom.facts import Frame, Header, plane_affine
from vesalius.clinical.gate import Place
from vesalius.clinical.geometry import SHEAR_DEG, checked_size, shear_deg
from vesalius.clinical.images import Found, image_of, load_all
from vesalius.clinical.picture import Description
from vesalius.clinical.timing import LIMIT_FRAMES, timing
from vesalius.types import Array, CodedWarning, Image, Part, Source

SAME_DIRECTION = 0.01  # largest difference of a direction cosine, about half a degree
SAME_SPACING = 1e-3  # in proportion
SAME_FACTOR = 0.01  # of SUV: what rounding of times may cause
CLOCK_S = 0.01  # to which scanners round the times of slices
LISTED = 16  # groups that a warning lists


@dataclass(frozen=True, eq=False)
class Slice:
    """One slice: a file, one frame of it, or a part of a mosaic."""

    found: Found
    header: Header
    picture: Description
    frame: Frame
    index: tuple[int, ...] = ()

    @property
    def sha256(self) -> str:
        """Of the file that it lies in."""
        return self.found.facts.sha256

    @property
    def plane(self) -> tuple[int, int]:
        """(rows, columns)."""
        if self.frame.box_yxyx_px is None:
            return (self.picture.shape[-2], self.picture.shape[-1])
        y0, x0, y1, x1 = self.frame.box_yxyx_px
        return (y1 - y0, x1 - x0)

    @property
    def window(self) -> tuple[float, float] | None:
        """(center, width) of the slice."""
        return self.frame.window or self.picture.window

    def piece(self, part: Part) -> tuple[Place, Description, Part]:
        """What `load_all` takes for the box of `part`, out of this slice."""
        description, index = _of_frame(self.picture, self.index)
        y0, x0, _, _ = self.frame.box_yxyx_px or (0, 0, 0, 0)
        box = self.frame.box_yxyx_px
        if part.box_yxyx_px is not None:
            top, left, bottom, right = part.box_yxyx_px
            box = (y0 + top, x0 + left, y0 + bottom, x0 + right)
        return self.found.place, description, Part(index, box)


@dataclass(frozen=True, eq=False)
class Volume:
    """A picture and the slices that it is made of: per volume of a series (one, if it is none) those from first to last."""

    image: Image
    slices: tuple[tuple[Slice, ...], ...]


def images_of(founds: Sequence[Found]) -> tuple[tuple[Image, ...], tuple[CodedWarning, ...]]:
    """The pictures of one series, the largest stack first, and what is doubtful about the series as a whole.

    Slices that share size, spacing and orientation become one volume; where several lie at each place and differ in time,
    echo or the like, a series of volumes. What does not stack stays a picture of its own, in the order of instance numbers.
    """
    volumes = volumes_of(founds)
    stacked = [volume.image for volume in volumes if volume.image.kind != "image"]
    lone = [(volume.slices[0][0], volume.image) for volume in volumes if volume.image.kind == "image"]
    flat = [found for found in founds if found.facts.header and found.facts.header.picture and not found.facts.header.frames]
    singles = [(piece.header.number, piece.sha256, piece.index, image) for piece, image in lone]
    singles += [(_header(found).number, found.facts.sha256, (), picture_of(found)) for found in flat]
    singles.sort(key=lambda single: single[:3])
    placed = [volume.slices for volume in volumes if volume.slices[0][0].frame.row is not None]
    images = (*stacked, *(image for *_, image in singles))
    if all(_is_parallel(placed[0][0][0].frame, slices[0][0].frame) for slices in placed[1:]):
        return images, ()
    counts = [sum(map(len, slices)) for slices in placed]
    said = f"The slices of the series lie in {len(counts)} groups that do not stack; each is a picture of its own."
    return images, (CodedWarning("mixed_orientation", said, {"slices": counts[:LISTED]}),)


def volumes_of(founds: Sequence[Found]) -> list[Volume]:
    """What the slices of one series make, the largest first; a lone slice makes a picture."""
    groups = _groups([piece for found in founds for piece in slices_of(found)])
    volumes = [volume for group in groups for volume in _volumes(group)]
    return sorted(volumes, key=lambda volume: -sum(map(len, volume.slices)))


def slices_of(found: Found) -> list[Slice]:
    """The slices that a file holds: none for a picture or clip that lies nowhere."""
    header = found.facts.header
    if header is None or header.picture is None:
        return []
    several = header.picture.kind != "image"
    return [Slice(found, header, header.picture, frame, (index,) if several else ()) for index, frame in enumerate(header.frames)]


def picture_of(found: Found) -> Image:
    """The picture or clip of one DICOM file."""
    header = _header(found)
    assert header.picture is not None, "a picture has a description"
    return replace(image_of(found, header.picture, day=header.day), suv_factor=header.suv_factor)


def _header(found: Found) -> Header:
    assert found.facts.header is not None, "a DICOM file has a header"
    return found.facts.header


def _groups(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Slices that could lie on one another, whether or not their places are known."""
    groups: list[list[Slice]] = []
    known: dict[Any, int] = {}  # the group of every description of a slice that has been seen
    leaders: dict[Any, list[tuple[int, npt.NDArray[np.float64]]]] = {}
    for piece in slices:
        exact, near = _signature(piece)
        seen = (exact, near)
        if seen not in known:
            known[seen] = _group_of(leaders.setdefault(exact, []), np.array(near), len(groups))
            if known[seen] == len(groups):
                groups.append([])
        groups[known[seen]].append(piece)
    return groups


def _signature(piece: Slice) -> tuple[Any, tuple[float, ...]]:
    """What must be the same in one volume, and what must be nearly: spacing in proportion and directions."""
    frame, picture = piece.frame, piece.picture
    is_placed = frame.row is not None and frame.position_mm is not None
    spacing = frame.spacing_mm
    exact = (piece.plane, picture.channels, picture.inverted, is_placed, frame.stack, spacing is None, piece.header.is_in_patient)
    scales = [math.log(size) * SAME_DIRECTION / SAME_SPACING for size in spacing] if spacing else []
    return exact, (*scales, *((*(frame.row or ()), *(frame.column or ())) if is_placed else ()))


def _group_of(leaders: list[tuple[int, npt.NDArray[np.float64]]], near: npt.NDArray[np.float64], new: int) -> int:
    """The first group whose leader is near; else a new one, led by this."""
    if leaders and len(near):
        off = np.abs(np.array([leader for _, leader in leaders]) - near).max(axis=1)
        fitting = np.flatnonzero(off < SAME_DIRECTION)
        if len(fitting):
            return leaders[int(fitting[0])][0]
    elif leaders:
        return leaders[0][0]
    leaders.append((new, near))
    return new


def _is_parallel(one: Frame, other: Frame) -> bool:
    ours, theirs = ((*(frame.row or ()), *(frame.column or ())) for frame in (one, other))
    return len(ours) == len(theirs) and all(abs(a - b) < SAME_DIRECTION for a, b in zip(ours, theirs, strict=True))


def _volumes(group: Sequence[Slice]) -> Iterator[Volume]:
    """The volumes of one group: several where stacks lie side by side, or several kinds of values lie at every place."""
    if len(group) == 1:
        yield Volume(_plane(group[0], ()), ((group[0],),))
        return
    frames = [piece.frame for piece in group]
    stacking = ordering.stack(frames)
    if stacking is None:
        ordered = sorted(group, key=lambda piece: (piece.header.number, piece.frame.order[-1:], piece.sha256, piece.index))
        said = "Slices have no position; they were ordered by instance number and have no affine."
        doubt = CodedWarning("position_unknown", said, {"slices": len(ordered)})
        yield Volume(_image([ordered], None, None, [doubt]), (tuple(ordered),))
        return
    parts = ordering.by_offset(frames, stacking.places)
    parts = parts if len(parts) > 1 else ordering.by_content(frames, stacking.places)
    if len(parts) == 1:
        yield _placed(group, frames, stacking)
        return
    for members in parts:
        yield from _volumes([group[index] for index in sorted(members)])


def _placed(group: Sequence[Slice], frames: Sequence[Frame], stacking: ordering.Stacking) -> Volume:
    series = ordering.series_of(frames, stacking.places)
    doubts = list(stacking.warnings)
    if series is None:
        columns: tuple[tuple[int, ...], ...] = (tuple(same[0] for same in stacking.places),)
        doubts += ordering.doubles(stacking.places)
    else:
        columns = series[0]
    slices = tuple(tuple(group[index] for index in volume) for volume in columns)
    if all(len(_header(piece.found).frames) == 1 for piece in group):
        doubts += ordering.numbering(frames, columns)
    if len(columns) == len(columns[0]) == 1:
        return Volume(_plane(slices[0][0], doubts), slices)
    is_placed = all(piece.header.is_in_patient for piece in group)
    affine = plane_affine(slices[0][0].frame, stacking.step_mm) if is_placed else None
    between = stacking.spacing_mm or slices[0][0].frame.thickness_mm
    is_over_time = series is not None and ordering.is_over_time(series[1])
    image = _image(slices, affine, between, doubts, is_clip=is_over_time and len(columns[0]) == 1)
    if series is not None and is_over_time:
        image = _timed(image, ordering.times_s(frames, columns, series[1]))
    return Volume(image, slices)


def _timed(image: Image, times_s: list[float] | None) -> Image:
    """A series of volumes with its times."""
    if times_s is None or len(times_s) > LIMIT_FRAMES:
        said = "The series does not say how much time lies between its volumes: nothing about speed can be said."
        return replace(image, warnings=(*image.warnings, CodedWarning("frame_time_unknown", said)))
    found = timing(times_s, len(times_s), tick_s=CLOCK_S, limit_s=math.inf)
    doubts = (*image.warnings, *found.warnings)
    return replace(image, frame_s=found.frame_s, frame_times_s=found.frame_times_s, warnings=doubts)


def _plane(piece: Slice, doubts: Sequence[CodedWarning]) -> Image:
    """The picture that a lone slice is."""
    affine = plane_affine(piece.frame) if piece.header.is_in_patient else None
    return Image(
        kind="image",
        shape=piece.plane,
        channels=piece.picture.channels,
        load=functools.partial(_load_plane, piece, Part()),
        source=Source(piece.found.place.path, piece.sha256, "dicom"),
        spacing_mm=piece.frame.spacing_mm,
        affine_lps_mm=affine,
        modality=piece.picture.modality,
        view=piece.picture.view,
        scanner=piece.picture.scanner,
        window=piece.window,
        inverted=piece.picture.inverted,
        day=piece.header.day,
        suv_factor=piece.header.suv_factor,
        warnings=(*doubts, *piece.picture.warnings),
        load_part=functools.partial(_load_plane, piece),
    )


def _image(
    volumes: Sequence[Sequence[Slice]],
    affine: npt.NDArray[np.float64] | None,
    between_mm: float | None,
    doubts: list[CodedWarning],
    *,
    is_clip: bool = False,
) -> Image:
    """The volume of slices that are in order, or the series of volumes; of one place over time a clip."""
    slices = tuple(piece for volume in volumes for piece in volume)
    first, middle = slices[0], volumes[0][len(volumes[0]) // 2]
    headers = {id(piece.header): piece.header for piece in slices}
    dtype = np.result_type(*{np.dtype(piece.picture.dtype) for piece in slices}).name
    leading = (len(slices),) if is_clip or len(volumes) == 1 else (len(volumes), len(volumes[0]))
    checked_size(len(slices), *first.plane, item_bytes=first.picture.channels * np.dtype(dtype).itemsize)
    if affine is not None and (tilt := shear_deg(affine)) > SHEAR_DEG:
        said = f"The slices are sheared by {tilt:.1f} degrees: the stacking direction is not their normal."
        doubts.append(CodedWarning("gantry_tilt", said, {"degrees": round(tilt, 1)}))
    doubts += _contradictions(list(headers.values()))
    in_plane = first.frame.spacing_mm
    spacing = (between_mm, *in_plane) if between_mm and in_plane else None
    digest = hashlib.sha256("".join(piece.sha256 for piece in slices).encode()).hexdigest()
    return Image(
        kind="clip" if is_clip else "volume",
        shape=(*leading, *first.plane),
        channels=first.picture.channels,
        load=functools.partial(_load, slices, leading, dtype, Part()),
        source=Source(first.found.place.path, digest, "dicom"),
        spacing_mm=in_plane if is_clip else spacing,
        affine_lps_mm=affine,
        modality=first.picture.modality,
        scanner=first.picture.scanner,
        window=middle.window,
        inverted=first.picture.inverted,
        day=first.header.day,
        suv_factor=_factor([header.suv_factor for header in headers.values()]),
        warnings=(*doubts, *merged([header.warnings for header in headers.values()])),
        load_part=functools.partial(_load, slices, leading, dtype),
    )


def _contradictions(headers: Sequence[Header]) -> list[CodedWarning]:
    """What the files of one volume say of it and cannot all be right in."""
    doubts = []
    references = {header.reference_key for header in headers}
    if len(references) > 1:
        said = f"Slices of one volume name {len(references)} frames of reference: their places may not be comparable."
        doubts.append(CodedWarning("reference_mixed", said, {"references": len(references)}))
    lies = {header.patient_position for header in headers} - {None}
    if len(lies) > 1:
        said = "Slices of one volume state different positions of the patient. Left and right may be exchanged."
        doubts.append(CodedWarning("laterality_uncertain", said, {"contradicts": "position", "positions": len(lies)}))
    return doubts


def _factor(factors: Sequence[float | None]) -> float | None:
    """The factor of all files, where it is one."""
    known = [factor for factor in factors if factor is not None]
    if len(known) < len(factors) or max(known) > (1 + SAME_FACTOR) * min(known):
        return None
    return float(np.median(known))


def merged(warnings: Sequence[Sequence[CodedWarning]]) -> tuple[CodedWarning, ...]:
    """The doubts of several files, each said once; `at` counts the files where it does not hold for all of them."""
    found: dict[str, list[CodedWarning]] = {}
    for warning in (warning for group in warnings for warning in group):
        found.setdefault(warning.code, []).append(warning)
    total = len(warnings)
    return tuple(
        same[0] if len(same) >= total else replace(same[0], at={**same[0].at, "files": len(same)}) for same in found.values()
    )


def _of_frame(picture: Description, index: tuple[int, ...]) -> tuple[Description, tuple[int, ...]]:
    """The description of one frame alone, where that of all frames is long: it is sent with every slice."""
    stored: Mapping[str, Any] = picture.notes["pixels"]
    if not index or (len(stored["begins"]) < 3 and not stored["rescales"]):
        return picture, index
    changes: dict[str, Any] = {}
    if stored["rescales"]:
        changes |= dict(zip(("slope", "intercept"), stored["rescales"][index[0]], strict=True), rescales=[])
    if len(stored["begins"]) > 2:  # compressed: each frame has its own beginning
        changes |= {"frames": 1, "begins": stored["begins"][index[0] : index[0] + 2]}
    shape = picture.shape[1:] if "begins" in changes else picture.shape
    alone = replace(picture, shape=shape, warnings=(), notes={"pixels": {**stored, **changes}})
    return alone, () if "begins" in changes else index


def _load_plane(piece: Slice, part: Part) -> Array:
    """(Y, X), or the box of it that is asked for."""
    one = piece.piece(part)
    return load_all([one], one[1].shape_of(one[2]), piece.picture.dtype)


def _load(slices: tuple[Slice, ...], leading: tuple[int, ...], dtype: str, part: Part) -> Array:
    """Every slice from its file into its place; or the part of that which is asked for."""
    chosen = np.arange(len(slices)).reshape(leading)[part.index]
    pieces = [slices[index].piece(part) for index in chosen.ravel()]
    place, description, each = pieces[0]
    shape = (*chosen.shape, *description.shape_of(each)[-2 if description.channels == 1 else -3 :])
    if len(pieces) == len(slices) and part.box_yxyx_px is None and _is_one_file(slices):
        pieces = [(place, slices[0].picture, Part())]
    return load_all(pieces, shape, dtype)


def _is_one_file(slices: Sequence[Slice]) -> bool:
    """Whether slices are all frames of one file in its order, not compressed: then they are read at once."""
    first = slices[0]
    if first.index != (0,) or len(slices) != first.picture.shape[0] or first.picture.notes["pixels"]["syntax"]:
        return False
    return all(piece.found is first.found and piece.index == (index,) for index, piece in enumerate(slices))
