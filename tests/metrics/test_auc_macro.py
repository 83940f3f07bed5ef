import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from vesalius.metrics import auc, auc_macro


def test_hand_computed_case_with_a_state_that_nobody_said() -> None:
    """First finding: 1 positive above 1 of 2 negatives: 1/2. Second: the unknown one aside, 1 of 1: 1."""
    scores = np.array([[0.5, 0.9], [0.7, 0.1], [0.1, 0.8]])
    states = np.array([[1, 1], [0, 0], [0, np.nan]])
    assert auc_macro.value(scores, states) == pytest.approx((0.5 + 1) / 2)


def test_a_finding_without_a_positive_is_left_out_of_the_mean_and_alone_is_undefined() -> None:
    scores, states = np.array([[0.5, 0.9], [0.7, 0.1]]), np.array([[0.0, 1.0], [0.0, 0.0]])
    assert auc_macro.value(scores, states) == 1
    assert math.isnan(auc_macro.value(scores[:, :1], states[:, :1]))
    assert math.isnan(auc_macro.value(np.zeros((0, 2)), np.zeros((0, 2))))


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn_one_against_the_rest_with_ties(seed: int) -> None:
    draw = np.random.default_rng(seed)
    scores, truths = np.round(draw.dirichlet(np.ones(4), 80), 2), draw.integers(0, 4, 80)
    scores /= scores.sum(axis=1, keepdims=True)
    expected = roc_auc_score(truths, scores, multi_class="ovr", average="macro")
    assert auc_macro.value(scores, np.eye(4)[truths]) == pytest.approx(expected, abs=1e-12)


def test_agrees_with_the_area_of_each_finding_on_drawn_items_with_states_and_scores_missing() -> None:
    draw = np.random.default_rng(7)
    scores, states = np.round(draw.random((60, 3)), 1), draw.choice([0.0, 1.0, np.nan], (60, 3))
    scores[draw.random((60, 3)) < 0.1] = np.nan
    compute = auc_macro.of(scores, states)
    for _ in range(5):
        chosen = np.sort(draw.integers(0, 60, 60))
        known = [(scores[chosen, c], states[chosen, c]) for c in range(3)]
        expected = np.mean([auc.value(s[~np.isnan(t)], t[~np.isnan(t)] == 1) for s, t in known])
        assert compute(chosen) == pytest.approx(expected, abs=1e-12)
