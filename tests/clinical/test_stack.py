import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydicom import uid

from vesalius.clinical.gate import Place
from vesalius.clinical.images import Found, describe
from vesalius.clinical.stack import images_of
from vesalius.types import CodedWarning, Image, Part

Write = Callable[..., Path]
MR: dict[str, Any] = {"SOPClassUID": uid.MRImageStorage, "Modality": "MR"}


def read(paths: list[Path]) -> tuple[tuple[Image, ...], dict[str, CodedWarning]]:
    images, warnings = images_of([found for found in describe(list(map(Place, paths))) if isinstance(found, Found)])
    found = [*warnings, *(warning for image in images for warning in image.warnings)]
    return images, {warning.code: warning for warning in found}


def at(*position: float) -> dict[str, Any]:
    return {"ImagePositionPatient": list(position)}


def filled(value: int) -> np.ndarray[Any, Any]:
    """A slice that loads as one value."""
    return np.full((6, 5), 1024 + value, dtype=np.uint16)


def test_slices_are_ordered_by_position_and_never_by_instance_number(write_dicom: Write) -> None:
    places = [4.0, 0.0, 6.0, 2.0]
    pixels = [np.full((6, 5), 1024 + place, dtype=np.uint16) for place in places]
    paths = [
        write_dicom(pixels=values, InstanceNumber=-index, **at(-10, -20, place))
        for index, (values, place) in enumerate(zip(pixels, places, strict=True))
    ]
    (image,), warnings = read(paths)
    assert (image.kind, image.shape, image.spacing_mm, set(warnings)) == (
        "volume",
        (4, 6, 5),
        (2.0, 0.5, 0.4),
        {"instance_order"},
    )
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
    paths = [write_dicom(pixels=filled(copy), **at(0, 0, z)) for copy in (2, 1) for z in (0, 2, 4)]
    (image,), warnings = read(paths)
    assert warnings["slices_duplicate"].at == {"slices": 3}
    np.testing.assert_array_equal(image.load()[:, 0, 0], [2, 2, 2])


def test_slices_of_several_echoes_make_a_volume_each(write_dicom: Write) -> None:
    paths = [write_dicom(pixels=filled(echo), EchoTime=echo, **MR, **at(0, 0, z)) for z in (4, 2, 0) for echo in (9, 3)]
    (image,), warnings = read(paths)
    assert (image.kind, image.shape, image.frame_s, warnings) == ("volume", (2, 3, 6, 5), None, {})
    np.testing.assert_array_equal(image.load()[..., 0, 0], [[3, 3, 3], [9, 9, 9]])
    assert image.spacing_mm == (2.0, 0.5, 0.4)
    assert image.affine_lps_mm is not None
    np.testing.assert_allclose(image.affine_lps_mm @ [2, 0, 0, 1], [0, 0, 4, 1])


def test_a_part_of_a_series_of_volumes_is_that_part(write_dicom: Write) -> None:
    rng = np.random.default_rng(0)
    paths = [
        write_dicom(pixels=rng.integers(0, 999, (6, 5)).astype(np.uint16), EchoTime=echo, **MR, **at(0, 0, z))
        for echo in (3, 9)
        for z in (0, 2, 4)
    ]
    (image,), _ = read(paths)
    whole = image.load()
    np.testing.assert_array_equal(image.part(Part((1,))), whole[1])
    np.testing.assert_array_equal(image.part(Part((1, 2))), whole[1, 2])
    np.testing.assert_array_equal(image.part(Part((0, 1), (1, 2, 4, 5))), whole[0, 1, 1:4, 2:5])
    np.testing.assert_array_equal(image.part(Part((), (0, 0, 2, 2))), whole[..., :2, :2])


@pytest.mark.parametrize(
    "times",
    [
        [{"TriggerTime": time, "AcquisitionNumber": 1} for time in (0, 40, 80)],
        [{"AcquisitionNumber": n, "AcquisitionTime": f"2359{58 + n * 0.04 - 0.04:06.3f}"} for n in (1, 2, 3)],
        [{"TemporalPositionIdentifier": n, "AcquisitionTime": f"1200{n * 0.04:06.3f}"} for n in (1, 2, 3)],
        [{"AcquisitionTime": f"1200{n * 0.04:06.3f}"} for n in (1, 2, 3)],
    ],
    ids=["trigger", "acquisition", "index", "clock"],
)
def test_a_series_over_time_knows_its_step(write_dicom: Write, times: list[dict[str, Any]]) -> None:
    paths = [
        write_dicom(pixels=filled(index), **MR, **time, **at(0, 0, z))
        for z in (0, 2)
        for index, time in reversed(list(enumerate(times)))
    ]
    (image,), warnings = read(paths)
    assert (image.kind, image.shape) == ("volume", (3, 2, 6, 5))
    assert image.frame_s == pytest.approx(0.04)
    np.testing.assert_array_equal(image.load()[:, 1, 0, 0], [0, 1, 2])
    assert set(warnings) <= {"instance_order"}


