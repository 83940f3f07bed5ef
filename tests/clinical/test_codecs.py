"""Every family of compressions is read by the packages that are listed for it, exactly as other encoders wrote it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gdcm
import imagecodecs
import numpy as np
import pytest
from pydicom import uid
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import get_encoder
from tests.clinical.bad_inputs import builders

from vesalius.clinical.dicom import codecs
from vesalius.clinical.dicom.codecs import FAMILIES
from vesalius.clinical.images import open_image
from vesalius.errors import InputRefused
from vesalius.types import Part

Array = np.ndarray[Any, Any]
NOISE = np.random.default_rng(4)
GRAY_8 = (np.add.outer(np.arange(64) * 3, np.arange(80) * 2) % 256).astype(np.uint8)
GRAY_8[20:40, 30:60] = NOISE.integers(0, 256, (20, 30))
GRAY_12 = (GRAY_8.astype(np.uint16) * 16 + NOISE.integers(0, 16, GRAY_8.shape)).astype(np.uint16)
GRAY_16 = (GRAY_12 * 16 + 7).astype(np.uint16)
COLOR_8 = np.stack([GRAY_8, GRAY_8[::-1], 255 - GRAY_8], axis=-1)
PLAIN = {**builders.DX, "RescaleSlope": None, "RescaleIntercept": None}


def lossless_jpeg(pixels: Array, predictor: int = 1) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=predictor, bitspersample=8 * pixels.itemsize))


def high_throughput(pixels: Array) -> bytes:
    return bytes(imagecodecs.htj2k_encode(pixels, reversible=True))


def jpeg_2000(pixels: Array) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", level=0, reversible=True))


def jpeg_ls(pixels: Array) -> bytes:
    return bytes(imagecodecs.jpegls_encode(pixels))


def runs(pixels: Array) -> bytes:
    described = {"rows": pixels.shape[0], "columns": pixels.shape[1], "samples_per_pixel": 1 if pixels.ndim == 2 else 3}
    bits = {"bits_allocated": 8 * pixels.itemsize, "bits_stored": 8 * pixels.itemsize, "pixel_representation": 0}
    meaning = {"photometric_interpretation": "MONOCHROME2" if pixels.ndim == 2 else "RGB", "number_of_frames": 1}
    planes = {"planar_configuration": 0} if pixels.ndim == 3 else {}
    return bytes(get_encoder(uid.RLELossless).encode(pixels, **described, **bits, **meaning, **planes, encoding_plugin="pydicom"))


LOSSLESS: list[tuple[str, Callable[[Array], bytes]]] = [
    (uid.JPEGLosslessSV1, lossless_jpeg),
    (uid.JPEGLossless, lambda pixels: lossless_jpeg(pixels, predictor=6)),
    (uid.JPEGLSLossless, jpeg_ls),
    (uid.JPEG2000Lossless, jpeg_2000),
    (uid.JPEG2000, jpeg_2000),
    (uid.HTJ2KLossless, high_throughput),
    (uid.HTJ2KLosslessRPCL, high_throughput),
    (uid.HTJ2K, high_throughput),
    (uid.RLELossless, runs),
]


def written(folder: Path, pixels: Array, frames: list[bytes], syntax: str, **changes: Any) -> Path:
    path = folder / "file.dcm"
    path.write_bytes(builders.compressed({**PLAIN, **changes}, pixels, frames, syntax, **changes))
    return path


@pytest.mark.parametrize(("syntax", "encode"), LOSSLESS, ids=lambda value: uid.UID(value).name if isinstance(value, str) else "")
@pytest.mark.parametrize("pixels", [GRAY_8, GRAY_12, GRAY_16, COLOR_8], ids=["8", "12", "16", "color"])
def test_what_was_compressed_without_loss_comes_back_as_it_was(
    tmp_path: Path, syntax: str, encode: Callable[[Array], bytes], pixels: Array
) -> None:
    stored = {"BitsStored": 12, "HighBit": 11} if pixels is GRAY_12 else {}
    meaning = {"PhotometricInterpretation": "YBR_RCT"} if pixels.ndim == 3 and "2000" in uid.UID(syntax).name else {}
    path = written(tmp_path, pixels, [encode(pixels)], syntax, **stored, **meaning)
    np.testing.assert_array_equal(open_image(path).load(), pixels)


@pytest.mark.parametrize(("syntax", "encode"), [pair for pair in LOSSLESS if pair[0] != uid.HTJ2KLosslessRPCL])
def test_signed_values_keep_their_sign(tmp_path: Path, syntax: str, encode: Callable[[Array], bytes]) -> None:
    signed = (GRAY_16.astype(np.int32) - 2**15).astype(np.int16)
    coded = signed if "2000" in uid.UID(syntax).name else signed.view(np.uint16)
    path = written(tmp_path, signed, [encode(coded)], syntax)
    image = open_image(path)
    np.testing.assert_array_equal(image.load(), signed)


def test_signed_values_that_were_coded_as_unsigned_ones_of_12_bits_keep_their_sign(tmp_path: Path) -> None:
    signed = (GRAY_12.astype(np.int32) - 2048).astype(np.int16)
    stored = {"BitsStored": 12, "HighBit": 11}
    stream = bytes(imagecodecs.jpeg2k_encode(signed.view(np.uint16) & 0xFFF, codecformat="j2k", bitspersample=12, level=0))
    for syntax, content in {
        uid.JPEG2000Lossless: stream,
        uid.JPEGLosslessSV1: lossless_jpeg(signed.view(np.uint16) & 0xFFF),
        uid.RLELossless: runs(signed.view(np.uint16) & 0xFFF),
    }.items():
        np.testing.assert_array_equal(open_image(written(tmp_path, signed, [content], syntax, **stored)).load(), signed)


def test_jpeg_ls_with_a_bound_on_its_error_keeps_to_it(tmp_path: Path) -> None:
    path = written(tmp_path, GRAY_16, [bytes(imagecodecs.jpegls_encode(GRAY_16, level=3))], uid.JPEGLSNearLossless)
    off = np.abs(open_image(path).load().astype(int) - GRAY_16)
    assert 0 < off.max() <= 3


def test_lossy_jpeg_of_8_and_12_bits_is_what_another_decoder_makes_of_it(tmp_path: Path) -> None:
    for pixels, syntax, bits in ((GRAY_8, uid.JPEGBaseline8Bit, 8), (GRAY_12, uid.JPEGExtended12Bit, 12)):
        stream = bytes(imagecodecs.jpeg8_encode(pixels, level=95, bitspersample=bits))
        path = written(tmp_path, pixels, [stream], syntax, BitsStored=bits, HighBit=bits - 1)
        loaded = open_image(path).load()
        np.testing.assert_array_equal(loaded, imagecodecs.jpeg8_decode(stream))
        assert np.abs(loaded.astype(int) - pixels).mean() < 2 ** (bits - 6)


@pytest.mark.parametrize(("colors", "meaning"), [("RGB", "RGB"), ("YCBCR", "YBR_FULL_422"), ("YCBCR", "YBR_FULL")])
def test_jpeg_colors_are_red_green_and_blue_whatever_was_coded(tmp_path: Path, colors: str, meaning: str) -> None:
    smooth = np.stack([np.add.outer(np.arange(64), np.arange(80)) + 40 * index for index in range(3)], axis=-1).astype(np.uint8)
    stream = bytes(imagecodecs.jpeg8_encode(smooth, level=98, colorspace="RGB", outcolorspace=colors))
    path = written(tmp_path, smooth, [stream], uid.JPEGBaseline8Bit, PhotometricInterpretation=meaning)
    assert np.abs(open_image(path).load().astype(int) - smooth).max() <= 6


def test_a_frame_is_read_by_what_it_is_when_its_syntax_names_a_relative(tmp_path: Path) -> None:
    path = written(tmp_path, GRAY_16, [lossless_jpeg(GRAY_16)], uid.JPEGExtended12Bit)
    np.testing.assert_array_equal(open_image(path).load(), GRAY_16)


def test_a_stream_in_its_container_is_read(tmp_path: Path) -> None:
    boxed = bytes(imagecodecs.jpeg2k_encode(GRAY_16, codecformat="jp2", level=0, reversible=True))
    np.testing.assert_array_equal(open_image(written(tmp_path, GRAY_16, [boxed], uid.JPEG2000)).load(), GRAY_16)


@pytest.mark.parametrize(("syntax", "encode"), [*LOSSLESS, (uid.JPEGBaseline8Bit, imagecodecs.jpeg8_encode)])
def test_a_stream_that_lacks_anything_at_its_end_is_refused(
    tmp_path: Path, syntax: str, encode: Callable[[Array], bytes]
) -> None:
    whole = bytes(encode(GRAY_8))
    for length in {len(whole) // 3, len(whole) // 2, len(whole) - 40, len(whole) - 4}:
        with pytest.raises(InputRefused) as caught:
            open_image(written(tmp_path, GRAY_8, [whole[: length & ~1]], syntax)).load()
        assert caught.value.code == "decode_failed"


def test_any_frame_of_a_clip_is_read_without_the_others(tmp_path: Path) -> None:
    film = np.stack([np.roll(GRAY_8, step, axis=1) for step in range(12)])
    frames = [jpeg_ls(frame) for frame in film]
    frames[5] = b"\xff\xd8\xff\xd9"  # would stop whoever reads more than is asked for
    for element in (
        encapsulate(frames, has_bot=True),
        encapsulate(frames, has_bot=False),
        encapsulate(frames, fragments_per_frame=2),
    ):
        content = builders.raw(0x7FE00010, "OB", element + builders.SEQUENCE_END, builders.UNDEFINED)
        path = tmp_path / "clip.dcm"
        path.write_bytes(builders.compressed(builders.US_CLIP, film, frames, uid.JPEGLSLossless, element=content))
        image = open_image(path)
        for index in (0, 4, 6, 11):
            np.testing.assert_array_equal(image.part(Part((index,))), film[index])
        with pytest.raises(InputRefused, match="Frames 6 of 12") as caught:
            image.load()
        assert caught.value.code == "decode_failed"


def test_every_family_is_listed_once_and_nothing_is_missing_here() -> None:
    listed = codecs.codecs()
    assert [codec.family for codec in listed] == list(FAMILIES)
    assert all(codec.readers and not codec.unread for codec in listed)
    assert [codecs.missing(syntax) for syntaxes in FAMILIES.values() for syntax in syntaxes] == [""] * 12
    assert codecs.missing(uid.MPEG2MPML) is None


def test_a_missing_package_is_named_and_its_syntaxes_count_as_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    found = codecs.importlib.util.find_spec
    monkeypatch.setattr(codecs.importlib.util, "find_spec", lambda name: None if name == "jpeg_ls" else found(name))
    monkeypatch.setattr(codecs, "missing", codecs.missing.__wrapped__)
    assert codecs.missing(uid.JPEGLSLossless) == "pyjpegls"
    (unread,) = [codec for codec in codecs.codecs() if codec.unread]
    assert (unread.family, unread.readers) == ("JPEG-LS", ())
    assert len(unread.unread) == 2


def test_gdcm_says_when_it_cannot_decode_and_gives_no_memory_of_its_own() -> None:
    assert gdcm.Version.GetMajorVersion() >= 3
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((80, 64, 1))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(uid.JPEGLossless))))
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(lossless_jpeg(GRAY_16)[:500])
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image.SetDataElement(element)
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, 16, 15, 0))
    assert image.GetBuffer() is None
