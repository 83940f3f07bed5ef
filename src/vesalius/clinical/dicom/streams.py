"""Compressed frames looked at before a codec sees them: of what kind and size they are, and whether they are whole.

Decoders fill what is missing with gray or zeros and say nothing; so a stream that lacks its end is refused here.
Sources: ITU-T T.81 annex B (JPEG), T.87 annex C (JPEG-LS), T.800 annex A (JPEG 2000), T.814 (high throughput), DICOM
PS3.5 annex G (run lengths).
"""

import re
import struct
from dataclasses import dataclass
from itertools import pairwise

from vesalius.errors import InputRefused

_JPEG_FRAMES = frozenset((0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7))
_JPEG_SEGMENTS = frozenset((0xC4, 0xC8, 0xCC, *range(0xDA, 0xE0), *range(0xE0, 0xFF)))
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # in coded data a byte of ones is followed by zeros
_AFTER_LS_SCAN = re.compile(rb"\xff[\x80-\xff]")  # in JPEG-LS by a bit that is zero
_LOSSLESS, _LS, _SCAN, _END = 0xC3, 0xF7, 0xDA, 0xD9
_JP2_SIGNATURE = b"\0\0\0\x0cjP  "
_TILE_PART, _DATA, _J2K_END, _SIZE = 0xFF90, 0xFF93, 0xFFD9, 0xFF51


@dataclass(frozen=True)
class Stream:
    """What a compressed frame says of itself.

    Attributes:
        kind: `jpeg` (by cosines), `jpeg_lossless`, `jpeg_ls` or `jpeg_2000`.
        rows: height in pixels.
        columns: width in pixels.
        samples: per pixel.
        bits: of a sample.
        is_signed: of samples; only JPEG 2000 says so.
        content: the stream without the container around it.
        colors: `rgb` or `ybr` where a JPEG says what its three samples are, else empty.
    """

    kind: str
    rows: int
    columns: int
    samples: int
    bits: int
    is_signed: bool
    content: bytes
    colors: str = ""


def look_at(content: bytes) -> Stream:
    """The kind and size of a frame that is whole.

    Raises:
        InputRefused: `decode_failed`, when it is no stream that is known, or lacks a part.
    """
    try:
        if content.startswith(b"\xff\xd8"):
            return _jpeg(content)
        if content.startswith(_JP2_SIGNATURE):
            content = _codestream(content)
        if content.startswith(b"\xff\x4f\xff\x51"):
            return _jpeg_2000(content)
    except (struct.error, IndexError):
        raise decode_failed() from None
    raise decode_failed()


def segments_of(content: bytes, count: int) -> list[bytes]:
    """The segments of a frame of run lengths.

    Raises:
        InputRefused: `decode_failed`, when there are not `count` of them or they do not follow on one another.
    """
    if len(content) <= 64:
        raise decode_failed()
    stated, *offsets = struct.unpack("<16I", content[:64])
    bounds = [*offsets[:count], len(content)]
    is_rising = all(one < other for one, other in pairwise(bounds))
    if stated != count or bounds[0] != 64 or not is_rising:
        raise decode_failed()
    return [content[begin:end] for begin, end in pairwise(bounds)]


def decode_failed() -> InputRefused:
    """The refusal of a frame that cannot be decoded."""
    return InputRefused(
        "decode_failed",
        "The compressed pixels are damaged, incomplete, or of a variant that no codec here knows. Nothing is guessed. Copy "
        "the file again from its source.",
    )


