"""drive: vessels of the retina."""

from pathlib import Path

import pytest
from tests.datasets.collections.made import Told, mask
from tests.datasets.conftest import picture

from vesalius.datasets.collections import drive


@pytest.fixture
def retinas(tmp_path) -> Path:
    for part, number, suffix in (("training", "21", "tif"), ("test", "01", "jpg")):
        picture(tmp_path / part / "images" / f"{number}_{part}.{suffix}", 32, 24, int(number))
        mask(tmp_path / part / "1st_manual" / f"{number}_manual1.gif", 32, 24, (4, 5, 14, 7))
        mask(tmp_path / part / "mask" / f"{number}_{part}_mask.gif", 32, 24, (2, 2, 30, 22))
    mask(tmp_path / "test" / "2nd_manual" / "01_manual2.gif", 32, 24, (4, 5, 14, 6))
    return tmp_path


def test_vessels_of_both_observers_and_the_field_of_view_are_masks(retinas):
    training, test = drive.read(retinas)
    assert [(r.label, int(r.geometry.load().sum())) for r in training.regions] == [
        ("retinal vessels", 20),
        ("field of view", 560),
    ]
    assert [(r.label, dict(r.attributes)) for r in test.regions][:2] == [
        ("retinal vessels", {"observer": "1"}),
        ("retinal vessels", {"observer": "2"}),
    ]
    assert (training.provenance.split, test.provenance.split) == ("train", "test")
    assert training.images[0].image.modality == "OP"


def test_a_test_picture_without_vessels_is_kept_and_a_training_picture_without_them_is_told(retinas):
    (retinas / "test" / "1st_manual" / "01_manual1.gif").unlink()
    (retinas / "training" / "1st_manual" / "21_manual1.gif").unlink()
    told = Told()
    training, test = drive.read(retinas, told.append)
    assert ([r.label for r in training.regions], len(test.regions)) == (["field of view"], 2)
    assert [(fault.code, fault.where) for fault in told] == [("media_missing", "picture 21 of training, first")]


def test_a_mask_of_another_size_and_a_foreign_file_are_told(retinas):
    mask(retinas / "training" / "mask" / "21_training_mask.gif", 30, 24, (2, 2, 5, 5))
    picture(retinas / "test" / "images" / "notes.png", 4, 4, 1)
    told = Told()
    assert len(list(drive.read(retinas, told.append))) == 2
    assert sorted(told.codes) == ["mask_geometry", "media_unused"]


def test_a_damaged_picture_is_told(retinas):
    (retinas / "test" / "images" / "01_test.jpg").write_bytes(b"no picture")
    told = Told()
    assert len(list(drive.read(retinas, told.append))) == 1
    assert told.codes == ["media_unreadable"]


def test_the_real_folder_has_the_published_counts(public_data: Path):
    told = Told()
    samples = list(drive.read(public_data / "drive_fundus", told.append))
    assert ([sample.provenance.split for sample in samples], told) == (["train"] * 20 + ["test"] * 12, [])
    assert {len(sample.regions) for sample in samples} == {2}