def test_uneven_times_are_said_and_kept(write_dicom: Write) -> None:
    paths = [write_dicom(TriggerTime=time, **MR, **at(0, 0, z)) for time in (0, 40, 140) for z in (0, 2)]
    (image,), warnings = read(paths)
    assert (image.frame_s, image.frame_times_s) == (None, pytest.approx((0, 0.04, 0.14)))
    assert "variable_frame_rate" in warnings


def test_acquisitions_without_times_are_said_to_have_none(write_dicom: Write) -> None:
    (image,), warnings = read([write_dicom(AcquisitionNumber=number, **at(0, 0, z)) for number in (1, 2) for z in (0, 2)])
    assert (image.shape, image.frame_s) == ((2, 2, 6, 5), None)
    assert "frame_time_unknown" in warnings


def test_one_place_over_time_is_a_clip_with_a_place(write_dicom: Write) -> None:
    (image,), _ = read([write_dicom(pixels=filled(time), TriggerTime=40 * time, **MR, **at(0, 0, 7)) for time in (2, 0, 1)])
    assert (image.kind, image.shape, image.spacing_mm) == ("clip", (3, 6, 5), (0.5, 0.4))
    assert image.frame_s == pytest.approx(0.04)
    np.testing.assert_array_equal(image.load()[:, 0, 0], [0, 1, 2])
    np.testing.assert_array_equal(image.part(Part((2,))), np.full((6, 5), 2.0))
    assert image.affine_lps_mm is not None
    np.testing.assert_allclose(image.affine_lps_mm[:3, 3], [0, 0, 7])


def test_a_place_that_lacks_a_time_leaves_the_first_of_each(write_dicom: Write) -> None:
    places = [(number, z) for number in (1, 2) for z in (0, 2, 4)][:-1]
    (image,), warnings = read([write_dicom(pixels=filled(n), AcquisitionNumber=n, **at(0, 0, z)) for n, z in places])
    assert warnings["slices_duplicate"].at == {"slices": 2}
    np.testing.assert_array_equal(image.load()[:, 0, 0], [1, 1, 1])


def test_places_with_other_echoes_are_no_series(write_dicom: Write) -> None:
    pairs = [(echo, z) for z, echoes in ((0, (3, 9)), (2, (3, 12))) for echo in echoes]
    (image,), warnings = read([write_dicom(EchoTime=echo, **MR, **at(0, 0, z)) for echo, z in pairs])
    assert image.shape == (2, 6, 5)
    assert warnings["slices_duplicate"].at == {"slices": 2}


def test_diffusion_is_ordered_by_weight_and_direction_though_some_weights_repeat(write_dicom: Write) -> None:
    across = {"DiffusionBValue": 1000.0, "DiffusionGradientOrientation": [1.0, 0.0, 0.0]}
    down = {"DiffusionBValue": 1000.0, "DiffusionGradientOrientation": [0.0, 1.0, 0.0]}
    weights: list[dict[str, Any]] = [across, {"DiffusionBValue": 0.0}, down, {"DiffusionBValue": 0.0}]
    paths = [
        write_dicom(pixels=filled(index), InstanceNumber=10 * index + z, **MR, **weight, **at(0, 0, z))
        for index, weight in enumerate(weights)
        for z in (0, 2)
    ]
    (image,), warnings = read(paths)
    assert (image.shape, warnings) == ((4, 2, 6, 5), {})
    np.testing.assert_array_equal(image.load()[:, 0, 0, 0], [1, 3, 2, 0])


@pytest.mark.parametrize(
    ("group", "creator", "element", "values"),
    [
        (0x0019, "SIEMENS MR HEADER", 0x0C, (0, 800)),
        (0x0043, "GEMS_PARM_01", 0x39, ([1_000_000_000, 8, 0, 0], [1_000_000_800, 8, 0, 0])),
        (0x2001, "Philips Imaging DD 001", 0x03, (0.0, 800.0)),
    ],
)
def test_weights_of_diffusion_are_found_in_makers_own_elements(
    write_dicom: Write, group: int, creator: str, element: int, values: tuple[Any, Any]
) -> None:
    paths = []
    for index, value in enumerate(values):
        for z in (0, 2):
            path = write_dicom(pixels=filled(index), **MR, **at(0, 0, z))
            dataset = pydicom.dcmread(path)
            dataset.private_block(group, creator, create=True).add_new(element, "FL" if group == 0x2001 else "IS", value)
            dataset.save_as(path)
            paths.append(path)
    (image,), _ = read(paths)
    assert image.shape == (2, 2, 6, 5)
    np.testing.assert_array_equal(image.load()[:, 0, 0, 0], [0, 1])


def test_magnitude_and_phase_are_volumes_of_their_own(write_dicom: Write) -> None:
    paths = [
        write_dicom(pixels=filled(index), ImageType=["ORIGINAL", "PRIMARY", kind], **MR, **at(0, 0, z))
        for index, kind in enumerate("MP")
        for z in (0, 2, 4)
    ]
    images, warnings = read(paths)
    assert [image.shape for image in images] == [(3, 6, 5)] * 2
    assert sorted(float(image.load().mean()) for image in images) == [0, 1]
    assert not warnings


