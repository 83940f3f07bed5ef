"""Frames of a DICOM file read into place, one after another: stored values found, cleaned, and made into the acquisition's."""

import os
from collections.abc import Callable
from io import BufferedReader

import numpy as np
from pydicom.dataset import Dataset

from vesalius.clinical.dicom import compressed
from vesalius.clinical.dicom.codecs import FAMILIES
from vesalius.clinical.dicom.color import Palette, colors_of, read_palette, rgb_of, whole_of_422
from vesalius.clinical.dicom.encapsulated import read_frame
from vesalius.clinical.dicom.file import PARSE_FAULTS, pixel_data_short, quiet, read_contents
from vesalius.clinical.dicom.inflated import opened
from vesalius.clinical.dicom.meta import read_meta
from vesalius.clinical.dicom.pixels import PixelFormat
from vesalius.clinical.dicom.values import numbers, values
from vesalius.clinical.pieces import together
from vesalius.errors import InputRefused
from vesalius.types import Array

_NUMBERS = frozenset(syntax for family in ("JPEG-LS", "JPEG 2000", "high-throughput JPEG 2000") for syntax in FAMILIES[family])


def decode_frames(file: BufferedReader, pixels: PixelFormat, frame: int | None, out: Array) -> None:
    """The values of one frame, or of all of them, rescaled; beside `out` no more than one frame is held.

    Args:
        file: the whole file.
        pixels: what `pixels_of` said of it.
        frame: which one; None for all.
        out: of `pixels.dtype`, (Y, X) for one frame, (T, Y, X) for several; with a last axis of 3 for color.

    Raises:
        InputRefused: `decode_failed`, naming the frames, `pixel_mismatch`, `pixel_data_short` or `bad_pixel_module`.
    """
    body = opened(file, read_meta(file, file.seek(0, os.SEEK_END)).begin) if pixels.is_deflated else file
    shape = (pixels.rows, pixels.columns) if pixels.channels == 1 else (pixels.rows, pixels.columns, pixels.channels)
    assert out.flags.c_contiguous, "frames are laid one behind the other"
    places = out.reshape(-1, *shape)
    chosen = range(pixels.frames) if frame is None else [frame]
    finish = _finisher(file, pixels)
    refusals: dict[int, InputRefused] = {}
    for index, place in zip(chosen, places, strict=True):
        try:
            finish(_stored(body, pixels, index, place), place, index)
        except InputRefused as refusal:
            refusals[index] = refusal
    if refusals:
        raise together(refusals, pixels.frames, "Frames")


def _finisher(file: BufferedReader, pixels: PixelFormat) -> Callable[[Array, Array, int], None]:
    """What puts a frame's stored values into their place; with the tables of the header where there are some."""
    if pixels.is_palette:
        palette = _tables(file, pixels, lambda dataset: read_palette(dataset, pixels.is_signed))

        def color(stored: Array, place: Array, _: int) -> None:
            place[...] = colors_of(stored, palette)

        return color
    if pixels.has_table:
        table = _tables(file, pixels, lambda dataset: _modality_table(dataset, pixels.is_signed))

        def look_up(stored: Array, place: Array, _: int) -> None:
            place[...] = table.colors[np.clip(stored.astype(np.int64) - table.first, 0, len(table.colors) - 1)]

        return look_up
    return lambda stored, place, index: _rescale(stored, pixels, index, place)


def _tables(file: BufferedReader, pixels: PixelFormat, read: Callable[[Dataset], Palette]) -> Palette:
    contents = read_contents(file)
    with quiet():
        return read(contents.dataset)


def _modality_table(dataset: Dataset, is_signed: bool) -> Palette:
    """The values that stand for stored ones, as a palette of one color. Source: PS3.3, C.11.1."""
    items = values(dataset, "ModalityLUTSequence")
    try:
        descriptor, found = numbers(items[0], "LUTDescriptor"), values(items[0], "LUTData")
        count, first = int(descriptor[0]) & 0xFFFF or 2**16, int(descriptor[1]) & 0xFFFF
        if len(found) == 1 and isinstance(found[0], bytes):
            order = ">" if dataset.original_encoding[1] is False else "<"
            kind = "u1" if len(found[0]) in (count, count + count % 2) and descriptor[2] == 8 else f"{order}u2"
            table = np.frombuffer(found[0], kind, count)
        else:
            table = np.array(found[:count], dtype=np.uint16)
    except PARSE_FAULTS:
        raise _bad_table() from None
    if len(table) != count:
        raise _bad_table()
    return Palette(first - 2**16 if is_signed and first >= 2**15 else first, table.astype(np.float32))


