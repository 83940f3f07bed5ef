"""ask: one question about a study, one answer with what it rests on."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.clinical import series as choice
from vesalius.clinical import study as studies
from vesalius.errors import InputRefused, UsageError
from vesalius.generate.respond import Query, Responder, Response
from vesalius.transforms.draw import draw_boxes, save_png, shrink
from vesalius.transforms.intensity import to_display
from vesalius.types import (
    NOTICE,
    Answer,
    Box,
    CodedWarning,
    Evidence,
    Image,
    Measurement,
    MeasurementEvidence,
    PriorEvidence,
    RegionEvidence,
    SampleImage,
    Series,
    Statement,
    Study,
)
from vesalius.units import show
from vesalius.workflows.open_model import open_model
from vesalius.workflows.outcome import Outcome

RADIOGRAPHS = frozenset({"DX", "CR", "XR"})  # a model of one of them may look at the others
PREVIEW_PX = 1024


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture as the model is shown it: of which study and series, and which slice of a volume."""

    image: Image
    study: Study
    series: Series
    frame: int | None
    warnings: tuple[CodedWarning, ...]

    def to_json(self, role: str) -> dict[str, Any]:
        """What an answer says of it: the rules by which it was chosen, with their versions."""
        rule, policy = choice.LARGEST_ORIGINAL, choice.MIDDLE_SLICE
        by_slice = {"slice_policy": f"{policy.name} v{policy.version}", "frame": self.frame} if self.frame is not None else {}
        chosen = {"series_choice": f"{rule.name} v{rule.version}", "why": self.series.why}
        return {"role": role, "study_key": self.study.study_key, "series_key": self.series.series_key, **chosen, **by_slice}


def ask(
    paths: Sequence[Path],
    question: str,
    *,
    model: str | None,
    prior: Path | None,
    out: Path | None,
    say: Callable[[str], None],
) -> Outcome:
    """Ask a study one question.

    Args:
        paths: files and folders of one patient.
        question: plain text.
        model: as `open_model` takes it.
        prior: an earlier picture of the same patient.
        out: folder for `answer.json` and `preview.png`.
        say: takes progress lines.

    Raises:
        InputRefused: `mixed_patients`, `no_image`, or what the readers refuse.
        UsageError: an empty question, an unknown model.
    """
    begun = time.perf_counter()
    if not question.strip():
        raise UsageError("bad_option", "The question is empty. There is nothing to answer. Write a question in quotes.")
    say("reading")
    current = look_up(paths)
    earlier = look_up([prior]) if prior is not None else None
    if earlier is not None:
        _check_prior(current, earlier)
    say("loading the model")
    responder = open_model(model)
    say("answering")
    answer = answer_about(responder, question, current, earlier, begun=begun)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "answer.json").write_text(json.dumps(answer.to_json(), indent=1) + "\n")
        save_png(out / "preview.png", preview(current.image, answer))
    return Outcome(answer.to_json(), as_text(answer))


def look_up(paths: Sequence[Path]) -> Shown:
    """Read files and choose the one picture that is shown.

    Raises:
        InputRefused: `mixed_patients`; `no_image`; the one refusal where a single file was refused.
    """
    inventory = studies.read(paths)
    if not inventory.studies and inventory.rejected:
        first = inventory.rejected[0]
        more = f" {len(inventory.rejected) - 1} further files were refused too." if len(inventory.rejected) > 1 else ""
        raise InputRefused(first.code, first.message + more)
    if len({study.patient_key for study in inventory.studies}) > 1:
        raise InputRefused(
            "mixed_patients",
            f"The input holds {len(inventory.studies)} studies of several patients (a file that names no patient counts as one). "
            "One answer cannot be about several people. Ask about one at a time.",
        )
    pictured = [(study, series) for study in inventory.studies for series in study.series if series.chosen]
    if not pictured:
        raise InputRefused(
            "no_image", "The input holds no picture. There is nothing to look at. `vesalius inspect` shows what it holds."
        )
    # Of several visits the latest is asked about; of several pictures in a series the first.
    study, chosen = max(pictured, key=lambda pair: pair[1].images[0].day or 0.0)
    image, frame = _picture(chosen.images[0])
    warnings = [*chosen.warnings, *chosen.images[0].warnings]
    if frame is not None and _unlike_display(chosen.images[0]):
        said = "The slice is shown in the file's own order, which is not how a reader sees it: sides and up may be exchanged."
        warnings.append(CodedWarning("shown_in_file_order", said))
    if frame is not None:
        said = f"The model takes pictures; slice {frame} of {chosen.images[0].shape[0]} was shown to it."
        warnings.append(CodedWarning("volume_as_slice", said, {"frame": frame}))
    others = sum(len(series.images) for s in inventory.studies for series in s.series) - 1
    if others:
        said = f"The input holds {others} further pictures or volumes that the model was not shown."
        warnings.append(CodedWarning("other_series_not_shown", said, {"pictures": others}))
    warnings += [warning for warning in inventory.warnings if warning.code == "some_rejected"]
    return Shown(image, study, chosen, frame, tuple(warnings))


