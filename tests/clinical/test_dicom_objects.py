"""Objects of several frames: what their functional groups, offsets and vectors say of places and times; made by code and real."""

import gzip
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from highdicom import VOILUTTransformation
from highdicom.legacy import LegacyConvertedEnhancedCTImage
from highdicom.pm import ParametricMap, RealWorldValueMapping
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from vesalius.clinical import study
from vesalius.clinical.images import open_image
from vesalius.errors import InputRefused
from vesalius.types import CodedWarning, Image, Part

Write = Callable[..., Path]
UPRIGHT = [1, 0, 0, 0, 1, 0]
FLAT: dict[str, Any] = dict.fromkeys(
    ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept", "WindowCenter"),
)
FLAT |= {"WindowWidth": None, "ImageType": ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]}


def read(*paths: Path) -> tuple[list[Image], dict[str, CodedWarning]]:
    inventory = study.read(paths)
    assert not inventory.rejected, inventory.rejected
    series = [one for found in inventory.studies for one in found.series]
    images = [image for one in series for image in one.images]
    doubts = [*(doubt for one in series for doubt in one.warnings), *(doubt for image in images for doubt in image.warnings)]
    return images, {doubt.code: doubt for doubt in doubts}


def refusal(path: Path) -> str:
    (rejected,) = study.read([path]).rejected
    return rejected.code


def item(**attributes: Any) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def frame(z: float | None = None, **macros: dict[str, Any]) -> Dataset:
    """Functional groups of one frame: macros by their sequence's keyword."""
    if z is not None:
        macros["PlanePositionSequence"] = {"ImagePositionPatient": [-10, -20, z]}
    return item(**{keyword: [item(**attributes)] for keyword, attributes in macros.items()})


def groups(frames: Sequence[Dataset], **macros: dict[str, Any]) -> dict[str, Any]:
    """Attributes of an object with these frames; what all share is upright and 0.5 x 0.4 mm, unless said otherwise."""
    shared: dict[str, Any] = {
        "PixelMeasuresSequence": {"PixelSpacing": [0.5, 0.4], "SliceThickness": 2},
        "PlaneOrientationSequence": {"ImageOrientationPatient": UPRIGHT},
    } | macros
    return {
        "SharedFunctionalGroupsSequence": [frame(**shared)],
        "PerFrameFunctionalGroupsSequence": list(frames),
        "NumberOfFrames": len(frames),
    }


def film(count: int, dtype: str = "uint16") -> np.ndarray[Any, Any]:
    """Frames that tell themselves apart: each pixel is 100 times its frame and its own number."""
    return (np.arange(count)[:, None, None] * 100 + np.arange(30).reshape(6, 5)).astype(dtype)


def stored(pixels: np.ndarray[Any, Any]) -> dict[str, Any]:
    return {"pixels": pixels, "Rows": 6, "Columns": 5, "SamplesPerPixel": 1}


CT: dict[str, Any] = FLAT | {"SOPClassUID": uid.EnhancedCTImageStorage}
MR: dict[str, Any] = FLAT | {"SOPClassUID": uid.EnhancedMRImageStorage, "Modality": "MR"}


def test_frames_are_ordered_by_their_places(write_dicom: Write) -> None:
    path = write_dicom(**CT, **stored(film(3)), **groups([frame(4), frame(0), frame(2)]))
    (image,), doubts = read(path)
    assert (image.kind, image.shape, image.spacing_mm, set(doubts)) == ("volume", (3, 6, 5), (2.0, 0.5, 0.4), {"no_rescale"})
    np.testing.assert_array_equal(image.load(), film(3)[[1, 2, 0]])
    np.testing.assert_array_equal(image.part(Part((2,), (1, 1, 3, 4))), film(3)[0, 1:3, 1:4])
    assert image.affine_lps_mm is not None
    np.testing.assert_allclose(image.affine_lps_mm @ [2, 3, 2, 1], [-10 + 0.8, -20 + 1.5, 4, 1])


