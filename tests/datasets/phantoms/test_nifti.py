"""Phantoms written as NIfTI: the same voxels at the same places as in their DICOM files."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from tests.datasets.by_hand import every

from vesalius.clinical import study
from vesalius.clinical.images import open_image
from vesalius.datasets.phantoms import dicom as phantom_dicom
from vesalius.datasets.phantoms import nifti as phantom_nifti
from vesalius.phantom import world
from vesalius.phantom.truth import Phantom

BY_HAND = every()
KINDS = world.kinds()


def check(source: Phantom, folder: Path) -> None:
    paths = phantom_nifti.write(source, folder)
    assert len(paths) == len(set(paths)) == sum(1 + len(picture.masks) for picture in source.pictures)
    left = iter(paths)
    for picture in source.pictures:
        image = open_image(next(left))
        shape = picture.pixels.shape
        assert np.array_equal(image.load().reshape(shape), picture.pixels)
        assert image.load().dtype == picture.pixels.dtype
        if picture.kind == "volume":
            np.testing.assert_allclose(image.affine_lps_mm, picture.affine_lps_mm, atol=1e-4)
        if picture.spacing_mm is not None:
            assert image.spacing_mm is not None
            np.testing.assert_allclose(image.spacing_mm[-len(picture.spacing_mm) :], picture.spacing_mm, rtol=1e-6)
        for name, mask in picture.masks.items():
            path = next(left)
            assert path.name.endswith(f"-mask-{name.replace(' ', '-')}.nii.gz")
            read = open_image(path)
            assert np.array_equal(read.load().reshape(mask.shape) != 0, mask), name
            assert (read.affine_lps_mm is None) == (image.affine_lps_mm is None)


@pytest.mark.parametrize("name", BY_HAND)
def test_pictures_and_masks_are_read_back_as_they_were(tmp_path: Path, name: str) -> None:
    check(BY_HAND[name], tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_back_as_it_was_drawn(tmp_path: Path, kind: str) -> None:
    size_px = 20 if world.factors(kind)["spacing_mm"].numbers == 3 else 48
    check(world.make(kind, seed=6, size_px=size_px), tmp_path)


@pytest.mark.parametrize("name", ["chest_ct", "brain_mr"])
def test_a_volume_lies_where_its_dicom_series_lies(tmp_path: Path, name: str) -> None:
    source = BY_HAND[name]
    phantom_dicom.write(source, tmp_path / "dicom")
    (found,) = study.read([tmp_path / "dicom"]).studies
    series = [image for one in found.series for image in one.images]
    for picture in source.pictures:
        path = tmp_path / "nifti" / f"{source.kind}-3-visit-0-{picture.name}.nii.gz"
        assert path in phantom_nifti.write(source, tmp_path / "nifti")
        other = nibabel.load(path)
        values = np.asarray(other.dataobj)
        (same,) = [image for image in series if np.array_equal(image.load(), values.transpose(2, 1, 0))]
        assert same.affine_lps_mm is not None
        for z, y, x in ((0, 0, 0), (5, 19, 23), (2, 7, 11)):
            lps, ras = same.affine_lps_mm @ [z, y, x, 1], other.affine @ [x, y, z, 1]
            np.testing.assert_allclose(ras, lps * [-1, -1, 1, 1], atol=1e-4)


def test_the_same_phantom_gives_the_same_bytes(tmp_path: Path) -> None:
    for source, again in zip(BY_HAND.values(), every().values(), strict=True):
        first, second = phantom_nifti.write(source, tmp_path / "a"), phantom_nifti.write(again, tmp_path / "b")
        assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
