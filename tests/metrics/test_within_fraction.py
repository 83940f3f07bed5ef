import random
from fractions import Fraction

import numpy as np

from vesalius.metrics import within_fraction


def test_hand_computed_case() -> None:
    assert within_fraction.items(["11", "9", "11.1", "about ten"], ["10"] * 4).tolist() == [1, 1, 0, 0]
    assert within_fraction.items(["11", "15", "16"], ["10"] * 3, fraction=0.5).tolist() == [1, 1, 0]


def test_a_negative_truth_is_measured_by_its_size() -> None:
    assert within_fraction.items(["-11", "-12", "10"], ["-10"] * 3).tolist() == [1, 0, 0]


def test_an_item_whose_truth_is_no_number_or_zero_is_not_scored() -> None:
    assert np.isnan(within_fraction.items(["0", "1"], ["0", "some"])).all()


def test_agrees_with_fractions_on_random_input_in_any_order() -> None:
    draw = random.Random(2)
    truths, answers = ([str(draw.randint(1, 50) / 10) for _ in range(300)] for _ in range(2))
    expected = [float(abs(Fraction(a) - Fraction(t)) <= Fraction(t) / 5) for a, t in zip(answers, truths, strict=True)]
    assert within_fraction.items(answers, truths, fraction=0.2).tolist() == expected
    assert within_fraction.items(answers[::-1], truths[::-1], fraction=0.2).tolist() == expected[::-1]


def test_the_stored_name_says_the_fraction() -> None:
    assert within_fraction.named(0.1) == "within_fraction_0.1"
