import logging
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom import uid

from vesalius.clinical.dicom.facts import Header
from vesalius.clinical.gate import Place
from vesalius.clinical.images import Found, describe, open_image
from vesalius.errors import InputRefused

Write = Callable[..., Path]
RADIOGRAPH: dict[str, Any] = {
    "SOPClassUID": uid.DigitalXRayImageStorageForPresentation,
    "Modality": "DX",
    "ImagePositionPatient": None,
    "ImageOrientationPatient": None,
    "RescaleSlope": None,
    "RescaleIntercept": None,
}


def header_of(path: Path) -> Header:
    (found,) = describe([Place(path)])
    assert isinstance(found, Found)
    assert found.facts.header is not None
    return found.facts.header


def codes(path: Path) -> set[str]:
    return {warning.code for warning in open_image(path).warnings}


def refusal(path: Path) -> str:
    with pytest.raises(InputRefused) as caught:
        open_image(path).load()
    return caught.value.code


def test_ct_values_are_hounsfield_units(write_dicom: Write) -> None:
    stored = np.array([[0, 1024], [1064, 4095]], dtype=np.uint16)
    image = open_image(write_dicom(pixels=stored, BitsStored=12, HighBit=11))
    np.testing.assert_array_equal(image.load(), [[-1024, 0], [40, 3071]])
    assert image.load().dtype == np.float32
    assert (image.window, image.modality, image.spacing_mm) == ((40.0, 400.0), "CT", (0.5, 0.4))


def test_values_that_overflow_the_stored_type_do_not_wrap(write_dicom: Write) -> None:
    stored = np.array([[0, 65535]], dtype=np.uint16)
    np.testing.assert_array_equal(open_image(write_dicom(pixels=stored)).load(), [[-1024, 64511]])


def test_a_slope_that_is_not_whole_gives_fractions(write_dicom: Write) -> None:
    stored = np.array([[-2, 3]], dtype=np.int16)
    image = open_image(write_dicom(pixels=stored, RescaleSlope=0.5, RescaleIntercept=1))
    np.testing.assert_array_equal(image.load(), np.array([[0, 2.5]], dtype=np.float32))


def test_a_ct_without_rescale_is_doubted(write_dicom: Write) -> None:
    assert "no_rescale" in codes(write_dicom(RescaleSlope=None, RescaleIntercept=None))
    assert "no_rescale" not in codes(write_dicom())


@pytest.mark.parametrize("slope", [0, float("nan"), 1e300])
def test_an_impossible_slope_is_refused(write_dicom: Write, slope: float) -> None:
    assert refusal(write_dicom(RescaleSlope=slope)) == "bad_rescale"


def test_inverted_pictures_are_flagged_and_not_changed(write_dicom: Write) -> None:
    path = write_dicom(PhotometricInterpretation="MONOCHROME1", **RADIOGRAPH)
    image = open_image(path)
    assert image.inverted
    np.testing.assert_array_equal(image.load(), pydicom.dcmread(path).pixel_array)


def test_ybr_becomes_rgb(write_dicom: Write) -> None:
    red = np.full((4, 4, 3), [76, 85, 255], dtype=np.uint8)  # pure red in YBR_FULL
    image = open_image(write_dicom(pixels=red, PhotometricInterpretation="YBR_FULL", PlanarConfiguration=0))
    assert image.channels == 3
    np.testing.assert_allclose(image.load()[0, 0].astype(int), [254, 0, 0], atol=2)


@pytest.mark.parametrize("bits", [8, 16])
def test_palettes_become_rgb_of_8_bits(write_dicom: Write, bits: int) -> None:
    reds = np.array([0, 255, 128, 7], dtype=np.uint8)
    table = reds if bits == 8 else reds.astype(np.uint16) * 257
    palette: dict[str, Any] = {}
    for name in ("Red", "Green", "Blue"):
        palette[f"{name}PaletteColorLookupTableData"] = table.tobytes()
        palette[f"{name}PaletteColorLookupTableDescriptor"] = [4, 0, bits]
    stored = np.array([[0, 1, 2]], dtype=np.uint8)
    image = open_image(write_dicom(pixels=stored, PhotometricInterpretation="PALETTE COLOR", **palette))
    np.testing.assert_array_equal(image.load()[0, :, 0], [0, 255, 128])
    assert image.load().dtype == np.uint8


def test_a_palette_that_is_missing_is_refused(write_dicom: Write) -> None:
    stored = np.zeros((2, 2), dtype=np.uint8)
    assert refusal(write_dicom(pixels=stored, PhotometricInterpretation="PALETTE COLOR")) == "bad_pixel_module"


