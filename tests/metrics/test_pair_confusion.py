import random

import numpy as np

from vesalius.metrics import bootstrap, pair_confusion


def test_hand_computed_case() -> None:
    found = pair_confusion.items([("A", "A"), ("A", "B"), ("A", ""), ("?", "?")], "AB")
    assert found[:2].tolist() == [1, 0]
    assert np.isnan(found[2:]).all()


def test_the_extremes() -> None:
    assert pair_confusion.items([("A", "A"), ("B", "B")], ("A", "B")).tolist() == [1, 1]
    assert pair_confusion.items([("A", "B"), ("B", "A")], ("A", "B")).tolist() == [0, 0]


def test_unreadable_pairs_are_neither_in_the_value_nor_in_n() -> None:
    found = bootstrap.score("m", "lower", pair_confusion.items([("A", "A"), ("A", "B"), ("", "")], "AB"), ["1", "2", "3"])
    assert (found.value, found.n, found.patients) == (0.5, 2, 2)


def test_agrees_with_counting_in_any_order() -> None:
    draw = random.Random(0)
    answers = [tuple(draw.choices("AB?", k=2)) for _ in range(300)]
    valid = [pair for pair in answers if "?" not in pair]
    expected = sum(a == b for a, b in valid) / len(valid)
    for rows in (answers, answers[::-1], [pair[::-1] for pair in answers]):
        assert np.nanmean(pair_confusion.items(rows, "AB")) == expected
