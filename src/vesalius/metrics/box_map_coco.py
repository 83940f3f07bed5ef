"""Mean average precision by COCO's rules: are the boxes of all items right, and the confident ones before the others?

Average precision of each label (101 points of recall, at most 100 boxes per image and label), its mean over the labels that are
asked for anywhere and over the IoU thresholds 0.50, 0.55, … 0.95. Computed by `faster-coco-eval`; 2-D boxes only.

Direction:       higher is better.
At the extremes: 1 every box is found before any false one, at IoU 0.95; 0 no box is found.
Not counted:     a box whose label is asked for nowhere (COCO's rule). So a harness that drops boxes of unknown names drops false
                 alarms; `box_iou` counts them.
Confidences:     a language model gives none. Then all are 1, there is no ranking, and the value depends on the order of items,
                 which is that of `names`: give names (ids), and the value is the same however the items are shuffled. Of unranked
                 boxes `box_iou` and `box_success` say more.
Unreadable:      what is no 2-D box with an extent misses; a box whose confidence is not finite misses as the most confident one.
Differs:         handed a box with one pair of corners swapped, COCO's evaluation takes its negative area for one that is not
                 asked about, and the false alarm is gone; here it counts. Without such boxes the values are the same.
Undefined when:  nothing is asked for.
Interval:        percentile bootstrap over patients (`bootstrap.corpus_score` with `prepared`): boxes are matched once, and COCO's
                 accumulation runs per draw, 0.05 s for 5,000 images and 5 labels.
Source:          Lin et al., Microsoft COCO, ECCV 2014, and the evaluation that is published with it.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vesalius.errors import MissingFromEnvironment
from vesalius.metrics.bootstrap import Indices
from vesalius.types import Box, Region

try:
    import faster_coco_eval
    import faster_coco_eval.faster_eval_api_cpp as engine
except ImportError:  # the extra `coco` is not installed: the value is refused, and says so
    faster_coco_eval = None

NAME = "box_map_coco"
DIRECTION: Literal["higher", "lower"] = "higher"

THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
MOST_BOXES = 100  # per picture and label
HIGHEST = 1e300  # a confidence above all
LARGEST_PX = 1e18  # COCO's "all" ends at 1e10 square pixels, which a slide exceeds

Key = tuple[int, int, int | None]  # item, image, frame: what COCO calls an image


def value(
    predicted: Sequence[Sequence[Region]],
    truths: Sequence[Sequence[Region]],
    *,
    confidences: Sequence[Sequence[float]] | None = None,
    names: Sequence[str] | None = None,
    thresholds: Sequence[float] = THRESHOLDS,
) -> float:
    """The mean average precision of all items.

    Args:
        predicted: the boxes given for each item, in pixels of the image's own grid. What is no 2-D `Box` misses.
        truths: the boxes asked for, likewise; every geometry is a 2-D `Box`.
        confidences: of each box given, on any scale; None: all are alike.
        names: of the items; equally confident boxes of two items rank by them. None: by the order of items.
        thresholds: of IoU; `(0.5,)` is what is called AP50.

    Returns:
        In [0, 1]; NaN when no box is asked for.

    Raises:
        MissingFromEnvironment: `missing_package`, when `faster-coco-eval` is not installed.
    """
    ready = prepared(predicted, truths, confidences=confidences, names=names, thresholds=thresholds)
    return ready(np.arange(len(truths)))


def prepared(
    predicted: Sequence[Sequence[Region]],
    truths: Sequence[Sequence[Region]],
    *,
    confidences: Sequence[Sequence[float]] | None = None,
    names: Sequence[str] | None = None,
    thresholds: Sequence[float] = THRESHOLDS,
) -> Callable[[Indices], float]:
    """The value as a function of which items are drawn: boxes are matched once for all draws.

    Raises:
        MissingFromEnvironment: `missing_package`, when `faster-coco-eval` is not installed.
    """
    if faster_coco_eval is None:
        raise MissingFromEnvironment(
            "missing_package",
            "COCO's precision needs a further package, which is not here. Install it with: pip install 'vesalius[coco]'.",
        )
    order = sorted(range(len(truths)), key=lambda item: item if names is None else names[item])
    given = [_given(predicted[i], None if confidences is None else confidences[i]) for i in order]
    true = [[(region, 0.0) for region in truths[i]] for i in order]
    keys = sorted({key for rows in (given, true) for key, *_ in _keyed(rows)}, key=_sortable)
    labels = sorted({_folded(region.label) for regions in truths for region in regions})
    if not labels:
        return lambda _: math.nan
    numbers = {key: number + 1 for number, key in enumerate(keys)}
    pictures = [{"id": number} for number in numbers.values()]
    kinds = [{"id": number + 1, "name": label} for number, label in enumerate(labels)]
    sets = []
    for rows in (true, given):
        boxes = [_as_coco(region, score, numbers[key], labels) for key, region, score in _keyed(rows)]
        known = [box | {"id": number + 1} for number, box in enumerate(box for box in boxes if box["category_id"])]
        sets.append(faster_coco_eval.COCO({"images": pictures, "categories": kinds, "annotations": known}))
    evaluation = faster_coco_eval.COCOeval_faster(*sets, "bbox", separate_eval=True)
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0.0, LARGEST_PX]], ["all"]
    evaluation.params.maxDets = [MOST_BOXES]
    evaluation.params.iouThrs = np.array(thresholds, dtype=np.float64)
    evaluation.evaluate()
    rank = np.argsort(order)  # of an item among the sorted ones
    item_of = np.array([item for item, *_ in keys], dtype=np.intp)
    matched, params = evaluation._evalImgs_cpp, evaluation._paramsEval

    def compute(chosen: Indices) -> float:
        times = np.bincount(rank[chosen], minlength=len(truths))
        drawn = np.repeat(np.arange(len(keys)), times[item_of])
        if not len(drawn):
            return math.nan
        params.imgIds = drawn.tolist()
        rows = [matched[kind * len(keys) + picture] for kind in range(len(labels)) for picture in params.imgIds]
        precision: npt.NDArray[np.float64] = engine.COCOevalAccumulate(params, rows)["precision"]
        asked = precision > -1
        return float(precision[asked].mean()) if asked.any() else math.nan

    return compute


def _given(regions: Sequence[Region], confidences: Sequence[float] | None) -> list[tuple[Region, float]]:
    scores = [1.0] * len(regions) if confidences is None else confidences
    return [(region, score if math.isfinite(score) else math.inf) for region, score in zip(regions, scores, strict=True)]


def _keyed(rows: Sequence[Sequence[tuple[Region, float]]]) -> Iterator[tuple[Key, Region, float]]:
    for item, regions in enumerate(rows):
        for region, score in regions:
            yield (item, region.image, region.frame), region, score


def _sortable(key: Key) -> tuple[int, int, int]:
    item, image, frame = key
    return item, image, -1 if frame is None else frame


def _as_coco(region: Region, score: float, picture: int, labels: Sequence[str]) -> dict[str, Any]:
    """A box as COCO writes it; category 0 when its label is asked for nowhere."""
    label = _folded(region.label)
    x, y, width, height = 0.0, 0.0, 0.0, 0.0
    box = region.geometry
    if isinstance(box, Box) and len(box.low) == 2 and all(0 < size < math.inf for size in box.size) and math.isfinite(score):
        (y, x), (height, width) = box.low, box.size
    kind = labels.index(label) + 1 if label in labels else 0
    return {
        "image_id": picture,
        "category_id": kind,
        "bbox": [x, y, width, height],
        "area": width * height,
        "score": min(score, HIGHEST),
        "iscrowd": 0,
    }


def _folded(label: str) -> str:
    return label.strip().casefold()
