"""Where the frames of compressed pixels begin: fragments walked once, and offset tables believed only when they fit.

Source: DICOM PS3.5, A.4 (fragments and the basic offset table), PS3.3, C.7.6.3.1.8 (the extended one).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedReader
from itertools import pairwise

from vesalius.clinical.dicom.file import pixel_data_short
from vesalius.errors import InputRefused

LIMIT_FRAGMENTS = 200_000
_HEAD_BYTES = 8
_ITEM, _END = 0xE000, 0xE0DD
# How a compressed frame begins: JPEG and JPEG-LS, JPEG 2000 as a bare stream, JPEG 2000 in its container.
_BEGINNINGS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")


@dataclass(frozen=True)
class Fragments:
    """The items of a pixel element.

    Attributes:
        table: the value of the first one, the basic offset table.
        begins: where each of the others begins, with its head of 8 bytes; only those that are whole.
        cut: where one begins that the file holds a part of only.
        end: behind the mark at the end of the element; None when the file ends before it.
    """

    table: bytes
    begins: tuple[int, ...]
    cut: int | None
    end: int | None


@dataclass(frozen=True)
class Frames:
    """Where frames begin.

    Attributes:
        begins: the first fragment of each whole frame, and behind the last one the place where it ends.
        are_as_stated: their number is the one of the header.
        end: of the pixel element; None when the file ends before it.
    """

    begins: tuple[int, ...]
    are_as_stated: bool
    end: int | None

    @property
    def count(self) -> int:
        """How many whole frames there are."""
        return len(self.begins) - 1


def frames_of(
    file: BufferedReader, begin: int, size: int, *, stated: int, is_runs: bool, extended: tuple[bytes, bytes] | None
) -> Frames:
    """Find the frames of the compressed pixels whose value begins at `begin`; none of them is read.

    Args:
        file: what the pixels lie in.
        begin: of the pixel element's value.
        size: of the file.
        stated: the number of frames by the header.
        is_runs: run lengths, where a frame is always one fragment.
        extended: the values of the extended offset table and of its lengths.

    Raises:
        InputRefused: `bad_offsets`, `size_limit`, or `pixel_data_short` when no frame is whole.
    """
    fragments = walk_fragments(file, begin, size)
    if not fragments.begins:
        raise pixel_data_short() if fragments.cut is not None or fragments.end is None else _bad_offsets()
    offsets = _offsets(file, fragments, extended)
    starts = _untabled(file, fragments, stated, is_runs=is_runs) if offsets is None else _tabled(fragments, offsets, stated)
    # Without the mark at the end further pieces of the last frame could have followed: it counts as cut.
    begins = tuple(starts) if fragments.end is None else (*starts, _last_end(file, fragments))
    count = len(begins) - 1
    if count < 1:
        raise pixel_data_short()
    return Frames(begins[: stated + 1], count == stated, fragments.end)


def walk_fragments(file: BufferedReader, begin: int, size: int) -> Fragments:
    """Step over the items from head to head.

    Raises:
        InputRefused: `bad_offsets` when what follows an item is none; `size_limit` above 200,000 of them.
    """
    table, at = b"", begin
    begins: list[int] = []
    while True:
        file.seek(at)
        head = file.read(_HEAD_BYTES)
        if len(head) < _HEAD_BYTES:
            return Fragments(table, tuple(begins), at if head and begins else None, None)
        group, element, length = struct.unpack("<HHI", head)
        if (group, element) == (0xFFFE, _END):
            return Fragments(table, tuple(begins), None, at + _HEAD_BYTES)
        if (group, element) != (0xFFFE, _ITEM):
            raise _bad_offsets()
        if length > size - at - _HEAD_BYTES:
            return Fragments(table, tuple(begins), at, None)
        if at == begin:
            if length > 4 * LIMIT_FRAGMENTS:
                raise _bad_offsets()
            table = file.read(length)
        else:
            begins.append(at)
        if len(begins) > LIMIT_FRAGMENTS:
            raise InputRefused(
                "size_limit", f"The pixels lie in more than {LIMIT_FRAGMENTS} pieces. No picture needs as many. None was read."
            )
        at += _HEAD_BYTES + length


def read_frame(file: BufferedReader, begin: int, end: int) -> bytes:
    """The compressed bytes of one frame: its fragments, joined."""
    pieces, at = [], begin
    while at < end:
        file.seek(at)
        head = file.read(_HEAD_BYTES)
        length = int.from_bytes(head[4:], "little")
        pieces.append(file.read(min(length, end - at - _HEAD_BYTES)))
        at += _HEAD_BYTES + length
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _offsets(file: BufferedReader, fragments: Fragments, extended: tuple[bytes, bytes] | None) -> list[int] | None:
    """Where a table says that frames begin, counted from the first fragment; None without a table."""
    if extended is None:
        if len(fragments.table) % 4:
            raise _bad_offsets()
        return [value for (value,) in struct.iter_unpack("<I", fragments.table)] or None
    offsets, lengths = extended
    if len(offsets) % 8 or len(offsets) != len(lengths) or fragments.table:
        raise _bad_offsets()
    starts = [value for (value,) in struct.iter_unpack("<Q", offsets)]
    known = {begin - fragments.begins[0]: begin for begin in fragments.begins}
    for start, (length,) in zip(starts, struct.iter_unpack("<Q", lengths), strict=True):
        if start in known:
            file.seek(known[start] + 4)
            if not 0 < length <= int.from_bytes(file.read(4), "little"):
                raise _bad_offsets()
    return starts or None


def _tabled(fragments: Fragments, offsets: Sequence[int], stated: int) -> list[int]:
    """The first fragment of each frame by a table; it must name fragments only, in order, from the first on."""
    first = fragments.begins[0]
    known = {*fragments.begins, *([] if fragments.cut is None else [fragments.cut])}
    starts = [first + offset for offset in offsets]
    if fragments.end is None:  # what the file does not reach any more cannot be checked
        starts = [start for start in starts if start <= max(known)]
    is_rising = all(one < other for one, other in pairwise(starts))
    if not starts or starts[0] != first or not is_rising or not known.issuperset(starts):
        raise _bad_offsets()
    # A table that disagrees with the header is believed when every fragment is a frame by it.
    if len(offsets) != stated and fragments.end is not None and len(offsets) != len(fragments.begins):
        raise _bad_offsets()
    return starts


def _untabled(file: BufferedReader, fragments: Fragments, stated: int, *, is_runs: bool) -> list[int]:
    """The first fragment of each frame where nothing says so: each one, or each that begins like a frame."""
    pieces = [*fragments.begins, *([] if fragments.cut is None else [fragments.cut])]
    if len(pieces) == stated or (is_runs and stated > 1):
        return pieces
    beginning = [at for at in pieces if _begins_a_frame(file, at)]
    if beginning[:1] == pieces[:1]:
        return beginning
    if stated > 1:
        raise _bad_offsets()
    return pieces[:1]


def _begins_a_frame(file: BufferedReader, at: int) -> bool:
    file.seek(at + _HEAD_BYTES)
    return file.read(8).startswith(_BEGINNINGS)


def _last_end(file: BufferedReader, fragments: Fragments) -> int:
    file.seek(fragments.begins[-1] + 4)
    return fragments.begins[-1] + _HEAD_BYTES + int.from_bytes(file.read(4), "little")


def _bad_offsets() -> InputRefused:
    return InputRefused(
        "bad_offsets",
        "The compressed pixels' table of frames is wrong, or holds none. Frames would be mixed up. Export it again.",
    )
