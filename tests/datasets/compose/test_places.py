"""places: where, how many, what is there, which one."""

import re
from collections import Counter

import numpy as np
import pytest
from tests.datasets.compose import annotated

from vesalius.datasets.collections import bccd
from vesalius.datasets.compose import places
from vesalius.types import Box, Point, Sample

TWO = [("nodule", Box((2, 2), (6, 6))), ("nodule", Box((20, 30), (30, 40)))]


def asked(samples: list[Sample], task: str) -> list[Sample]:
    return list(places.compose(samples, tasks=(task,)))


def number(sample: Sample) -> int:
    return int(sample.turns[1].text.split()[0])


@pytest.mark.parametrize("kind", ["chest_xray", "abdomen_ct", "skin", "surgery"])
def test_counts_are_the_numbers_of_lesions_that_can_be_seen(kind: str) -> None:
    sources = {sample.key: sample for sample in annotated.patients(kind, 20, size_px=32)}
    made = asked(list(sources.values()), "count")
    assert made
    for sample in made:
        source = sources[sample.key.partition("-places-")[0]]
        label = re.search(r"count of (.+?), (regions|stated)", sample.provenance.annotation)[1]
        frame = sample.images[0].image
        regions = [region.geometry.load() for region in source.regions if region.label == label and region.image == 0]
        if source.images[0].image.kind == "clip":
            whole = source.images[0].image.load()
            at = next(t for t in range(len(whole)) if np.array_equal(whole[t], frame.load()))
            regions = [mask[at] for mask in regions]
        assert number(sample) == sum(bool(mask.any()) for mask in regions)


def test_single_cells_are_counted_by_their_landmarks_and_masks_of_all_cells_are_not() -> None:
    source = [s for s in annotated.patients("cells", 12, size_px=128) if any(isinstance(r.geometry, Point) for r in s.regions)]
    counted = 0
    for sample in asked(source, "count"):
        origin = next(s for s in source if sample.key.startswith(s.key + "-"))
        for measured in origin.measurements:
            if f"count of {measured.name.removeprefix('number of ').removesuffix('s')}," in sample.provenance.annotation:
                assert number(sample) == measured.value
                counted += 1
    assert counted >= 5


def test_what_is_there_is_boxed_tightly_and_what_is_not_is_none() -> None:
    mask = annotated.filled((40, 60), (3, 4), (9, 8))
    source = [annotated.by_hand("a", [("nodule", mask)], labels={"nodule": "present"})]
    source.append(annotated.by_hand("b", labels={"nodule": "absent"}))
    there, gone = asked(source, "where")
    assert there.turns[1].text == "nodule <region:0>"
    assert there.regions[0].geometry == Box((3, 4), (9, 8))
    assert (gone.turns[1].text, gone.regions) == ("none", ())


def test_none_and_zero_are_no_more_frequent_than_what_is_there() -> None:
    samples = [annotated.by_hand(f"x{n}", labels={"nodule": "absent"}) for n in range(30)]
    samples += [annotated.by_hand(f"y{n}", TWO, labels={"nodule": "present"}) for n in range(10)]
    for task in ("where", "count", "point", "count_and_box", "count_and_point"):
        told = Counter(sample.turns[1].text.split()[0] in ("none", "0") for sample in asked(samples, task))
        assert told == {True: 10, False: 10}, task


def test_a_point_lies_on_what_it_marks_even_where_the_middle_does_not() -> None:
    ring = np.ones((40, 60), bool)
    ring[1:-1, 1:-1] = False
    source = annotated.by_hand(marked=[("rib", annotated.filled((40, 60), (0, 0), (40, 60)))])
    object.__setattr__(source.regions[0].geometry, "load", lambda: ring)
    (sample,) = asked([source], "point")
    y, x = sample.regions[0].geometry.at
    assert ring[int(y), int(x)]


def test_counting_and_marking_give_one_region_for_each() -> None:
    for task in ("count_and_point", "count_and_box"):
        (sample,) = asked([annotated.by_hand(marked=TWO)], task)
        assert sample.turns[1].text == "2 <region:0> <region:1>"
        assert {type(region.geometry) for region in sample.regions} == {Point if task == "count_and_point" else Box}


def test_a_region_in_the_question_is_named_with_its_attributes() -> None:
    source = annotated.by_hand(marked=TWO[:1], attributes={0: {"shape": "round"}})
    (sample,) = asked([source], "describe")
    assert "<region:0>" in sample.turns[0].text
    assert sample.turns[1].text == "nodule, shape: round"


def test_which_one_is_told_by_size_place_and_attribute() -> None:
    source = annotated.by_hand(marked=TWO, attributes={0: {"shape": "round"}, 1: {"shape": "oval"}})
    told = {re.search(r"refer_\w+( nodule shape: \w+)?", s.provenance.annotation)[0]: s for s in asked([source], "refer")}
    small, large = TWO[0][1], TWO[1][1]
    expected = {"largest": large, "smallest": small, "top": small, "bottom": large}
    assert {name.removeprefix("refer_"): s.regions[0].geometry for name, s in told.items() if ":" not in name} == expected
    assert told["refer_attribute nodule shape: oval"].regions[0].geometry == large


def test_answers_hold_no_coordinates_and_every_region_that_they_name_is_there() -> None:
    for sample in places.compose(annotated.patients("brain_mr", 4, size_px=32)):
        for _, index in re.findall(r"<(region):(\d+)>", " ".join(turn.text for turn in sample.turns)):
            assert int(index) < len(sample.regions)
        left = re.sub(r"<(image|region):\d+>", "", sample.turns[1].text)
        assert re.fullmatch(r"\d* *|\D*", left)


@pytest.mark.parametrize("language", ["zh", "ar"])
def test_other_languages_say_no_english_word(language: str) -> None:
    for sample in places.compose(annotated.patients("chest_xray", 6), language=language):
        text = re.sub(r"<\w+:\d+>", "", " ".join(turn.text for turn in sample.turns))
        assert not re.search(r"[A-Za-z]", text), text


def test_real_boxes_of_cells_are_counted(tmp_path, make_bccd) -> None:
    fields = {"a": [("Platelets", 1, 1, 5, 5), ("Platelets", 20, 20, 25, 25)], "b": [("Platelets", 9, 9, 14, 14)]}
    source = list(bccd.read(make_bccd(tmp_path, fields)))
    assert sorted(number(sample) for sample in asked(source, "count")) == [1, 2]


def test_only_labels_that_are_named_are_asked_about() -> None:
    source = annotated.by_hand(marked=[*TWO, ("heart", Box((1, 1), (9, 9)))], labels={"effusion": "absent", "nodule": "present"})
    made = list(places.compose([source], labels=("nodule",)))
    assert made
    assert {region.label for sample in made for region in sample.regions} == {"nodule"}
    assert not [sample for sample in made if "effusion" in sample.provenance.annotation]


def test_the_same_seed_asks_the_same_and_another_in_other_words() -> None:
    sources = annotated.patients("chest_xray", 5)
    said = [[s.turns for s in places.compose(sources, seed=seed)] for seed in (1, 1, 2)]
    assert said[0] == said[1] != said[2]
