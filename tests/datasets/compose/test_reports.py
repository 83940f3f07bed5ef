"""reports: findings, sections and questions of four types with their explanation."""

import re
from collections import Counter

import pytest
from tests.datasets.compose import annotated

from vesalius.datasets.compose import reports
from vesalius.datasets.compose.reading import mentions, says
from vesalius.types import Report, Sample

TEXT = Report("Round nodule on the right. No effusion. The heart is large.", "Nodule.")
LABELS = {"nodule": "present", "effusion": "absent", "consolidation": "absent", "pneumothorax": "absent", "mass": "uncertain"}


def source(key: str = "a", *, report: Report = TEXT) -> Sample:
    marked = [("nodule", annotated.boxed((2, 2), (6, 6)))]
    return annotated.by_hand(key, marked, labels=LABELS, report=report)


def of(task: str, *samples: Sample, **options: object) -> list[Sample]:
    return list(reports.compose(samples or [source()], tasks=(task,), **options))


def test_an_answer_is_followed_by_the_sentence_and_the_region_that_show_it() -> None:
    (sample,) = of("single")
    assert re.fullmatch(r"[A-D]\. nodule\nReason: Round nodule on the right\.\nLocation: <region:0>", sample.turns[1].text)
    assert set(sample.options) == {"nodule", "effusion", "consolidation", "pneumothorax"}
    assert sample.regions[0].geometry == source().regions[0].geometry


def test_the_arms_without_explanation_leave_out_what_they_say() -> None:
    assert "\n" not in of("single", explain="none")[0].turns[1].text
    assert "Reason" in of("single", explain="reason")[0].turns[1].text
    assert "Reason" not in of("single", explain="location")[0].turns[1].text


def test_whole_reports_sections_and_summaries_are_the_reports_words() -> None:
    assert of("report")[0].turns[1].text == TEXT.findings
    assert of("impression")[0].turns[1].text == TEXT.impression
    (summary,) = of("summary")
    assert TEXT.findings in summary.turns[0].text
    assert not summary.images


def test_every_sentence_that_states_a_finding_is_marked_and_no_other() -> None:
    (sample,) = of("grounded_report")
    assert sample.turns[1].text == "Round nodule on the right. <region:0> No effusion. The heart is large."


def test_a_doubtful_finding_is_in_no_option_and_in_no_question() -> None:
    for sample in reports.compose([source()]):
        assert "mass" not in sample.options
        assert "mass" not in sample.provenance.annotation


def test_yes_and_no_are_balanced_for_every_label_and_positions_too() -> None:
    made = list(reports.compose(annotated.patients("chest_xray", 120, size_px=32)))
    told: dict[str, Counter] = {}
    for sample in made:
        if sample.task == "closed":
            label = re.search(r"question of (.+?) \(", sample.provenance.annotation)[1]
            told.setdefault(label, Counter())[sample.turns[1].text.split("\n")[0]] += 1
    assert len(told) == 5
    assert all(counts["yes"] == counts["no"] > 4 for counts in told.values())
    letters = Counter(sample.turns[1].text[0] for sample in made if sample.task == "single" and len(sample.options) == 4)
    assert max(letters.values()) - min(letters.values()) <= 1
    right = Counter(letter for s in made if s.task == "multiple" for letter in re.findall(r"(?:^|, )([A-D])\. ", s.turns[1].text))
    expected = right.total() / 4
    assert all(abs(number - expected) < 4 * expected**0.5 for number in right.values())


def test_every_option_that_is_right_is_there_and_every_other_is_absent() -> None:
    sources = {sample.key: sample for sample in annotated.patients("fundus", 60, size_px=32)}
    several = 0
    for sample in reports.compose(sources.values(), tasks=("multiple", "single")):
        labels = sources[sample.key.partition("-reports-")[0]].labels
        named = {label for label in sample.options if f". {label}" in sample.turns[1].text.partition("\n")[0]}
        assert {labels[label] for label in named} == {"present"}
        assert {labels[label] for label in set(sample.options) - named} == {"absent"}
        several += len(named) > 1
    assert several > 5


@pytest.mark.parametrize("language", ["en", "zh", "ar"])
def test_a_reason_names_the_finding_and_agrees_with_the_answer(language: str) -> None:
    sources = {sample.key: sample for sample in annotated.patients("chest_xray", 50, language=language, size_px=32)}
    word = {"en": "Reason: ", "zh": "理由：", "ar": "السبب: "}[language]
    explained = 0
    for sample in reports.compose(sources.values(), language=language, tasks=("closed", "single")):
        reason = sample.turns[1].text.partition(word)[2].partition("\n")[0]
        if reason:
            label = re.search(r"(?:question|choice) of (.+?) \(", sample.provenance.annotation)[1]
            state = sources[sample.key.partition("-reports-")[0]].labels[label]
            assert mentions(reason, label, language)
            assert says(reason, language) == state
            explained += 1
    assert explained > 20


def test_a_report_in_another_language_is_not_asked_about() -> None:
    assert not of("report", source(report=Report("未见异常。", "", "zh")))


def test_no_sentence_of_another_patient_is_told() -> None:
    sources = [source("a"), source("b", report=Report("Small nodule on the left.", "Nodule of b."))]
    for sample in reports.compose(sources):
        text = " ".join(turn.text for turn in sample.turns)
        other = "on the left" if sample.provenance.patient_key == "patient a" else "on the right"
        assert other not in text
