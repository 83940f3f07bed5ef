import inspect

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from vesalius.benchmarks.encoders import linear_probe
from vesalius.benchmarks.encoders.embedded import unit


def clouds(seed: int, many: int, classes: int = 3, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    labels = np.arange(many) % classes
    centers = np.random.default_rng(99).normal(size=(classes, 8))
    return unit(centers[labels] + spread * draw.normal(size=(many, 8))), labels


@pytest.mark.parametrize("strength", [0.01, 1.0, 100.0])
def test_the_optimum_is_that_of_scikit_learn(strength: float) -> None:
    features, labels = clouds(0, 150)
    weights = linear_probe.fit(features, np.eye(3)[labels], strength, tolerance=1e-8)
    other = LogisticRegression(C=strength, tol=1e-10, max_iter=5000).fit(features.astype(np.float64), labels)
    mine = np.concatenate([features, np.ones((150, 1))], axis=1) @ weights
    chances = np.exp(mine) / np.exp(mine).sum(axis=1, keepdims=True)
    assert np.abs(chances - other.predict_proba(features.astype(np.float64))).max() < 1e-4
    assert np.abs(weights[:-1].T - weights[:-1].mean(axis=1) - other.coef_).max() < 1e-3 * max(1, np.abs(other.coef_).max())


def test_two_classes_are_scikit_learns_at_twice_the_strength() -> None:
    features, labels = clouds(1, 80, classes=2)
    weights = linear_probe.fit(features, np.eye(2)[labels], 0.5, tolerance=1e-8)
    other = LogisticRegression(C=1.0, tol=1e-10, max_iter=5000).fit(features.astype(np.float64), labels)
    difference = weights[:, 1] - weights[:, 0]
    assert difference[:-1] == pytest.approx(other.coef_[0], abs=1e-4)
    assert difference[-1] == pytest.approx(other.intercept_[0], abs=1e-4)


def test_starting_elsewhere_leads_to_the_same_optimum() -> None:
    features, labels = clouds(2, 60)
    begin = np.random.default_rng(0).normal(size=(9, 3))
    one = linear_probe.fit(features, np.eye(3)[labels], 1.0, tolerance=1e-9)
    other = linear_probe.fit(features, np.eye(3)[labels], 1.0, start=begin, tolerance=1e-9)
    assert one[:-1] == pytest.approx(other[:-1], abs=1e-5)


def test_the_strength_is_the_one_of_the_smallest_loss_on_validation() -> None:
    (train, labels), (held, truths) = clouds(3, 30, spread=3.0), clouds(4, 60, spread=3.0)
    losses = {}
    for strength in linear_probe.STRENGTHS:
        alone = linear_probe.probe(train, labels, held, truths, 3, strengths=(strength,))
        losses[strength] = -np.log(alone.probabilities(held)[np.arange(60), truths]).mean()
    chosen = linear_probe.probe(train, labels, held, truths, 3)
    assert chosen.strength == min(losses, key=lambda strength: losses[strength])
    assert len({round(loss, 6) for loss in losses.values()}) > 3


def test_what_validation_says_moves_the_choice_and_no_test_label_can() -> None:
    (train, labels), (held, truths) = clouds(3, 30, spread=3.0), clouds(4, 60, spread=0.2)
    wrong = linear_probe.probe(train, labels, held, (truths + 1) % 3, 3)
    right = linear_probe.probe(train, labels, held, truths, 3)
    assert right.strength > wrong.strength == min(linear_probe.STRENGTHS), "of labels that are all wrong, trust nothing"
    assert not [name for name in inspect.signature(linear_probe.probe).parameters if "test" in name]


def test_vectors_that_are_all_alike_give_the_frequencies() -> None:
    same = np.ones((6, 4), np.float32)
    found = linear_probe.probe(same, np.array([0, 0, 0, 0, 1, 1]), same[:2], np.array([0, 1]), 2)
    assert found.probabilities(same)[0] == pytest.approx([2 / 3, 1 / 3], abs=1e-4)