def test_frames_in_order_are_one_volume_too(write_dicom: Write) -> None:
    (image,), _ = read(write_dicom(**CT, **stored(film(3)), **groups([frame(z) for z in (0, 2, 4)])))
    np.testing.assert_array_equal(image.load(), film(3))


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.RLELossless])
def test_every_frame_is_rescaled_and_shown_by_its_own_numbers(write_dicom: Write, syntax: str) -> None:
    slopes = [0.5, 1.0, 2.0]
    frames = [
        frame(
            z,
            PixelValueTransformationSequence={"RescaleSlope": slope, "RescaleIntercept": -z, "RescaleType": "HU"},
            FrameVOILUTSequence={"WindowCenter": 100 * z, "WindowWidth": 400},
        )
        for z, slope in zip((4, 0, 2), slopes, strict=True)
    ]
    path = write_dicom(**CT, **stored(film(3)), **groups(frames))
    if syntax == uid.RLELossless:
        dataset = pydicom.dcmread(path)
        dataset.compress(syntax)
        dataset.save_as(path)
    (image,), doubts = read(path)
    expected = np.stack([film(3)[1] * 1.0, film(3)[2] * 2.0 - 2, film(3)[0] * 0.5 - 4])
    np.testing.assert_allclose(image.load(), expected)
    np.testing.assert_allclose(image.part(Part((2,))), expected[2])
    assert (image.window, doubts) == ((200.0, 400.0), {})


def test_one_slope_for_all_frames_is_that_of_each(write_dicom: Write) -> None:
    shared = {"PixelValueTransformationSequence": {"RescaleSlope": 1, "RescaleIntercept": -1024}}
    (image,), doubts = read(write_dicom(**CT, **stored(film(2)), **groups([frame(0), frame(2)], **shared)))
    np.testing.assert_array_equal(image.load(), film(2) - 1024.0)
    assert not doubts


@pytest.mark.parametrize("slope", [0, math.nan, 1e300])
def test_an_impossible_slope_of_a_frame_is_refused(write_dicom: Write, slope: float) -> None:
    wrong = frame(2, PixelValueTransformationSequence={"RescaleSlope": slope, "RescaleIntercept": 0})
    assert refusal(write_dicom(**CT, **stored(film(2)), **groups([frame(0), wrong]))) == "bad_rescale"


def test_directions_of_a_frame_that_cannot_be_are_refused(write_dicom: Write) -> None:
    wrong = frame(2, PlaneOrientationSequence={"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]})
    assert refusal(write_dicom(**CT, **stored(film(2)), **groups([frame(0), wrong]))) == "bad_geometry"


def test_stacks_are_volumes_of_their_own_though_they_are_parallel(write_dicom: Write) -> None:
    frames = [frame(z, FrameContentSequence={"StackID": name}) for name in "AB" for z in (0, 2, 4)]
    images, doubts = read(write_dicom(**CT, **stored(film(6)), **groups(frames)))
    assert [image.shape for image in images] == [(3, 6, 5), (3, 6, 5)]
    assert sorted(int(image.load()[0, 0, 0]) for image in images) == [0, 300]
    assert "mixed_orientation" not in doubts


def test_stacks_of_different_directions_are_said(write_dicom: Write) -> None:
    coronal = {"PlaneOrientationSequence": {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}}
    frames = [frame(z) for z in (0, 2, 4)]
    frames += [
        frame(**coronal, PlanePositionSequence={"ImagePositionPatient": [0, y, 0]}, FrameContentSequence={"StackID": "2"})
        for y in (0, 5)
    ]
    images, doubts = read(write_dicom(**CT, **stored(film(5)), **groups(frames)))
    assert [image.shape[0] for image in images] == [3, 2]
    assert doubts["mixed_orientation"].at == {"slices": [3, 2]}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("time", [{"FrameContentSequence": {"TemporalPositionIndex": n}} for n in (1, 2)]),
        ("heart", [{"CardiacSynchronizationSequence": {"NominalCardiacTriggerDelayTime": n * 50}} for n in (0, 1)]),
        ("echo", [{"MREchoSequence": {"EffectiveEchoTime": n}} for n in (2.3, 4.6)]),
        ("weight", [{"MRDiffusionSequence": {"DiffusionBValue": n}} for n in (0, 1000)]),
        ("flip", [{"MRTimingAndRelatedParametersSequence": {"FlipAngle": n}} for n in (5, 30)]),
    ],
)
def test_frames_at_one_place_make_a_series_of_volumes(write_dicom: Write, name: str, values: list[dict[str, Any]]) -> None:
    frames = [frame(z, **value) for z in (0, 2, 4) for value in values]
    (image,), doubts = read(write_dicom(**MR, **stored(film(6)), **groups(frames)))
    assert (image.kind, image.shape, image.spacing_mm) == ("volume", (2, 3, 6, 5), (2.0, 0.5, 0.4))
    np.testing.assert_array_equal(image.load(), film(6)[[0, 2, 4, 1, 3, 5]].reshape(2, 3, 6, 5))
    assert image.frame_s == (pytest.approx(0.05) if name == "heart" else None)
    assert set(doubts) == ({"frame_time_unknown"} if name == "time" else set())


