"""The elements of a data set, walked one after another within limits, before anything is made of their values.

Sequences are stepped through without recursion: depth, lengths and ends are checked here, so that what parses the values
later meets no surprise. Source: DICOM PS3.5, 7.1 (data elements), 7.5 (sequences), A.4 (fragments).
"""

import functools
import struct
from collections.abc import Iterator
from io import BufferedReader
from typing import NamedTuple

from pydicom.datadict import dictionary_VR
from pydicom.tag import BaseTag

from vesalius.errors import InputRefused

LIMIT_ELEMENTS = 50_000  # of the data set itself
LIMIT_NESTED = 2**20  # of all its sequences together: a large multi-frame object has dozens a frame
LIMIT_DEPTH = 32
LIMIT_VALUE_BYTES = 64 * 2**20
UNDEFINED_LENGTH = 0xFFFFFFFF
LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
VRS = LONG_VRS | {
    *(b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT"),
    *(b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"),
}
PIXEL_TAGS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


class Encoding(NamedTuple):
    """How a data set is written: whether it states no types (VRs), and whether the low byte comes first."""

    is_implicit: bool
    is_little: bool


class Element(NamedTuple):
    """Where one element lies in its file.

    Attributes:
        tag: group and number in 32 bits.
        vr: its type; empty where the encoding states none.
        begin: of its value.
        length: of its value, without the mark at the end of one whose length is not stated. What a pixel element of
            unknown length holds is not walked through: `UNDEFINED_LENGTH` then.
        end: where the next element begins.
        is_open: its length is not stated.
    """

    tag: int
    vr: bytes
    begin: int
    length: int
    end: int
    is_open: bool = False


class _Level(NamedTuple):
    """One thing that is open while a sequence is walked: a sequence, an item, or the fragments of an icon."""

    kind: str
    end: int | None
    encoding: Encoding


EXPLICIT = Encoding(is_implicit=False, is_little=True)
IMPLICIT = Encoding(is_implicit=True, is_little=True)


@functools.lru_cache(8192)
def interned(number: int) -> BaseTag:
    """The tag of that number, as one and the same object: dictionaries then find it without comparing."""
    return BaseTag(number)


def encoding_of(head: bytes, fallback: Encoding = EXPLICIT) -> Encoding:
    """How the data set is written whose first eight bytes these are.

    Groups are small numbers, which tells the order of bytes; two letters that are a type tell that types are stated.
    """
    if len(head) < 8:
        return fallback
    little, big = struct.unpack("<H", head[:2])[0], struct.unpack(">H", head[:2])[0]
    return Encoding(is_implicit=head[4:6] not in VRS, is_little=little <= big)


def walk(file: BufferedReader, begin: int, size: int, encoding: Encoding) -> Iterator[Element]:
    """The elements of the data set that lies from `begin` to `size`; the last one is that of the pixels, if there is one.

    Raises:
        InputRefused: `truncated`, `bad_length`, `nesting_limit`, `size_limit`, or `bad_attribute` for what is no element.
    """
    at, count, budget = begin, 0, [LIMIT_NESTED]
    file.seek(at)
    while at < size:
        tag, vr, length, value = _head(file, at, encoding)
        count += 1
        if count > LIMIT_ELEMENTS:
            raise _too_many()
        if tag in PIXEL_TAGS:
            end = size if length == UNDEFINED_LENGTH else value + length
            yield Element(tag, vr, value, length, end, length == UNDEFINED_LENGTH)
            return
        if _is_sequence(tag, vr, length, encoding):
            end, content_end = _sequence(file, value, length, size, encoding if vr != b"UN" else IMPLICIT, budget)
        else:
            _check_length(file, value, length, size, encoding)
            end = content_end = value + length
        if content_end - value > LIMIT_VALUE_BYTES:
            raise InputRefused(
                "size_limit",
                f"A value of the header is longer than {LIMIT_VALUE_BYTES} bytes. No picture needs one. Nothing was read.",
            )
        yield Element(tag, vr, value, content_end - value, end, length == UNDEFINED_LENGTH)
        at = end
        file.seek(at)


def _head(file: BufferedReader, at: int, encoding: Encoding) -> tuple[int, bytes, int, int]:
    """Tag, type, stated length and begin of the value of the element at `at`, where the file stands."""
    order = "<" if encoding.is_little else ">"
    head = file.read(8)
    if len(head) < 8:
        raise truncated()
    group, number = struct.unpack_from(order + "HH", head)
    tag = group << 16 | number
    if encoding.is_implicit or group == 0xFFFE:
        return tag, b"", struct.unpack_from(order + "I", head, 4)[0], at + 8
    vr = head[4:6]
    if vr in LONG_VRS:
        more = file.read(4)
        if len(more) < 4:
            raise truncated()
        return tag, vr, struct.unpack(order + "I", more)[0], at + 12
    if vr not in VRS:
        raise nonsense()
    return tag, vr, struct.unpack_from(order + "H", head, 6)[0], at + 8


def _is_sequence(tag: int, vr: bytes, length: int, encoding: Encoding) -> bool:
    if vr == b"SQ" or (length == UNDEFINED_LENGTH and vr in (b"UN", b"")):
        return True
    return encoding.is_implicit and _is_known_sequence(tag)


@functools.lru_cache(4096)
def _is_known_sequence(tag: int) -> bool:
    try:
        return dictionary_VR(tag) == "SQ"
    except KeyError:
        return False


def _sequence(file: BufferedReader, begin: int, length: int, size: int, encoding: Encoding, budget: list[int]) -> tuple[int, int]:
    """Step through a sequence; where the next element begins, and where its content ends."""
    if length != UNDEFINED_LENGTH:
        _check_length(file, begin, length, size, encoding)
    open_levels = [_Level("sequence", None if length == UNDEFINED_LENGTH else begin + length, encoding)]
    at = content_end = begin
    while open_levels:
        kind, end, encoding = open_levels[-1]
        if end is not None and at >= end:
            open_levels.pop()
            content_end = at
            continue
        limit = next((level.end for level in reversed(open_levels) if level.end is not None), size)
        file.seek(at)
        tag, vr, length, value = _head(file, at, encoding)
        content_end, at = at, value
        if tag in (_SEQUENCE_END, _ITEM_END):
            if (tag == _ITEM_END) != (kind == "item"):
                raise nonsense()
            open_levels.pop()
            at = at if end is None else end
            continue
        budget[0] -= 1
        if budget[0] < 0:
            raise _too_many()
        if kind != "item":
            if tag != _ITEM or (kind == "fragments" and length == UNDEFINED_LENGTH):
                raise nonsense()
            if length != UNDEFINED_LENGTH:
                _check_length(file, value, length, limit, encoding, is_inside=limit < size)
            if kind == "fragments":
                at = value + length
            else:
                inner = None if length == UNDEFINED_LENGTH else value + length
                open_levels.append(_Level("item", inner, _item_encoding(file, value, encoding)))
        elif _is_sequence(tag, vr, length, encoding):
            if sum(level.kind == "sequence" for level in open_levels) >= LIMIT_DEPTH:
                raise InputRefused(
                    "nesting_limit",
                    f"Sequences lie within one another more than {LIMIT_DEPTH} deep. No picture needs that. Check its origin.",
                )
            if length != UNDEFINED_LENGTH:
                _check_length(file, value, length, limit, encoding, is_inside=limit < size)
            kind = "fragments" if tag in PIXEL_TAGS else "sequence"
            inside = IMPLICIT if vr == b"UN" else encoding
            open_levels.append(_Level(kind, None if length == UNDEFINED_LENGTH else value + length, inside))
        elif length == UNDEFINED_LENGTH and tag in PIXEL_TAGS:
            open_levels.append(_Level("fragments", None, encoding))
        else:
            _check_length(file, value, length, limit, encoding, is_inside=limit < size)
            at = value + length
    return at, content_end


def _item_encoding(file: BufferedReader, begin: int, encoding: Encoding) -> Encoding:
    """Of an item: some writers state no types inside sequences although they do outside."""
    file.seek(begin)
    head = file.read(8)
    if encoding.is_implicit or len(head) < 8 or head[4:6] in VRS:
        return encoding
    is_delimiter = head[:2] == (b"\xfe\xff" if encoding.is_little else b"\xff\xfe")
    return encoding if is_delimiter else encoding._replace(is_implicit=True)


def _check_length(
    file: BufferedReader, begin: int, length: int, limit: int, encoding: Encoding, *, is_inside: bool = False
) -> None:
    """A value that ends behind its container is cut short, or lies about its length: then more elements follow in it."""
    rest = limit - begin
    if length <= rest:
        return
    if is_inside or length > LIMIT_VALUE_BYTES or length == UNDEFINED_LENGTH:
        raise bad_length()
    file.seek(begin)
    order = "<" if encoding.is_little else ">"
    if struct.pack(order + "HH", 0x7FE0, 0x0010) in file.read(rest):
        raise bad_length()
    raise truncated()


def truncated() -> InputRefused:
    """The refusal of a file that ends too early."""
    return InputRefused("truncated", "The file ends before its header does. The rest is not guessed. Copy it again.")


def bad_length() -> InputRefused:
    """The refusal of a length that cannot be."""
    return InputRefused(
        "bad_length", "An element states a length that reaches behind its end or the file's. What follows it cannot be found."
    )


def nonsense() -> InputRefused:
    """The refusal of bytes that are no element where one should be."""
    return InputRefused("bad_attribute", "The file's elements cannot be parsed. It breaks the standard. Export it again.")


def _too_many() -> InputRefused:
    return InputRefused(
        "size_limit", f"The header has more than {LIMIT_ELEMENTS} elements. No picture needs as many. The rest was not read."
    )
