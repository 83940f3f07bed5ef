import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from vesalius.metrics import f1


def test_hand_computed_case() -> None:
    """1 hit, 2 false alarms, 1 miss."""
    assert f1.value(np.array([1, 1, 1, 0, 0], bool), np.array([1, 0, 0, 1, 0], bool)) == pytest.approx(2 / 5)


def test_the_extremes() -> None:
    yes, no = np.ones(4, bool), np.zeros(4, bool)
    assert (f1.value(yes, yes), f1.value(no, yes), f1.value(yes, no)) == (1, 0, 0)
    assert math.isnan(f1.value(no, no))
    assert f1.value(yes, np.array([1, 0, 0, 0], bool)) == pytest.approx(2 * 0.25 / 1.25)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn_in_any_order(seed: int) -> None:
    draw = np.random.default_rng(seed)
    answers, truths = draw.random(100) < 0.4, draw.random(100) < 0.3
    assert f1.value(answers[::-1], truths[::-1]) == pytest.approx(f1_score(truths, answers), abs=1e-12)
