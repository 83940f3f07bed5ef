"""Segmentations made of pixels: which structures they delineate, and which frame belongs to which.

Source: DICOM PS3.3, A.51 (segmentation), A.82 (label map segmentation), C.8.20 (their modules).
"""

import re
from dataclasses import replace

from pydicom.dataset import Dataset

from vesalius.clinical.dicom import functional_groups, matrix
from vesalius.clinical.dicom.calibration import pair
from vesalius.clinical.dicom.facts import Header, Segment
from vesalius.clinical.dicom.file import Contents
from vesalius.clinical.dicom.items import first, items, key_of
from vesalius.clinical.dicom.pixels import PixelFormat, pixels_of
from vesalius.clinical.dicom.values import integer, text
from vesalius.clinical.picture import Description
from vesalius.clinical.tiles import Tile
from vesalius.clinical.wire import pack
from vesalius.types import CodedWarning

# Of each segment its tiles, [y, x, frame]; of a map of labels, whose segments share tiles, all of them under 0.
Tiles = dict[int, list[Tile]]

LIMIT_SEGMENTS = 65_535
LIMIT_SOURCES = 20_000
_WORDS = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ,.()/'-]{0,63}")  # what a coded name is made of


def with_segments(contents: Contents, header: Header) -> Header:
    """The header with what a segmentation holds. Its pixels are described, though they are no picture.

    Raises:
        InputRefused: with the code of what is wrong, as for a picture.
    """
    dataset = contents.dataset
    kind = text(dataset, "SegmentationType")
    if text(dataset, "PhotometricInterpretation") == "PALETTE COLOR":
        dataset.PhotometricInterpretation = "MONOCHROME2"  # the values are numbers of segments, and colors are not asked for
    largest = {"FRACTIONAL": max(1, integer(dataset, "MaximumFractionalValue", 255)), "LABELMAP": 0}.get(kind, 1)
    header = replace(header, segments=_segments(dataset), sources=_sources(dataset), largest=largest)
    if "TotalPixelMatrixRows" in dataset or "TotalPixelMatrixColumns" in dataset:
        return _with_tiles(contents, header)
    pixels, doubts = pixels_of(contents)
    groups = functional_groups.groups_of(dataset, pixels.frames, functional_groups.SEGMENTS)
    warnings = (*header.warnings, *doubts, *groups.warnings)
    picture = Description(
        format="dicom",
        kind="volume",
        shape=(pixels.frames, pixels.rows, pixels.columns),
        channels=pixels.channels,
        dtype=pixels.dtype,
        modality=header.modality,
        warnings=warnings,
        notes={"pixels": pack(pixels)},
    )
    return replace(header, picture=picture, frames=groups.frames, is_in_patient=groups.is_in_patient, warnings=warnings)


def _with_tiles(contents: Contents, header: Header) -> Header:
    """The header of a segmentation whose frames are tiles of a slide: its picture's `tiles` are listed by segment."""
    dataset = contents.dataset
    pixels, doubts = pixels_of(contents, are_tiles=True)
    size = matrix.matrix_of(dataset)
    if matrix.is_full(dataset):
        sources: dict[str, None] = {}
        tiles, more = _full(dataset, pixels, size, header)
    else:
        tiles, sources, more = _sparse(dataset, pixels, size, header)
    warnings = (*header.warnings, *doubts, *more)
    measures = first(first(dataset, "SharedFunctionalGroupsSequence"), "PixelMeasuresSequence")
    picture = Description(
        format="dicom",
        kind="slide",
        shape=size,
        channels=pixels.channels,
        dtype=pixels.dtype,
        spacing_mm=pair(measures, "PixelSpacing"),
        modality=header.modality,
        levels=(size,),
        warnings=warnings,
        notes={"pixels": pack(pixels), "is_mask": True, "tiles": {str(number): pack(found) for number, found in tiles.items()}},
    )
    named = dict.fromkeys([*header.sources, *filter(None, sources)])
    return replace(header, picture=picture, sources=tuple(named), warnings=warnings)


