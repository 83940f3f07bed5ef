"""Masks in files: pixels above a value, labels of a map, and grids that run backward."""

from pathlib import Path

import numpy as np
import pytest
from tests.datasets.collections.made import volume

from vesalius.clinical.images import open_image
from vesalius.datasets.collections import masks
from vesalius.datasets.sources import RecordRefused
from vesalius.types import Image

SHAPE = (3, 4, 5)
LABELS = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.uint8) // 20  # a slice each: 0, 1, 2


def opened(path: Path, voxels: np.ndarray = LABELS, **place: float | bool) -> Image:
    volume(path, voxels, **place)  # type: ignore[arg-type]
    return open_image(path)


def test_a_map_of_labels_gives_a_mask_for_each_label_but_the_background(tmp_path):
    picture = opened(tmp_path / "ct.nii.gz", np.zeros(SHAPE, np.int16))
    found = masks.labeled(opened(tmp_path / "seg.nii.gz"), picture)
    assert {label: int(mask.load().sum()) for label, mask in found.items()} == {1: 20, 2: 20}
    assert np.array_equal(found[2].load(), LABELS == 2)


def test_a_map_that_runs_the_other_way_is_turned_to_its_volume(tmp_path):
    ramp = np.broadcast_to(np.arange(5, dtype=np.uint8), SHAPE)
    picture = opened(tmp_path / "ct.nii.gz", ramp.astype(np.int16))
    found = masks.labeled(opened(tmp_path / "seg.nii.gz", ramp, flipped=True), picture)
    assert np.array_equal(found[3].load(), ramp == 3)
    whole = masks.aligned(opened(tmp_path / "mask.nii.gz", (ramp == 1).astype(np.uint8), flipped=True), picture)
    assert np.array_equal(whole.load(), ramp == 1)


@pytest.mark.parametrize("place", [{"first_mm": 1.0}, {"first_mm": -30.0}])
def test_a_map_that_lies_elsewhere_is_refused(tmp_path, place):
    picture = opened(tmp_path / "ct.nii.gz", np.zeros(SHAPE, np.int16))
    with pytest.raises(RecordRefused) as refused:
        masks.labeled(opened(tmp_path / "seg.nii.gz", **place), picture)
    assert refused.value.code == "mask_geometry"


def test_a_map_of_other_size_and_a_map_of_no_labels_are_refused(tmp_path):
    picture = opened(tmp_path / "ct.nii.gz", np.zeros(SHAPE, np.int16))
    with pytest.raises(RecordRefused, match="voxels"):
        masks.labeled(opened(tmp_path / "seg.nii.gz", LABELS[:2]), picture)
    negative = opened(tmp_path / "neg.nii.gz", LABELS.astype(np.int16) - 1)
    with pytest.raises(RecordRefused) as refused:
        masks.labeled(negative, picture)
    assert refused.value.code == "record_malformed"
