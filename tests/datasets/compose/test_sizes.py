"""sizes: masks and spacing → lengths, areas, volumes, angles."""

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from tests.datasets.compose import annotated

from vesalius.datasets.compose import sizes
from vesalius.datasets.compose.measure import diagonal_mm
from vesalius.types import Box, CodedWarning, Point, Sample

BLOCK = annotated.filled((40, 60), (10, 10), (20, 40))


def asked(sample: Sample, **options: object) -> dict[str, Sample]:
    return {made.measurements[0].name: made for made in sizes.compose([sample], **options)}


@pytest.mark.parametrize(
    ("kind", "size_px", "seeds"), [("abdomen_ct", 48, range(14)), ("skin", 96, range(10)), ("brain_mr", 48, range(5))]
)
def test_a_lesion_is_as_long_as_it_was_drawn_within_a_voxels_diagonal(kind: str, size_px: int, seeds: range) -> None:
    compared = 0
    for seed in seeds:
        (source,) = annotated.patients(kind, 1, first=seed, size_px=size_px)
        drawn = {m.region: m.value for m in source.measurements if m.name == "size" and m.method == "greatest diameter"}
        for made in sizes.compose([source], tasks=("diameter",)):
            at = int(re.search(r"region (\d+)", made.provenance.annotation)[1])
            if at in drawn and source.regions[at].image == 0:
                spacing = made.images[0].image.spacing_mm
                assert abs(made.measurements[0].value - drawn[at]) <= diagonal_mm(spacing), source.regions[at].label
                compared += 1
    assert compared >= 4


def test_volumes_of_organs_are_those_that_were_measured_when_they_were_drawn() -> None:
    compared = 0
    for source in annotated.patients("abdomen_ct", 6, size_px=64):
        truth = {m.name.removesuffix(" volume"): m.value for m in source.measurements if m.unit == "mL" and m.region is not None}
        for made in sizes.compose([source], tasks=("volume",)):
            label = made.regions[0].label
            if label in ("spleen", "right kidney", "left kidney") and not any(
                "mass" in r.label or "cyst" in r.label for r in source.regions
            ):
                assert made.measurements[0].value == pytest.approx(truth[label], rel=0.08)
                compared += 1
    assert compared >= 6


def test_a_block_is_measured_by_hand() -> None:
    made = asked(annotated.by_hand(marked=[("mass", BLOCK)], spacing_mm=(2.0, 0.5)), state_spacing=False)
    assert set(made) == {"diameter", "axes", "area"}
    assert made["area"].measurements[0].value == 20 * 15
    assert made["area"].turns[1].text == "300 mm² <region:0>"
    assert made["axes"].measurements[0].uncertainty == pytest.approx(np.hypot(2, 0.5))
    assert all(sample.regions[0].geometry == Box((10, 10), (20, 40)) for sample in made.values())


def test_nothing_is_told_in_millimeters_where_the_spacing_is_unknown_or_the_detectors() -> None:
    assert not asked(annotated.by_hand(marked=[("mass", BLOCK)]))
    source = annotated.by_hand(marked=[("mass", BLOCK)], spacing_mm=(1.0, 1.0))
    image = replace(source.images[0].image, warnings=(CodedWarning("detector_spacing", "at the detector"),))
    assert not asked(replace(source, images=(replace(source.images[0], image=image),)))
    assert asked(source)


def test_an_assumed_unit_is_measured_with_only_where_that_is_asked_for() -> None:
    source = annotated.by_hand(marked=[("mass", BLOCK)], spacing_mm=(1.0, 1.0))
    image = replace(source.images[0].image, warnings=(CodedWarning("units_unknown", "assumed"),))
    doubtful = replace(source, images=(replace(source.images[0], image=image),))
    assert not asked(doubtful)
    assert asked(doubtful, assume_mm=True)


def test_distance_and_angle_are_between_centers_and_landmarks() -> None:
    marked = [("fovea", Point((10, 10))), ("optic disc", Point((10, 30))), ("macula", Point((30, 10)))]
    source = annotated.by_hand(marked=marked, spacing_mm=(1.0, 2.0))
    found = list(sizes.compose([source], tasks=("distance", "angle")))
    told = {tuple(r.label for r in s.regions): s.measurements[0].value for s in found}
    assert told[("fovea", "optic disc")] == 40
    assert told[("fovea", "macula")] == 20
    assert told[("fovea", "optic disc", "macula")] == pytest.approx(90)
    assert sum(value for labels, value in told.items() if len(labels) == 3) == pytest.approx(180)


def test_long_axes_are_compared_only_where_there_are_some() -> None:
    upright, flat = annotated.filled((40, 60), (2, 2), (38, 5)), annotated.filled((40, 60), (30, 10), (33, 55))
    square = annotated.filled((40, 60), (5, 20), (15, 30))
    source = annotated.by_hand(marked=[("femur", upright), ("tibia", flat), ("patella", square)], spacing_mm=(1.0, 1.0))
    (made,) = sizes.compose([source], tasks=("lines",))
    assert made.measurements[0].value == pytest.approx(90, abs=0.1)


def test_boxes_are_measured_as_boxes() -> None:
    source = annotated.by_hand(marked=[("nodule", Box((2, 4), (6, 14)))], spacing_mm=(2.0, 0.5))
    (made,) = sizes.compose([source], state_spacing=False)
    assert made.turns[1].text == "8 mm by 5 mm <region:0>"


def test_a_label_that_is_marked_twice_is_not_measured() -> None:
    twice = [("nodule", BLOCK), ("nodule", annotated.filled((40, 60), (30, 2), (34, 8)))]
    assert not list(sizes.compose([annotated.by_hand(marked=twice, spacing_mm=(1.0, 1.0))]))


def test_positions_of_the_right_value_are_balanced_and_so_is_its_rank() -> None:
    sources = [annotated.by_hand(f"x{n}", [("mass", BLOCK)], spacing_mm=(1.0, 1.0)) for n in range(200)]
    made = list(sizes.compose(sources, tasks=("area",), form="choice"))
    letters, ranks = Counter(), Counter()
    for sample in made:
        letter = sample.turns[1].text[0]
        letters[letter] += 1
        values = [float(option.split()[0]) for option in sample.options]
        assert values["ABCD".index(letter)] == 300
        assert len(set(values)) == 4
        ranks[sorted(values).index(300)] += 1
    assert all(number == 50 for number in letters.values())
    assert all(27 <= number <= 73 for number in ranks.values())  # 50, and four standard deviations


@pytest.mark.parametrize(("language", "unit"), [("zh", "mm"), ("ar", "مم")])
def test_other_languages_have_their_units(language: str, unit: str) -> None:
    made = asked(annotated.by_hand(marked=[("mass", BLOCK)], spacing_mm=(1.0, 1.0)), language=language)
    assert made["diameter"].turns[1].text.endswith(f"{unit} <region:0>")
