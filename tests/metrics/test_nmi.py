import math

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score

from vesalius.metrics import bootstrap, nmi


def test_the_extremes() -> None:
    assert nmi.value([0, 0, 1, 1], ["a", "a", "b", "b"]) == pytest.approx(1)
    assert nmi.value([5, 5, 2, 2], ["a", "a", "b", "b"]) == pytest.approx(1), "the names of groups mean nothing"
    assert nmi.value([0, 1, 0, 1], ["a", "a", "b", "b"]) == pytest.approx(0, abs=1e-12)
    assert nmi.value([0, 0, 0, 0], ["a", "a", "b", "b"]) == 0
    assert math.isnan(nmi.value([0, 0], ["a", "a"]))
    assert math.isnan(nmi.value([], []))


def test_hand_computed_case() -> None:
    """Groups 2 + 2, classes 3 + 1: I = log 2 + H(3/4) - H(2/4, 1/4, 1/4)."""
    of_group, of_class = math.log(2), -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    both = -(0.5 * math.log(0.5) + 2 * 0.25 * math.log(0.25))
    assert nmi.value([0, 0, 1, 1], ["a", "a", "a", "b"]) == pytest.approx(
        (of_group + of_class - both) / ((of_group + of_class) / 2)
    )


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn_in_any_order(seed: int) -> None:
    draw = np.random.default_rng(seed)
    groups, truths = draw.integers(0, 6, 120), draw.integers(0, 4, 120)
    expected = normalized_mutual_info_score(truths, groups)
    assert nmi.value(groups, truths) == pytest.approx(expected, abs=1e-12)
    assert nmi.value(groups[::-1], truths[::-1]) == pytest.approx(expected, abs=1e-12)


def test_its_interval_by_counts_is_the_one_by_drawing_items() -> None:
    draw = np.random.default_rng(2)
    groups, truths = draw.integers(0, 3, 90), draw.integers(0, 3, 90)
    patients = [str(i // 3) for i in range(90)]
    counts, compute = nmi.counts(groups, truths)
    fast = bootstrap.counted_score("m", "higher", compute, counts, patients, resamples=200)
    slow = bootstrap.corpus_score("m", "higher", lambda i: nmi.value(groups[i], truths[i]), patients, resamples=200)
    assert (fast.value, fast.interval) == (pytest.approx(slow.value), pytest.approx(slow.interval))


def test_more_groups_than_truths_are_refused() -> None:
    with pytest.raises(ValueError, match="one class per item"):
        nmi.value([0, 1], ["a"])
