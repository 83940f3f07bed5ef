"""Labels that the file's name, its size or other facts beside the picture tell: a model would learn those.

Measure: the mutual information of fact and label over patients, less what chance gives it (Miller and Madow's correction), by
the label's entropy: 0 when the fact says nothing, 1 when it says all. What lies above `LEAST` is put to a permutation test:
labels are dealt out anew, a hundred times for each pair of fact and label that was looked at, and no deal may tell as much.

Source: Miller 1955, Note on the bias of information estimates; Good, Permutation Tests, ch. 1.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePath

import numpy as np

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.seen import Asked, Seen
from vesalius.datasets.lint.words import words
from vesalius.types import Array, Image

CODES = ("label_leak",)
LEAST = 0.25
DEALS, MOST_DEALS, MOST_DEALT = 100, 20_000, 2000  # for each pair; in all; patients that are dealt to
FEWEST, FEWEST_EACH = 40, 8  # patients, and those who have a state, below which nothing is said
MOST_PATIENTS, MOST_LABELS = 20_000, 200
MOST_VALUES, BINS = 12, 6
_OURS = re.compile(r"[0-9a-f]{24,64}")
_RUN = re.compile(r"[^\W\d_]{2,}")
_NUMBER = re.compile(r"\d+")
_Facts = dict[str, str | float | None]


class Check:
    """Keeps the facts of one picture of each patient and the states of each label."""

    def __init__(self, asked: Asked) -> None:
        self._facts: dict[str, _Facts] = {}  # by patient
        self._labels: dict[str, dict[str, str]] = {}  # label → patient → state

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """Remembers only: a patient's first picture, and the first state of each label."""
        sample, patient = seen.sample, seen.sample.provenance.patient_key
        shown = next((item.image for item in sample.images if item.role == "current"), None)
        if shown is not None and (patient in self._facts or len(self._facts) < MOST_PATIENTS):
            self._facts.setdefault(patient, _facts(shown, sample.provenance.site))
            for label, state in _states(seen):
                if label in self._labels or len(self._labels) < MOST_LABELS:
                    self._labels.setdefault(label, {}).setdefault(patient, state)
        yield from ()

    def end(self) -> Iterator[Fault]:
        """One fault for each fact that tells a label."""
        known = list(self._facts.values())
        facts = [fact for fact in (known[0] if known else ()) if len({of[fact] for of in known}) > 1]
        labels = {label: states for label, states in self._labels.items() if _is_mixed(list(states.values()))}
        deals = min(MOST_DEALS, DEALS * max(1, len(facts) * len(labels)))
        for label, states in labels.items():
            truth = _coded([*states.values()])
            for fact in facts:
                values = _coded([self._facts[patient][fact] for patient in states])
                told = _told(values, truth)
                if told >= LEAST and _beats_chance(values[:MOST_DEALT], truth[:MOST_DEALT], deals):
                    said = f"{fact} tells {100 * told:.0f} % of what is to be learnt of {label}, over {len(states)} patients."
                    example = (("fact", fact), ("label", label), ("share", round(told, 3)))
                    yield Fault("label_leak", "all samples", said, "", example)


def _is_mixed(states: list[str]) -> bool:
    """Whether enough patients have more than one state."""
    common = Counter(states).most_common(2)
    return len(states) >= FEWEST and len(common) > 1 and common[1][1] >= FEWEST_EACH


def _facts(image: Image, site: str | None) -> _Facts:
    """What stands beside a picture: of the name its words and its last number."""
    path = image.source.path
    name = PurePath(path).stem if path is not None else ""
    name = "" if _OURS.fullmatch(name) else name
    numbers = _NUMBER.findall(name)
    height, width = image.shape[-2:]
    return {
        "the words of the file's name": " ".join(_RUN.findall(name.casefold())) or None,
        "the number in the file's name": float(numbers[-1][:15]) if numbers else None,
        "the file's format": image.source.format,
        "the number of channels": str(image.channels),
        "the picture's height": float(height),
        "the picture's width": float(width),
        "the picture's proportions": round(width / height, 2),
        "the number of slices or frames": float(image.shape[0]) if len(image.shape) > 2 else None,
        "the size of a pixel": None if image.spacing_mm is None else round(image.spacing_mm[-1], 4),
        "the day": image.day,
        "the site": site,
    }


def _states(seen: Seen) -> Iterator[tuple[str, str]]:
    """Findings, and the answers to questions that are asked in the same words of many."""
    for label, state in seen.sample.labels.items():
        yield f"the finding {label}", state
    for question, answer in zip(seen.sample.turns, seen.sample.turns[1:], strict=False):
        if (question.role, answer.role) == ("user", "assistant"):
            said = words(answer.text)
            if 0 < len(said) <= 4:
                yield f"the answer to “{' '.join(words(question.text))[:80]}”", " ".join(said)


def _coded(values: Sequence[str | float | None]) -> Array:
    """Values as small whole numbers: numbers of many values in bins of equal counts, words beyond the commonest together."""
    numbers = [value for value in values if isinstance(value, float)]
    if len(set(numbers)) > MOST_VALUES:
        edges = np.unique(np.quantile(numbers, np.linspace(0, 1, BINS + 1)[1:-1]))
        return np.array([int(np.searchsorted(edges, v, "right")) if isinstance(v, float) else BINS for v in values])
    common = {value: code for code, (value, _) in enumerate(Counter(values).most_common(MOST_VALUES))}
    return np.array([common.get(value, MOST_VALUES) for value in values])


def _told(values: Array, truth: Array) -> float:
    """The share of the label's entropy that a fact tells, less what chance tells."""
    table = _table(values, truth)
    return max(0.0, _information(table) - _chance(table)) / max(_entropy(table.sum(axis=0)), 1e-9)


def _beats_chance(values: Array, truth: Array, deals: int) -> bool:
    """Whether no deal of the labels tells as much."""
    found = _information(_table(values, truth))
    draw = np.random.default_rng(0)
    return all(_information(_table(values, draw.permutation(truth))) < found for _ in range(deals))


def _table(values: Array, truth: Array) -> Array:
    columns = int(truth.max()) + 1
    return np.bincount(values * columns + truth, minlength=(int(values.max()) + 1) * columns).reshape(-1, columns)


def _information(table: Array) -> float:
    return _entropy(table.sum(axis=0)) + _entropy(table.sum(axis=1)) - _entropy(table.ravel())


def _chance(table: Array) -> float:
    """What a table of so many values is expected to tell of nothing, in nats."""
    rows, columns = int((table.sum(axis=1) > 0).sum()), int((table.sum(axis=0) > 0).sum())
    return (rows - 1) * (columns - 1) / (2 * float(table.sum()))


def _entropy(counts: Array) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
