"""grades: a region in a volume and its grade → question, box, steps, grade.

Paper:    3DReasonKnee: question, 3-D box, reasoning steps and severity grade of knee MRI.
In:       annotated volumes whose regions carry a grade as attribute ("severity", "grade") with a word of one of the scales in
          `knowledge/words.json`; labels that are stated to be absent have the grade "none".
Out:      task "grade": the answer locates (a 3-D box), says in which structure that lies, measures the mask, tells the other
          attributes, and ends with the grade, a step a line. Every step is computed from the annotation.
Guided:   the question also says what to look for, from `knowledge/descriptions.json`.
Balanced: "none" is never more frequent than the grades of what is there; how often each grade comes is as in the data.
Differs:  the paper's steps were written by experts for one joint; ours follow one plan for any organ. Its grades are numbers of
          a scoring system; ours are the words that the annotation uses.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from vesalius.datasets.compose.answers import Matched, Vocabulary, absent
from vesalius.datasets.compose.made import Again, Talk, made
from vesalius.datasets.compose.measure import diameter_mm
from vesalius.datasets.compose.sizes import told
from vesalius.datasets.compose.view import Place, View, views
from vesalius.datasets.compose.wording import Speech, words
from vesalius.types import Sample

GRADES = ("severity", "grade")
_INSIDE = 0.75  # of a region lies in the structure that it is said to lie in


def compose(
    samples: Iterable[Sample], *, seed: int = 0, language: str = "en", guided: bool = False, kinds: tuple[str, ...] = ("volume",)
) -> Iterator[Sample]:
    """Graded findings, step by step.

    Args:
        samples: annotated; gone through twice.
        seed: of wordings.
        language: en, zh or ar.
        guided: say in the question what to look for.
        kinds: of pictures that are asked about.
    """
    speech, several, matched = Speech(language, seed), Again(samples), Matched[Sample]()
    graded = _graded(Vocabulary.of(several))
    for sample in several:
        for seen in views(sample):
            if seen.image.kind not in kinds:
                continue
            for label in [*seen.labels, *absent(sample)]:
                if label in graded and speech.term(label):
                    name, scale = graded[label]
                    for asked in _asked(seen, label, name, scale, speech, guided):
                        yield from matched.offer((sample.provenance.split, label), asked, is_there=bool(seen.of(label)))


def scale_of(values: Iterable[str]) -> tuple[str, ...] | None:
    """The first scale that holds all of these grades; None where there is none."""
    wanted = set(values)
    return next((tuple(scale) for scale in words()["scales"] if wanted <= set(scale)), None)


def inside(place: Place, seen: View) -> Place | None:
    """The smallest other structure that holds three quarters of a place or more; None where no mask does."""
    if place.pixels is None:
        return None
    holding = [
        other
        for other in seen.places
        if other.label != place.label
        and other.pixels is not None
        and other.pixels.shape == place.pixels.shape
        and np.count_nonzero(other.pixels & place.pixels) >= _INSIDE * place.count
        and other.count > place.count
    ]
    return min(holding, key=lambda other: other.count, default=None)


def _graded(vocabulary: Vocabulary) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Label → the attribute that grades it, and its scale."""
    found = {}
    for (label, name), values in vocabulary.values.items():
        scale = scale_of(values) if name in GRADES else None
        if scale is not None:
            found[label] = (name, scale)
    return found


def _asked(seen: View, label: str, name: str, scale: Sequence[str], speech: Speech, guided: bool) -> Iterator[Sample]:
    """One question for a label that is there once, or not at all."""
    places, term = seen.of(label), str(speech.term(label))
    if len(places) > 1 or (places and (name not in places[0].region.attributes or places[0].box is None)):
        return
    what = seen.tag(f"{name} of {label}, " + (f"region {places[0].at}" if places else "stated absent"))
    grades = [str(speech.word("values", grade)) for grade in ("none", *scale)]
    slots = {"label": term, "name": str(speech.word("attributes", name)), "scale": speech.listed(grades)}
    question = speech.say(seen.sample, "grade", what, **slots)
    if guided and (looks := speech.description(label)):
        question = f"{question} {speech.fixed('guide', description=speech.listed(list(looks.values())))}"
    talk = Talk()
    steps = _steps(seen, places[0], name, term, talk, speech) if places else [speech.fixed("step_absent", label=term)]
    grade = places[0].region.attributes[name] if places else "none"
    steps.append(speech.fixed("step_grade", name=slots["name"], grade=str(speech.word("values", grade))))
    turns = talk.turns(question, "\n".join(steps))
    yield made(seen.sample, "grades", what, task="grade", turns=turns, images=(seen.shown,), regions=talk.regions)


def _steps(seen: View, place: Place, name: str, term: str, talk: Talk, speech: Speech) -> list[str]:
    """Where it is, how large, what else is seen; what the annotation does not say is no step."""
    steps = [speech.fixed("step_where", label=term, region=talk.mark(place.boxed()))]
    around = inside(place, seen)
    if around is not None and (other := speech.term(around.label)):
        steps[0] += " " + speech.fixed("step_inside", other=other, region=talk.mark(around.boxed()))
    if place.pixels is not None and seen.spacing_mm is not None and place.pixels.ndim == len(seen.spacing_mm):
        steps.append(speech.fixed("step_size", size=told(diameter_mm(place.pixels, seen.spacing_mm), "mm", speech)))
    said = [speech.attribute(*pair) for pair in place.region.attributes.items() if pair[0] != name]
    if any(said):
        steps.append(speech.fixed("step_seen", attributes=speech.listed([text for text in said if text])))
    return steps
