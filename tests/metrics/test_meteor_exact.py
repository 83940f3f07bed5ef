import random

import numpy as np
import pytest
from nltk.translate.meteor_score import single_meteor_score

from vesalius.metrics import meteor_exact


class NoStems:
    """Leaves words as they are, so that NLTK's second stage finds nothing new."""

    def stem(self, word: str) -> str:
        return word


class NoSynonyms:
    """A WordNet without entries."""

    def synsets(self, word: str) -> list[object]:
        return []


def test_agrees_with_nltk_without_stems_and_synonyms_on_random_input() -> None:
    draw = random.Random(7)
    words = ["No", "acute", "disease", "the", "heart", "is", "normal"]
    answers, truths = ([" ".join(draw.choices(words, k=draw.randint(0, 14))) for _ in range(300)] for _ in range(2))
    expected = [
        single_meteor_score(truth.split(), answer.split(), stemmer=NoStems(), wordnet=NoSynonyms())
        for answer, truth in zip(answers, truths, strict=True)
    ]
    assert np.abs(meteor_exact.items(answers, truths) - expected).max() < 1e-12


def test_hand_computed_case() -> None:
    # 4 words in common in 2 chunks (no acute | disease seen); P 1, R 4/5
    mean = 0.8 / (0.9 + 0.1 * 0.8)
    found = meteor_exact.items(["No acute disease seen"], ["no acute lung disease seen"])[0]
    assert found == pytest.approx(mean * (1 - 0.5 * (2 / 4) ** 3), abs=1e-12)


def test_extremes() -> None:
    found = meteor_exact.items(["yes", "a b c d", "x", "", ""], ["yes", "a b c d", "y", "y", ""])
    assert found.tolist() == [0.5, 1 - 0.5 / 64, 0, 0, 0]
