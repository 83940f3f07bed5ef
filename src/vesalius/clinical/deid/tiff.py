"""TIFF pictures and slides: written anew with the tags that decoding needs, pixels copied strip by strip and tile by tile.

Descriptions, names, dates, EXIF, XMP and everything else goes. Of a slide the pages that are not tiled are dropped: label,
overview and thumbnail, which may show a name. The pixel size that Aperio writes into a description becomes a resolution.

Source: TIFF 6.0, Adobe 1992, section 2; BigTIFF as libtiff describes it.
"""

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

from vesalius.clinical.deid import codestream, icc, raster
from vesalius.clinical.deid.rules import Rules
from vesalius.clinical.deid.told import Told
from vesalius.errors import InputRefused

MOST_PAGES, MOST_ENTRIES = 10_000, 4096
MOST_KEPT_BYTES = 256
LIMIT_VALUE_BYTES = 2**28

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_RATIONAL, _PALETTE = 5, 320
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}
# Sizes, bits, compression, meaning, strips, turn, samples, resolution, fax, predictor, palette, tiles, alpha, format, YCbCr.
_KEPT = frozenset(
    [
        *(254, 256, 257, 258, 259, 262, 266, 274, 277, 278, 282, 283, 284, 292, 293, 296, 297),
        *(317, 320, 322, 323, 338, 339),
        *range(529, 533),
    ]
)
_DESCRIPTION, _STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES, _TABLES, _PROFILE = 270, 273, 279, 324, 325, 347, 34675
_COMPRESSION, _TILE_WIDTH, _X_RESOLUTION, _Y_RESOLUTION, _UNIT = 259, 322, 282, 283, 296
_OLD_JPEG, _HAMAMATSU = 6, 65420
_WITH_MARKERS = frozenset({7, 33003, 33005, 34712})
_APERIO_MPP = re.compile(rb"MPP\s*=\s*([0-9]{1,3}(?:\.[0-9]{1,8})?)")

Entry = tuple[int, int, bytes]  # type, count, value


@dataclass(frozen=True)
class Page:
    """One directory: its entries by tag, how its pixels are compressed, and where they lie."""

    entries: dict[int, Entry]
    compression: int
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]


def clean(source: BinaryIO, target: BinaryIO, rules: Rules) -> Told:
    """Write the pictures alone; as `dicom.clean`.

    Raises:
        InputRefused: `bad_offsets`, `truncated`, `not_cleanable` (Hamamatsu's slides, old JPEG, rectangles on many pages).
    """
    try:
        order, is_big, pages = _read(source)
    except (struct.error, EOFError):
        raise _bad_offsets() from None
    kept = _shown(pages)
    has_levels = _has_levels(kept)
    if rules.black_out_xyxy_px and not has_levels:
        return _blackened(source, target, rules, pages)
    _write(source, target, order, is_big, kept)
    return Told(".tif", cleaned=("label_pages",) if len(kept) < len(pages) else (), is_at_risk=not has_levels)


def side_matter(source: BinaryIO) -> bool:
    """Whether there is a tag or a page that `clean` would drop."""
    _, _, pages = _read(source)
    needed = {_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES, _TABLES, _PROFILE}
    entries = [(tag, entry) for page in pages for tag, entry in page.entries.items() if tag not in needed]
    return len(_shown(pages)) < len(pages) or not all(_is_kept(tag, entry) for tag, entry in entries)


def is_slide(source: BinaryIO) -> bool:
    """Whether the file holds one picture in several levels of tiles."""
    return _has_levels(_read(source)[2])


def _has_levels(pages: list[Page]) -> bool:
    return len(pages) > 1 and all(_TILE_WIDTH in page.entries for page in pages)


def _blackened(source: BinaryIO, target: BinaryIO, rules: Rules, pages: list[Page]) -> Told:
    if len(pages) > 1:
        raise InputRefused(
            "not_cleanable", "The TIFF has several pages. One set of rectangles does not fit all of them. Export single pictures."
        )
    source.seek(0)
    return raster.clean(source, target, rules)


