"""grades: question, box, steps, grade."""

import re
from collections import Counter

import pytest
from tests.datasets.compose import annotated

from vesalius.datasets.compose import grades
from vesalius.types import Box

SHAPE = (10, 40, 60)
LIVER, MASS = annotated.filled(SHAPE, (1, 5, 5), (9, 30, 50)), annotated.filled(SHAPE, (3, 10, 10), (6, 20, 30))


def volume(key: str, grade: str | None) -> object:
    marked = [("liver", LIVER)] + ([("splenomegaly", MASS)] if grade else [])
    said = {1: {"severity": str(grade), "shape": "round"}} if grade else {}
    labels = {"splenomegaly": "present" if grade else "absent"}
    return annotated.by_hand(
        key, marked, shape=SHAPE, kind="volume", modality="CT", spacing_mm=(5.0, 1.0, 1.0), labels=labels, attributes=said
    )


def test_the_answer_locates_measures_describes_and_grades() -> None:
    made, _ = grades.compose([volume("a", "moderate"), volume("b", "mild")])
    assert made.turns[1].text == (
        "1. The splenomegaly is at <region:0>. It lies in the liver <region:1>.\n"
        "2. It measures 24.5 mm at most.\n"
        "3. It is seen with shape: round.\n"
        "Therefore the severity is: moderate"
    )
    assert [region.geometry for region in made.regions] == [Box((3, 10, 10), (6, 20, 30)), Box((1, 5, 5), (9, 30, 50))]
    assert "none, mild, moderate, severe" in made.turns[0].text


def test_none_is_no_more_frequent_than_a_grade() -> None:
    sources = [volume(f"x{n}", None) for n in range(20)] + [volume(f"y{n}", "severe") for n in range(6)]
    told = Counter(sample.turns[1].text.rpartition(" ")[2] for sample in grades.compose(sources))
    assert told == {"none": 6, "severe": 6}


def test_a_guided_question_says_what_to_look_for() -> None:
    plain, guided = ("".join(s.turns[0].text for s in grades.compose([volume("a", "mild")], guided=on)) for on in (False, True))
    assert "rounded edges" in guided
    assert "rounded edges" not in plain


@pytest.mark.parametrize("language", ["en", "zh", "ar"])
def test_grades_are_those_that_were_drawn(language: str) -> None:
    sources = {sample.key: sample for sample in annotated.patients("chest_ct", 24, size_px=24)}
    told = {"small": ("小", "صغيرة"), "moderate": ("中等", "متوسطة"), "large": ("大", "كبيرة"), "severe": ("重度", "شديدة")}
    told |= {"mild": ("轻度", "خفيفة"), "none": ("无", "لا شيء")}
    seen = Counter()
    for made in grades.compose(sources.values(), language=language):
        source = sources[made.key.partition("-grades-")[0]]
        label = re.search(r"severity of (.+?),", made.provenance.annotation)[1]
        drawn = [region.attributes["severity"] for region in source.regions if region.label == label] or ["none"]
        expected = drawn[0] if language == "en" else told[drawn[0]][language == "ar"]
        assert made.turns[1].text.endswith(expected)
        seen[drawn[0]] += 1
    assert len(seen) >= 3


def test_flat_pictures_are_asked_about_only_where_they_are_named() -> None:
    sources = annotated.patients("chest_xray", 20, size_px=32)
    assert not list(grades.compose(sources))
    assert list(grades.compose(sources, kinds=("image",)))
