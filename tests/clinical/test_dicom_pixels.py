"""Stored pixels become the acquisition's values, bit by bit as the standard has it, and as other decoders read them."""

import io
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

import gdcm
import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import uid
from pydicom.encaps import get_frame
from pydicom.pixels.processing import apply_color_lut
from tests.clinical.bad_inputs import builders
from tests.clinical.bad_inputs.dicom_pixels import rle

from vesalius.clinical.dicom.decoding import decode_frames
from vesalius.clinical.dicom.file import read_contents
from vesalius.clinical.dicom.pixels import PixelFormat, pixels_of
from vesalius.clinical.gate import Place
from vesalius.clinical.images import Found, describe, open_image
from vesalius.errors import InputRefused
from vesalius.types import Part

Array = np.ndarray[Any, Any]
PLAIN = {**builders.DX, "RescaleSlope": None, "RescaleIntercept": None}
CAPTURE = {**PLAIN, "SOPClassUID": uid.SecondaryCaptureImageStorage, "Modality": "OT"}
FILM = np.random.default_rng(5).integers(0, 2**16, (24, 128, 160), dtype=np.uint16)


def loaded(folder: Path, content: bytes) -> Array:
    path = folder / "file.dcm"
    path.write_bytes(content)
    return open_image(path).load()


def refusal(folder: Path, content: bytes) -> str:
    with pytest.raises(InputRefused) as caught:
        loaded(folder, content)
    return caught.value.code


def decoded(path: Path, frame: int | None = None) -> tuple[PixelFormat, Array]:
    with path.open("rb") as file:
        pixels, _ = pixels_of(read_contents(file))
        plane = (pixels.rows, pixels.columns, 3) if pixels.channels == 3 else (pixels.rows, pixels.columns)
        out = np.empty((pixels.frames, *plane) if frame is None and pixels.frames > 1 else plane, pixels.dtype)
        decode_frames(file, pixels, frame, out)
    return pixels, out


@pytest.mark.parametrize("bits", [1, 7, 10, 12, 15, 16])
@pytest.mark.parametrize("is_signed", [False, True])
def test_rubbish_above_the_stored_bits_is_no_part_of_the_value(tmp_path: Path, bits: int, is_signed: bool) -> None:
    noise = np.random.default_rng(bits).integers(0, 2**16, (20, 30)).astype(np.uint16)
    expected = (noise & (2**bits - 1)).astype(np.int32)
    if is_signed:
        expected = np.where(expected >= 2 ** (bits - 1), expected - 2**bits, expected)
    described = {"BitsStored": bits, "HighBit": bits - 1, "PixelRepresentation": int(is_signed)}
    for syntax, stream in ((uid.ExplicitVRLittleEndian, None), (uid.RLELossless, rle(noise))):
        if stream is None:
            content = builders.one(PLAIN, pixels=noise, syntax=syntax, **described)
        else:
            content = builders.compressed(PLAIN, noise, [stream], syntax, **described)
        np.testing.assert_array_equal(loaded(tmp_path, content), expected)


def test_single_bits_of_frames_that_share_a_byte(tmp_path: Path) -> None:
    masks = np.random.default_rng(1).integers(0, 2, (5, 7, 9), dtype=np.uint8)
    packed = np.packbits(masks.reshape(-1), bitorder="little").tobytes()
    described = {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0, "PixelData": packed + b"\0" * (len(packed) % 2)}
    path = tmp_path / "bits.dcm"
    path.write_bytes(builders.one(builders.US_CLIP, pixels=masks, **described))
    np.testing.assert_array_equal(decoded(path)[1], masks)
    for frame in range(5):
        np.testing.assert_array_equal(decoded(path, frame)[1], masks[frame])


