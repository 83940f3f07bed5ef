"""The tiles and strips of a TIFF page, decoded: those that a region needs, and no others.

Plain and deflated values are unpacked here. Everything else is decoded by Pillow's libtiff, libjpeg and OpenJPEG, one
block at a time: a block is handed to libtiff as a file of one strip.
"""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image as Pillow

from vesalius.clinical.geometry import LIMIT_PX
from vesalius.clinical.tiff.page import (
    CMYK,
    DEFLATE,
    JPEG,
    JPEG_2000,
    NONE,
    OLD_DEFLATE,
    PALETTE,
    WHITE_IS_ZERO,
    YCBCR,
    Page,
)
from vesalius.errors import InputRefused
from vesalius.types import Array

PIECE_BYTES = 2**22  # plain values are read in pieces of about this size, however large a strip is
WHITE = 255
Box = tuple[int, int, int, int]
Tags = dict[int, int | tuple[int, ...] | bytes]


def read_region(page: Page, box_yxyx_px: Box, out: Array) -> None:
    """A region of a page into `out`: (rows, columns), with a last axis of 3 for color. Blocks that were not stored are white.

    Raises:
        InputRefused: `decode_failed`.
    """
    y0, x0, y1, x1 = box_yxyx_px
    for top in range(y0 - y0 % page.block_rows, y1, page.block_rows):
        begin, end = max(y0, top), min(y1, top + page.block_rows)
        step = max(1, PIECE_BYTES // page.row_bytes) if page.compression == NONE else end - begin
        for first in range(begin, end, step):
            last = min(end, first + step)
            for left in range(x0 - x0 % page.block_columns, x1, page.block_columns):
                start, stop = max(x0, left), min(x1, left + page.block_columns)
                block = top // page.block_rows * page.blocks_across + left // page.block_columns
                values = _picture(page, block, (first - top, last - top))
                out[first - y0 : last - y0, start - x0 : stop - x0] = values[:, start - left : stop - left]


def _picture(page: Page, block: int, rows: tuple[int, int]) -> Array:
    """Rows `rows` of a block as they are shown: (Y, X) or (Y, X, 3)."""
    per_plane = page.blocks_across * page.blocks_down
    blocks = [block + plane * per_plane for plane in range(page.colors)] if page.is_planar else [block]
    if any(page.counts[each] == 0 for each in blocks):
        shape = (rows[1] - rows[0], page.block_columns, *((3,) if page.channels == 3 else ()))
        return np.full(shape, _white(page), page.dtype)
    try:
        planes = [_values(page, each, rows) for each in blocks]
    except (OSError, SyntaxError, ValueError, IndexError, zlib.error, struct.error, Pillow.DecompressionBombError):
        raise InputRefused(
            "decode_failed", "A tile or strip of the picture is damaged. Nothing is guessed. Copy the file again."
        ) from None
    values = np.concatenate(planes, axis=-1) if page.is_planar else planes[0][..., : page.colors]
    return _shown(page, values)


def _white(page: Page) -> float:
    """The value of a pixel that is not known, as light as there is."""
    if page.photometric == WHITE_IS_ZERO:
        return 0
    return float("nan") if page.kind == "float" else int(np.iinfo(page.dtype).max)


def _shown(page: Page, values: Array) -> Array:
    """Stored values, (Y, X, colors), as gray or RGB."""
    if page.photometric == PALETTE:
        assert page.palette is not None, "a page of palette colors has a palette"
        return np.moveaxis(page.palette[:, values[..., 0]], 0, -1)
    if page.channels == 1:
        return values[..., 0] * (WHITE // (2**page.bits - 1)) if page.bits < 8 else values[..., 0]
    if values.dtype.itemsize == 2:
        values = (values >> 8).astype(np.uint8)
    if page.photometric == CMYK:
        return np.asarray(Pillow.fromarray(np.ascontiguousarray(values), "CMYK").convert("RGB"))
    return values


def _values(page: Page, block: int, rows: tuple[int, int]) -> Array:
    """Rows of one block as they are stored: (Y, X, samples of the block)."""
    samples = 1 if page.is_planar else page.samples
    file, start, size = page.directory.tiff.file, int(page.offsets[block]), int(page.counts[block])
    if page.compression == NONE:
        file.seek(start + rows[0] * page.row_bytes)
        wanted = (rows[1] - rows[0]) * page.row_bytes
        content = file.read(max(0, min(wanted, size - rows[0] * page.row_bytes)))
        return _unpacked(page, content, rows[1] - rows[0], samples)
    file.seek(start)
    content = file.read(size)
    height = page.block_rows if page.is_tiled else min(page.block_rows, page.rows - page.block_rows * (block % page.blocks_down))
    if page.compression == JPEG:
        values = _from_jpeg(page, content, height, samples)
    elif page.compression in JPEG_2000:
        values = _from_jpeg_2000(page, content)
    else:
        values = _unpacked(page, _inflated(page, content, height), height, samples)
    if values.shape != (height, page.block_columns, samples):
        raise ValueError("the block has another size than its page says")
    return values[rows[0] : rows[1]]


def _inflated(page: Page, content: bytes, height: int) -> bytes:
    """The bytes of a block; never more than it should have."""
    wanted = height * page.row_bytes
    if page.compression in (DEFLATE, OLD_DEFLATE):
        return zlib.decompressobj().decompress(content, wanted)
    # What libtiff inflates are bytes, whatever they mean: it is told of gray pixels, one for each byte.
    tags: Tags = {259: page.compression, 262: 1, 277: 1, 258: (8,)}
    return _by_libtiff(content, page.row_bytes, height, tags).tobytes()


def _unpacked(page: Page, content: bytes, rows: int, samples: int) -> Array:
    """Bytes as values: bits taken apart, byte order and differences undone."""
    if len(content) < rows * page.row_bytes:
        raise ValueError("the block ends early")
    flat = np.frombuffer(content, np.uint8, rows * page.row_bytes).reshape(rows, page.row_bytes)
    if page.bits < 8:
        bits = np.unpackbits(flat, axis=1)[:, : page.block_columns * samples * page.bits]
        weights = (1 << np.arange(page.bits - 1, -1, -1)).astype(np.uint8)
        small: Array = (bits.reshape(rows, page.block_columns, samples, page.bits) * weights).sum(axis=-1, dtype=np.uint8)
        return small
    native = np.dtype(f"{page.kind}{page.bits}")
    stored = native.newbyteorder("<" if page.directory.tiff.order == "<" else ">")
    values = flat.view(stored).astype(native).reshape(rows, page.block_columns, samples)
    if page.predictor == 2 and page.compression != NONE:  # of each value, the difference to its left neighbor was stored
        whole = values.view(f"uint{page.bits}")
        np.cumsum(whole, axis=1, dtype=whole.dtype, out=whole)
    return values


def _from_jpeg(page: Page, content: bytes, height: int, samples: int) -> Array:
    tags: Tags = {
        259: JPEG,
        262: page.photometric if samples > 1 else 1,
        277: samples,
        258: (8,) * samples,
        347: page.tables,
        530: page.subsampling if page.photometric == YCBCR else (),
    }
    values = _by_libtiff(content, page.block_columns, height, tags)
    return values.reshape(*values.shape[:2], -1)


def _from_jpeg_2000(page: Page, content: bytes) -> Array:
    with Pillow.open(BytesIO(content), formats=["JPEG2000"]) as picture:
        if picture.size != (page.block_columns, page.block_rows):
            raise ValueError("the block has another size than its page says")
        picture.load()
        is_rgb = picture.mode != "RGB" or JPEG_2000[page.compression] == "RGB"
        values = np.asarray(picture if is_rgb else Pillow.merge("YCbCr", picture.split()).convert("RGB"))
    return values.reshape(*values.shape[:2], -1)


def _by_libtiff(content: bytes, width: int, height: int, tags: Tags) -> Array:
    """What libtiff makes of one block, as the only strip of a file."""
    file = BytesIO(_file_of_one_strip(content, width, height, tags))
    Pillow.MAX_IMAGE_PIXELS = LIMIT_PX
    with Pillow.open(file, formats=["TIFF"]) as picture:
        picture.load()
        return np.asarray(picture)


def _file_of_one_strip(content: bytes, width: int, height: int, tags: Tags) -> bytes:
    all_tags = {**tags, 256: width, 257: height, 273: 8, 278: height, 279: len(content), 284: 1}
    begin = 8 + len(content) + len(content) % 2
    kept = sorted((tag, value) for tag, value in all_tags.items() if value not in ((), b""))
    beyond = begin + 2 + 12 * len(kept) + 4
    entries, after = b"", b""
    for tag, value in kept:
        if isinstance(value, bytes):
            kind, count, packed = 7, len(value), value
        elif isinstance(value, tuple):
            kind, count, packed = 3, len(value), struct.pack(f"<{len(value)}H", *value)
        else:
            kind, count, packed = 4, 1, struct.pack("<I", value)
        if len(packed) > 4:
            place = beyond + len(after)
            after += packed + b"\0" * (len(packed) % 2)
            packed = struct.pack("<I", place)
        entries += struct.pack("<HHI", tag, kind, count) + packed.ljust(4, b"\0")
    head = b"II*\0" + struct.pack("<I", begin) + content + b"\0" * (len(content) % 2)
    return head + struct.pack("<H", len(kept)) + entries + b"\0\0\0\0" + after