def answer_about(
    responder: Responder, question: str, current: Shown, prior: Shown | None, *, begun: float | None = None
) -> Answer:
    """Ask a loaded model; out of its scope it abstains without looking.

    Args:
        responder: the model.
        question: plain text.
        current: the picture asked about.
        prior: an earlier one, or None.
        begun: `time.perf_counter()` from which seconds are counted.

    Raises:
        InputRefused: `text_too_long`, or the picture cannot be decoded.
    """
    begun = time.perf_counter() if begun is None else begun
    warnings = [*current.warnings, *_scope_warnings(responder, current.image)]
    shown = [current.to_json("current")]
    images = [SampleImage("current", current.image)]
    if prior is not None and not responder.scope.priors:
        warnings.append(CodedWarning("prior_not_used", "The model was not trained to compare with a prior; it was left out."))
    elif prior is not None:
        images.append(SampleImage("prior", prior.image))
        shown.append(prior.to_json("prior"))
        warnings += [replace(w, message=f"Of the prior: {w.message}") for w in prior.warnings]
    foreign = _out_of_scope(responder, [item.image for item in images])
    if foreign is not None:
        return _abstained(responder, foreign, warnings, shown, begun)
    response = responder.respond([Query(tuple(images), question)])[0]
    if response.status == "failed":
        return _abstained(responder, "unreadable_output: the model's output held no answer.", warnings, shown, begun, response)
    if response.status == "repaired":
        warnings.append(CodedWarning("output_repaired", "The model's output broke its grammar; the readable part was used."))
    evidence = _evidence(response, current, prior if len(images) > 1 else None)
    text = response.text or ", ".join(region.label for region in response.regions)
    statement = Statement(text, response.confidence, evidence)
    return Answer(
        text=text,
        abstained=False,
        reason=None,
        confidence=response.confidence,
        statements=(statement,),
        warnings=tuple(warnings),
        model=responder.identity,
        image_tokens=response.image_tokens,
        text_tokens=response.text_tokens,
        seconds=time.perf_counter() - begun,
        shown=tuple(shown),
    )


def preview(image: Image, answer: Answer) -> Any:
    """The picture with the evidence drawn on it: uint8 (Y, X, 3), at most `PREVIEW_PX` on its longest side."""
    pixels = to_display(image.load(), image)
    small = shrink(pixels, PREVIEW_PX)
    scale = small.shape[0] / pixels.shape[0]
    marks = [
        (Box(tuple(v * scale for v in item.geometry.low), tuple(v * scale for v in item.geometry.high)), item.label)
        for statement in answer.statements
        for item in statement.evidence
        if isinstance(item, RegionEvidence)
    ]
    return draw_boxes(small, marks)


def as_text(answer: Answer) -> str:
    """The answer for a person."""
    if answer.abstained:
        lines = [f"No answer: {answer.reason}"]
    else:
        lines = [f"Answer: {answer.text}", f"  confidence {answer.confidence:.2f}"]
    for statement in answer.statements:
        for index, item in enumerate(statement.evidence):
            lines.append(f"  evidence {index}: {_evidence_text(item.to_json())}")
    lines += [f"  ! {warning.code}: {warning.message}" for warning in answer.warnings]
    lines.append(
        f"  model {answer.model.name} {answer.model.sha256[:12]}, {answer.image_tokens} image tokens, {answer.seconds:.1f} s"
    )
    return "\n".join([*lines, NOTICE])


def _evidence_text(item: Mapping[str, Any]) -> str:
    """One line for one piece of evidence."""
    if item["kind"] == "region":
        return f"{item['label']} at {[round(v) for v in item['box_xyxy_px']]} px (x0, y0, x1, y1)"
    if item["kind"] == "measurement":
        return f"{item['name']} of {item['from']}: {show(item['value'], item['unit'])}"
    return f"{item['kind']} {item.get('study_key') or item.get('id')}"


