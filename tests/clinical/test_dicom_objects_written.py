"""Objects written from arrays: geometry that is askew, and all that a file cannot hold."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageCms

from vesalius.clinical import keys, study
from vesalius.clinical.dicom.objects import clips, eyes, segmentation, slices, slide
from vesalius.clinical.dicom.objects.segmentation import Drawn
from vesalius.clinical.dicom.objects.slices import Stack
from vesalius.clinical.dicom.write import Names, Visit, coded, decimal, uid_of
from vesalius.errors import UsageError

VISIT = Visit("1", "2.25.1", 3, "O", 50, keys.PHANTOM_MANUFACTURER)
NAMES = Names("2.25.2", "2.25.3")
SKIN = ("39937001", "Skin")
GRAY, COLOR = np.zeros((8, 9), np.uint8), np.zeros((8, 9, 3), np.uint8)
DEEP = np.zeros((8, 9), np.uint16)
FILM = np.zeros((3, 8, 9, 3), np.uint8)


def turned(degrees: float, spacing_mm: tuple[float, float, float]) -> np.ndarray:
    """A grid turned about the body's long axis and tilted as much toward the head."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    about_z = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    affine = np.eye(4)
    affine[:3, :3] = (about_x @ about_z)[:, ::-1] * spacing_mm
    affine[:3, 3] = (-31.2345678, 12.5, 1 / 3)
    return affine


def stack(dtype: str = "int16", affine: np.ndarray | None = None) -> Stack:
    voxels = np.arange(4 * 5 * 6).reshape(4, 5, 6).astype(dtype)
    return Stack(voxels, turned(0, (1, 1, 1)) if affine is None else affine, "2.25.9", "CHEST")


def series(folder: Path) -> tuple[list[Path], list[Names]]:
    return [folder / f"{n}.dcm" for n in range(4)], [Names("2.25.2", f"2.25.{n + 10}", instance=n + 1) for n in range(4)]


@pytest.mark.parametrize("degrees", [0.0, 7.5, -20.0])
@pytest.mark.parametrize(("dtype", "write"), [("int16", slices.write_ct), ("uint16", slices.write_mr)])
def test_a_volume_that_lies_askew_comes_back_where_it_was(
    tmp_path: Path, degrees: float, dtype: str, write: Callable[..., str]
) -> None:
    given = stack(dtype, turned(degrees, (2.5, 0.7, 1 / 3)))
    write(*series(tmp_path)[:1], given, VISIT, series(tmp_path)[1])
    ((one,),) = [found.series for found in study.read([tmp_path]).studies]
    (image,) = one.images
    assert np.array_equal(image.load(), given.voxels)
    np.testing.assert_allclose(image.affine_lps_mm, given.affine_lps_mm, atol=1e-6)
    np.testing.assert_allclose(image.spacing_mm, (2.5, 0.7, 1 / 3), atol=1e-9)


def sheared() -> np.ndarray:
    affine = turned(0, (1, 1, 1))
    affine[1, 0] = 0.2
    return affine


def masks(path: Path) -> None:
    segmentation.write_segmentation(
        path, {"lung": np.zeros((8, 9), bool)}, Drawn("1.2", "2.25.2", ["2.25.3"], "pictures"), VISIT, NAMES
    )


def level(path: Path, shape: tuple[int, int], pixels: np.ndarray = COLOR, mm: float = 1.0) -> None:
    slide.write_level(
        path, lambda *_: pixels, shape, VISIT, NAMES, spacing_mm=(mm, mm), frame_uid="2.25.5", specimen_uid="2.25.6"
    )


REFUSED: dict[str, Callable[[Path], object]] = {
    "a CT of another type": lambda path: slices.write_ct([path] * 4, stack("uint16"), VISIT, [NAMES] * 4),
    "an MR of another type": lambda path: slices.write_mr([path] * 4, stack("int16"), VISIT, [NAMES] * 4),
    "a sheared volume": lambda path: slices.write_ct([path] * 4, stack(affine=sheared()), VISIT, [NAMES] * 4),
    "a flat volume": lambda path: slices.write_ct([path] * 4, stack(affine=turned(0, (0, 1, 1))), VISIT, [NAMES] * 4),
    "ultrasound of more than 8 bits": lambda path: clips.write_ultrasound(
        path, GRAY.astype(np.uint16), VISIT, NAMES, spacing_mm=(1, 1)
    ),
    "ultrasound without size": lambda path: clips.write_ultrasound(path, GRAY, VISIT, NAMES, spacing_mm=(0, 1)),
    "a film without time": lambda path: clips.write_endoscopy(path, FILM, VISIT, NAMES, region=SKIN, frame_s=0.0),
    "a gray photograph": lambda path: clips.write_photograph(path, GRAY, VISIT, NAMES, region=SKIN),
    "an empty photograph": lambda path: clips.write_photograph(path, COLOR[:0], VISIT, NAMES, region=SKIN),
    "a wide photograph": lambda path: clips.write_photograph(path, np.zeros((1, 2**16, 3), np.uint8), VISIT, NAMES, region=SKIN),
    "a third eye": lambda path: eyes.write_fundus(path, COLOR, VISIT, NAMES, spacing_mm=(1, 1), eye="X"),
    "a section of floats": lambda path: eyes.write_section(
        path, GRAY.astype(float), VISIT, NAMES, affine_lps_mm=turned(0, (1, 1, 1)), eye="L", frame_uid="2.25.5"
    ),
    "masks of nothing": masks,
    "a slide whose tile has another size": lambda path: level(path, (8, 10)),
    "a slide that is gray": lambda path: level(path, (8, 9), GRAY),
    "a slide of no size": lambda path: level(path, (8, 9), mm=0),
    "a slide of more than 4 GiB": lambda path: level(path, (40_000, 40_000)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_file_cannot_hold_is_refused(tmp_path: Path, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        REFUSED[what](tmp_path / "a.dcm")
    assert caught.value.code == "bad_option"


def test_numbers_keep_as_many_digits_as_sixteen_characters_hold() -> None:
    for value in (0.1, -1 / 3, 1e-7, 123456.7890123456, -2.2250738585072014e-20):
        assert len(decimal(value)) <= 16
        assert float(decimal(value)) == pytest.approx(value, rel=1e-8)


def test_long_codes_stand_where_long_ones_belong() -> None:
    assert coded("short", "a")[0].CodeValue == "short"
    assert coded("longer than sixteen", "a")[0].LongCodeValue == "longer than sixteen"


def test_a_uid_depends_on_every_part_and_its_place() -> None:
    assert uid_of("a", "b") == uid_of("a", "b")
    assert len({uid_of("a", "b"), uid_of("b", "a"), uid_of("ab"), uid_of("a", "b", ""), uid_of("a|b"), uid_of("a', 'b")}) == 6


def test_the_color_profile_of_slides_is_one_that_others_read_and_changes_next_to_nothing() -> None:
    profile = slide.srgb_profile()
    assert int.from_bytes(profile[:4]) == len(profile)
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    picture = Pillow.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    shown = ImageCms.profileToProfile(picture, opened, ImageCms.createProfile("sRGB"))
    assert shown is not None
    assert np.abs(np.asarray(shown).astype(int) - np.asarray(picture)).max() <= 12  # a curve of 2.2 for that of sRGB
