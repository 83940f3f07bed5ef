import math
import random

import pytest
import sacrebleu

from vesalius.metrics import bleu_sacre, bootstrap

WORDS = ["No", "effusion,", "the", "heart-size", "is", "1.5", "cm.", "normal"]


def texts(seed: int, items: int, longest: int = 14) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randint(0, longest))) for _ in range(items)]


@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_sacrebleu_on_random_input(seed: int) -> None:
    longest = (14, 14, 2, 5, 6, 14, 3, 4)[seed]
    answers, truths = texts(seed, 40, longest), texts(100 + seed, 40)
    expected = sacrebleu.corpus_bleu(answers, [truths]).score / 100
    assert bleu_sacre.value(answers, truths) == pytest.approx(expected, abs=1e-9)


def test_hand_computed_case_and_smoothing() -> None:
    # words: 4 of 5 shared, pairs: 2 of 4, threes: none of 3 counts 1/2, fours: none of 2 counts 1/4
    expected = (4 / 5 * 2 / 4 * (1 / 2) / 3 * (1 / 4) / 2) ** (1 / 4)
    assert bleu_sacre.value(["a b x c d"], ["a b y c d"]) == pytest.approx(expected, abs=1e-12)


def test_extremes() -> None:
    assert bleu_sacre.value(["no acute disease seen"], ["no acute disease seen"]) == pytest.approx(1, abs=1e-12)
    assert bleu_sacre.value(["no acute disease"], ["no acute disease"]) == 0  # no answer has four words
    assert bleu_sacre.value(["x y z w"], ["a b c d"]) == 0
    assert bleu_sacre.value([""], [""]) == 0
    assert math.isnan(bleu_sacre.value([], []))


def test_order_of_items_does_not_matter_and_case_does() -> None:
    answers, truths = texts(21, 30), texts(22, 30)
    assert bleu_sacre.value(answers[::-1], truths[::-1]) == pytest.approx(bleu_sacre.value(answers, truths), abs=1e-15)
    assert bleu_sacre.value(["NO ACUTE DISEASE SEEN"], ["no acute disease seen"]) == 0


def test_its_sums_give_an_interval() -> None:
    counts = bleu_sacre.counts(texts(31, 60), texts(32, 60))
    found = bootstrap.counted_score(bleu_sacre.NAME, "higher", bleu_sacre.of_sums, counts, [str(i) for i in range(60)])
    assert found.interval is not None
    assert found.interval[0] < found.value < found.interval[1]
