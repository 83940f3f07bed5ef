"""What a record of another program's format carries for us beside what that format holds: one text in the field `vesalius`.

The programs of those formats take the keys that they know and leave others alone (each format's docstring says why that is so),
so a conversation with its patient, its split, its labels, its measurements and its regions comes back whole when it is read
here again. The text is JSON behind a checksum: what somebody changed by hand is refused. It says what the conversation was when
it was written; where that has been changed since, the turns are those that stand in the record, and of what the field holds
only what is true of the record as a whole is taken.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, cast

import numpy as np

from vesalius.datasets.exports import Dropped
from vesalius.datasets.foreign import Source
from vesalius.datasets.sources import RecordRefused
from vesalius.datasets.split import Split
from vesalius.datasets.store.rows import Row, contradiction, from_row, to_row
from vesalius.types import PLACEHOLDER, CodedWarning, Image, Sample, SampleImage

FIELD = "vesalius"
_VERSION = "1"
_DIGITS = 16


def beside(sample: Sample, written: Any, order: Sequence[int], changed: Sequence[int] = ()) -> str:
    """The text for the field.

    Args:
        sample: as it is, without masks.
        written: what stands in the record for it, JSON-able: the messages.
        order: the indices of the sample's pictures in the order in which the record names them.
        changed: the indices of pictures whose values are others in the record: their window no longer fits.
    """
    row = to_row(replace(sample, images=()), _no_files, _no_files)
    row = {name: value for name, value in row.items() if value not in (None, [])}
    row["images"] = [_facts(shown, index in changed) for index, shown in enumerate(sample.images)]
    text = json.dumps({"of": _digest(written), "order": list(order), "row": row}, ensure_ascii=False, separators=(",", ":"))
    return f"{_VERSION}:{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:_DIGITS]}:{text}"


def restored(sample: Sample, field: Any, written: Any, shown: Sequence[Image], source: Source, split: Split | None) -> Sample:
    """The sample as it was written, as far as the record still says the same.

    Args:
        sample: as the record alone has it.
        field: what stands in the field; None or "" when there is none.
        written: what the record holds now of what was given to `beside`.
        shown: the pictures that the record names, in order.
        source: gives keys that are unique.
        split: of the file that the record stands in; goes before the field's.

    Raises:
        RecordRefused: `record_malformed`, when the field is none of ours or was changed.
    """
    if field in (None, ""):
        return sample
    said = _opened(field)
    row = {**_empty(), **said["row"]}
    try:
        whole = from_row({**row, "images": []}, _no_files, _no_files)
        is_same = said["of"] == _digest(written) and not source.text_alone and len(shown) == len(said["order"])
        if is_same and set(said["order"]) == set(range(len(row["images"]))):
            images = _images(row["images"], said["order"], shown)
            whole = replace(whole, images=images)
        else:
            loose = tuple(replace(found, region=None) for found in whole.measurements)
            whole = replace(
                sample,
                task=whole.task,
                labels=whole.labels,
                options=whole.options,
                report=sample.report or whole.report,
                measurements=loose,
                key=whole.key,
                provenance=whole.provenance,
            )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, AssertionError):
        raise _not_ours() from None
    if contradiction(whole):
        raise _not_ours()
    provenance = replace(whole.provenance, split=split or whole.provenance.split)
    return replace(whole, key=source.unique(whole.key), provenance=provenance)


def _opened(field: Any) -> dict[str, Any]:
    version, _, rest = field.partition(":") if isinstance(field, str) else ("", "", "")
    digest, _, text = rest.partition(":")
    if version != _VERSION or digest != sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]:
        raise _not_ours()
    said: dict[str, Any] = json.loads(text)
    return said


def _facts(shown: SampleImage, is_changed: bool) -> Row:
    """What a picture's file in another format may not say; nothing about values when these are others there."""
    image = shown.image
    affine = None if image.affine_lps_mm is None else np.asarray(image.affine_lps_mm, np.float64).ravel().tolist()
    said = {
        "role": shown.role,
        "shape": list(image.shape),
        "modality": image.modality,
        "view": image.view,
        "scanner": image.scanner,
        "spacing_mm": image.spacing_mm,
        "frame_s": image.frame_s,
        "affine_lps_mm": affine,
        "window": None if is_changed else image.window,
        "inverted": (image.inverted and not is_changed) or None,
        "day": image.day,
        "warnings": [[warning.code, warning.message, dict(warning.at)] for warning in image.warnings] or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _images(entries: Sequence[Row], order: Sequence[int], shown: Sequence[Image]) -> tuple[SampleImage, ...]:
    """The pictures of the record in the sample's order, each with what the field knows of it."""
    found = []
    for index, entry in enumerate(entries):
        image = shown[order.index(index)]
        if tuple(entry["shape"]) == image.shape:
            affine = entry.get("affine_lps_mm")
            image = replace(
                image,
                modality=entry.get("modality"),
                view=entry.get("view"),
                scanner=entry.get("scanner"),
                spacing_mm=_numbers(entry.get("spacing_mm")),
                frame_s=entry.get("frame_s"),
                affine_lps_mm=None if affine is None else np.array(affine, np.float64).reshape(4, 4),
                window=cast(Any, _numbers(entry.get("window"))),
                inverted=bool(entry.get("inverted")),
                day=entry.get("day"),
                warnings=tuple(CodedWarning(*warning) for warning in entry.get("warnings", [])),
            )
        found.append(SampleImage(entry["role"], image))
    return tuple(found)


def _numbers(values: Any) -> tuple[float, ...] | None:
    return None if values is None else tuple(values)


def _empty() -> Row:
    lists = ("images", "turns", "regions", "measurements", "labels", "options")
    return {**{name: [] for name in lists}, "report": None, "preference": None}


def _digest(written: Any) -> str:
    return sha256(json.dumps(_slim(written), sort_keys=True, ensure_ascii=True).encode()).hexdigest()[:_DIGITS]


def _slim(value: Any) -> Any:
    """Without keys that hold nothing, which tables add."""
    if isinstance(value, dict):
        return {name: _slim(item) for name, item in value.items() if item is not None}
    return [_slim(item) for item in value] if isinstance(value, list | tuple) else value


def _no_files(_: Any) -> Any:
    raise TypeError("pictures lie in the record, and masks were made boxes")


def _not_ours() -> RecordRefused:
    said = f"Its field `{FIELD}` is none that was written here, or was changed. Take the field out to read the record without it."
    return RecordRefused("record_malformed", said)


def lost(sample: Sample, dropped: Dropped, *, held: Sequence[str] = ()) -> None:
    """Count what a format without such a field loses of a sample; `held` names the facts that it has a place for.

    Facts: patient, split, task, labels, options, measurements, report, roles, pictures, regions.
    """
    named = {int(index) for turn in sample.turns for kind, index in PLACEHOLDER.findall(turn.text) if kind == "region"}
    facts = {
        "patient": ("patients, studies, sources and licences: the format names none", True),
        "task": ("kinds of questions: the format has none", bool(sample.turns)),
        "labels": ("labels of pictures: the format has none", bool(sample.labels)),
        "options": ("options of multiple choice beside the question: the format has none", bool(sample.options)),
        "measurements": ("measurements beside the text: the format has none", bool(sample.measurements)),
        "report": ("reports beside the conversation: the format has none", sample.report is not None),
        "roles": ("roles of pictures (prior, reference): the format has none", any(s.role != "current" for s in sample.images)),
        "pictures": ("modality, view and spacing of pictures: the format has none", any(_says(s.image) for s in sample.images)),
        "regions": ("regions that no text names: the format has none", len(sample.regions) > len(named)),
    }
    for name, (what, has_it) in facts.items():
        if has_it and name not in held:
            dropped[what] += 1


def _says(image: Image) -> bool:
    return any(value is not None for value in (image.modality, image.view, image.spacing_mm, image.window, image.day))