def _shown(pages: list[Page]) -> list[Page]:
    """The pages to keep: all, or those that are tiled where the first one is."""
    if any(_HAMAMATSU in page.entries for page in pages) or any(page.compression == _OLD_JPEG for page in pages):
        raise InputRefused(
            "not_cleanable",
            "This kind of TIFF keeps its pictures in its maker's own way. It cannot be written anew. It was left out.",
        )
    return [page for page in pages if _TILE_WIDTH in page.entries] if _TILE_WIDTH in pages[0].entries else pages


def _read(source: BinaryIO) -> tuple[str, bool, list[Page]]:
    """Order of bytes, whether it is BigTIFF, and all pages."""
    source.seek(0, 2)
    end = source.tell()
    source.seek(0)
    head = source.read(16)
    order = "<" if head.startswith(b"II") else ">"
    is_big = struct.unpack_from(order + "H", head, 2)[0] == 43
    (place,) = struct.unpack_from(order + ("Q" if is_big else "I"), head, 8 if is_big else 4)
    pages: list[Page] = []
    seen: set[int] = set()
    while place:
        if place in seen or place >= end or len(pages) >= MOST_PAGES:
            raise _bad_offsets()
        seen.add(place)
        page, place = _page(source, place, order, is_big, end)
        pages.append(page)
    if not pages:
        raise _bad_offsets()
    return order, is_big, pages


def _page(source: BinaryIO, place: int, order: str, is_big: bool, end: int) -> tuple[Page, int]:
    count_form, entry_bytes, inline, form = ("Q", 20, 8, "HHQ") if is_big else ("H", 12, 4, "HHI")
    source.seek(place)
    (count,) = struct.unpack(order + count_form, source.read(struct.calcsize(order + count_form)))
    if count > MOST_ENTRIES:
        raise _bad_offsets()
    table = source.read(count * entry_bytes)
    (following,) = struct.unpack(order + ("Q" if is_big else "I"), source.read(inline))
    entries: dict[int, Entry] = {}
    for index in range(count):
        tag, kind, number = struct.unpack_from(order + form, table, index * entry_bytes)
        size = _SIZES.get(kind, 0) * number
        value = table[index * entry_bytes + entry_bytes - inline : (index + 1) * entry_bytes]
        if size > inline:
            (offset,) = struct.unpack(order + ("Q" if is_big else "I"), value)
            if offset + size > end or size > LIMIT_VALUE_BYTES:
                raise _bad_offsets()
            source.seek(offset)
            value = source.read(size)
        if tag not in entries and size:
            entries[tag] = (kind, number, value[:size])
    offsets = _numbers(entries.get(_TILES) or entries.get(_STRIPS), order)
    sizes = _numbers(entries.get(_TILE_BYTES) or entries.get(_STRIP_BYTES), order)
    if not offsets or len(offsets) != len(sizes) or any(at + size > end for at, size in zip(offsets, sizes, strict=True)):
        raise _bad_offsets()
    resolution = _APERIO_MPP.search(entries.get(_DESCRIPTION, (2, 0, b""))[2])
    if resolution and float(resolution[1]) > 0:
        per_cm = struct.pack(order + "II", round(1e4 / float(resolution[1]) * 1000), 1000)
        entries |= {_X_RESOLUTION: (5, 1, per_cm), _Y_RESOLUTION: (5, 1, per_cm), _UNIT: (3, 1, struct.pack(order + "H", 3))}
    compression = (*_numbers(entries.get(_COMPRESSION), order), 1)[0]
    return Page(entries, compression, offsets, sizes), int(following)


