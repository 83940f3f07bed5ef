"""PNG, JPEG, WebP, GIF and BMP pictures: every part that is not needed to show them is dropped, and no pixel is touched.

With rectangles to black out, and always where a BMP came in, the picture is decoded and written anew as PNG. A color profile
stays, without its words, and so does the turn that EXIF states.
"""

import io
import os
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from vesalius.clinical import exif
from vesalius.clinical.deid import icc
from vesalius.clinical.deid.rules import Rules
from vesalius.clinical.deid.told import Suffix, Told
from vesalius.clinical.signatures import JPEG, PNG
from vesalius.errors import InputRefused

LIMIT_PIXELS = 2**30
LIMIT_FILE_BYTES = 2**28
_KEPT_CHUNKS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sBIT", b"gAMA", b"cHRM", b"sRGB", b"pHYs"})
_KEPT_WEBP = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
_ICC_JPEG, _ICC_BYTES = b"ICC_PROFILE\0", 65519
_MARKER = re.compile(rb"\xff+([\xc0-\xcf\xd8-\xfe])")
_ANIMATED = 0x02
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_CONVERTED = frozenset({"P", "PA", "CMYK", "YCbCr", "LAB", "HSV", "La", "RGBa"})
_FAULTS = (
    OSError,
    ValueError,
    IndexError,
    SyntaxError,
    EOFError,
    ArithmeticError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def clean(source: BinaryIO, target: BinaryIO, rules: Rules) -> Told:
    """Write the picture alone; as `dicom.clean`.

    Raises:
        InputRefused: `truncated`, `size_limit`, `decode_failed`, `not_cleanable` (an animated WebP).
    """
    content = read_whole(source, LIMIT_FILE_BYTES)
    maker, suffix = _format(content)
    try:
        if suffix is None or rules.black_out_xyxy_px:
            written, is_black = blackened(content, rules)
            target.write(written)
            return Told(".png", cleaned=("pixels",) if is_black else (), is_at_risk=not is_black)
        parts = list(maker(content))
    except _FAULTS:
        raise InputRefused(
            "decode_failed", "The picture's parts cannot be told from one another. The file is broken. Export it again."
        ) from None
    target.writelines(parts)
    return Told(suffix, is_at_risk=True)


def read_whole(source: BinaryIO, limit_bytes: int) -> bytes:
    """All bytes of a file that is not too large to be held.

    Raises:
        InputRefused: `size_limit`.
    """
    size = source.seek(0, os.SEEK_END)
    if size > limit_bytes:
        raise InputRefused("size_limit", f"The file is larger than {limit_bytes} bytes. Nothing of it was kept. Take it apart.")
    source.seek(0)
    return source.read(size)


def side_matter(content: bytes) -> bool:
    """Whether a picture holds anything that `clean` would drop."""
    maker, _ = _format(content)
    return b"".join(maker(content)) != content


def blackened(content: bytes, rules: Rules) -> tuple[bytes, bool]:
    """The picture as a PNG with the rectangles black, and whether any of them lies in it. Rectangles count pixels as stored.

    Raises:
        InputRefused: `size_limit`, `not_cleanable` for moving pictures.
    """
    with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")) as picture:
        if picture.width * picture.height > LIMIT_PIXELS:
            raise InputRefused(
                "size_limit", f"The picture has more than {LIMIT_PIXELS} pixels. Nothing was decoded. Cut it down."
            )
        if getattr(picture, "n_frames", 1) > 1:
            raise InputRefused(
                "not_cleanable", "The picture moves. One set of rectangles does not fit all its frames. Export single pictures."
            )
        mode = "RGBA" if "transparency" in picture.info else "RGB"
        pixels = np.array(picture.convert(mode) if picture.mode in _CONVERTED else picture)
        turned = exif.orientation(picture.info.get("exif") or b"")
    is_black = False
    for x0, y0, x1, y1 in rules.black_out_xyxy_px:
        is_black = is_black or pixels[y0:y1, x0:x1].size > 0
        pixels[y0:y1, x0:x1] = 0
        if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
            pixels[y0:y1, x0:x1, -1] = 255
    out = io.BytesIO()
    extra: dict[str, Any] = {"exif": exif.HEAD + exif.minimal(turned)} if turned > 1 else {}
    Image.fromarray(pixels).save(out, format="PNG", **extra)
    return out.getvalue(), is_black


def _format(content: bytes) -> tuple[Callable[[bytes], Iterator[bytes]], Suffix | None]:
    """What takes the picture apart, and the suffix of the result; None for what is always written anew."""
    if content.startswith(PNG):
        return _png, ".png"
    if content.startswith(JPEG):
        return _jpeg, ".jpg"
    if content.startswith(b"GIF8"):
        return _gif, ".gif"
    return (_webp, ".webp") if content.startswith(b"RIFF") else (_whole, None)


def _whole(content: bytes) -> Iterator[bytes]:
    """A BMP as it is: what its head may hide is lost when it is written as PNG."""
    yield content


def _png(content: bytes) -> Iterator[bytes]:
    yield PNG
    position, turned, data, is_written = len(PNG), 1, bytearray(), False
    while True:
        (size,) = struct.unpack_from(">I", content, position)
        kind, body = content[position + 4 : position + 8], content[position + 8 : position + 8 + size]
        position += 12 + size
        if position > len(content):
            raise EOFError
        if kind == b"eXIf":
            turned = exif.orientation(body)
        elif kind == b"iCCP":
            profile = _png_profile(body)
            if profile is not None:
                yield _chunk(b"iCCP", profile)
        elif kind == b"IDAT":
            data += body
        elif kind in _KEPT_CHUNKS:
            if kind == b"IEND" or (data and not is_written):
                yield from _png_data(bytes(data), turned)
                is_written = True
            yield _chunk(kind, body if kind != b"IEND" else b"")
        if kind == b"IEND":
            return


def _png_data(data: bytes, turned: int) -> Iterator[bytes]:
    """The compressed lines without what follows the end of their stream, after the turn."""
    if turned > 1:
        yield _chunk(b"eXIf", exif.minimal(turned))
    inflater = zlib.decompressobj()
    for start in range(0, len(data), 1 << 16):
        inflater.decompress(data[start : start + (1 << 16)])
        if inflater.eof:
            data = data[: start + (1 << 16)]
            data = data[: len(data) - len(inflater.unused_data)]
            break
    if not inflater.eof:
        raise EOFError
    yield _chunk(b"IDAT", data)


def _png_profile(body: bytes) -> bytes | None:
    name, _, rest = body.partition(b"\0")
    inflater = zlib.decompressobj()
    profile = icc.blanked(inflater.decompress(rest[1:], 1 << 24))
    return None if profile is None or not name else b"icc\0\0" + zlib.compress(profile, 9)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _jpeg(content: bytes) -> Iterator[bytes]:
    """Markers that decoding needs, the scans, and nothing after the end of the picture."""
    parts: list[bytes] = []
    turned, profile, position, in_scan = 1, bytearray(), 2, False
    while True:
        found = _MARKER.search(content, position)
        if found is None:
            raise EOFError
        if in_scan:
            parts.append(content[position : found.start()])
        marker = found[1][0]
        if marker == _END_OF_IMAGE:
            break
        (size,) = struct.unpack_from(">H", content, found.end())
        body, position = content[found.end() + 2 : found.end() + size], found.end() + size
        if len(body) != size - 2:
            raise EOFError
        in_scan = marker == _START_OF_SCAN
        if marker == 0xE1 and body.startswith(exif.HEAD):
            turned = exif.orientation(body)
        elif marker == 0xE2 and body.startswith(_ICC_JPEG):
            profile += body[len(_ICC_JPEG) + 2 :]
        parts.append(_needed_segment(marker, body))
    yield b"\xff\xd8"
    jfif = [part for part in parts if part.startswith(b"\xff\xe0")]
    yield from jfif[:1]
    if turned > 1:
        yield _segment(0xE1, exif.HEAD + exif.minimal(turned))
    yield from _jpeg_profile(bytes(profile))
    yield from (part for part in parts if not part.startswith(b"\xff\xe0"))
    yield b"\xff\xd9"


def _needed_segment(marker: int, body: bytes) -> bytes:
    """Tables and frames as they are; of an application's segment what decoders need; of comments nothing."""
    if marker == 0xE0 and body.startswith(b"JFIF\0"):
        return _segment(marker, body[:12] + b"\0\0")
    if marker == 0xEE and body.startswith(b"Adobe"):
        return _segment(marker, body[:12])
    return b"" if marker == 0xFE or 0xE0 <= marker <= 0xEF else _segment(marker, body)


def _jpeg_profile(profile: bytes) -> Iterator[bytes]:
    blank = icc.blanked(profile) or b""
    pieces = [blank[start : start + _ICC_BYTES] for start in range(0, len(blank), _ICC_BYTES)]
    for number, piece in enumerate(pieces, 1):
        yield _segment(0xE2, _ICC_JPEG + bytes([number, len(pieces)]) + piece)


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _webp(content: bytes) -> Iterator[bytes]:
    chunks, flags, canvas, turned = [], 0, b"", 1
    position, (size,) = 12, struct.unpack_from("<I", content, 4)
    end = 8 + size
    if end > len(content):
        raise EOFError
    while position + 8 <= end:
        kind, (length,) = content[position : position + 4], struct.unpack_from("<I", content, position + 4)
        body = content[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
        if kind == b"VP8X":
            flags, canvas = body[0], body[4:10]
        elif kind == b"EXIF":
            turned = exif.orientation(body)
        elif kind in _KEPT_WEBP:
            chunks.append(kind + struct.pack("<I", length) + body + bytes(length % 2))
    if flags & _ANIMATED:
        raise InputRefused("not_cleanable", "The WebP is animated. Its frames are not taken apart. Export single pictures.")
    if turned > 1:
        block = exif.minimal(turned)
        chunks.append(b"EXIF" + struct.pack("<I", len(block)) + block)
    if canvas:
        chunks.insert(0, b"VP8X" + struct.pack("<IB3x", 10, flags & 0x10 | (0x08 if turned > 1 else 0)) + canvas)
    yield b"RIFF" + struct.pack("<I", 4 + sum(map(len, chunks))) + b"WEBP"
    yield from chunks


def _gif(content: bytes) -> Iterator[bytes]:
    """Frames and their times, and how often they repeat; comments, texts and applications' blocks go.

    Source: CompuServe, GIF89a, 1990, sections 17 to 27.
    """
    flags = content[10]
    position = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    yield content[:position]
    while True:
        start, kind = position, content[position]
        if kind == 0x3B:
            yield b"\x3b"
            return
        if kind == 0x2C:
            local = content[position + 9]
            position = _after_blocks(content, position + 11 + (3 << (local & 7) + 1 if local & 0x80 else 0))
            yield content[start:position]
        elif kind == 0x21:
            label, position = content[position + 1], _after_blocks(content, position + 2)
            if label == 0xF9 or content[start + 2 : start + 14] == b"\x0bNETSCAPE2.0":
                yield content[start:position]
        else:
            raise EOFError


def _after_blocks(content: bytes, position: int) -> int:
    while content[position]:
        position += 1 + content[position]
    return position + 1
