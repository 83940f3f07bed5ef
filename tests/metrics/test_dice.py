import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from vesalius.metrics import dice

NONE = np.zeros((3, 4), bool)
ONE = np.eye(3, 4, dtype=bool)


def test_hand_computed_case() -> None:
    other = ONE.copy()
    other[0] = [False, True, True, False]  # shares 2 of its 4 with 2 of 3
    assert dice.items([other], [ONE])[0] == pytest.approx(4 / 7)


def test_the_extremes() -> None:
    assert dice.items([ONE, ~ONE, NONE, ONE, None, None], [ONE, ONE, ONE, NONE, ONE, NONE]).tolist() == [1, 0, 0, 0, 0, 1]


def test_the_value_of_two_empty_masks_can_be_the_one_of_others() -> None:
    assert dice.items([NONE], [NONE], both_empty=0.0).tolist() == [0]
    assert math.isnan(dice.items([NONE], [NONE], both_empty=math.nan)[0])


@pytest.mark.parametrize("shape", [(9, 7), (5, 6, 4)])
def test_agrees_with_scikit_learn_in_any_order(shape: tuple[int, ...]) -> None:
    draw = np.random.default_rng(1)
    given, true = ([draw.random(shape) < share for share in (0.1, 0.5, 0.9)] for _ in range(2))
    expected = [f1_score(t.ravel(), g.ravel()) for g, t in zip(given, true, strict=True)]
    assert dice.items(given, true) == pytest.approx(expected, abs=1e-12)
    assert dice.items(given[::-1], true[::-1]) == pytest.approx(expected[::-1], abs=1e-12)
    assert dice.items(true, given) == pytest.approx(expected, abs=1e-12)


def test_masks_of_two_grids_are_refused() -> None:
    with pytest.raises(ValueError, match="one grid first"):
        dice.items([NONE.T], [ONE])
