"""Stored samples made into colors: palettes with their checks, and luminance with color differences.

Source: DICOM PS3.3, C.7.6.3.1.2 (photometric interpretation), C.7.6.3.1.5 and .6 (palettes), C.7.9.2 (segmented palettes).
"""

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from vesalius.clinical.dicom.values import numbers
from vesalius.errors import InputRefused
from vesalius.types import Array

_COLORS = ("Red", "Green", "Blue")
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2
_ROW_BYTES = 2**20  # colors are computed in strips of about this size, which stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Palette:
    """Colors by number: `colors` is uint8 (N, 3), the first of them for the stored value `first` and for all below it."""

    first: int
    colors: Array


def read_palette(dataset: Dataset, is_signed: bool) -> Palette:
    """The palette that a data set holds; tables of 16 bits lose their lower byte.

    Raises:
        InputRefused: `bad_pixel_module`, when a table is missing, short, or of another size than its descriptor says.
    """
    described = {tuple(numbers(dataset, f"{color}PaletteColorLookupTableDescriptor")) for color in _COLORS}
    if len(described) != 1:
        raise _bad_palette()
    descriptor = described.pop()
    if len(descriptor) != 3 or not all(number.is_integer() for number in descriptor) or descriptor[2] not in (8, 16):
        raise _bad_palette()
    count, bits = int(descriptor[0]) & 0xFFFF or 2**16, int(descriptor[2])
    first = int(descriptor[1]) & 0xFFFF
    if is_signed and first >= 2**15:
        first -= 2**16
    tables = [_table(dataset, color, count, bits) for color in _COLORS]
    colors = np.stack(tables, axis=-1)
    # Of 16 bits the high byte is the color, unless a maker has filled the low one only.
    return Palette(first, (colors >> 8 if colors.max() > 0xFF else colors).astype(np.uint8))


def colors_of(stored: Array, palette: Palette) -> Array:
    """uint8 (Y, X, 3) for the numbers of colors (Y, X).

    Raises:
        InputRefused: `bad_pixel_module`, when a number lies behind the last color.
    """
    index: Array = np.maximum(stored.astype(np.int64) - palette.first, 0) if palette.first else stored
    if index.size and int(index.max()) >= len(palette.colors):
        raise InputRefused("bad_pixel_module", "Pixels name colors that the palette does not hold. Their colors are unknown.")
    colors: Array = palette.colors.take(index, axis=0)
    return colors


def rgb_of(ybr: Array) -> Array:
    """Luminance and color differences over the full range, (…, 3) unsigned, as red, green and blue of the same type."""
    out = np.empty_like(ybr)
    top = float(np.iinfo(ybr.dtype).max)
    flat, target = ybr.reshape(-1, 3), out.reshape(-1, 3)
    step = max(1, _ROW_BYTES // (12 * ybr.itemsize))
    for begin in range(0, len(flat), step):
        y, blue, red = flat[begin : begin + step].astype(np.float32).T
        blue, red = blue - np.float32((top + 1) / 2), red - np.float32((top + 1) / 2)
        rgb = (y + 1.402 * red, y - 0.114 * 1.772 / 0.587 * blue - 0.299 * 1.402 / 0.587 * red, y + 1.772 * blue)
        for channel, value in enumerate(rgb):
            target[begin : begin + step, channel] = np.clip(np.rint(value), 0, top)
    return out


def whole_of_422(pairs: Array, rows: int, columns: int) -> Array:
    """(Y, X, 3) of samples that are stored as Y1 Y2 B R for each pair of pixels."""
    quads = pairs.reshape(rows, columns // 2, 4)
    out = np.empty((rows, columns, 3), pairs.dtype)
    out[:, ::2, 0], out[:, 1::2, 0] = quads[..., 0], quads[..., 1]
    out[..., 1], out[..., 2] = quads[..., 2].repeat(2, axis=1), quads[..., 3].repeat(2, axis=1)
    return out


def _table(dataset: Dataset, color: str, count: int, bits: int) -> Array:
    """One table, uint16 (count,)."""
    plain, segmented = (_content(dataset, f"{prefix}{color}PaletteColorLookupTableData") for prefix in ("", "Segmented"))
    order = "<" if dataset.original_encoding[1] is not False else ">"
    if segmented is not None and plain is None:
        return _expanded(segmented, count, bits, order)
    content = plain or b""
    if bits == 8 and len(content) in (count, count + count % 2):
        return np.frombuffer(content, np.uint8, count).astype(np.uint16)
    if len(content) not in (2 * count, 2 * count + 2):
        raise _bad_palette()
    return np.frombuffer(content, order + "u2", count).astype(np.uint16)


def _content(dataset: Dataset, keyword: str) -> bytes | None:
    """The bytes of a table as the file has them; None when there is none."""
    raw = dataset.get_item(keyword) if keyword in dataset else None
    return bytes(raw.value) if raw is not None and isinstance(raw.value, bytes) else None


def _expanded(content: bytes, count: int, bits: int, order: str) -> Array:
    """A table that is stored in segments: runs, ramps, and copies of segments before."""
    whole = content[: len(content) - len(content) % 2]
    words = np.frombuffer(whole, order + "u2") if bits == 16 else np.frombuffer(content, np.uint8)
    listed, knots, at = words.tolist(), _Knots([], []), 0
    while at < len(listed) and knots.size < count:
        at = _segment(listed, at, knots, 32 // bits, count)
    if knots.size != count:
        raise _bad_palette()
    return np.rint(np.interp(np.arange(count), knots.places, knots.values)).astype(np.uint16)


@dataclass(frozen=True)
class _Knots:
    """The entries of a table that are stated; those between lie on the line from one to the next."""

    places: list[int]
    values: list[int]

    @property
    def size(self) -> int:
        return self.places[-1] + 1 if self.places else 0


def _segment(words: list[int], at: int, knots: _Knots, offset_words: int, count: int, *, is_copy: bool = False) -> int:
    """Carry out the segment that begins at word `at`; where the next one begins."""
    kind, length = words[at : at + 2] if at + 2 <= len(words) else (-1, 0)
    behind, done = at + 2, knots.size
    if kind == _DISCRETE and behind + length <= len(words):
        knots.places.extend(range(done, done + length))
        knots.values.extend(words[behind : behind + length])
        behind += length
    elif kind == _LINEAR and behind < len(words) and done and length:
        knots.places.append(done - 1 + length)
        knots.values.append(words[behind])
        behind += 1
    elif kind == _INDIRECT and not is_copy and behind + offset_words <= len(words):
        wide = 4 // offset_words
        begin = sum(word << 8 * wide * index for index, word in enumerate(words[behind : behind + offset_words])) // wide
        if begin >= at:
            raise _bad_palette()
        for _ in range(length):
            begin = _segment(words, begin, knots, offset_words, count, is_copy=True)
        behind += offset_words
    else:
        raise _bad_palette()
    if knots.size > count:
        raise _bad_palette()
    return behind


def _bad_palette() -> InputRefused:
    return InputRefused(
        "bad_pixel_module", "The picture needs a palette that the file does not hold, or not whole. Its colors are unknown."
    )
