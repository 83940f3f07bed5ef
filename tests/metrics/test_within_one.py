import math
import random

import numpy as np

from vesalius.metrics import within_one


def test_hand_computed_case() -> None:
    assert within_one.items(["1", "3", "4.1", "none", "5.1"], ["2", "2", "3", "0", "6.1"]).tolist() == [1, 1, 0, 0, 1]


def test_an_item_whose_truth_is_no_number_is_not_scored() -> None:
    assert math.isnan(within_one.items(["1"], ["some"])[0])


def test_agrees_with_an_independent_formula_on_random_input() -> None:
    draw = random.Random(1)
    truths = [draw.randint(0, 9) for _ in range(300)]
    answers = [draw.randint(0, 9) for _ in range(300)]
    expected = [float(a in (t - 1, t, t + 1)) for a, t in zip(answers, truths, strict=True)]
    assert np.array_equal(within_one.items([str(a) for a in answers], [str(t) for t in truths]), expected)
