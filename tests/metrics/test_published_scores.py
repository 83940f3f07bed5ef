"""Scores of places, pairs and classes that others published with their predictions, computed anew.

Recomputed: of MedSG-Bench's task 8 (a rerun of its evaluator) every row's IoU, the counts at 0.3, 0.5 and 0.7 and the sum; of
MediConfusion (no predictions are published) what constant answers, the key, its inversion and a coin must give, and the counts
per category; of the POCUS Atlas benchmark every number of both tables: 15 x (accuracy, its interval, the majority of five runs,
any of five runs) and 15 x (F1 of each run, its mean, its interval).

The intervals of the POCUS tables come out with 2.571 times the standard deviation of the five runs over the root of five: the
quantile of Student's t for five degrees of freedom, where five runs have four (2.776). They say how much a run differs from the
next on the same clips, and nothing of other patients: a model that always answers the same has none. The bootstrap over clips is
wider for all fifteen accuracies (the last test).

Not recomputed: other tasks and models of MedSG-Bench and all models of MediConfusion (no predictions are here); the subtypes in
the POCUS predictions (no score of them was published).
"""

import csv
import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from vesalius.metrics import bootstrap, box_iou, box_success, exact, f1, f1_macro, pair_confusion, pair_set_accuracy
from vesalius.types import Box, Region

MODELS = ("medgemma-27b", "gemma-4-31b-it", "claude_sonnet-4.6")
PANELS = {  # folder, key of the prediction, column of the truth
    "T1 Frames": ("t1_sliding_frames", "pleura_sliding", "interp::Pleura::Sliding"),
    "T1 M-mode": ("t1_sliding_mmode", "pleura_sliding", "interp::Pleura::Sliding"),
    "T2-1 Lung Rockets": ("t2_anterior_frames", "lung_rockets", "interp::Lung rockets"),
    "T2-2 Consolidation": ("t2_anterior_frames", "consolidation", "interp::Consolidation"),
    "T3 PLAPS": ("t3_posterior_frames", "plaps", "interp::PLAPS"),
}
SAME = 1e-12
THEIR_DEVIATIONS = 2.571  # Student's t at 97.5 % with five degrees of freedom, as it is printed in tables


@pytest.fixture
def metrics_truth() -> Path:
    """Published predictions and keys whose scores are known."""
    place = os.environ.get("VESALIUS_METRICS_TRUTH")
    if place is None:
        pytest.skip("VESALIUS_METRICS_TRUTH is not set: published predictions with their scores are not at hand")
    return Path(place)


def region(xyxy_px: list[float]) -> Region:
    return Region("target", Box.from_xyxy_px(*xyxy_px))


def test_medsg_bench_task_8_comes_out_to_the_last_row(metrics_truth: Path) -> None:
    *rows, totals = json.loads((metrics_truth / "medsg_task8/qwen2_5_vl_referring_0410_135934.json").read_text(encoding="utf-8"))
    published = totals["referring"]
    boxes = [row["filter_answer"] if isinstance(row["filter_answer"][0], list) else [row["filter_answer"]] for row in rows]
    first = [[region(some[0])] for some in boxes]  # their rule: the first box is scored
    true = [[region(row["groundtruth"])] for row in rows]
    found = box_iou.items(first, true)
    assert np.abs(found - [row["iou"] for row in rows]).max() < SAME
    assert found.sum() == pytest.approx(published["AVE_IOU"], abs=1e-9)
    assert len(rows) == published["TOTAL"] == 1482
    for threshold, count, percent in ((0.7, 32, 2.1592), (0.5, 92, 6.2078), (0.3, 231, 15.5870)):
        hits = box_success.items(first, true, threshold=threshold)
        assert hits.sum() == published[f"IOU@{threshold}"] == count
        assert 100 * hits.mean() == pytest.approx(percent, abs=5e-5)
    assert 100 * found.mean() == pytest.approx(12.6663, abs=5e-5)
    every = box_iou.items([[region(box) for box in some] for some in boxes], true)  # ours: further boxes cost
    several = np.array([len(some) > 1 for some in boxes])
    assert several.sum() > 0
    assert np.abs(every - found)[~several].max() == 0
    best = [
        max(box_iou.items([[region(box)] for box in some], [asked] * len(some))) for some, asked in zip(boxes, true, strict=True)
    ]
    assert (every[several] < np.array(best)[several] + SAME).all()


def test_mediconfusion_gives_constant_answers_the_key_and_its_inversion_what_they_must_get(metrics_truth: Path) -> None:
    pairs = json.loads((metrics_truth / "mediconfusion/dataset.json").read_text(encoding="utf-8")).values()
    truths = [(pair["im_1_correct"], pair["im_2_correct"]) for pair in pairs]
    assert Counter(truths) == {("A", "B"): 88, ("B", "A"): 88}
    answered = {
        "A": [("A", "A")] * 176,
        "B": [("B", "B")] * 176,
        "key": truths,
        "inverted": [(two, one) for one, two in truths],
    }
    found = {}
    for name, answers in answered.items():
        single = exact.items([a for pair in answers for a in pair], [t for pair in truths for t in pair])
        confusion = pair_confusion.items(answers, ("A", "B"))
        found[name] = [100 * v.mean() for v in (pair_set_accuracy.items(answers, truths), single, confusion)]
    assert found == {"A": [0, 50, 100], "B": [0, 50, 100], "key": [100, 100, 0], "inverted": [0, 0, 0]}


