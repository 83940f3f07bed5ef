import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from vesalius.metrics import average_precision


def test_hand_computed_case() -> None:
    """Ranked positive, negative, positive: 1/2 x 1 + 1/2 x 2/3."""
    assert average_precision.value(np.array([3.0, 2.0, 1.0]), np.array([True, False, True])) == pytest.approx(5 / 6)


def test_the_extremes() -> None:
    truths = np.array([False, False, False, True])
    assert average_precision.value(np.array([0.0, 1, 2, 3]), truths) == 1
    assert average_precision.value(np.zeros(4), truths) == 0.25
    assert average_precision.value(np.array([3.0, 2, 1, 0]), truths) == 0.25
    assert math.isnan(average_precision.value(np.ones(3), np.zeros(3, bool)))
    assert math.isnan(average_precision.value(np.empty(0), np.empty(0, bool)))


def test_an_item_without_a_score_is_as_wrong_as_can_be() -> None:
    assert average_precision.value(np.array([9.0, np.nan]), np.array([True, False])) == 0.5
    assert average_precision.value(np.array([np.nan, 9.0]), np.array([True, False])) == 0.5


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn_with_ties_in_any_order_and_scale(seed: int) -> None:
    draw = np.random.default_rng(seed)
    truths = draw.random(150) < 0.2
    scores = draw.normal(truths * 0.8, 1.0).round(1)
    expected = average_precision_score(truths, scores)
    order = draw.permutation(150)
    for found in (scores, scores * 7 + 1):
        assert average_precision.value(found[order], truths[order]) == pytest.approx(expected, abs=1e-12)
