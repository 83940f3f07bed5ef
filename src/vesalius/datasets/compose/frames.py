"""frames: frames of a clip, or slices of a volume → questions that need several pictures.

Paper:    MedFrameQA: multiple choice about two to five frames.
In:       annotated clips (and volumes, where `kinds` names them) with masks, or with regions that name their frame.
Out:      tasks "frames_which" (in which picture a label is visible), "frames_all" (what is visible in every one), "frames_count"
          (in how many) and "frames_trend" (whether it takes up more or less from the first to the last). Frames are shown in
          their order; the numbers of pictures from two to five are drawn alike.
Visible:  `least_px` pixels or more; a frame with fewer, but some, is not used for that label.
Balanced: the position of the right option, and for the trend each answer.
Differs:  the paper extracts frames and builds questions by a pipeline over medical videos and filters them by hand; ours follow
          from masks. A shown order that is not the true one is never asked about.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from random import Random
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.datasets.compose.answers import Deck, Even, absent, choice, said
from vesalius.datasets.compose.changes import Make
from vesalius.datasets.compose.made import Talk, made
from vesalius.datasets.compose.view import View, frames_of, still, views
from vesalius.datasets.compose.wording import Speech, draw, same
from vesalius.types import Point, Sample, SampleImage

Task = Literal["frames_which", "frames_all", "frames_count", "frames_trend"]
TASKS: tuple[Task, ...] = ("frames_which", "frames_all", "frames_count", "frames_trend")
FEWEST, MOST = 2, 5
_GROWN, _SAME = 1.5, 1.1  # times the area: more is a change, less is none, between the two nothing is asked
_TRENDS = ("larger", "smaller", "unchanged")
Areas = Mapping[str, npt.NDArray[np.float64]]  # label → pixels in each frame


def compose(
    samples: Iterable[Sample],
    *,
    seed: int = 0,
    language: str = "en",
    tasks: tuple[Task, ...] = TASKS,
    kinds: tuple[str, ...] = ("clip",),
    least_px: int = 9,
) -> Iterator[Sample]:
    """Questions about several frames.

    Args:
        samples: annotated.
        seed: of wordings, of the frames and of positions.
        language: en, zh or ar.
        tasks: which questions; one of each for a clip, where it has one.
        kinds: "clip", "volume".
        least_px: pixels of a frame from which on a label is visible there.
    """
    speech, deck, even = Speech(language, seed), Deck(seed), Even[Make](_TRENDS)
    for sample in samples:
        for seen in views(sample):
            if seen.image.kind not in kinds or seen.image.shape[0] < FEWEST:
                continue
            areas = {label: area for label, area in _areas(seen).items() if speech.term(label)}
            random = draw(seed, sample, f"frames {seen.index}")
            if "frames_which" in tasks:
                yield from _which(seen, areas, speech, deck, random, least_px)
            if "frames_all" in tasks:
                yield from _all(seen, areas, speech, deck, random, least_px)
            if "frames_count" in tasks:
                yield from _count(seen, areas, speech, random, least_px)
            if "frames_trend" in tasks:
                for trend, make in _trend(seen, areas, speech, deck, random, least_px):
                    yield from (ready() for ready in even.offer(sample.provenance.split, trend, make))


def _areas(seen: View) -> Areas:
    """How many pixels of each frame a label takes up; a box counts with its area, a point says nothing of an area."""
    count = seen.image.shape[0]
    areas: dict[str, npt.NDArray[np.float64]] = {}
    for place in seen.places:
        if isinstance(place.region.geometry, Point):
            continue
        area = areas.setdefault(place.label, np.zeros(count))
        if place.pixels is not None and place.region.frame is None:
            area += place.pixels.reshape(count, -1).sum(axis=1)
        else:
            for frame in frames_of(place, count):
                area[frame] += place.count / max(1, len(frames_of(place, count)))
    return areas


def _which(seen: View, areas: Areas, speech: Speech, deck: Deck, random: Random, least_px: int) -> Iterator[Sample]:
    """A label that one of the pictures shows; the position was dealt, the frames are chosen for it."""
    number = random.randint(FEWEST, MOST)
    position = deck.place(number)
    for label in random.sample(sorted(areas), len(areas)):
        gone, visible = np.flatnonzero(areas[label] == 0), np.flatnonzero(areas[label] >= least_px)
        fit = [at for at in visible if (gone < at).sum() >= position and (gone > at).sum() >= number - 1 - position]
        if not fit:
            continue
        at = int(random.choice(fit))
        before = random.sample(gone[gone < at].tolist(), position)
        after = random.sample(gone[gone > at].tolist(), number - 1 - position)
        frames = sorted([*before, at, *after])
        what, talk = _named(seen, "frames_which", label, frames), Talk()
        boxes = [place.boxed(position) for place in still(seen, at).of(label) if place.box is not None]
        names = _numbers(number, speech)
        options, right = [name for name in names if name != names[position]], names[position]
        question = speech.say(seen.sample, "frames_which", what, label=str(speech.term(label)))
        tail = " ".join(["", talk.marks(boxes)]).rstrip()
        yield choice(
            seen.sample,
            "frames",
            what,
            task="frames_which",
            question=question,
            right=right,
            wrong=options,
            deck=position,
            images=_pictures(seen, frames),
            tail=tail,
            regions=talk.regions,
        )
        return
    deck.back(number, position)


def _all(seen: View, areas: Areas, speech: Speech, deck: Deck, random: Random, least_px: int) -> Iterator[Sample]:
    """What every one of the pictures shows, among what at least one of them does not show."""
    number = random.randint(FEWEST, MOST)
    if seen.image.shape[0] < number or len(areas) < 2:
        return
    frames = sorted(random.sample(range(seen.image.shape[0]), number))
    everywhere = [label for label, area in areas.items() if area[frames].min() >= least_px]
    lacking = [label for label, area in areas.items() if area[frames].min() == 0 and not any(same(label, x) for x in everywhere)]
    wrong = said([*random.sample(lacking, len(lacking)), *random.sample(gone := absent(seen.sample), len(gone))], speech, 3)
    if not everywhere or len(wrong) < 2:
        return
    label = random.choice(everywhere)
    what = _named(seen, "frames_all", label, frames)
    question = speech.say(seen.sample, "frames_all", what)
    right, images = str(speech.term(label)), _pictures(seen, frames)
    yield choice(
        seen.sample, "frames", what, task="frames_all", question=question, right=right, wrong=wrong, deck=deck, images=images
    )


def _count(seen: View, areas: Areas, speech: Speech, random: Random, least_px: int) -> Iterator[Sample]:
    """In how many of the pictures a label is visible; each number from none to all is drawn alike."""
    number = random.randint(FEWEST, MOST)
    shown = random.randint(0, number)
    for label in random.sample(sorted(areas), len(areas)):
        gone, visible = np.flatnonzero(areas[label] == 0).tolist(), np.flatnonzero(areas[label] >= least_px).tolist()
        if len(visible) < shown or len(gone) < number - shown or not gone:
            continue
        frames = sorted([*random.sample(visible, shown), *random.sample(gone, number - shown)])
        what = _named(seen, "frames_count", label, frames)
        question = speech.say(seen.sample, "frames_count", what, label=str(speech.term(label)))
        images = _pictures(seen, frames)
        turns = Talk().turns(question, str(shown), pictures=number)
        yield made(seen.sample, "frames", what, task="frames_count", turns=turns, images=images)
        return


def _trend(seen: View, areas: Areas, speech: Speech, deck: Deck, random: Random, least_px: int) -> Iterator[tuple[str, Make]]:
    """A label that is visible in the first and the last picture, with more, less or as much of it."""
    number = random.randint(FEWEST, MOST)
    if seen.image.shape[0] < number:
        return
    frames = sorted(random.sample(range(seen.image.shape[0]), number))
    for label in random.sample(sorted(areas), len(areas)):
        first, last = areas[label][frames[0]], areas[label][frames[-1]]
        ratio = last / first if min(first, last) >= least_px else 0.0
        trend = _called(ratio)
        if trend is None:
            continue
        what = _named(seen, "frames_trend", label, frames)
        words = {word: speech.fixed(f"change_{word}") for word in _TRENDS}
        yield (
            trend,
            partial(
                choice,
                seen.sample,
                "frames",
                what,
                task="frames_trend",
                question=speech.say(seen.sample, "frames_trend", what, label=str(speech.term(label))),
                right=words[trend],
                wrong=[word for name, word in words.items() if name != trend],
                deck=deck,
                images=_pictures(seen, frames),
            ),
        )
        return


def _called(ratio: float) -> str | None:
    """What a ratio of areas is called; None between a change and none."""
    if ratio <= 0:
        return None
    if ratio >= _GROWN or ratio <= 1 / _GROWN:
        return "larger" if ratio > 1 else "smaller"
    return "unchanged" if 1 / _SAME <= ratio <= _SAME else None


def _numbers(number: int, speech: Speech) -> list[str]:
    return [speech.fixed("picture", number=str(at + 1)) for at in range(number)]


def _pictures(seen: View, frames: Sequence[int]) -> tuple[SampleImage, ...]:
    return tuple(still(seen, frame).shown for frame in frames)


def _named(seen: View, task: str, label: str, frames: Sequence[int]) -> str:
    return seen.tag(f"{task} of {label}, frames {' '.join(str(frame) for frame in frames)}")
