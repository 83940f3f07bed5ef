"""One scan saved in several forms: the same voxels at the same places.

NIfTI is written by nibabel and enhanced objects by highdicom, neither of which is read with here; SimpleITK, where it is
installed, is a third opinion.
"""

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from highdicom.legacy import LegacyConvertedEnhancedCTImage
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from vesalius.clinical import study
from vesalius.clinical.geometry import is_usable, lps_from_ras
from vesalius.types import Image

nibabel = pytest.importorskip("nibabel")
Write = Callable[..., Path]
RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
CONTEXT: dict[str, Any] = {
    **dict.fromkeys(("PatientName", "PatientBirthDate", "AccessionNumber", "ReferringPhysicianName"), ""),
    **{"PatientSex": "O", "StudyID": "1", "StudyTime": "101010", "FrameOfReferenceUID": "1.2.3.9", "SliceThickness": 2},
    **{"PositionReferenceIndicator": "", "SeriesNumber": 3, "PatientPosition": "HFDR", "Manufacturer": "M", "KVP": 120},
    "AcquisitionNumber": 1,
}


def volume(*paths: Path) -> Image:
    inventory = study.read(paths)
    assert not inventory.rejected, inventory.rejected
    images = [image for found in inventory.studies for one in found.series for image in one.images]
    return max(images, key=lambda image: math.prod(image.shape))


def saved_as_nifti(path: Path, paths: Sequence[Path]) -> Path:
    """The slices as a converter writes them: (i, j, k) with k along the slices, places in RAS. Written from the files alone."""
    slices = sorted((pydicom.dcmread(one) for one in paths), key=_along)
    voxels = np.stack([one.pixel_array.T * float(one.RescaleSlope) + float(one.RescaleIntercept) for one in slices], axis=-1)
    row, column = (np.array(slices[0].ImageOrientationPatient, dtype=float)[at : at + 3] for at in (0, 3))
    y, x = map(float, slices[0].PixelSpacing)
    first, last = (np.array(one.ImagePositionPatient, dtype=float) for one in (slices[0], slices[-1]))
    lps = np.eye(4)
    lps[:3, 0], lps[:3, 1], lps[:3, 2], lps[:3, 3] = row * x, column * y, (last - first) / (len(slices) - 1), first
    image = nibabel.Nifti1Image(voxels.astype(np.float32), RAS_FROM_LPS @ lps)
    image.header.set_xyzt_units("mm")
    image.set_qform(None, code=0)
    nibabel.save(image, path)
    return path


def _along(dataset: pydicom.Dataset) -> float:
    orientation = np.array(dataset.ImageOrientationPatient, dtype=float)
    normal = np.cross(orientation[:3], orientation[3:])
    return float(normal @ np.array(dataset.ImagePositionPatient, dtype=float))


def same_place(one: Image, other: Image, *, atol: float = 1e-3) -> None:
    """Voxel by voxel the same values at the same places, whatever the order of axes."""
    assert one.affine_lps_mm is not None
    assert other.affine_lps_mm is not None
    to_other = np.linalg.inv(other.affine_lps_mm) @ one.affine_lps_mm  # indices of one to indices of the other
    corners = np.array(
        [[z, y, x, 1] for z in (0, one.shape[0] - 1) for y in (0, one.shape[1] - 1) for x in (0, one.shape[2] - 1)]
    )
    there = corners @ to_other.T
    np.testing.assert_allclose(there, there.round(), atol=2e-2)
    np.testing.assert_allclose(corners @ one.affine_lps_mm.T, there.round() @ other.affine_lps_mm.T, atol=atol)
    indices = np.indices(one.shape).reshape(3, -1)
    z, y, x = (to_other[:3, :3] @ indices + to_other[:3, 3:]).round().astype(int)
    np.testing.assert_array_equal(one.load().reshape(-1), other.load()[z, y, x])


def test_the_real_series_is_the_same_as_nifti(public_data: Path, tmp_path: Path) -> None:
    paths = sorted((public_data / "totalsegmentator" / "example_ct_dicom").iterdir())
    assert len(paths) == 20
    dicom, nifti = volume(*paths), volume(saved_as_nifti(tmp_path / "ct.nii.gz", paths))
    same_place(dicom, nifti)
    assert dicom.spacing_mm == pytest.approx(nifti.spacing_mm, abs=1e-4)


def lies_where_simpleitk_puts_it(paths: Sequence[Path]) -> None:
    sitk = pytest.importorskip("SimpleITK")
    image = volume(*paths)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sorted(map(str, paths), key=lambda path: _along(pydicom.dcmread(path, stop_before_pixels=True))))
    theirs = reader.Execute()
    np.testing.assert_array_equal(image.load(), sitk.GetArrayFromImage(theirs))
    assert image.affine_lps_mm is not None
    z, y, x = (length - 1 for length in image.shape)
    for index in ((0, 0, 0), (x, 0, 0), (0, y, z), (x, y, z), (1, 2, 3)):
        place = theirs.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose((image.affine_lps_mm @ [*index[::-1], 1])[:3], place, atol=1e-4)


