"""preferences: a right and a wrong answer, a picture and the same with its lesion noised."""

import numpy as np
import pytest
from tests.datasets.compose import annotated

from vesalius.datasets.compose import preferences
from vesalius.types import Box, Sample

LABELS = {"effusion": "present", "consolidation": "absent", "cardiomegaly": "absent"}
LOW, HIGH = (10, 12), (24, 40)


def source(key: str = "a", side: str = "right", *, box: bool = False) -> Sample:
    place = Box(LOW, HIGH) if box else annotated.filled((40, 60), LOW, HIGH)
    return annotated.by_hand(key, [("effusion", place)], labels=LABELS, attributes={0: {"side": side}})


def of(sort: str, *samples: Sample, **options: object) -> list[Sample]:
    return list(preferences.compose(samples or [source()], pairs=(sort,), **options))


@pytest.mark.parametrize("box", [False, True])
def test_noise_lies_inside_the_region_and_nothing_else_is_touched(box: bool) -> None:
    (sample,) = of("picture", source(box=box))
    clean, noised = (shown.image.load() for shown in sample.images)
    inside = np.zeros(clean.shape, bool)
    inside[LOW[0] : HIGH[0], LOW[1] : HIGH[1]] = True
    assert np.array_equal(clean[~inside], noised[~inside])
    assert (clean[inside] != noised[inside]).mean() > 0.9
    assert noised.dtype == clean.dtype
    assert sample.preference.chosen == sample.preference.rejected == "effusion"
    assert (sample.preference.chosen_images, sample.preference.rejected_images) == ((0,), (1,))


def test_the_control_noises_everywhere() -> None:
    (sample,) = of("picture", noise="global")
    clean, noised = (shown.image.load() for shown in sample.images)
    assert (clean != noised).mean() > 0.9


@pytest.mark.parametrize("steps", [0, 100, 500, 1000])
def test_noise_has_the_variance_of_its_schedule(steps: int) -> None:
    kept = float(np.prod([1 - (1e-4 + (0.02 - 1e-4) * k / 999) for k in range(steps)]))
    flat = preferences.diffused(np.full(200_000, 0.5), steps, np.random.default_rng(0))
    assert flat.mean() == pytest.approx(0.5 * kept**0.5, abs=0.01)
    assert flat.var() == pytest.approx(1 - kept, abs=0.01)


def test_noise_is_the_same_whenever_it_is_asked_for() -> None:
    first, second = of("picture")[0], of("picture")[0]
    assert np.array_equal(first.images[1].image.load(), second.images[1].image.load())
    assert not np.array_equal(first.images[1].image.load(), of("picture", seed=5)[0].images[1].image.load())


def test_wrong_findings_are_absent_ones_and_look_alikes_first() -> None:
    (sample,) = [s for s in of("text") if "effusion and not" in s.provenance.annotation]
    assert (sample.preference.chosen, sample.preference.rejected) == ("effusion", "consolidation")
    assert sample.turns[1].text == sample.preference.chosen


def test_a_wrong_attribute_is_one_that_the_dataset_knows() -> None:
    made = [s for s in of("text", source("a"), source("b", "left")) if "side of" in s.provenance.annotation]
    assert {(s.preference.chosen, s.preference.rejected) for s in made} == {("right", "left"), ("left", "right")}


def test_weights_have_the_papers_mean_and_spread_before_they_are_clipped() -> None:
    scores = list(np.random.default_rng(1).random(500))
    weights = np.array(preferences.weighed(scores))
    raw = 1 + 0.1**0.5 * (np.array(scores) - np.mean(scores)) / np.std(scores)
    assert np.allclose(weights, np.clip(raw, 0.75, 1.25))
    assert raw.var() == pytest.approx(0.1)
    assert preferences.weighed([0.4, 0.4]) == [1.0, 1.0]


def test_graver_errors_weigh_more_and_the_controls_do_not_know_it() -> None:
    sources = annotated.patients("chest_xray", 60, size_px=32)
    arms = {how: list(preferences.compose(sources, weights=how)) for how in ("clinical", "permuted", "none")}
    keys = {how: [sample.key for sample in arm] for how, arm in arms.items()}
    assert keys["clinical"] == keys["permuted"] == keys["none"]
    weight = {how: {s.key: s.preference.weight for s in arm} for how, arm in arms.items()}
    presence = [s.key for s in arms["clinical"] if "presence of" in s.provenance.annotation]
    shape = [s.key for s in arms["clinical"] if "shape of" in s.provenance.annotation]
    assert min(weight["clinical"][key] for key in presence) > max(weight["clinical"][key] for key in shape)
    assert sorted(weight["clinical"].values()) == sorted(weight["permuted"].values())
    assert weight["clinical"] != weight["permuted"]
    assert set(weight["none"].values()) == {1.0}


def test_what_stands_out_more_scores_higher() -> None:
    inside = np.zeros((30, 30), bool)
    inside[10:20, 10:20] = True
    field = np.random.default_rng(0).normal(100, 10, (30, 30))
    scores = [preferences.contrast(field + step * inside, inside) for step in (0, 20, 80)]
    assert 0 <= scores[0] < 0.2 < scores[1] < scores[2] < 1


def test_volumes_are_noised_as_volumes() -> None:
    shape = (6, 20, 20)
    marked = [("liver mass", annotated.filled(shape, (2, 5, 5), (4, 10, 10)))]
    volume = annotated.by_hand("v", marked, shape=shape, kind="volume", modality="CT", labels={"liver mass": "present"})
    (sample,) = of("picture", volume)
    clean, noised = (shown.image.load() for shown in sample.images)
    assert np.array_equal(clean[:2], noised[:2])
    assert (clean[2:4, 5:10, 5:10] != noised[2:4, 5:10, 5:10]).mean() > 0.9
