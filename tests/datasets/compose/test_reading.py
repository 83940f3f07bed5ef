"""Sentences of reports and what they say."""

import pytest
from tests.datasets.compose import annotated

from vesalius.datasets.compose import reading
from vesalius.types import Report


def test_sentences_lose_headings_and_numbers_of_lists_and_keep_decimals() -> None:
    text = "EXAM: Chest X-ray. FINDINGS: A nodule, 1.4 mm. No effusion. IMPRESSION: 1. Nodule.\n2. Normal heart."
    assert reading.sentences(text) == ["A nodule, 1.4 mm.", "No effusion.", "Nodule.", "Normal heart."]
    assert reading.sentences("可见肺结节。未见胸腔积液。") == ["可见肺结节。", "未见胸腔积液。"]


@pytest.mark.parametrize(
    ("sentence", "language", "state"),
    [
        ("Round nodule on the right.", "en", "present"),
        ("There is no nodule.", "en", "absent"),
        ("Nodule cannot be excluded.", "en", "uncertain"),
        ("Notable nodule.", "en", "present"),
        ("未见肺结节。", "zh", "absent"),
        ("可疑肺结节。", "zh", "uncertain"),
        ("لا دليل على وجود عقدة رئوية.", "ar", "absent"),
        ("يُلاحظ وجود عقدة رئوية.", "ar", "present"),
    ],
)
def test_a_sentence_states_doubts_or_denies(sentence: str, language: str, state: str) -> None:
    assert reading.says(sentence, language) == state
    assert reading.mentions(sentence, "nodule", language)


def test_a_name_within_another_word_is_no_mention() -> None:
    assert not reading.mentions("Polyposis coli.", "polyp", "en")
    assert reading.mentions("Two polyps.", "polyp", "en")
    assert reading.about(Report("Free pleural air. Effusions.", ""), "pneumothorax") == ["Free pleural air."]


@pytest.mark.parametrize("language", ["en", "zh", "ar"])
def test_what_a_phantoms_report_says_of_a_finding_is_found_and_true(language: str) -> None:
    right = wrong = 0
    for sample in annotated.patients("chest_xray", 60, language=language, size_px=32):
        for label, state in sample.labels.items():
            for sentence in reading.about(sample.report, label):
                said = reading.says(sentence, language)
                right += said in (state, "uncertain")
                wrong += said not in (state, "uncertain")
    assert right > 60
    assert wrong <= 0.05 * right
