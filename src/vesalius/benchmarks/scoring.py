"""What is asked of a model in an evaluation, which metric scores which task, and the value of every single item.

| task | metrics, the first one leads | credit |
|---|---|---|
| location | box_iou | box_iou |
| count | absolute_error, exact, within_one | exact |
| severity | absolute_error, within_one | within_one |
| report | token_f1 | token_f1 |
| every other | exact | exact |

*Credit* is what one item adds to the overall row: the task's first metric that lies in [0, 1]. It makes one number of all
tasks, and is no more than that: read the rows of the tasks.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from vesalius.errors import InputRefused
from vesalius.generate.respond import Response
from vesalius.metrics import absolute_error, box_iou, exact, parse_failure, token_f1, within_one
from vesalius.types import Box, Geometry, Image, Mask, Polygon, Region, Sample

Values = npt.NDArray[np.float64]

CREDIT = "credit"
OTHER_QUESTIONS = "(other questions)"
FEWEST_PATIENTS = 5  # a question asked of fewer patients is pooled: its "best constant answer" would be the truth itself

_IMAGE = re.compile(r"<image:\d+>\s*")
_REGION = re.compile(r"\s*<region:(\d+)>")


class TextMetric(Protocol):
    """What a file in `metrics/` offers when it scores texts."""

    NAME: str
    DIRECTION: Literal["higher", "lower"]

    def items(self, answers: Sequence[str], truths: Sequence[str]) -> Values:
        """One value per item."""


TEXT_METRICS: dict[str, TextMetric] = {m.NAME: m for m in (absolute_error, exact, within_one, token_f1)}
METRICS: dict[str, tuple[str, ...]] = {
    "location": (box_iou.NAME,),
    "count": (absolute_error.NAME, exact.NAME, within_one.NAME),
    "severity": (absolute_error.NAME, within_one.NAME),
    "report": (token_f1.NAME,),
}
DIRECTIONS: dict[str, Literal["higher", "lower"]] = {
    **{name: metric.DIRECTION for name, metric in TEXT_METRICS.items()},
    box_iou.NAME: box_iou.DIRECTION,
    parse_failure.NAME: parse_failure.DIRECTION,
    CREDIT: "higher",
}


@dataclass(frozen=True, eq=False)
class Item:
    """One question of an evaluation and its truth.

    Attributes:
        sample: where it comes from.
        question: the words of the last user turn, without placeholders.
        group: the question when enough patients of the benchmark are asked it, else `OTHER_QUESTIONS`; majority and the
            scale of an unreadable number are decided within (task, group).
        text: the true answer without its regions.
        regions: the true boxes that the answer refers to; outlines and masks as the boxes around them.
    """

    sample: Sample
    question: str
    group: str
    text: str
    regions: tuple[Region, ...]

    @property
    def patient(self) -> str:
        """The patient's key."""
        return self.sample.provenance.patient_key


def metrics_of(task: str) -> tuple[str, ...]:
    """The names of the metrics that score a task, the leading one first."""
    return METRICS.get(task, (exact.NAME,))


def credit_of(task: str) -> str:
    """The metric of a task that lies in [0, 1] and counts in the overall row."""
    return next(name for name in metrics_of(task) if name != absolute_error.NAME)


def items_of(samples: Iterable[Sample]) -> list[Item]:
    """The items of an evaluation; the truth of each is its last assistant turn. Samples without one are left out.

    Items about the same pictures stand side by side, so that a model can read each picture once.

    Raises:
        InputRefused: `bad_dataset`: a true region lies in patient space.
    """
    read = [(sample, *_conversation(sample)) for sample in samples if sample.turns[-1].role == "assistant"]
    asked: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for sample, question, _, _ in read:
        asked[sample.task, question].add(sample.provenance.patient_key)
    found = []
    for sample, question, text, regions in read:
        often = len(asked[sample.task, question]) >= FEWEST_PATIENTS
        found.append(Item(sample, question, question if often else OTHER_QUESTIONS, text, regions))
    seen: dict[tuple[str, ...], int] = {}
    ranks = [seen.setdefault(pictures_of(item.sample), len(seen)) for item in found]
    return [item for _, item in sorted(zip(ranks, found, strict=True), key=lambda pair: pair[0])]


def pictures_of(sample: Sample) -> tuple[str, ...]:
    """Which pictures a sample shows: their hashes."""
    return tuple(shown.image.source.sha256 for shown in sample.images)


