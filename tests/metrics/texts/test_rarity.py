import math

import numpy as np
import pytest

from vesalius.metrics.texts.rarity import common


def test_hand_computed_case() -> None:
    # "a" stands in both truths and weighs nothing; "b" and "c" in one, log 2; "q" in none, log 2
    words = common([["a", "b", "b", "q"], ["c"]], [["a", "b"], ["a", "c"]])[0]
    log2 = math.log(2)
    assert words.item.tolist() == [0, 0, 1]
    assert np.allclose(sorted(words.given), [0, log2, 2 * log2])
    assert words.lengths == pytest.approx([math.hypot(2 * log2, log2) * log2, log2 * log2])
    assert words.cosines(words.given * words.true) == pytest.approx([2 / math.sqrt(5), 1])


def test_texts_shorter_than_the_order_have_nothing_in_common() -> None:
    assert [len(each.item) for each in common([["a"], []], [["a"], ["b"]])] == [1, 0, 0, 0]
    assert [each.cosines(each.given).tolist() for each in common([[]], [[]])] == [[0]] * 4


def test_unequal_numbers_of_answers_and_truths_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="2 answers and 1 truths"):
        common([["a"], ["b"]], [["a"]])
