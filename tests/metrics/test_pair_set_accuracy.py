import random

import pytest

from vesalius.metrics import pair_set_accuracy


def test_hand_computed_case() -> None:
    truths = [("A", "B"), ("B", "A"), ("A", "B"), ("A", "B")]
    answers = [("A", "B"), ("B", "B"), ("B", "A"), ("A", "")]
    assert pair_set_accuracy.items(answers, truths).tolist() == [1, 0, 0, 0]


def test_the_extremes() -> None:
    truths = [("A", "B"), ("B", "A")]
    assert pair_set_accuracy.items(truths, truths).tolist() == [1, 1]
    assert pair_set_accuracy.items([("A", "A")] * 2, truths).tolist() == [0, 0]


def test_a_set_may_have_more_than_two_questions() -> None:
    assert pair_set_accuracy.items([("A", "B", "C"), ("A", "B", "A")], [("A", "B", "C")] * 2).tolist() == [1, 0]


def test_agrees_with_comparing_tuples_in_any_order() -> None:
    draw = random.Random(0)
    answers, truths = ([tuple(draw.choices("AB", k=2)) for _ in range(200)] for _ in range(2))
    expected = [float(a == t) for a, t in zip(answers, truths, strict=True)]
    assert pair_set_accuracy.items(answers, truths).tolist() == expected
    assert pair_set_accuracy.items(answers[::-1], truths[::-1]).tolist() == expected[::-1]


def test_an_answer_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        pair_set_accuracy.items([("A",)], [("A", "B")])