def test_volumes_of_an_object_know_when_they_were_taken(write_dicom: Write) -> None:
    frames = [
        frame(
            z,
            FrameContentSequence={"TemporalPositionIndex": n + 1},
            TemporalPositionSequence={"TemporalPositionTimeOffset": n * 2.5},
        )
        for n in range(3)
        for z in (0, 2)
    ]
    (image,), doubts = read(write_dicom(**MR, **stored(film(6)), **groups(frames)))
    assert (image.shape, image.frame_s, doubts) == ((3, 2, 6, 5), pytest.approx(2.5), {})


def test_a_dimension_of_the_objects_own_makes_a_series_too(write_dicom: Write) -> None:
    pointers = [item(DimensionIndexPointer=tag) for tag in (0x00200032, 0x00189073)]  # place, and a duration
    frames = [
        frame(z, FrameContentSequence={"DimensionIndexValues": [place, n]}) for n in (1, 2) for place, z in ((1, 0), (2, 2))
    ]
    (image,), _ = read(write_dicom(**MR, **stored(film(4)), **groups(frames), DimensionIndexSequence=pointers))
    assert image.shape == (2, 2, 6, 5)
    np.testing.assert_array_equal(image.load(), film(4).reshape(2, 2, 6, 5))


def test_frames_of_several_files_make_one_volume(write_dicom: Write) -> None:
    paths = [write_dicom(**CT, **stored(film(2) + low), **groups([frame(z), frame(z + 2)])) for low, z in ((500, 4), (0, 0))]
    (image,), _ = read(*paths)
    assert (image.shape, image.spacing_mm) == ((4, 6, 5), (2.0, 0.5, 0.4))
    np.testing.assert_array_equal(image.load(), np.concatenate([film(2), film(2) + 500]))


def test_frames_that_are_not_described_have_no_place(write_dicom: Write) -> None:
    described = groups([frame(0), frame(2)]) | {"NumberOfFrames": 3}
    images, doubts = read(write_dicom(**CT, **stored(film(3)), **described))
    assert [image.shape for image in images] == [(2, 6, 5), (6, 5)]
    assert doubts["frames_contradictory"].at == {"described": 2, "frames": 3}
    assert images[1].affine_lps_mm is None


