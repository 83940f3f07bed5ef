"""Factors: what may be fixed and what may not."""

from collections.abc import Sequence

import pytest

from vesalius.errors import Problem, UsageError
from vesalius.phantom.factors import Factor, Values, checked

KNOWN = {
    "count": Factor("how many", low=1, high=5, whole=True),
    "length": Factor("how long", low=0.5, high=2.0),
    "spacing": Factor("how fine", low=0.1, high=4, numbers=3),
    "word": Factor("what", choices=("none", "a", "b"), several=True),
    "one": Factor("which", choices=("x", "y")),
}


def check(**given: object) -> dict[str, object]:
    return dict(checked("thing", given, KNOWN, lambda values: []))


def test_text_is_read_as_what_the_factor_is() -> None:
    read = check(count="3", length="1.5", spacing="2,0.7, 0.7", word="b, a", one="x")
    assert read == {"count": 3, "length": 1.5, "spacing": (2.0, 0.7, 0.7), "word": "a,b", "one": "x"}
    assert type(read["count"]) is int
    assert type(read["length"]) is float


def test_what_is_typed_is_as_good_as_text() -> None:
    read = check(count=3.0, length=1, spacing=[2, 0.7, 0.7], word=("b", "a"), one=["x"])
    assert read == check(count="3", length="1", spacing="2,0.7,0.7", word="a,b", one="x")
    assert type(read["count"]) is int


def test_what_is_left_out_stays_out() -> None:
    assert check() == {}


@pytest.mark.parametrize(
    "given",
    [
        {"count": 0},
        {"count": 6},
        {"count": 2.5},
        {"count": True},
        {"count": "many"},
        {"count": ""},
        {"length": float("nan")},
        {"length": "inf"},
        {"length": None},
        {"length": "1e999"},
        {"spacing": 1.0},
        {"spacing": "1,1"},
        {"spacing": (1, 1, 1, 1)},
        {"spacing": (1, 1, 9)},
        {"spacing": (1, True, 1)},
        {"word": "a,a"},
        {"word": "none,a"},
        {"word": ""},
        {"word": []},
        {"word": "a,c"},
        {"one": "x,y"},
        {"one": None},
    ],
)
def test_what_cannot_be_is_refused_with_what_is_allowed(given: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        check(**given)
    (problem,) = caught.value.problems
    (name,) = given
    assert problem.key == name
    assert problem.allowed == KNOWN[name].allowed()
    assert all(word in caught.value.message for word in problem.allowed)


def test_every_problem_is_listed_and_a_near_name_is_offered() -> None:
    with pytest.raises(UsageError) as caught:
        check(lenght=1, count=9, one="z", unlike=1)
    assert [problem.key for problem in caught.value.problems] == ["lenght", "count", "one", "unlike"]
    assert "did you mean length?" in caught.value.problems[0].message
    assert "did you mean" not in caught.value.problems[3].message
    assert caught.value.problems[0].allowed == tuple(KNOWN)
    assert caught.value.exit_code == 2


def test_what_is_wrong_only_together_is_looked_for_when_each_is_right() -> None:
    asked: list[Values] = []

    def together(values: Values) -> Sequence[Problem]:
        asked.append(values)
        return [Problem("count", "not with that length", ("1",)), Problem("length", "not with that count", ("0.5",))]

    with pytest.raises(UsageError) as caught:
        checked("thing", {"count": 2, "length": 9}, KNOWN, together)
    assert [problem.key for problem in caught.value.problems] == ["length"]
    assert not asked
    with pytest.raises(UsageError) as caught:
        checked("thing", {"count": "2", "length": 1}, KNOWN, together)
    assert [problem.key for problem in caught.value.problems] == ["count", "length"]
    with pytest.raises(UsageError) as caught:  # a name that nobody knows hides nothing
        checked("thing", {"lenght": 1, "count": 2, "length": 9}, KNOWN, together)
    assert [problem.key for problem in caught.value.problems] == ["lenght", "length"]
    assert asked == [{"count": 2, "length": 1.0}]


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("count", "a whole number from 1 to 5"),
        ("length", "a number from 0.5 to 2"),
        ("spacing", "3 numbers joined by commas from 0.1 to 4"),
        ("word", "none"),
    ],
)
def test_what_is_allowed_is_said_in_words(name: str, allowed: str) -> None:
    assert KNOWN[name].allowed()[0] == allowed
