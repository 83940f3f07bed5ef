import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from vesalius.clinical.images import open_image
from vesalius.clinical.signatures import PNG, types_of
from vesalius.errors import InputRefused

GRAY = np.arange(35, dtype=np.uint8).reshape(5, 7)
COLORS = np.stack([GRAY, 255 - GRAY, GRAY * 7], axis=-1)


def codes(path: Path) -> set[str]:
    return {warning.code for warning in open_image(path, spacing_mm=(1, 1)).warnings}


def save(path: Path, picture: Pillow.Image, **options: Any) -> Path:
    picture.save(path, **options)
    return path


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, rows: bytes, *, depth: int = 8, color: int = 0, interlace: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    return PNG + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_gray_pictures_keep_their_depth(tmp_path: Path, dtype: type) -> None:
    values = GRAY.astype(dtype) * (1000 if dtype is np.uint16 else 1)
    image = open_image(save(tmp_path / "a.png", Pillow.fromarray(values)))
    assert (image.shape, image.channels) == ((5, 7), 1)
    assert image.load().dtype == dtype
    np.testing.assert_array_equal(image.load(), values)


def test_gray_stored_as_rgb_stays_rgb(tmp_path: Path) -> None:
    image = open_image(save(tmp_path / "a.jpg", Pillow.fromarray(GRAY).convert("RGB")))
    assert (image.channels, image.load().shape) == (3, (5, 7, 3))


@pytest.mark.parametrize("mode", ["P", "CMYK", "1", "LA", "RGBA"])
def test_other_modes_become_gray_or_rgb(tmp_path: Path, mode: str) -> None:
    picture = Pillow.fromarray(GRAY).convert("RGBA" if mode == "RGBA" else mode)
    image = open_image(save(tmp_path / "a", picture, format="JPEG" if mode == "CMYK" else "PNG"))
    channels = 1 if mode in ("1", "LA") else 3
    assert image.channels == channels
    assert image.load().shape == ((5, 7) if channels == 1 else (5, 7, 3))
    assert image.load().dtype == np.uint8


def test_dropped_transparency_is_said(tmp_path: Path) -> None:
    assert "transparency_dropped" in codes(save(tmp_path / "a.png", Pillow.fromarray(GRAY).convert("RGBA")))
    assert codes(save(tmp_path / "b.png", Pillow.fromarray(GRAY))) == set()


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "MPO"])
def test_a_second_frame_is_said(tmp_path: Path, file_format: str) -> None:
    smooth = np.full((16, 16, 3), (200, 120, 60), dtype=np.uint8)
    frames = [Pillow.fromarray(smooth), Pillow.fromarray(255 - smooth)]
    path = save(tmp_path / "a", frames[0], format=file_format, save_all=True, append_images=frames[1:])
    assert codes(path) == {"first_frame_only"}
    np.testing.assert_allclose(open_image(path).load().astype(int), smooth, atol=6)


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "BMP"])
def test_colors_are_those_of_the_file(tmp_path: Path, file_format: str) -> None:
    options = {"lossless": True} if file_format == "WEBP" else {}
    path = save(tmp_path / "a", Pillow.fromarray(COLORS), format=file_format, **options)
    np.testing.assert_array_equal(open_image(path).load(), COLORS)
    assert codes(path) == set()


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_bitmaps_of_few_colors_are_read(tmp_path: Path, mode: str) -> None:
    picture = Pillow.fromarray(COLORS).convert(mode)
    image = open_image(save(tmp_path / "a.bmp", picture))
    np.testing.assert_array_equal(image.load(), np.asarray(picture.convert("RGB" if image.channels == 3 else "L")))


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_gray_of_few_bits_runs_from_black_to_white(tmp_path: Path, depth: int) -> None:
    levels = np.arange(2**depth, dtype=np.uint8)
    bits = np.unpackbits(levels[:, None], axis=1)[:, -depth:].reshape(-1)
    row = np.packbits(bits).tobytes()
    path = tmp_path / "a.png"
    path.write_bytes(png(len(levels), 1, b"\0" + row, depth=depth))
    np.testing.assert_array_equal(open_image(path).load()[0], np.linspace(0, 255, 2**depth).astype(np.uint8))