def test_fractions_come_as_they_are(tmp_path: Path) -> None:
    values = np.random.default_rng(2).normal(size=(6, 5))
    for kind, keyword in (("<f4", "FloatPixelData"), ("<f8", "DoubleFloatPixelData")):
        stored = values.astype(kind)
        elements = builders.parts(
            PLAIN, pixels=None, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2", Rows=6, Columns=5
        )
        tag = builders.tag_of(keyword)
        elements[tag] = builders.raw(tag, "OF" if kind == "<f4" else "OD", stored.tobytes())
        elements[builders.tag_of("BitsAllocated")] = builders.raw(0x00280100, "US", bytes([8 * stored.itemsize, 0]))
        path = tmp_path / keyword
        path.write_bytes(builders.dicom(elements))
        pixels, out = decoded(path)
        assert out.dtype == stored.dtype
        np.testing.assert_array_equal(out, stored)
        assert pixels.number == "float"


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32])
def test_native_pixels_of_every_type_in_either_order_of_bytes(tmp_path: Path, kind: type) -> None:
    limits = np.iinfo(kind)
    frames = np.random.default_rng(3).integers(limits.min, limits.max, (3, 5, 7), dtype=kind, endpoint=True)
    path = tmp_path / "file.dcm"
    for order, syntax in (("<", uid.ExplicitVRLittleEndian), ("<", uid.ImplicitVRLittleEndian), (">", uid.ExplicitVRBigEndian)):
        elements = builders.parts(builders.US_CLIP, pixels=frames, syntax=syntax)
        content = frames.astype(frames.dtype.newbyteorder(order)).tobytes() + b"\0" * (frames.nbytes % 2)
        if order == ">" and frames.itemsize == 1:  # as words, so that the bytes of each pair change places
            content = np.frombuffer(content, "<u2").astype(">u2").tobytes()
        vr, is_implicit = "OW", syntax == uid.ImplicitVRLittleEndian
        elements[0x7FE00010] = builders.raw(0x7FE00010, vr, content, implicit=is_implicit, order=order)
        path.write_bytes(builders.dicom(elements, syntax=syntax))
        np.testing.assert_array_equal(decoded(path)[1], frames)
        for frame in range(3):
            np.testing.assert_array_equal(decoded(path, frame)[1], frames[frame])


def test_frames_of_a_deflated_clip_are_found_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "file.dcm"
    path.write_bytes(builders.one(builders.US_CLIP, pixels=FILM, syntax=uid.DeflatedExplicitVRLittleEndian))
    image = open_image(path)
    for frame in (0, 23, 7):
        np.testing.assert_array_equal(image.part(Part((frame,))), FILM[frame])
    np.testing.assert_array_equal(image.load(), FILM)


def test_slope_and_intercept_of_each_frame(tmp_path: Path) -> None:
    path = tmp_path / "file.dcm"
    path.write_bytes(builders.one(builders.US_CLIP, pixels=FILM[:3]))
    with path.open("rb") as file:
        plain, _ = pixels_of(read_contents(file))
        pixels = PixelFormat(**{**vars(plain), "rescales": ((1.0, 0.0), (2.0, -5.0), (0.5, 1.0))})
        out = np.empty((3, 128, 160), pixels.dtype)
        decode_frames(file, pixels, None, out)
        alone = np.empty((128, 160), pixels.dtype)
        decode_frames(file, pixels, 1, alone)
    expected = FILM[:3] * np.array([1, 2, 0.5])[:, None, None] + np.array([0, -5, 1])[:, None, None]
    np.testing.assert_array_equal(out, expected.astype(np.float32))
    np.testing.assert_array_equal(alone, out[1])


