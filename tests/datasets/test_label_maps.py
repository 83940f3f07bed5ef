"""Maps of labels: on the very grid of their picture, split by class, and made of masks that overlap."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.datasets.formats.drawn import volume

from vesalius.datasets.label_maps import Combinations, check_geometry, regions_of_map, whole_numbers
from vesalius.datasets.sources import RecordRefused
from vesalius.types import Image


def holding(values: np.ndarray, like: Image) -> Image:
    return replace(like, shape=values.shape, load=lambda: values)


@given(st.integers(1, 5), st.integers(0, 99), st.floats(0.0, 1.0))
def test_masks_come_back_from_their_map(many: int, seed: int, share: float) -> None:
    random, combinations = np.random.default_rng(seed), Combinations()
    pictures = [{f"label {n}": random.random((5, 6)) < share for n in range(many)} for _ in range(2)]
    maps = [combinations.map_of(masks) for masks in pictures]
    classes = combinations.classes()
    assert list(classes) == [f"label {n}" for n in range(many)]
    for masks, numbers in zip(pictures, maps, strict=True):
        assert all(np.array_equal(np.isin(numbers, classes[name]), mask) for name, mask in masks.items())
    used = sorted({number for numbers in classes.values() for number in numbers})
    assert used == list(range(1, len(used) + 1))


def test_the_same_grid_within_a_twentieth_of_a_voxel_is_the_same() -> None:
    one = volume()
    near, far = one.affine_lps_mm.copy(), one.affine_lps_mm.copy()
    near[0, 3] += 0.02
    far[0, 3] += 0.03
    check_geometry(replace(one, affine_lps_mm=near), one)
    with pytest.raises(RecordRefused, match=r"0\.03 mm away") as refused:
        check_geometry(replace(one, affine_lps_mm=far), one)
    assert refused.value.code == "mask_geometry"


def test_a_grid_that_is_turned_lies_elsewhere_at_its_far_corners() -> None:
    one = volume()
    turned = one.affine_lps_mm.copy()
    turned[:3, 2] *= -1
    with pytest.raises(RecordRefused, match="mm away"):
        check_geometry(replace(one, affine_lps_mm=turned), one)


def test_each_class_is_loaded_when_asked_for_and_a_map_once_for_all_of_them() -> None:
    values = np.zeros((4, 24, 32), np.int16)
    values[1, 2:4], values[2, 5:9] = 1, 3
    times = []
    labels = replace(volume(), load=lambda: times.append(1) or values)
    wrong: list[RecordRefused] = []
    one, both = regions_of_map(labels, volume(1), {"a": {1}, "b": {1, 3}, "c": {7}}, wrong.append)
    assert (one.label, both.label, wrong) == ("a", "b", [])
    assert np.array_equal(one.geometry.load(), values == 1)
    assert np.array_equal(both.geometry.load(), values > 0)
    assert len(times) == 1


def test_values_that_are_no_numbers_of_classes_are_refused() -> None:
    for values in (np.full((4, 24, 32), 0.5), np.full((4, 24, 32), np.nan)):
        with pytest.raises(RecordRefused, match="fractions"):
            whole_numbers(holding(values, volume()))
    assert whole_numbers(holding(np.full((4, 24, 32), 2.0, np.float32), volume())).dtype == np.int64


def test_a_picture_in_place_of_a_map_is_refused() -> None:
    values = np.arange(4 * 24 * 32, dtype=np.int16).reshape(4, 24, 32)
    with pytest.raises(RecordRefused, match="3072 different numbers") as refused:
        regions_of_map(holding(values, volume()), volume(1), {"a": {1}}, lambda _: None)
    assert refused.value.code == "record_malformed"
