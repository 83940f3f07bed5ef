"""Answers in another language than their question are told, and nothing is told where little shows a language."""

import pytest
from tests.datasets.lint import clean

from vesalius.datasets.lint import languages
from vesalius.datasets.lint.seen import Asked, Seen

ENGLISH = "What is seen in the lower part of the lung?"


def told(question: str, answer: str) -> list[str]:
    sample = clean.asked(question, answer)
    return [fault.code for fault in languages.Check(Asked()).sample(Seen("sample 1", sample, ()))]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (ENGLISH, "左肺未见胸腔积液。"),
        (ENGLISH, "В левом лёгком нет выпота."),
        (ENGLISH, "Es ist kein Erguss in der linken Lunge zu sehen und das Herz ist nicht groß."),
        ("图像显示什么器官?", "There is no evidence of a pleural effusion in the left lung."),
    ],
)
def test_another_language_is_told(question: str, answer: str) -> None:
    assert told(question, answer) == ["language_mismatch"]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (ENGLISH, "MRI"),
        (ENGLISH, "12 mm"),
        (ENGLISH, "<region:0>"),
        (ENGLISH, "Clear lungs. Enlarged left ventricle. A tortuous dilated aorta. No pneumonia"),
        ("T2加权MRI图像显示什么器官?", "肝脏大"),
        ("How do you say this in German?", "Es ist kein Erguss in der linken Lunge zu sehen und das Herz ist nicht groß."),
    ],
)
def test_what_shows_no_other_language_is_let_pass(question: str, answer: str) -> None:
    assert told(question, answer) == []