def test_padding_is_told_in_the_values_that_are_loaded(tmp_path: Path) -> None:
    stored = np.full((6, 5), -2000, dtype=np.int16)
    for changes, told in (
        ({"PixelPaddingValue": -2000}, (-3024.0, -3024.0)),
        ({"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -1900}, (-3024.0, -2924.0)),
        ({}, None),
    ):
        path = tmp_path / "file.dcm"
        path.write_bytes(builders.one(pixels=stored, **changes))
        pixels, out = decoded(path)
        assert pixels.padding == told
        np.testing.assert_array_equal(out, np.full((6, 5), -3024.0))


def segmented(*segments: tuple[int, ...]) -> bytes:
    return np.array([word for segment in segments for word in segment], dtype="<u2").tobytes()


def test_segmented_palettes_are_runs_ramps_and_copies(tmp_path: Path) -> None:
    ramp = segmented((0, 2, 0, 0x1000), (1, 4, 0x5000), (2, 1, 8, 0), (0, 2, 0xFF00, 0x8000))
    names = ("Red", "Green", "Blue")
    tables: dict[str, Any] = {f"Segmented{name}PaletteColorLookupTableData": ramp for name in names}
    tables |= {f"{name}PaletteColorLookupTableDescriptor": [12, 0, 16] for name in names}
    indices = np.arange(12, dtype=np.uint8).reshape(3, 4)
    content = builders.one(CAPTURE, pixels=indices, PhotometricInterpretation="PALETTE COLOR", **tables)
    expected = np.array([0, 0x10, 0x20, 0x30, 0x40, 0x50, 0x50, 0x50, 0x50, 0x50, 0xFF, 0x80]).reshape(3, 4)
    np.testing.assert_array_equal(loaded(tmp_path, content), np.stack([expected] * 3, axis=-1))


def test_palettes_that_begin_above_zero_and_have_bytes_for_entries(tmp_path: Path) -> None:
    names = ("Red", "Green", "Blue")
    entries = np.array([9, 80, 200, 255], dtype=np.uint8)
    indices = np.array([[0, 10, 11, 12, 13]], dtype=np.uint8)
    for table in (entries.tobytes(), entries.astype("<u2").tobytes()):
        tables: dict[str, Any] = {f"{name}PaletteColorLookupTableData": table for name in names}
        tables |= {f"{name}PaletteColorLookupTableDescriptor": [4, 10, 8] for name in names}
        content = builders.one(CAPTURE, pixels=indices, PhotometricInterpretation="PALETTE COLOR", **tables)
        np.testing.assert_array_equal(loaded(tmp_path, content)[0, :, 0], [9, 9, 80, 200, 255])


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian, uid.RLELossless])
def test_no_more_than_a_frame_is_held_beside_the_result(tmp_path: Path, syntax: str) -> None:
    path = tmp_path / "file.dcm"
    if syntax == uid.RLELossless:
        content = builders.compressed(builders.US_CLIP, FILM, [rle(frame) for frame in FILM], syntax)
    elif syntax == uid.ExplicitVRBigEndian:
        content = builders.dicom(builders.big(builders.US_CLIP, pixels=FILM), syntax=syntax)
    else:
        content = builders.one(builders.US_CLIP, pixels=FILM)
    path.write_bytes(content)
    with path.open("rb") as file:
        pixels, _ = pixels_of(read_contents(file))
        out = np.empty(FILM.shape, pixels.dtype)
        tracemalloc.start()
        decode_frames(file, pixels, None, out)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    np.testing.assert_array_equal(out, FILM)
    assert peak_bytes < 5 * FILM[0].nbytes < FILM.nbytes / 4  # the stream, its planes, the values


def test_long_values_that_no_picture_needs_are_not_read(tmp_path: Path) -> None:
    elements = builders.parts(PLAIN)
    elements[0x00420011] = builders.raw(0x00420011, "OB", bytes(2**24))
    path = tmp_path / "file.dcm"
    path.write_bytes(builders.dicom(elements))
    with path.open("rb") as file:
        tracemalloc.start()
        contents = read_contents(file)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak_bytes < 2**21
    assert contents.place is not None
    assert "EncapsulatedDocument" in contents.dataset


SMALL = [
    builders.one(),
    builders.one(builders.US_CLIP, pixels=builders.CLIP, syntax=uid.DeflatedExplicitVRLittleEndian),
    builders.compressed(builders.US_CLIP, builders.CLIP, [rle(frame) for frame in builders.CLIP], uid.RLELossless),
]
# What decodes these may end its process on a broken stream, so they are read through the gate, as users do.
SMALL_JPEG = [
    builders.compressed(PLAIN, builders.STORED, [bytes(imagecodecs.jpegls_encode(builders.STORED))], uid.JPEGLSLossless),
    builders.compressed(
        PLAIN, builders.STORED, [bytes(imagecodecs.jpeg8_encode(builders.STORED, lossless=True))], uid.JPEGLossless
    ),
]
LENGTHS = [b"\xff\xff\xff\xff", b"\xfe\xff\xff\xff", b"\0\0\0\0", b"\xfe\xff\xdd\xe0", b"\xfe\xff\x00\xe0"]


@st.composite
def changed(draw: st.DrawFn, files: list[bytes]) -> bytes:
    """A file with some bytes exchanged, inserted or cut off."""
    whole = draw(st.sampled_from(files))
    at = draw(st.integers(0, len(whole) - 1))
    change = draw(st.binary(max_size=4) | st.sampled_from(LENGTHS))
    return whole[:at] + change + whole[at + draw(st.sampled_from([0, len(change), len(whole)])) :]


@settings(max_examples=200, deadline=None)
@given(changed(SMALL))
def test_whatever_is_changed_in_a_file_it_is_read_or_refused(content: bytes) -> None:
    file, said = io.BufferedReader(io.BytesIO(content)), ""
    try:
        pixels, _ = pixels_of(read_contents(file))
        plane = (pixels.rows, pixels.columns, 3) if pixels.channels == 3 else (pixels.rows, pixels.columns)
        decode_frames(file, pixels, None, np.empty((pixels.frames, *plane), pixels.dtype))
    except InputRefused as refusal:  # and nothing else is raised
        said = repr(refusal)
    assert "ZZCANARY" not in said