def _jpeg(content: bytes) -> Stream:
    """Walk the segments to the end mark."""
    at, frame, seen_scan, colors = 2, None, False, ""
    while True:
        if content[at] != 0xFF:
            raise decode_failed()
        while content[at + 1] == 0xFF:
            at += 1
        marker = content[at + 1]
        if marker == _END:
            break
        (length,) = struct.unpack_from(">H", content, at + 2)
        if (marker not in _JPEG_FRAMES and marker not in _JPEG_SEGMENTS) or length < 2:
            raise decode_failed()
        body = content[at + 4 : at + 2 + length]
        if len(body) < length - 2:
            raise decode_failed()
        if marker in _JPEG_FRAMES:
            if frame is not None:
                raise decode_failed()
            frame = (marker, *struct.unpack_from(">BHHB", body), body[6::3])
        colors = colors or _jpeg_colors(marker, body)
        at += 2 + length
        if marker == _SCAN:
            if frame is None:
                raise decode_failed()
            seen_scan = True
            found = (_AFTER_LS_SCAN if frame[0] == _LS else _AFTER_SCAN).search(content, at)
            if found is None:
                raise decode_failed()
            at = found.start()
    if frame is None or not seen_scan:
        raise decode_failed()
    marker, bits, rows, columns, samples, identifiers = frame
    colors = colors or ("rgb" if identifiers in (b"RGB", b"rgb") else "")
    kind = {_LOSSLESS: "jpeg_lossless", _LS: "jpeg_ls"}.get(marker, "jpeg")
    return Stream(kind, rows, columns, samples, bits, False, content, colors)


def _jpeg_colors(marker: int, body: bytes) -> str:
    """What an application segment says of three samples: JFIF's, which comes first where it is, or Adobe's."""
    if marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
        return "ybr" if body[11] else "rgb"
    return "ybr" if marker == 0xE0 and body.startswith(b"JFIF\0") else ""


def _codestream(content: bytes) -> bytes:
    """What the box `jp2c` of a JPEG 2000 container holds."""
    at = 0
    while True:
        length, name = struct.unpack_from(">I4s", content, at)
        head = 8
        if length == 1:
            (length,), head = struct.unpack_from(">Q", content, at + 8), 16
        if name == b"jp2c":
            return content[at + head : at + length if length else len(content)]
        if length < head:
            raise decode_failed()
        at += length


def _jpeg_2000(content: bytes) -> Stream:
    """Walk the main header, then from tile-part to tile-part to the end mark."""
    at, size = 2, None
    while True:
        marker, length = struct.unpack_from(">HH", content, at)
        if marker == _TILE_PART:
            break
        if marker < 0xFF01 or marker in (_DATA, _J2K_END) or length < 2:
            raise decode_failed()
        if marker == _SIZE:
            size = content[at + 4 : at + 2 + length]
        at += 2 + length
    if size is None:
        raise decode_failed()
    right, bottom, left, top, wide, high, tile_left, tile_top, samples = struct.unpack_from(">8IH", size, 2)
    depths = size[36 : 36 + 3 * samples : 3]
    if len(depths) < samples or not (right > left and bottom > top and wide and high and len(set(depths)) == 1):
        raise decode_failed()
    tiles = -(-(right - tile_left) // wide) * -(-(bottom - tile_top) // high)
    _walk_tiles(content, at, tiles)
    return Stream("jpeg_2000", bottom - top, right - left, samples, (depths[0] & 0x7F) + 1, bool(depths[0] & 0x80), content)


def _walk_tiles(content: bytes, at: int, tiles: int) -> None:
    """Every tile is there, and every part of each that says how many it has."""
    seen: dict[int, int] = {}
    stated: dict[int, int] = {}
    while True:
        if content[at : at + 2] in (b"\xff\xd9", b""):
            is_ended = content[at : at + 2] == b"\xff\xd9"
            break
        marker, length, tile, part_bytes, _, parts = struct.unpack_from(">HHHIBB", content, at)
        if marker != _TILE_PART or length != 10 or tile >= tiles:
            raise decode_failed()
        seen[tile] = seen.get(tile, 0) + 1
        stated[tile] = parts or stated.get(tile, 0)
        if part_bytes == 0:  # to the end
            is_ended = content.rstrip(b"\0").endswith(b"\xff\xd9")
            break
        if part_bytes < 14 or at + part_bytes > len(content):
            raise decode_failed()
        at += part_bytes
    are_whole = all(stated[tile] <= count for tile, count in seen.items())
    if len(seen) < tiles or not are_whole or not (is_ended or all(stated.values())):
        raise decode_failed()