def test_a_slice_of_an_object_that_stands_alone_is_that_slice(write_dicom: Write) -> None:
    turned = frame(9, PlaneOrientationSequence={"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]})
    images, _ = read(write_dicom(**CT, **stored(film(3)), **groups([frame(0), turned, frame(2)])))
    assert [image.shape for image in images] == [(2, 6, 5), (6, 5)]
    np.testing.assert_array_equal(images[1].load(), film(3)[1])
    np.testing.assert_array_equal(images[0].load(), film(3)[[0, 2]])


def test_ultrasound_volumes_have_sizes_and_no_place_in_the_patient(write_dicom: Write) -> None:
    frames = [frame(PlanePositionVolumeSequence={"ImagePositionVolume": [0, 0, z]}) for z in (0, 1.5, 3)]
    upright = {"PlaneOrientationVolumeSequence": {"ImageOrientationVolume": UPRIGHT}, "PlaneOrientationSequence": {}}
    volume = FLAT | {"SOPClassUID": uid.EnhancedUSVolumeStorage, "Modality": "US"}
    (image,), doubts = read(write_dicom(**volume, **stored(film(3, "uint8")), **groups(frames, **upright)))
    assert (image.kind, image.spacing_mm, image.affine_lps_mm) == ("volume", (1.5, 0.5, 0.4), None)
    assert "affine_unknown" in doubts


def test_slices_of_a_breast_are_a_volume(write_dicom: Write) -> None:
    breast = FLAT | {"SOPClassUID": uid.BreastTomosynthesisImageStorage, "Modality": "MG"}
    (image,), doubts = read(write_dicom(**breast, **stored(film(3)), **groups([frame(z) for z in (0, 1, 2)])))
    assert (image.kind, image.modality, image.spacing_mm) == ("volume", "MG", (1.0, 0.5, 0.4))
    assert "detector_spacing" not in doubts


CONTEXT: dict[str, Any] = {  # what the other writer takes over from the pictures
    **dict.fromkeys(("PatientName", "PatientBirthDate", "AccessionNumber", "ReferringPhysicianName"), ""),
    **{"PatientSex": "O", "StudyID": "1", "StudyTime": "101010", "FrameOfReferenceUID": "1.2.3.9"},
    "PositionReferenceIndicator": "",
}


def test_pictures_made_into_an_object_by_another_writer_lie_where_they_lay(write_dicom: Write, tmp_path: Path) -> None:
    places = [(0.3 * z, 1.0 * z, 4.0 * z) for z in (3, 0, 2, 1)]
    context = CONTEXT | {"PatientPosition": "HFS", "KVP": 120, "AcquisitionNumber": 1, "SliceThickness": 4, "Manufacturer": "M"}
    context |= {"SeriesNumber": 3, "ImageOrientationPatient": [0.96, 0.28, 0, -0.28, 0.96, 0]}
    paths = [write_dicom(ImagePositionPatient=list(place), **context) for place in places]
    classic = [pydicom.dcmread(path) for path in paths]
    made = LegacyConvertedEnhancedCTImage(classic, "1.2.3.77", 5, "1.2.3.78", 1)
    made.save_as(tmp_path / "enhanced.dcm")
    (one,), doubts = read(tmp_path / "enhanced.dcm")
    (several,), _ = read(*paths)
    np.testing.assert_array_equal(one.load(), several.load())
    assert one.affine_lps_mm is not None
    assert several.affine_lps_mm is not None
    np.testing.assert_allclose(one.affine_lps_mm, several.affine_lps_mm, atol=1e-6)
    assert one.spacing_mm == pytest.approx(several.spacing_mm)
    assert set(doubts) >= {"gantry_tilt"}


def test_maps_of_fractions_mean_what_their_mapping_says(write_dicom: Write, tmp_path: Path) -> None:
    classic = [pydicom.dcmread(write_dicom(**CONTEXT, SliceThickness=2)) for _ in range(3)]
    values = np.linspace(-1, 1, 90, dtype=np.float32).reshape(3, 6, 5)
    mapping = RealWorldValueMapping("1", "ADC", codes.UCUM.NoUnits, (-1.0, 1.0), slope=2.0, intercept=0.5)
    window = VOILUTTransformation(window_center=0, window_width=1)
    made = ParametricMap(
        classic, values, "1.2.3.77", 5, "1.2.3.78", 1, "M", "N", "1", "2", False, [mapping], voi_lut_transformations=[window]
    )
    made.save_as(tmp_path / "map.dcm")
    (image,), _ = read(tmp_path / "map.dcm")
    assert (image.kind, image.shape, image.load().dtype) == ("volume", (3, 6, 5), np.float32)
    np.testing.assert_allclose(image.load(), values * 2 + 0.5, rtol=1e-6)
    assert image.spacing_mm == pytest.approx((2.0, 0.5, 0.4))


DOSE: dict[str, Any] = FLAT | {
    "SOPClassUID": uid.RTDoseStorage,
    "Modality": "RTDOSE",
    "ImageType": None,
    "DoseUnits": "GY",
    "DoseGridScaling": "0.001",
    "PixelSpacing": [2.5, 2.0],
    "ImagePositionPatient": [-10, -20, 30],
    "ImageOrientationPatient": UPRIGHT,
    "NumberOfFrames": 3,
}


@pytest.mark.parametrize(
    ("orientation", "offsets", "places"),
    [
        (UPRIGHT, [0, 3, 6], [30, 33, 36]),
        (UPRIGHT, [0, -3, -6], [24, 27, 30]),
        (UPRIGHT, [30, 33, 36], [30, 33, 36]),
        ([-1, 0, 0, 0, 1, 0], [0, 3, 6], [30, 27, 24]),
        ([-1, 0, 0, 0, 1, 0], [30, 27, 24], [30, 27, 24]),
    ],
)
def test_planes_of_a_dose_lie_where_offsets_say_and_are_gray(
    write_dicom: Write, orientation: list[float], offsets: list[float], places: list[float]
) -> None:
    attributes = DOSE | {"ImageOrientationPatient": orientation, "GridFrameOffsetVector": offsets}
    (image,), doubts = read(write_dicom(**attributes, **stored(film(3, "uint32"))))
    assert (image.kind, image.modality, image.spacing_mm) == ("volume", "RTDOSE", (3.0, 2.5, 2.0))
    assert set(doubts) == {"derived"}
    order = [0, 1, 2] if offsets[1] > offsets[0] or orientation[0] < 0 else [2, 1, 0]
    np.testing.assert_allclose(image.load(), film(3)[order] * 0.001, rtol=1e-6)
    assert image.affine_lps_mm is not None
    np.testing.assert_allclose([(image.affine_lps_mm @ [z, 0, 0, 1])[2] for z in range(3)], places)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"GridFrameOffsetVector": [0, 3]}, "bad_geometry"),
        ({"GridFrameOffsetVector": [7, 10, 13]}, "bad_geometry"),
        ({"GridFrameOffsetVector": [5, 8, 11], "ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "bad_geometry"),
        ({"GridFrameOffsetVector": [0, 3, 6], "DoseGridScaling": None}, "bad_rescale"),
        ({"GridFrameOffsetVector": [0, 3, 6], "DoseGridScaling": "0"}, "bad_rescale"),
    ],
)
def test_a_dose_that_cannot_be_placed_or_scaled_is_refused(write_dicom: Write, changes: dict[str, Any], code: str) -> None:
    assert refusal(write_dicom(**DOSE | changes, **stored(film(3, "uint32")))) == code


