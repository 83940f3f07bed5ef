import random

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer

from vesalius.metrics import rouge_l_google


def test_agrees_with_rouge_score_on_random_input() -> None:
    draw, reference = random.Random(8), RougeScorer(["rougeL"], use_stemmer=False)
    parts = ["No", "effusion", "heart-size", "1.5", "cm.", "(left)", "é", "T2", "_", "肺"]
    answers, truths = ([" ".join(draw.choices(parts, k=draw.randint(0, 15))) for _ in range(300)] for _ in range(2))
    expected = [reference.score(t, a)["rougeL"].fmeasure for a, t in zip(answers, truths, strict=True)]
    assert np.abs(rouge_l_google.items(answers, truths) - expected).max() < 1e-12


def test_hand_computed_case_and_extremes() -> None:
    assert rouge_l_google.items(["No acute disease seen."], ["no evidence of acute disease"])[0] == pytest.approx(6 / 9)
    assert rouge_l_google.items(["A-b!", "x", "", ""], ["a b", "y", "", "y"]).tolist() == [1, 0, 0, 0]


def test_it_has_no_words_in_chinese() -> None:
    assert rouge_l_google.items(["右肺正常"], ["右肺正常"]).tolist() == [0]
