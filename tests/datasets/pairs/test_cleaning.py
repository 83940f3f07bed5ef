"""Cleaning: what each rule leaves out, and why."""

from collections import Counter

from tests.datasets.compose import annotated

from vesalius.datasets.pairs.cleaning import clean, is_about, is_long_enough, vocabulary
from vesalius.datasets.pairs.pair import Pair, Text

ABOUT = vocabulary({"tissue"}, ["blood smear"])


def pair(name: str, *words: str) -> Pair:
    return Pair(annotated.by_hand(name), tuple(Text(said) for said in words))


def cleaned(*pairs: Pair) -> tuple[list[Pair], Counter[str]]:
    dropped = Counter[str]()
    return list(clean(pairs, ABOUT, dropped)), dropped


def test_words_are_counted_and_not_marks() -> None:
    assert is_long_enough("one two-part word's", 3)
    assert not is_long_enough("one - two , !", 3)


def test_a_text_is_about_the_subject_when_it_names_a_term_of_it_as_a_word() -> None:
    assert is_about("Many Sickled erythrocytes here", ABOUT)
    assert is_about("a normal blood smear", ABOUT)
    assert not is_about("amitosis", ABOUT)
    assert not is_about("anything", vocabulary(set()))


def test_texts_that_a_rule_leaves_out_are_counted_and_the_others_stay() -> None:
    kept, dropped = cleaned(pair("a", "mitosis", "a very old barn", "a field with mitosis"))
    assert [text.words for text in kept[0].texts] == ["a field with mitosis"]
    assert dropped == {"texts too short": 1, "texts about something else": 1}


def test_a_pair_without_texts_is_left_out() -> None:
    kept, dropped = cleaned(pair("a", "mitosis"), pair("b"))
    assert kept == []
    assert dropped["pairs without a text"] == 2


def test_the_same_picture_with_the_same_words_stands_once() -> None:
    kept, dropped = cleaned(
        pair("a", "a field with mitosis"),
        pair("a", "A field, with mitosis!"),
        pair("a", "another field with mitosis"),
        pair("b", "a field with mitosis"),
    )
    assert len(kept) == 3
    assert dropped == {"pairs seen before": 1}
