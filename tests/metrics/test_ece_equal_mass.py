import math

import numpy as np
import pytest

from vesalius.metrics import ece_equal_mass, ece_equal_width


def test_hand_computed_case() -> None:
    """Two bins of two: (0.90, 0.92) with 1 right, off by 0.41; (0.96, 0.98) with 2 right, off by 0.03."""
    confidences, correct = np.array([0.90, 0.96, 0.92, 0.98]), np.array([True, True, False, True])
    assert ece_equal_mass.value(confidences, correct, bins=2) == pytest.approx((0.41 + 0.03) / 2)
    assert ece_equal_width.value(confidences, correct, bins=2) == pytest.approx(0.94 - 0.75)


def test_the_extremes() -> None:
    assert ece_equal_mass.value(np.ones(4), np.ones(4, bool)) == 0
    assert ece_equal_mass.value(np.ones(4), np.zeros(4, bool)) == 1
    assert ece_equal_mass.value(np.full(4, np.nan), np.array([True, False] * 2)) == 1
    assert math.isnan(ece_equal_mass.value(np.empty(0), np.empty(0, bool)))


@pytest.mark.parametrize("bins", [1, 4, 15])
def test_agrees_with_sorted_slices_of_equal_size_in_any_order(bins: int) -> None:
    draw = np.random.default_rng(bins)
    confidences, n = draw.random(bins * 20), bins * 20
    correct = draw.random(n) < confidences
    slices = np.argsort(confidences).reshape(bins, 20)
    expected = np.mean([abs(confidences[part].mean() - correct[part].mean()) for part in slices])
    order = draw.permutation(n)
    assert ece_equal_mass.value(confidences[order], correct[order], bins=bins) == pytest.approx(expected, abs=1e-12)


def test_equal_confidences_lie_in_one_bin_whatever_their_order() -> None:
    confidences, correct = np.full(40, 0.7), np.arange(40) < 28
    for order in (np.arange(40), np.random.default_rng(1).permutation(40)):
        assert ece_equal_mass.value(confidences, correct[order]) == pytest.approx(0, abs=1e-12)
