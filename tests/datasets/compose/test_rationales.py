"""rationales: the reason for an answer."""

from collections import Counter

import pytest
from tests.datasets.compose import annotated

from vesalius.datasets.compose import rationales
from vesalius.types import Sample

LABELS = {"nodule": "present", "effusion": "absent", "pneumothorax": "absent"}


def pair() -> list[Sample]:
    mask, lung = annotated.filled((40, 60), (4, 4), (8, 8)), annotated.filled((40, 60), (0, 0), (40, 30))
    marked = [("nodule", mask), ("right lung", lung)]
    one = annotated.by_hand("a", marked, labels=LABELS, attributes={0: {"shape": "round"}}, spacing_mm=(1.0, 1.0))
    other = annotated.by_hand("b", labels={"nodule": "absent", "effusion": "absent"})
    return [one, other]


def test_the_answer_stands_first_or_last() -> None:
    for strategy, at in (("explanation", 0), ("reasoning", -1)):
        yes, no = (sample.turns[1].text.split("\n") for sample in rationales.compose(pair(), strategy=strategy))
        assert (yes[at], no[at]) == ("The answer is yes.", "The answer is no.")
        assert len(yes) == len(no) == 2


def test_a_rationale_states_what_is_annotated() -> None:
    yes = next(iter(rationales.compose(pair()))).turns[1].text
    for fact in ("<region:0>", "shape: round", "It lies in the right lung.", "mm at most", "denser than the lung"):
        assert fact in yes


def test_the_second_stage_is_given_what_the_first_one_says() -> None:
    reason, answer, *_ = rationales.compose(pair(), strategy="two_stage")
    assert (reason.task, answer.task) == ("rationale", "presence")
    assert reason.turns[1].text in answer.turns[0].text
    assert "The answer" not in reason.turns[1].text
    assert answer.turns[1].text == "The answer is yes."
    assert reason.key != answer.key


def test_all_arms_ask_the_same_and_the_control_tells_of_another_finding() -> None:
    sources = annotated.patients("chest_xray", 60, size_px=32)
    arms = {control: list(rationales.compose(sources, control=control)) for control in ("given", "shuffled", "none")}
    assert len({tuple(sample.key for sample in arm) for arm in arms.values()}) == 1
    assert all("\n" not in sample.turns[1].text for sample in arms["none"])
    other = [a.turns[1].text != b.turns[1].text for a, b in zip(arms["given"], arms["shuffled"], strict=True)]
    assert all(other)


def test_yes_and_no_are_balanced_for_every_label() -> None:
    told: dict[str, Counter] = {}
    for sample in rationales.compose(annotated.patients("chest_xray", 120, size_px=32), control="none"):
        label = sample.provenance.annotation.partition("presence of ")[2].partition(" (")[0]
        told.setdefault(label, Counter())[sample.turns[1].text] += 1
    assert len(told) == 5
    assert all(len(set(counts.values())) == 1 and len(counts) == 2 for counts in told.values())


def test_folds_are_named_and_a_patient_is_in_one() -> None:
    folds: dict[str, set[str]] = {}
    for sample in rationales.compose(annotated.patients("chest_xray", 60, size_px=32), folds=3, strategy="two_stage"):
        folds.setdefault(sample.provenance.patient_key, set()).add(sample.provenance.annotation[-11:])
    assert all(len(names) == 1 for names in folds.values())
    assert {name for names in folds.values() for name in names} == {"fold 1 of 3", "fold 2 of 3", "fold 3 of 3"}


@pytest.mark.parametrize(("language", "word"), [("zh", "答案是"), ("ar", "الجواب هو")])
def test_other_languages_reason_too(language: str, word: str) -> None:
    made = list(rationales.compose(annotated.patients("chest_xray", 20, size_px=32), language=language))
    assert made
    assert all(word in sample.turns[1].text for sample in made)
