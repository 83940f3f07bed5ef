"""The directories of a TIFF file: what each says of its page, with every offset checked before it is followed.

Source: TIFF 6.0, Adobe 1992, section 2; TIFF Technical Note 1 (trees of directories); BigTIFF as libtiff describes it.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

import numpy as np
import numpy.typing as npt

from vesalius.errors import InputRefused

LIMIT_DIRECTORIES, LIMIT_TAGS = 10_000, 4096
LIMIT_VALUE_BYTES = 2**26
SUB_DIRECTORIES = 330

_SIGNED, _FLOATS = frozenset({6, 8, 9, 17}), {11: "f4", 12: "f8"}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_FRACTIONS = {5: "u4", 10: "i4"}


@dataclass(frozen=True)
class _Value:
    """Where a tag's value lies: `count` items of a type, from `at` in the file."""

    kind: int
    count: int
    at: int


@dataclass(frozen=True)
class Directory:
    """One directory: where it begins, and where the values of its tags lie."""

    tiff: "Tiff"
    at: int
    values: dict[int, _Value]

    def numbers(self, tag: int) -> npt.NDArray[Any]:
        """A tag's numbers; empty when the tag is missing or holds none. Fractions become float64.

        Raises:
            InputRefused: `bad_offsets`, `size_limit`.
        """
        value = self.values.get(tag)
        if value is None or value.kind == 2:
            return np.empty(0, dtype=np.int64)
        content, size = self.tiff.value(value), _SIZES[value.kind]
        if value.kind in _FRACTIONS:
            pairs = np.frombuffer(content, self.tiff.order + _FRACTIONS[value.kind]).reshape(-1, 2).astype(np.float64)
            above, below = pairs.T
            return np.where(below != 0, above / np.where(below != 0, below, 1), np.nan)
        kind = _FLOATS.get(value.kind) or f"{'i' if value.kind in _SIGNED else 'u'}{size}"
        return np.frombuffer(content, self.tiff.order + kind)

    def integer(self, tag: int, default: int | None = None) -> int:
        """A tag's first number, which must be whole; `default` when the tag is missing.

        Raises:
            InputRefused: `bad_attribute`, also when a tag without default is missing.
        """
        found = self.numbers(tag)
        if not len(found) and default is not None:
            return default
        if not len(found) or found.dtype.kind not in "iu":
            raise InputRefused("bad_attribute", "A tag that decoding needs is missing or no whole number. Export the file again.")
        return int(found[0])

    def text(self, tag: int) -> str:
        """A tag's text, for looking facts up in it; never to be shown."""
        value = self.values.get(tag)
        return self.tiff.value(value).decode("utf-8", "replace") if value is not None and value.kind in (1, 2, 7) else ""


class Tiff:
    """An open TIFF or BigTIFF file.

    Raises:
        InputRefused: `truncated` when the file has no room for its head.
    """

    def __init__(self, file: BufferedReader) -> None:
        self.file = file
        self.size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(16)
        self.order = "<" if head[:2] == b"II" else ">"
        self.is_big = head[2:4] in (b"+\0", b"\0+")
        if len(head) < (16 if self.is_big else 8):
            raise InputRefused("truncated", "The file ends within its first bytes. Copy it again.")
        self.first = self._unpacked("Q", head[8:])[0] if self.is_big else self._unpacked("I", head[4:])[0]

    def directories(self) -> list[Directory]:
        """Those of the main chain, in order.

        Raises:
            InputRefused: `bad_offsets` for a chain that is circular, empty or leaves the file; `size_limit`.
        """
        found: list[Directory] = []
        seen, at = set(), self.first
        while at:
            if at in seen:
                raise InputRefused("bad_offsets", "The file's directories run in a circle. It is damaged. Export it again.")
            if len(found) >= LIMIT_DIRECTORIES:
                raise InputRefused("size_limit", f"The file has more than {LIMIT_DIRECTORIES} pages. So many are not read.")
            seen.add(at)
            directory, at = self.directory(at)
            found.append(directory)
        if not found:
            raise outside()
        return found

    def below(self, directory: Directory) -> Iterator[Directory]:
        """The directories that one refers to as its own."""
        for at in directory.numbers(SUB_DIRECTORIES)[:LIMIT_TAGS]:
            if at != directory.at:
                yield self.directory(int(at))[0]

    def directory(self, at: int) -> tuple[Directory, int]:
        """The directory at an offset, and the offset of the one after it."""
        count_form, entry_size, link_form = ("Q", 20, "Q") if self.is_big else ("H", 12, "I")
        count = self._unpacked(count_form, self._bytes(at, struct.calcsize(count_form)))[0]
        if count > LIMIT_TAGS:
            raise outside()
        begin = at + struct.calcsize(count_form)
        content = self._bytes(begin, count * entry_size + struct.calcsize(link_form))
        values = {}
        room = 8 if self.is_big else 4
        for index in range(count):
            entry = content[index * entry_size : (index + 1) * entry_size]
            tag, kind = self._unpacked("HH", entry)
            items = self._unpacked(link_form, entry[4:])[0]
            if kind not in _SIZES or tag in values:
                continue
            place = begin + (index + 1) * entry_size - room
            if items * _SIZES[kind] > room:
                place = self._unpacked(link_form, entry[-room:])[0]
            values[tag] = _Value(kind, items, place)
        return Directory(self, at, values), self._unpacked(link_form, content[count * entry_size :])[0]

    def value(self, value: _Value) -> bytes:
        """The bytes of a tag's value."""
        size = value.count * _SIZES[value.kind]
        if size > LIMIT_VALUE_BYTES and value.at + size <= self.size:
            raise InputRefused("size_limit", f"A tag of the file holds more than {LIMIT_VALUE_BYTES} bytes. So much is not read.")
        return self._bytes(value.at, size)

    def _bytes(self, at: int, size: int) -> bytes:
        if at < 8 or at + size > self.size:
            raise outside()
        self.file.seek(at)
        content = self.file.read(size)
        if len(content) < size:
            raise outside()
        return content

    def _unpacked(self, form: str, content: bytes) -> tuple[int, ...]:
        return struct.unpack_from(self.order + form, content)


def outside() -> InputRefused:
    """The refusal of an offset that leaves the file."""
    return InputRefused("bad_offsets", "The file points outside of itself: it is damaged, or was cut. Copy it again.")
