"""kvasir_seg: polyps with masks."""

from pathlib import Path

import pytest
from tests.datasets.collections.made import Told, mask
from tests.datasets.conftest import picture

from vesalius.datasets.collections import kvasir_seg

NAMES = [f"cju0qkwl35piu0993l0dewe{number}{number}" for number in range(3)]


@pytest.fixture
def polyps(tmp_path) -> Path:
    for shade, name in enumerate(NAMES):
        picture(tmp_path / "images" / f"{name}.jpg", 32, 24, shade)
        mask(tmp_path / "masks" / f"{name}.jpg", 32, 24, (8, 8, 24, 16))
    return tmp_path


def test_the_middle_of_a_lossy_mask_divides_the_polyp_from_the_rest(polyps):
    samples = list(kvasir_seg.read(polyps))
    assert [int(sample.regions[0].geometry.load().sum()) for sample in samples] == [16 * 8] * 3
    assert len({sample.provenance.patient_key for sample in samples}) == 3
    assert samples[0].images[0].image.modality == "ES"


def test_what_is_missing_damaged_or_of_another_size_is_told(polyps):
    (polyps / "masks" / f"{NAMES[0]}.jpg").unlink()
    (polyps / "images" / f"{NAMES[1]}.jpg").write_bytes(b"no picture")
    mask(polyps / "masks" / f"{NAMES[2]}.jpg", 30, 24, (8, 8, 24, 16))
    told = Told()
    assert list(kvasir_seg.read(polyps, told.append)) == []
    assert told.codes == ["media_missing", "media_unreadable", "mask_geometry"]


def test_pictures_and_masks_of_other_names_are_not_this_collection(tmp_path):
    picture(tmp_path / "images" / "a.jpg", 8, 8, 1)
    mask(tmp_path / "masks" / "a.jpg", 8, 8, (1, 1, 4, 4))
    assert not kvasir_seg.recognizes(tmp_path)


def test_the_real_folder_has_the_published_counts(public_data: Path):
    told = Told()
    assert (len(list(kvasir_seg.read(public_data / "kvasir_seg_sample", told.append))), told) == (3, [])
