"""changes: two visits of a patient → what has become of each finding.

Papers:   MMXU: multiple choice about the change of a region, with the history of the patient or of the region in the prompt;
          TemMed-Bench: yes or no, and a report of the change; MedSG-Bench: the differences of two pictures, marked.
In:       samples that show a prior beside the current picture with regions in both, or single visits of one patient, which are
          put together by day (each visit with the one before). Pictures are paired by modality and view. Asked about are
          findings: labels that the samples state, or everything that is marked where they state none.
Out:      task "change" with options, "has_changed" with yes and no, "difference" (regions in the current picture for what is
          there, in the prior for what has resolved) and "change_report". The current picture stands first.
Change:   new and resolved by what both visits mark or state to be absent. Larger and smaller by the size that is stated for
          both, else by the greatest diameters of both masks in mm: `threshold` is the share that a length has to change by.
          What has no size goes by its grade, worse or better. What has neither is not asked about.
History:  "global" puts the report of the prior visit before the question, "regional" its sentences about the finding; both ask
          only about pairs whose prior visit has a report. A report of the current visit is never given.
Balanced: each change is asked as often as any other; each claim is true as often as false.
Differs:  TemMed-Bench's choice among three pairs of pictures would show one patient beside others and is not made here.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Literal

from vesalius.datasets.compose.answers import Deck, Even, choice
from vesalius.datasets.compose.grades import GRADES, inside, scale_of
from vesalius.datasets.compose.made import Talk, made
from vesalius.datasets.compose.measure import diameter_mm
from vesalius.datasets.compose.reading import about
from vesalius.datasets.compose.view import Place, View, views
from vesalius.datasets.compose.wording import Speech, draw
from vesalius.types import Region, Report, Sample, SampleImage

Task = Literal["change", "has_changed", "difference", "change_report"]
TASKS: tuple[Task, ...] = ("change", "has_changed", "difference", "change_report")
History = Literal["none", "global", "regional"]
Make = Callable[[], Sample]
SIZED = ("new", "larger", "smaller", "unchanged", "resolved")
GRADED = ("new", "worse", "better", "unchanged", "resolved")


@dataclass(frozen=True, eq=False)
class Pair:
    """The same picture at two visits. `history` is the report of the earlier one, where it is known."""

    now: View
    before: View
    history: Report | None

    @property
    def sample(self) -> Sample:
        """The later visit."""
        return self.now.sample

    @property
    def images(self) -> tuple[SampleImage, ...]:
        """The current one, then the prior."""
        return (self.now.shown, replace(self.before.shown, role="prior"))


@dataclass(frozen=True, eq=False)
class Changed:
    """What has become of a label; `is_graded` by its grade, not by its size."""

    label: str
    change: str
    now: tuple[Place, ...]
    before: tuple[Place, ...]
    is_graded: bool

    def regions(self) -> list[Region]:
        """Where it is now, or where it was."""
        if self.now:
            return [place.boxed(0) for place in self.now if place.box is not None]
        return [place.boxed(1) for place in self.before if place.box is not None]


def compose(
    samples: Iterable[Sample],
    *,
    seed: int = 0,
    language: str = "en",
    tasks: tuple[Task, ...] = TASKS,
    history: History = "none",
    threshold: float = 0.15,
    balanced: bool = True,
) -> Iterator[Sample]:
    """Questions about what has changed.

    Args:
        samples: annotated; single visits are kept until all samples have been seen.
        seed: of wordings, of false claims and of the positions of options.
        language: en, zh or ar.
        tasks: which questions.
        history: what of the prior visit's report stands before the question.
        threshold: a length that has changed by less counts as unchanged.
        balanced: ask about each change equally often. Without, as often as each happens.
    """
    speech, deck = Speech(language, seed), Deck(seed)
    even = {SIZED: Even[Make](SIZED), GRADED: Even[Make](GRADED)}
    claims = Even[Sample](("yes", "no"))
    for pair in pairs(samples):
        if history != "none" and (pair.history is None or pair.history.language != language):
            continue
        found = [item for item in changes(pair, threshold) if speech.term(item.label)]
        split = pair.sample.provenance.split
        for item in found:
            words = GRADED if item.is_graded else SIZED
            if "change" in tasks:
                asked = _choice(pair, item, words, speech, deck, history)
                ready = even[words].offer(split, item.change, asked) if balanced else [asked]
                yield from (make() for make in ready)
            if "has_changed" in tasks:
                for claim, answer, claimed in _claims(pair, item, words, speech, history):
                    yield from claims.offer((split, item.label, claim), answer, claimed)
        if "difference" in tasks and found:
            yield _all(pair, found, "difference", speech, history)
        if "change_report" in tasks and found:
            yield _all(pair, found, "change_report", speech, history)


def pairs(samples: Iterable[Sample]) -> Iterator[Pair]:
    """Every picture that was taken at two visits."""
    visits: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        if any(shown.role == "prior" for shown in sample.images):
            yield from _paired(list(views(sample)), list(views(sample, role="prior")), None)
        elif sample.images and sample.images[0].image.day is not None:
            visits[sample.provenance.patient_key].append(sample)
    for of_patient in visits.values():
        in_order = sorted(of_patient, key=lambda sample: sample.images[0].image.day or 0.0)
        for before, now in pairwise(in_order):
            if before.provenance.study_key != now.provenance.study_key:
                yield from _paired(list(views(now)), list(views(before)), before.report)


def changes(pair: Pair, threshold: float) -> Iterator[Changed]:
    """What has become of each finding that is or was there and of which that can be told; of everything where none is named."""
    stated = pair.sample.labels or pair.before.sample.labels
    for label in dict.fromkeys([*pair.now.labels, *pair.before.labels]):
        if stated and label not in stated:
            continue
        now, before = tuple(pair.now.of(label)), tuple(pair.before.of(label))
        if not now or not before:
            change = _appeared(pair, label, is_there=bool(now))
            if change is not None:
                yield Changed(label, change, now, before, _grade((now or before)[0]) is not None and _size(pair.now, now) is None)
            continue
        sizes = _size(pair.now, now), _size(pair.before, before)
        if len(now) == len(before) and sizes[0] and sizes[1]:
            ratio = sizes[0] / sizes[1]
            grown = "larger" if ratio >= 1 + threshold else "smaller" if ratio <= 1 / (1 + threshold) else "unchanged"
            yield Changed(label, grown, now, before, False)
        elif len(now) == len(before) == 1:
            grades = _grade(now[0]), _grade(before[0])
            if grades[0] is not None and grades[1] is not None:
                step = grades[0] - grades[1]
                yield Changed(label, "worse" if step > 0 else "better" if step < 0 else "unchanged", now, before, True)


def _paired(now: Sequence[View], before: Sequence[View], history: Report | None) -> Iterator[Pair]:
    """Pictures of one modality and view, in their order."""
    left = list(before)
    for seen in now:
        sort = (seen.image.kind, seen.image.modality, seen.image.view)
        match = next((other for other in left if (other.image.kind, other.image.modality, other.image.view) == sort), None)
        if match is not None and seen.image.kind in ("image", "volume"):
            left.remove(match)
            yield Pair(seen, match, history)


def _appeared(pair: Pair, label: str, *, is_there: bool) -> str | None:
    """New or resolved; None where nobody has said that it was or is absent."""
    if not is_there:
        return "resolved" if pair.now.stated(label) == "absent" else None
    if pair.now.sample is pair.before.sample:  # its labels are of now; what was marked before says that somebody has looked
        return "new" if pair.before.places and label in pair.sample.labels else None
    return "new" if pair.before.stated(label) == "absent" else None


def _size(seen: View, places: Sequence[Place]) -> float | None:
    """Lengths of all places together: as stated, else of their masks; None where one of them has none."""
    lengths = []
    for place in places:
        stated = [m.value for m in seen.sample.measurements if m.region == place.at and m.name == "size" and m.unit == "mm"]
        if stated:
            lengths.append(stated[0])
        elif _grade(place) is None and place.pixels is not None and seen.spacing_mm is not None:
            lengths.append(diameter_mm(place.pixels, seen.spacing_mm) if place.pixels.ndim == len(seen.spacing_mm) else 0.0)
    return sum(lengths) if len(lengths) == len(places) and all(lengths) else None


def _grade(place: Place) -> int | None:
    for name in GRADES:
        value = place.region.attributes.get(name)
        scale = scale_of([value]) if value is not None else None
        if scale is not None and value is not None:
            return scale.index(value)
    return None


def _choice(pair: Pair, item: Changed, words: Sequence[str], speech: Speech, deck: Deck, history: History) -> Make:
    """Of one label; the position is dealt when it is known that the question is asked."""
    what = pair.now.tag(f"change of {item.label}")
    around = inside(item.now[0], pair.now) if item.now else None
    other = None if around is None else speech.term(around.label)
    slots = {"label": str(speech.term(item.label))}
    question = speech.say(pair.sample, "change", what, **slots)
    if other is not None and draw(speech.seed, pair.sample, f"in {what}").random() < 0.5:
        question = speech.say(pair.sample, "change_in", what, other=other, **slots)
    wrong = [word for word in words if word != item.change]
    draw(speech.seed, pair.sample, f"options {what}").shuffle(wrong)
    talk = Talk()
    tail = " ".join(["", talk.marks(item.regions())]).rstrip()
    return partial(
        choice,
        pair.sample,
        "changes",
        what,
        task="change",
        question=_history(pair, item.label, speech, history) + question,
        right=_word(item.change, speech),
        wrong=[_word(word, speech) for word in wrong],
        deck=deck,
        images=pair.images,
        tail=tail,
        regions=talk.regions,
    )


def _claims(
    pair: Pair, item: Changed, words: Sequence[str], speech: Speech, history: History
) -> Iterator[tuple[str, str, Sample]]:
    """A true claim and a false one."""
    false = draw(speech.seed, pair.sample, f"claim {item.label}").choice([word for word in words if word != item.change])
    for claim, answer in ((item.change, "yes"), (false, "no")):
        what, talk = pair.now.tag(f"claim that {item.label} is {claim}"), Talk()
        slots = {"label": str(speech.term(item.label)), "change": _word(claim, speech)}
        question = _history(pair, item.label, speech, history) + speech.say(pair.sample, "has_changed", what, **slots)
        said = " ".join([speech.fixed(answer), talk.marks(item.regions())]).strip()
        turns = talk.turns(question, said, pictures=2)
        asked = made(pair.sample, "changes", what, task="has_changed", turns=turns, images=pair.images, regions=talk.regions)
        yield claim, answer, asked


def _all(pair: Pair, found: Sequence[Changed], task: Task, speech: Speech, history: History) -> Sample:
    """Everything that has changed, marked or reported; a report also tells what has not."""
    told = [item for item in found if task == "change_report" or item.change != "unchanged"]
    what, talk = pair.now.tag(f"{task} of {', '.join(item.label for item in found)}"), Talk()
    said = []
    for item in told:
        sentence = speech.fixed("changed_so", label=str(speech.term(item.label)), change=_word(item.change, speech))
        said.append(" ".join([sentence, talk.marks(item.regions())]).strip())
    question = _history(pair, None, speech, history) + speech.say(pair.sample, task, what)
    turns = talk.turns(question, " ".join(said) or speech.fixed("none"), pictures=2)
    return made(pair.sample, "changes", what, task=task, turns=turns, images=pair.images, regions=talk.regions)


def _word(change: str, speech: Speech) -> str:
    return speech.fixed(f"change_{change}")


def _history(pair: Pair, label: str | None, speech: Speech, history: History) -> str:
    """The record of the prior visit, or "". Where a question is about no single finding, regional is global."""
    if history == "none" or pair.history is None:
        return ""
    regional = history == "regional" and label is not None
    text = " ".join(about(pair.history, str(label))) if regional else pair.history.findings
    return f"{speech.fixed('history', text=text)}\n" if text else ""