def _bad_table() -> InputRefused:
    return InputRefused(
        "bad_pixel_module", "The table that turns stored values into true ones is not whole. The values would mean nothing."
    )


def _stored(body: BufferedReader, pixels: PixelFormat, frame: int, place: Array) -> Array:
    """The stored values of one frame, (Y, X) or (Y, X, 3); in `place` itself where they are as wanted."""
    if pixels.syntax:
        decoded = compressed.decode_frame(read_frame(body, *pixels.begins[frame : frame + 2]), pixels)
        # JPEG-LS and JPEG 2000 code numbers, not bits: what exceeds the bits is a rounding error, not rubbish.
        return decoded if pixels.syntax in _NUMBERS else _cleaned(decoded, pixels)
    if pixels.bits[0] == 1:
        return _bits(body, pixels, frame)
    shape: tuple[int, ...] = (pixels.rows, pixels.columns)
    if pixels.photometric == "YBR_FULL_422":
        shape = (pixels.rows, pixels.columns * 2)
    elif pixels.samples == 3:
        shape = (3, *shape) if pixels.is_planar else (*shape, 3)
    kind = np.dtype(pixels.raw_dtype).newbyteorder("<" if pixels.is_little else ">")
    is_ready = place.dtype == kind and place.shape == shape and place.flags.c_contiguous
    stored: Array = place if is_ready else np.empty(shape, kind)
    _fill(body, pixels, frame, stored)
    if not kind.isnative:
        stored = stored.astype(pixels.raw_dtype)
    stored = _cleaned(stored, pixels)
    if pixels.photometric == "YBR_FULL_422":
        return rgb_of(whole_of_422(stored, pixels.rows, pixels.columns))
    if pixels.samples == 3 and pixels.is_planar:
        stored = stored.transpose(1, 2, 0)
    return rgb_of(np.ascontiguousarray(stored)) if pixels.photometric == "YBR_FULL" else stored


def _fill(body: BufferedReader, pixels: PixelFormat, frame: int, stored: Array) -> None:
    begin = pixels.begins[0] + frame * stored.nbytes
    if pixels.is_words and not pixels.is_little and stored.itemsize == 1:
        first = begin - (begin - pixels.begins[0]) % 2  # the bytes of each word are exchanged
        body.seek(first)
        words = np.frombuffer(body.read(stored.nbytes + 2), np.uint8)
        words = words[: len(words) - len(words) % 2].reshape(-1, 2)[:, ::-1].reshape(-1)
        content = words[begin - first :][: stored.nbytes]
        if len(content) < stored.nbytes:
            raise pixel_data_short()
        stored[...] = content.reshape(stored.shape).view(stored.dtype)
        return
    body.seek(begin)
    if body.readinto(stored.data.cast("B")) != stored.nbytes:
        raise pixel_data_short()


def _bits(body: BufferedReader, pixels: PixelFormat, frame: int) -> Array:
    """A frame of single bits, the lowest of each byte first; frames follow on one another within a byte."""
    size = pixels.rows * pixels.columns
    begin, end = frame * size, (frame + 1) * size
    body.seek(pixels.begins[0] + begin // 8)
    content = np.frombuffer(body.read(-(-end // 8) - begin // 8), np.uint8)
    bits = np.unpackbits(content, bitorder="little")[begin % 8 :][:size]
    if len(bits) < size:
        raise pixel_data_short()
    return bits.reshape(pixels.rows, pixels.columns)


def _cleaned(stored: Array, pixels: PixelFormat) -> Array:
    """Without what lies in the bits that are not the value's: an overlay, or rubbish. Source: PS3.5, 8.1.1."""
    allocated, bits = pixels.bits
    if bits == allocated or pixels.number == "float":
        return stored
    cleaned: Array = stored if stored.flags.writeable else stored.copy()
    if pixels.is_signed:
        np.left_shift(cleaned, allocated - bits, out=cleaned)
        np.right_shift(cleaned, allocated - bits, out=cleaned)
    else:
        np.bitwise_and(cleaned, cleaned.dtype.type((1 << bits) - 1), out=cleaned)
    return cleaned


def _rescale(stored: Array, pixels: PixelFormat, frame: int, place: Array) -> None:
    slope, intercept = pixels.rescales[frame] if pixels.rescales else (pixels.slope, pixels.intercept)
    if (slope, intercept) == (1.0, 0.0):
        if stored is not place:
            place[...] = stored
    elif stored.itemsize > 2:  # float32 has no room for them as they are
        place[...] = stored.astype(np.float64) * slope + intercept
    else:
        np.copyto(place, stored)
        if slope != 1.0:
            np.multiply(place, np.float32(slope), out=place)
        np.add(place, np.float32(intercept), out=place)
