import random

import numpy as np
import pytest

from vesalius.metrics import rouge_l_google, rouge_l_pycoco


def test_hand_computed_case() -> None:
    # "no acute disease" in common: P = 3/4, R = 3/5
    expected = (1 + 1.44) * 0.75 * 0.6 / (0.6 + 1.44 * 0.75)
    found = rouge_l_pycoco.items(["no acute disease seen"], ["no evidence of acute disease"])
    assert found[0] == pytest.approx(expected, abs=1e-12)


def test_extremes() -> None:
    assert rouge_l_pycoco.items(["a b", "x", "", "", "a  b"], ["a b", "y", "", "y", "a  b"]).tolist() == [1, 0, 1, 0, 1]


def test_agrees_with_the_table_of_its_definition_on_random_input() -> None:
    draw = random.Random(9)
    answers, truths = ([" ".join(draw.choices("abcd", k=draw.randint(1, 20))) for _ in range(200)] for _ in range(2))
    expected = []
    for answer, truth in zip((a.split() for a in answers), (t.split() for t in truths), strict=True):
        table = np.zeros((len(answer) + 1, len(truth) + 1))
        for i, word in enumerate(answer):
            for j, other in enumerate(truth):
                table[i + 1, j + 1] = table[i, j] + 1 if word == other else max(table[i, j + 1], table[i + 1, j])
        p, r = table[-1, -1] / len(answer), table[-1, -1] / len(truth)
        expected.append((1 + 1.2**2) * p * r / (r + 1.2**2 * p) if p else 0.0)
    assert np.allclose(rouge_l_pycoco.items(answers, truths), expected, atol=1e-12)


def test_two_programs_called_rouge_l_give_two_numbers_under_two_names() -> None:
    # papers/grounding_evaluation.md, metrics table: `rouge`, `rouge-score` and pycocoevalcap are not the same
    texts = ["No effusion."], ["no effusion . the heart is normal ."]
    assert rouge_l_pycoco.NAME != rouge_l_google.NAME
    assert abs(rouge_l_pycoco.items(*texts)[0] - rouge_l_google.items(*texts)[0]) > 0.2


def test_recall_weighs_more_than_precision() -> None:
    long, short = rouge_l_pycoco.items(["a b c d", "a"], ["a b", "a b"])  # P 1/2, R 1; P 1, R 1/2
    assert long > short
