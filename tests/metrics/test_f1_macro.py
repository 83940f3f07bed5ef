import math

import numpy as np
import pytest
from sklearn.metrics import f1_score
from sklearn.preprocessing import MultiLabelBinarizer

from vesalius.metrics import bootstrap, f1_macro


def test_hand_computed_case() -> None:
    """a: 2 hits, 2 false alarms, no miss: 4/6. b: 1 hit, 1 miss: 2/3. c: 1 miss: 0."""
    answers, truths = ["a", "a", "a", "b", "a"], ["a", "a", "b", "b", "c"]
    assert f1_macro.value(answers, truths) == pytest.approx((4 / 6 + 2 / 3 + 0) / 3)


def test_the_extremes() -> None:
    assert f1_macro.value(["a", "b"], ["a", "b"]) == 1
    assert f1_macro.value(["b", "a"], ["a", "b"]) == 0
    assert math.isnan(f1_macro.value([], []))
    assert math.isnan(f1_macro.value([[]], [[]], classes=["a"]))


def test_a_class_that_nobody_gave_or_asked_for_does_not_move_the_mean() -> None:
    assert f1_macro.value(["a", "b"], ["a", "a"], classes=["a", "b", "c", "d"]) == f1_macro.value(["a", "b"], ["a", "a"])


def test_an_answer_that_is_no_class_misses_and_is_no_class_of_its_own() -> None:
    assert f1_macro.value(["a", "???"], ["a", "b"], classes=["a", "b"]) == pytest.approx(1 / 2)
    assert f1_macro.value(["a", "???"], ["a", "b"]) == pytest.approx(1 / 3)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn_in_any_order(seed: int) -> None:
    draw = np.random.default_rng(seed)
    answers, truths = (draw.choice(list("abcde"), 80).tolist() for _ in range(2))
    expected = f1_score(truths, answers, average="macro")
    assert f1_macro.value(answers[::-1], truths[::-1]) == pytest.approx(expected, abs=1e-12)
    several = [[[c for c in "abcdef" if draw.random() < 0.3] for _ in range(60)] for _ in range(2)]
    binary = MultiLabelBinarizer(classes=list("abcdef"))
    given, true = (binary.fit_transform(rows) for rows in several)
    assert f1_macro.value(*several) == pytest.approx(f1_score(true, given, average="macro", zero_division=0), abs=1e-12)


def test_its_interval_by_counts_is_the_one_by_drawing_items() -> None:
    draw = np.random.default_rng(9)
    answers, truths = (draw.choice(list("abc"), 90) for _ in range(2))
    patients = [str(i // 3) for i in range(90)]
    fast = bootstrap.counted_score("m", "higher", f1_macro.of_sums, f1_macro.counts(answers.tolist(), truths.tolist()), patients)
    slow = bootstrap.corpus_score("m", "higher", lambda i: f1_macro.value(answers[i].tolist(), truths[i].tolist()), patients)
    assert (fast.value, fast.interval) == (pytest.approx(slow.value), pytest.approx(slow.interval))


def test_more_answers_than_truths_are_refused() -> None:
    with pytest.raises(ValueError, match="one answer per truth"):
        f1_macro.value(["a", "b"], ["a"])
