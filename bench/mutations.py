"""Ways to break a file, each a function of its bytes and of random numbers: the same numbers break it the same way."""

import gzip
import random
import re
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seeds import Seed

LARGEST_BYTES = 600_000
HEAD_BYTES = 4096
EXTREMES = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
NUMBERS = (
    b"0",
    b"-1",
    b"1",
    b"abc",
    b"1e308",
    b"nan",
    b"inf",
    b"65535",
    b"65536",
    b"4294967295",
    b"99999999999999999999",
    b"",
    b"0.0000001",
    b"-0",
)
VALUES = (
    b"",
    b" ",
    b"\0",
    b"\xff" * 8,
    b"../../etc/passwd",
    b"/etc/passwd",
    b"<script>",
    b"=cmd()",
    b"\x1b[31m",
    b"\\" * 9,
    b"1\\2\\3\\4\\5\\6",
    b"A" * 70,
)
VRS = (
    b"UL",
    b"US",
    b"SS",
    b"SL",
    b"FL",
    b"FD",
    b"OB",
    b"OW",
    b"SQ",
    b"UN",
    b"UT",
    b"PN",
    b"LO",
    b"DS",
    b"IS",
    b"UI",
    b"AT",
    b"CS",
    b"ZZ",
    b"\0\0",
)
LONG_VRS = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}

Mutation = Callable[[bytes, random.Random, Sequence[Seed]], bytes]


@dataclass(frozen=True)
class Broken:
    """A mutated file, and what was done to which seed."""

    index: int
    seed: Seed
    steps: tuple[str, ...]
    suffix: str
    content: bytes


def broken(index: int, run_seed: int, seeds: Sequence[Seed]) -> Broken:
    """Input `index` of the run `run_seed`: the same for the same seeds."""
    numbers = random.Random(f"{run_seed}/{index}")
    seed = numbers.choice(seeds)
    content, steps = seed.content, []
    for _ in range(numbers.choice((1, 1, 1, 2, 3))):
        name, mutation = numbers.choice(_fitting(content))
        changed = mutation(content, numbers, seeds)
        if changed != content:
            content = changed[:LARGEST_BYTES]
            steps.append(name)
    suffix = numbers.choice(seeds).suffix if numbers.random() < 0.03 else seed.suffix
    return Broken(index, seed, tuple(steps), suffix, content)


def _fitting(content: bytes) -> list[tuple[str, Mutation]]:
    """The mutations that make sense for a file; those that know its structure count more."""
    fitting = list(BYTES.items())
    for recognizes, mutations in STRUCTURED:
        if recognizes(content):
            fitting += list(mutations.items()) * 3
    return fitting


# ---- any file


def _place(content: bytes, numbers: random.Random) -> int:
    """A position, half of the time in what is likely to be the header."""
    end = len(content) if numbers.random() < 0.5 else min(len(content), HEAD_BYTES)
    return numbers.randrange(end) if end else 0


def _stretch(content: bytes, numbers: random.Random, most: int = 2048) -> tuple[int, int]:
    begin = _place(content, numbers)
    return begin, min(len(content), begin + int(most ** numbers.random()) + 1)


def _flip_bits(content: bytes, numbers: random.Random, _: Sequence[Seed]) -> bytes:
    changed = bytearray(content)
    for _count in range(numbers.choice((1, 1, 2, 4, 16)) if content else 0):
        changed[_place(content, numbers)] ^= 1 << numbers.randrange(8)
    return bytes(changed)


def _set_bytes(content: bytes, numbers: random.Random, _: Sequence[Seed]) -> bytes:
    changed = bytearray(content)
    for _count in range(numbers.choice((1, 1, 2, 8)) if content else 0):
        changed[_place(content, numbers)] = numbers.choice((0, 1, 0x20, 0x7F, 0x80, 0xFE, 0xFF, numbers.randrange(256)))
    return bytes(changed)


def _set_length(content: bytes, numbers: random.Random, _: Sequence[Seed]) -> bytes:
    """An extreme number where a length, a count or an offset may stand."""
    width = numbers.choice(("H", "I", "I", "Q"))
    packed = struct.pack(numbers.choice("<>") + width, numbers.choice(EXTREMES) & (2 ** (8 * struct.calcsize("=" + width)) - 1))
    at = _place(content, numbers) & ~1
    return content[:at] + packed + content[at + len(packed) :]


