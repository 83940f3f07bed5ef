import numpy as np
import pytest

from vesalius.benchmarks.encoders import draws, few_shot
from vesalius.benchmarks.encoders.embedded import unit


def test_a_class_is_the_mean_of_its_few_at_unit_length() -> None:
    vectors, labels = unit(np.random.default_rng(0).normal(size=(20, 5))), np.arange(20) % 2
    rows = draws.few_of(labels.tolist(), 3, seed=7)
    mean = vectors[rows][labels[rows] == 1].mean(axis=0)
    found = few_shot.class_means(vectors, labels, 2, 3, seed=7)
    assert found[1] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)


def test_several_draws_differ_and_can_be_repeated() -> None:
    vectors, labels = unit(np.random.default_rng(0).normal(size=(40, 5))), np.arange(40) % 2
    found = few_shot.draws(vectors, labels, 2, 2, seed=3, many=4)
    assert found.shape == (4, 2, 5)
    assert len({each.tobytes() for each in found}) == 4
    assert (found == few_shot.draws(vectors, labels, 2, 2, seed=3, many=4)).all()