def _full(dataset: Dataset, pixels: PixelFormat, size: tuple[int, int], header: Header) -> tuple[Tiles, list[CodedWarning]]:
    """Tiles that say nothing of their places: segment after segment, in it plane after plane, in that row after row."""
    fitting, across = matrix.tiles_fitting(size, pixels), -(-size[1] // pixels.columns)
    numbers = [0] if header.largest == 0 else [one.number for one in header.segments]
    planes = max(1, integer(dataset, "TotalPixelMatrixFocalPlanes", 1))
    tiles: Tiles = {}
    for which, number in enumerate(numbers):
        begin = which * planes * fitting
        for frame in range(min(begin, pixels.frames), min(begin + fitting, pixels.frames)):
            y, x = divmod(frame - begin, across)
            tiles.setdefault(number, []).append((y * pixels.rows, x * pixels.columns, frame))
    expected = len(numbers) * planes * fitting
    if pixels.frames == expected:
        return tiles, _further(planes)
    said = f"The segmentation should have {expected} tiles and has {pixels.frames}; they were placed as far as they go."
    return tiles, [*_further(planes), CodedWarning("frames_contradictory", said, {"stated": expected, "read": pixels.frames})]


def _sparse(
    dataset: Dataset, pixels: PixelFormat, size: tuple[int, int], header: Header
) -> tuple[Tiles, dict[str, None], list[CodedWarning]]:
    """Tiles that say where they lie; and what they were drawn on."""
    matrix.tiles_fitting(size, pixels)
    shared = first(dataset, "SharedFunctionalGroupsSequence")
    planes: dict[int, list[tuple[float, str]]] = {}
    tiles: Tiles = {}
    sources: dict[str, None] = {}
    for frame, group in enumerate(matrix.checked_groups(items(dataset, "PerFrameFunctionalGroupsSequence"), pixels)):
        number = 0 if header.largest == 0 else _number(group) or _number(shared)
        known, plane = planes.setdefault(number, []), matrix.plane_of(group)
        if plane not in known:
            known.append(plane)
        if plane == known[0]:
            tiles.setdefault(number, []).append((*matrix.place_of(group, size), frame))
        sources[_source(group) or _source(shared)] = None
    return tiles, sources, _further(max(map(len, planes.values()), default=1))


def _number(group: Dataset) -> int:
    return max(0, integer(first(group, "SegmentIdentificationSequence"), "ReferencedSegmentNumber", 0))


def _source(group: Dataset) -> str:
    return key_of(text(first(first(group, "DerivationImageSequence"), "SourceImageSequence"), "ReferencedSOPInstanceUID"))


def _further(planes: int) -> list[CodedWarning]:
    said = f"Only the first of {planes} planes of the segmentation was read."
    return [CodedWarning("first_frame_only", said, {"frames": planes})] if planes > 1 else []


def _segments(dataset: Dataset) -> tuple[Segment, ...]:
    found: dict[int, Segment] = {}
    for item in items(dataset, "SegmentSequence")[:LIMIT_SEGMENTS]:
        number = integer(item, "SegmentNumber", 0)
        if number > 0:
            found.setdefault(number, Segment(number, _label(item, number)))
    return tuple(found[number] for number in sorted(found))


def _label(item: Dataset, number: int) -> str:
    """The coded name with its side, as a reader would say it. The free text beside it may be anything and is not used."""
    kind = first(item, "SegmentedPropertyTypeCodeSequence")
    side = _meaning(first(kind, "SegmentedPropertyTypeModifierCodeSequence"))
    said = f"{side} {_meaning(kind)}".strip()
    return said or f"segment {number}"


def _meaning(code: Dataset) -> str:
    found = text(code, "CodeMeaning")
    return found.lower() if _WORDS.fullmatch(found) else ""


def _sources(dataset: Dataset) -> tuple[str, ...]:
    """What stands for the objects that the segmentation says it was drawn on."""
    found = dict.fromkeys(
        key_of(text(instance, "ReferencedSOPInstanceUID"))
        for series in items(dataset, "ReferencedSeriesSequence")
        for instance in items(series, "ReferencedInstanceSequence")[:LIMIT_SOURCES]
    )
    return tuple(filter(None, found))
