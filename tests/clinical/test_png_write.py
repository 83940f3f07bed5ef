from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from vesalius.clinical.images import open_image
from vesalius.clinical.png_write import write_png
from vesalius.errors import UsageError

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (7, 16), (33, 40)])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "color"])
def test_a_picture_is_the_same_to_pillow_and_to_the_own_reader(tmp_path: Path, shape: tuple[int, int], dtype: str) -> None:
    path = tmp_path / "a.png"
    high = {"bool": 2, "uint16": 4096}.get(dtype, 256)
    values = RNG.integers(0, high, (*shape, 3) if dtype == "color" else shape).astype("uint8" if dtype == "color" else dtype)
    write_png(path, values, spacing_mm=(0.5, 0.25))
    with Pillow.open(path) as picture:
        other = np.asarray(picture)
        assert picture.info["dpi"] == pytest.approx((101.6, 50.8))
        assert picture.mode == {"bool": "1", "uint8": "L", "uint16": "I;16", "color": "RGB"}[dtype]
    own = open_image(path).load()
    assert np.array_equal(own >> 4 if dtype == "uint16" else own != 0 if dtype == "bool" else own, values)
    assert np.array_equal(other >> 4 if dtype == "uint16" else other, values)


def test_twelve_bits_fill_sixteen_and_the_file_says_how_many_count(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", np.array([[0, 1, 2048, 4095]], np.uint16))
    assert open_image(tmp_path / "a.png").load().tolist() == [[0, 16, 32776, 65535]]
    assert b"sBIT\x0c" in (tmp_path / "a.png").read_bytes()


def test_the_same_picture_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_png(tmp_path / name, np.arange(12, dtype=np.uint8).reshape(3, 4))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((2, 2), np.int16), np.full((2, 2), 4096, np.uint16), np.zeros((2, 2, 3), np.uint16), np.zeros((0, 2), np.uint8)],
)
def test_what_the_file_cannot_hold_is_refused(tmp_path: Path, pixels: np.ndarray) -> None:
    with pytest.raises(UsageError):
        write_png(tmp_path / "a.png", pixels)
    assert not list(tmp_path.iterdir())
