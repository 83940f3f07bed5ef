"""What the checks of texts let pass, and what they tell."""

import pytest
from tests.datasets.lint import clean

from vesalius.datasets.lint import characters, given_away, personal, tokens
from vesalius.datasets.lint.seen import Asked, Seen

HARMLESS = [
    (given_away, "Is this a CT or an MRI?", "MRI image"),
    (given_away, "Where is the right lung?", "right lung <region:0>"),
    (given_away, "Which is larger, the liver, the spleen or the kidney?", "the liver"),
    (given_away, "How many of the 12345 cells are white?", "12345"),
    (given_away, "图中肝脏和脾脏哪个更大?", "肝脏大"),
    (given_away, "Is the heart enlarged?", "Yes"),
    (personal, "What is the grade?", "A nodule of 12.5 mm, 3/4 of the lobe, ratio 10.12.14, since 2019, T2 3/4."),
    (personal, "MR angiography or MS lesion?", "MR Angiography shows MS plaques, segment 4/5, 120/80 mmHg."),
    (personal, "Is there a Mrs.", "no"),
    (personal, "What may 5 mean?", "May 12 of 20 patients may 5."),
    (tokens, "Is p < 0.05 and x > 3, see [12]?", "yes <region:0> [IV] <5 mm>"),
    (characters, "Was ist größer: Ø 3 µm – „ja“?", "Ã is a letter, naïve, 5 °C, Â, 左肺"),
]
TOLD = [
    (given_away, "The biopsy showed silicosis. What is the diagnosis?", "Silicosis."),
    (given_away, "显示肝细胞癌。诊断是什么?", "肝细胞癌"),
    *((personal, "When?", text) for text in ("2019-03-12", "03/12/2019", "12. März 2019", "on March 3", "5 de mayo de 2020")),
    *((personal, "Who?", text) for text in ("Frau Meier", "Mr. O'Neil", "SSN 123-45-6789", "+49 170 123 4567", "Hauptstraße 12")),
    *((tokens, "?", text) for text in ("[INST] x", "<start_of_turn>", "</s>", "<|vision_start|>", "<unused99>", "<bbox>")),
    (characters, "Null?", "a\x00b"),
]


def told(check: object, question: str, answer: str) -> list[str]:
    sample = clean.asked(question, answer)
    return [fault.code for fault in check.Check(Asked()).sample(Seen("sample 1", sample, ()))]


@pytest.mark.parametrize(("check", "question", "answer"), HARMLESS)
def test_harmless_texts_are_let_pass(check: object, question: str, answer: str) -> None:
    assert told(check, question, answer) == []


@pytest.mark.parametrize(("check", "question", "answer"), TOLD)
def test_texts_that_are_faulty_are_told(check: object, question: str, answer: str) -> None:
    assert told(check, question, answer) == list(check.CODES)
