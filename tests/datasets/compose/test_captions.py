"""captions: labels → varied captions."""

import pytest
from tests.datasets.compose import annotated

from vesalius.datasets.compose import captions
from vesalius.errors import UsageError

NODULE = {"nodule": "present", "effusion": "absent"}


def texts(samples: list) -> list[str]:
    return [sample.turns[1].text for sample in samples]


def test_a_picture_gets_as_many_captions_as_asked_for_and_none_twice() -> None:
    made = list(captions.compose([annotated.by_hand(labels=NODULE)], per_picture=6))
    assert len(made) == len(set(texts(made))) == len({sample.key for sample in made}) == 6
    assert all("nodule" in text for text in texts(made))
    assert all("effusion" not in text for text in texts(made))


def test_all_findings_of_a_picture_stand_in_one_caption() -> None:
    labels = {"nodule": "present", "cardiomegaly": "present"}
    for text in texts(list(captions.compose([annotated.by_hand(labels=labels)]))):
        assert "nodule" in text
        assert "cardiomegaly" in text or "enlargement of the heart" in text


def test_the_normal_is_said_where_everything_was_looked_for_and_nothing_where_it_was_not() -> None:
    normal = list(captions.compose([annotated.by_hand(labels={"nodule": "absent"})]))
    assert len(normal) == 3
    assert all(
        "normal" in text or "no abnormality" in text or "without" in text or "unremarkable" in text for text in texts(normal)
    )
    doubtful = {"nodule": "absent", "effusion": "uncertain"}
    assert not list(captions.compose([annotated.by_hand(), annotated.by_hand(labels=doubtful)]))


def test_where_no_finding_is_stated_a_caption_names_a_few_of_the_structures() -> None:
    marked = [
        (name, annotated.boxed((1, 1), (5, 5))) for name in ("liver", "spleen", "aorta", "spine", "heart", "trachea", "bowel")
    ]
    for text in texts(list(captions.compose([annotated.by_hand(marked=marked)], per_picture=6))):
        assert sum(name in text for name, _ in marked) == captions.MOST_STRUCTURES
        assert "patient" not in text


@pytest.mark.parametrize(("language", "name"), [("en", "radiograph"), ("zh", "胸部"), ("ar", "للصدر")])
def test_every_language_names_modality_and_part(language: str, name: str) -> None:
    made = list(captions.compose(annotated.patients("chest_xray", 8), language=language, per_picture=4))
    assert len(made) == 32
    assert any(name in text for text in texts(made))
    assert all(sample.report.language == language for sample in made)


def test_a_language_without_words_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageError) as refused:
        list(captions.compose([], language="fr"))
    assert refused.value.problems[0].allowed == ("en", "zh", "ar")


def test_patient_split_licence_and_source_are_inherited() -> None:
    source = annotated.by_hand(labels=NODULE, split="test")
    for sample in captions.compose([source]):
        own, given = sample.provenance, source.provenance
        assert (own.patient_key, own.split, own.licence, own.study_key) == (given.patient_key, "test", "CC0-1.0", given.study_key)
        assert own.annotation.startswith("captions from a: caption")
        assert own.annotation.endswith("(drawn by hand)")
        assert sample.key.startswith("a-captions-")
