import math

import numpy as np
import pytest

from vesalius.metrics import bootstrap, subgroup_gap


def test_hand_computed_case() -> None:
    values, groups = np.array([1.0, 0, 1, 1, 0, 0]), ["a", "a", "b", "b", "c", "c"]
    assert subgroup_gap.value(values, groups, fewest=2) == 1.0
    assert subgroup_gap.value(values[:4], groups[:4], fewest=2) == 0.5


def test_the_extremes() -> None:
    assert subgroup_gap.value(np.ones(4), ["a", "a", "b", "b"], fewest=1) == 0
    assert math.isnan(subgroup_gap.value(np.ones(4), ["a"] * 4, fewest=1))
    assert math.isnan(subgroup_gap.value(np.empty(0), []))


def test_small_groups_and_undefined_items_are_left_out() -> None:
    values = np.array([1.0, 1.0, 0.5, 0.5, np.nan, 0.0])
    groups = ["a", "a", "b", "b", "b", "c"]
    assert subgroup_gap.value(values, groups, fewest=2) == 0.5
    assert subgroup_gap.value(values, groups, fewest=1) == 1.0
    assert math.isnan(subgroup_gap.value(values, groups, fewest=3))  # b has three items, but two values


def test_agrees_with_plain_means_in_any_order() -> None:
    draw = np.random.default_rng(0)
    values, groups = draw.random(300), draw.choice(list("abcd"), 300)
    means = [values[groups == name].mean() for name in "abcd"]
    order = draw.permutation(300)
    assert subgroup_gap.value(values[order], groups[order].tolist()) == pytest.approx(max(means) - min(means), abs=1e-12)


def test_its_interval_by_counts_is_the_one_by_drawing_items() -> None:
    draw = np.random.default_rng(2)
    values, groups = draw.random(80), draw.choice(["a", "b"], 80)
    patients = [str(i // 2) for i in range(80)]
    counts = subgroup_gap.counts(values, groups.tolist(), fewest=1)
    fast = bootstrap.counted_score("m", "lower", subgroup_gap.of_sums, counts, patients)
    slow = bootstrap.corpus_score("m", "lower", lambda i: subgroup_gap.value(values[i], groups[i].tolist(), fewest=1), patients)
    assert (fast.value, fast.interval) == (pytest.approx(slow.value), pytest.approx(slow.interval))


def test_a_group_per_item_is_asked_for() -> None:
    with pytest.raises(ValueError, match="one group per item"):
        subgroup_gap.value(np.ones(3), ["a"])
