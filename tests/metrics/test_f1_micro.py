import math

import numpy as np
import pytest
from sklearn.metrics import f1_score
from sklearn.preprocessing import MultiLabelBinarizer

from vesalius.metrics import bootstrap, f1_micro
from vesalius.metrics.f1_macro import counts


def test_hand_computed_case() -> None:
    """2 hits (a, b), 1 false alarm (c), 2 misses (d, e): 4 / 7."""
    assert f1_micro.value([["a", "b"], ["c"]], [["a", "b", "d"], ["e"]]) == pytest.approx(4 / 7)


def test_the_extremes() -> None:
    assert f1_micro.value(["a", ["b"]], [["a"], "b"]) == 1
    assert f1_micro.value(["b"], ["a"]) == 0
    assert f1_micro.value([[]], [["a"]]) == 0
    assert math.isnan(f1_micro.value([[]], [[]], classes=["a"]))


def test_an_answer_that_is_no_class_is_a_miss_only() -> None:
    assert f1_micro.value(["a", "???"], ["a", "b"], classes=["a", "b"]) == pytest.approx(2 / 3)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn_and_with_accuracy_in_any_order(seed: int) -> None:
    draw = np.random.default_rng(seed)
    answers, truths = (draw.choice(list("abcde"), 80) for _ in range(2))
    assert f1_micro.value(answers[::-1].tolist(), truths[::-1].tolist()) == pytest.approx((answers == truths).mean(), abs=1e-12)
    several = [[[c for c in "abcdef" if draw.random() < 0.3] for _ in range(60)] for _ in range(2)]
    given, true = (MultiLabelBinarizer(classes=list("abcdef")).fit_transform(rows) for rows in several)
    assert f1_micro.value(*several) == pytest.approx(f1_score(true, given, average="micro"), abs=1e-12)


def test_its_interval_by_counts_is_the_one_by_drawing_items() -> None:
    draw = np.random.default_rng(9)
    answers, truths = (draw.choice(list("abc"), 60) for _ in range(2))
    patients = [str(i // 3) for i in range(60)]
    fast = bootstrap.counted_score("m", "higher", f1_micro.of_sums, counts(answers.tolist(), truths.tolist()), patients)
    slow = bootstrap.corpus_score("m", "higher", lambda i: f1_micro.value(answers[i].tolist(), truths[i].tolist()), patients)
    assert (fast.value, fast.interval) == (pytest.approx(slow.value), pytest.approx(slow.interval))
