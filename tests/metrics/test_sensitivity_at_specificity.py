import math

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from vesalius.metrics import sensitivity_at_specificity
from vesalius.metrics.sensitivity_at_specificity import value


def test_hand_computed_case() -> None:
    """Ten negatives 0 … 9 and positives 8.5, 9.5: one negative may be called, so whatever is above 8 is."""
    scores, truths = np.array([*range(10), 8.5, 9.5, 7.5, 8.0]), np.arange(14) >= 10
    assert value(scores, truths, specificity=0.9) == 2 / 4
    assert value(scores, truths, specificity=0.91) == 1 / 4
    assert value(scores, truths, specificity=0.8) == 4 / 4


def test_the_extremes() -> None:
    truths = np.array([False, False, True, True])
    assert value(np.array([0.0, 1, 2, 3]), truths, specificity=1.0) == 1
    assert value(np.array([3.0, 2, 1, 0]), truths) == 0
    assert value(np.zeros(4), truths) == 0
    assert value(np.zeros(4), truths, specificity=0.0) == 1
    assert math.isnan(value(np.ones(2), np.ones(2, bool)))
    assert math.isnan(value(np.ones(2), np.zeros(2, bool)))


def test_a_positive_without_a_score_is_missed_and_a_negative_is_called_first() -> None:
    truths = np.array([False, False, True, True])
    assert value(np.array([0.0, 1, np.nan, 3]), truths, specificity=0.0) == 0.5
    assert value(np.array([0.0, np.nan, 2, 3]), truths, specificity=1.0) == 0
    assert value(np.array([0.0, np.nan, 2, 3]), truths, specificity=0.5) == 1


@pytest.mark.parametrize("specificity", [0.5, 0.8, 0.9, 0.95, 1.0])
def test_agrees_with_scikit_learn_in_any_order(specificity: float) -> None:
    for seed in range(5):
        draw = np.random.default_rng(seed)
        truths = draw.random(140) < 0.4
        scores = draw.normal(truths * 1.2, 1.0).round(1)
        false_rate, true_rate, _ = roc_curve(truths, scores, drop_intermediate=False)
        expected = true_rate[false_rate <= 1 - specificity + 1e-9].max()
        order = draw.permutation(140)
        assert value(scores[order], truths[order], specificity=specificity) == pytest.approx(expected, abs=1e-12)


def test_the_stored_name_says_the_specificity() -> None:
    assert sensitivity_at_specificity.named(0.9) == "sensitivity_at_specificity_0.9"
