"""EXIF: which way up a picture is, read out of a block and written into a new one that says nothing else.

Source: CIPA DC-008 (Exif 2.32), 4.6.4: tag 274 of the first directory.
"""

import struct

HEAD = b"Exif\0\0"
_ORIENTATION = 274
_MOST_ENTRIES = 512


def orientation(block: bytes) -> int:
    """1 to 8 as stated by a block with or without its head; 1, as it lies, when nothing usable is stated."""
    tiff = block.removeprefix(HEAD)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return 1
    (place,) = struct.unpack_from(order + "I", tiff, 4)
    if place + 2 > len(tiff):
        return 1
    (count,) = struct.unpack_from(order + "H", tiff, place)
    for index in range(min(count, _MOST_ENTRIES)):
        at = place + 2 + 12 * index
        if at + 12 > len(tiff):
            return 1
        tag, kind, _, value = struct.unpack_from(order + "HHIH", tiff, at)
        if tag == _ORIENTATION and kind == 3:
            return int(value) if 1 <= value <= 8 else 1
    return 1


def minimal(turned: int) -> bytes:
    """A block without its head that states the orientation alone."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, _ORIENTATION, 3, 1, turned, 0, 0)
