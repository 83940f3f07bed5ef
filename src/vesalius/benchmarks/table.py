"""The table of an evaluation: a score per task and question beside its baselines, each with an interval over patients."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vesalius.benchmarks import scoring
from vesalius.benchmarks.exam import BASELINES, MODEL, Result
from vesalius.metrics import bootstrap, parse_failure
from vesalius.types import Score

OVERALL = "overall"
LABEL, METRIC, COUNT, SCORE, DIFFERENCE, PLAIN, RATE = (
    24,
    14,
    5,
    21,
    22,
    9,
    6,
)  # widths of columns; a line has at most 110 characters
SHORT = {"majority": "majority", "text_only": "text_only", "shuffled_image": "shuffled"}


@dataclass(frozen=True)
class Row:
    """One metric of one task, or of one question of it (None: the whole task).

    Attributes:
        scores: condition → score.
        differences: baseline → model minus baseline on the items that have both.
        failures: condition → parse-failure rate.
        repaired: share of the model's outputs that were repaired.
    """

    task: str
    question: str | None
    metric: str
    scores: Mapping[str, Score]
    differences: Mapping[str, Score]
    failures: Mapping[str, Score]
    repaired: float

    @property
    def model(self) -> Score:
        """The model's own score."""
        return self.scores[MODEL]

    def beats(self, baseline: str) -> bool:
        """Whether the model is better than the baseline by an interval that excludes zero."""
        found = self.differences.get(baseline)
        if found is None or found.interval is None:
            return False
        low, high = found.interval
        return low > 0 if found.direction == "higher" else high < 0

    def to_json(self) -> dict[str, Any]:
        """As it stands in `scores.json`."""
        parts = {"scores": self.scores, "model_minus": self.differences, "parse_failure": self.failures}
        shown = {name: {condition: score.to_json() for condition, score in part.items()} for name, part in parts.items()}
        names = {"task": self.task, "question": self.question, "metric": self.metric}
        return {**names, **shown, "repaired": self.repaired, "beats": {b: self.beats(b) for b in self.differences}}


def rows(result: Result, *, seed: int) -> list[Row]:
    """Overall, then per task, then per question of a task that has several."""
    items = result.items
    found = [_row(result, OVERALL, None, scoring.CREDIT, list(range(len(items))), seed)]
    groups = scoring.by_group(items)
    for task in dict.fromkeys(task for task, _ in groups):
        own = {question: indices for (asked, question), indices in groups.items() if asked == task}
        whole = sorted(index for indices in own.values() for index in indices)
        for metric in scoring.metrics_of(task):
            found.append(_row(result, task, None, metric, whole, seed))
            if len(own) > 1:
                found += [_row(result, task, question, metric, indices, seed) for question, indices in own.items()]
    return found


def as_text(found: Sequence[Row]) -> str:
    """Two tables for people: scores, and what the model has over each baseline."""
    baselines = [name for name in BASELINES if name in found[0].scores]
    head = ["", "metric", "items", "pat.", "model [95 %]", *(SHORT[name] for name in baselines), "unread"]
    widths = [-LABEL, -METRIC, COUNT, COUNT, SCORE, *([PLAIN] * len(baselines)), RATE]
    lines = [_line(head, widths)]
    for row in found:
        model = row.model
        plain = [_number(row.scores[name].value) for name in baselines]
        failed = row.failures[MODEL].value
        unread = "-" if failed is None else f"{100 * failed:.1f}%"
        shown = [_label(row), row.metric, str(model.n), _patients(model), with_interval(model), *plain, unread]
        lines.append(_line(shown, widths))
    lines += ["", _line(["model minus …", "", *(SHORT[name] for name in baselines)], [-LABEL, -METRIC, *([DIFFERENCE] * 3)])]
    for row in found:
        marked = [with_interval(row.differences[name], 2) + (" *" if row.beats(name) else "  ") for name in baselines]
        lines.append(_line([_label(row), row.metric, *marked], [-LABEL, -METRIC, *([DIFFERENCE] * 3)]))
    lower = sorted({row.metric for row in found if row.model.direction == "lower"})
    lines += [
        "",
        "* the model is better by an interval that excludes zero." + f" Lower is better: {', '.join(lower)}." * bool(lower),
    ]
    if any(row.model.patients < bootstrap.FEW_PATIENTS for row in found):
        lines.append(f"! fewer than {bootstrap.FEW_PATIENTS} patients: the interval may be too narrow.")
    return "\n".join(lines)


def with_interval(score: Score, decimals: int = 3) -> str:
    """As `0.712 [0.690, 0.731]`; `-` when undefined. Numbers from 10 on have one decimal."""
    if score.interval is None:
        return _number(score.value, decimals)
    low, high = (_number(value, decimals) for value in score.interval)
    return f"{_number(score.value, decimals)} [{low}, {high}]"


def _row(result: Result, task: str, question: str | None, metric: str, indices: Sequence[int], seed: int) -> Row:
    patients = [result.items[i].patient for i in indices]
    direction = scoring.DIRECTIONS[metric]
    values = {condition: by_metric[metric][indices] for condition, by_metric in result.values.items()}
    scores = {c: bootstrap.score(metric, direction, v, patients, seed=seed) for c, v in values.items()}
    differences = {
        b: bootstrap.paired(metric, direction, values[MODEL], values[b], patients, seed=seed) for b in BASELINES if b in values
    }
    failures = dict(_failures(result, indices, patients, seed))
    statuses = [response.status for i in indices if (response := result.responses[MODEL][i]) is not None]
    repaired = statuses.count("repaired") / len(statuses) if statuses else 0.0
    return Row(task, question, metric, scores, differences, failures, repaired)


def _failures(result: Result, indices: Sequence[int], patients: Sequence[str], seed: int) -> Iterator[tuple[str, Score]]:
    """Condition and parse-failure rate, for the conditions in which a model was asked."""
    name, direction = parse_failure.NAME, parse_failure.DIRECTION
    for condition, by_metric in result.values.items():
        if name in by_metric:
            yield condition, bootstrap.score(name, direction, by_metric[name][indices], patients, seed=seed)


def shortened(text: str, width: int) -> str:
    """At most `width` characters: the middle is left out, because questions differ at their ends."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[-tail:]}"


def _label(row: Row) -> str:
    return row.task if row.question is None else f"  {shortened(row.question, LABEL - 2)}"


def _patients(score: Score) -> str:
    return f"{score.patients}{'!' if score.patients < bootstrap.FEW_PATIENTS else ''}"


def _number(value: float | None, decimals: int = 3) -> str:
    if value is None or not np.isfinite(value):
        return "-"
    return f"{value:.{decimals}f}" if abs(value) < 10 else f"{value:.1f}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Cells side by side; a negative width aligns to the left."""
    padded = (cell.ljust(-width) if width < 0 else cell.rjust(width) for cell, width in zip(cells, widths, strict=False))
    return " ".join(padded).rstrip()
