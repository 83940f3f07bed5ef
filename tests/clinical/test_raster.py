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


def codes(path: Path) -> set[str]:
    return {warning.code for warning in open_image(path, spacing_mm=(1, 1)).warnings}


def save(path: Path, picture: Pillow.Image, **options: Any) -> Path:
    picture.save(path, **options)
    return path


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


def test_a_second_frame_is_said(tmp_path: Path) -> None:
    frames = [Pillow.fromarray(GRAY), Pillow.fromarray(GRAY[::-1].copy())]
    assert "first_frame_only" in codes(save(tmp_path / "a.png", frames[0], save_all=True, append_images=frames[1:]))


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
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
    np.testing.assert_allclose(image.load().astype(int), upright, atol=6)


def test_spacing_is_what_the_caller_knows(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Pillow.fromarray(GRAY), dpi=(300, 300))
    image = open_image(path)
    assert image.spacing_mm is None
    assert [warning.code for warning in image.warnings] == ["no_calibration"]
    assert open_image(path, spacing_mm=(0.5, 0.4)).spacing_mm == (0.5, 0.4)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.98])
def test_a_cut_picture_is_refused_before_it_is_decoded(tmp_path: Path, file_format: str, kept: float) -> None:
    buffer = io.BytesIO()
    Pillow.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)).save(buffer, file_format)
    path = tmp_path / "a"
    path.write_bytes(buffer.getvalue()[: int(len(buffer.getvalue()) * kept)])
    with pytest.raises(InputRefused) as caught:
        open_image(path)
    assert caught.value.code in ("truncated", "decode_failed")


def test_damaged_pixels_are_refused_on_loading(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Pillow.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)))
    content = bytearray(path.read_bytes())
    content[200:400] = bytes(200)
    path.write_bytes(content)
    image = open_image(path)
    with pytest.raises(InputRefused) as caught:
        image.load()
    assert caught.value.code == "decode_failed"


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [40_000, 100_000])
def test_a_huge_size_is_refused_without_decoding(tmp_path: Path, side: int) -> None:
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(PNG + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b""))
    with pytest.raises(InputRefused) as caught:
        open_image(path)
    assert caught.value.code == "size_limit"


def test_other_formats_are_refused_whatever_they_are_called(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Pillow.fromarray(GRAY), format="GIF")
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
