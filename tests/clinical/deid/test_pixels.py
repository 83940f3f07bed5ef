"""Pixels: the same to the byte, or black where they were asked to be, in every frame and however they are stored."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)
from tests.clinical.deid import made

from vesalius.clinical.deid import codestream
from vesalius.clinical.deid.rules import Box, Rules
from vesalius.clinical.deid.told import Told
from vesalius.errors import InputRefused

BOX = (2, 1, 5, 4)


def both(original: FileDataset, folder: Path, told: Rules) -> tuple[Told, FileDataset]:
    result, content = made.cleaned(made.written(original), told, folder)
    return result, dcmread(io.BytesIO(content))


def capture(pixels: np.ndarray[Any, Any], syntax: str = ExplicitVRLittleEndian, **attributes: Any) -> FileDataset:
    bits = 8 * pixels.dtype.itemsize
    depth = {"BitsAllocated": bits, "BitsStored": bits, "HighBit": bits - 1, "PixelRepresentation": int(pixels.dtype.kind == "i")}
    size = {"Rows": 40, "Columns": 60, "PixelData": pixels.tobytes(), "Modality": "OT"}
    return made.dataset(SecondaryCaptureImageStorage, syntax, **{**depth, **size, **attributes})


def gray(dtype: str = "u1", frames: int = 1) -> np.ndarray[Any, Any]:
    return np.random.default_rng(2).integers(3, 120, (frames, 40, 60)).astype(dtype)


def outside(box: Box) -> np.ndarray[Any, Any]:
    mask = np.ones((40, 60), bool)
    mask[box[1] : box[3], box[0] : box[2]] = False
    return mask


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("dtype", ["u2", "i2"])
def test_a_rectangle_becomes_black_in_every_frame_and_nothing_else_changes(syntax: str, dtype: str, tmp_path: Path) -> None:
    pixels = gray(dtype, frames=3)
    stored = pixels.astype(f">{dtype}") if syntax == ExplicitVRBigEndian else pixels
    result, copy = both(capture(stored, syntax, NumberOfFrames=3), tmp_path, made.rules(black_out=(BOX,)))
    assert result.cleaned == ("pixels",)
    assert not result.is_at_risk
    assert copy.file_meta.TransferSyntaxUID == syntax
    for before, after in zip(pixels, copy.pixel_array, strict=True):
        assert (after[outside(BOX)] == before[outside(BOX)]).all()
        assert (after[~outside(BOX)] == before.min()).all()


def test_black_is_the_highest_value_where_low_values_are_bright(tmp_path: Path) -> None:
    pixels = gray("u2")
    original = capture(pixels, PhotometricInterpretation="MONOCHROME1")
    _, copy = both(original, tmp_path, made.rules(black_out=(BOX,)))
    assert (copy.pixel_array[~outside(BOX)] == pixels.max()).all()


@pytest.mark.parametrize("planar", [0, 1])
def test_color_becomes_black_however_its_planes_lie(planar: int, tmp_path: Path) -> None:
    pixels = made.photograph()
    stored = pixels.transpose(2, 0, 1).copy() if planar else pixels
    color = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": planar}
    _, copy = both(capture(stored, **color), tmp_path, made.rules(black_out=(BOX,)))
    assert (copy.pixel_array[~outside(BOX)] == 0).all()
    assert (copy.pixel_array[outside(BOX)] == pixels[outside(BOX)]).all()


def test_a_palettes_darkest_color_is_black(tmp_path: Path) -> None:
    table = np.arange(255, -1, -1).astype("u1").tobytes()
    original = capture(gray(), PhotometricInterpretation="PALETTE COLOR")
    for name in ("Red", "Green", "Blue"):
        setattr(original, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 8])
        setattr(original, f"{name}PaletteColorLookupTableData", table)
    _, copy = both(original, tmp_path, made.rules(black_out=(BOX,)))
    assert (copy.pixel_array[~outside(BOX)] == 255).all()


def test_compressed_frames_are_decoded_for_a_rectangle_and_written_plain(tmp_path: Path) -> None:
    original = made.frames_of_jpeg()
    decoded = original.pixel_array
    result, copy = both(original, tmp_path, made.rules(black_out=(BOX,)))
    assert result.cleaned == ("pixels",)
    assert copy.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert copy.pixel_array.shape == decoded.shape == (2, 40, 60)
    assert (copy.pixel_array[:, outside(BOX)] == decoded[:, outside(BOX)]).all()
    assert copy.BurnedInAnnotation == "NO"
    assert "113101" in [item.CodeValue for item in copy.DeidentificationMethodCodeSequence]


def test_compressed_color_comes_out_as_rgb(tmp_path: Path) -> None:
    color = {"SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_FULL_422", "PlanarConfiguration": 0}
    original = capture(made.photograph(), JPEGBaseline8Bit, **color, PixelData=encapsulate([made.jpeg(made.photograph())]))
    original["PixelData"].is_undefined_length = True
    result, copy = both(original, tmp_path, made.rules(black_out=(BOX,)))
    assert (result.cleaned, copy.PhotometricInterpretation) == (("pixels",), "RGB")
    assert (copy.pixel_array[~outside(BOX)] == 0).all()
    assert abs(copy.pixel_array[outside(BOX)].astype(int) - original.pixel_array[outside(BOX)]).max() <= 1


def test_what_lies_outside_the_regions_of_an_ultrasound_picture_becomes_black(tmp_path: Path) -> None:
    region = made.item(RegionLocationMinX0=10, RegionLocationMinY0=5, RegionLocationMaxX1=39, RegionLocationMaxY1=29)
    original = capture(gray(), SequenceOfUltrasoundRegions=[region], Modality="US", SOPClassUID=UltrasoundImageStorage)
    kept, _ = both(original, tmp_path, made.rules())
    assert kept.is_at_risk
    assert kept.cleaned == ()
    result, copy = both(original, tmp_path, made.rules("clean-pixel-data"))
    assert (result.is_at_risk, result.cleaned) == (False, ("pixels",))
    inside = ~outside((10, 5, 40, 30))
    assert (copy.pixel_array[inside] == original.pixel_array[inside]).all()
    assert (copy.pixel_array[~inside] == original.pixel_array.min()).all()


def test_without_regions_an_ultrasound_picture_stays_at_risk(tmp_path: Path) -> None:
    original = capture(gray(), Modality="US", SOPClassUID=UltrasoundImageStorage, BurnedInAnnotation="NO")
    result, copy = both(original, tmp_path, made.rules("clean-pixel-data"))
    assert result.is_at_risk, "a header that says NO is not believed"
    assert copy.PixelData == original.PixelData
    assert "113101" not in [item.CodeValue for item in copy.DeidentificationMethodCodeSequence]


def test_a_rectangle_outside_the_picture_cleans_nothing(tmp_path: Path) -> None:
    result, _ = both(capture(gray()), tmp_path, made.rules(black_out=((500, 500, 600, 600),)))
    assert (result.cleaned, result.is_at_risk) == ((), True)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, False),
        ({"BurnedInAnnotation": "YES"}, True),
        ({"Modality": "XA"}, True),
        ({"ConversionType": "DF"}, True),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, True),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.77.1.4", "Modality": "XC"}, True),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.12.1"}, True),
    ],
)
def test_pictures_on_which_machines_write_need_an_eye(attributes: dict[str, Any], expected: bool, tmp_path: Path) -> None:
    result, _ = both(made.dataset(**attributes), tmp_path, made.rules())
    assert result.is_at_risk is expected


def test_an_overlay_in_unused_bits_is_taken_off_and_the_values_stay(tmp_path: Path) -> None:
    original = made.bar()
    values = np.frombuffer(original.PixelData, "<u2")
    result, copy = both(original, tmp_path, made.rules())
    assert result.cleaned == ("overlay_bits",)
    assert (values >> 15).any()
    assert (np.frombuffer(copy.PixelData, "<u2") == values & 0x0FFF).all()


def test_bytes_after_the_last_frame_are_dropped(tmp_path: Path) -> None:
    original = made.dataset()
    original.PixelData += made.CANARY.encode()
    result, copy = both(original, tmp_path, made.rules())
    assert result.cleaned == ("trailing_pixels",)
    assert copy.PixelData == original.PixelData[:96]


def test_comments_in_compressed_frames_are_blanked_and_no_pixel_changes(tmp_path: Path) -> None:
    original = made.frames_of_jpeg()
    result, copy = both(original, tmp_path, made.rules())
    assert result.cleaned == ("codestream_texts",)
    assert copy.file_meta.TransferSyntaxUID == JPEGBaseline8Bit
    assert made.CANARY.encode() not in copy.PixelData
    assert len(copy.PixelData) == len(original.PixelData)
    assert (copy.pixel_array == original.pixel_array).all()
    assert len(list(generate_frames(copy.PixelData, number_of_frames=2))) == 2


def test_frames_without_comments_stay_to_the_byte(tmp_path: Path) -> None:
    original = capture(gray())
    original.compress(RLELossless)
    result, copy = both(original, tmp_path, made.rules())
    assert result.cleaned == ()
    assert copy.PixelData == original.PixelData


def test_a_segment_beyond_the_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="beyond"):
        codestream.blanked(b"\xff\xd8\xff\xfe\x40\x00short")
    original = made.frames_of_jpeg(NumberOfFrames=1)
    original.PixelData = encapsulate([b"\xff\xd8\xff\xfe\x40\x00short!"])
    with pytest.raises(InputRefused) as caught:
        both(original, tmp_path, made.rules())
    assert caught.value.code == "decode_failed"


def test_frames_that_do_not_decode_are_refused_when_they_have_to_be(tmp_path: Path) -> None:
    original = made.frames_of_jpeg(NumberOfFrames=3)
    with pytest.raises(InputRefused) as caught:
        both(original, tmp_path, made.rules(black_out=(BOX,)))
    assert caught.value.code == "decode_failed"


def test_fractions_stay_to_the_byte(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 48, dtype="<f4").tobytes()
    original = made.dataset("1.2.840.10008.5.1.4.1.1.30", PixelData=None, FloatPixelData=values, BitsAllocated=32, Modality="OT")
    result, copy = both(original, tmp_path, made.rules(black_out=(BOX,)))
    assert copy.FloatPixelData == values
    assert result.cleaned == ()
