from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from vesalius.clinical.geometry import lps_from_ras, ras_from_lps
from vesalius.clinical.images import open_image
from vesalius.clinical.nifti_write import write_nifti
from vesalius.errors import UsageError

AFFINE = np.array([[0, 0.1, 0.7, -9], [0.2, 0.6, 0, 4], [2.5, 0, 0.1, -30], [0, 0, 0, 1.0]])
VOLUME = np.arange(4 * 5 * 6).reshape(4, 5, 6)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "uint16"])
def test_a_volume_is_the_same_to_nibabel_and_to_the_own_reader(tmp_path: Path, dtype: str) -> None:
    values = (VOLUME - (60 if dtype == "int16" else 0)).astype(dtype)
    write_nifti(tmp_path / "a.nii.gz", values, spacing_mm=(2.5, 0.6, 0.7), affine_lps_mm=AFFINE)
    other = nibabel.load(tmp_path / "a.nii.gz")
    assert np.array_equal(np.asarray(other.dataobj), values.transpose(2, 1, 0))
    np.testing.assert_allclose(other.affine, ras_from_lps(AFFINE), atol=1e-6)
    assert other.header["magic"] == b"n+1"
    own = open_image(tmp_path / "a.nii.gz")
    assert np.array_equal(own.load(), values)
    np.testing.assert_allclose(own.affine_lps_mm, AFFINE, atol=1e-6)


def test_a_voxel_lies_where_it_lies_in_lps_with_two_signs_exchanged(tmp_path: Path) -> None:
    write_nifti(tmp_path / "a.nii.gz", VOLUME.astype(np.uint8), spacing_mm=(2.5, 0.6, 0.7), affine_lps_mm=AFFINE)
    z, y, x = 3, 1, 4
    lps = AFFINE @ [z, y, x, 1]
    ras = nibabel.load(tmp_path / "a.nii.gz").affine @ [x, y, z, 1]
    np.testing.assert_allclose(ras, lps * [-1, -1, 1, 1], atol=1e-5)
    assert np.array_equal(lps_from_ras(ras_from_lps(AFFINE)), AFFINE)


@pytest.mark.parametrize("is_color", [False, True])
def test_a_picture_keeps_its_spacing(tmp_path: Path, is_color: bool) -> None:
    values = np.arange(20 * (3 if is_color else 1), dtype=np.uint8).reshape((4, 5, 3) if is_color else (4, 5))
    write_nifti(tmp_path / "a.nii.gz", values, spacing_mm=(0.5, 0.25), is_color=is_color)
    own = open_image(tmp_path / "a.nii.gz")
    assert (own.kind, own.shape, own.channels, own.spacing_mm) == ("image", (4, 5), 3 if is_color else 1, (0.5, 0.25))
    assert np.array_equal(own.load(), values)
    other = np.asarray(nibabel.load(tmp_path / "a.nii.gz").dataobj)
    read = np.stack([other[name] for name in "RGB"], axis=-1).squeeze() if is_color else other
    assert np.array_equal(read.swapaxes(0, 1), values)


def test_a_picture_of_unknown_size_states_none(tmp_path: Path) -> None:
    write_nifti(tmp_path / "a.nii.gz", np.ones((4, 5), np.uint8))
    own = open_image(tmp_path / "a.nii.gz")
    assert own.spacing_mm is None
    assert "no_calibration" in {warning.code for warning in own.warnings}
    assert nibabel.load(tmp_path / "a.nii.gz").shape == (5, 4)


def test_a_film_is_a_series_of_volumes_of_one_slice(tmp_path: Path) -> None:
    film = np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5)
    write_nifti(tmp_path / "a.nii.gz", film, spacing_mm=(0.5, 0.25), frame_s=0.04)
    own = open_image(tmp_path / "a.nii.gz")
    assert (own.shape, own.spacing_mm) == ((3, 1, 4, 5), (1.0, 0.5, 0.25))
    assert own.frame_s == pytest.approx(0.04)
    assert np.array_equal(own.load()[:, 0], film)
    other = nibabel.load(tmp_path / "a.nii.gz")
    assert other.header.get_xyzt_units() == ("mm", "sec")
    assert other.header.get_zooms() == pytest.approx((0.25, 0.5, 1.0, 0.04))


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.nii.gz", "b.nii.gz"):
        write_nifti(tmp_path / name, VOLUME.astype(np.int16), spacing_mm=(1, 1, 1))
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.zeros((2, 2), np.float64), {}),
        (np.zeros((2, 2, 2, 2), np.uint8), {}),
        (np.zeros((2, 0), np.uint8), {}),
        (np.zeros((1, 2**15), np.uint8), {}),
        (np.zeros((2, 2, 4), np.uint8), {"is_color": True}),
        (np.zeros((2, 2, 3), np.uint16), {"is_color": True}),
    ],
)
def test_what_the_file_cannot_hold_is_refused(tmp_path: Path, values: np.ndarray, told: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        write_nifti(tmp_path / "a.nii.gz", values, **told)
    assert not list(tmp_path.iterdir())
