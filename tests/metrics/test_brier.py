import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from vesalius.metrics import brier


def test_hand_computed_case() -> None:
    assert brier.items(np.array([0.8, 0.8]), np.array([True, False])) == pytest.approx([0.04, 0.64])


def test_the_extremes() -> None:
    truths = np.array([True, False])
    assert brier.items(np.array([1.0, 0.0]), truths).tolist() == [0, 0]
    assert brier.items(np.array([0.0, 1.0]), truths).tolist() == [1, 1]
    assert brier.items(np.full(2, 0.5), truths).tolist() == [0.25, 0.25]
    assert brier.items(np.full(2, np.nan), truths).tolist() == [1, 1]


def test_agrees_with_scikit_learn_in_any_order() -> None:
    draw = np.random.default_rng(0)
    probabilities, truths = draw.random(200), draw.random(200) < 0.4
    found = brier.items(probabilities, truths)
    assert found.mean() == pytest.approx(brier_score_loss(truths, probabilities), abs=1e-12)
    assert brier.items(probabilities[::-1], truths[::-1]).tolist() == found[::-1].tolist()
