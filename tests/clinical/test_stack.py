import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vesalius.clinical.gate import Place
from vesalius.clinical.images import Found, describe
from vesalius.clinical.stack import images_of
from vesalius.types import CodedWarning, Image

Write = Callable[..., Path]


def read(paths: list[Path]) -> tuple[tuple[Image, ...], dict[str, CodedWarning]]:
    images, warnings = images_of([found for found in describe(list(map(Place, paths))) if isinstance(found, Found)])
    found = [*warnings, *(warning for image in images for warning in image.warnings)]
    return images, {warning.code: warning for warning in found}


def at(*position: float) -> dict[str, Any]:
    return {"ImagePositionPatient": list(position)}


def test_slices_are_ordered_by_position_and_never_by_instance_number(write_dicom: Write) -> None:
    places = [4.0, 0.0, 6.0, 2.0]
    pixels = [np.full((6, 5), 1024 + place, dtype=np.uint16) for place in places]
    paths = [
        write_dicom(pixels=values, InstanceNumber=-index, **at(-10, -20, place))
        for index, (values, place) in enumerate(zip(pixels, places, strict=True))
    ]
    (image,), warnings = read(paths)
    assert (image.kind, image.shape, image.spacing_mm, warnings) == ("volume", (4, 6, 5), (2.0, 0.5, 0.4), {})
    np.testing.assert_array_equal(image.load()[:, 0, 0], [0, 2, 4, 6])
    assert image.affine_lps_mm is not None
    np.testing.assert_allclose(image.affine_lps_mm @ [3, 2, 1, 1], [-10 + 0.4, -20 + 1, 6, 1])


def test_missing_slices_are_counted_and_placed(write_dicom: Write) -> None:
    (image,), warnings = read([write_dicom(**at(0, 0, z)) for z in (0, 2, 4, 10, 12, 14)])
    missing = warnings["slices_missing"]
    assert missing.at["slices"] == 2
    assert missing.at["gaps"] == [{"from_mm": 4.0, "to_mm": 10.0}]
    assert missing.at["off_mm"] > 0
    assert image.spacing_mm == (2.0, 0.5, 0.4)
    assert "spacing_unequal" not in warnings


@pytest.mark.parametrize("places", [(0, 2, 20), (0, 18, 20), (0, 2, 4, 20, 36)])
def test_gaps_do_not_hide_among_few_slices(write_dicom: Write, places: tuple[float, ...]) -> None:
    (image,), warnings = read([write_dicom(**at(0, 0, z)) for z in places])
    assert "slices_missing" in warnings
    assert image.spacing_mm == (2.0, 0.5, 0.4)


def test_unequal_spacing_is_said_with_its_range(write_dicom: Write) -> None:
    _, warnings = read([write_dicom(**at(0, 0, z)) for z in (0, 2, 4.3, 6, 8)])
    assert (warnings["spacing_unequal"].at["smallest_mm"], warnings["spacing_unequal"].at["largest_mm"]) == (1.7, 2.3)


def test_rounded_positions_are_no_doubt(write_dicom: Write) -> None:
    (image,), warnings = read([write_dicom(**at(0, 0, round(index * 0.6667, 2))) for index in range(10)])
    assert not warnings
    assert image.spacing_mm is not None
    assert image.spacing_mm[0] == pytest.approx(0.6667, abs=1e-3)


def test_slices_that_wander_sideways_are_said(write_dicom: Write) -> None:
    _, warnings = read([write_dicom(**at(x, 0, z)) for x, z in ((0, 0), (3, 2), (-3, 4), (0, 6))])
    assert warnings["spacing_unequal"].at["off_mm"] == pytest.approx(3, abs=0.1)


def test_of_slices_at_one_place_the_first_of_each_is_used(write_dicom: Write) -> None:
    paths = []
    for echo in (2, 1):
        pixels = np.full((6, 5), 1024 + echo, dtype=np.uint16)
        paths += [write_dicom(pixels=pixels, EchoTime=echo, **at(0, 0, z)) for z in (0, 2, 4)]
    (image,), warnings = read(paths)
    assert warnings["slices_duplicate"].at == {"slices": 3}
    np.testing.assert_array_equal(image.load()[:, 0, 0], [1, 1, 1])


def test_a_tilted_stack_keeps_its_voxels_in_place(write_dicom: Write) -> None:
    tilt = math.tan(math.radians(10))
    places = [(0.0, 5 * tilt * index, 5.0 * index) for index in range(4)]
    (image,), warnings = read([write_dicom(**at(*place)) for place in places])
    assert warnings["gantry_tilt"].at == {"degrees": 10.0}
    assert image.spacing_mm == pytest.approx((5.0, 0.5, 0.4))
    assert image.affine_lps_mm is not None
    for index, place in enumerate(places):
        np.testing.assert_allclose((image.affine_lps_mm @ [index, 0, 0, 1])[:3], place, atol=1e-6)


def test_orientations_that_do_not_stack_are_pictures_of_their_own_the_largest_first(write_dicom: Write) -> None:
    coronal = {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}
    paths = [write_dicom(**coronal, **at(0, y, 0)) for y in (0, 3)] + [write_dicom(**at(0, 0, z)) for z in (0, 2, 4)]
    images, warnings = read(paths)
    assert [image.shape[0] for image in images] == [3, 2]
    assert warnings["mixed_orientation"].at == {"slices": [3, 2]}


def test_nearly_equal_orientations_stack(write_dicom: Write) -> None:
    paths = [write_dicom(ImageOrientationPatient=[1, 0, 1e-5 * index, 0, 1, 0], **at(0, 0, 2 * index)) for index in range(3)]
    images, warnings = read(paths)
    assert ([image.shape for image in images], warnings) == ([(3, 6, 5)], {})


def test_without_positions_the_instance_number_orders_and_the_doubt_is_said(write_dicom: Write) -> None:
    paths = [
        write_dicom(pixels=np.full((6, 5), 1024 + number, dtype=np.uint16), InstanceNumber=number, ImagePositionPatient=None)
        for number in (3, 1, 2)
    ]
    (image,), warnings = read(paths)
    np.testing.assert_array_equal(image.load()[:, 0, 0], [1, 2, 3])
    assert "position_unknown" in warnings
    assert (image.affine_lps_mm, image.spacing_mm) == (None, None)


def test_two_views_of_one_series_stay_two_pictures(write_dicom: Write) -> None:
    radiograph = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1", "Modality": "DX", "ImagePositionPatient": None}
    radiograph |= {"ImageOrientationPatient": None, "PixelSpacingCalibrationType": "FIDUCIAL"}
    images, warnings = read([write_dicom(ViewPosition=view, **radiograph) for view in ("PA", "LL")])
    assert ([image.view for image in images], [image.kind for image in images], warnings) == (["PA", "LL"], ["image"] * 2, {})


def test_a_doubt_of_some_slices_says_of_how_many(write_dicom: Write) -> None:
    paths = [write_dicom(WindowWidth=-1 if index == 1 else 400, **at(0, 0, 2 * index)) for index in range(3)]
    assert read(paths)[1]["bad_window"].at == {"files": 1}


def test_slices_with_different_slopes_are_each_rescaled(write_dicom: Write) -> None:
    pixels = np.full((6, 5), 10, dtype=np.uint16)
    paths = [write_dicom(pixels=pixels, RescaleSlope=slope, RescaleIntercept=0, **at(0, 0, slope)) for slope in (0.5, 1.0, 1.5)]
    np.testing.assert_allclose(read(paths)[0][0].load()[:, 0, 0], [5, 10, 15])
