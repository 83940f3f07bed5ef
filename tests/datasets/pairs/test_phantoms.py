"""Phantoms as pairs: the same patients whatever is said of them, and no patient in two splits."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from vesalius.datasets.pairs.pair import Pair
from vesalius.datasets.pairs.phantoms import cohort
from vesalius.errors import UsageError
from vesalius.phantom import world

FEW = {"patients": 8, "validation": 3, "test": 7, "size_px": 32}
SKIN = {**FEW, "kinds": ["skin"], "label": "finding"}


def pairs(**given: Any) -> list[Pair]:
    return list(cohort(**given))


def of(found: list[Pair], split: str) -> list[Pair]:
    return [pair for pair in found if pair.sample.provenance.split == split]


def said(pair: Pair, source: int = 0) -> list[str]:
    return [text.words for text in pair.texts if text.source == source]


def test_every_split_has_as_many_patients_as_were_asked_for_and_none_is_in_two() -> None:
    found = pairs(**FEW, kinds=["skin", "fundus"])
    patients = [{pair.sample.provenance.patient_key for pair in of(found, split)} for split in ("train", "validation", "test")]
    assert [len(keys) for keys in patients] == [16, 6, 14]
    assert len(set.union(*patients)) == 36


def test_no_run_learns_from_a_patient_that_another_one_is_tested_on() -> None:
    first = {pair.sample.provenance.patient_key for pair in of(pairs(**SKIN), "test")}
    second = {pair.sample.provenance.patient_key for pair in of(pairs(**{**SKIN, "patients": 40, "test": 0}), "train")}
    assert first.isdisjoint(second)


def test_the_same_patients_are_tested_on_however_many_were_learnt_from() -> None:
    few, many = (of(pairs(**{**SKIN, "patients": number}), "test") for number in (2, 9))
    assert [pair.sample.key for pair in few] == [pair.sample.key for pair in many]


def test_what_is_said_changes_neither_patient_nor_picture() -> None:
    names, told = pairs(**SKIN, texts=["names"]), pairs(**SKIN, texts=["descriptions"], shuffled=True)
    assert [pair.sample.images[0].image.source.sha256 for pair in names] == [
        pair.sample.images[0].image.source.sha256 for pair in told
    ]
    assert [pair.label for pair in names] == [pair.label for pair in told]
    assert [said(pair) for pair in names] != [said(pair) for pair in told]


def test_one_finding_each_and_each_equally_often() -> None:
    found = of(pairs(**{**SKIN, "patients": 16}, normal=True), "train")
    counts = Counter(pair.label for pair in found)
    assert set(counts) == {item.name for item in world.catalogue("skin")} | {"normal"}
    assert set(counts.values()) == {2}
    for pair in found:
        present = [name for name, state in pair.sample.labels.items() if state == "present"]
        assert present == ([] if pair.label == "normal" else [pair.label])


def test_a_finding_that_is_held_out_is_only_tested_on() -> None:
    found = pairs(**{**SKIN, "patients": 14}, held_out=["psoriasis", "nevus"])
    assert not {"psoriasis", "nevus"} & {pair.label for pair in found if pair.sample.provenance.split != "test"}
    assert {"psoriasis", "nevus"} < {pair.label for pair in of(found, "test")}


def test_without_a_class_patients_with_a_finding_that_is_held_out_are_passed_over() -> None:
    found = pairs(kinds=["skin"], **{**FEW, "patients": 30}, held_out=["melanoma"])
    assert len(of(found, "train")) == 30
    assert all(pair.sample.labels["melanoma"] == "absent" for pair in of(found, "train"))


def test_the_worst_form_of_a_finding_is_the_largest() -> None:
    given = {"kinds": ["chest_xray"], **FEW, "size_px": 48, "label": "finding", "patients": 15}
    plain, worst = (of(pairs(**given, severe=severe), "train") for severe in (False, True))

    def area(found: list[Pair]) -> float:
        marked = [r for pair in found for r in pair.sample.regions if r.label == "effusion" == pair.label]
        return float(np.mean([region.geometry.load().sum() for region in marked]))

    assert area(worst) > 1.3 * area(plain)


def test_masks_are_those_that_were_drawn() -> None:
    (pair,) = pairs(kinds=["chest_xray"], patients=0, validation=0, test=1, size_px=32)
    drawn = world.make("chest_xray", seed=2, size_px=32, wording="canonical").picture
    assert np.array_equal(pair.sample.images[0].image.load(), drawn.pixels)
    lung = next(region for region in pair.sample.regions if region.label == "right lung")
    assert np.array_equal(lung.geometry.load(), drawn.masks["right lung"])


def test_sources_are_numbered_in_the_order_of_the_forms() -> None:
    (pair,) = of(pairs(**{**SKIN, "patients": 1, "test": 0}, texts=["reports", "names+descriptions", "definitions"]), "train")
    assert len(said(pair, 0)) == 1
    assert "skin photograph showing melanoma" in said(pair, 1)
    assert len(said(pair, 1)) > 1
    assert said(pair, 2) == ["skin photograph showing a malignant tumor of the pigment cells"]


def test_shuffled_descriptions_are_another_findings_and_their_key_stays_the_pictures() -> None:
    given = {**SKIN, "kinds": ["chest_xray"], "size_px": 32}
    true, false = pairs(**given, texts=["descriptions"]), pairs(**given, texts=["descriptions"], shuffled=True)
    for right, wrong in zip(true, false, strict=True):
        assert not set(said(right)) & set(said(wrong))
        assert {text.key for text in right.texts} == {text.key for text in wrong.texts} == {right.label}


def test_what_is_held_out_is_not_told_of_other_findings_either() -> None:
    held = ["hemangioma", "seborrheic keratosis"]
    true = pairs(**SKIN, texts=["descriptions"])
    theirs = {words for pair in true if pair.label in held for words in said(pair)}
    shuffled = of(pairs(**SKIN, texts=["descriptions"], shuffled=True, held_out=held), "train")
    told = {words for pair in shuffled for words in said(pair)}
    assert told
    assert not theirs & told
    own = {pair.label: set(said(pair)) for pair in of(true, "test")}
    assert all(not own[pair.label] & set(said(pair)) for pair in shuffled if pair.label)


def test_a_clip_of_surgery_is_told_as_two_recognizers_heard_it() -> None:
    given = {"kinds": ["surgery"], "label": "phase", **FEW, "patients": 6, "test": 0, "validation": 0, "texts": ["narrations"]}
    two, one, exact = pairs(**given), pairs(**given, recognizers=1), pairs(**given, word_error_rate=0.0)
    assert {pair.label for pair in two} == {"preparation", "dissection", "clipping", "cutting", "cleaning", "retrieval"}
    assert all(pair.sample.images[0].image.shape == (4, 32, 32) for pair in two)
    assert [said(pair, 0) for pair in two] == [said(pair, 0) for pair in one]
    assert all(said(pair, 1) for pair in two)
    assert not any(said(pair, 1) for pair in one)
    assert [said(pair, 0) for pair in exact] == [said(pair, 1) for pair in exact]
    assert any(said(pair, 0) != said(pair, 1) for pair in two)
    assert all(
        pair.sample.labels["hook"] == ("present" if pair.label == "dissection" else pair.sample.labels["hook"]) for pair in two
    )


def test_a_dirty_stream_has_as_many_pairs_and_cleaning_takes_out_what_texts_give_away() -> None:
    given = {**FEW, "kinds": ["cells"], "label": "finding", "patients": 60, "test": 0, "validation": 0, "texts": ["captions"]}
    clean, dirty, cleaned = pairs(**given), pairs(**given, dirty=0.5), pairs(**given, dirty=0.5, cleaned=True)
    assert len(dirty) == len(clean) == 60
    assert sum(a.texts != b.texts for a, b in zip(clean, dirty, strict=True)) > 15
    assert {pair.sample.provenance.source for pair in dirty} == {"phantom:cells", "phantom:skin"}
    assert {pair.sample.provenance.source for pair in cleaned} == {"phantom:cells"}
    assert 30 < len(cleaned) < 55
    assert all(len(words.split()) > 3 for pair in cleaned for words in said(pair))


def test_general_kinds_are_learnt_from_and_not_tested_on() -> None:
    found = pairs(**FEW, kinds=["skin"], general=["fundus", "oct"], general_patients=2, label="kind", texts=[])
    assert Counter(pair.label for pair in of(found, "train")) == {"skin": 8, "fundus": 2, "oct": 2}
    assert {pair.label for pair in of(found, "test")} == {"skin"}
    assert not any(pair.texts for pair in found)


def test_tested_kinds_may_be_others_than_those_learnt_from() -> None:
    found = pairs(**FEW, kinds=["skin"], tested=["fundus"], label="kind")
    assert {pair.label for pair in of(found, "test")} == {"fundus"}


def test_volumes_are_drawn_small() -> None:
    (pair,) = pairs(kinds=["chest_ct"], patients=1, validation=0, test=0, volume_px=16)
    assert pair.sample.images[0].image.shape == (16, 16, 16)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"texts": ["poems"]}, "data.texts"),
        ({"texts": ["narrations"]}, "data.kinds"),
        ({"label": "phase"}, "data.kinds"),
        ({"label": "mood"}, "data.label"),
        ({"severe": True}, "data.label"),
        ({"held_out": ["gout"]}, "data.held_out"),
        ({"templates": 9}, "data.templates"),
        ({"recognizers": 3}, "data.recognizers"),
        ({"dirty": 1.0}, "data.dirty"),
        ({"general_patients": -1}, "data.general_patients"),
        ({"kinds": ["chest_xrya"]}, "kind"),
    ],
)
def test_what_is_impossible_is_refused_before_anything_is_drawn(given: dict[str, Any], key: str) -> None:
    with pytest.raises(UsageError) as refused:
        next(cohort(**{**FEW, **given}))
    assert [problem.key for problem in refused.value.problems] == [key]
