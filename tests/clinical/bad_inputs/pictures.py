"""Group 52: PNG, JPEG, WebP and GIF pictures that are too large, too small, cut, damaged or unusual."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo
from tests.clinical.bad_inputs import builders as b
from tests.clinical.bad_inputs.builders import one_file
from tests.clinical.bad_inputs.case import CANARY, NAME, Case
from tests.clinical.bad_inputs.dicom_pixels import SCENE

Array = np.ndarray[Any, Any]
BLOCKS = np.kron(np.array([[10, 200, 90], [250, 60, 130]], dtype=np.uint8), np.ones((16, 16), dtype=np.uint8))  # 32 x 48
COLORS = np.stack([SCENE, 255 - SCENE, SCENE // 2], axis=-1)
COLORS_16 = COLORS.astype(np.uint16) * 256 + 99
LOSSY = 6.0


def cases() -> list[Case]:
    """Group 52."""
    return [*_sizes(), *_kinds(), *_animated(), *_png(), *_jpeg(), *_webp()]


def saved(pixels: Array, kind: str, **options: Any) -> bytes:
    """An array as Pillow writes it."""
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def chunk(name: bytes, content: bytes, *, length: int | None = None, sum_off: int = 0) -> bytes:
    """One chunk of a PNG."""
    checked = zlib.crc32(name + content) ^ sum_off
    return struct.pack(">I", len(content) if length is None else length) + name + content + struct.pack(">I", checked)


def png(
    width: int,
    height: int,
    data: bytes,
    *,
    depth: int = 8,
    color: int = 0,
    interlace: int = 0,
    between: bytes = b"",
    end: bool = True,
) -> bytes:
    """A PNG of compressed rows; `between` stands before them."""
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    ending = chunk(b"IEND", b"") if end else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + between + chunk(b"IDAT", data) + ending


def rows(pixels: Array, kind: int = 0) -> bytes:
    """Rows of a PNG with their filter bytes, compressed."""
    flat = pixels.astype(pixels.dtype.newbyteorder(">"))
    return zlib.compress(b"".join(bytes([kind]) + row.tobytes() for row in flat))


def _picture(name: str, content: bytes, code: str, behavior: Any = "refused", ending: str = "png", **more: Any) -> Case:
    return one_file(52, name, content, code, behavior, f"{NAME}.{ending}", **more)


def _sizes() -> list[Case]:
    small = zlib.compress(b"\0" * 100)
    tall = saved(np.zeros((60_000, 1), dtype=np.uint8) + 7, "PNG")
    tiny = np.array([[9]], dtype=np.uint8)
    huge = bytearray(saved(BLOCKS, "JPEG"))
    at = huge.index(b"\xff\xc0") + 5
    huge[at : at + 4] = struct.pack(">HH", 65500, 65500)
    text = b"ZZCANARY\0\0" + zlib.compress(b"\0" * 2**26)
    profile = b"ZZCANARY\0\0" + zlib.compress(b"\0" * 2**26)
    more = zlib.compressobj()
    overfull = (
        more.compress(b"".join(b"\0" + row.tobytes() for row in SCENE)) + more.flush(zlib.Z_FULL_FLUSH) + b.zeros(1024) + b"\3\0"
    )
    asked = {"code": "too_small", "behavior": "refused_by_ask"}
    return [
        _picture("png_60000_by_60000", png(60_000, 60_000, small), "size_limit"),
        _picture("png_of_two_billion", png(2**31 - 1, 2**31 - 1, small), "size_limit"),
        _picture("png_side_of_zero", png(0, 10, small), "bad_attribute", other_code="decode_failed"),
        _picture("png_side_of_four_billion", png(2**32 - 1, 1, small), "size_limit", other_code="decode_failed"),
        _picture("jpeg_65500_by_65500", bytes(huge), "size_limit", ending="jpg"),
        _picture(
            "png_text_that_inflates",
            png(40, 32, rows(SCENE), between=chunk(b"zTXt", text)),
            "decompression_limit",
            "golden_or_refused",
            values=SCENE,
            other_code="decode_failed",
        ),
        _picture(
            "png_profile_that_inflates",
            png(40, 32, rows(SCENE), between=chunk(b"iCCP", profile)),
            "decompression_limit",
            "golden_or_refused",
            values=SCENE,
            other_code="decode_failed",
        ),
        _picture("png_rows_that_never_end", png(40, 32, overfull), "", "golden", values=SCENE),
        _picture("png_1_by_1", saved(tiny, "PNG"), **asked),
        _picture("jpeg_1_by_1", saved(tiny, "JPEG"), ending="jpg", **asked),
        _picture("png_1_by_60000", tall, **asked),
        _picture("png_15_by_40", saved(SCENE[:15], "PNG"), **asked),
        _picture("png_1_by_1_is_read", saved(tiny, "PNG"), "", "golden", values=tiny),
        _picture("png_1_by_60000_is_read", tall, "", "golden", values=np.full((60_000, 1), 7)),
    ]


def _kinds() -> list[Case]:
    deep = SCENE.astype(np.uint16) * 250 + 3
    see_through = np.dstack([COLORS, np.full(SCENE.shape, 128, dtype=np.uint8)])
    indexed = Pillow.fromarray(SCENE // 64)
    indexed.putpalette([value for index in range(4) for value in (index * 60, 255 - index * 60, 9)])
    file = io.BytesIO()
    indexed.save(file, "PNG", transparency=0)
    steps = (SCENE // 64)[..., None].astype(int)
    by_palette = np.concatenate([steps * 60, 255 - steps * 60, steps * 0 + 9], axis=-1)
    bits = (SCENE > 100).astype(np.uint8)
    packed = np.packbits(bits, axis=1)
    ink = np.zeros((32, 48, 4), dtype=np.uint8)
    ink[..., 3] = BLOCKS  # black ink alone: gray is what it leaves of white
    printed = io.BytesIO()
    Pillow.fromarray(ink, mode="CMYK").save(printed, "JPEG", quality=100)
    gray = np.dstack([255 - BLOCKS] * 3)
    turns = {
        1: BLOCKS, 2: BLOCKS[:, ::-1], 3: BLOCKS[::-1, ::-1], 4: BLOCKS[::-1],
        5: BLOCKS.T, 6: np.rot90(BLOCKS, -1), 7: np.rot90(BLOCKS, 2).T, 8: np.rot90(BLOCKS),
    }  # fmt: skip
    turned = [
        _picture(
            f"jpeg_turned_{turn}",
            saved(BLOCKS, "JPEG", quality=95, exif=_exif(turn)),
            "",
            "golden",
            "jpg",
            values=wanted,
            tolerance=LOSSY,
        )
        for turn, wanted in turns.items()
    ]
    said = PngInfo()
    said.add_text("Comment", CANARY)
    layers = io.BytesIO()
    Pillow.fromarray(np.dstack([SCENE, SCENE])).save(layers, "PNG")
    return [
        *turned,
        _picture(
            "jpeg_turn_of_nobody",
            saved(BLOCKS, "JPEG", quality=95, exif=_exif(99)),
            "",
            "golden",
            "jpg",
            values=BLOCKS,
            tolerance=LOSSY,
        ),
        _picture("png_turned_6", saved(BLOCKS, "PNG", exif=_exif(6)), "", "golden", values=np.rot90(BLOCKS, -1)),
        _picture("png_16_bits", saved(deep, "PNG"), "", "golden", values=deep),
        _picture(
            "png_16_bits_in_color",
            png(40, 32, _color_rows(), depth=16, color=2),
            "depth_reduced",
            "warned",
            values=COLORS_16 >> 8,
        ),
        _picture("png_1_bit", png(40, 32, rows(packed), depth=1), "", "golden", values=bits * 255),
        _picture("png_palette", file.getvalue(), "transparency_dropped", "warned", values=by_palette),
        _picture("png_see_through", saved(see_through, "PNG"), "transparency_dropped", "warned", values=COLORS),
        _picture("png_gray_see_through", layers.getvalue(), "transparency_dropped", "warned", values=SCENE),
        _picture("png_with_a_name_in_it", saved(SCENE, "PNG", pnginfo=said), "", "golden", values=SCENE),
        _picture(
            "jpeg_with_a_name_in_it",
            saved(BLOCKS, "JPEG", quality=95, comment=CANARY.encode()),
            "",
            "golden",
            "jpg",
            values=BLOCKS,
            tolerance=LOSSY,
        ),
        _picture("jpeg_cmyk", printed.getvalue(), "", "golden", "jpg", values=gray, tolerance=LOSSY),
        _picture(
            "jpeg_progressive",
            saved(BLOCKS, "JPEG", quality=95, progressive=True),
            "",
            "golden",
            "jpeg",
            values=BLOCKS,
            tolerance=LOSSY,
        ),
        _picture("webp", saved(COLORS, "WEBP", lossless=True), "", "golden", "webp", values=COLORS),
    ]


def _color_rows() -> bytes:
    return rows(COLORS_16.reshape(32, -1))


def _exif(turn: int) -> Pillow.Exif:
    exif = Pillow.Exif()
    exif[0x0112] = turn
    exif[0x010E] = CANARY
    return exif


def _animated() -> list[Case]:
    frames = [Pillow.fromarray(COLORS), Pillow.fromarray(COLORS[::-1]), Pillow.fromarray(COLORS[:, ::-1])]

    def moving(kind: str, **options: Any) -> bytes:
        file = io.BytesIO()
        frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=100, **options)
        return file.getvalue()

    return [
        _picture("apng", moving("PNG"), "first_frame_only", "warned", values=COLORS),
        _picture("webp_animated", moving("WEBP", lossless=True), "first_frame_only", "warned", "webp", values=COLORS),
    ]


def _png() -> list[Case]:
    whole = saved(SCENE, "PNG")
    data = whole.index(b"IDAT")
    bad_filter = png(40, 32, rows(SCENE, kind=9))
    few = png(40, 32, zlib.compress(b"".join(b"\0" + row.tobytes() for row in SCENE[:20])))
    wrong_sum = (
        png(40, 32, b"", end=False)[: -len(chunk(b"IDAT", b""))] + chunk(b"IDAT", rows(SCENE), sum_off=5) + chunk(b"IEND", b"")
    )
    head = struct.pack(">IIBBBBB", 40, 32, 8, 0, 0, 0, 0)
    head_sum = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head, sum_off=1) + whole[33:]
    cut = {"signature": whole[:8], "head": whole[:20], "before_the_rows": whole[:33], "in_the_rows": whole[: data + 60],
           "before_the_end": whole[:-12]}  # fmt: skip
    damaged = {
        "sum_of_the_head": head_sum,
        "filter_of_nobody": bad_filter,
        "rows_of_noise": png(40, 32, bytes(range(256))),
        "depth_of_3": png(40, 32, rows(SCENE), depth=3),
        "color_of_5": png(40, 32, rows(SCENE), color=5),
        "chunk_of_two_gigabytes": png(40, 32, rows(SCENE), between=chunk(b"tEXt", b"a", length=0x7FFFFFFF)),
        "palette_missing": png(40, 32, rows(SCENE), color=3),
    }
    either = {"other_code": "decode_failed"}
    return [
        *(
            _picture(f"png_cut_{name}", content, "truncated", "refused_by_load", **_in_head(name))
            for name, content in cut.items()
        ),
        *(
            _picture(f"png_{name}", content, "decode_failed", "refused_by_load", other_code="truncated")
            for name, content in damaged.items()
        ),
        _picture("png_sum_of_the_rows", wrong_sum, "decode_failed", "golden_or_refused", values=SCENE),
        _picture("png_rows_too_few", few, "truncated", "refused_by_load", **either),
    ]


def _jpeg() -> list[Case]:
    whole, stepwise = (saved(SCENE, "JPEG", quality=95, progressive=value) for value in (False, True))
    scan = whole.index(b"\xff\xda") + 10
    tables = whole.index(b"\xff\xc4")
    no_tables = whole[:tables] + whole[whole.index(b"\xff\xda") :]
    no_size = whole[: whole.index(b"\xff\xc0")] + whole[tables:]
    cut = {"head": whole[:15], "before_the_scan": whole[: scan - 12], "in_the_scan": whole[: scan + 80],
           "progressive": stepwise[: len(stepwise) // 2], "end_missing": whole[:-2]}  # fmt: skip
    damaged = {
        "without_a_size": no_size,
        "of_12_bits": whole.replace(b"\xff\xc0\x00\x0b\x08", b"\xff\xc0\x00\x0b\x0c"),
    }
    odd = {
        "of_arithmetic_codes": whole.replace(b"\xff\xc0", b"\xff\xc9"),
        "segment_without_length": whole[:2] + b"\xff\xe1\0\0" + whole[2:],
    }
    return [
        _picture("jpeg_of_the_usual_tables", no_tables, "", "golden", "jpg", values=SCENE, tolerance=LOSSY),
        *(_picture(f"jpeg_{name}", content, "", "survived", "jpg") for name, content in odd.items()),
        *(
            _picture(f"jpeg_cut_{name}", content, "truncated", "refused_by_load", "jpg", **_in_head(name))
            for name, content in cut.items()
        ),
        *(
            _picture(f"jpeg_{name}", content, "decode_failed", "refused_by_load", "jpg", other_code="truncated")
            for name, content in damaged.items()
        ),
        *(_picture(f"jpeg_bits_flipped_{seed}", _flipped(whole, scan, seed), "", "survived", "jpg") for seed in range(3)),
    ]


def _in_head(cut: str) -> dict[str, str]:
    """A head that ends early may as well be called damaged."""
    return {"other_code": "decode_failed"} if cut in ("head", "before_the_scan", "before_the_rows") else {}


def _flipped(content: bytes, start: int, seed: int) -> bytes:
    changed = bytearray(content)
    for place in np.random.default_rng(seed).integers(start, len(content) - 2, 6):
        changed[place] ^= 1 << (place % 8)
    return bytes(changed)


def _webp() -> list[Case]:
    whole = saved(COLORS, "WEBP", lossless=True)
    return [
        _picture("webp_cut", whole[: len(whole) // 2], "truncated", "refused_by_load", "webp", other_code="decode_failed"),
        _picture("webp_cut_in_the_head", whole[:20], "truncated", "refused_by_load", "webp", other_code="decode_failed"),
        _picture("webp_bits_flipped", _flipped(whole, 40, 1), "", "survived", "webp"),
    ]
