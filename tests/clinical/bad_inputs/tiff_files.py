"""Group 53: TIFF pictures and slides whose directories run in circles or point anywhere, and what a slide may lack or drop."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tests.clinical.bad_inputs import builders as b
from tests.clinical.bad_inputs.builders import one_file
from tests.clinical.bad_inputs.case import CANARY, NAME, Case
from tests.clinical.bad_inputs.dicom_pixels import SCENE, jpeg, jpeg_2000
from tests.clinical.bad_inputs.pictures import BLOCKS, LOSSY, saved

Array = np.ndarray[Any, Any]
WIDTH, HEIGHT, BITS, COMPRESSION, COLORS, SAYS = 256, 257, 258, 259, 262, 270
STRIPS, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES, X_RES, Y_RES, RES_UNIT = 273, 277, 278, 279, 282, 283, 296
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES, SUB = 322, 323, 324, 325, 330
_SHORT, _LONG, _TEXT, _FRACTION = 3, 4, 2, 5
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8}
TILE = 16
# A slide of 48 x 64 pixels in tiles of 16.
SLIDE = np.tile(np.stack([BLOCKS[:, :32]] * 3, axis=-1), (2, 2, 1))[:48].copy()
SLIDE[..., 1] = np.arange(64) * 3
_APERIO = "Aperio Image Library v11.2.1\r\n64x48 [0,0 64x48] (16x16) JPEG/RGB Q=70"


@dataclass(frozen=True)
class Page:
    """One directory: the tags (type, values) that it holds, and the pieces of its picture."""

    tags: Mapping[int, tuple[int, Sequence[Any]]]
    pieces: Sequence[bytes]
    tiled: bool = False
    offsets: Sequence[int] | None = None
    lengths: Sequence[int] | None = None
    changes: Mapping[int, tuple[int, Sequence[Any]] | None] = field(default_factory=dict)


def cases() -> list[Case]:
    """Group 53."""
    return [*_circles(), *_offsets(), *_sizes(), *_slides(), *_pictures()]


def tiff(*pages: Page, last: int | None = None, order: str = "<") -> bytes:
    """A TIFF file of pages one after the other; `last` replaces the 0 that ends the chain: an index of a page, or an offset."""
    content = bytearray((b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 0))
    link, starts = 4, []
    for page in pages:
        places = []
        for piece in page.pieces:
            places.append(len(content))
            content += piece + b"\0" * (len(piece) % 2)
        where, how_long = (TILES, TILE_BYTES) if page.tiled else (STRIPS, STRIP_BYTES)
        tags = {
            **page.tags,
            where: (_LONG, page.offsets if page.offsets is not None else places),
            how_long: (_LONG, page.lengths if page.lengths is not None else [len(piece) for piece in page.pieces]),
            **page.changes,
        }
        kept = sorted((tag, value) for tag, value in tags.items() if value is not None)
        starts.append(len(content))
        struct.pack_into(order + "I", content, link, len(content))
        beyond = len(content) + 2 + 12 * len(kept) + 4
        directory, after = struct.pack(order + "H", len(kept)), b""
        for tag, (kind, values) in kept:
            packed = _packed(kind, values, order)
            count = len(packed) // _SIZES[kind]
            if len(packed) > 4:
                after += packed + b"\0" * (len(packed) % 2)
                packed = struct.pack(order + "I", beyond + len(after) - len(packed) - len(packed) % 2)
            directory += struct.pack(order + "HHI", tag, kind, count) + packed.ljust(4, b"\0")
        link = len(content) + len(directory)
        content += directory + b"\0\0\0\0" + after
    if last is not None:
        struct.pack_into(order + "I", content, link, starts[last] if last < len(starts) else last)
    return bytes(content)


def _packed(kind: int, values: Sequence[Any], order: str) -> bytes:
    if kind == _TEXT:
        return "".join(values).encode() + b"\0"
    if kind == _FRACTION:
        return b"".join(struct.pack(order + "II", int(value * 1000), 1000) for value in values)
    return struct.pack(order + {1: "B", _SHORT: "H", _LONG: "I"}[kind] * len(values), *values)


def picture(pixels: Array = SCENE, *, per_strip: int = 8, order: str = "<", **more: Any) -> Page:
    """A page in strips, uncompressed."""
    strips = [
        pixels[at : at + per_strip].astype(pixels.dtype.newbyteorder(order)).tobytes() for at in range(0, len(pixels), per_strip)
    ]
    return Page({**_described(pixels), ROWS_PER_STRIP: (_SHORT, [per_strip])}, strips, **more)


def slide(pixels: Array = SLIDE, *, says: str = "", um_per_px: float | None = None, compression: int = 1, **more: Any) -> Page:
    """A page in tiles."""
    encode = {1: lambda tile: tile.tobytes(), 7: jpeg, 33005: jpeg_2000}[compression]
    places = [(y, x) for y in range(0, len(pixels), TILE) for x in range(0, pixels.shape[1], TILE)]
    tiles = [encode(np.ascontiguousarray(pixels[y : y + TILE, x : x + TILE])) for y, x in places]
    tags = {
        **_described(pixels),
        TILE_WIDTH: (_SHORT, [TILE]),
        TILE_HEIGHT: (_SHORT, [TILE]),
        COMPRESSION: (_SHORT, [compression]),
    }
    if compression == 7 and pixels.ndim == 3:
        tags[COLORS] = (_SHORT, [6])
    if says:
        tags[SAYS] = (_TEXT, [says])
    if um_per_px is not None:
        per_cm = 10_000 / um_per_px
        tags = {**tags, X_RES: (_FRACTION, [per_cm]), Y_RES: (_FRACTION, [per_cm]), RES_UNIT: (_SHORT, [3])}
    return Page(tags, tiles, tiled=True, **more)


def _described(pixels: Array) -> dict[int, tuple[int, Sequence[Any]]]:
    samples = 3 if pixels.ndim == 3 else 1
    return {
        WIDTH: (_LONG, [pixels.shape[1]]),
        HEIGHT: (_LONG, [pixels.shape[0]]),
        BITS: (_SHORT, [8 * pixels.itemsize] * samples),
        COMPRESSION: (_SHORT, [1]),
        COLORS: (_SHORT, [2 if samples == 3 else 1]),
        SAMPLES: (_SHORT, [samples]),
        305: (_TEXT, [CANARY]),
    }


def _one(name: str, content: bytes, code: str, behavior: Any = "refused", ending: str = "tif", **more: Any) -> Case:
    return one_file(53, name, content, code, behavior, f"{NAME}.{ending}", **more)


def _circles() -> list[Case]:
    page, other = picture(), picture(255 - SCENE)
    sub = tiff(picture(changes={SUB: (_LONG, [0])}))
    start = struct.unpack("<I", sub[4:8])[0]
    return [
        _one("directory_after_itself", tiff(page, last=0), "bad_offsets"),
        _one("two_directories_in_a_circle", tiff(page, other, last=0), "bad_offsets"),
        _one(
            "slide_in_a_circle",
            tiff(slide(um_per_px=0.5), slide(SLIDE[::2, ::2], um_per_px=1.0), last=0),
            "bad_offsets",
            ending="svs",
        ),
        _one("next_directory_outside", tiff(page, last=0x7FFFFFF0), "bad_offsets"),
        _one("first_directory_outside", b"II*\0" + struct.pack("<I", 0x7FFFFFF0) + b"\0" * 100, "bad_offsets"),
        _one(
            "first_directory_in_the_head",
            b"II*\0" + struct.pack("<I", 2) + b"\0" * 100,
            "bad_offsets",
            other_code="decode_failed",
        ),
        _one("no_directory", b"II*\0\0\0\0\0" + b"\0" * 100, "bad_offsets", other_code="decode_failed"),
        _one("sub_directory_is_itself", tiff(picture(changes={SUB: (_LONG, [start])})), "", "golden", values=SCENE),
        _one("directory_of_65535_tags", b"II*\0\x08\0\0\0\xff\xff" + b"\0" * 200, "bad_offsets", other_code="truncated"),
    ]


def _offsets() -> list[Case]:
    right = [8, 328, 648, 968]
    wrong = {
        "strip_behind_the_file": picture(offsets=[*right[:3], 0x7FFFFF00]),
        "strip_of_four_gigabytes": picture(lengths=[320, 320, 320, 0xFFFFFFFF]),
        "strips_too_few": picture(offsets=right[:2], lengths=[320] * 2),
        "no_strips": picture(changes={STRIPS: None, STRIP_BYTES: None}),
        "tile_behind_the_file": slide(um_per_px=0.5, offsets=[8] * 11 + [0x7FFFFF00]),
        "tile_of_two_gigabytes": slide(um_per_px=0.5, lengths=[768] * 11 + [0x7FFFFFFF]),
        "tiles_too_few": slide(um_per_px=0.5, offsets=[8] * 3, lengths=[768] * 3),
        "tiles_at_zero_length": slide(um_per_px=0.5, lengths=[0] * 12),
        "million_tiles_named_and_none_there": slide(um_per_px=0.5, changes={WIDTH: (_LONG, [16000]), HEIGHT: (_LONG, [16000])}),
    }
    outside = tiff(picture())
    at = outside.index(struct.pack("<HHI", STRIPS, _LONG, 4)) + 8
    far = outside[:at] + struct.pack("<I", 0x7FFFFF00) + outside[at + 4 :]
    big = b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**63) + b"\0" * 100
    return [
        *(_one(name, tiff(page), "bad_offsets", "refused_by_load") for name, page in wrong.items()),
        _one("list_of_strips_outside", far, "bad_offsets", "refused_by_load"),
        _one("big_directory_at_2_to_the_63", big, "bad_offsets"),
        _one("cut", tiff(picture())[:-40], "bad_offsets", "refused_by_load", other_code="truncated"),
    ]


def _sizes() -> list[Case]:
    def changed(**values: int) -> bytes:
        tags = {"width": WIDTH, "height": HEIGHT, "samples": SAMPLES, "bits": BITS, "compression": COMPRESSION}
        return tiff(picture(changes={tags[name]: (_LONG, [value]) for name, value in values.items()}))

    def million(folder: Path) -> None:
        tile = np.full((TILE, TILE), 77, dtype=np.uint8)
        tags = {
            **_described(np.zeros((16000, 16000), dtype=np.uint8)),
            TILE_WIDTH: (_SHORT, [TILE]),
            TILE_HEIGHT: (_SHORT, [TILE]),
            X_RES: (_FRACTION, [20000.0]),
            Y_RES: (_FRACTION, [20000.0]),
            RES_UNIT: (_SHORT, [3]),
        }
        page = Page(tags, [tile.tobytes()], tiled=True, offsets=[8] * 10**6, lengths=[256] * 10**6)
        b.put(folder, tiff(page), f"{NAME}.tif")

    squeezer = zlib.compressobj()
    bomb = squeezer.compress(SCENE.tobytes()) + squeezer.flush(zlib.Z_FULL_FLUSH) + b.zeros(2048) + b"\3\0"
    inflating = Page({**_described(SCENE), ROWS_PER_STRIP: (_SHORT, [32]), COMPRESSION: (_SHORT, [8])}, [bomb])
    return [
        _one("sides_of_four_billion", changed(width=2**32 - 1, height=2**32 - 1), "size_limit", other_code="bad_offsets"),
        _one("60000_by_60000", changed(width=60_000, height=60_000), "size_limit", other_code="bad_offsets"),
        _one("width_zero", changed(width=0), "bad_attribute", other_code="decode_failed"),
        _one("65535_samples", changed(samples=65535), "bad_attribute", "refused_by_load", other_code="decode_failed"),
        _one("7_bits", changed(bits=7), "bad_attribute", "refused_by_load", other_code="decode_failed"),
        _one(
            "compression_of_nobody",
            changed(compression=54321),
            "decode_failed",
            "refused_by_load",
            other_code="unsupported_codec",
        ),
        _one("damaged_lzw", _damaged(), "decode_failed", "refused_by_load"),
        _one("deflated_strip_of_two_gigabytes", tiff(inflating), "", "golden", values=SCENE),
        Case(
            53,
            "million_tiles",
            million,
            "",
            "golden",
            values=np.full((20, 40), 77),
            kind="slide",
            box_yxyx_px=(100, 200, 120, 240),
        ),
    ]


def _damaged() -> bytes:
    whole = bytearray(saved(SCENE, "TIFF", compression="tiff_lzw"))
    start = struct.unpack("<I", whole[4:8])[0]
    at = 8 if start > 400 else start + 200
    whole[at + 100 : at + 400] = b"\xff" * 300
    return bytes(whole)


def _slides() -> list[Case]:
    half = SLIDE[::2, ::2].copy()
    measured = f"{_APERIO}|AppMag = 20|MPP = 0.4990|Filename = {CANARY}|User = {CANARY}"
    svs = (slide(says=measured), slide(half, says=_APERIO))
    label = picture(np.stack([SCENE] * 3, axis=-1), changes={SAYS: (_TEXT, ["Aperio Image Library v11.2.1\r\nlabel 40x32"])})
    macro = picture(
        np.stack([SCENE[::-1]] * 3, axis=-1), changes={SAYS: (_TEXT, ["Aperio Image Library v11.2.1\r\nmacro 40x32"])}
    )
    thumbnail = picture(
        half, changes={SAYS: (_TEXT, ["Aperio Image Library v11.2.1\r\n64x48 -> 32x24 - |AppMag = 20|MPP = 0.4990"])}
    )
    of_jpeg, of_jpeg_2000 = (slide(says=measured, compression=kind) for kind in (7, 33005))
    seen = {"values": SLIDE, "kind": "slide"}
    placed = {**seen, "spacing_mm": (0.000499, 0.000499)}
    return [
        _one("slide_without_size", tiff(slide()), "no_mpp", "warned", spacing_mm="unknown", **seen),
        _one(
            "slide_with_size_zero",
            tiff(slide(says=measured.replace("0.4990", "0"))),
            "no_mpp",
            "warned",
            "svs",
            spacing_mm="unknown",
            **seen,
        ),
        _one(
            "slide_with_size_nan",
            tiff(slide(says=measured.replace("0.4990", "nan"))),
            "no_mpp",
            "warned",
            "svs",
            spacing_mm="unknown",
            **seen,
        ),
        _one("slide_with_size", tiff(*svs), "no_mpp", "golden", "svs", **placed),
        _one("slide_with_resolution", tiff(slide(um_per_px=0.5)), "no_mpp", "golden", spacing_mm=(0.0005, 0.0005), **seen),
        _one("label_and_macro", tiff(svs[0], thumbnail, svs[1], label, macro), "label_image_dropped", "warned", "svs", **placed),
        _one("slide_without_label_says_nothing", tiff(*svs), "label_image_dropped", "golden", "svs", **placed),
        _one("slide_of_jpeg", tiff(of_jpeg), "no_mpp", "golden", "svs", tolerance=3 * LOSSY, **placed),
        _one(
            "slide_of_jpeg_2000",
            tiff(of_jpeg_2000),
            "no_mpp",
            "golden",
            "svs",
            **placed,
        ),
    ]


def _pictures() -> list[Case]:
    deep = SCENE.astype(np.uint16) * 250 + 3
    colors = np.stack([SCENE, 255 - SCENE, SCENE // 2], axis=-1)
    golden = {"code": "", "behavior": "golden"}
    return [
        _one("strips_are_no_harm", tiff(picture()), values=SCENE, kind="image", **golden),
        _one("16_bits", tiff(picture(deep)), values=deep, **golden),
        _one("16_bits_high_byte_first", tiff(picture(deep, order=">"), order=">"), values=deep, **golden),
        _one("lzw", saved(SCENE, "TIFF", compression="tiff_lzw"), values=SCENE, **golden),
        _one("deflated", saved(deep, "TIFF", compression="tiff_adobe_deflate"), values=deep, **golden),
        _one("colors", tiff(picture(colors)), values=colors, **golden),
        _one("turned_6", tiff(picture(BLOCKS, changes={274: (_SHORT, [6])})), values=np.rot90(BLOCKS, -1), **golden),
        _one("two_pages", tiff(picture(), picture(255 - SCENE)), "first_frame_only", "warned", values=SCENE),
    ]
