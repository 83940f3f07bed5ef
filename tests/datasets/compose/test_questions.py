"""Questions from annotations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.datasets.collections import bccd
from vesalius.datasets.compose import questions
from vesalius.types import Box, Mask, Point, Polygon, Region


def test_evidence_is_numbered_top_to_bottom_then_left_to_right():
    boxes = [Box((5, 1), (6, 2)), Box((1, 9), (2, 10)), Box((1, 2), (2, 3))]
    made = questions.where("rib", [Region("rib", box) for box in boxes], plural="ribs")
    assert made.turns[1].text == "rib <region:0> <region:1> <region:2>"
    assert [region.geometry for region in made.regions] == [boxes[2], boxes[1], boxes[0]]


def test_any_geometry_has_a_place_in_reading_order():
    inside = np.zeros((9, 9), bool)
    inside[4, 4] = True
    geometries = [Mask(lambda: inside), Polygon(((3, 3), (5, 5), (3, 5))), Point((2, 2)), Box((1, 1), (8, 8))]
    ordered = questions.in_reading_order([Region("x", geometry) for geometry in geometries])
    assert [region.geometry for region in ordered] == geometries[::-1]


def test_a_later_picture_comes_after_an_earlier_one_wherever_it_lies():
    regions = [Region("x", Box((0, 0), (1, 1)), image=1), Region("x", Box((9, 9), (10, 10)), image=0)]
    assert [region.image for region in questions.in_reading_order(regions)] == [0, 1]


def test_what_is_absent_is_said_without_a_region():
    assert questions.where("effusion", []).turns[1].text == "none"
    assert questions.visible("platelets", []).turns[1].text == "no"
    assert questions.how_many("platelets", []).turns[1].text == "0"


def test_a_prior_is_shown_before_the_question():
    made = questions.conversation("comparison", "What changed?", "nothing", pictures=2)
    assert made.turns[0].text == "<image:0> <image:1> What changed?"


@pytest.mark.parametrize("question", ["Where is the left lung?", "Where are the platelets?", "How many platelets are visible?"])
def test_every_other_wording_keeps_the_thing_that_is_asked_for(question):
    named = question.removesuffix("?").removesuffix(" are visible").split()[-1]
    wordings = questions.phrasings(question)
    assert wordings[0] == question
    assert len(set(wordings)) == len(wordings) >= 4
    assert all(named in wording for wording in wordings)


@given(st.text(max_size=30))
def test_a_question_that_is_not_canonical_stays_as_it_is(question):
    assert question in questions.phrasings(question)


def test_rephrasing_follows_the_seed_and_changes_nothing_but_the_question(tmp_path, make_bccd):
    (sample,) = bccd.asked(make_bccd(tmp_path, {"a": [("Platelets", 1, 1, 5, 5)]}))
    asked = {seed: questions.rephrase(sample, seed=seed).turns for seed in range(40)}
    assert asked == {seed: questions.rephrase(sample, seed=seed).turns for seed in range(40)}
    assert {turns[0].text for turns in asked.values()} == {
        f"<image:0> {wording}" for wording in questions.phrasings("Where are the platelets?")
    }
    assert {turns[1] for turns in asked.values()} == {sample.turns[1]}