def test_a_dose_is_never_chosen_before_the_slices_it_was_planned_on(write_dicom: Write) -> None:
    write_dicom(**DOSE | {"GridFrameOffsetVector": [0, 3, 6], "SeriesInstanceUID": "1.2.3.201"}, **stored(film(3, "uint32")))
    path = write_dicom()
    chosen = [series for series in study.read([path.parent]).studies[0].series if series.chosen]
    assert [series.modality for series in chosen] == ["CT"]


@pytest.mark.parametrize(
    ("attributes", "spacing"),
    [
        ({"SOPClassUID": uid.RTImageStorage, "Modality": "RTIMAGE", "ImagePlanePixelSpacing": [0.8, 0.4]}, (0.8, 0.4)),
        (
            {"SOPClassUID": uid.ComputedRadiographyImageStorage, "Modality": "CR", "NominalScannedPixelSpacing": [0.1, 0.2]},
            (0.1, 0.2),
        ),
        ({"SOPClassUID": uid.XRayAngiographicImageStorage, "Modality": "XA", "ImagerPixelSpacing": [0.3, 0.3]}, (0.3, 0.3)),
    ],
)
def test_sizes_that_hold_at_a_distance_from_the_patient_are_said_to(
    write_dicom: Write, attributes: dict[str, Any], spacing: tuple[float, float]
) -> None:
    (image,), doubts = read(write_dicom(**FLAT | attributes))
    assert image.spacing_mm == spacing
    assert "detector_spacing" in doubts


def test_a_dose_of_curves_alone_is_named(write_dicom: Write) -> None:
    path = write_dicom(**DOSE | {"NumberOfFrames": None, "PixelData": None, "Rows": None, "Columns": None})
    assert study.read([path]).studies[0].series[0].kind == "plan"


NUCLEAR: dict[str, Any] = FLAT | {
    "SOPClassUID": uid.NuclearMedicineImageStorage,
    "Modality": "NM",
    "PixelSpacing": [4, 4],
    "NumberOfFrames": 3,
}


