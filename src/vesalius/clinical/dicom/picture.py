"""What the pixels of a DICOM file are: a picture, a clip, or slices, each with its place; and what is doubtful about them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydicom.dataset import Dataset

from vesalius.clinical.dicom import display, functional_groups, grids, laterality, mosaic, sop_classes, suv
from vesalius.clinical.dicom.calibration import Spacing, spacing_of, unknown
from vesalius.clinical.dicom.clock import dynamic_times_s, frame_times_s
from vesalius.clinical.dicom.facts import Frame, Header, plane_affine
from vesalius.clinical.dicom.file import Contents
from vesalius.clinical.dicom.pixels import PixelFormat, pixels_of
from vesalius.clinical.dicom.plane import directions_of, position_of
from vesalius.clinical.dicom.slice import slice_of
from vesalius.clinical.dicom.values import text, values
from vesalius.clinical.geometry import rows_of
from vesalius.clinical.picture import Description
from vesalius.clinical.timing import Timing, timing
from vesalius.clinical.wire import pack
from vesalius.errors import InputRefused
from vesalius.types import CodedWarning

# fmt: off
VIEWS = frozenset({  # PS3.3, C.8.1.2.1 and C.8.11.1: others could be anybody's name
    "AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO", "RAO", "LAO", "RPO", "LPO", "CC", "MLO", "ML", "LM", "LMO", "FB",
    "XCC", "XCCL", "XCCM", "SIO", "ISO", "CV", "AT", "TAN",
})
# fmt: on
_REFORMATS = frozenset({"MPR", "REFORMATTED", "MIP", "MIN_IP", "MINIP", "MAX_IP", "PROJECTION IMAGE", "CPR", "CURVED", "VRT"})


@dataclass(frozen=True)
class _Layout:
    """How the frames of a file lie.

    Attributes:
        frames: the slices, or what is known of the frames of a clip; a mosaic has more of them than the file.
        are_slices: whether they have places; if not the file is a picture or a clip.
        spacing_mm: of all frames; None where frames state their own, and where it is unknown.
        is_in_patient: whether places are in the patient's space.
        sides: of the body, that frames state.
        warnings: what is doubtful.
    """

    frames: tuple[Frame, ...]
    are_slices: bool
    spacing_mm: Spacing | None = None
    is_in_patient: bool = True
    sides: frozenset[str] = frozenset()
    warnings: tuple[CodedWarning, ...] = ()


def with_picture(contents: Contents, sop_class: str, header: Header) -> Header:
    """The header with its picture and the slices that it holds.

    Raises:
        InputRefused: with the code of what is wrong.
    """
    dataset = contents.dataset
    pixels, doubts = pixels_of(contents)
    layout = _layout(dataset, sop_class, pixels, header.modality)
    if sop_class == sop_classes.DOSE:
        pixels = replace(pixels, slope=grids.dose_scaling(dataset), intercept=0.0)
    pixels = _rescaled(pixels, layout.frames)
    clip = _timing(dataset, sop_class, pixels.frames) if pixels.frames > 1 and not layout.are_slices else None
    window, window_doubts = display.window_of(dataset, pixels.channels, layout.frames)
    factor = suv.suv_factor(dataset) if sop_class in sop_classes.SLICES and header.modality == "PT" else None
    first = layout.frames[0]
    is_single = pixels.frames == 1
    affine = plane_affine(first) if is_single and layout.is_in_patient else None
    frames = clip.frames if clip else range(pixels.frames)
    view = text(dataset, "ViewPosition")
    warnings = (
        *header.warnings,
        *doubts,
        *layout.warnings,
        *(clip.warnings if clip else ()),
        *window_doubts,
        *_doubts(dataset, sop_class, header.modality, pixels, layout),
        *([suv.unavailable()] if header.modality == "PT" and factor is None else []),
    )
    picture = Description(
        format="dicom",
        kind="image" if is_single else "clip" if clip else "volume",
        shape=(pixels.rows, pixels.columns) if is_single else (len(frames), pixels.rows, pixels.columns),
        channels=pixels.channels,
        dtype=pixels.dtype,
        spacing_mm=layout.spacing_mm if is_single or clip else None,
        frame_s=clip.frame_s if clip else None,
        frame_times_s=clip.frame_times_s if clip else None,
        affine_lps_mm=None if affine is None or first.box_yxyx_px else rows_of(affine),
        modality=header.modality,
        view=view if view in VIEWS else None,
        # Of a captured screen the maker is that of whatever wrote the file, mostly a workstation.
        scanner=None if sop_class in sop_classes.SECONDARY_CAPTURES else header.scanner,
        window=window,
        inverted=pixels.is_inverted,
        warnings=warnings,
        notes={"pixels": pack(pixels), **({"step": frames.step} if frames.step > 1 else {})},
    )
    return replace(
        header,
        picture=picture,
        frames=layout.frames if layout.are_slices else (),
        is_in_patient=layout.is_in_patient,
        suv_factor=factor,
        warnings=warnings,
    )


def _layout(dataset: Dataset, sop_class: str, pixels: PixelFormat, modality: str | None) -> _Layout:
    """By the kind of object; the first that fits."""
    count = pixels.frames
    if sop_class in sop_classes.STACKS or functional_groups.has_groups(dataset):
        is_map = sop_class == sop_classes.PARAMETRIC_MAP
        groups = functional_groups.groups_of(dataset, count, functional_groups.MAPS if is_map else None)
        if sop_class in sop_classes.STACKS or any(frame.position_mm for frame in groups.frames):
            return _grouped(groups)
        spacing_mm, doubts = spacing_of(dataset, modality)
        return _Layout(groups.frames, False, spacing_mm, sides=groups.sides, warnings=doubts)
    spacing_mm, doubts = spacing_of(dataset, modality)
    if sop_class == sop_classes.DOSE:
        if grids.dose_is_relative(dataset):
            doubts = (*doubts, CodedWarning("dose_relative", "The dose is relative: its values are parts of a dose, not gray."))
        return _Layout(grids.dose_frames(dataset, count), True, spacing_mm, warnings=doubts)
    if sop_class == sop_classes.NUCLEAR:
        slices, is_in_patient = grids.nuclear_frames(dataset, count)
        if slices:
            return _Layout(slices, True, spacing_mm, is_in_patient, warnings=(*doubts, *_unplaced(is_in_patient)))
    if sop_class in sop_classes.SLICES or (not sop_class and modality in ("CT", "MR", "PT")):
        if count > 1:
            raise InputRefused(
                "unsupported_iod",
                "A class of object that holds one slice holds several frames. Where they lie is not said. Export single slices.",
            )
        whole = slice_of(dataset, spacing_mm, modality)
        if mosaic.is_mosaic(dataset):
            return _Layout(mosaic.slices_of(dataset, whole, pixels.rows, pixels.columns), True, spacing_mm, warnings=doubts)
        return _Layout((whole,), True, spacing_mm, warnings=(*doubts, *_unplaced(whole.row is not None)))
    try:
        directions, position = directions_of(dataset), position_of(dataset)
    except InputRefused:  # of a picture or clip nothing is computed from it
        directions, position = None, None
        doubts = (*doubts, *_unplaced(False))
    row, column = directions or (None, None)
    return _Layout((Frame(position if row else None, row, column, spacing_mm, ()),), False, spacing_mm, warnings=doubts)


def _grouped(groups: functional_groups.Groups) -> _Layout:
    stated = {frame.spacing_mm for frame in groups.frames}
    doubts = [*groups.warnings, *_unplaced(groups.is_in_patient and all(frame.row for frame in groups.frames))]
    if None in stated:
        doubts.append(unknown())
    spacing_mm = groups.frames[0].spacing_mm if len(stated) == 1 else None
    return _Layout(groups.frames, True, spacing_mm, groups.is_in_patient, groups.sides, tuple(doubts))


def _unplaced(is_placed: bool) -> list[CodedWarning]:
    said = "The file states no orientation that can be used; directions and sides are unknown."
    return [] if is_placed else [CodedWarning("affine_unknown", said)]


def _rescaled(pixels: PixelFormat, frames: Sequence[Frame]) -> PixelFormat:
    """The format with the slope and intercept that frames state: of all of them, or each its own."""
    stated = [frame.rescale for frame in frames]
    if pixels.channels != 1 or pixels.has_table or not any(stated):
        return pixels
    each = [one or (pixels.slope, pixels.intercept) for one in stated]
    if len(set(each)) == 1:
        return replace(pixels, slope=each[0][0], intercept=each[0][1])
    return replace(pixels, slope=1.0, intercept=0.0, rescales=tuple(each))


def _timing(dataset: Dataset, sop_class: str, frames: int) -> Timing:
    """When the frames of a clip were taken; a dynamic series of nuclear medicine is no film and may last."""
    if sop_class == sop_classes.NUCLEAR and "DYNAMIC" in values(dataset, "ImageType")[2:3]:
        return timing(dynamic_times_s(dataset, frames), frames, limit_s=math.inf)
    return timing(frame_times_s(dataset, frames), frames)


def _doubts(dataset: Dataset, sop_class: str, modality: str | None, pixels: PixelFormat, layout: _Layout) -> list[CodedWarning]:
    doubts = []
    image_type = {str(value) for value in values(dataset, "ImageType")}
    if sop_class in sop_classes.SECONDARY_CAPTURES:
        said = "A screenshot or photograph of a picture: values, sizes and sides may not be those of the acquisition."
        doubts.append(CodedWarning("secondary_capture_low_trust", said))
    is_tomographic = sop_class in sop_classes.SLICES | sop_classes.STACKS
    if "LOCALIZER" in image_type:
        doubts.append(CodedWarning("localizer", "A localizer: taken to plan others, not to be read."))
    elif is_tomographic and image_type & (_REFORMATS | {"DERIVED"}):  # processing is the rule elsewhere
        said = "Computed from other pictures: values and positions may not be the acquisition's."
        doubts.append(CodedWarning("derived", said, {"reformat": True} if image_type & _REFORMATS else {}))
    elif sop_class == sop_classes.DOSE:
        said = "A dose that was planned or computed: it shows radiation, not the patient."
        doubts.append(CodedWarning("derived", said, {"dose": True}))
    if modality == "CT" and not pixels.is_rescaled and "RescaleSlope" not in dataset and not layout.frames[0].rescale:
        doubts.append(CodedWarning("no_rescale", "A CT without rescale attributes: values may not be Hounsfield units."))
    if text(dataset, "BurnedInAnnotation") == "YES" or display.has_overlay(dataset):
        said = "Writing or graphics lie on the picture: somebody has marked it, or it shows more than the patient."
        doubts.append(CodedWarning("prior_annotation", said))
    first = layout.frames[0]
    return doubts + laterality.doubts(
        dataset,
        first.row if layout.is_in_patient else None,
        first.column if layout.is_in_patient else None,
        sides=laterality.sides_of(dataset) | layout.sides,
        is_acquired_ct=modality == "CT" and sop_class in sop_classes.SLICES and "ORIGINAL" in image_type,
    )