def _truncate(content: bytes, numbers: random.Random, _: Sequence[Seed]) -> bytes:
    return content[: _place(content, numbers)]


def _insert(content: bytes, numbers: random.Random, _: Sequence[Seed]) -> bytes:
    at, count = _place(content, numbers), numbers.choice((1, 2, 4, 37, 512))
    return content[:at] + (numbers.randbytes(count) if numbers.random() < 0.5 else bytes(count)) + content[at:]


def _delete(content: bytes, numbers: random.Random, _: Sequence[Seed]) -> bytes:
    begin, end = _stretch(content, numbers)
    return content[:begin] + content[end:]


def _fill(content: bytes, numbers: random.Random, _: Sequence[Seed]) -> bytes:
    begin, end = _stretch(content, numbers)
    return content[:begin] + numbers.choice((b"\0", b"\xff", b"A")) * (end - begin) + content[end:]


def _duplicate(content: bytes, numbers: random.Random, _: Sequence[Seed]) -> bytes:
    begin, end = _stretch(content, numbers)
    return content[:end] + content[begin:end] * numbers.choice((1, 1, 3, 40)) + content[end:]


def _exchange(content: bytes, numbers: random.Random, _: Sequence[Seed]) -> bytes:
    (a, b), (c, d) = sorted((_stretch(content, numbers, 256), _stretch(content, numbers, 256)))
    return content if c < b else content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def _append(content: bytes, numbers: random.Random, _: Sequence[Seed]) -> bytes:
    return content + numbers.randbytes(numbers.choice((1, 7, 128, 4096)))


def _splice(content: bytes, numbers: random.Random, seeds: Sequence[Seed]) -> bytes:
    """The head of one file and the tail of another."""
    other = numbers.choice(seeds).content
    return content[: _place(content, numbers)] + other[_place(other, numbers) :]


def _set_number(content: bytes, numbers: random.Random, _: Sequence[Seed]) -> bytes:
    """An extreme number in place of one that stands in the file as text."""
    found = list(re.finditer(rb"(?<![A-Za-z0-9.])[0-9]{1,12}(?:\.[0-9]+)?", content[:HEAD_BYTES]))
    if not found:
        return content
    hit = numbers.choice(found)
    value = numbers.choice(NUMBERS)
    if numbers.random() < 0.5:  # without moving what follows
        value = value[: len(hit[0])].ljust(len(hit[0]))
    return content[: hit.start()] + value + content[hit.end() :]


# ---- DICOM


@dataclass(frozen=True)
class _Element:
    begin: int
    value_at: int
    end: int
    vr: bytes
    is_long: bool


def _is_explicit(content: bytes) -> bool:
    return content[128:132] == b"DICM" and len(_elements(content)) > 5


def _elements(content: bytes) -> list[_Element]:
    """The elements of an explicit little endian file, as far as they can be followed; sequences as one or not at all."""
    found, at = [], 132
    while at + 8 <= len(content):
        vr = content[at + 4 : at + 6]
        if not vr.isalpha() or not vr.isupper():
            break
        is_long = vr in LONG_VRS
        value_at = at + (12 if is_long else 8)
        if value_at > len(content):
            break
        (length,) = struct.unpack_from("<I", content, at + 8) if is_long else struct.unpack_from("<H", content, at + 6)
        end = value_at + (0 if length == 0xFFFFFFFF else length)  # of an undefined length: what is inside follows as elements
        found.append(_Element(at, value_at, min(end, len(content)), vr, is_long))
        if content[end : end + 4] == b"\xfe\xff\x00\xe0" or end > len(content):
            break
        at = end
    return found


def _element_value(content: bytes, numbers: random.Random, _: Sequence[Seed]) -> bytes:
    """Another value, with the length that fits."""
    one = numbers.choice(_elements(content))
    old = content[one.value_at : one.end]
    value = numbers.choice(
        (*NUMBERS, *VALUES, numbers.randbytes(min(len(old), 64)), old[:-2], old + old, old.lower(), b"1.5\\" + old)
    )[:60_000]
    if one.vr in (b"US", b"SS", b"UL", b"SL", b"FL", b"FD", b"AT") and numbers.random() < 0.7:
        value = struct.pack("<Q", numbers.choice(EXTREMES))[: max(2, min(8, len(old)))]
    value += b" " * (len(value) % 2)
    length = struct.pack("<I", len(value)) if one.is_long else struct.pack("<H", len(value))
    return content[: one.value_at - len(length)] + length + value + content[one.end :]


