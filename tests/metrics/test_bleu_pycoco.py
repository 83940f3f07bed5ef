import math
import random
from collections import Counter

import numpy as np
import pytest

from vesalius.metrics import bleu_pycoco, bootstrap

WORDS = ["no", "effusion", "the", "heart", "is", "normal", "."]


def texts(seed: int, items: int, shortest: int = 0) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randint(shortest, 12))) for _ in range(items)]


def brute_force(answers: list[str], truths: list[str], order: int) -> float:
    """Papineni's equation, term by term, over the whole set."""
    product = 1.0
    for n in range(1, order + 1):
        shared = given = 0
        for answer, truth in zip(answers, truths, strict=True):
            left = Counter(tuple(truth.split()[i : i + n]) for i in range(len(truth.split()) - n + 1))
            for i in range(len(answer.split()) - n + 1):
                run = tuple(answer.split()[i : i + n])
                given += 1
                if left[run]:
                    left[run] -= 1
                    shared += 1
        product *= shared / given
    long, asked = (sum(len(text.split()) for text in texts) for texts in (answers, truths))
    return product ** (1 / order) * min(1.0, math.exp(1 - asked / long))


def test_hand_computed_case() -> None:
    # 5 of 5 words, 3 of 4 pairs; the answer is one word shorter than the truth
    answer, truth = "the heart is normal .", "the heart size is normal ."
    assert bleu_pycoco.value([answer], [truth], order=1) == pytest.approx(math.exp(1 - 6 / 5), abs=1e-8)
    assert bleu_pycoco.value([answer], [truth], order=2) == pytest.approx(math.sqrt(3 / 4) * math.exp(1 - 6 / 5), abs=1e-8)


def test_extremes() -> None:
    same = texts(1, 20, shortest=4)
    assert bleu_pycoco.value(same, same) == pytest.approx(1, abs=1e-8)
    assert bleu_pycoco.value(["x y z w v"], ["a b c d e"], order=1) == pytest.approx(0, abs=1e-12)
    assert bleu_pycoco.value(["", ""], ["no", "yes"]) == 0
    assert math.isnan(bleu_pycoco.value([], []))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_agrees_with_an_independent_formula_on_random_input(order: int) -> None:
    answers, truths = texts(2, 300), texts(3, 300)
    assert bleu_pycoco.value(answers, truths, order) == pytest.approx(brute_force(answers, truths, order), abs=1e-9)


def test_order_of_items_does_not_matter() -> None:
    answers, truths = texts(4, 50), texts(5, 50)
    shuffled = random.Random(0).sample(range(50), 50)
    value = bleu_pycoco.value([answers[i] for i in shuffled], [truths[i] for i in shuffled])
    assert value == pytest.approx(bleu_pycoco.value(answers, truths), abs=1e-15)


def test_the_interval_of_sums_is_that_of_computing_anew_for_each_draw() -> None:
    answers, truths, patients = texts(6, 30), texts(7, 30), [str(i // 2) for i in range(30)]
    counts = bleu_pycoco.counts(answers, truths)
    fast = bootstrap.counted_score("bleu_4_pycoco", "higher", bleu_pycoco.of_sums, counts, patients, resamples=40)

    def anew(chosen: np.ndarray) -> float:
        return bleu_pycoco.value([answers[i] for i in chosen], [truths[i] for i in chosen])

    slow = bootstrap.corpus_score("bleu_4_pycoco", "higher", anew, patients, resamples=40)
    assert fast.value == pytest.approx(slow.value, abs=1e-12)
    assert fast.interval == pytest.approx(slow.interval, abs=1e-12)


def test_it_is_not_the_mean_of_the_items() -> None:
    # papers/grounding_evaluation.md, metrics table: BLEU of one sentence with smoothing is not corpus BLEU
    answers, truths = ["a b c d", "x"], ["a b c d", "y"]
    single = [bleu_pycoco.value([a], [t], order=1) for a, t in zip(answers, truths, strict=True)]
    assert abs(bleu_pycoco.value(answers, truths, order=1) - float(np.mean(single))) > 0.2


def test_its_name_says_order_and_definition() -> None:
    assert bleu_pycoco.name(4) == "bleu_4_pycoco"
