"""descriptions: what a finding looks like, in place of its name."""

from collections import Counter

import pytest
from tests.datasets.compose import annotated

from vesalius.datasets.compose import descriptions
from vesalius.datasets.compose.wording import descriptions as known
from vesalius.types import Box

NODULE = [("nodule", Box((2, 2), (6, 6)))]


def asked(**options: str) -> list[str]:
    sources = [annotated.by_hand(f"n{n}", NODULE, labels={"nodule": "present"}) for n in range(200)]
    made = descriptions.compose(sources, **options)
    return [sample.turns[0].text for sample in made if sample.task == "location"]


def test_name_and_each_description_are_drawn_about_equally_often() -> None:
    choices = ["nodule", *known()["nodule"]["en"].values()]
    told = Counter(next(choice for choice in reversed(choices) if choice in text) for text in asked())
    assert set(told) == set(choices)
    assert all(28 <= number <= 74 for number in told.values())  # 200 draws among four: 50, and four standard deviations


def test_beside_the_name_stand_all_attributes() -> None:
    for text in asked(form="beside"):
        assert all(part in text for part in ("nodule", *known()["nodule"]["en"].values()))


def test_the_control_tells_another_findings_description_and_always_the_same_one() -> None:
    other = descriptions.another("nodule")
    assert other != "nodule"
    for text in asked(form="beside", control="shuffled"):
        assert all(part in text for part in known()[other]["en"].values())
        assert not any(part in text for part in known()["nodule"]["en"].values())
    assert len({descriptions.another(label) for label in known()}) == len(known())


@pytest.mark.parametrize("language", ["en", "zh", "ar"])
def test_all_arms_ask_about_the_same_pictures(language: str) -> None:
    sources = annotated.patients("chest_xray", 12)
    arms = [
        sorted(
            (s.provenance.patient_key, s.task, len(s.regions)) for s in descriptions.compose(sources, language=language, **arm)
        )
        for arm in ({"form": "name"}, {"form": "beside"}, {"form": "instead"}, {"form": "beside", "control": "shuffled"})
    ]
    assert arms[0]
    assert arms[0] == arms[1] == arms[2] == arms[3]


def test_the_answer_marks_what_was_described() -> None:
    source = annotated.by_hand("a", NODULE, labels={"nodule": "present"})
    (sample,) = [sample for sample in descriptions.compose([source]) if sample.task == "location"]
    assert sample.turns[1].text == "nodule <region:0>"
    assert sample.regions[0].geometry == NODULE[0][1]


def test_every_language_describes_the_same_attributes_of_every_finding() -> None:
    assert len(known()) > 40
    for languages in known().values():
        assert set(languages) == {"en", "zh", "ar"}
        assert {tuple(attributes) for attributes in languages.values()} == {("shape", "density", "location")}
