"""The exam of an encoder: every protocol, its choices made on validation, its baselines beside it, its intervals over patients.

In order: embed the training and validation pairs that a protocol learns from, learn and choose, freeze; only then embed the test
pairs and score them. Nothing after that changes a choice. The same is done with an encoder of random weights and, where no words
are needed, with thumbnails of 16 x 16 pixels in place of an encoder, and the frozen protocols are asked again with each picture's
vector exchanged for that of another patient's (shuffled pairs).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from vesalius.benchmarks.encoders.embedded import Embedder
from vesalius.benchmarks.encoders.prompts import Absence
from vesalius.benchmarks.encoders.scores import Direction, Scores
from vesalius.benchmarks.encoders.session import MEASURES, SEED, SPLITS, USUAL, Measure, Session, with_baselines
from vesalius.benchmarks.encoders.weak_masks import Maps
from vesalius.datasets.pairs.class_texts import CLASS_FORMS, Form
from vesalius.datasets.pairs.pair import Pair
from vesalius.errors import InputRefused, Problem, UsageError


@dataclass(frozen=True)
class Exam:
    """What an encoder is asked.

    Args:
        measures: which protocols; all but weak_masks where none is named.
        prompts: the forms in which a class is said in prompts, as `datasets.pairs.class_texts` has them; several are pooled.
        templates: wordings of prompts, 1 to 8; 0 is the bare phrase.
        ensemble: prompts per class and form at most, the canonical one and others drawn; 0 for all.
        absence: what a finding's presence is compared with: the same words negated, a normal picture, or nothing.
        classes: which test classes zero_shot_* is about: those of training, those that training does not have, or all. Where both
            are there, each has its own scores as well: zero_shot_*_seen and zero_shot_*_unseen.
        percents: shares of the training labels that probes learn from.
        shots: examples per class.
        neighbors: numbers of neighbors to choose from.
        maps: which map weak_masks are made of: the encoder's own learned "attention", or its "grad_cam".
        point_at: regions that pointing and weak_masks look for: those of findings (all, of pictures without findings), or all.
        tolerance_px: how far outside a region a pointed place still is right.
        train_limit: training pictures that probes and neighbors learn from at most, drawn.
        test_limit: test pictures at most, drawn; validation pictures as well.
        texts_each: texts of a test picture that retrieval asks with at most, drawn.
        resamples: of the patients, for intervals; 0 for none.

    Raises:
        UsageError: `bad_recipe`, with every impossible value.
    """

    measures: Sequence[Measure] = USUAL
    prompts: Sequence[Form] = ("names",)
    templates: int = 8
    ensemble: int = 8
    absence: Absence = "negated"
    classes: Literal["seen", "unseen", "all"] = "all"
    percents: Sequence[float] = (1, 10, 100)
    shots: Sequence[int] = (4, 16)
    neighbors: Sequence[int] = (1, 5, 20)
    maps: Maps = "attention"
    point_at: Literal["findings", "all"] = "findings"
    tolerance_px: float = 0.0
    train_limit: int = 2000
    test_limit: int = 1000
    texts_each: int = 5
    resamples: int = 1000

    def __post_init__(self) -> None:
        problems = []
        for name, allowed in (("measures", MEASURES), ("prompts", CLASS_FORMS)):
            if not getattr(self, name) or set(getattr(self, name)) - set(allowed):
                problems.append(Problem(f"evaluate.{name}", "must name some of what there is", tuple(allowed)))
        for name in ("shots", "neighbors"):
            if not getattr(self, name) or min(getattr(self, name)) < 1:
                problems.append(Problem(f"evaluate.{name}", "must be numbers of at least 1"))
        if not self.percents or min(self.percents) <= 0 or max(self.percents) > 100:
            problems.append(Problem("evaluate.percents", "must be above 0 and at most 100"))
        least = {"templates": 0, "ensemble": 0, "tolerance_px": 0, "train_limit": 1, "test_limit": 1}
        least |= {"texts_each": 1, "resamples": 0}
        problems += [
            Problem(f"evaluate.{name}", f"must be at least {low}") for name, low in least.items() if getattr(self, name) < low
        ]
        if problems:
            listed = "; ".join(f"{problem.key} {problem.message}" for problem in problems)
            raise UsageError("bad_recipe", f"The exam cannot be held so: {listed}. Nothing was started.", problems)

    def run(
        self,
        embedder: Embedder,
        pairs: Mapping[str, Sequence[Pair]],
        untrained: Embedder | None = None,
        *,
        thumbnail: Embedder | None = None,
        scale: float | None = None,
    ) -> Scores:
        """Examine an encoder.

        Args:
            embedder: the trained one.
            pairs: train, validation and test; the first two may be empty, and what needs them is then left out.
            untrained: the same architecture with random weights; None: that baseline is left out.
            thumbnail: pictures as thumbnails, asked what can be asked without words; None: that baseline is left out.
            scale: by which the encoder multiplies cosines in its loss, for its own calibration; None: that is left out.

        Returns:
            Scores with their intervals and baselines; what could not be measured, and why, in `notes["left_out"]`.

        Raises:
            InputRefused: `empty_split` when no pair is for testing, or `unseen` or `seen` classes are asked for and there are
                none.
        """
        session = Session(self, self._taken(pairs), scale)
        found, material = session.examine(embedder)
        values = {name: score.value for name, score in found.items() if score.value is not None} | session.beside
        if untrained is not None:
            values |= {f"{name}_untrained": value for name, value in session.values_of(untrained).items()}
        if thumbnail is not None:
            values |= {f"{name}_thumbnail": value for name, value in session.of_pictures_alone(thumbnail).items()}
        ordered = {each: values[each] for name in found for each in with_baselines(name) if each in values}
        intervals = {name: score.interval for name, score in found.items() if score.interval is not None}
        directions: dict[str, Direction] = {name: score.direction for name, score in found.items()}
        return Scores(ordered, intervals, session.notes, material, directions, tuple(self._rows(pairs)["test"]))

    def check(self, pairs: Mapping[str, Sequence[Pair]]) -> None:
        """Refuse pairs of which nothing could be measured, before an encoder is trained on them.

        Raises:
            InputRefused: `bad_dataset`: every measure that is asked for needs two classes, and the test pairs are of one or none.
        """
        test = pairs.get("test", ())
        classes = {pair.label for pair in test} - {None}
        states: dict[str, set[str]] = {}
        for pair in test:
            for finding, state in pair.sample.labels.items():
                states.setdefault(finding, set()).add(state)
        told_apart = len(classes) > 1 or any({"present", "absent"} <= found for found in states.values())
        possible = {"zero_shot": told_apart, "linear_probe": told_apart, "few_shot": told_apart, "neighbors": told_apart}
        possible |= {"clusters": len(classes) > 1, "calibration": len(classes) > 1}
        if not any(possible.get(measure, True) for measure in self.measures):
            raise InputRefused(
                "bad_dataset",
                f"The test pairs are of {len(classes)} class, and no finding is present in some and absent in others. "
                f"Nothing that evaluate.measures asks for ({', '.join(self.measures)}) could be told. Give pairs of two classes.",
            )

    def texts(self, pairs: Mapping[str, Sequence[Pair]]) -> tuple[str, ...]:
        """Every text that `run` will have embedded, so that one that is too long is found before an encoder is trained.

        Raises:
            InputRefused: `empty_split`, as `run` does.
        """
        return Session(self, self._taken(pairs), None).texts()

    def _taken(self, pairs: Mapping[str, Sequence[Pair]]) -> dict[str, list[Pair]]:
        found = {split: [pairs[split][i] for i in chosen] for split, chosen in self._rows(pairs).items()}
        found["test"] = [self._with_few_texts(pair, number) for number, pair in enumerate(found["test"])]
        return found

    def _with_few_texts(self, pair: Pair, number: int) -> Pair:
        if len(pair.texts) <= self.texts_each:
            return pair
        drawn = np.random.default_rng([SEED, len(SPLITS) + 1, number]).permutation(len(pair.texts))[: self.texts_each]
        return replace(pair, texts=tuple(pair.texts[i] for i in sorted(drawn.tolist())))

    def _rows(self, pairs: Mapping[str, Sequence[Pair]]) -> dict[str, list[int]]:
        """Of each split the pairs that are taken, within its limit."""
        found: dict[str, list[int]] = {}
        for number, (split, most) in enumerate(zip(SPLITS, (self.train_limit, self.test_limit, self.test_limit), strict=True)):
            count = len(pairs.get(split, ()))
            drawn = np.random.default_rng([SEED, number]).permutation(count)[:most] if count > most else np.arange(count)
            found[split] = sorted(int(i) for i in drawn)
        if not found["test"]:
            raise InputRefused(
                "empty_split",
                "None of the pairs is for testing. Nothing can be scored. Give the data a test split by patient.",
            )
        trained = {pair.label for pair in pairs.get("train", ())} - {None}
        tested = {pairs["test"][i].label for i in found["test"]} - {None}
        there = {"seen": tested & trained, "unseen": tested - trained, "all": tested}[self.classes]
        if self.classes != "all" and "zero_shot" in self.measures and not there:
            raise InputRefused(
                "empty_split",
                f"No test picture has a class that is {self.classes} in training. Nothing can be scored of it. "
                "Hold classes out of training, or set evaluate.classes=all.",
            )
        return found
