import itertools
import math
import random

import pytest

from vesalius.metrics import paraphrase_consistency


def test_hand_computed_case() -> None:
    """Yes, yes, no: 1 of 3 pairs agrees. Four with two and two: 2 of 6."""
    assert paraphrase_consistency.items([["Yes", "yes.", "no"], ["a", "b", "a", "b"]]) == pytest.approx([1 / 3, 2 / 6])


def test_the_extremes() -> None:
    assert paraphrase_consistency.items([["no", "No.", " no "], ["a", "b", "c"]]).tolist() == [1, 0]
    assert all(math.isnan(v) for v in paraphrase_consistency.items([["yes"], []]))


def test_failing_always_is_not_consistent() -> None:
    assert paraphrase_consistency.items([[None, None], ["", " "], ["", None, "a", "a"]]) == pytest.approx([0, 0, 1 / 6])


def test_agrees_with_comparing_all_pairs_in_any_order() -> None:
    draw = random.Random(1)
    groups = [draw.choices("abc", k=draw.randint(2, 6)) for _ in range(100)]
    expected = []
    for group in groups:
        pairs = list(itertools.combinations(group, 2))
        expected.append(sum(a == b for a, b in pairs) / len(pairs))
    assert paraphrase_consistency.items(groups) == pytest.approx(expected, abs=1e-12)
    assert paraphrase_consistency.items([group[::-1] for group in groups[::-1]]) == pytest.approx(expected[::-1], abs=1e-12)