def test_colors_of_16_bits_lose_their_lower_half_and_that_is_said(tmp_path: Path) -> None:
    deep = (COLORS.astype(np.uint16) * 256 + 99).astype(">u2")
    path = tmp_path / "a.png"
    path.write_bytes(png(7, 5, b"".join(b"\0" + row.tobytes() for row in deep), depth=16, color=2))
    assert codes(path) == {"depth_reduced"}
    np.testing.assert_array_equal(open_image(path).load(), COLORS)


@pytest.mark.parametrize("ink", [(0, 0, 0, 0), (0, 0, 0, 255), (255, 0, 0, 0), (0, 200, 100, 40)])
def test_four_inks_become_the_colors_that_they_print(tmp_path: Path, ink: tuple[int, ...]) -> None:
    picture = Pillow.new("CMYK", (16, 16), ink)
    light = np.array([(255 - each) * (255 - ink[3]) / 255 for each in ink[:3]])
    for name, options in (("a.jpg", {}), ("b.jpg", {"progressive": True})):
        loaded = open_image(save(tmp_path / name, picture, quality=100, **options)).load()
        np.testing.assert_allclose(loaded.astype(float), np.broadcast_to(light, loaded.shape), atol=4)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "BMP"])
def test_what_follows_the_end_is_said_and_left(tmp_path: Path, file_format: str) -> None:
    path = save(tmp_path / "a", Pillow.fromarray(COLORS), format=file_format)
    whole = open_image(path).load()
    path.write_bytes(path.read_bytes() + b"\xff\xd9 more")
    assert codes(path) == {"trailing_bytes"}
    np.testing.assert_array_equal(open_image(path).load(), whole)


@pytest.mark.parametrize("shape", [(1, 1), (1, 60_000), (60_000, 1)])
def test_sides_of_any_length_are_read(tmp_path: Path, shape: tuple[int, int]) -> None:
    values = (np.arange(shape[0] * shape[1]) % 251).astype(np.uint8).reshape(shape)
    np.testing.assert_array_equal(open_image(save(tmp_path / "a.png", Pillow.fromarray(values))).load(), values)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
def test_the_exif_turn_is_applied_to_pixels_and_shape(tmp_path: Path, turn: int, file_format: str) -> None:
    upright = np.kron(np.array([[0, 80, 160], [240, 120, 40]], dtype=np.uint8), np.ones((8, 8), dtype=np.uint8))
    # What a camera stores so that the turn, seen from the standard's table, gives the upright picture back.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[turn]
    exif = Pillow.Exif()
    exif[0x0112] = turn
    path = save(tmp_path / "a", Pillow.fromarray(np.ascontiguousarray(stored)), format=file_format, exif=exif)
    image = open_image(path)
    assert image.shape == upright.shape
    loaded = image.load() if image.channels == 1 else image.load()[..., 0]
    np.testing.assert_allclose(loaded.astype(int), upright, atol=6)


