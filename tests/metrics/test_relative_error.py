import numpy as np
import pytest
from sklearn.metrics import mean_absolute_percentage_error

from vesalius.metrics import relative_error


def test_hand_computed_case() -> None:
    assert relative_error.items(["11", "5", "10", "-10"], ["10"] * 4) == pytest.approx([0.1, 0.5, 0.0, 2.0])


def test_an_unreadable_answer_is_as_wrong_as_the_worst_plausible_one_and_at_least_by_all_of_it() -> None:
    # The largest truth is 40: as wrong as 0 or 40, whichever is farther.
    assert relative_error.items(["unclear", "", "40"], ["10", "30", "40"]) == pytest.approx([3.0, 1.0, 0.0])
    assert relative_error.items(["?"], ["0.5"]) == pytest.approx([2.0])
    assert relative_error.items(["?"], ["-5"]) == pytest.approx([1.0])


def test_an_item_whose_truth_is_no_number_or_zero_is_not_scored() -> None:
    assert np.isnan(relative_error.items(["0", "1"], ["0", "some"])).all()
    assert np.isnan(relative_error.items(["1"], ["some"])).all()


def test_agrees_with_scikit_learn_on_random_input_in_any_order() -> None:
    draw = np.random.default_rng(0)
    truths, answers = (draw.uniform(-50, 50, 200).round(3) for _ in range(2))
    found = relative_error.items([str(a) for a in answers], [str(t) for t in truths])
    assert found.mean() == pytest.approx(mean_absolute_percentage_error(truths, answers), abs=1e-9)
    turned = relative_error.items([str(a) for a in answers[::-1]], [str(t) for t in truths[::-1]])
    assert turned == pytest.approx(found[::-1], abs=0)
