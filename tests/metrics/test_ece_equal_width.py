import math

import numpy as np
import pytest

from vesalius.metrics import bootstrap, ece_equal_width


def by_loop(confidences: np.ndarray, correct: np.ndarray, bins: int) -> float:
    total = 0.0
    for b in range(bins):
        low, high = b / bins, (b + 1) / bins
        chosen = [i for i, c in enumerate(confidences) if low < c <= high or (b == 0 and c == 0)]
        if chosen:
            total += abs(np.mean(confidences[chosen]) - np.mean(correct[chosen])) * len(chosen) / len(confidences)
    return total


def test_hand_computed_case() -> None:
    """Two bins: (0.2, 0.4) with 1 of 2 right, off by 0.2; (0.9, 0.7) with 1 of 2 right, off by 0.3."""
    confidences, correct = np.array([0.2, 0.4, 0.9, 0.7]), np.array([True, False, True, False])
    assert ece_equal_width.value(confidences, correct, bins=2) == pytest.approx(0.25)


def test_the_extremes() -> None:
    wrong, right = np.zeros(4, bool), np.ones(4, bool)
    assert ece_equal_width.value(np.ones(4), right) == 0
    assert ece_equal_width.value(np.ones(4), wrong) == 1
    assert ece_equal_width.value(np.zeros(4), wrong) == 0
    assert ece_equal_width.value(np.full(4, 0.5), np.array([True, False, True, False])) == 0
    assert math.isnan(ece_equal_width.value(np.empty(0), np.empty(0, bool)))


def test_an_answer_without_a_confidence_is_as_wrong_as_can_be() -> None:
    assert ece_equal_width.value(np.full(2, np.nan), np.array([True, False])) == 1


def test_a_border_belongs_to_the_bin_below() -> None:
    assert ece_equal_width.value(np.array([0.5, 0.51]), np.array([True, False]), bins=2) == pytest.approx((0.5 + 0.51) / 2)


@pytest.mark.parametrize("bins", [1, 2, 10, 15])
def test_agrees_with_plain_loops_in_any_order(bins: int) -> None:
    for seed in range(5):
        draw = np.random.default_rng(seed)
        confidences = np.concatenate([draw.random(150), [0.0, 1.0]])
        correct = draw.random(152) < confidences**2
        expected = by_loop(confidences, correct, bins)
        order = draw.permutation(152)
        assert ece_equal_width.value(confidences[order], correct[order], bins=bins) == pytest.approx(expected, abs=1e-12)


def test_its_interval_by_counts_is_the_one_by_drawing_items() -> None:
    draw = np.random.default_rng(9)
    confidences, correct = draw.random(60), draw.random(60) < 0.6
    patients = [str(i // 2) for i in range(60)]
    fast = bootstrap.counted_score("m", "lower", ece_equal_width.of_sums, ece_equal_width.counts(confidences, correct), patients)
    slow = bootstrap.corpus_score("m", "lower", lambda i: ece_equal_width.value(confidences[i], correct[i]), patients)
    assert (fast.value, fast.interval) == (pytest.approx(slow.value), pytest.approx(slow.interval))