@settings(max_examples=100, deadline=None)
@given(changed(SMALL_JPEG))
def test_whatever_is_changed_in_a_compressed_file_a_worker_at_most_is_lost(content: bytes) -> None:
    said = ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.dcm"
        path.write_bytes(content)
        try:
            open_image(path).load()
        except InputRefused as refusal:  # and nothing else is raised
            said = f"{refusal.code}: {refusal!r}"
    assert not said.startswith("reader_fault")
    assert "ZZCANARY" not in said


def by_another_decoder(path: Path) -> Array:
    """Stored values by a second decoder: GDCM for what is native or RLE, else the codecs of imagecodecs, frame by frame."""
    dataset = pydicom.dcmread(path, force=True)
    syntax, frames = dataset.file_meta.TransferSyntaxUID, int(dataset.get("NumberOfFrames", 1))
    if syntax.is_encapsulated and syntax != uid.RLELossless:
        streams = [get_frame(dataset.PixelData, index, number_of_frames=frames) for index in range(frames)]
        name = (
            "jpegls"
            if "JPEG-LS" in syntax.name
            else "htj2k"
            if "High" in syntax.name
            else "jpeg2k"
            if "2000" in syntax.name
            else "jpeg8"
        )
        stored = np.stack([getattr(imagecodecs, f"{name}_decode")(stream) for stream in streams]).astype(np.int64)
        half = 2 ** (dataset.BitsStored - 1)  # a stream that states no sign
        return np.where(stored >= half, stored - 2 * half, stored) if dataset.PixelRepresentation else stored
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    image = reader.GetImage()
    found = image.GetBuffer().encode("utf-8", "surrogateescape")
    if dataset.BitsAllocated == 1:
        return np.unpackbits(np.frombuffer(found, np.uint8), bitorder="little")
    kind = f"{'i' if dataset.PixelRepresentation else 'u'}{dataset.BitsAllocated // 8}"
    stored = np.frombuffer(found, kind)
    if dataset.SamplesPerPixel == 3 and image.GetPlanarConfiguration() == 1:
        return stored.reshape(frames, 3, -1).transpose(0, 2, 1)
    return stored


def values_of(stored: Array, pixels: PixelFormat, dataset: pydicom.Dataset) -> Array:
    if pixels.is_palette:
        colors = apply_color_lut(stored.reshape(-1), dataset)
        return colors >> 8 if colors.max() > 255 else colors
    return stored if pixels.channels == 3 else stored * np.float64(pixels.slope) + pixels.intercept


def test_every_real_file_is_read_as_two_other_decoders_read_it_or_refused_for_what_is_wrong_with_it(public_data: Path) -> None:
    refused, compared = {}, []
    folders = [public_data / "dicom_real", public_data / "totalsegmentator" / "example_ct_dicom"]
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".md")
    for path in paths:
        with path.open("rb") as file:
            try:
                contents = read_contents(file)
                if contents.place is None:
                    continue
                pixels, out = decoded(path)
            except InputRefused as refusal:
                refused[path.name] = refusal.code
                continue
        dataset = pydicom.dcmread(path, force=True)
        others = [] if pixels.number == "float" else [by_another_decoder(path)]
        if path.name != "JPEG-lossy.dcm":  # of 12 bits, which pydicom has no decoder for
            others.append(dataset.pixel_array)
        for other in others:
            expected = values_of(other, pixels, dataset).reshape(out.shape)
            rounding = 1 if pixels.syntax in (uid.JPEGBaseline8Bit, uid.JPEG2000, uid.HTJ2K) else 0
            off = out - expected.astype(np.float64)
            if pixels.syntax == uid.HTJ2K:
                off = (off + 128) % 256 - 128  # imagecodecs lets what exceeds 8 bits wrap: 255 beside 0
            assert np.all(np.abs(off) <= rounding + 1e-5 * np.abs(expected)), path.name
        compared.append(path.name)
    assert refused == {"MR_truncated.dcm": "pixel_data_short", "badVR.dcm": "bad_attribute", "no_meta.dcm": "bad_length"}
    assert len(compared) >= 60


def test_every_real_file_is_described_or_refused_and_none_brings_a_reader_down(public_data: Path) -> None:
    paths = sorted(path for path in (public_data / "dicom_real").rglob("*") if path.is_file() and path.suffix != ".md")
    for path, found in zip(paths, describe([Place(path) for path in paths]), strict=True):
        code = "" if isinstance(found, Found) else found.code
        assert code not in ("reader_fault", "decode_failed", "time_limit", "memory_limit"), path.name
