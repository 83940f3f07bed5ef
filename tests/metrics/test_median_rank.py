import math

import numpy as np
import pytest

from vesalius.metrics import median_rank


def test_queries_without_an_answer_are_left_out() -> None:
    assert median_rank.value(np.array([1.0, 9.0, np.nan, 2.0])) == 2
    assert math.isnan(median_rank.value(np.array([np.nan])))


def test_agrees_with_the_middle_of_sorted_ranks_in_any_order() -> None:
    ranks = np.random.default_rng(1).integers(1, 100, 31).astype(float)
    assert median_rank.value(ranks[::-1]) == sorted(ranks)[15] == pytest.approx(median_rank.value(ranks))


def test_the_extremes() -> None:
    assert median_rank.value(np.ones(4)) == 1
    assert median_rank.value(np.array([1.0, 3.0])) == 2
