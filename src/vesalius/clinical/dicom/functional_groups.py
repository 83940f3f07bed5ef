"""The frames of multi-frame objects: what their functional groups say of each, the shared ones of all.

Source: DICOM PS3.3, C.7.6.16 and C.8 (macros of single modalities).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset
from pydicom.tag import Tag

from vesalius.clinical.dicom.calibration import pair
from vesalius.clinical.dicom.clock import taken_s
from vesalius.clinical.dicom.facts import ORDER, Frame
from vesalius.clinical.dicom.items import first, items, key_of, number_for
from vesalius.clinical.dicom.pixels import checked_rescale
from vesalius.clinical.dicom.plane import directions_of, position_of
from vesalius.clinical.dicom.slice import length_mm
from vesalius.clinical.dicom.values import integer, number, numbers, text, values
from vesalius.types import CodedWarning

Facts = dict[str, Any]

# Dimensions that place a frame or that have a place of their own in `ORDER`; all others together are "dimension" there.
_PLACED = frozenset(
    int(Tag(keyword))
    for keyword in (
        *("StackID", "InStackPositionNumber", "ImagePositionPatient", "ImagePositionVolume", "ImageOrientationPatient"),
        *("ReferencedSegmentNumber", "TemporalPositionIndex", "TemporalPositionTimeOffset", "EffectiveEchoTime"),
        *("DiffusionBValue", "NominalCardiacTriggerDelayTime", "FrameAcquisitionNumber", "SliceLocation"),
        *("XOffsetInSlideCoordinateSystem", "YOffsetInSlideCoordinateSystem", "ZOffsetInSlideCoordinateSystem"),
    )
)


@dataclass(frozen=True)
class Groups:
    """What the functional groups of an object say.

    Attributes:
        frames: one per frame, in the order of the file.
        is_in_patient: whether positions are in the patient's space, and not in one of the object's own.
        sides: of the body, that frames state: L, R, B or U.
        warnings: what is doubtful.
    """

    frames: tuple[Frame, ...]
    is_in_patient: bool
    sides: frozenset[str]
    warnings: tuple[CodedWarning, ...]


def has_groups(dataset: Dataset) -> bool:
    """Whether an object describes its frames by functional groups."""
    return "PerFrameFunctionalGroupsSequence" in dataset or "SharedFunctionalGroupsSequence" in dataset


def groups_of(dataset: Dataset, count: int, macros: "Macros | None" = None) -> Groups:
    """What is known of each of `count` frames.

    Args:
        dataset: the object.
        count: how many frames there are.
        macros: those that are looked at: `PICTURES` (the default), `MAPS` or `SEGMENTS`.

    Raises:
        InputRefused: `bad_geometry`, `bad_rescale`.
    """
    macros = macros or PICTURES
    shared = _facts(first(dataset, "SharedFunctionalGroupsSequence"), macros)
    per_frame = items(dataset, "PerFrameFunctionalGroupsSequence")
    found = [{**shared, **_facts(group, macros)} for group in per_frame[:count]]
    found += [shared] * (count - len(found))
    warnings = []
    if len(per_frame) != count:
        said = f"The file describes {len(per_frame)} frames and holds {count}; what is not described has no place."
        warnings.append(CodedWarning("frames_contradictory", said, {"described": len(per_frame), "frames": count}))
    if doubted := sum(facts.get("window", ()) is None for facts in found):
        said = "The stored display window is unusable; the range of the values is used."
        warnings.append(CodedWarning("bad_window", said, {"frames": doubted}))
    ranks = _dimension_ranks(dataset, found)
    frames = tuple(_frame(facts, rank, index) for index, (facts, rank) in enumerate(zip(found, ranks, strict=True)))
    sides = frozenset(facts["side"] for facts in found if facts.get("side"))
    return Groups(frames, not any(facts.get("is_elsewhere") for facts in found), sides, tuple(warnings))


def _frame(facts: Mapping[str, Any], dimension: float, index: int) -> Frame:
    known = {**facts, "dimension": dimension, "number": float(index + 1)}
    row, column = facts.get("directions") or (None, None)
    return Frame(
        position_mm=facts.get("position_mm"),
        row=row,
        column=column,
        spacing_mm=facts.get("spacing_mm"),
        order=tuple(known.get(name, math.inf) for name in ORDER),
        content=number_for(*facts.get("contents", ())),
        stack=facts.get("stack", 0),
        time_s=facts.get("time_s"),
        thickness_mm=facts.get("thickness_mm"),
        between_mm=facts.get("between_mm"),
        rescale=facts.get("rescale"),
        window=facts.get("window"),
        segment=facts.get("segment", 0),
        source=facts.get("source", ""),
        source_frame=facts.get("source_frame", 0),
    )


def _facts(group: Dataset, macros: "Macros") -> Facts:
    """Of one item of functional groups: of those macros that are there."""
    found: Facts = {}
    for tag in group.keys():  # noqa: SIM118 - iterating a data set would parse every element
        if int(tag) in macros:
            keyword, read = macros[int(tag)]
            for item in items(group, keyword)[:1]:
                found |= read(item)
    return found


def _dimension_ranks(dataset: Dataset, found: list[Facts]) -> list[float]:
    """The rank of each frame by the dimensions that are neither place nor anything else that is known."""
    pointers = [integer(item, "DimensionIndexPointer", 0) for item in items(dataset, "DimensionIndexSequence")]
    others = [index for index, pointer in enumerate(pointers) if pointer not in _PLACED]
    if not others:
        return [math.inf] * len(found)
    tuples = [tuple(facts.get("indices", ())[index : index + 1] for index in others) for facts in found]
    ranks = {each: float(rank) for rank, each in enumerate(sorted(set(tuples)))}
    return [ranks[each] for each in tuples]


def _plane_position(item: Dataset) -> Facts:
    return {"position_mm": position_of(item)}


def _plane_position_in_volume(item: Dataset) -> Facts:
    return {"position_mm": position_of(item, "ImagePositionVolume"), "is_elsewhere": True}


def _plane_orientation(item: Dataset) -> Facts:
    return {"directions": directions_of(item)}


def _plane_orientation_in_volume(item: Dataset) -> Facts:
    return {"directions": directions_of(item, "ImageOrientationVolume")}


def _pixel_measures(item: Dataset) -> Facts:
    return {
        "spacing_mm": pair(item, "PixelSpacing"),
        "thickness_mm": length_mm(item, "SliceThickness"),
        "between_mm": length_mm(item, "SpacingBetweenSlices"),
    }


def _transformation(item: Dataset) -> Facts:
    return {"rescale": checked_rescale(number(item, "RescaleSlope", 1.0), number(item, "RescaleIntercept", 0.0))}


def _mapping(item: Dataset) -> Facts:
    if "RealWorldValueSlope" not in item:
        return {}
    return {"rescale": checked_rescale(number(item, "RealWorldValueSlope", 1.0), number(item, "RealWorldValueIntercept", 0.0))}


def _voi(item: Dataset) -> Facts:
    centers, widths = numbers(item, "WindowCenter"), numbers(item, "WindowWidth")
    if not centers or not widths or not (math.isfinite(centers[0]) and math.isfinite(widths[0]) and widths[0] > 0):
        return {"window": None}
    return {"window": (centers[0], widths[0])}


def _content(item: Dataset) -> Facts:
    found: Facts = {"stack": number_for(text(item, "StackID")), "indices": numbers(item, "DimensionIndexValues")}
    found |= _stated(item, time="TemporalPositionIndex", acquisition="FrameAcquisitionNumber")
    when = taken_s(item)
    return found if when is None else found | {"time_s": when}


def _stated(item: Dataset, **keywords: str) -> Facts:
    """Numbers that are there and finite, by their names in `ORDER`."""
    found = {name: number(item, keyword, math.nan) for name, keyword in keywords.items()}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _diffusion(item: Dataset) -> Facts:
    gradient = numbers(first(item, "DiffusionGradientDirectionSequence"), "DiffusionGradientOrientation")
    found = _stated(item, b_value="DiffusionBValue")
    if len(gradient) == 3 and all(map(math.isfinite, gradient)):
        found |= {f"gradient_{axis}": value for axis, value in zip("xyz", gradient, strict=True)}
    return found


def _type(item: Dataset) -> Facts:
    return {"contents": [*(str(value) for value in values(item, "FrameType")), text(item, "ComplexImageComponent")]}


def _anatomy(item: Dataset) -> Facts:
    return {"side": text(item, "FrameLaterality")}


def _segment(item: Dataset) -> Facts:
    return {"segment": max(0, integer(item, "ReferencedSegmentNumber", 0))}


def _derivation(item: Dataset) -> Facts:
    source = first(item, "SourceImageSequence")
    found = numbers(source, "ReferencedFrameNumber")
    is_one = len(found) == 1 and math.isfinite(found[0])
    return {"source": key_of(text(source, "ReferencedSOPInstanceUID")), "source_frame": max(0, int(found[0])) if is_one else 0}


Macros = dict[int, tuple[str, Callable[[Dataset], Facts]]]


def _by_tag(macros: Mapping[str, Callable[[Dataset], Facts]]) -> Macros:
    return {int(Tag(keyword)): (keyword, read) for keyword, read in macros.items()}


PICTURES = _by_tag(
    {
        "PlanePositionSequence": _plane_position,
        "PlanePositionVolumeSequence": _plane_position_in_volume,
        "PlaneOrientationSequence": _plane_orientation,
        "PlaneOrientationVolumeSequence": _plane_orientation_in_volume,
        "PixelMeasuresSequence": _pixel_measures,
        "PixelValueTransformationSequence": _transformation,
        "FrameVOILUTSequence": _voi,
        "FrameContentSequence": _content,
        "TemporalPositionSequence": lambda item: _stated(item, time_s="TemporalPositionTimeOffset"),
        "CardiacSynchronizationSequence": lambda item: _stated(item, phase_ms="NominalCardiacTriggerDelayTime"),
        "MREchoSequence": lambda item: _stated(item, echo_ms="EffectiveEchoTime"),
        "MRTimingAndRelatedParametersSequence": lambda item: _stated(item, flip_deg="FlipAngle"),
        "MRModifierSequence": lambda item: _stated(item, inversion_ms="InversionTimes"),
        "MRDiffusionSequence": _diffusion,
        "CTImageFrameTypeSequence": _type,
        "MRImageFrameTypeSequence": _type,
        "PETFrameTypeSequence": _type,
        "XRay3DFrameTypeSequence": _type,
        "ParametricMapFrameTypeSequence": _type,
        "USImageDescriptionSequence": _type,
        "FrameAnatomySequence": _anatomy,
    }
)
MAPS = PICTURES | _by_tag({"RealWorldValueMappingSequence": _mapping})
SEGMENTS = PICTURES | _by_tag({"SegmentIdentificationSequence": _segment, "DerivationImageSequence": _derivation})
