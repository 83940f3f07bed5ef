"""How far the content of a PNG, JPEG, WebP or BMP file reaches, and what stands in it beside the pixels: walked, not decoded.

Sources: PNG (third edition) 5, 11.3.4.5, 14; JPEG (ITU-T T.81) annex B; the WebP container specification; the headers of
bitmaps in Microsoft's documentation.
"""

import os
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BufferedReader

from vesalius.clinical.signatures import JPEG, PNG
from vesalius.errors import InputRefused

BLOCK_BYTES = 2**20
LIMIT_EXIF_BYTES = 2**20
LIMIT_CHUNK_BYTES = 2**31 - 1
_EXIF_HEAD = b"Exif\0\0"
_MARKER = re.compile(rb"\xff([\x02-\xcf\xd8-\xfe])")  # whatever stands between is pixels: stuffed bytes, restarts
_START, _END, _SCAN, _APPLICATION_1 = 0xD8, 0xD9, 0xDA, 0xE1
_SIZES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # segments that say how large the picture is
_COLOR_BY_PALETTE = 3
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a PNG, by its type of color
# Where each pass of an interlaced PNG begins and how far it steps: x, y, x, y.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


@dataclass(frozen=True)
class Extent:
    """What was found on the way.

    Attributes:
        end_bytes: where the content ends by its own account.
        frames: how many pictures a container announces; more than the first are not read.
        is_deep_color: whether colors have 16 bits a channel.
        exif: the block that says how the camera was held, or nothing.
    """

    end_bytes: int
    frames: int = 1
    is_deep_color: bool = False
    exif: bytes = b""


def extent(file: BufferedReader) -> Extent:
    """Walk a file of one of the four types.

    Raises:
        InputRefused: `truncated` when it ends before its own end, `decode_failed` when its parts cannot be told apart or
            have no decoder.
    """
    size_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(32)
    walk = _png if head.startswith(PNG) else _jpeg if head.startswith(JPEG) else _webp if head.startswith(b"RIFF") else _bmp
    found = walk(file, size_bytes)
    if found.end_bytes > size_bytes:
        raise _cut()
    return found


