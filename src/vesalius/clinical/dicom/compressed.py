"""One compressed frame made into an array; each kind of stream by one codec, and by none where it is damaged."""

import io
from collections.abc import Callable

import gdcm
import jpeg_ls
import numpy as np
from openjpeg.utils import decode as decode_jpeg_2000
from PIL import Image as Pillow
from pydicom.uid import JPEGExtended12Bit, JPEGLossless, RLELossless
from rle.rle import decode_segment

from vesalius.clinical.dicom.color import rgb_of
from vesalius.clinical.dicom.file import PARSE_FAULTS
from vesalius.clinical.dicom.pixels import PixelFormat
from vesalius.clinical.dicom.streams import Stream, decode_failed, look_at, segments_of
from vesalius.errors import InputRefused
from vesalius.types import Array

# Codecs raise their own errors, as RuntimeError or as one of the faults of parsing.
_FAULTS = (*PARSE_FAULTS, RuntimeError, Pillow.DecompressionBombError)
_SPARE_RUN_BYTES = 64  # what writers put behind the last run of a segment


def decode_frame(content: bytes, pixels: PixelFormat) -> Array:
    """The stored values of one frame, (Y, X) or (Y, X, 3) as red, green and blue, of `pixels.raw_dtype`.

    Raises:
        InputRefused: `decode_failed`, or `pixel_mismatch` when the stream is of another size than the header says.
    """
    if pixels.syntax == RLELossless:
        decoded = _runs(content, pixels)
        return rgb_of(decoded) if pixels.photometric.startswith("YBR") else decoded
    stream = look_at(content)
    _check_size(stream, pixels)
    try:
        decoded = _CODECS[stream.kind](stream, pixels)
    except _FAULTS:
        raise decode_failed() from None
    if decoded.shape[:2] != (pixels.rows, pixels.columns) or decoded.size != pixels.rows * pixels.columns * pixels.samples:
        raise _mismatch()
    return decoded


def _check_size(stream: Stream, pixels: PixelFormat) -> None:
    """Before anything is decoded: a stream may be made to swell."""
    if (stream.rows, stream.columns, stream.samples) != (pixels.rows, pixels.columns, pixels.samples):
        raise _mismatch()
    if stream.bits > pixels.bits[0]:
        raise _mismatch()


def _mismatch() -> InputRefused:
    return InputRefused("pixel_mismatch", "The compressed picture has another size than its header says. One of them is wrong.")


def _jpeg(stream: Stream, pixels: PixelFormat) -> Array:
    if stream.bits > 8:
        return _by_gdcm(stream, pixels, JPEGExtended12Bit)
    with Pillow.open(io.BytesIO(stream.content), formats=["JPEG"]) as picture:
        is_rgb = stream.colors == "rgb" or (not stream.colors and pixels.photometric == "RGB")
        if pixels.samples == 3 and is_rgb and not stream.colors:
            picture.draft("YCbCr", picture.size)  # as they are: Pillow takes unmarked samples for luminance and differences
        decoded = np.asarray(picture)
    return _of_type(decoded, stream, pixels)


def _jpeg_lossless(stream: Stream, pixels: PixelFormat) -> Array:
    decoded = _by_gdcm(stream, pixels, JPEGLossless)
    is_ybr = pixels.samples == 3 and pixels.photometric.startswith("YBR")
    return rgb_of(decoded) if is_ybr else decoded


def _by_gdcm(stream: Stream, pixels: PixelFormat, syntax: str) -> Array:
    """JPEG of more than 8 bits, and lossless JPEG."""
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(stream.content)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((stream.columns, stream.rows, 1))
    image.SetDataElement(element)
    meaning = gdcm.PhotometricInterpretation.RGB if stream.samples == 3 else gdcm.PhotometricInterpretation.MONOCHROME2
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(meaning))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(syntax))))
    allocated = 8 if stream.bits <= 8 else 16
    image.SetPixelFormat(gdcm.PixelFormat(stream.samples, allocated, stream.bits, stream.bits - 1, 0))
    found = image.GetBuffer()
    if found is None:
        raise decode_failed()
    decoded = np.frombuffer(found.encode("utf-8", "surrogateescape"), f"uint{allocated}")
    shape = (stream.rows, stream.columns) if stream.samples == 1 else (stream.rows, stream.columns, stream.samples)
    return _of_type(decoded.reshape(shape), stream, pixels)