def _picture(image: Image) -> tuple[Image, int | None]:
    """A picture as it is; of a volume or clip the slice that stands for it, with its index."""
    if image.kind == "image":
        return image, None
    index = choice.shown_slice(image)
    spacing = None if image.spacing_mm is None else image.spacing_mm[-2:]
    flat = replace(image, kind="image", shape=image.shape[-2:], load=lambda: image.load()[index], spacing_mm=spacing)
    return replace(flat, affine_lps_mm=None, frame_s=None), index


def _unlike_display(volume: Image) -> bool:
    """Whether rows do not run to the patient's back or feet, or columns not to the left or back, or nobody knows."""
    if volume.affine_lps_mm is None:
        return True
    steps = (volume.affine_lps_mm[:3, axis] for axis in (1, 2))  # along rows downwards, along columns to the right
    wanted = (1, 1, -1)  # to the left, to the back, to the feet
    dominant = [(step, int(np.abs(step).argmax())) for step in steps]
    return any(step[axis] * wanted[axis] < 0 for step, axis in dominant)


def _check_prior(current: Shown, prior: Shown) -> None:
    """Refuse a prior that is of another patient, later than the study, or the study itself.

    Files other than DICOM name no patient and no day: what they do not say cannot be checked.
    """
    named = current.image.source.format == prior.image.source.format == "DICOM"
    same = current.study.patient_key == prior.study.patient_key
    if named and not same:
        raise InputRefused(
            "mixed_patients",
            "The prior cannot be shown to be of the same patient as the study: their files name two patients, or none. "
            "A comparison of two people means nothing. Check both paths.",
        )
    if prior.image.source.sha256 == current.image.source.sha256:
        raise UsageError("bad_option", "The prior is the study's own file. Nothing can have changed. Name an earlier one.")
    days = (prior.image.day, current.image.day)
    if named and days[0] is not None and days[1] is not None and days[0] > days[1]:
        raise UsageError("bad_option", "The prior was taken after the study. Larger would mean smaller. Swap the two paths.")


def _scope_warnings(responder: Responder, image: Image) -> list[CodedWarning]:
    warnings = []
    if image.modality is None:
        said = "The file does not say what modality it is; it was taken as one that the model knows."
        warnings.append(CodedWarning("modality_unknown", said))
    if responder.scope.phantoms_only:
        said = "The model was trained on simulated pictures only; on patients its answers mean nothing."
        warnings.append(CodedWarning("trained_on_phantoms", said))
    return warnings


def _out_of_scope(responder: Responder, images: Sequence[Image]) -> str | None:
    """Why the model must not look, or None."""
    known = responder.scope.modalities
    allowed = known | RADIOGRAPHS if known & RADIOGRAPHS else known
    foreign = sorted({image.modality for image in images if image.modality and allowed and image.modality not in allowed})
    if not foreign:
        return None
    return f"out_of_scope: the picture is {', '.join(foreign)}; the model has learnt from {', '.join(sorted(known))} only."


def _abstained(
    responder: Responder,
    reason: str,
    warnings: Sequence[CodedWarning],
    shown: Sequence[Mapping[str, Any]],
    begun: float,
    response: Response | None = None,
) -> Answer:
    image_tokens, text_tokens = (response.image_tokens, response.text_tokens) if response else (0, 0)
    seconds = time.perf_counter() - begun
    return Answer(
        "", True, reason, 0.0, (), tuple(warnings), responder.identity, image_tokens, text_tokens, seconds, tuple(shown)
    )


def _evidence(response: Response, current: Shown, prior: Shown | None) -> tuple[Evidence, ...]:
    """Regions, what can be measured on them, and the prior. Sizes come from box and spacing, never from the text."""
    regions = [
        RegionEvidence(region.image, region.label, region.geometry, current.frame)
        for region in response.regions
        if isinstance(region.geometry, Box)
    ]
    measured: list[Evidence] = []
    if current.image.spacing_mm is not None:
        for index, region in enumerate(regions):
            sides = zip(("height", "width"), region.geometry.size, current.image.spacing_mm, strict=True)
            for name, size_px, spacing_mm in sides:
                found = Measurement(name, size_px * spacing_mm, "mm", "side of the box times the pixel spacing", index)
                measured.append(MeasurementEvidence(found))
    before: list[Evidence] = [PriorEvidence(prior.study.study_key)] if prior is not None else []
    return (*regions, *measured, *before)
