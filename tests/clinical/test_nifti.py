import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from vesalius.clinical import study
from vesalius.clinical.images import open_image
from vesalius.clinical.signatures import types_of
from vesalius.errors import InputRefused

RAS = np.array([[0.4, 0, 0, 10], [0, 0.5, 0, 20], [0, 0, 2, 30], [0, 0, 0, 1.0]])
VOXELS = np.arange(5 * 6 * 4, dtype=np.int16).reshape(5, 6, 4)


def save(path: Path, voxels: Any = VOXELS, affine: Any = RAS, **header: Any) -> Path:
    image = nibabel.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units("mm")
    for name, value in header.items():
        image.header[name] = value
    nibabel.save(image, path)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputRefused) as caught:
        open_image(path).load()
    return caught.value.code


def codes(path: Path) -> set[str]:
    return {warning.code for warning in open_image(path).warnings}


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_voxels_and_places_are_those_of_the_file(tmp_path: Path, name: str) -> None:
    image = open_image(save(tmp_path / name))
    assert (image.kind, image.shape, image.warnings) == ("volume", (4, 6, 5), ())
    assert image.spacing_mm == pytest.approx((2, 0.5, 0.4))
    assert image.load()[3, 2, 1] == VOXELS[1, 2, 3]
    assert image.affine_lps_mm is not None
    x, y, z, _ = RAS @ [1, 2, 3, 1]
    np.testing.assert_allclose(image.affine_lps_mm @ [3, 2, 1, 1], [-x, -y, z, 1])


def test_the_same_scan_as_dicom_and_as_nifti_has_the_same_voxels_at_the_same_places(
    tmp_path: Path, write_dicom: Callable[..., Path]
) -> None:
    tilted = [0.8, 0.6, 0, -0.48, 0.64, -0.6]  # neither axial nor symmetric, so that every mix-up shows
    normal = np.cross(tilted[:3], tilted[3:])
    volume = np.random.default_rng(0).integers(0, 4000, (3, 6, 5)).astype(np.uint16)
    for index, pixels in enumerate(volume):
        place = list(np.array([12.0, -7.0, 33.0]) + 2.5 * index * normal)
        write_dicom(pixels=pixels, ImageOrientationPatient=tilted, ImagePositionPatient=place, InstanceNumber=9 - index)
    # Written independently of the reader: NIfTI's (i, j, k) with j running the other way, as converters do.
    lps = np.eye(4)
    lps[:3] = np.array([np.array(tilted[:3]) * 0.4, np.array(tilted[3:]) * 0.5, normal * 2.5, [12.0, -7.0, 33.0]]).T
    flip = np.array([[1, 0, 0, 0], [0, -1, 0, 5], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    voxels = (volume.astype(np.int16) - 1024).transpose(2, 1, 0)[:, ::-1]
    save(tmp_path / "a.nii.gz", voxels, np.diag([-1, -1, 1, 1]) @ lps @ flip)
    (one,) = (image for found in study.read([tmp_path / "series"]).studies for image in found.series[0].images)
    other = open_image(tmp_path / "a.nii.gz")
    assert one.affine_lps_mm is not None
    assert other.affine_lps_mm is not None
    np.testing.assert_allclose(one.spacing_mm, other.spacing_mm, rtol=1e-5)
    ours, theirs = one.load(), other.load()
    to_other = np.linalg.inv(other.affine_lps_mm) @ one.affine_lps_mm
    for index in np.ndindex(ours.shape):
        there = np.rint((to_other @ [*index, 1])[:3]).astype(int)
        assert ours[index] == theirs[tuple(there)]


def test_scaled_integers_become_float32(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(VOXELS, RAS)
    image.header.set_slope_inter(0.5, -3)
    nibabel.save(image, tmp_path / "a.nii")
    loaded = open_image(tmp_path / "a.nii").load()
    assert loaded.dtype == np.float32
    np.testing.assert_allclose(loaded[3, 2, 1], nibabel.load(tmp_path / "a.nii").dataobj[1, 2, 3])


def test_packed_colors_become_a_last_axis(tmp_path: Path) -> None:
    colors = np.random.default_rng(0).integers(0, 255, (5, 6, 4, 3), dtype=np.uint8)
    packed = colors.view([("R", "u1"), ("G", "u1"), ("B", "u1")])[..., 0]
    image = open_image(save(tmp_path / "a.nii", packed))
    assert (image.channels, image.shape) == (3, (4, 6, 5))
    np.testing.assert_array_equal(image.load()[3, 2, 1], colors[1, 2, 3])


def test_big_endian_files_load_as_native_numbers(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(VOXELS, RAS, header=nibabel.Nifti1Header(endianness=">"))
    nibabel.save(image, tmp_path / "a.nii")
    loaded = open_image(tmp_path / "a.nii").load()
    assert loaded.dtype.isnative
    np.testing.assert_array_equal(loaded, VOXELS.T)


def test_version_2_is_read(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti2Image(VOXELS, RAS), tmp_path / "a.nii")
    assert types_of((tmp_path / "a.nii").read_bytes()[:4096]) == ["nifti"]
    np.testing.assert_array_equal(open_image(tmp_path / "a.nii").load(), VOXELS.T)


def test_one_slice_is_a_picture(tmp_path: Path) -> None:
    image = open_image(save(tmp_path / "a.nii", VOXELS[:, :, :1]))
    assert (image.kind, image.shape, image.spacing_mm) == ("image", (6, 5), pytest.approx((0.5, 0.4)))
    np.testing.assert_array_equal(image.load(), VOXELS[:, :, 0].T)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"qform_code": 0, "sform_code": 0}, "affine_unknown"),
        ({"xyzt_units": 0}, "units_unknown"),
        ({"qform_code": 1, "qoffset_x": 90}, "orientation_conflict"),
        ({"srow_z": [0.5, 0, 2, 30]}, "gantry_tilt"),
    ],
)
def test_doubts_about_places_are_said(tmp_path: Path, header: dict[str, Any], code: str) -> None:
    path = save(tmp_path / "a.nii")
    content = bytearray(path.read_bytes())
    raw = nibabel.Nifti1Header(bytes(content[:348]))
    for name, value in header.items():
        raw[name] = value
    content[:348] = raw.binaryblock
    path.write_bytes(content)
    assert code in codes(path)
    assert codes(save(tmp_path / "b.nii")) == set()