def test_a_coin_gets_a_quarter_of_mediconfusion_and_confuses_half(metrics_truth: Path) -> None:
    pairs = json.loads((metrics_truth / "mediconfusion/dataset.json").read_text(encoding="utf-8")).values()
    truths = [(pair["im_1_correct"], pair["im_2_correct"]) for pair in pairs] * 200
    tosses = np.random.default_rng(0).choice(["A", "B"], (len(truths), 2))
    answers = [(str(one), str(two)) for one, two in tosses]
    assert 100 * pair_set_accuracy.items(answers, truths).mean() == pytest.approx(25, abs=1)
    assert 100 * pair_confusion.items(answers, "AB").mean() == pytest.approx(50, abs=1)


def test_mediconfusion_s_categories_are_counted_per_picture(metrics_truth: Path) -> None:
    """A pair counts in all its categories: their statistics say how many pictures each category has."""
    root = metrics_truth / "mediconfusion"
    pairs = json.loads((root / "dataset.json").read_text(encoding="utf-8")).values()
    published = json.loads((root / "statistics.json").read_text(encoding="utf-8"))
    names = [name for pair in pairs for side in ("category_1", "category_2") for name in pair[side]]
    assert dict(Counter(names)) == published


def table(place: Path) -> dict[tuple[str, str], dict[str, str]]:
    with place.open(encoding="utf-8", newline="") as stream:
        return {(row["panel"].split(" — ")[0], row["model"]): row for row in csv.DictReader(stream)}


def pocus(root: Path, panel: str, model: str) -> tuple[list[list[str]], list[str]]:
    """The answers of each run, and the truths, of one panel; "true" and "false" or what the pleura does."""
    folder, key, column = PANELS[panel]
    with (root / "metadata.csv").open(encoding="utf-8", newline="") as stream:
        truth_of = {row["id"]: row[column].casefold() for row in csv.DictReader(stream)}
    runs = []
    for place in sorted((root / "predictions" / model / folder).glob("*.jsonl")):
        rows = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
        runs.append({row["case_id"]: str(row[key]).casefold() for row in rows})
    cases = sorted(runs[0])
    assert len(runs) == 5
    assert all(sorted(run) == cases for run in runs)
    return [[run[case] for case in cases] for run in runs], [truth_of[case] for case in cases]


def deviation_of_mean(values: list[float]) -> float:
    return float(np.std(values, ddof=1)) / len(values) ** 0.5


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("panel", PANELS)
def test_pocus_accuracy_of_five_runs_comes_out(public_data: Path, panel: str, model: str) -> None:
    root = public_data / "pocus_atlas_bench"
    published = table(root / "benchmark_5run_accuracy_summary.csv")[panel, model]
    runs, truths = pocus(root, panel, model)
    right = np.stack([exact.items(answers, truths) for answers in runs])
    accuracies = right.mean(axis=1).tolist()
    half = THEIR_DEVIATIONS * deviation_of_mean(accuracies)
    found = {
        "value": np.mean(accuracies),
        "lo": np.mean(accuracies) - half,
        "hi": np.mean(accuracies) + half,
        "consensus": (right.sum(axis=0) >= 3).mean(),
        "any_correct": right.max(axis=0).mean(),
    }
    assert found == pytest.approx({name: float(published[name]) for name in found}, abs=SAME)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("panel", PANELS)
def test_pocus_f1_of_five_runs_comes_out(public_data: Path, panel: str, model: str) -> None:
    root = public_data / "pocus_atlas_bench"
    published = table(root / "benchmark_barplot_t1_t2_t3_values_ci.csv")[panel, model]
    runs, truths = pocus(root, panel, model)
    if panel.startswith("T1"):
        scores = [f1_macro.value(answers, truths) for answers in runs]  # classes: all that occur in the run or the truth
    else:
        present = np.array(truths) == "true"
        scores = [f1.value(np.array(answers) == "true", present) for answers in runs]
    half = THEIR_DEVIATIONS * deviation_of_mean(scores)
    assert [f"{score:.4f}" for score in scores] == published["per_run_f1"].split(";")
    assert np.mean(scores) == pytest.approx(float(published["value"]), abs=SAME)
    assert np.mean(scores) - half == pytest.approx(float(published["ci_lo"]), abs=SAME)
    assert np.mean(scores) + half == pytest.approx(float(published["ci_hi"]), abs=SAME)


def test_over_clips_every_interval_is_wider_than_over_runs(public_data: Path) -> None:
    root = public_data / "pocus_atlas_bench"
    for (panel, model), row in table(root / "benchmark_5run_accuracy_summary.csv").items():
        runs, truths = pocus(root, panel, model)
        values = np.mean([exact.items(answers, truths) for answers in runs], axis=0)
        score = bootstrap.score("exact", "higher", values, [str(i) for i in range(len(values))])
        assert score.value == pytest.approx(float(row["value"]), abs=SAME)
        assert score.interval[1] - score.interval[0] > float(row["hi"]) - float(row["lo"])
