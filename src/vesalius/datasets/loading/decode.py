"""Stored media into arrays, in a worker's own process: the short way for what the store has written, the readers' for the rest.

A file of the store is a PNG or JPEG that decoded to just these values when it was written, or an `.npy`. Plain gray and RGB
pictures are given to their decoders at once; what has anything else about it (palettes, transparency, an orientation) is
decoded by the reader that everything foreign is decoded by.
"""

import hashlib
import io
import math
import os
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, cast

import numpy as np
from PIL import Image as Pillow

from vesalius.clinical.formats import raster
from vesalius.clinical.signatures import PNG
from vesalius.datasets.store.npy import Stated, opened_npy
from vesalius.errors import InputRefused
from vesalius.types import Array, Part


class Item(NamedTuple):
    """What is to be decoded.

    Attributes:
        suffix: .png, .jpg or .npy.
        bytes: size of the file.
        shape: of the whole array without color, as the row states it.
        channels: 1 or 3.
        sha256: what the content has to hash to; "": it is believed.
        slices: those, or the frames, that are taken; None: all.
        box: (y0, x0, y1, x1) that is taken; None: the whole plane.
        room: bytes that the array may take.
    """

    suffix: str
    bytes: int
    shape: Sequence[int]
    channels: int
    sha256: str
    slices: Sequence[int] | None
    box: Sequence[int] | None
    room: int


_DTYPES: dict[str, np.dtype[Any]] = {"L": np.dtype(np.uint8), "RGB": np.dtype(np.uint8), "I;16": np.dtype(np.uint16)}
_PNG_HEAD = PNG + b"\0\0\0\rIHDR"
_SIZE, _LENGTH = struct.Struct(">2I"), struct.Struct(">I")
_PLAIN = {b"\x08\0": ("L", "L"), b"\x10\0": ("I;16", "I;16B"), b"\x08\x02": ("RGB", "RGB")}  # depth and color type
_HARMLESS = (b"pHYs", b"sBIT", b"gAMA", b"sRGB", b"cHRM", b"tIME")  # none of them changes a stored value
_FORMATS = {".png": ("PNG",), ".jpg": ("JPEG",)}
_BLOCK = 1 << 22  # bytes hashed at a time


def decode(descriptor: int, item: Item, room: memoryview) -> tuple[str, tuple[int, ...]]:
    """One file into the begin of `room`; the type and shape of the array there.

    Args:
        descriptor: of the open file.
        item: what it is.
        room: `item.room` bytes.

    Raises:
        InputRefused: `bad_dataset`: the content is not what the row says; what the readers refuse.
    """
    if item.suffix == ".npy":
        if os.fstat(descriptor).st_size != item.bytes:
            raise _changed()
        return _numbers(descriptor, item, room)
    content = os.pread(descriptor, item.bytes + 1, 0)  # one more than there are
    if len(content) != item.bytes or (item.sha256 and hashlib.sha256(content).hexdigest() != item.sha256):
        raise _changed()
    pixels = _pixels(content, item)
    if pixels.shape != _whole(item):
        raise _changed()
    if item.box is not None:
        y0, x0, y1, x1 = item.box
        pixels = pixels[y0:y1, x0:x1]
    out = np.ndarray(pixels.shape, pixels.dtype, room[: pixels.nbytes])
    out[...] = pixels
    return pixels.dtype.str, pixels.shape


def room_of(suffix: str, size_bytes: int, shape: Sequence[int], channels: int) -> int:
    """How many bytes an array may take: of `.npy` those of the file, of a picture in color 1 a value, else up to 2."""
    if suffix == ".npy":
        return size_bytes
    return math.prod(shape) * (channels if channels > 1 else 2 if suffix == ".png" else 1)


def _pixels(content: bytes, item: Item) -> Array:
    """The picture as the readers give it; it stays until the next is decoded."""
    height, width = item.shape
    try:
        if item.suffix == ".png" and (plain := _plain_png(content, width, height)) is not None:
            return _inflated(*plain, (width, height))
        with Pillow.open(io.BytesIO(content), formats=_FORMATS[item.suffix]) as picture:
            if picture.size != (width, height) and picture.size != (height, width):
                raise _changed()
            if picture.mode in _DTYPES and "exif" not in picture.info and "Raw profile type exif" not in picture.info:
                return np.asarray(picture)
    except (OSError, EOFError, SyntaxError, ValueError) as error:
        raise InputRefused("decode_failed", "A picture of the dataset is damaged. Nothing is guessed. Write it again.") from error
    file = cast("io.BufferedReader", io.BufferedReader(io.BytesIO(content)))
    description = raster.describe(file)
    values = np.empty(description.shape_of(Part()), description.dtype)
    raster.decode(file, description, Part(), values)
    return values