def _write(source: BinaryIO, target: BinaryIO, order: str, is_big: bool, pages: list[Page]) -> None:
    """Pixels first, then the directories; the head, which points to the first, is written last."""
    source.seek(0, 2)
    is_big = is_big or source.tell() > 2**32 - 2**24
    mark = b"II" if order == "<" else b"MM"
    word = "Q" if is_big else "I"
    target.write(bytes(16))
    link = 8 if is_big else 4
    for page in pages:
        offsets, sizes = _copy_pixels(source, target, page)
        entries = {tag: entry for tag, entry in page.entries.items() if _is_kept(tag, entry)}
        entries |= _side_entries(page)
        is_tiled = _TILE_WIDTH in page.entries
        code, kind = (16, "Q") if is_big else (4, "I")
        for tag, numbers in ((_TILES if is_tiled else _STRIPS, offsets), (_TILE_BYTES if is_tiled else _STRIP_BYTES, sizes)):
            entries[tag] = (code, len(numbers), struct.pack(f"{order}{len(numbers)}{kind}", *numbers))
        placed = _place_values(target, entries, order, is_big)
        start = _even(target)
        target.write(struct.pack(order + ("Q" if is_big else "H"), len(placed)) + b"".join(placed))
        following = target.tell()
        target.write(struct.pack(order + word, 0))
        end = target.tell()
        target.seek(link)
        target.write(struct.pack(order + word, start))
        target.seek(end)
        link = following
    target.seek(0)
    target.write(mark + struct.pack(order + "HHH", 43, 8, 0) if is_big else mark + struct.pack(order + "H", 42))
    target.seek(0, 2)


def _is_kept(tag: int, entry: Entry) -> bool:
    """Whether a tag is needed and holds what such a tag holds: numbers, and no more of them than decoding takes."""
    kind, _, value = entry
    return tag in _KEPT and (kind in _INTEGERS or kind == _RATIONAL) and (tag == _PALETTE or len(value) <= MOST_KEPT_BYTES)


def _copy_pixels(source: BinaryIO, target: BinaryIO, page: Page) -> tuple[list[int], list[int]]:
    has_markers = page.compression in _WITH_MARKERS
    offsets, sizes = [], []
    for at, size in zip(page.offsets, page.sizes, strict=True):
        source.seek(at)
        content = source.read(size)
        try:
            content = bytes(codestream.blanked(content)) if has_markers else content
        except ValueError:
            raise InputRefused(
                "decode_failed", "A tile's compressed stream is damaged. It cannot be searched for texts."
            ) from None
        offsets.append(_even(target) if size else 0)
        sizes.append(size)
        target.write(content)
    return offsets, sizes


def _side_entries(page: Page) -> dict[int, Entry]:
    """The tables that compressed tiles share, and the color profile, both without words."""
    entries: dict[int, Entry] = {}
    if _TABLES in page.entries:
        kind, count, value = page.entries[_TABLES]
        entries[_TABLES] = (kind, count, bytes(codestream.blanked(value)))
    profile = icc.blanked(page.entries[_PROFILE][2]) if _PROFILE in page.entries else None
    if profile is not None:
        entries[_PROFILE] = (7, len(profile), profile)
    return entries


def _place_values(target: BinaryIO, entries: dict[int, Entry], order: str, is_big: bool) -> list[bytes]:
    """Write the values that do not fit into their entries; the entries in the order of their tags."""
    inline, form, word = (8, "HHQ", "Q") if is_big else (4, "HHI", "I")
    placed = []
    for tag in sorted(entries):
        kind, count, value = entries[tag]
        if len(value) > inline:
            start = _even(target)
            target.write(value)
            value = struct.pack(order + word, start)
        placed.append(struct.pack(order + form, tag, kind, count) + value.ljust(inline, b"\0"))
    return placed


def _even(target: BinaryIO) -> int:
    if target.tell() % 2:
        target.write(b"\0")
    return target.tell()


def _numbers(entry: Entry | None, order: str) -> tuple[int, ...]:
    if entry is None or entry[0] not in _INTEGERS:
        return ()
    return struct.unpack(f"{order}{entry[1]}{_INTEGERS[entry[0]]}", entry[2])


def _bad_offsets() -> InputRefused:
    return InputRefused(
        "bad_offsets",
        "The file's directories or pixels point outside the file or in a circle. They cannot be followed. Export it again.",
    )
