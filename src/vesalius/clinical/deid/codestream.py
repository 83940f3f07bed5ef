"""Texts and other side matter in compressed pixels, blanked in place: no length changes and no pixel.

Sources: ITU-T T.81 B.1 (JPEG markers; JPEG-LS in T.87 uses the same), ITU-T T.800 Annex A (JPEG 2000 markers).
"""

import re
import struct

_SOI, _SOC = b"\xff\xd8", b"\xff\x4f"
_START_OF_SCAN, _END, _COMMENT = 0xDA, 0xD9, 0xFE
_APPLICATION = range(0xE0, 0xF0)
_MARKER = re.compile(rb"\xff+([\xc0-\xcf\xd8-\xfe])")
# How much of an application's segment the decoder needs: JFIF's density, Adobe's and HP's color transform.
_NEEDED = {b"JFIF\0": 12, b"Adobe": 12, b"mrfx": 5, b"SPIFF\0": 30}
_J2K_COMMENT, _J2K_TILE, _J2K_DATA, _J2K_END = 0xFF64, 0xFF90, 0xFF93, 0xFFD9


class Blanked(bytearray):
    """Bytes in which stretches are overwritten by zeros, and whether any was."""

    changed = False

    def blank(self, begin: int, end: int) -> None:
        """Overwrite a stretch, clipped to the bytes that are there."""
        end = min(end, len(self))
        if begin < end and any(self[begin:end]):
            self[begin:end] = bytes(end - begin)
            self.changed = True


def blanked(content: bytes) -> Blanked:
    """A JPEG, JPEG-LS or JPEG 2000 stream without comments, application data and what follows its end; others as they are.

    Raises:
        ValueError: a marker's segment reaches beyond the bytes.
    """
    result = Blanked(content)
    if content.startswith(_SOI):
        _blank_jpeg(result)
    elif content.startswith(_SOC):
        _blank_jpeg_2000(result)
    return result


def _blank_jpeg(content: Blanked) -> None:
    position, in_scan = 2, False
    while found := _MARKER.search(content, position):
        if not in_scan:
            content.blank(position, found.start())  # between segments there is nothing
        marker, position = found[1][0], found.end()
        if marker == _END:
            content.blank(position, len(content))
            return
        if marker == 0xD8:
            continue
        in_scan = marker == _START_OF_SCAN
        end = position + _segment_bytes(content, position)
        if marker == _COMMENT:
            content.blank(position + 2, end)
        elif marker in _APPLICATION:
            body = bytes(content[position + 2 : position + 8])
            needed = next((size for name, size in _NEEDED.items() if body.startswith(name)), 0)
            content.blank(position + 2 + needed, end)
        position = end


def _blank_jpeg_2000(content: Blanked) -> None:
    position, tile_end = 2, 0
    while position + 2 <= len(content):
        (marker,) = struct.unpack_from(">H", content, position)
        if marker == _J2K_END:
            content.blank(position + 2, len(content))
            return
        if marker == _J2K_DATA:
            if tile_end <= position:
                return  # the last tile part runs to the end of the stream
            position = tile_end
            continue
        size = _segment_bytes(content, position + 2)
        if marker == _J2K_TILE:
            (length,) = struct.unpack_from(">I", content, position + 6)
            tile_end = position + length if length else 0
        elif marker == _J2K_COMMENT:
            content.blank(position + 6, position + 2 + size)
        position += 2 + size


def _segment_bytes(content: Blanked, position: int) -> int:
    if position + 2 > len(content):
        raise ValueError("a segment without its length")
    (size,) = struct.unpack_from(">H", content, position)
    if size < 2 or position + size > len(content):
        raise ValueError("a segment beyond the end")
    return int(size)