@pytest.mark.parametrize(
    ("attributes", "spacing", "doubts"),
    [
        ({"ImagerPixelSpacing": [0.2, 0.1], "PixelSpacing": None}, (0.2, 0.1), {"detector_spacing"}),
        ({"ImagerPixelSpacing": [0.2, 0.1], "PixelSpacing": [0.2, 0.1]}, (0.2, 0.1), {"detector_spacing"}),
        ({"ImagerPixelSpacing": [0.2, 0.1], "PixelSpacing": [0.18, 0.09]}, (0.18, 0.09), set()),
        ({"PixelSpacing": [0.2, 0.1], "PixelSpacingCalibrationType": "FIDUCIAL"}, (0.2, 0.1), set()),
        ({"PixelSpacing": [0.2, 0.1]}, (0.2, 0.1), {"detector_spacing"}),
        ({"PixelSpacing": None}, None, {"no_calibration"}),
        ({"PixelSpacing": [0, 0.1]}, None, {"no_calibration"}),
        ({"PixelSpacing": [-1, 0.1]}, None, {"no_calibration"}),
    ],
)
def test_radiographs_say_where_their_spacing_holds(
    write_dicom: Write, attributes: dict[str, Any], spacing: tuple[float, float] | None, doubts: set[str]
) -> None:
    path = write_dicom(**RADIOGRAPH | attributes)
    assert open_image(path).spacing_mm == spacing
    assert codes(path) == doubts


def test_ultrasound_takes_its_spacing_from_a_calibrated_region(write_dicom: Write) -> None:
    region = pydicom.Dataset()
    region.RegionSpatialFormat, region.PhysicalUnitsXDirection, region.PhysicalUnitsYDirection = 1, 3, 3
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.03, -0.02
    sweep = pydicom.Dataset()
    sweep.RegionSpatialFormat, sweep.PhysicalUnitsXDirection, sweep.PhysicalUnitsYDirection = 3, 4, 7
    ultrasound = RADIOGRAPH | {"SOPClassUID": uid.UltrasoundImageStorage, "Modality": "US", "PixelSpacing": None}
    path = write_dicom(**ultrasound, SequenceOfUltrasoundRegions=[region, sweep])
    assert open_image(path).spacing_mm == pytest.approx((0.2, 0.3))


def test_a_clip_has_the_time_between_its_frames(write_dicom: Write) -> None:
    frames = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    clip = RADIOGRAPH | {
        "SOPClassUID": uid.UltrasoundMultiFrameImageStorage,
        "NumberOfFrames": 3,
        "Rows": 4,
        "Columns": 5,
        "SamplesPerPixel": 1,
    }
    image = open_image(write_dicom(pixels=frames, FrameTime=40, **clip))
    assert (image.kind, image.shape, image.frame_s) == ("clip", (3, 4, 5), pytest.approx(0.04))
    np.testing.assert_array_equal(image.load(), frames)


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"Rows": 0}, "bad_attribute"),
        ({"Rows": None}, "bad_attribute"),
        ({"NumberOfFrames": 0}, "bad_attribute"),
        ({"NumberOfFrames": "1.5"}, "bad_attribute"),
        ({"BitsAllocated": 64}, "bad_pixel_module"),
        ({"BitsStored": 17}, "bad_pixel_module"),
        ({"HighBit": 3}, "bad_pixel_module"),
        ({"PhotometricInterpretation": "RGB"}, "bad_pixel_module"),
        ({"PhotometricInterpretation": "SMITH"}, "bad_pixel_module"),
        ({"PixelData": None}, "no_pixels"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "bad_geometry"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, float("nan"), 0]}, "bad_geometry"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "MOSAIC"]}, "unsupported_iod"),
        ({"SOPClassUID": uid.ComprehensiveSRStorage, "PixelData": None}, "no_pixels"),
        ({"Rows": 65535, "Columns": 65535}, "size_limit"),
        ({"Rows": 600}, "pixel_data_short"),
    ],
)
def test_impossible_headers_are_refused_with_the_code_of_what_is_wrong(
    write_dicom: Write, attributes: dict[str, Any], code: str
) -> None:
    assert refusal(write_dicom(**attributes)) == code


def test_a_clip_of_terabytes_is_refused_before_anything_is_allocated(write_dicom: Write) -> None:
    clip = {"SOPClassUID": uid.UltrasoundMultiFrameImageStorage, "Rows": 30_000, "Columns": 30_000, "NumberOfFrames": 60_000}
    assert refusal(write_dicom(**clip, FrameTime=40)) == "size_limit"


