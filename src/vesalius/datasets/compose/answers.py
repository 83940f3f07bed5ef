"""Answers that no text gives away: options that are plausible, positions and yes and no that are balanced.

A distractor is true of no picture that it stands beside: it is stated to be absent there, or is another value of what can have
one value only. Those that are mistaken for the right answer come first, then those of the same part of the body, from the
dataset's own labels.
"""

import random
from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from vesalius.datasets.compose.made import Talk, made
from vesalius.datasets.compose.wording import LETTERS, Speech, same, terms
from vesalius.types import Measurement, Region, Sample, SampleImage

T = TypeVar("T")
WAITING = 512  # samples of one question that wait for their counterpart; more are left out


class Deck:
    """Positions dealt from shuffled decks, so that among n options each position is right equally often."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"{seed}|positions")
        self._left: dict[int, list[int]] = {}

    def place(self, count: int) -> int:
        """The next position among `count`."""
        left = self._left.setdefault(count, [])
        if not left:
            left += range(count)
            self._random.shuffle(left)
        return left.pop()

    def back(self, count: int, place: int) -> None:
        """Return a position that could not be used."""
        self._left[count].append(place)


class Even(Generic[T]):
    """Lets through as many of each answer as of any other, question by question.

    What has no counterpart yet waits, at most `WAITING` of each answer; what finds none is never given.
    """

    def __init__(self, answers: Sequence[str], *, waiting: int = WAITING) -> None:
        self._answers, self._most = tuple(answers), waiting
        self._waiting: dict[Hashable, dict[str, deque[T]]] = defaultdict(lambda: {answer: deque() for answer in self._answers})

    def offer(self, question: Hashable, answer: str, item: T) -> Iterator[T]:
        """Hand in an item; get those that have become complete."""
        waiting = self._waiting[question]
        if len(waiting[answer]) < self._most:
            waiting[answer].append(item)
        if all(waiting.values()):
            yield from (items.popleft() for items in waiting.values())

    @property
    def left(self) -> int:
        """How many still wait."""
        return sum(len(items) for waiting in self._waiting.values() for items in waiting.values())


class Matched(Generic[T]):
    """Lets "none", "no" or "0" through no more often than what is there, question by question; what is there always passes."""

    def __init__(self, *, waiting: int = WAITING) -> None:
        self._most = waiting
        self._waiting: dict[Hashable, deque[T]] = defaultdict(deque)
        self._free: Counter[Hashable] = Counter()

    def offer(self, question: Hashable, item: T, *, is_there: bool) -> Iterator[T]:
        """Hand in an item; get those that may pass now."""
        waiting = self._waiting[question]
        if is_there:
            yield item
            if waiting:
                yield waiting.popleft()
            else:
                self._free[question] += 1
        elif self._free[question]:
            self._free[question] -= 1
            yield item
        elif len(waiting) < self._most:
            waiting.append(item)


@dataclass
class Vocabulary:
    """What a dataset knows: the labels of each context and the values of each attribute of a label.

    Attributes:
        labels: (source, modality) → how often each label is marked or stated as present.
        values: (label, attribute) → how often each value.
        drawn_apart: (source, label) of which a picture holds two regions of one sort, so that a region is one and not all.
    """

    labels: dict[tuple[str, str | None], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    values: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    drawn_apart: set[tuple[str, str]] = field(default_factory=set)

    @staticmethod
    def of(samples: Iterable[Sample]) -> "Vocabulary":
        """Counted over all samples, without a picture being read."""
        found = Vocabulary()
        for sample in samples:
            found.add(sample)
        return found

    def add(self, sample: Sample) -> None:
        """Count one sample."""
        counts = self.labels[context(sample)]
        present = {label for label, state in sample.labels.items() if state == "present"}
        counts.update(present | {region.label for region in sample.regions})
        for region in sample.regions:
            for name, value in region.attributes.items():
                self.values[(region.label, name)][value] += 1
        sorts = ((region.image, region.frame, type(region.geometry), region.label) for region in sample.regions)
        several = (label for (*_, label), number in Counter(sorts).items() if number > 1)
        self.drawn_apart.update((sample.provenance.source, label) for label in several)


def context(sample: Sample) -> tuple[str, str | None]:
    """What a sample's distractors have to share with it: the collection and the modality."""
    shown = sample.images[0].image.modality if sample.images else None
    return sample.provenance.source, shown


def distractors(right: str, sample: Sample, vocabulary: Vocabulary, draw: random.Random, *, of: Iterable[str]) -> list[str]:
    """Wrong but plausible labels, the most plausible first.

    Args:
        right: the right label; nothing that is another name of it is given.
        sample: whom it is about.
        vocabulary: of the dataset.
        draw: shuffles what is equally plausible.
        of: labels that are known to be wrong here.
    """
    known = terms()
    part = known[right].part if right in known else None
    like = known[right].like if right in known else ()
    own = vocabulary.labels.get(context(sample), Counter[str]())
    candidates = [label for label in dict.fromkeys(of) if not same(label, right)]
    draw.shuffle(candidates)

    def rank(label: str) -> tuple[bool, bool, bool]:
        elsewhere = part is not None and label in known and known[label].part != part
        return (label not in like, elsewhere, label not in own)

    return sorted((label for label in candidates if rank(label)[1:] != (True, True)), key=rank)


def absent(sample: Sample) -> list[str]:
    """Labels that the sample states to be absent and that nothing in it marks."""
    marked = {region.label for region in sample.regions}
    states: Mapping[str, str] = sample.labels
    shown = [label for label, state in states.items() if state != "absent"] + sorted(marked)
    return [name for name, state in states.items() if state == "absent" and not any(same(name, other) for other in shown)]


def among(right: str, wrong: Sequence[str], deck: Deck | int) -> tuple[tuple[str, ...], str]:
    """The options with the right one at a dealt position, and its letter."""
    at = deck if isinstance(deck, int) else deck.place(len(wrong) + 1)
    options = (*wrong[:at], right, *wrong[at:])
    return options, LETTERS[at]


def lettered(options: Sequence[str]) -> str:
    """The options below one another, each behind its letter."""
    return "\n".join(f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False))


def choice(
    source: Sample,
    engine: str,
    what: str,
    *,
    task: str,
    question: str,
    right: str,
    wrong: Sequence[str],
    deck: Deck | int,
    images: tuple[SampleImage, ...],
    tail: str = "",
    regions: Sequence[Region] = (),
    measurements: Sequence[Measurement] = (),
) -> Sample:
    """A multiple choice of which one option is right: options below the question, its letter and its text in the answer.

    Args:
        source: the annotated sample.
        engine: as in `made`.
        what: as in `made`.
        task: as in `made`.
        question: without options; may mark regions.
        right: the right option.
        wrong: the others, in any order.
        deck: deals the position, so call this only for a sample that is given to somebody; or the position that was dealt.
        images: all are shown.
        tail: of the answer, behind the option.
        regions: as in `made`.
        measurements: as in `made`.
    """
    options, letter = among(right, wrong, deck)
    asked = f"{question}\n{lettered(options)}"
    turns = Talk().turns(asked, f"{letter}. {right}{tail}", pictures=len(images))
    return made(
        source,
        engine,
        what,
        task=task,
        turns=turns,
        images=images,
        regions=regions,
        measurements=measurements,
        options=options,
    )


def said(labels: Iterable[str], speech: Speech, most: int) -> list[str]:
    """At most so many labels as they are said; those without a word in the language are passed over."""
    found: list[str] = []
    for label in labels:
        word = speech.term(label)
        if word is not None and word not in found:
            found.append(word)
    return found[:most]