def test_the_real_series_lies_where_simpleitk_puts_it(public_data: Path) -> None:
    lies_where_simpleitk_puts_it(sorted((public_data / "totalsegmentator" / "example_ct_dicom").iterdir()))


@pytest.mark.parametrize("turn", [(0.0, 0.0, 0.0), (0.3, 0.0, 0.0), (1.4, -0.2, 0.5), (-2.0, 1.1, 3.0)])
def test_an_oblique_series_lies_where_simpleitk_puts_it(write_dicom: Write, turn: tuple[float, float, float]) -> None:
    lies_where_simpleitk_puts_it(series(write_dicom, turn=turn, tilt_mm=0, step_mm=2.5, folder="oblique"))


def series(write: Write, *, turn: tuple[float, float, float], tilt_mm: float, step_mm: float, folder: str) -> list[Path]:
    """Five slices turned about three axes, each `tilt_mm` farther along the columns than upright stacking has it."""
    rotation = np.eye(3)
    for axis, angle in enumerate(turn):
        one, two = (axis + 1) % 3, (axis + 2) % 3
        about = np.eye(3)
        about[[one, one, two, two], [one, two, one, two]] = math.cos(angle), -math.sin(angle), math.sin(angle), math.cos(angle)
        rotation = about @ rotation
    row, column, normal = rotation[:, 0], rotation[:, 1], rotation[:, 2]
    rng = np.random.default_rng(3)
    return [
        write(
            pixels=rng.integers(0, 4000, (6, 5)).astype(np.uint16),
            folder=folder,
            **CONTEXT
            | {
                "ImageOrientationPatient": [round(float(value), 8) for value in (*row, *column)],
                "ImagePositionPatient": [
                    round(float(value), 6) for value in np.array([12, -34, 56]) + index * (step_mm * normal + tilt_mm * column)
                ],
            },
        )
        for index in (3, 0, 4, 1, 2)
    ]


@settings(
    max_examples=12,
    phases=(Phase.explicit, Phase.generate),  # files are slow to make smaller
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    turn=st.tuples(*[st.floats(-3.1, 3.1)] * 3),
    tilt_mm=st.sampled_from([0.0, 0.7, -1.1]),
    step_mm=st.floats(1.1, 6),
)
def test_oblique_and_tilted_series_are_the_same_in_every_form(
    write_dicom: Write, tmp_path: Path, turn: tuple[float, float, float], tilt_mm: float, step_mm: float
) -> None:
    folder = f"{abs(hash((turn, tilt_mm, step_mm)))}"
    paths = series(write_dicom, turn=turn, tilt_mm=tilt_mm, step_mm=step_mm, folder=folder)
    classic = volume(*paths)
    assert classic.shape == (5, 6, 5)
    same_place(classic, volume(saved_as_nifti(tmp_path / f"{folder}.nii", paths)))
    made = LegacyConvertedEnhancedCTImage([pydicom.dcmread(path) for path in paths], "1.2.3.77", 5, "1.2.3.78", 1)
    made.save_as(tmp_path / f"{folder}.dcm")
    enhanced = volume(tmp_path / f"{folder}.dcm")
    same_place(classic, enhanced)
    said = [{warning.code for warning in image.warnings} - {"instance_order"} for image in (classic, enhanced)]
    assert said[0] == said[1] == ({"gantry_tilt"} if tilt_mm else set())


def test_a_tilted_series_says_so(write_dicom: Write) -> None:
    image = volume(*series(write_dicom, turn=(0, 0, 0), tilt_mm=0.7, step_mm=4, folder="tilted"))
    (doubt,) = (warning for warning in image.warnings if warning.code == "gantry_tilt")
    assert doubt.at["degrees"] == pytest.approx(math.degrees(math.atan(0.7 / 4)), abs=0.1)


@given(matrix=st.lists(st.floats(-5, 5), min_size=9, max_size=9), shift=st.lists(st.floats(-300, 300), min_size=3, max_size=3))
def test_one_function_turns_ras_into_lps(matrix: list[float], shift: list[float]) -> None:
    ras = np.eye(4)
    ras[:3, :3], ras[:3, 3] = np.reshape(matrix, (3, 3)), shift
    lps = lps_from_ras(ras)
    x, y, z, _ = ras @ [2, 3, 4, 1]
    np.testing.assert_allclose(lps @ [4, 3, 2, 1], [-x, -y, z, 1], atol=1e-9)
    assert is_usable(lps) == is_usable(ras)


def test_nothing_else_turns_one_into_the_other() -> None:
    sources = Path(study.__file__).parents[1]
    turning = [path.name for path in sources.rglob("*.py") if re.search(r"diag\(\[\s*-1", path.read_text("utf-8"))]
    assert turning == ["geometry.py"]
