"""A `Sample` as a plain row and back: dicts, lists, numbers and texts under the names of `Sample`'s fields.

Pictures and masks stand in a row as references, `{"media": "media/ab/<sha256>.png", "bytes": 1234}`; whoever keeps the
rows keeps the files. Mappings are lists of `{"name", "value"}`, because not every reader of tables knows maps.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, cast, get_args

import numpy as np

from vesalius.errors import WARNINGS
from vesalius.types import (
    PLACEHOLDER,
    Array,
    Box,
    CodedWarning,
    Finding,
    Geometry,
    Image,
    Kind,
    Mask,
    Measurement,
    Part,
    Point,
    Polygon,
    Preference,
    Provenance,
    Region,
    Report,
    Sample,
    SampleImage,
    Turn,
)
from vesalius.units import Unit

Row = dict[str, Any]
_ROLES = ("current", "prior", "reference")
_SPEAKERS = ("system", "user", "assistant")


def to_row(sample: Sample, keep_image: Callable[[Image], Row], keep_mask: Callable[[Mask], Row]) -> Row:
    """The sample as a row; `keep_image` and `keep_mask` put the arrays away and give the references."""
    return {
        "key": sample.key,
        "task": sample.task,
        "images": [_image_row(shown, keep_image(shown.image)) for shown in sample.images],
        "turns": [_turn_row(turn) for turn in sample.turns],
        "provenance": asdict(sample.provenance),
        "regions": [_region_row(region, keep_mask) for region in sample.regions],
        "measurements": [asdict(measurement) for measurement in sample.measurements],
        "labels": _pairs(sample.labels),
        "report": None if sample.report is None else asdict(sample.report),
        "preference": None if sample.preference is None else asdict(sample.preference),
        "options": list(sample.options),
    }


def from_row(row: Row, open_image: Callable[[Row], SampleImage], open_mask: Callable[[Row], Mask]) -> Sample:
    """The sample of a row; `open_image` takes an entry of `images` (see `image_of`).

    Raises:
        KeyError, TypeError, ValueError: the row is not one that `to_row` made.
    """
    preference = row["preference"]
    return Sample(
        key=_text(row["key"]),
        task=_text(row["task"]),
        images=tuple(open_image(entry) for entry in row["images"]),
        turns=tuple(_turn(entry) for entry in row["turns"]),
        provenance=_provenance(row["provenance"]),
        regions=tuple(_region(entry, open_mask) for entry in row["regions"]),
        measurements=tuple(_measurement(entry) for entry in row["measurements"]),
        labels={name: cast(Finding, _one_of(state, get_args(Finding))) for name, state in _mapping(row["labels"]).items()},
        report=None if row["report"] is None else Report(**row["report"]),
        preference=None if preference is None else Preference(**{k: _frozen(v) for k, v in preference.items()}),
        options=tuple(row["options"]),
    )


def contradiction(sample: Sample) -> str:
    """Why a sample can serve nothing, or "": it neither asks nor states anything, or a turn names what it lacks.

    A sample without turns shows pictures and states what is true of them (regions, measurements, labels, a report);
    `compose` asks about it.
    """
    stated = sample.images or sample.regions or sample.measurements or sample.labels or sample.report
    if not sample.turns and not stated:
        return "It has no turn, and states nothing."
    if sample.turns and all(turn.role != "user" for turn in sample.turns):
        return "It has no turn of a user: nothing is asked."
    named = [(kind, int(index)) for turn in sample.turns for kind, index in PLACEHOLDER.findall(turn.text)]
    if any(index >= len(sample.images) for kind, index in named if kind == "image"):
        return "A turn names a picture that it does not have."
    if any(index >= len(sample.regions) for kind, index in named if kind == "region"):
        return "A turn names a region that it does not have."
    told = (sample.regions[index] for kind, index in named if kind == "region")
    if any(not 0 <= region.image < len(sample.images) for region in told):
        return "A region that a turn names lies in a picture that it does not have."
    return ""


def image_of(entry: Row, load: Callable[[], Array], source: Any, load_part: Callable[[Part], Array] | None = None) -> SampleImage:
    """The picture of an entry of `images`, with its array from `load` and parts of it from `load_part`."""
    affine = entry["affine_lps_mm"]
    image = Image(
        kind=cast(Kind, _one_of(entry["kind"], get_args(Kind))),
        shape=tuple(entry["shape"]),
        channels=entry["channels"],
        load=load,
        source=source,
        spacing_mm=_frozen(entry["spacing_mm"]),
        frame_s=entry["frame_s"],
        affine_lps_mm=None if affine is None else np.array(affine, np.float64).reshape(4, 4),
        modality=entry["modality"],
        view=entry["view"],
        window=_frozen(entry["window"]),
        inverted=entry["inverted"],
        day=entry["day"],
        warnings=tuple(_warning(item) for item in entry["warnings"]),
        load_part=load_part,
        frame_times_s=_frozen(entry.get("frame_times_s")),  # no column of version 1
        suv_factor=entry.get("suv_factor"),
        scanner=entry.get("scanner"),  # no column of versions 1 and 2
    )
    return SampleImage(cast(Any, _one_of(entry["role"], _ROLES)), image)


def _image_row(shown: SampleImage, kept: Row) -> Row:
    image = shown.image
    return {
        "role": shown.role,
        **kept,
        "kind": image.kind,
        "shape": list(image.shape),
        "channels": image.channels,
        "spacing_mm": _listed(image.spacing_mm),
        "frame_s": image.frame_s,
        "affine_lps_mm": None if image.affine_lps_mm is None else np.asarray(image.affine_lps_mm, np.float64).ravel().tolist(),
        "modality": image.modality,
        "view": image.view,
        "window": _listed(image.window),
        "inverted": image.inverted,
        "day": image.day,
        "source": {"sha256": image.source.sha256, "format": image.source.format},
        "warnings": [{"code": w.code, "message": w.message, "at": json.dumps(dict(w.at))} for w in image.warnings],
        "frame_times_s": _listed(image.frame_times_s),
        "suv_factor": image.suv_factor,
        "scanner": image.scanner,
    }


def _turn_row(turn: Turn) -> Row:
    spans = None if turn.spans is None else [{"start": start, "end": end} for start, end in turn.spans]
    return {"role": turn.role, "text": turn.text, "spans": spans}


def _region_row(region: Region, keep_mask: Callable[[Mask], Row]) -> Row:
    place = region.geometry
    return {
        "label": region.label,
        "box": {"low": list(place.low), "high": list(place.high)} if isinstance(place, Box) else None,
        "point": list(place.at) if isinstance(place, Point) else None,
        "polygon": [list(vertex) for vertex in place.vertices] if isinstance(place, Polygon) else None,
        "mask": keep_mask(place) if isinstance(place, Mask) else None,
        "space": region.space,
        "image": region.image,
        "frame": region.frame,
        "attributes": _pairs(region.attributes),
    }


def _turn(entry: Row) -> Turn:
    spans = entry["spans"]
    frozen = None if spans is None else tuple((span["start"], span["end"]) for span in spans)
    return Turn(cast(Any, _one_of(entry["role"], _SPEAKERS)), _text(entry["text"]), frozen)


def _region(entry: Row, open_mask: Callable[[Row], Mask]) -> Region:
    space = cast(Any, _one_of(entry["space"], ("pixel", "patient")))
    place = _geometry(entry, open_mask)
    return Region(_text(entry["label"]), place, space, entry["image"], entry["frame"], _mapping(entry["attributes"]))


def _geometry(entry: Row, open_mask: Callable[[Row], Mask]) -> Geometry:
    named = [kind for kind in ("box", "point", "polygon", "mask") if entry[kind] is not None]
    if named == ["box"]:
        return Box(tuple(entry["box"]["low"]), tuple(entry["box"]["high"]))
    if named == ["point"]:
        return Point(tuple(entry["point"]))
    if named == ["polygon"]:
        return Polygon(tuple((y, x) for y, x in entry["polygon"]))
    if named == ["mask"]:
        return open_mask(entry["mask"])
    raise ValueError("a region must have exactly one of box, point, polygon, mask")


def _measurement(entry: Row) -> Measurement:
    _one_of(entry["unit"], get_args(Unit))
    return Measurement(**entry)


def _provenance(entry: Row) -> Provenance:
    _one_of(entry["split"], ("train", "validation", "test", None))
    _one_of(entry["sex"], ("F", "M", "O", None))
    _text(entry["patient_key"])
    return Provenance(**entry)


def _warning(entry: Row) -> CodedWarning:
    _one_of(entry["code"], WARNINGS)
    return CodedWarning(entry["code"], entry["message"], json.loads(entry["at"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is missing")
    return value


def _one_of(value: Any, allowed: Any) -> Any:
    if value not in allowed:
        raise ValueError("a word is none of those that are allowed: " + ", ".join(str(word) for word in allowed))
    return value


def _pairs(mapping: Mapping[str, str]) -> list[Row]:
    return [{"name": name, "value": value} for name, value in mapping.items()]


def _mapping(pairs: list[Row]) -> dict[str, str]:
    return {pair["name"]: pair["value"] for pair in pairs}


def _listed(values: tuple[float, ...] | None) -> list[float] | None:
    return None if values is None else list(values)


def _frozen(value: Any) -> Any:
    """Lists as tuples; everything else as it is."""
    return tuple(value) if isinstance(value, list) else value
