import pytest

from vesalius.metrics.answers.options import by_letter, by_text

OPTIONS = ["Left lung", "Right lung", "Heart", "A fracture"]


@pytest.mark.parametrize(
    ("answer", "place"),
    [("B", 1), ("b", 1), (" (C) ", 2), ("D.", 3), ("A: left lung", 0), ("B) the right lung", 1), ("**C**", 2), ("Ｂ", 1)],
)
def test_a_letter_alone_or_before_its_own_text_names_an_option(answer: str, place: int) -> None:
    assert by_letter(answer, OPTIONS) == place


@pytest.mark.parametrize(
    "answer",
    ["Because it is red", "B or C", "AB", "E", "A: right lung", "A fracture", "Brain", "", "Bone", "left lung", "I think B"],
)
def test_nothing_else_is_a_letter(answer: str) -> None:
    assert by_letter(answer, OPTIONS) is None


def test_the_text_of_one_option_names_it_and_a_part_or_a_likeness_does_not() -> None:
    assert [by_text(answer, OPTIONS) for answer in ("left lung", "The heart.", "fracture")] == [0, 2, 3]
    assert [by_text(answer, OPTIONS) for answer in ("lung", "left lungg", "", "left and right lung", "B")] == [None] * 5
