"""places: boxes and masks → questions of where, how many, what is there, and which one.

Papers:   Point, Detect, Count (points, boxes, counts and both together); MedRegA (region to text, text to region, one object
          or several, one region or several); Med-GLIP (organs beside lesions).
In:       annotated pictures with regions: boxes, points, polygons, masks. A clip is asked about in one of its frames.
Out:      tasks "location" (one label, or several in one answer), "point", "count", "count_and_point", "count_and_box",
          "description" (a region in the question, its name and attributes in the answer) and "referring" (the largest, the
          highest, the one with an attribute). Answers name regions as `<region:i>`, never numbers.
Counted:  what is drawn apart: labels of which some picture of the source has two regions of one sort. One mask that stands for
          all of a kind is not counted, nor what never is more than one. Points are counted before masks where both are there.
Absent:   "none" and "0" where the sample states that a label is absent, never more often than what is there.
Differs:  the papers write coordinates as text or special tokens; ours are regions, which each model's codec writes. Point,
          Detect, Count fixes a JSON form; an answer here is text with regions. Zero counts are asked; they are rare there.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from vesalius.datasets.compose.answers import Matched, Vocabulary, absent
from vesalius.datasets.compose.made import Again, Talk, made
from vesalius.datasets.compose.questions import in_reading_order
from vesalius.datasets.compose.view import Place, View, frames_of, still, views
from vesalius.datasets.compose.wording import Speech, draw
from vesalius.types import Box, Point, Region, Sample

Task = Literal["where", "where_all", "point", "count", "count_and_point", "count_and_box", "describe", "refer"]
TASKS: tuple[Task, ...] = ("where", "where_all", "point", "count", "count_and_point", "count_and_box", "describe", "refer")
Apart = set[tuple[str, str]]  # as `Vocabulary.drawn_apart`
_LARGER = 1.3  # how much larger by area or volume the largest is than the next
_MOST_NAMED = 4  # labels that one question asks for together


def compose(
    samples: Iterable[Sample],
    *,
    seed: int = 0,
    language: str = "en",
    tasks: tuple[Task, ...] = TASKS,
    labels: tuple[str, ...] = (),
    most: int = 12,
) -> Iterator[Sample]:
    """Questions about places.

    Args:
        samples: annotated; gone through twice.
        seed: of wordings, of the frame of a clip, and of which labels are asked for together.
        language: en, zh or ar; labels without a word in it are passed over.
        tasks: which questions.
        labels: that are asked about; none names all. Leave out what a collection does not mark exhaustively.
        most: regions of one answer; where there are more, people count and do not list.
    """
    speech, several = Speech(language, seed), Again(samples)
    apart = Vocabulary.of(several).drawn_apart
    matched = Matched[Sample]()
    for sample in several:
        for seen in views(sample):
            shown = in_one_frame(seen, seed)
            if shown is None:
                continue
            if labels:
                shown = replace(shown, marked=tuple(place for place in shown.marked if place.label in labels))
            for task, label, is_there, asked in _asked(shown, speech, tasks, most, apart):
                if labels and label and label not in labels:
                    continue
                question = (sample.provenance.split, task, label)
                yield from matched.offer(question, asked, is_there=is_there)


def in_one_frame(seen: View, seed: int) -> View | None:
    """A clip as one of its frames in which something is marked; other pictures as they are. None where nothing is marked."""
    if seen.image.kind != "clip":
        return seen
    count = seen.image.shape[0]
    marked = sorted({frame for place in seen.places for frame in frames_of(place, count)})
    return still(seen, draw(seed, seen.sample, f"frame {seen.index}").choice(marked)) if marked else None


def drawn(seen: View, label: str, apart: Apart) -> list[Place] | None:
    """The single places of a label; None where one region may stand for several."""
    if (seen.sample.provenance.source, label) not in apart:
        return None
    points = [place for place in seen.of(label) if isinstance(place.region.geometry, Point)]
    return points or seen.of(label)


def _asked(seen: View, speech: Speech, tasks: Sequence[Task], most: int, apart: Apart) -> Iterator[tuple[str, str, bool, Sample]]:
    """Task, label, whether it is there, and the sample."""
    gone = [label for label in absent(seen.sample) if not seen.of(label)]
    for label in [*seen.labels, *gone]:
        term = speech.term(label)
        if term is None:
            continue
        for task in tasks:
            if task in _OF_LABEL:
                found = _OF_LABEL[task](seen, label, term, speech, most, apart)
                if found is not None:
                    yield task, label, bool(seen.of(label)), found
        if "describe" in tasks:
            yield from (("describe", label, True, found) for found in _described(seen, label, speech))
        if "refer" in tasks:
            yield from (("refer", label, True, found) for found in _referred(seen, label, term, speech))
    if "where_all" in tasks:
        yield from (("where_all", "", True, found) for found in _several(seen, speech, most))


def _where(seen: View, label: str, term: str, speech: Speech, most: int, apart: Apart) -> Sample | None:
    boxes = _boxes(seen.of(label))
    if len(boxes) > most or (seen.of(label) and not boxes):
        return None
    return _answer(seen, "location", "where", label, speech, boxes, term if boxes else speech.fixed("none"), label=term)


def _point(seen: View, label: str, term: str, speech: Speech, most: int, apart: Apart) -> Sample | None:
    single = drawn(seen, label, apart)
    points = _points(seen.of(label) if single is None else single)
    if len(points) > most:
        return None
    return _answer(seen, "point", "point", label, speech, points, term if points else speech.fixed("none"), label=term)


def _count(seen: View, label: str, term: str, speech: Speech, most: int, apart: Apart) -> Sample | None:
    single = drawn(seen, label, apart)
    if single is None:
        return None
    plural = speech.plural(label)
    fact, said = ("count", plural) if plural else ("count_unnamed", term)
    return _answer(seen, "count", fact, label, speech, [], str(len(single)), label=said)


def _count_and_point(seen: View, label: str, term: str, speech: Speech, most: int, apart: Apart) -> Sample | None:
    single = drawn(seen, label, apart)
    if single is None or len(single) > most:
        return None
    return _answer(seen, "count_and_point", "count_and_point", label, speech, _points(single), str(len(single)), label=term)


def _count_and_box(seen: View, label: str, term: str, speech: Speech, most: int, apart: Apart) -> Sample | None:
    single = drawn(seen, label, apart)
    boxes = _boxes(single or [])
    if single is None or len(single) > most or len(boxes) != len(single):
        return None
    return _answer(seen, "count_and_box", "count_and_box", label, speech, boxes, str(len(single)), label=term)


_OF_LABEL: dict[str, Callable[[View, str, str, Speech, int, Apart], Sample | None]] = {
    "where": _where,
    "point": _point,
    "count": _count,
    "count_and_point": _count_and_point,
    "count_and_box": _count_and_box,
}


def _several(seen: View, speech: Speech, most: int) -> Iterator[Sample]:
    """Several labels in one question, each with all its boxes."""
    boxes = {label: _boxes(seen.of(label)) for label in seen.labels if speech.term(label)}
    fit = [label for label, found in boxes.items() if found and len(found) <= most]
    if len(fit) < 2:
        return
    random = draw(speech.seed, seen.sample, f"together {seen.index}")
    chosen = random.sample(fit, min(len(fit), random.randint(2, _MOST_NAMED)))
    talk, what = Talk(), seen.tag(f"where_all {', '.join(chosen)}")
    answer = "; ".join(f"{speech.term(label)} {talk.marks(boxes[label])}" for label in chosen)
    question = speech.say(seen.sample, "where_all", what, labels=speech.listed([str(speech.term(label)) for label in chosen]))
    turns = talk.turns(question, answer)
    yield made(seen.sample, "places", what, task="location", turns=turns, images=(seen.shown,), regions=talk.regions)


def _described(seen: View, label: str, speech: Speech) -> Iterator[Sample]:
    """A region in the question; what it is and what it is like in the answer."""
    for place in seen.of(label):
        if place.box is None:
            continue
        said = [speech.attribute(*pair) for pair in place.region.attributes.items()]
        talk, what = Talk(), seen.tag(f"description of region {place.at}")
        mark = talk.mark(place.boxed())
        answer = speech.listed([str(speech.term(label)), *(text for text in said if text)])
        turns = talk.turns(speech.say(seen.sample, "describe", what, region=mark), answer)
        yield made(seen.sample, "places", what, task="description", turns=turns, images=(seen.shown,), regions=talk.regions)


def _referred(seen: View, label: str, term: str, speech: Speech) -> Iterator[Sample]:
    """One of several of a label, by what tells it from the others."""
    several = [place for place in seen.of(label) if place.box is not None]
    if len(several) < 2:
        return
    for fact, place, slots in _told_apart(several, seen.image.kind, speech):
        what = f"{fact} {label} {slots.get('attribute', '')}".strip()
        yield _answer(seen, "referring", fact, label, speech, [place.boxed()], term, what=what, label=term, **slots)


def _told_apart(several: list[Place], kind: str, speech: Speech) -> Iterator[tuple[str, Place, dict[str, str]]]:
    by_size = sorted(several, key=lambda place: place.count)
    if by_size[-1].count >= _LARGER * by_size[-2].count:
        yield "refer_largest", by_size[-1], {}
    if by_size[1].count >= _LARGER * by_size[0].count:
        yield "refer_smallest", by_size[0], {}
    if kind != "volume":  # the rows of a volume need not run from head to foot
        by_row = sorted(several, key=lambda place: _row(place))
        if _row(by_row[0]) < _row(by_row[1]) - 1:
            yield "refer_top", by_row[0], {}
        if _row(by_row[-1]) > _row(by_row[-2]) + 1:
            yield "refer_bottom", by_row[-1], {}
    shared = Counter(pair for place in several for pair in place.region.attributes.items())
    for place in several:
        for pair in place.region.attributes.items():
            said = speech.attribute(*pair)
            if said is not None and shared[pair] == 1 and all(pair[0] in other.region.attributes for other in several):
                yield "refer_attribute", place, {"attribute": said}


def _row(place: Place) -> float:
    assert place.center is not None, "a place has a center"
    return place.center[-2]


def _boxes(places: Sequence[Place]) -> list[Region]:
    """Tight boxes of all that is no point."""
    return [place.boxed() for place in places if isinstance(place.box, Box)]


def _points(places: Sequence[Place]) -> list[Region]:
    return [place.marked(place.inner) for place in places if place.inner is not None]


def _answer(
    seen: View,
    task: str,
    fact: str,
    about: str,
    speech: Speech,
    regions: list[Region],
    answer: str,
    *,
    what: str = "",
    **slots: str,
) -> Sample:
    """A question about one label, its answer, and the answer's regions in reading order."""
    numbers = " ".join(str(place.at) for place in seen.of(about))
    what = seen.tag(what or f"{task} of {about}, " + (f"regions {numbers}" if numbers else "stated absent"))
    talk = Talk()
    said = " ".join([answer, talk.marks(in_reading_order(regions))]).strip()
    turns = talk.turns(speech.say(seen.sample, fact, what, **slots), said)
    return made(seen.sample, "places", what, task=task, turns=turns, images=(seen.shown,), regions=talk.regions)
