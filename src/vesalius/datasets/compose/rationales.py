"""rationales: facts of an annotation → the reason for an answer, before it, behind it, or as a stage of its own.

Paper:    MedThink: rationales as explanation (answer first), as reasoning (reason first) or in two stages.
In:       annotated pictures with labels, and regions where there are any.
Out:      task "presence": yes or no with a rationale put together from what the annotation says: where it is, what it is like,
          how large, in which structure; and what such a finding looks like. "two_stage" gives two samples for each question:
          task "rationale", the question and its rationale, and "presence", the question with the rationale in it and the answer.
Control:  "shuffled" takes the rationale of another label of the same picture, never of another patient; "none" gives answers
          alone. All arms ask the same.
Folds:    the second stage must learn from rationales that a model wrote for patients it was not trained on. `folds` names each
          patient's fold in the provenance, so that stage one can be trained once without each.
Balanced: yes and no for every label.
Differs:  the paper's rationales are written by a language model that is given the answer; these state annotated facts only.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from vesalius.datasets.compose.answers import Even, absent
from vesalius.datasets.compose.grades import inside
from vesalius.datasets.compose.made import Talk, made
from vesalius.datasets.compose.measure import diameter_mm
from vesalius.datasets.compose.places import in_one_frame
from vesalius.datasets.compose.sizes import told
from vesalius.datasets.compose.view import Place, View, views
from vesalius.datasets.compose.wording import Speech, draw
from vesalius.types import Sample

Strategy = Literal["explanation", "reasoning", "two_stage"]
Control = Literal["given", "shuffled", "none"]


def compose(
    samples: Iterable[Sample],
    *,
    seed: int = 0,
    language: str = "en",
    strategy: Strategy = "explanation",
    control: Control = "given",
    folds: int = 0,
) -> Iterator[Sample]:
    """Answers with reasons.

    Args:
        samples: annotated.
        seed: of wordings.
        language: en, zh or ar.
        strategy: where the rationale stands.
        control: whose rationale it is.
        folds: how many the patients are dealt into; 0 names none.
    """
    speech, even = Speech(language, seed), Even[tuple[Sample, ...]](("yes", "no"))
    for sample in samples:
        for whole in views(sample):
            seen = in_one_frame(whole, seed) or whole
            shown = [label for label in seen.labels if seen.stated(label) == "present" and speech.term(label)]
            gone = [label for label in absent(sample) if speech.term(label)]
            for label, answer in [*((label, "yes") for label in shown), *((label, "no") for label in gone)]:
                other = _another(seen, label, [*shown, *gone], speech) if control == "shuffled" else label
                asked = tuple(_asked(seen, label, other, answer, speech, strategy, control, folds))
                for ready in even.offer((sample.provenance.split, label), answer, asked):
                    yield from ready


def fold_of(patient_key: str, folds: int) -> int:
    """The fold of a patient, 1 to `folds`: a function of the key alone."""
    return int.from_bytes(hashlib.sha256(f"fold|{patient_key}".encode()).digest()[:8], "big") % folds + 1


def rationale(seen: View, label: str, speech: Speech, talk: Talk, what: str) -> str:
    """What the annotation says of a label in this picture, a sentence a fact."""
    name = str(speech.term(label))
    places = seen.of(label)
    if places:
        marks = talk.marks(place.boxed() for place in places if place.box is not None)
        sentences = [speech.say(seen.sample, "fact_present", what, label=name, regions=marks).replace(" .", ".")]
        if len(places) == 1:
            sentences += _of_one(seen, places[0], speech)
    else:
        sentences = [speech.say(seen.sample, "fact_absent", what, label=name)]
    looks = speech.description(label)
    if looks:
        sentences.append(speech.fixed("fact_looks", label=name, description=speech.listed(list(looks.values()))))
    return " ".join(sentences)


def _of_one(seen: View, place: Place, speech: Speech) -> Iterator[str]:
    """What is told of what is there once."""
    said = [text for text in (speech.attribute(*pair) for pair in place.region.attributes.items()) if text]
    if said:
        yield speech.fixed("fact_attributes", attributes=speech.listed(said))
    around = inside(place, seen)
    other = None if around is None else speech.term(around.label)
    if other is not None:
        yield speech.fixed("fact_inside", other=other)
    stated = [m.value for m in seen.sample.measurements if m.region == place.at and m.name == "size" and m.unit == "mm"]
    if stated:
        yield speech.fixed("fact_size", size=told(stated[0], "mm", speech))
    elif place.pixels is not None and seen.spacing_mm is not None and place.pixels.ndim == len(seen.spacing_mm):
        yield speech.fixed("fact_size", size=told(diameter_mm(place.pixels, seen.spacing_mm), "mm", speech))


def _another(seen: View, label: str, labels: list[str], speech: Speech) -> str:
    """Another label of the picture, whose rationale stands in."""
    others = [other for other in labels if other != label]
    return draw(speech.seed, seen.sample, f"instead of {label}").choice(others) if others else label


def _asked(
    seen: View, label: str, other: str, answer: str, speech: Speech, strategy: Strategy, control: Control, folds: int
) -> Iterator[Sample]:
    """The sample of a question, or the two of its stages."""
    what, talk = seen.tag(f"presence of {label}"), Talk()
    question = speech.say(seen.sample, "presence", what, label=str(speech.term(label)))
    reason = rationale(seen, other, speech, talk, what) if control != "none" else ""
    final = speech.fixed("answer_is", answer=speech.fixed(answer))
    stages = {
        "explanation": [("presence", f"{question} {speech.fixed('explain')}", f"{final}\n{reason}")],
        "reasoning": [("presence", f"{question} {speech.fixed('think')}", f"{reason}\n{final}")],
        "two_stage": [
            ("rationale", f"{question} {speech.fixed('solve')}", reason),
            ("presence", f"{question}\n{speech.fixed('given', text=reason)}", final),
        ],
    }
    parts = [("presence", question, final)] if control == "none" else stages[strategy]
    for task, asked, said in parts:
        sample = made(
            seen.sample,
            "rationales",
            f"{task}: {what}",
            task=task,
            turns=talk.turns(asked, said),
            images=(seen.shown,),
            regions=talk.regions,
        )
        yield _in_fold(sample, folds) if folds else sample


def _in_fold(sample: Sample, folds: int) -> Sample:
    origin = sample.provenance
    fold = fold_of(origin.patient_key, folds)
    return replace(sample, provenance=replace(origin, annotation=f"{origin.annotation}; fold {fold} of {folds}"))
