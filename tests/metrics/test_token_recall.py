import random
import re

import numpy as np
import pytest

from vesalius.metrics import token_recall, token_recall_llava_med


def test_hand_computed_case_and_extremes() -> None:
    found = token_recall.items(["the left lung", "left left", "", "Left, LUNG", "x"], ["left lung"] * 4 + ["..."])
    assert found[:4].tolist() == [1, 0.5, 0, 1]
    assert np.isnan(found[4])


def test_agrees_with_an_independent_formula_on_random_input() -> None:
    draw = random.Random(6)
    answers, truths = ([" ".join(draw.choices("abcdef", k=draw.randint(1, 8))) for _ in range(300)] for _ in range(2))
    expected = []
    for answer, truth in zip((a.split() for a in answers), (t.split() for t in truths), strict=True):
        expected.append(sum(min(answer.count(w), truth.count(w)) for w in set(truth)) / len(truth))
    assert np.allclose(token_recall.items(answers, truths), expected, atol=1e-12)


def test_llava_med_counts_a_word_as_often_as_the_answer_repeats_it() -> None:
    # LLaVA-Med `calculate_f1score`: true positives are counted in the answer, misses in the truth
    assert token_recall_llava_med.items(["left left left"], ["left lung"])[0] == pytest.approx(3 / 4)
    assert token_recall.items(["left left left"], ["left lung"])[0] == 0.5


def test_llava_med_agrees_with_its_definition_on_random_input() -> None:
    draw = random.Random(16)
    answers, truths = ([" ".join(draw.choices("abcdef", k=draw.randint(0, 8))) for _ in range(300)] for _ in range(2))
    expected = []
    for answer, truth in zip((a.split() for a in answers), (t.split() for t in truths), strict=True):
        given, asked = ([w for w in text if w != "a"] for text in (answer, truth))  # an article
        hits, misses = sum(w in asked for w in given), sum(w not in given for w in asked)
        expected.append(hits / (hits + misses) if hits else 0.0)
    assert np.abs(token_recall_llava_med.items(answers, truths) - expected).max() < 1e-12


@pytest.mark.parametrize(
    ("answer", "truth", "value"),
    [
        ("The answer is Two.", "2", 1),
        ("none", "zero", 1),
        ("an x-ray", "x ray", 1),
        ("x-ray - chest", "xray", 1),  # a dash between spaces joins every hyphenated word
        ("x-ray of 1,200", "xray", 1),  # as does a comma in a number
        ("", "left", 0),
        ("left", "the", 0),
    ],
)
def test_words_of_llava_med(answer: str, truth: str, value: float) -> None:
    assert token_recall_llava_med.items([answer], [truth]).tolist() == [value]


def test_recall_does_not_punish_naming_everything() -> None:
    # papers/generative.md E1: one model's VQA-RAD is 49.9 or 72.5 depending on the meaning of "open accuracy"
    answer = "effusion pneumothorax mass nodule fracture edema"
    assert token_recall.items([answer], ["edema"]).tolist() == [1]
    assert re.fullmatch(r"token_recall\w*", token_recall_llava_med.NAME)
    assert token_recall_llava_med.NAME != token_recall.NAME