def test_a_turn_that_stands_behind_the_pixels_counts(tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    path = save(tmp_path / "a.png", Pillow.fromarray(GRAY))
    path.write_bytes(path.read_bytes()[:-12] + chunk(b"eXIf", block) + chunk(b"IEND", b""))
    np.testing.assert_array_equal(open_image(path).load(), np.rot90(GRAY, -1))


def test_spacing_is_what_the_caller_knows(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Pillow.fromarray(GRAY), dpi=(300, 300))
    image = open_image(path)
    assert image.spacing_mm is None
    assert [warning.code for warning in image.warnings] == ["no_calibration"]
    assert open_image(path, spacing_mm=(0.5, 0.4)).spacing_mm == (0.5, 0.4)


@pytest.mark.parametrize("options", [{"format": "PNG"}, {"format": "JPEG"}, {"format": "JPEG", "progressive": True},
                                     {"format": "WEBP"}, {"format": "BMP"}], ids=str)  # fmt: skip
@pytest.mark.parametrize("kept", [0.01, 0.1, 0.5, 0.98, 0.9999])
def test_a_cut_picture_is_refused_before_it_is_decoded(tmp_path: Path, options: dict[str, Any], kept: float) -> None:
    buffer = io.BytesIO()
    Pillow.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)).save(buffer, **options)
    path = tmp_path / "a"
    path.write_bytes(buffer.getvalue()[: int(len(buffer.getvalue()) * kept)])
    with pytest.raises(InputRefused) as caught:
        open_image(path)
    assert caught.value.code in ("truncated", "unsupported_type" if kept == 0.01 else "")


@pytest.mark.parametrize("interlaced", [False, True])
def test_rows_that_are_missing_are_not_black(tmp_path: Path, interlaced: bool) -> None:
    dark = np.zeros((40, 30), dtype=np.uint8)
    # Of an interlaced picture the passes take more rows than the picture has; each begins with the byte of its filter.
    widths = [30] if not interlaced else [4, 4, 8, 8, 15, 15, 30]
    heights = [40] if not interlaced else [5, 5, 5, 10, 10, 20, 20]
    rows = b"".join((b"\0" + bytes(width)) * height for width, height in zip(widths, heights, strict=True))
    path = tmp_path / "a.png"
    path.write_bytes(png(30, 40, rows, interlace=int(interlaced)))
    np.testing.assert_array_equal(open_image(path).load(), dark)
    path.write_bytes(png(30, 40, rows[:-31], interlace=int(interlaced)))
    with pytest.raises(InputRefused) as caught:
        open_image(path).load()
    assert caught.value.code == "truncated"


def test_damaged_pixels_are_refused_on_loading(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Pillow.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)))
    content = bytearray(path.read_bytes())
    content[200:400] = bytes(200)
    path.write_bytes(content)
    image = open_image(path)
    with pytest.raises(InputRefused) as caught:
        image.load()
    assert caught.value.code == "decode_failed"


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [40_000, 100_000])
def test_a_huge_size_is_refused_without_decoding(tmp_path: Path, side: int) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png(side, side, b"0"))
    with pytest.raises(InputRefused) as caught:
        open_image(path)
    assert caught.value.code == "size_limit"


def test_other_formats_are_refused_whatever_they_are_called(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Pillow.fromarray(GRAY), format="PPM")
    with pytest.raises(InputRefused) as caught:
        open_image(path)
    assert caught.value.code == "unsupported_type"
    assert not types_of(path.read_bytes())


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm", Pillow.fromarray(GRAY), format="PNG")
    assert types_of(path.read_bytes()[:4096]) == ["raster"]
    np.testing.assert_array_equal(open_image(path).load(), GRAY)


def test_missing_and_empty_files_have_their_own_codes(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    for name, code in (("empty.png", "input_empty"), ("none.png", "input_missing")):
        with pytest.raises(InputRefused) as caught:
            open_image(tmp_path / name)
        assert caught.value.code == code


@pytest.mark.parametrize("folder", ["covid_chestxray", "drive_fundus", "pocus_ultrasound"])
def test_real_pictures_have_the_pixels_that_pillow_sees(public_data: Path, folder: str) -> None:
    paths = sorted(path for path in (public_data / folder).rglob("*") if path.suffix.lower() in (".png", ".jpg", ".jpeg"))
    assert len(paths) > 20
    for path in paths[::9]:
        image = open_image(path)
        with Pillow.open(path) as picture:
            deep = picture.mode.startswith("I")
            theirs = np.asarray(picture if deep else picture.convert("L" if picture.mode in ("1", "L", "LA") else "RGB"))
        np.testing.assert_array_equal(image.load(), theirs)
        assert image.shape == theirs.shape[:2]
