import math
import random

from vesalius.metrics import number_exact


def test_hand_computed_case() -> None:
    assert number_exact.items(["6", "6.0", "+6.", "6.1", "six", ""], ["6"] * 6).tolist() == [1, 1, 1, 0, 0, 0]


def test_an_item_whose_truth_is_no_number_is_not_scored() -> None:
    assert math.isnan(number_exact.items(["1"], ["some"])[0])


def test_agrees_with_integers_on_random_input_in_any_order() -> None:
    draw = random.Random(0)
    truths, answers = ([draw.randint(0, 3) for _ in range(100)] for _ in range(2))
    found = number_exact.items([f"{a}.0" for a in answers], [str(t) for t in truths])
    assert found.tolist() == [float(a == t) for a, t in zip(answers, truths, strict=True)]
    assert number_exact.items([str(a) for a in answers[::-1]], [str(t) for t in truths[::-1]]).tolist() == found[::-1].tolist()
