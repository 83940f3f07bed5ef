import numpy as np

from vesalius.benchmarks.encoders import draws

LABELS = [0] * 50 + [1] * 30 + [2] * 3


def test_a_share_is_a_share_of_each_class_and_never_none() -> None:
    rows = draws.share_of(LABELS, 10, seed=0)
    assert np.bincount(np.array(LABELS)[rows]).tolist() == [5, 3, 1]
    assert draws.share_of(LABELS, 100, seed=0).tolist() == list(range(83))
    assert np.bincount(np.array(LABELS)[draws.share_of(LABELS, 0.1, seed=0)]).tolist() == [1, 1, 1]


def test_a_smaller_share_lies_within_a_larger_one_of_the_same_seed() -> None:
    assert set(draws.share_of(LABELS, 10, seed=4)) < set(draws.share_of(LABELS, 50, seed=4))


def test_the_draw_depends_on_the_seed_and_not_on_the_global_generator() -> None:
    np.random.seed(0)
    one = draws.few_of(LABELS, 4, seed=1).tolist()
    np.random.seed(1)
    assert draws.few_of(LABELS, 4, seed=1).tolist() == one
    assert draws.few_of(LABELS, 4, seed=2).tolist() != one


def test_a_class_with_fewer_than_asked_gives_all() -> None:
    assert np.bincount(np.array(LABELS)[draws.few_of(LABELS, 4, seed=0)]).tolist() == [4, 4, 3]
