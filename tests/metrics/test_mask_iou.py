import numpy as np
import pytest
from sklearn.metrics import jaccard_score

from vesalius.metrics import dice, mask_iou

NONE = np.zeros((3, 4), bool)
ONE = np.eye(3, 4, dtype=bool)


def test_hand_computed_case() -> None:
    other = ONE.copy()
    other[0] = [False, True, True, False]
    assert mask_iou.items([other], [ONE])[0] == pytest.approx(2 / 5)


def test_the_extremes() -> None:
    assert mask_iou.items([ONE, ~ONE, NONE, ONE, None, None], [ONE, ONE, ONE, NONE, ONE, NONE]).tolist() == [1, 0, 0, 0, 0, 1]
    assert mask_iou.items([NONE], [NONE], both_empty=0.0).tolist() == [0]


@pytest.mark.parametrize("shape", [(9, 7), (5, 6, 4)])
def test_agrees_with_scikit_learn_and_with_dice_in_any_order(shape: tuple[int, ...]) -> None:
    draw = np.random.default_rng(2)
    given, true = ([draw.random(shape) < share for share in (0.1, 0.5, 0.9)] for _ in range(2))
    expected = [jaccard_score(t.ravel(), g.ravel()) for g, t in zip(given, true, strict=True)]
    found = mask_iou.items(given, true)
    assert found == pytest.approx(expected, abs=1e-12)
    assert dice.items(given, true) == pytest.approx(2 * found / (1 + found), abs=1e-12)
    assert mask_iou.items(given[::-1], true[::-1]) == pytest.approx(found[::-1], abs=1e-12)


def test_masks_of_two_grids_are_refused() -> None:
    with pytest.raises(ValueError, match="one grid first"):
        mask_iou.items([NONE.T], [ONE])
