import gzip
import struct
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from vesalius.clinical.images import open_image
from vesalius.clinical.signatures import types_of
from vesalius.errors import InputRefused
from vesalius.types import Part

VOXELS = np.random.default_rng(0).integers(-999, 999, (5, 6, 4)).astype(np.int16)
TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def oblique(seed: int) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    affine = np.eye(4)
    affine[:3, :3] = np.linalg.qr(rng.normal(size=(3, 3)))[0] * rng.uniform(0.3, 4, 3)
    affine[:3, 3] = rng.uniform(-200, 200, 3)
    return affine


def save(path: Path, voxels: Any = VOXELS, affine: Any = None) -> Path:
    nibabel.save(nibabel.MGHImage(voxels, oblique(0) if affine is None else affine), path)
    return path


def changed(path: Path, at: int, kind: str, *values: Any) -> Path:
    content = bytearray(path.read_bytes())
    struct.pack_into(">" + kind, content, at, *values)
    path.write_bytes(content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputRefused) as caught:
        open_image(path).load()
    return caught.value.code


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["a.mgh", "a.mgz"])
def test_voxels_and_places_are_those_that_nibabel_sees(tmp_path: Path, name: str, seed: int) -> None:
    path = save(tmp_path / name, affine=oblique(seed))
    image, theirs = open_image(path), nibabel.load(path)
    assert (image.kind, image.shape, image.warnings, image.source.format) == ("volume", (4, 6, 5), (), "mgh")
    np.testing.assert_allclose(image.affine_lps_mm, TO_LPS @ theirs.affine[:, [2, 1, 0, 3]], atol=1e-4)
    np.testing.assert_allclose(image.spacing_mm, theirs.header.get_zooms()[::-1], rtol=1e-5)
    np.testing.assert_array_equal(image.load(), VOXELS.T)
    np.testing.assert_array_equal(image.part(Part((2,))), VOXELS.T[2])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.uint16])
def test_every_usual_type_of_voxel_is_read(tmp_path: Path, dtype: type) -> None:
    voxels = np.abs(VOXELS).clip(0, 250).astype(dtype)
    loaded = open_image(save(tmp_path / "a.mgh", voxels)).load()
    assert loaded.dtype == dtype
    np.testing.assert_array_equal(loaded, voxels.T)


def test_a_series_of_volumes_has_time_first(tmp_path: Path) -> None:
    series = np.stack([VOXELS, VOXELS + 1, VOXELS + 2], axis=-1)
    image = open_image(save(tmp_path / "a.mgz", series))
    assert (image.kind, image.shape, image.frame_s) == ("volume", (3, 4, 6, 5), None)
    assert [warning.code for warning in image.warnings] == ["frame_time_unknown"]
    np.testing.assert_array_equal(image.load(), series.T)
    np.testing.assert_array_equal(image.part(Part((1, 2))), series.T[1, 2])


def test_a_volume_that_is_not_placed_has_neither_sides_nor_sizes(tmp_path: Path) -> None:
    image = open_image(changed(save(tmp_path / "a.mgh"), 28, "h", 0))
    assert (image.affine_lps_mm, image.spacing_mm) == (None, None)
    assert [warning.code for warning in image.warnings] == ["affine_unknown", "no_calibration"]
    np.testing.assert_array_equal(image.load(), VOXELS.T)


@pytest.mark.parametrize(
    ("at", "kind", "values", "code"),
    [
        (4, "i", (0,), "bad_attribute"),
        (4, "i", (-5,), "bad_attribute"),
        (4, "3i", (2**30, 2**30, 2**30), "size_limit"),
        (4, "i", (6,), "truncated"),
        (20, "i", (7,), "unsupported_type"),
        (30, "f", (float("nan"),), "bad_geometry"),
        (30, "f", (-1.0,), "bad_geometry"),
        (42, "3f", (0.0, 0.0, 0.0), "bad_geometry"),
        (78, "f", (float("inf"),), "bad_geometry"),
    ],
)
def test_impossible_headers_are_refused(tmp_path: Path, at: int, kind: str, values: tuple[Any, ...], code: str) -> None:
    path = save(tmp_path / "a.mgh", np.zeros((5, 6, 40), dtype=np.int16))
    assert refusal(changed(path, at, kind, *values)) == code


def test_cut_files_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mgz", np.random.default_rng(0).normal(size=(20, 20, 20)).astype(np.float32))
    path.write_bytes(path.read_bytes()[:-4000])
    assert refusal(path) == "truncated"


def test_what_begins_with_the_same_four_bytes_is_not_recognized() -> None:
    assert types_of(gzip.compress(b"\0\0\0\1" + b"text" * 100)) == []
    assert types_of(b"\0\0\0\1" + bytes(100)) == []


def test_a_real_volume_is_read(public_data: Path) -> None:
    path = public_data / "nifti_samples" / "nibabel" / "test.mgz"
    image, theirs = open_image(path), nibabel.load(path)
    np.testing.assert_allclose(image.affine_lps_mm, TO_LPS @ theirs.affine[:, [2, 1, 0, 3]], atol=1e-5)
    np.testing.assert_array_equal(image.load(), np.asanyarray(theirs.dataobj).T)
