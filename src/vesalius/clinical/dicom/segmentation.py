"""Segmentations made of pixels: which structures they delineate, and which frame belongs to which.

Source: DICOM PS3.3, A.51 (segmentation), A.82 (label map segmentation), C.8.20 (their modules).
"""

import re
from dataclasses import replace

from pydicom.dataset import Dataset

from vesalius.clinical.dicom import functional_groups
from vesalius.clinical.dicom.facts import Header, Segment
from vesalius.clinical.dicom.file import Contents
from vesalius.clinical.dicom.items import first, items, key_of
from vesalius.clinical.dicom.pixels import pixels_of
from vesalius.clinical.dicom.values import integer, text
from vesalius.clinical.picture import Description
from vesalius.clinical.wire import pack

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
    pixels, doubts = pixels_of(contents)
    groups = functional_groups.groups_of(dataset, pixels.frames, functional_groups.SEGMENTS)
    warnings = (*header.warnings, *doubts, *groups.warnings)
    largest = {"FRACTIONAL": max(1, integer(dataset, "MaximumFractionalValue", 255)), "LABELMAP": 0}.get(kind, 1)
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
    return replace(
        header,
        picture=picture,
        frames=groups.frames,
        is_in_patient=groups.is_in_patient,
        segments=_segments(dataset),
        sources=_sources(dataset),
        largest=largest,
        warnings=warnings,
    )


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