def test_other_units_become_millimetres(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(VOXELS, RAS)
    image.header.set_xyzt_units("micron")
    nibabel.save(image, tmp_path / "a.nii")
    assert open_image(tmp_path / "a.nii").spacing_mm == pytest.approx((0.002, 0.0005, 0.0004))


@pytest.mark.parametrize(
    ("affine", "code"),
    [(np.diag([np.nan, 1, 1, 1]), "bad_geometry"), (np.diag([0, 1, 1, 1.0]), "bad_geometry")],
)
def test_impossible_places_are_refused(tmp_path: Path, affine: Any, code: str) -> None:
    path = save(tmp_path / "a.nii")
    content = bytearray(path.read_bytes())
    raw = nibabel.Nifti1Header(bytes(content[:348]))
    raw["srow_x"], raw["srow_y"], raw["srow_z"] = affine[:3]
    content[:348] = raw.binaryblock
    path.write_bytes(content)
    assert refusal(path) == code


@pytest.mark.parametrize("shape", [(5, 6, 4, 2), (5, 6, 4, 1, 3)])
def test_series_of_volumes_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    assert refusal(save(tmp_path / "a.nii", np.zeros(shape, dtype=np.int16))) == "unsupported_dimensions"


def test_a_fourth_axis_of_length_one_is_none(tmp_path: Path) -> None:
    assert open_image(save(tmp_path / "a.nii", VOXELS[..., None])).shape == (4, 6, 5)


def test_complex_numbers_and_pairs_are_refused(tmp_path: Path) -> None:
    assert refusal(save(tmp_path / "a.nii", VOXELS.astype(np.complex64))) == "unsupported_type"
    nibabel.save(nibabel.Nifti1Pair(VOXELS, RAS), tmp_path / "b.img")
    assert types_of((tmp_path / "b.hdr").read_bytes()) == ["nifti"]
    assert refusal(tmp_path / "b.hdr") == "unsupported_type"


def test_cut_files_are_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 9999, (20, 20, 20)).astype(np.int16)
    for name in ("a.nii", "a.nii.gz"):
        path = save(tmp_path / name, noise)
        path.write_bytes(path.read_bytes()[:-4000])
        assert refusal(path) == "truncated"


def test_damaged_compression_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii.gz", np.random.default_rng(0).integers(0, 9999, (20, 20, 20)).astype(np.int16))
    content = bytearray(path.read_bytes())
    content[5000:5100] = bytes(100)
    path.write_bytes(content)
    assert refusal(path) == "decode_failed"


def test_a_header_that_claims_terabytes_is_refused(tmp_path: Path) -> None:
    content = bytearray(save(tmp_path / "a.nii").read_bytes())
    content[40:56] = np.array([3, 32767, 32767, 32767, 1, 1, 1, 1], dtype="<i2").tobytes()
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(bytes(content)))
    assert refusal(tmp_path / "a.nii.gz") == "size_limit"


def test_other_compressed_files_are_not_recognized() -> None:
    assert not types_of(gzip.compress(b"hello" * 200))
    assert not types_of(b"\x1f\x8b" + bytes(50))


def test_real_volumes_lie_where_nibabel_puts_them(public_data: Path) -> None:
    paths = sorted((public_data / "nifti_samples").rglob("*.nii*"))
    spatial = [path for path in paths if len(nibabel.load(path).shape) == 3]
    assert len(spatial) >= 5
    for path in spatial:
        image = open_image(path)
        theirs = nibabel.load(path)
        assert image.affine_lps_mm is not None
        for k, j, i in np.random.default_rng(0).integers(0, image.shape, (20, 3)):
            x, y, z, _ = theirs.affine @ [i, j, k, 1]
            np.testing.assert_allclose((image.affine_lps_mm @ [k, j, i, 1])[:3], [-x, -y, z], atol=1e-3)
        middle = image.shape[0] // 2
        np.testing.assert_allclose(image.load()[middle], np.asarray(theirs.dataobj[:, :, middle]).squeeze().T, rtol=1e-5)


def test_a_real_segmentation_lies_on_the_organs_of_its_dicom_series(public_data: Path) -> None:
    folder = public_data / "totalsegmentator"
    (found,) = study.read([folder / "example_ct_dicom"]).studies
    image, labels = found.series[0].images[0], open_image(folder / "example_seg_dicom.nii.gz")
    assert image.affine_lps_mm is not None
    assert labels.affine_lps_mm is not None
    values, marked = image.load(), np.argwhere(labels.load() == 5)[::50]  # 5 is the liver
    places = labels.affine_lps_mm @ np.column_stack([marked, np.ones(len(marked))]).T
    z, y, x = np.rint((np.linalg.inv(image.affine_lps_mm) @ places)[:3]).astype(int)
    assert 80 < np.median(values[z, y, x]) < 110  # a liver after contrast, in HU
