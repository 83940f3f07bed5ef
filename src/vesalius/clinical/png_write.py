"""PNG files written: masks of one bit, gray of eight or twelve, color; nothing in them says when or where.

Twelve bits stand in sixteen as the standard has it: the value moved to the top, its own first bits repeated below, and `sBIT`
saying that twelve count. So viewers show the whole range, and `>> 4` gives the value back.
Source: PNG (third edition), 7.2, 9.2, 11.3.2.2 (sBIT), 11.3.4.3 (pHYs) and 13.5 (scaling of samples).
"""

import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vesalius.clinical.signatures import PNG
from vesalius.errors import UsageError
from vesalius.types import Array

BITS = 12
LEVEL = 6  # of compression
_GRAY, _RGB = 0, 2
_LEFT = 1  # the filter: each byte less the one of the pixel before it


def write_png(path: Path, pixels: Array, *, spacing_mm: tuple[float, float] | None = None) -> None:
    """Write one picture; the same arguments give the same bytes.

    Args:
        path: the file to write; its folder must exist.
        pixels: bool, uint8 or uint16 of 12 bits (Y, X), or uint8 RGB (Y, X, 3).
        spacing_mm: (y, x), in whole pixels per meter; None when unknown. Readers take it for a screen's and leave it.

    Raises:
        UsageError: `bad_option`, when the file cannot hold the pixels.
    """
    is_color = pixels.ndim == 3 and pixels.shape[-1] == 3 and pixels.dtype == np.uint8
    if not (is_color or (pixels.ndim == 2 and pixels.dtype.name in ("bool", "uint8", "uint16"))) or pixels.size == 0:
        raise UsageError("bad_option", "PNG is written of bool, uint8 and uint16 pictures, and of uint8 RGB. Convert it.")
    if pixels.dtype == np.uint16 and int(pixels.max()) >= 2**BITS:
        raise UsageError("bad_option", f"A value exceeds {BITS} bits, which is all that is kept. More would be lost. Scale it.")
    bits, lines = _lines(pixels)
    rows, columns = pixels.shape[:2]
    content = _chunk(b"IHDR", struct.pack(">2I5B", columns, rows, bits, _RGB if is_color else _GRAY, 0, 0, 0))
    if bits == 16:
        content += _chunk(b"sBIT", bytes([BITS]))
    if spacing_mm is not None:
        per_meter = [min(round(1000 / step), 2**31 - 1) for step in spacing_mm]
        content += _chunk(b"pHYs", struct.pack(">2IB", per_meter[1], per_meter[0], 1))
    content += _chunk(b"IDAT", zlib.compress(lines, LEVEL)) + _chunk(b"IEND", b"")
    path.write_bytes(PNG + content)


def _lines(pixels: Array) -> tuple[int, bytes]:
    """Bits of a sample, and the rows as they are compressed, each behind its filter's number."""
    if pixels.dtype == np.bool_:
        return 1, _behind(0, np.packbits(pixels, axis=1))
    if pixels.dtype == np.uint8:
        step, rows = (3 if pixels.ndim == 3 else 1), np.ascontiguousarray(pixels).reshape(len(pixels), -1)
        bits = 8
    else:
        full = (pixels << (16 - BITS)) | (pixels >> (2 * BITS - 16))
        step, rows, bits = 2, full.astype(">u2").view(np.uint8).reshape(len(pixels), -1), 16
    less = rows.copy()
    less[:, step:] -= rows[:, :-step]
    return bits, _behind(_LEFT, less)


def _behind(filter_type: int, rows: npt.NDArray[np.uint8]) -> bytes:
    return np.pad(rows, ((0, 0), (1, 0)), constant_values=filter_type).tobytes()


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