def _element_vr(content: bytes, numbers: random.Random, _: Sequence[Seed]) -> bytes:
    one = numbers.choice(_elements(content))
    return content[: one.begin + 4] + numbers.choice(VRS) + content[one.begin + 6 :]


def _element_length(content: bytes, numbers: random.Random, _: Sequence[Seed]) -> bytes:
    one = numbers.choice(_elements(content))
    width, code = (4, "<I") if one.is_long else (2, "<H")
    (old,) = struct.unpack_from(code, content, one.value_at - width)
    length = numbers.choice((*EXTREMES, old + 1, old + 2, max(0, old - 1), max(0, old - 2), old * 2)) & (2 ** (8 * width) - 1)
    return content[: one.value_at - width] + struct.pack(code, length) + content[one.value_at :]


def _element_removed(content: bytes, numbers: random.Random, _: Sequence[Seed]) -> bytes:
    one = numbers.choice(_elements(content))
    return content[: one.begin] + content[one.end :]


def _element_doubled(content: bytes, numbers: random.Random, _: Sequence[Seed]) -> bytes:
    found = _elements(content)
    one, before = numbers.choice(found), numbers.choice(found)
    return content[: before.begin] + content[one.begin : one.end][:60_000] + content[before.begin :]


def _element_nested(content: bytes, numbers: random.Random, _: Sequence[Seed]) -> bytes:
    """Sequences in sequences before an element, with undefined lengths that are not closed, or are."""
    one, depth = numbers.choice(_elements(content)), numbers.choice((2, 31, 40, 2000))
    opening = content[one.begin : one.begin + 4] + b"SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    closing = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0" if numbers.random() < 0.5 else b""
    return content[: one.begin] + opening * depth + closing * depth + content[one.begin :]


# ---- containers of others


def _png_chunk(content: bytes, numbers: random.Random, seeds: Sequence[Seed]) -> bytes:
    """A broken chunk whose checksum fits again."""
    at, chunks = 8, []
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        chunks.append((at, at + 8, at + 8 + length))
        at += 12 + length
    if not chunks or chunks[-1][2] + 4 > len(content):
        return content
    begin, data_at, end = numbers.choice(chunks)
    data = numbers.choice((_flip_bits, _set_bytes, _set_length, _truncate, _insert))(content[data_at:end], numbers, seeds)
    name = content[begin + 4 : data_at]
    return (
        content[:begin]
        + struct.pack(">I", len(data))
        + name
        + data
        + struct.pack(">I", zlib.crc32(name + data))
        + content[end + 4 :]
    )


def _within_gzip(content: bytes, numbers: random.Random, seeds: Sequence[Seed]) -> bytes:
    """The content broken and compressed again."""
    try:
        inner = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return content
    name = numbers.choice(sorted(BYTES))
    return gzip.compress(BYTES[name](inner[: 8 * LARGEST_BYTES], numbers, seeds), 1, mtime=0)


BYTES: dict[str, Mutation] = {
    "flip bits": _flip_bits,
    "set bytes": _set_bytes,
    "set a length": _set_length,
    "truncate": _truncate,
    "insert": _insert,
    "delete": _delete,
    "fill": _fill,
    "duplicate": _duplicate,
    "exchange": _exchange,
    "append": _append,
    "splice": _splice,
    "set a number": _set_number,
}
DICOM: dict[str, Mutation] = {
    "element: value": _element_value,
    "element: value of extremes": _element_value,
    "element: VR": _element_vr,
    "element: length": _element_length,
    "element: removed": _element_removed,
    "element: doubled": _element_doubled,
    "element: nested": _element_nested,
}
STRUCTURED: tuple[tuple[Callable[[bytes], bool], dict[str, Mutation]], ...] = (
    (_is_explicit, DICOM),
    (lambda content: content.startswith(b"\x89PNG"), {"PNG chunk": _png_chunk}),
    (lambda content: content.startswith(b"\x1f\x8b"), {"within gzip": _within_gzip, "within gzip again": _within_gzip}),
)
