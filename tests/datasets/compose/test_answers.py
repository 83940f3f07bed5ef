"""Options, positions, yes and no."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.datasets.compose import annotated

from vesalius.datasets.compose import answers
from vesalius.datasets.compose.answers import Deck, Even, Matched, Vocabulary
from vesalius.types import Box, Point


@given(st.integers(1, 6), st.integers(1, 200), st.integers(0, 9))
def test_no_position_is_dealt_twice_more_than_another(options: int, deals: int, seed: int) -> None:
    deck = Deck(seed)
    dealt = Counter(deck.place(options) for _ in range(deals))
    assert set(dealt) <= set(range(options))
    assert max(dealt.values()) - min(dealt[place] for place in range(options)) <= 1


def test_a_position_that_is_given_back_is_dealt_next() -> None:
    deck = Deck(0)
    place = deck.place(4)
    deck.back(4, place)
    assert deck.place(4) == place


@given(st.lists(st.tuples(st.sampled_from("qr"), st.sampled_from(["yes", "no"])), max_size=80))
def test_as_many_yes_as_no_pass_for_every_question(items: list[tuple[str, str]]) -> None:
    even: Even[tuple[str, str]] = Even(("yes", "no"))
    passed = Counter(ready for item in items for ready in even.offer(*item, item))
    for question in "qr":
        least = min(items.count((question, answer)) for answer in ("yes", "no"))
        assert passed[(question, "yes")] == passed[(question, "no")] == least
    assert even.left == len(items) - passed.total()


def test_what_waits_is_bounded() -> None:
    even: Even[int] = Even(("yes", "no"), waiting=5)
    assert not [ready for number in range(100) for ready in even.offer("q", "yes", number)]
    assert even.left == 5


@given(st.lists(st.booleans(), max_size=60))
def test_what_is_there_always_passes_and_what_is_not_no_more_often(order: list[bool]) -> None:
    matched: Matched[bool] = Matched()
    passed = [ready for is_there in order for ready in matched.offer("q", is_there, is_there=is_there)]
    assert passed.count(True) == order.count(True)
    assert passed.count(False) == min(order.count(True), order.count(False))


def test_look_alikes_come_first_then_labels_of_the_same_part_and_synonyms_never() -> None:
    labels = {
        "effusion": "present",
        "pleural effusion": "absent",
        "nodule": "absent",
        "consolidation": "absent",
        "glioma": "absent",
    }
    sample = annotated.by_hand(labels=labels)
    vocabulary = Vocabulary.of([sample, annotated.by_hand("b", labels={"nodule": "present", "consolidation": "present"})])
    for seed in range(10):
        wrong = answers.distractors("effusion", sample, vocabulary, random.Random(seed), of=answers.absent(sample))
        assert wrong == ["consolidation", "nodule"]


def test_only_what_is_stated_absent_and_marked_nowhere_is_absent() -> None:
    labels = {"nodule": "absent", "effusion": "absent", "mass": "uncertain", "hernia": "not_mentioned"}
    sample = annotated.by_hand(marked=[("pleural effusion", Box((1, 1), (2, 2)))], labels=labels)
    assert answers.absent(sample) == ["nodule"]


def test_labels_are_drawn_apart_where_a_picture_has_two_of_one_sort() -> None:
    two = annotated.by_hand("a", [("polyp", Box((1, 1), (2, 2))), ("polyp", Box((5, 5), (6, 6)))])
    mixed = annotated.by_hand("b", [("ulcer", Box((1, 1), (2, 2))), ("ulcer", Point((1, 1)))], source="other")
    assert Vocabulary.of([two, mixed]).drawn_apart == {("made", "polyp")}


@pytest.mark.parametrize("at", [0, 1, 2])
def test_the_right_option_stands_where_it_was_dealt(at: int) -> None:
    sample = answers.choice(
        annotated.by_hand(), "places", "x", task="t", question="Which?", right="r", wrong=["v", "w"], deck=at, images=()
    )
    assert sample.options[at] == "r"
    assert sample.turns[1].text == f"{'ABC'[at]}. r"
    assert f"{'ABC'[at]}. r" in sample.turns[0].text