def _inflated(data: bytes, mode: str, stored: str, size: tuple[int, int]) -> Array:
    """Pixels of what a plain PNG holds."""
    if mode == "RGB":
        return np.asarray(Pillow.frombytes(mode, size, data, "zip", stored, 0))
    picture, pixels = _canvas(mode, size)
    picture.frombytes(data, "zip", stored, 0)
    return pixels if picture.readonly else np.asarray(picture)  # Pillow marks a picture that shares its memory so


@lru_cache(maxsize=1)
def _canvas(mode: str, size: tuple[int, int]) -> tuple[Pillow.Image, Array]:
    """A picture, and the array whose memory it shares: making both anew is a tenth of what decoding 64 px takes."""
    pixels: Array = np.empty(size[::-1], _DTYPES[mode])
    return Pillow.frombuffer(mode, size, pixels, "raw", mode, 0, 1), pixels


def _plain_png(content: bytes, width: int, height: int) -> tuple[bytes, str, str] | None:
    """The compressed rows of a PNG of gray or RGB pixels and nothing else, its mode, and that of what is stored.

    None: it is not as plain as that.

    Source: PNG (third edition), 5.3 and 11.2.
    """
    if content[:16] != _PNG_HEAD or content[16:24] != _SIZE.pack(width, height) or content[26:29] != b"\0\0\0":
        return None
    modes = _PLAIN.get(content[24:26])
    if modes is not None and content[37:41] == b"IDAT":
        end = 41 + _LENGTH.unpack_from(content, 33)[0]
        if content[end + 8 : end + 12] == b"IEND":  # as most are
            return content[41:end], *modes
    data, at = [], 33
    while modes is not None and at + 8 <= len(content):
        (size,) = _LENGTH.unpack_from(content, at)
        name = content[at + 4 : at + 8]
        if name == b"IDAT":
            data.append(content[at + 8 : at + 8 + size])
        elif name == b"IEND":
            whole = data[0] if len(data) == 1 else b"".join(data)
            return whole, *modes
        elif name not in _HARMLESS:
            return None
        at += 12 + size
    return None


def _numbers(descriptor: int, item: Item, room: memoryview) -> tuple[str, tuple[int, ...]]:
    """An `.npy` file, or what is taken of it, read to where it belongs."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        said = opened_npy(file)
    whole = _whole(item)
    if said.shape != whole:
        raise _changed()
    size = math.prod(whole) * said.dtype.itemsize
    if item.slices is None and item.box is None and said.order == "C":
        _read(descriptor, room[:size], said.begin)
        if item.sha256:
            head = os.pread(descriptor, said.begin, 0)
            digest = hashlib.sha256(head)
            digest.update(room[:size])
            if digest.hexdigest() != item.sha256:
                raise _changed()
        return said.dtype.str, whole
    if item.sha256:
        _check(descriptor, item.sha256)
    return _part(descriptor, said, item, room)


def _part(descriptor: int, said: Stated, item: Item, room: memoryview) -> tuple[str, tuple[int, ...]]:
    if said.order == "F":
        content = bytearray(math.prod(said.shape) * said.dtype.itemsize)
        _read(descriptor, memoryview(content), said.begin)
        found = np.frombuffer(content, said.dtype).reshape(said.shape, order="F")
        found = found if item.slices is None else found[item.slices]
    else:
        each = math.prod(said.shape[1:]) * said.dtype.itemsize
        index = range(said.shape[0]) if item.slices is None else item.slices
        held = room if item.box is None else memoryview(bytearray(each * len(index)))
        for at, number in enumerate(index):
            _read(descriptor, held[at * each : (at + 1) * each], said.begin + number * each)
        shape = (len(index), *said.shape[1:])
        found = np.ndarray(shape, said.dtype, held[: each * len(index)])
        if item.box is None:
            return said.dtype.str, shape
    if item.box is not None:
        y0, x0, y1, x1 = item.box
        found = found[..., y0:y1, x0:x1, :] if item.channels == 3 else found[..., y0:y1, x0:x1]
    np.ndarray(found.shape, found.dtype, room[: found.nbytes])[...] = found
    return said.dtype.str, found.shape


def _whole(item: Item) -> tuple[int, ...]:
    return (*item.shape, 3) if item.channels == 3 else tuple(item.shape)


def _read(descriptor: int, room: memoryview, at: int) -> None:
    while room:
        count = os.preadv(descriptor, [room], at)
        if count == 0:
            raise _changed()
        room, at = room[count:], at + count


def _check(descriptor: int, sha256: str) -> None:
    digest, at = hashlib.sha256(), 0
    while block := os.pread(descriptor, _BLOCK, at):
        digest.update(block)
        at += len(block)
    if digest.hexdigest() != sha256:
        raise _changed()


def _changed() -> InputRefused:
    return InputRefused(
        "bad_dataset",
        "A file of the dataset has changed since it was written, or is not what its row says. What it shows is not what its "
        "labels are about. Write the folder again from its source.",
    )
