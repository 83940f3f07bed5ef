"""Words of questions in three languages."""

import re
import string

import pytest
from tests.datasets.compose import annotated

from vesalius.datasets.compose import places, wording
from vesalius.datasets.compose.wording import LANGUAGES, Speech, same
from vesalius.phantom import world


def slots(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_fact_is_said_in_every_language_with_the_same_slots_in_every_wording() -> None:
    assert len(wording.wordings()) > 70
    for fact, languages in wording.wordings().items():
        assert set(languages) == set(LANGUAGES), fact
        found = {frozenset(slots(text)) for texts in languages.values() for text in texts}
        # A list of options may be left out of a wording; nothing may be added.
        assert max(found, key=len) == frozenset().union(*found), fact
        assert all(texts and len(set(texts)) == len(texts) for texts in languages.values()), fact


@pytest.mark.parametrize("kind", world.kinds())
def test_everything_that_phantoms_mark_or_state_has_a_word_in_every_language(kind: str) -> None:
    low = world.factors(kind)["size_px"].low
    for sample in annotated.patients(kind, 12, size_px=int(low)):
        for label in {*sample.labels, *(region.label for region in sample.regions)}:
            for language in LANGUAGES:
                said = Speech(language, 0).term(label)
                assert said, (label, language)
                assert language == "en" or not re.search("[A-Za-z]{2}", said.replace("-19", "")), said
            assert label in wording.terms(), label
        for region in sample.regions:
            for name in region.attributes:
                for language in ("zh", "ar"):
                    assert Speech(language, 0).word("attributes", name), (name, language)


def test_every_value_of_an_attribute_is_said_in_every_language() -> None:
    values = {
        (name, value)
        for kind in world.kinds()
        for item in world.catalogue(kind)
        for name, words in item.attributes.items()
        for value in words
    }
    for language in ("zh", "ar"):
        assert not {pair for pair in values if Speech(language, 0).attribute(*pair) is None}


def test_what_is_mistaken_for_something_is_known_and_is_something_else() -> None:
    for label, term in wording.terms().items():
        for other in term.like:
            assert other in wording.terms(), other
            assert not same(label, other), (label, other)


def test_synonyms_are_one_thing_and_neighbors_are_not() -> None:
    assert same("effusion", "pleural effusion")
    assert same("red cell", "red cells")
    assert same("red cell", "red blood cell")
    assert not same("effusion", "pericardial effusion")
    assert not same("nodule", "mass")


def test_training_varies_the_words_and_tests_are_canonical() -> None:
    for split, expected in (("train", 4), (None, 4), ("test", 1), ("validation", 1)):
        asked = {Speech("en", 3).say(annotated.by_hand(f"k{n}", split=split), "presence", label="x") for n in range(60)}
        assert len(asked) == expected


def test_a_label_that_nobody_knows_is_said_in_english_alone() -> None:
    assert Speech("en", 0).term("zebra stripe") == "zebra stripe"
    assert Speech("zh", 0).term("zebra stripe") is None
    assert Speech("en", 0).plural("zebra stripe") is None


def test_a_label_that_would_be_mistaken_for_a_picture_is_never_said() -> None:
    marked = [("nodule <image:3>", annotated.boxed((1, 1), (5, 5))), ("heart", annotated.boxed((1, 1), (9, 9)))]
    source = annotated.by_hand(marked=marked, attributes={1: {"shape": "<region:9>"}})
    made = list(places.compose([source]))
    assert made
    assert not [turn for sample in made for turn in sample.turns if "<image:3>" in turn.text or "<region:9>" in turn.text]
