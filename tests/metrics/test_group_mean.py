import math

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from vesalius.metrics import bootstrap, group_mean


def test_hand_computed_case_and_extremes() -> None:
    values = np.array([1.0, 1, 1, 0, np.nan])
    assert group_mean.value(values, ["a", "a", "a", "b", "b"]) == 0.5
    assert group_mean.value(np.ones(3), ["a", "b", "c"]) == 1
    assert math.isnan(group_mean.value(np.array([np.nan]), ["a"]))
    with pytest.raises(ValueError, match="one group per item"):
        group_mean.value(values, ["a"])


def test_with_true_answers_as_groups_it_is_balanced_accuracy() -> None:
    generator = np.random.default_rng(3)
    truths, answers = generator.integers(0, 4, 300), generator.integers(0, 4, 300)
    found = group_mean.value((truths == answers).astype(float), [str(t) for t in truths])
    assert found == pytest.approx(balanced_accuracy_score(truths, answers), abs=1e-12)


def test_the_order_of_items_does_not_matter_and_groups_have_scores_of_their_own() -> None:
    values, groups, patients = np.array([1.0, 0, 1, 0]), ["x", "x", "y", "y"], ["p", "q", "p", "q"]
    assert group_mean.value(values[::-1], groups[::-1]) == group_mean.value(values, groups)
    scores = group_mean.by_group("exact", "higher", values, groups, patients)
    assert {name: (score.value, score.n, score.metric) for name, score in scores.items()} == {
        "x": (0.5, 2, "exact"),
        "y": (0.5, 2, "exact"),
    }


def test_a_rare_group_weighs_as_much_as_a_frequent_one() -> None:
    # papers/grounding_evaluation.md B2: MedEvalKit adds closed items to a total that holds them already (issue 30)
    values, groups = np.array([1.0] * 90 + [0.0] * 10), ["closed"] * 90 + ["open"] * 10
    assert group_mean.value(values, groups) == 0.5
    scores = group_mean.by_group("exact", "higher", values, groups, [str(i) for i in range(100)])
    assert sum(score.n for score in scores.values()) == 100


def test_its_sums_give_an_interval() -> None:
    generator = np.random.default_rng(4)
    counts = group_mean.counts(generator.random(80), [str(g) for g in generator.integers(0, 3, 80)])
    found = bootstrap.counted_score("group_mean", "higher", group_mean.of_sums, counts, [str(i) for i in range(80)])
    assert found.interval is not None
    assert found.interval[0] < found.value < found.interval[1]
