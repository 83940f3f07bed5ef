import random
from fractions import Fraction

import numpy as np

from vesalius.metrics import each_within_fraction


def test_hand_computed_case() -> None:
    answers = ["11 20", "9 30", "11.1 20", "10", "10 20 30", "ten 20", ""]
    assert each_within_fraction.items(answers, ["10 20"] * 7).tolist() == [1, 0.5, 0.5, 0, 0, 0.5, 0]
    assert each_within_fraction.items(["15 29"], ["10 20"], fraction=0.5).tolist() == [1]


def test_the_order_counts() -> None:
    assert each_within_fraction.items(["20 10"], ["10 20"]).tolist() == [0]


def test_an_item_whose_truth_is_no_numbers_or_holds_a_zero_is_not_scored() -> None:
    assert np.isnan(each_within_fraction.items(["0 1", "1", "1"], ["0 1", "some", ""])).all()


def test_agrees_with_fractions_on_random_input_in_any_order() -> None:
    draw = random.Random(2)
    made = [[" ".join(str(draw.randint(1, 50) / 10) for _ in range(2)) for _ in range(300)] for _ in range(2)]
    answers, truths = made
    pairs = [[(Fraction(a), Fraction(t)) for a, t in zip(x.split(), y.split(), strict=True)] for x, y in zip(*made, strict=True)]
    expected = [sum(abs(a - t) <= t / 5 for a, t in pair) / 2 for pair in pairs]
    assert each_within_fraction.items(answers, truths, fraction=0.2).tolist() == expected
    assert each_within_fraction.items(answers[::-1], truths[::-1], fraction=0.2).tolist() == expected[::-1]


def test_the_stored_name_says_the_fraction() -> None:
    assert each_within_fraction.named(0.25) == "each_within_fraction_0.25"
