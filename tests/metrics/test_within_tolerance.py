import math
import random
from decimal import Decimal

from vesalius.metrics import within_one, within_tolerance


def test_hand_computed_case() -> None:
    assert within_tolerance.items(["12.5", "15", "9.9", "none"], ["12"] * 4, tolerance=2.1).tolist() == [1, 0, 1, 0]


def test_what_is_exactly_at_the_tolerance_is_within() -> None:
    assert within_tolerance.items(["6.1", "0.3"], ["5.1", "0.1"], tolerance=1.0).tolist() == [1, 1]
    assert within_tolerance.items(["0.3"], ["0.1"], tolerance=0.2).tolist() == [1]


def test_an_item_whose_truth_is_no_number_is_not_scored() -> None:
    assert math.isnan(within_tolerance.items(["1"], ["some"], tolerance=9)[0])


def test_agrees_with_decimal_arithmetic_on_random_input_in_any_order() -> None:
    draw = random.Random(2)
    truths, answers = ([str(draw.randint(0, 50) / 10) for _ in range(300)] for _ in range(2))
    found = within_tolerance.items(answers, truths, tolerance=0.7)
    expected = [float(abs(Decimal(a) - Decimal(t)) <= Decimal("0.7")) for a, t in zip(answers, truths, strict=True)]
    assert found.tolist() == expected
    assert within_tolerance.items(answers[::-1], truths[::-1], tolerance=0.7).tolist() == expected[::-1]


def test_with_one_it_is_within_one() -> None:
    truths, answers = ["3", "4", "x"], ["4", "6", "1"]
    assert within_tolerance.items(answers, truths, tolerance=1.0)[:2].tolist() == within_one.items(answers, truths)[:2].tolist()


def test_the_stored_name_says_tolerance_and_unit() -> None:
    assert within_tolerance.named(2, "mm") == "within_tolerance_2_mm"