def _jpeg_ls(stream: Stream, pixels: PixelFormat) -> Array:
    found, told = jpeg_ls.decode_pixel_data(stream.content)
    decoded = np.frombuffer(found, "uint8" if stream.bits <= 8 else "uint16")
    if stream.samples == 1:
        decoded = decoded.reshape(stream.rows, stream.columns)
    elif told["interleave_mode"] == 0:  # color after color
        decoded = decoded.reshape(stream.samples, stream.rows, stream.columns).transpose(1, 2, 0)
    else:
        decoded = decoded.reshape(stream.rows, stream.columns, stream.samples)
    is_ybr = pixels.samples == 3 and pixels.photometric.startswith("YBR")
    return _of_type(rgb_of(np.ascontiguousarray(decoded)) if is_ybr else decoded, stream, pixels)


def _jpeg_2000(stream: Stream, pixels: PixelFormat) -> Array:
    decoded = decode_jpeg_2000(stream.content, j2k_format=0)
    # What the stream itself has transformed (YBR_RCT, YBR_ICT) comes back as red, green and blue.
    if pixels.samples == 3 and pixels.photometric in ("YBR_FULL", "YBR_FULL_422"):
        decoded = rgb_of(decoded)
    return _of_type(decoded, stream, pixels)


def _of_type(decoded: Array, stream: Stream, pixels: PixelFormat) -> Array:
    """As `pixels.raw_dtype`; where the stream has another sign than the header, its bits are taken for what the header says."""
    if stream.is_signed == pixels.is_signed:
        return decoded.astype(pixels.raw_dtype, copy=False)
    if not pixels.is_signed:
        return (decoded & ((1 << stream.bits) - 1)).astype(pixels.raw_dtype, copy=False)
    spare = 8 * decoded.itemsize - stream.bits
    shifted: Array = np.left_shift(decoded, spare).view(f"int{8 * decoded.itemsize}")
    return np.right_shift(shifted, spare).astype(pixels.raw_dtype, copy=False)


def _runs(content: bytes, pixels: PixelFormat) -> Array:
    """Run lengths: a segment for each byte of each sample, the high byte first. Source: PS3.5, annex G."""
    size, wide = pixels.rows * pixels.columns, max(1, pixels.bits[0] // 8)
    segments = segments_of(content, pixels.samples * wide)
    # A byte costs two at most, and two bytes give 128 at most: what lies outside is of another size, or made to swell.
    if not all(size / 64 <= len(segment) <= 2 * size + _SPARE_RUN_BYTES for segment in segments):
        raise decode_failed()
    planes = np.empty((pixels.samples, size, wide), np.uint8)
    for index, segment in enumerate(segments):
        try:
            plane = decode_segment(segment)
        except _FAULTS:
            raise decode_failed() from None
        if len(plane) < size:
            raise decode_failed()
        if len(plane) > size + _SPARE_RUN_BYTES:
            raise _mismatch()
        planes[index // wide, :, wide - 1 - index % wide] = np.frombuffer(plane, np.uint8, size)
    values: Array = planes.view(f"<u{wide}")[..., 0].view(f"<{np.dtype(pixels.raw_dtype).str[1:]}")
    shape = (pixels.rows, pixels.columns)
    return values.reshape(shape) if pixels.samples == 1 else np.ascontiguousarray(values.T).reshape(*shape, pixels.samples)


_CODECS: dict[str, Callable[[Stream, PixelFormat], Array]] = {
    "jpeg": _jpeg,
    "jpeg_lossless": _jpeg_lossless,
    "jpeg_ls": _jpeg_ls,
    "jpeg_2000": _jpeg_2000,
}
