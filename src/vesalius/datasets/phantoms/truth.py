"""Everything that is true of a phantom's visit, as one JSON object: a line of `truth.jsonl`."""

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.datasets.phantoms.dicom import patient_id
from vesalius.phantom.truth import Bools, Lesion, Phantom, Picture
from vesalius.transforms.outline import outlines
from vesalius.types import Box

VERSION = 1
FILE = "truth.jsonl"


def record(phantom: Phantom, split: str | None = None) -> dict[str, Any]:
    """The truth of one visit.

    Boxes are `low` and `high` corners in array order, pixels covering [i, i + 1); outlines of lesions are lists of (y, x), in
    clips and volumes by the number of the frame or slice, from 0; `center` is that of the mask. Measurements carry their unit
    (UCUM) and definition. The masks themselves are written by `phantoms.nifti`, `phantoms.png` and `phantoms.dicom`.
    """
    placed = [(picture, picture.boxes()) for picture in phantom.pictures]
    return {
        "version": VERSION,
        "patient": patient_id(phantom),
        "kind": phantom.kind,
        "seed": phantom.seed,
        "visit": phantom.visit,
        "day": phantom.day,
        "split": split,
        "facts": dict(phantom.facts),
        "labels": dict(phantom.labels),
        "told": dict(phantom.told),
        "codes": list(phantom.codes),
        "lesions": [_lesion(lesion, placed) for lesion in phantom.lesions],
        "resolved": [_lesion(lesion, []) for lesion in phantom.resolved],
        "measurements": [
            {
                "name": m.name,
                "value": round(m.value, 4),
                "unit": m.unit,
                "definition": m.definition,
                "picture": m.picture,
                "of": m.of,
            }
            for m in phantom.measurements
        ],
        "pictures": [_picture(picture, boxes) for picture, boxes in placed],
        "events": [{"sort": e.sort, "name": e.name, "begin": e.begin, "end": e.end} for e in phantom.events],
        "transcripts": [
            {"word_error_rate": t.word_error_rate, "words": list(t.words), "frames": list(t.frames)} for t in phantom.transcripts
        ],
        "reports": {
            language: {"findings": report.findings, "impression": report.impression}
            for language, report in phantom.reports.items()
        },
    }


def _lesion(lesion: Lesion, placed: Sequence[tuple[Picture, Mapping[str, Box]]]) -> dict[str, Any]:
    return {
        "finding": lesion.finding,
        "number": lesion.number,
        "attributes": dict(lesion.attributes),
        "size_mm": lesion.size_mm,
        "change": lesion.change,
        "mask": lesion.mask,
        "places": [
            _place(picture, lesion.mask, boxes.get(lesion.mask)) for picture, boxes in placed if lesion.mask in picture.masks
        ],
    }


def _place(picture: Picture, name: str, box: Box | None) -> dict[str, Any]:
    """Where a mask lies in one picture."""
    mask = picture.masks[name]
    found: dict[str, Any] = {"picture": picture.name, "pixels": int(mask.sum()), "box": _box(box)}
    if box is not None:
        found["center"] = [round(float(axis.mean()) + 0.5, 2) for axis in mask.nonzero()]
        if mask.ndim == 2:
            found["outlines"] = _outlines(mask)
        else:
            found["outlines"] = {str(index): _outlines(plane) for index, plane in enumerate(mask) if plane.any()}
    return found


def _outlines(mask: Bools) -> list[list[list[float]]]:
    return [[list(vertex) for vertex in polygon.vertices] for polygon in outlines(mask)]


def _picture(picture: Picture, boxes: Mapping[str, Box]) -> dict[str, Any]:
    return {
        "name": picture.name,
        "kind": picture.kind,
        "shape": list(picture.pixels.shape),
        "modality": picture.modality,
        "view": picture.view,
        "spacing_mm": None if picture.spacing_mm is None else list(picture.spacing_mm),
        "affine_lps_mm": None if picture.affine_lps_mm is None else picture.affine_lps_mm.tolist(),
        "frame_s": picture.frame_s,
        "points": {name: [round(value, 2) for value in point.at] for name, point in picture.points.items()},
        "masks": {name: {"pixels": int(mask.sum()), "box": _box(boxes.get(name))} for name, mask in picture.masks.items()},
    }


def _box(box: Box | None) -> list[list[float]] | None:
    return None if box is None else [list(box.low), list(box.high)]