def has_all_rows(file: BufferedReader) -> bool:
    """Whether the compressed rows of a PNG, which was walked before, are as many as its header says.

    A decoder that is handed too few leaves the rest black and says nothing.
    """
    width, height, depth, color, _, _, interlace = struct.unpack(">IIBBBBB", _read(file, 16, 13))
    bits = depth * _CHANNELS.get(color, 1)
    passes = _ADAM7 if interlace else ((0, 0, 1, 1),)
    sides = [(-(-(width - x) // step_x), -(-(height - y) // step_y)) for x, y, step_x, step_y in passes]
    missing: int = sum(rows * (1 + -(-columns * bits // 8)) for columns, rows in sides if columns > 0 and rows > 0)
    inflater = zlib.decompressobj()
    for piece in _rows_of_png(file):
        fed = piece
        while missing > 0 and fed and not inflater.eof:
            missing -= len(inflater.decompress(fed, BLOCK_BYTES))
            fed = inflater.unconsumed_tail
        if missing <= 0 or inflater.eof:
            break
    return missing - len(inflater.flush()) <= 0


def _rows_of_png(file: BufferedReader) -> Iterator[bytes]:
    """The compressed rows, a block at a time."""
    at, kind = len(PNG), b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", _read(file, at, 8))
        if kind == b"IDAT":
            for start in range(0, length, BLOCK_BYTES):
                yield _read(file, at + 8 + start, min(BLOCK_BYTES, length - start))
        at += 12 + length


def _png(file: BufferedReader, size_bytes: int) -> Extent:
    found, at, has_palette, color, has_pixels = Extent(0), len(PNG), False, 0, False
    while True:
        length, kind = struct.unpack(">I4s", _read(file, at, 8))
        if length > LIMIT_CHUNK_BYTES:
            raise _damaged()
        content_at, at = at + 8, at + 12 + length
        if at > size_bytes:
            raise _cut()
        if kind == b"IHDR":
            depth, color = _read(file, content_at + 8, 2)
            found = replace(found, is_deep_color=depth == 16 and color != 0)
        elif kind == b"acTL" and not has_pixels:
            found = replace(found, frames=max(1, *struct.unpack(">I", _read(file, content_at, 4))))
        elif kind == b"eXIf" and length <= LIMIT_EXIF_BYTES:
            found = replace(found, exif=_read(file, content_at, length))
        elif kind == b"IEND":
            break
        has_palette = has_palette or kind == b"PLTE"
        has_pixels = has_pixels or kind == b"IDAT"
    if not has_pixels or (color == _COLOR_BY_PALETTE and not has_palette):
        raise _damaged()
    return replace(found, end_bytes=at)


def _jpeg(file: BufferedReader, size_bytes: int) -> Extent:
    found, at, has_size, has_scan = Extent(0), len(JPEG) - 1, False, False
    while True:
        marker, at = _next_marker(file, at)
        if marker == _END:
            break
        if marker == _START:
            raise _damaged()
        (length,) = struct.unpack(">H", _read(file, at, 2))
        if length < 2:
            raise _damaged()
        if marker in _SIZES:
            has_size = True
            if _read(file, at + 2, 1) != b"\x08":
                raise InputRefused(
                    "decode_failed", "The picture has more than 8 bits a color, for which there is no decoder. Save it as PNG."
                )
        elif marker == _APPLICATION_1 and not found.exif and (block := _read(file, at + 2, length - 2)).startswith(_EXIF_HEAD):
            found = replace(found, exif=block)
        has_scan = has_scan or marker == _SCAN
        at += length
        if at > size_bytes:
            raise _cut()
    if not has_size or not has_scan:
        raise _damaged()
    return replace(found, end_bytes=at)


def _next_marker(file: BufferedReader, at: int) -> tuple[int, int]:
    """The next marker that is none of a scan's own, and where it ends."""
    file.seek(at)
    carried = b""
    while block := file.read(BLOCK_BYTES):
        searched = carried + block
        if hit := _MARKER.search(searched):
            return hit[1][0], at + hit.end()
        kept = 1 if searched.endswith(b"\xff") else 0
        at += len(searched) - kept
        carried = searched[len(searched) - kept :]
    raise _cut()


def _webp(file: BufferedReader, size_bytes: int) -> Extent:
    (length,) = struct.unpack("<I", _read(file, 4, 4))
    found, at, frames = Extent(8 + length), 12, 0
    if found.end_bytes > size_bytes:
        raise _cut()
    while at + 8 <= found.end_bytes:
        kind, length = struct.unpack("<4sI", _read(file, at, 8))
        if kind == b"EXIF" and length <= LIMIT_EXIF_BYTES:
            found = replace(found, exif=_read(file, at + 8, length))
        frames += kind == b"ANMF"
        at += 8 + length + length % 2
    return replace(found, frames=max(1, frames), end_bytes=found.end_bytes + found.end_bytes % 2 * (found.end_bytes < size_bytes))


def _bmp(file: BufferedReader, size_bytes: int) -> Extent:
    stated, pixels_at, head_bytes = struct.unpack("<2xI4xII", _read(file, 0, 18))
    if head_bytes in (12, 16):
        width, height, _, bits = struct.unpack("<HHHH", _read(file, 18, 8))
        compression, bulk = 0, 0
    else:
        width, height, _, bits, compression, bulk = struct.unpack("<iiHHII", _read(file, 18, 20))
    is_packed = compression not in (0, 3, 6)
    pixels_bytes = bulk if is_packed else (abs(width) * bits + 31) // 32 * 4 * abs(height)
    end_bytes = pixels_at + pixels_bytes
    return Extent(max(end_bytes, stated) if stated <= size_bytes else end_bytes)


def _read(file: BufferedReader, at: int, length: int) -> bytes:
    file.seek(at)
    content = file.read(length)
    if len(content) < length:
        raise _cut()
    return content


def _cut() -> InputRefused:
    return InputRefused("truncated", "The file ends before its pixels do. The rest is not guessed. Copy it again.")


def _damaged() -> InputRefused:
    return InputRefused("decode_failed", "The parts of the file do not make a picture. It cannot be read. Copy it again.")
