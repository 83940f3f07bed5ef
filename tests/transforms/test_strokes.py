from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from vesalius.transforms.strokes import has_colored_strokes
from vesalius.types import Array

RED, GREEN = (255, 0, 0), (40, 220, 60)


@pytest.fixture
def gray() -> Array:
    noise = np.random.default_rng(0).integers(0, 255, (300, 240), dtype=np.uint8)
    return np.stack([noise] * 3, axis=-1)


def boxed(picture: Array, color: tuple[int, int, int], width: int = 2) -> Array:
    drawn = picture.copy()
    drawn[50 : 50 + width, 40:120] = drawn[150 : 150 + width, 40:120] = color
    drawn[50:150, 40 : 40 + width] = drawn[50 : 150 + width, 120 : 120 + width] = color
    return drawn


@pytest.mark.parametrize("color", [RED, GREEN])
@pytest.mark.parametrize("width", [1, 3, 6])
def test_a_box_on_a_gray_picture_is_seen(gray: Array, color: tuple[int, int, int], width: int) -> None:
    assert has_colored_strokes(boxed(gray, color, width))
    assert has_colored_strokes(boxed(gray, color, width).astype(np.uint16) * 257)
    assert has_colored_strokes(boxed(gray, color, width) / 255.0)


def test_a_gray_picture_without_marks_has_none(gray: Array) -> None:
    assert not has_colored_strokes(gray)
    assert not has_colored_strokes(gray[..., 0])
    assert not has_colored_strokes(boxed(gray, (255, 255, 255)))


def test_an_area_of_flowing_colors_is_no_stroke(gray: Array) -> None:
    shades = np.linspace(0, 255, 60, dtype=np.uint8)
    gray[50:90, 40:100] = np.stack([np.tile(shades, (40, 1)), np.zeros((40, 60), np.uint8), np.full((40, 60), 255, np.uint8)], -1)
    assert not has_colored_strokes(gray)


def test_round_marks_and_pictures_in_color_have_none(gray: Array) -> None:
    y, x = np.mgrid[:300, :240]
    round_mark = gray.copy()
    round_mark[(y - 150) ** 2 + (x - 120) ** 2 < 40] = RED
    assert not has_colored_strokes(round_mark)
    tinted = boxed(gray, RED)
    tinted[..., 2] //= 2
    assert not has_colored_strokes(tinted)


def test_a_picture_smaller_than_a_stroke_has_none() -> None:
    assert not has_colored_strokes(np.full((5, 5, 3), RED, np.uint8))


def test_arrows_on_published_radiographs_are_seen_and_others_are_let_through(public_data: Path) -> None:
    folder = public_data / "covid_chestxray" / "images"
    marked = ["2-chest-filmc.jpg", "extubation-4.jpg", "extubation-13.jpg"]
    seen = {path.name for path in sorted(folder.iterdir()) if has_colored_strokes(np.asarray(Pillow.open(path).convert("RGB")))}
    assert set(marked) <= seen
    assert len(seen) <= 5, "all of these bear arrows"
