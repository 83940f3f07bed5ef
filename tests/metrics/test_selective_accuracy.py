import math

import numpy as np
import pytest

from vesalius.metrics import selective_accuracy
from vesalius.metrics.selective_accuracy import value


def test_hand_computed_case() -> None:
    confidences, correct = np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([True, True, False, True, False])
    assert [value(confidences, correct, coverage=c) for c in (0.2, 0.4, 0.6, 0.8, 1.0)] == pytest.approx(
        [1, 1, 2 / 3, 3 / 4, 3 / 5]
    )
    assert value(confidences, correct, coverage=0.41) == pytest.approx(2 / 3)  # rounded up to three answers


def test_the_extremes() -> None:
    assert value(np.arange(4.0), np.ones(4, bool)) == 1
    assert value(np.arange(4.0), np.zeros(4, bool)) == 0
    assert value(np.ones(4), np.arange(4) < 3, coverage=0.5) == 0.75
    assert value(np.arange(4.0), np.arange(4) > 2, coverage=1e-9) == 1
    assert math.isnan(value(np.empty(0), np.empty(0, bool)))


def test_an_answer_without_a_confidence_is_kept_when_wrong_and_not_when_right() -> None:
    assert value(np.array([np.nan, 0.9]), np.array([False, True]), coverage=0.5) == 0
    assert value(np.array([np.nan, 0.9]), np.array([True, False]), coverage=0.5) == 0


@pytest.mark.parametrize("coverage", [0.1, 0.5, 0.8, 1.0])
def test_agrees_with_sorting_in_any_order(coverage: float) -> None:
    draw = np.random.default_rng(0)
    confidences, correct = draw.random(70), draw.random(70) < 0.6
    best = np.argsort(-confidences)[: math.ceil(round(coverage * 70, 6))]
    assert value(confidences[::-1], correct[::-1], coverage=coverage) == pytest.approx(correct[best].mean(), abs=1e-12)


def test_the_stored_name_says_the_coverage() -> None:
    assert selective_accuracy.named(0.8) == "selective_accuracy_0.8"
