"""preferences: a right and a plausible wrong answer, or a picture and the same with its lesion noised → weighted pairs.

Paper:    MMedPO: pairs whose text is dispreferred, pairs whose picture is, and a clinical weight for each.
In:       annotated pictures and volumes with labels, and regions with attributes, masks or boxes.
Out:      task "preference" with `preference` and both answers' pictures. Text: one picture, the right answer against one with a
          wrong finding, a wrong attribute, or yes for no. Picture: one answer, the picture against itself noised where the
          finding is ("local") or everywhere ("global", the control); nothing outside of the region is touched.
Noise:    the picture's range becomes [-1, 1]; x_k = sqrt(a_k) x + sqrt(1 - a_k) e with e from N(0, 1) and a_k the product of
          1 - beta to step k of 1000, beta rising evenly from 0.0001 to 0.02; clipped to the range and rounded to the type.
Weights:  w = clip(1 + sqrt(0.1) (s - mean s) / deviation of s, 0.75, 1.25), for each of the two sorts of pairs. The score s of
          a text pair says how much the error would matter (`relevance` in `knowledge/words.json`); that of a picture pair
          how well the finding stands out: c / (1 + c), with c the contrast to a rim around it in deviations of the rim.
          "permuted" deals the weights to other pairs (control), "none" weighs all alike.
Differs:  the paper's scores come from a debate of language models and from a detector's confidence; ours are a table and a
          measurement. Its released noise overwrites pixels; ours follows the schedule above.
"""

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from hashlib import sha256
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.datasets.compose.answers import Vocabulary, absent, distractors
from vesalius.datasets.compose.made import Again, Talk, made
from vesalius.datasets.compose.view import Bools, Place, View, views
from vesalius.datasets.compose.wording import Speech, draw, terms, words
from vesalius.types import Array, Box, Image, Preference, Sample, SampleImage, Source

Pairs = Literal["text", "picture"]
PAIRS: tuple[Pairs, ...] = ("text", "picture")
Weights = Literal["clinical", "permuted", "none"]
STEPS, FIRST_BETA, LAST_BETA = 1000, 1e-4, 0.02
_LEAST, _MOST, _SPREAD = 0.75, 1.25, math.sqrt(0.1)
_RIM_PX = 4  # around a region, that its contrast is measured against


@dataclass(frozen=True)
class Scored:
    """A pair before it is weighted."""

    sort: Pairs
    score: float
    sample: Sample


def compose(
    samples: Iterable[Sample],
    *,
    seed: int = 0,
    language: str = "en",
    pairs: tuple[Pairs, ...] = PAIRS,
    weights: Weights = "clinical",
    noise: Literal["local", "global"] = "local",
    steps: int = 500,
) -> Iterator[Sample]:
    """Weighted pairs.

    Args:
        samples: annotated; gone through three times, because weights depend on all of them.
        seed: of wordings, of the wrong answers, of noise and of permuted weights.
        language: en, zh or ar.
        pairs: which sorts.
        weights: how pairs count.
        noise: where pictures are noised.
        steps: of noise, 0 to 1000; the more, the less is left of the picture.
    """
    speech, several = Speech(language, seed), Again(samples)
    vocabulary = Vocabulary.of(several)
    plan = _Plan(speech, vocabulary, pairs, noise, steps)
    scores: dict[Pairs, list[float]] = {sort: [] for sort in PAIRS}
    for sample in several:
        for pair in plan.of(sample):
            scores[pair.sort].append(pair.score)
    dealt = {sort: iter(_dealt(weighed(scores[sort]), weights, seed)) for sort in PAIRS}
    for sample in several:
        for pair in plan.of(sample):
            preference = pair.sample.preference
            assert preference is not None, "a pair has a preference"
            yield replace(pair.sample, preference=replace(preference, weight=next(dealt[pair.sort])))


def weighed(scores: Sequence[float]) -> list[float]:
    """Scores → weights of mean 1 and variance 0.1 before they are clipped to [0.75, 1.25]; all 1 where all scores are one."""
    if not scores:
        return []
    values = np.asarray(scores, np.float64)
    deviation = float(values.std())
    if deviation < 1e-12:
        return [1.0] * len(scores)
    weights = np.clip(1 + _SPREAD * (values - values.mean()) / deviation, _LEAST, _MOST)
    return [float(weight) for weight in weights]


