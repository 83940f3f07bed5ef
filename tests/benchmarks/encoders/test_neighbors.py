import numpy as np
import pytest

from vesalius.benchmarks.encoders import neighbors
from vesalius.benchmarks.encoders.embedded import unit


def test_hand_computed_votes() -> None:
    gallery, labels = unit(np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])), np.array([0, 1, 1])
    found = neighbors.votes(unit(np.array([[1.0, 0.0]])), gallery, labels, 2, 2)
    weight = np.exp((0.8 - 1) / neighbors.TEMPERATURE)
    assert found[0] == pytest.approx([1 / (1 + weight), weight / (1 + weight)], abs=1e-6)
    assert neighbors.votes(unit(np.array([[0.1, 1.0]])), gallery, labels, 2, 50)[0].sum() == pytest.approx(1)


def test_pieces_of_the_queries_are_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    vectors, gallery, labels = unit(draw.normal(size=(23, 4))), unit(draw.normal(size=(30, 4))), draw.integers(0, 3, 30)
    whole = neighbors.votes(vectors, gallery, labels, 3, 5)
    monkeypatch.setattr(neighbors, "AT_ONCE", 7)
    assert neighbors.votes(vectors, gallery, labels, 3, 5) == pytest.approx(whole)


def test_k_is_chosen_on_validation_and_of_equals_it_is_the_smallest() -> None:
    """The nearest one is of the wrong class, the next two of the right one."""
    gallery, labels = unit(np.array([[1.0, 0.0], [0.99, 0.1], [0.99, -0.1], [-1.0, 0.0]])), np.array([1, 0, 0, 1])
    held = unit(np.array([[1.0, 0.0]]))
    assert neighbors.chosen_k(gallery, labels, held, np.array([0]), 2, (1, 3, 4)) == 3
    assert neighbors.chosen_k(gallery, labels, held, np.array([1]), 2, (4, 3, 1)) == 1