def test_an_odd_image_type_does_not_break_a_stack(write_dicom: Write) -> None:
    kinds = ["AXIAL", "AXIAL", "OTHER"]
    images, _ = read([write_dicom(ImageType=["ORIGINAL", "PRIMARY", kind], **at(0, 0, 2 * z)) for z, kind in enumerate(kinds)])
    assert [image.shape for image in images] == [(3, 6, 5)]


def test_numbers_that_do_not_follow_the_places_are_said(write_dicom: Write) -> None:
    def doubts(numbers: list[int | None]) -> set[str]:
        folder = f"{numbers}"
        return set(read([write_dicom(folder=folder, InstanceNumber=n, **at(0, 0, 2 * z)) for z, n in enumerate(numbers)])[1])

    assert doubts([1, 2, 3, 4]) == doubts([9, 7, 5, 1]) == doubts([None] * 4) == set()
    assert doubts([1, 3, 2, 4]) == doubts([1, 1, 2, 3]) == {"instance_order"}


def test_a_stated_distance_that_is_not_that_of_the_positions_is_said(write_dicom: Write) -> None:
    (image,), warnings = read([write_dicom(SpacingBetweenSlices=3, **at(0, 0, 2 * z)) for z in range(4)])
    assert warnings["spacing_contradictory"].at == {"stated_mm": 3.0, "positions_mm": 2.0}
    assert image.spacing_mm == (2.0, 0.5, 0.4)
    assert not read([write_dicom(folder="right", SpacingBetweenSlices=2, **at(0, 0, 2 * z)) for z in range(4)])[1]


def test_slices_much_thicker_than_they_are_apart_are_said_to_overlap(write_dicom: Write) -> None:
    _, warnings = read([write_dicom(SliceThickness=5, **at(0, 0, 2 * z)) for z in range(4)])
    assert warnings["slices_overlapping"].at == {"thickness_mm": 5.0, "spacing_mm": 2.0}
    assert not read([write_dicom(folder="right", SliceThickness=4, **at(0, 0, 2 * z)) for z in range(4)])[1]


def test_files_of_one_volume_that_contradict_one_another_are_said(write_dicom: Write) -> None:
    _, warnings = read([write_dicom(FrameOfReferenceUID=f"1.2.{z // 2}", **at(0, 0, 2 * z)) for z in range(4)])
    assert warnings["reference_mixed"].at == {"references": 2}
    lies = ("HFS", "HFS", "FFS")
    _, warnings = read([write_dicom(folder="lying", PatientPosition=lies[z], **at(0, 0, 2 * z)) for z in range(3)])
    assert warnings["laterality_uncertain"].at == {"contradicts": "position", "positions": 2}


def test_stacks_side_by_side_are_volumes_of_their_own(write_dicom: Write) -> None:
    paths = [write_dicom(pixels=filled(side), **at(100 * side, 0, z)) for z in (0, 2, 4) for side in (0, 1)]
    images, warnings = read(paths)
    assert [image.shape for image in images] == [(3, 6, 5)] * 2
    assert sorted(float(image.load().mean()) for image in images) == [0, 1]
    assert "slices_duplicate" not in warnings


def test_slices_all_around_an_axis_are_pictures_of_their_own(write_dicom: Write) -> None:
    turns = np.linspace(0, math.pi, 12, endpoint=False)
    paths = [write_dicom(ImageOrientationPatient=[math.cos(a), math.sin(a), 0, 0, 0, -1], **at(0, 0, 0)) for a in turns]
    images, warnings = read(paths)
    assert [image.shape for image in images] == [(6, 5)] * 12
    assert len(warnings["mixed_orientation"].at["slices"]) == 12


@settings(
    max_examples=15,
    phases=(Phase.explicit, Phase.generate),  # files are slow to make smaller
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(order=st.permutations(range(6)), turn=st.floats(-3, 3), tilt=st.floats(-0.3, 0.3), step=st.floats(0.5, 9))
def test_voxels_lie_where_their_slices_say_however_the_files_are_ordered(
    write_dicom: Write, tmp_path: Path, order: list[int], turn: float, tilt: float, step: float
) -> None:
    row = np.array([math.cos(turn), math.sin(turn), 0.0])
    column = np.array([-math.sin(turn) * math.cos(tilt), math.cos(turn) * math.cos(tilt), math.sin(tilt)])
    places = [np.array([3.0, 4.0, 5.0]) + index * step * np.cross(row, column) for index in range(6)]
    folder = f"{abs(hash((tuple(order), turn, tilt, step)))}"
    paths = [
        write_dicom(pixels=filled(i), folder=folder, ImageOrientationPatient=[*row, *column], **at(*map(float, places[i])))
        for i in order
    ]
    (image,), _ = read(paths)
    assert image.affine_lps_mm is not None
    for z in range(6):
        np.testing.assert_allclose((image.affine_lps_mm @ [z, 0, 0, 1])[:3], places[z], atol=1e-6)
        np.testing.assert_allclose((image.affine_lps_mm @ [z, 3, 2, 1])[:3], places[z] + 1.5 * column + 0.8 * row, atol=1e-6)
    np.testing.assert_array_equal(image.load()[:, 0, 0], np.arange(6))


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
