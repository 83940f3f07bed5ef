"""descriptions: knowledge of what a finding looks like, in place of its name or beside it.

Papers:   FLAIR, arXiv:2308.07898: the class name is replaced by one of its expert descriptions, drawn uniformly; K2Sight: a
          finding is asked for by its shape, density and location, "{name} means {definition}".
In:       annotated pictures with labels and regions whose labels stand in `knowledge/descriptions.json`.
Out:      task "caption" with the description where the name would stand, and task "location" with boxes as answer. Both keep
          the labels, so that pictures of one category can be positives of one another.
Form:     "instead": the name or one description of an attribute, uniformly (FLAIR's rule); "beside": the name, then all
          attributes; "name": the names alone, the arm to compare with.
Control:  "shuffled" gives every finding the description of another one, the same throughout: what is won by descriptions must
          be lost by it.
Differs:  descriptions are our own, by shape, density and location in three languages; a picture with several findings gets a
          question and a caption for each. Findings that nobody has described are left out in every form, so that all arms
          are about the same pictures.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from vesalius.datasets.compose.answers import Matched, absent
from vesalius.datasets.compose.captions import exam, findings_of
from vesalius.datasets.compose.made import Talk, made
from vesalius.datasets.compose.places import in_one_frame
from vesalius.datasets.compose.questions import in_reading_order
from vesalius.datasets.compose.view import View, views
from vesalius.datasets.compose.wording import Speech, descriptions, draw
from vesalius.types import Report, Sample

Form = Literal["instead", "beside", "name"]
Control = Literal["none", "shuffled"]


def compose(
    samples: Iterable[Sample], *, seed: int = 0, language: str = "en", form: Form = "instead", control: Control = "none"
) -> Iterator[Sample]:
    """Captions and questions of place in other words than names.

    Args:
        samples: annotated.
        seed: of wordings and of which description is drawn.
        language: en, zh or ar.
        form: how name and description stand to each other.
        control: "shuffled" exchanges the descriptions among the findings.
    """
    speech, matched = Speech(language, seed), Matched[Sample]()
    for sample in samples:
        for seen in views(sample):
            for label in findings_of(sample):
                yield from _captioned(seen, label, speech, form, control)
            shown = in_one_frame(seen, seed)
            if shown is not None:
                for label in [*shown.labels, *absent(sample)]:
                    for asked in _placed(shown, label, speech, form, control):
                        question = (sample.provenance.split, label)
                        yield from matched.offer(question, asked, is_there=bool(shown.of(label)))


def described(seen: View, label: str, speech: Speech, form: Form, control: Control, what: str) -> str | None:
    """How a finding is called in one text; None where nobody has described it."""
    name, own = speech.term(label), speech.description(label)
    if name is None or not own:
        return None
    told = speech.description(another(label)) if control == "shuffled" else own
    if form == "name":
        return name
    if form == "beside":
        return speech.fixed("described", name=name, description=speech.listed(list(told.values())))
    return draw(speech.seed, seen.sample, f"description {what}").choice([name, *told.values()])


def another(label: str) -> str:
    """The finding whose description a label gets in the control: the one half a list further, for every language."""
    known = sorted(descriptions())
    return known[(known.index(label) + len(known) // 2) % len(known)]


def _captioned(seen: View, label: str, speech: Speech, form: Form, control: Control) -> Iterator[Sample]:
    what = seen.tag(f"caption of {label}, {form}")
    said, name = described(seen, label, speech, form, control, what), exam(seen, speech)
    if said is None or name is None:
        return
    text = speech.say(seen.sample, "caption", what, exam=name, findings=said)
    turns = Talk().turns(speech.say(seen.sample, "caption_question", what), text)
    report = Report(text, "", speech.language)
    yield made(seen.sample, "descriptions", what, task="caption", turns=turns, images=(seen.shown,), report=report)


def _placed(seen: View, label: str, speech: Speech, form: Form, control: Control) -> Iterator[Sample]:
    what = seen.tag(f"location of {label}, {form}")
    said = described(seen, label, speech, form, control, what)
    boxes = [place.boxed() for place in seen.of(label) if place.box is not None]
    if said is None or (seen.of(label) and not boxes):
        return
    talk = Talk()
    answer = f"{speech.term(label)} {talk.marks(in_reading_order(boxes))}" if boxes else speech.fixed("none")
    turns = talk.turns(speech.say(seen.sample, "where", what, label=said), answer)
    images, regions = (seen.shown,), talk.regions
    yield made(seen.sample, "descriptions", what, task="location", turns=turns, images=images, regions=regions)
