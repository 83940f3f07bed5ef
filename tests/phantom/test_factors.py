"""Factors: what may be fixed and what may not."""

import pytest

from vesalius.errors import UsageError
from vesalius.phantom.factors import Factor, checked

KNOWN = {
    "count": Factor("how many", low=1, high=5, whole=True),
    "length": Factor("how long", low=0.5, high=2.0),
    "word": Factor("what", choices=("none", "a", "b"), several=True),
    "one": Factor("which", choices=("x", "y")),
}


def check(**given: object) -> dict[str, object]:
    return dict(checked("thing", given, KNOWN, lambda values: []))


def test_text_is_read_as_what_the_factor_is() -> None:
    assert check(count="3", length="1.5", word="b,a", one="x") == {"count": 3, "length": 1.5, "word": "a,b", "one": "x"}


@pytest.mark.parametrize(
    "given",
    [
        {"count": 0},
        {"count": 2.5},
        {"count": True},
        {"count": "many"},
        {"length": float("nan")},
        {"length": None},
        {"word": "a,a"},
        {"word": "none,a"},
        {"word": ""},
        {"one": "x,y"},
    ],
)
def test_what_cannot_be_is_refused_with_what_is_allowed(given: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        check(**given)
    assert caught.value.problems[0].key == next(iter(given))
    assert caught.value.problems[0].allowed