def test_a_cut_file_is_refused_wherever_it_was_cut(write_dicom: Write) -> None:
    path = write_dicom()
    content = path.read_bytes()
    found = []
    for length in [*range(0, len(content) - 60, 7), *range(len(content) - 60, len(content))]:
        path.write_bytes(content[:length])
        found.append(refusal(path))
    # Between two elements of the header a cut leaves a whole header; in pixels it is always seen for what it is.
    assert set(found) <= {"input_empty", "unsupported_type", "truncated", "no_pixels", "bad_attribute", "pixel_data_short"}
    assert set(found[-60:]) == {"pixel_data_short"}


@pytest.mark.parametrize("cut", [1, 8, 9, 60])
def test_cut_compressed_pixels_are_refused_before_they_are_decoded(write_dicom: Write, cut: int) -> None:
    path = write_dicom(pixels=np.random.default_rng(0).integers(0, 4000, (40, 50)).astype(np.uint16))
    dataset = pydicom.dcmread(path)
    dataset.compress(uid.RLELossless)
    dataset.save_as(path)
    np.testing.assert_array_equal(open_image(path).load(), dataset.pixel_array.astype(int) - 1024)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(InputRefused) as caught:
        open_image(path)
    assert caught.value.code == "pixel_data_short"


def test_an_unknown_compression_is_refused(write_dicom: Write) -> None:
    path = write_dicom()
    content = path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.113619.5.2\0\0", 1)
    path.write_bytes(content)
    assert refusal(path) == "unsupported_transfer_syntax"


def test_a_deflated_file_is_read_and_a_bomb_is_counted_before_it_is_inflated(write_dicom: Write) -> None:
    path = write_dicom()
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    np.testing.assert_array_equal(open_image(path).load(), dataset.pixel_array.astype(int) - 1024)
    content = path.read_bytes()
    (length,) = struct.unpack("<I", content[140:144])
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    path.write_bytes(content[: 144 + length] + bomb.compress(bytes(2**27)) + bomb.flush())
    assert refusal(path) == "decompression_limit"


def test_a_file_without_preamble_is_read_and_said(write_dicom: Write) -> None:
    path = write_dicom()
    pixels = open_image(path).load()
    path.write_bytes(path.read_bytes()[132:])
    assert "no_preamble" in codes(path)
    np.testing.assert_array_equal(open_image(path).load(), pixels)


def test_a_slice_knows_its_place(write_dicom: Write) -> None:
    affine = open_image(write_dicom()).affine_lps_mm
    assert affine is not None
    np.testing.assert_allclose(affine @ [0, 2, 3, 1], [-10 + 3 * 0.4, -20 + 2 * 0.5, 0, 1])


def test_views_and_modalities_are_shown_only_when_the_standard_lists_them(write_dicom: Write) -> None:
    image = open_image(write_dicom(**RADIOGRAPH, ViewPosition="LL"))
    assert image.view == "LL"
    image = open_image(write_dicom(**RADIOGRAPH | {"Modality": "ZEBRA"}, ViewPosition="ZEBRA"))
    assert (image.view, image.modality) == (None, None)


@pytest.mark.parametrize(
    ("window", "doubted"),
    [({"WindowWidth": 0}, True), ({"WindowCenter": None, "WindowWidth": None}, False), ({"WindowWidth": -5}, True)],
)
def test_an_unusable_window_is_none_and_said(write_dicom: Write, window: dict[str, Any], doubted: bool) -> None:
    path = write_dicom(**window)
    assert open_image(path).window is None
    assert ("bad_window" in codes(path)) == doubted


def test_days_are_true_differences_that_hide_the_date(write_dicom: Write) -> None:
    first, second = (header_of(write_dicom(StudyDate=day)).day for day in ("20110203", "20120203"))
    assert first is not None
    assert second is not None
    assert second - first == 365
    assert header_of(write_dicom(PatientID="another")).day != first


def test_nothing_of_the_patient_reaches_messages_logs_or_warnings(write_dicom: Write, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said = []
    named = {"PatientName": "Zebra^Q", "StudyDate": "20110203", "Modality": "Zebra^Q"}
    for wrong in ({"Rows": 600}, {"BitsStored": 99}, {"WindowWidth": -1}, {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}):
        with warnings.catch_warnings(action="ignore"):
            path = write_dicom("Zebra.dcm", **named | wrong)
        path.write_bytes(path.read_bytes().replace(b"20110203", b"Zebra^Q "))
        caplog.clear()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                said += [repr(open_image(path).warnings)]
            except InputRefused as refused:
                said += [str(refused), repr(refused.__cause__)]
        said += [*(str(warning.message) for warning in caught), caplog.text]
    assert not [text for text in said if "zebra" in text.lower()]