@pytest.mark.parametrize("between", [5, -5])
def test_slices_of_nuclear_medicine_are_stacked_by_the_sign_of_their_distance(write_dicom: Write, between: float) -> None:
    place = item(ImagePositionPatient=[-10, -20, 30], ImageOrientationPatient=UPRIGHT)
    tomo = NUCLEAR | {"ImageType": ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"], "SpacingBetweenSlices": between}
    path = write_dicom(**tomo, **stored(film(3)), SliceVector=[1, 2, 3], DetectorInformationSequence=[place])
    (image,), doubts = read(path)
    assert (image.kind, image.spacing_mm, doubts) == ("volume", (5.0, 4.0, 4.0), {})
    np.testing.assert_array_equal(image.load(), film(3)[:: 1 if between > 0 else -1])
    assert image.affine_lps_mm is not None
    np.testing.assert_allclose(image.affine_lps_mm[:3, 3], [-10, -20, min(30, 30 + 2 * between)])


def test_gated_slices_of_nuclear_medicine_are_a_series_without_a_place(write_dicom: Write) -> None:
    gated = NUCLEAR | {"ImageType": ["ORIGINAL", "PRIMARY", "RECON GATED TOMO", "EMISSION"], "SpacingBetweenSlices": 5}
    vectors = {"SliceVector": [1, 2, 3] * 2, "TimeSlotVector": [1] * 3 + [2] * 3, "NumberOfFrames": 6}
    (image,), doubts = read(write_dicom(**gated | vectors, **stored(film(6))))
    assert (image.shape, image.spacing_mm, image.affine_lps_mm) == ((2, 3, 6, 5), (5.0, 4.0, 4.0), None)
    np.testing.assert_array_equal(image.load(), film(6).reshape(2, 3, 6, 5))
    assert set(doubts) == {"affine_unknown", "frame_time_unknown"}


def test_frames_of_nuclear_medicine_that_follow_in_time_are_a_clip_that_may_last(write_dicom: Write) -> None:
    dynamic = NUCLEAR | {"ImageType": ["ORIGINAL", "PRIMARY", "DYNAMIC", "EMISSION"]}
    phases = [item(ActualFrameDuration=1_200_000, PauseBetweenFrames=0, NumberOfFramesInPhase=3)]
    (image,), _ = read(write_dicom(**dynamic, **stored(film(3)), PhaseInformationSequence=phases))
    assert (image.kind, image.frame_s) == ("clip", 1200.0)
    phases = [item(ActualFrameDuration=1000 * n, NumberOfFramesInPhase=n) for n in (1, 2)]
    (image,), doubts = read(write_dicom(folder="two", **dynamic, **stored(film(3)), PhaseInformationSequence=phases))
    assert (image.frame_s, image.frame_times_s) == (None, (0, 1, 3))
    assert "variable_frame_rate" in doubts


def test_views_of_several_detectors_have_no_times(write_dicom: Write) -> None:
    whole = NUCLEAR | {"ImageType": ["ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"], "NumberOfFrames": 2}
    (image,), doubts = read(write_dicom(**whole, **stored(film(2)), FrameIncrementPointer=0x00540020, DetectorVector=[1, 2]))
    assert (image.kind, image.frame_s, set(doubts)) == ("clip", None, {"frame_time_unknown"})


CLIP: dict[str, Any] = FLAT | {"SOPClassUID": uid.UltrasoundMultiFrameImageStorage, "Modality": "US", "NumberOfFrames": 3}


@pytest.mark.parametrize(
    ("attributes", "frame_s", "times_s", "doubt"),
    [
        ({"FrameTime": 40}, 0.04, (0, 0.04, 0.08), None),
        ({"FrameTimeVector": [0, 40, 90]}, None, (0, 0.04, 0.13), "variable_frame_rate"),
        ({"FrameTimeVector": [0, 40, 40]}, 0.04, (0, 0.04, 0.08), None),
        ({"FrameTimeVector": [0, 40, 90], "FrameTime": 40, "FrameIncrementPointer": 0x00181063}, 0.04, (0, 0.04, 0.08), None),
        ({"FrameTimeVector": [0, 40], "FrameTime": 30}, 0.03, (0, 0.03, 0.06), None),
        ({"CineRate": 25}, 0.04, (0, 0.04, 0.08), None),
        ({"FrameTime": 0}, None, None, "frame_time_unknown"),
        ({"FrameTime": -40}, None, None, "frame_time_unknown"),
        ({}, None, None, "frame_time_unknown"),
        ({"FrameTime": 40, "FrameIncrementPointer": 0x00182001}, None, None, "frame_time_unknown"),
    ],
)
def test_clips_say_when_their_frames_were_taken(
    write_dicom: Write, attributes: dict[str, Any], frame_s: float | None, times_s: tuple[float, ...] | None, doubt: str | None
) -> None:
    (image,), doubts = read(write_dicom(**CLIP, **stored(film(3, "uint8")), **attributes))
    assert (image.kind, image.shape, image.frame_s) == ("clip", (3, 6, 5), None if frame_s is None else pytest.approx(frame_s))
    assert image.frame_times_s == (None if times_s is None else pytest.approx(times_s))
    assert set(doubts) - {"no_calibration"} == ({doubt} if doubt else set())


def test_a_clip_with_too_many_frames_is_sampled(write_dicom: Write) -> None:
    many = np.arange(5000, dtype=np.uint16)[:, None, None] + np.zeros((1, 2, 2), dtype=np.uint16)
    clip = CLIP | {"NumberOfFrames": 5000, "FrameTime": 10, "Rows": 2, "Columns": 2, "SamplesPerPixel": 1}
    (image,), doubts = read(write_dicom(**clip, pixels=many))
    assert (image.shape, image.frame_s) == ((2500, 2, 2), pytest.approx(0.02))
    np.testing.assert_array_equal(image.load(), many[::2])
    np.testing.assert_array_equal(image.part(Part((7,))), many[14])
    assert doubts["clip_sampled"].at == {"frames": 5000, "read": 2500}


def test_several_frames_in_a_class_of_single_slices_are_refused(write_dicom: Write) -> None:
    assert refusal(write_dicom(**stored(film(2)), NumberOfFrames=2)) == "unsupported_iod"


def test_a_mosaic_that_does_not_say_how_it_is_laid_is_refused(write_dicom: Write) -> None:
    mosaic = {"SOPClassUID": uid.MRImageStorage, "Modality": "MR", "ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]}
    assert refusal(write_dicom(**mosaic, pixels=np.zeros((6, 6), dtype=np.uint16))) == "unsupported_iod"


# --------------------------------------------------------------------------------------------------------------- real ones


def nicom_samples() -> Path:
    """Real files that come with nibabel's own tests."""
    nibabel = pytest.importorskip("nibabel")
    folder = Path(nibabel.__file__).parent / "nicom" / "tests" / "data"
    if not (folder / "siemens_dwi_0.dcm.gz").exists():
        pytest.skip("nibabel came without its test files")
    return folder


def test_a_real_mosaic_lies_where_nibabel_puts_it(tmp_path: Path) -> None:
    wrappers = pytest.importorskip("nibabel.nicom.dicomwrappers")
    packed = gzip.decompress((nicom_samples() / "siemens_dwi_1000.dcm.gz").read_bytes())
    dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(packed))
    dataset.PixelData = np.random.default_rng(0).integers(0, 4000, (dataset.Rows, dataset.Columns)).astype("<u2").tobytes()
    dataset.save_as(tmp_path / "mosaic.dcm")
    theirs = wrappers.wrapper_from_data(dataset)
    (image,), doubts = read(tmp_path / "mosaic.dcm")
    assert (image.shape, doubts) == ((48, 128, 128), {})
    np.testing.assert_array_equal(image.load(), theirs.get_data().transpose(2, 0, 1))  # (row, column, slice) there
    np.testing.assert_array_equal(image.part(Part((13,), (5, 6, 70, 90))), theirs.get_data()[5:70, 6:90, 13])
    assert image.affine_lps_mm is not None
    np.testing.assert_allclose(image.affine_lps_mm, theirs.affine[:, [2, 0, 1, 3]], atol=1e-5)


def test_mosaics_of_a_series_are_volumes_over_time(tmp_path: Path) -> None:
    for name in ("siemens_dwi_0", "siemens_dwi_1000"):
        (tmp_path / name).write_bytes(gzip.decompress((nicom_samples() / f"{name}.dcm.gz").read_bytes()))
    (image,), _ = read(tmp_path)
    assert image.shape == (2, 48, 128, 128)


def test_a_mosaic_whose_tiles_do_not_fit_is_refused() -> None:
    assert refusal(nicom_samples() / "0.dcm") == "bad_geometry"


def test_a_real_enhanced_mr_lies_where_nibabel_puts_it(tmp_path: Path) -> None:
    wrappers = pytest.importorskip("nibabel.nicom.dicomwrappers")
    path = tmp_path / "mprage.dcm"
    path.write_bytes(gzip.decompress((nicom_samples() / "philips_mprage.dcm.gz").read_bytes()))
    theirs = wrappers.wrapper_from_file(path)
    (image,), _ = read(path)
    assert image.shape == (176, 256, 256)
    assert image.affine_lps_mm is not None
    turned = theirs.affine @ [0, 0, 175, 1]  # their first slice is our last
    np.testing.assert_allclose(image.affine_lps_mm[:3, 3], turned[:3], atol=2e-3)
    np.testing.assert_allclose(image.affine_lps_mm[:3, 1:3], theirs.affine[:3, :2], atol=1e-6)


def real(public_data: Path, name: str) -> Path:
    path = public_data / "dicom_real" / name
    if not path.exists():
        pytest.skip("the collection does not hold this file")
    return path


def test_a_real_enhanced_ct_is_ordered_and_placed(public_data: Path) -> None:
    path = real(public_data, "pydicom-data/eCT_Supplemental.dcm")
    (image,), doubts = read(path)
    dataset = pydicom.dcmread(path)
    np.testing.assert_array_equal(image.load(), dataset.pixel_array[::-1] - 1024.0)
    assert image.affine_lps_mm is not None
    for index, described in enumerate(reversed(dataset.PerFrameFunctionalGroupsSequence)):
        place = described.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose((image.affine_lps_mm @ [index, 0, 0, 1])[:3], place)
    assert set(doubts) == {"derived"}


def test_a_real_enhanced_mr_that_says_nothing_of_its_frames_has_no_place(public_data: Path) -> None:
    path = real(public_data, "pydicom-data/emri_small.dcm")
    (image,), doubts = read(path)
    assert (image.kind, image.shape, image.affine_lps_mm, image.spacing_mm) == ("volume", (10, 64, 64), None, None)
    np.testing.assert_array_equal(image.load(), pydicom.dcmread(path).pixel_array)
    assert {"position_unknown", "affine_unknown", "no_calibration"} <= set(doubts)


def test_a_real_dose_is_scaled_and_placed(public_data: Path) -> None:
    path = real(public_data, "pydicom/rtdose.dcm")
    (image,), doubts = read(path)
    dataset = pydicom.dcmread(path)
    np.testing.assert_allclose(image.load(), dataset.pixel_array * float(dataset.DoseGridScaling), rtol=1e-6)
    steps = np.diff([float(offset) for offset in dataset.GridFrameOffsetVector])
    assert image.spacing_mm == pytest.approx((abs(steps[0]), 10.0, 10.0))
    assert set(doubts) == {"dose_relative", "derived"}


def test_a_real_map_of_fractions_is_read(public_data: Path) -> None:
    path = real(public_data, "pydicom-data/parametric_map_float.dcm")
    (image,), _ = read(path)
    np.testing.assert_array_equal(image.load(), pydicom.dcmread(path).pixel_array)
    assert image.affine_lps_mm is not None


def test_a_real_clip_has_its_times(public_data: Path) -> None:
    image = open_image(real(public_data, "pydicom/examples_ybr_color.dcm"))
    assert (image.kind, image.shape, image.channels) == ("clip", (30, 240, 320), 3)
    assert image.frame_s == pytest.approx(0.0333, abs=1e-3)


def test_every_real_file_is_read_or_refused_and_none_shows_a_fault_of_the_reader(public_data: Path) -> None:
    inventory = study.read([public_data / "dicom_real"])
    assert len(inventory.files) > 75
    assert "reader_fault" not in {rejected.code for rejected in inventory.rejected}
    images = [image for found in inventory.studies for one in found.series for image in one.images]
    assert len(images) > 40
    assert "reader_fault" not in {code for image in images if (code := fault_of(image))}


def fault_of(image: Image) -> str | None:
    try:
        assert image.load().shape[: len(image.shape)] == image.shape
    except InputRefused as refused:
        return refused.code
    return None