def by_group(items: Sequence[Item]) -> dict[tuple[str, str], list[int]]:
    """Indices of the items of each (task, group), in order of appearance."""
    groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        groups[item.sample.task, item.group].append(index)
    return dict(groups)


def values_of(items: Sequence[Item], responses: Sequence[Response | None]) -> dict[str, Values]:
    """Every metric's value for every item.

    Args:
        items: of one benchmark.
        responses: as many; None where there is none (the item is undefined then).

    Returns:
        Metric → float64, (items,); NaN where the metric is not the task's, where the truth leaves it undefined, or where
        there is no response. A failed output is scored as wrong: 0, or for absolute_error the worst answer. `credit` is NaN
        where the metric that it is taken from is; `parse_failure` has a value for every response.
    """
    values: defaultdict[str, Values] = defaultdict(lambda: np.full(len(items), np.nan))
    for (task, _), indices in by_group(items).items():
        answered = [i for i in indices if responses[i] is not None]
        given = [response for i in indices if (response := responses[i]) is not None]
        true = [items[i] for i in answered]
        for name in metrics_of(task):
            values[name][answered] = measure(name, given, true)
        values[CREDIT][answered] = values[credit_of(task)][answered]
        statuses = [response.status for response in given]
        values[parse_failure.NAME][answered] = parse_failure.items(statuses, [readable(task, r) for r in given])
    return dict(values)


def measure(name: str, responses: Sequence[Response], items: Sequence[Item]) -> Values:
    """One metric's value for each item of one (task, group): float64, (items,); NaN where the truth leaves it undefined."""
    failed = np.array([response.status == "failed" for response in responses], dtype=bool)
    if name == box_iou.NAME:
        scored = box_iou.items([r.regions for r in responses], [item.regions for item in items])
    else:
        texts = ["" if r.status == "failed" else r.text for r in responses]
        scored = TEXT_METRICS[name].items(texts, [item.text for item in items])
    # An unreadable output is not "nothing to see": it earns nothing, even where the truth is that nothing is there.
    # An undefined item stays undefined: whether it counts must not depend on the answer.
    return np.where(failed & (DIRECTIONS[name] == "higher") & ~np.isnan(scored), 0.0, scored)


def readable(task: str, response: Response) -> bool:
    """Whether an answer has the form that its task's leading metric needs: a number for counts and scores, else any."""
    return metrics_of(task)[0] != absolute_error.NAME or absolute_error.number(response.text) is not None


def grid(image: Image, dimensions: int) -> tuple[float, ...]:
    """Sides of the grid that a box of so many dimensions lies in, in array order."""
    return tuple(float(side) for side in image.shape[-dimensions:])


def data_sha256(items: Sequence[Item]) -> str:
    """A hash over keys, questions and truths, whatever their order: equal hashes, equal exam."""
    rows = sorted(json.dumps([i.sample.key, i.question, i.text, [_spell(r) for r in i.regions]]) for i in items)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def _conversation(sample: Sample) -> tuple[str, str, tuple[Region, ...]]:
    """Question, true text and true boxes."""
    question = next(turn.text for turn in reversed(sample.turns) if turn.role == "user")
    answer = sample.turns[-1].text
    regions = [sample.regions[int(index)] for index in _REGION.findall(answer)]
    if any(region.space != "pixel" for region in regions):
        raise InputRefused(
            "bad_dataset",
            "The truth of a sample lies in patient space (mm). Answers are boxes in pixels of the picture, and the two cannot be "
            "compared. Write its regions in pixels.",
        )
    boxes = ((region, _around(region.geometry)) for region in regions)
    true = tuple(Region(r.label, box, r.space, r.image, r.frame) for r, box in boxes if box is not None)
    return _IMAGE.sub("", question).strip(), _REGION.sub("", answer).strip(), true


def _around(geometry: Geometry) -> Box | None:
    """The box around a geometry; None for a point and an empty mask, which have none."""
    if isinstance(geometry, Box):
        return geometry
    if isinstance(geometry, Polygon):
        ys, xs = zip(*geometry.vertices, strict=True)
        return Box((min(ys), min(xs)), (max(ys), max(xs)))
    if not isinstance(geometry, Mask):
        return None
    inside = np.argwhere(geometry.load())
    if not len(inside):
        return None
    return Box(tuple(float(v) for v in inside.min(axis=0)), tuple(float(v) + 1 for v in inside.max(axis=0)))


def _spell(region: Region) -> list[object]:
    assert isinstance(region.geometry, Box)  # `_conversation` makes no others
    return [region.label, region.image, region.frame, [round(v, 3) for v in (*region.geometry.low, *region.geometry.high)]]
