"""Color profiles without their words: descriptions, copyright and makers are blanked in place, so that colors stay as they are.

Source: ICC.1:2022, 7.2 (header), 7.3 (tag table) and 10 (tag types).
"""

import struct

import numpy as np

HEADER_BYTES = 128
MOST_TAGS = 200
_WORDS = (b"text", b"desc", b"mluc", b"sig ", b"dtim", b"psid", b"pseq", b"dict", b"meta", b"ucrb", b"utf8", b"data", b"vcgt")
_NUMBERS = (
    b"XYZ ",
    b"curv",
    b"para",
    b"sf32",
    b"mft1",
    b"mft2",
    b"mAB ",
    b"mBA ",
    b"chrm",
    b"meas",
    b"view",
    b"ui08",
    b"ui16",
    b"ui32",
)


def blanked(profile: bytes) -> bytes | None:
    """The profile without text, date, device and identity; None when it is no profile whose parts are all known."""
    if len(profile) < HEADER_BYTES + 4 or profile[36:40] != b"acsp":
        return None
    content = bytearray(profile)
    content[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    content[48:64] = bytes(16)
    content[80:HEADER_BYTES] = bytes(HEADER_BYTES - 80)
    (tags,) = struct.unpack_from(">I", content, HEADER_BYTES)
    end = HEADER_BYTES + 4 + 12 * tags
    if tags > MOST_TAGS or end > len(content):
        return None
    used = bytearray(len(content))
    used[:end] = b"\1" * end
    for index in range(tags):
        _, offset, size = struct.unpack_from(">4sII", content, HEADER_BYTES + 4 + 12 * index)
        kind = bytes(content[offset : offset + 4])
        if offset < end or offset + size > len(content) or kind not in _WORDS + _NUMBERS:
            return None
        used[offset : offset + size] = b"\1" * size
        if kind in _WORDS:
            content[offset + 4 : offset + size] = bytes(max(0, size - 4))
    stretches = np.frombuffer(content, np.uint8) * np.frombuffer(used, np.uint8)
    return stretches.tobytes()  # what no tag points to is no part of the profile