def diffused(values: npt.NDArray[np.float64], steps: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Values in [-1, 1] after so many steps of noise; not clipped."""
    kept = _kept(steps)
    found: npt.NDArray[np.float64] = math.sqrt(kept) * values + math.sqrt(1 - kept) * rng.standard_normal(values.shape)
    return found


def noised(image: Image, inside: Bools | None, steps: int, seed: str) -> Image:
    """The picture with noise where `inside` is true, everywhere without it; the noise is a function of `seed` alone."""
    digest = sha256(f"{image.source.sha256}|{steps}|{seed}".encode()).hexdigest()
    return replace(
        image,
        load=partial(_with_noise, image, inside, steps, digest),
        load_part=None,
        source=Source(None, digest, image.source.format),
    )


@cache
def _kept(steps: int) -> float:
    """How much of the picture's variance is left."""
    return float(np.prod(1 - np.linspace(FIRST_BETA, LAST_BETA, STEPS)[:steps]))


def _with_noise(image: Image, inside: Bools | None, steps: int, digest: str) -> Array:
    pixels = image.load()
    low, high = float(pixels.min()), float(pixels.max())
    at = np.ones(image.shape, bool) if inside is None else inside
    chosen = pixels[at].astype(np.float64)
    middle, half = (low + high) / 2, max((high - low) / 2, 1e-9)
    rng = np.random.default_rng(int(digest[:16], 16))
    values = np.clip(diffused((chosen - middle) / half, steps, rng), -1, 1) * half + middle
    found = pixels.copy()
    found[at] = np.round(values).astype(pixels.dtype) if np.issubdtype(pixels.dtype, np.integer) else values
    return found


class _Plan:
    """What pairs a sample gives: the same every time that it is asked."""

    def __init__(self, speech: Speech, vocabulary: Vocabulary, pairs: Sequence[Pairs], noise: str, steps: int) -> None:
        self.speech, self.vocabulary, self.pairs, self.noise, self.steps = speech, vocabulary, pairs, noise, steps
        self.relevance: dict[str, float] = words()["relevance"]
        self._contrast: dict[str, float] = {}

    def of(self, sample: Sample) -> Iterator[Scored]:
        """All pairs of a sample."""
        for seen in views(sample):
            if seen.image.kind not in ("image", "volume"):
                continue
            present = [label for label in seen.labels if seen.stated(label) == "present" and self.speech.term(label)]
            for label in present:
                if "text" in self.pairs:
                    yield from self._finding(seen, label)
                    yield from self._attributes(seen, label)
                    yield self._presence(seen, label, "yes", "no")
                if "picture" in self.pairs:
                    yield from self._picture(seen, label)
            if "text" in self.pairs:
                gone = [label for label in absent(sample) if self.speech.term(label)]
                for label in draw(self.speech.seed, sample, "absent").sample(gone, min(len(gone), len(present))):
                    yield self._presence(seen, label, "no", "yes")

    def _finding(self, seen: View, label: str) -> Iterator[Scored]:
        """The finding against the most plausible other one."""
        random_order = draw(self.speech.seed, seen.sample, f"wrong {label}")
        wrong = distractors(label, seen.sample, self.vocabulary, random_order, of=absent(seen.sample))
        wrong = [other for other in wrong if self.speech.term(other)]
        if wrong:
            known = terms()
            sort = "look-alike" if label in known and wrong[0] in known[label].like else "finding"
            what = seen.tag(f"{label} and not {wrong[0]}")
            question = self.speech.say(seen.sample, "finding_question", what)
            answers = str(self.speech.term(label)), str(self.speech.term(wrong[0]))
            yield Scored("text", self.relevance[sort], self._text(seen, what, question, *answers))

    def _attributes(self, seen: View, label: str) -> Iterator[Scored]:
        """An attribute of what is there once against another value that it has elsewhere in the dataset."""
        places = seen.of(label)
        if len(places) != 1:
            return
        for name, value in places[0].region.attributes.items():
            others = [other for other in self.vocabulary.values.get((label, name), {}) if other != value]
            said = {word: self.speech.word("values", word) for word in [value, *sorted(others)]}
            asked = self.speech.word("attributes", name)
            others = [other for other in sorted(others) if said[other] and said[other] != said[value]]
            if others and said[value] and asked:
                wrong = draw(self.speech.seed, seen.sample, f"wrong {label} {name}").choice(others)
                what = seen.tag(f"{name} of {label} {value} and not {wrong}, region {places[0].at}")
                slots = {"name": asked, "label": str(self.speech.term(label))}
                question = self.speech.say(seen.sample, "attribute_question", what, **slots)
                score = self.relevance.get(name, self.relevance["attribute"])
                yield Scored("text", score, self._text(seen, what, question, str(said[value]), str(said[wrong])))

    def _presence(self, seen: View, label: str, right: str, wrong: str) -> Scored:
        what = seen.tag(f"presence of {label}, {right} and not {wrong}")
        question = self.speech.say(seen.sample, "presence", what, label=str(self.speech.term(label)))
        answers = self.speech.fixed(right), self.speech.fixed(wrong)
        return Scored("text", self.relevance["presence"], self._text(seen, what, question, *answers))

    def _text(self, seen: View, what: str, question: str, right: str, wrong: str) -> Sample:
        preference = Preference(right, wrong, (0,), (0,))
        return self._made(seen, what, question, right, preference, (seen.shown,))

    def _picture(self, seen: View, label: str) -> Iterator[Scored]:
        """The answer about the picture against the same about the picture without what it rests on."""
        inside = _marked(seen, label)
        if inside is None:
            return
        what = seen.tag(f"{label} seen and not noised, regions {' '.join(str(place.at) for place in seen.of(label))}")
        where = inside if self.noise == "local" else None
        other = replace(seen.shown, image=noised(seen.image, where, self.steps, f"{self.speech.seed}|{seen.sample.key}|{what}"))
        answer = str(self.speech.term(label))
        question = self.speech.say(seen.sample, "finding_question", what)
        preference = Preference(answer, answer, (0,), (1,))
        sample = self._made(seen, what, question, answer, preference, (seen.shown, other))
        if sample.key not in self._contrast:  # pixels are read once, however often the plan is asked
            self._contrast[sample.key] = contrast(seen.image.load(), inside)
        yield Scored("picture", self._contrast[sample.key], sample)

    def _made(
        self, seen: View, what: str, question: str, answer: str, preference: Preference, images: tuple[SampleImage, ...]
    ) -> Sample:
        turns = Talk().turns(question, answer)
        return made(seen.sample, "preferences", what, task="preference", turns=turns, images=images, preference=preference)


def contrast(pixels: Array, inside: Bools) -> float:
    """How well a region stands out of a rim of four pixels around it, in [0, 1); 0 where there is no rim."""
    gray = pixels.astype(np.float64).mean(axis=-1) if pixels.ndim > inside.ndim else pixels.astype(np.float64)
    around = inside.copy()
    for axis in range(max(0, inside.ndim - 2), inside.ndim):
        for _ in range(_RIM_PX):
            grown = around.copy()
            forward, backward = [slice(None)] * inside.ndim, [slice(None)] * inside.ndim
            forward[axis], backward[axis] = slice(1, None), slice(None, -1)
            grown[tuple(forward)] |= around[tuple(backward)]
            grown[tuple(backward)] |= around[tuple(forward)]
            around = grown
    rim = gray[around & ~inside]
    if not len(rim):
        return 0.0
    apart = abs(float(gray[inside].mean()) - float(rim.mean())) / max(float(rim.std()), 1e-9)
    return apart / (1 + apart)


def _marked(seen: View, label: str) -> Bools | None:
    """All pixels of a label; None where nothing is marked, or all is."""
    found = np.zeros(seen.image.shape, bool)
    for place in seen.of(label):
        _mark(found, place)
    return found if found.any() and not found.all() else None


def _mark(found: Bools, place: Place) -> None:
    at = ... if place.region.frame is None else place.region.frame
    if place.pixels is not None:
        found[at] |= place.pixels
    elif isinstance(place.region.geometry, Box):
        box = place.region.geometry
        corners = zip(box.low, box.high, strict=True)
        found[at][tuple(slice(max(0, math.floor(a)), max(0, math.ceil(b))) for a, b in corners)] = True


def _dealt(weights: list[float], how: Weights, seed: int) -> list[float]:
    if how == "none":
        return [1.0] * len(weights)
    return random.Random(f"{seed}|weights").sample(weights, len(weights)) if how == "permuted" else weights
