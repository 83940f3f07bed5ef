import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from vesalius.metrics import kappa_quadratic


def test_hand_computed_case() -> None:
    """Off by 1 once. By chance: truths 0, 1, 2 against answers 0, 1, 1 each, (0 + 1 + 1 + 1 + 0 + 0 + 4 + 1 + 1) / 3 = 3."""
    assert kappa_quadratic.value(["0", "1", "1"], ["0", "1", "2"], ["0", "1", "2"]) == pytest.approx(1 - 1 / 3)


def test_the_extremes() -> None:
    assert kappa_quadratic.value(list("0123"), list("0123"), list("0123")) == 1
    assert kappa_quadratic.value(list("3210"), list("0123"), list("0123")) == -1
    assert kappa_quadratic.value(list("0000"), list("0123"), list("0123")) == 0
    assert math.isnan(kappa_quadratic.value(["1"], ["1"], list("0123")))


def test_agrees_with_scikit_learn_in_any_order() -> None:
    draw = np.random.default_rng(3)
    truths, answers = draw.integers(0, 4, 200), draw.integers(0, 4, 200)
    expected = cohen_kappa_score(truths, answers, weights="quadratic")
    found = kappa_quadratic.value([str(a) for a in answers[::-1]], [str(t) for t in truths[::-1]], list("0123"))
    assert found == pytest.approx(expected, abs=1e-12)
