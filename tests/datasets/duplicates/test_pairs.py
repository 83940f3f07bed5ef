"""Near-duplicates: copies are found, others are not."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow
from tests.datasets.lint import clean

from vesalius.datasets.duplicates.candidates import FEW
from vesalius.datasets.duplicates.pairs import near_duplicates
from vesalius.datasets.duplicates.prints import Prints, prints
from vesalius.types import Array


def jpeg(pixels: Array) -> Array:
    stream = io.BytesIO()
    Pillow.fromarray(pixels).save(stream, "JPEG", quality=40)
    return np.asarray(Pillow.open(stream))


COPIES = {
    "compressed": jpeg,
    "cut": lambda pixels: pixels[4:-5, 8:-4],
    "cut above": lambda pixels: pixels[9:],
    "brighter": lambda pixels: np.clip(pixels * 1.3, 0, 255).astype(np.uint8),
    "mirrored": lambda pixels: pixels[:, ::-1],
    "negative": lambda pixels: 255 - pixels,
    "half the size": lambda pixels: pixels[::2, ::2],
    "of 16 bits": lambda pixels: pixels.astype(np.uint16) * 200 + 17,
    "mirrored, cut and compressed": lambda pixels: jpeg(np.ascontiguousarray(pixels[4:-5, ::-1][:, 5:-4])),
}


def pixels(seed: int) -> Array:
    return clean.pixels(seed, (180, 200))


def collected(pictures: list[Array]) -> Prints:
    found = Prints()
    for number, picture in enumerate(pictures):
        for plane in prints(picture, clean.image(picture)):
            found.add(number, plane)
    return found


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_is_found_and_nothing_else(how: str) -> None:
    (pair,) = near_duplicates(collected([*(pixels(n) for n in range(6)), COPIES[how](pixels(2))]))
    assert (pair.one, pair.other) == (2, 6)
    assert pair.is_mirrored == ("mirrored" in how)
    assert 0.85 <= pair.likeness <= 1.001


def test_copies_are_found_among_many_where_not_every_pair_is_looked_at() -> None:
    originals = [pixels(n) for n in range(FEW + 20)]
    copies = [change(originals[number]) for number, change in enumerate(COPIES.values())]
    pairs = {(pair.one, pair.other) for pair in near_duplicates(collected([*originals, *copies]))}
    assert pairs == {(number, len(originals) + number) for number in range(len(COPIES))}


def test_what_all_pictures_of_a_kind_have_in_common_makes_no_copies() -> None:
    # The round field of a fundus camera: the same border around different pictures.
    y, x = np.mgrid[:200, :200]
    field = (y - 100) ** 2 + (x - 100) ** 2 < 95**2
    pictures = [np.where(field, 60 + clean.pixels(n, (200, 200)) // 4, 0).astype(np.uint8) for n in range(8)]
    assert list(near_duplicates(collected(pictures))) == []


def test_plain_and_tiny_pictures_have_no_print() -> None:
    for array in (np.full((40, 40), 7, np.uint8), clean.pixels(1, (12, 40)), np.full((40, 40), np.nan, np.float32)):
        assert prints(array, clean.image(array)) == []


def test_volumes_clips_and_colors_have_prints_of_their_own() -> None:
    assert len(prints(clean.pixels(1, (9, 40, 40)), clean.image(clean.pixels(1, (9, 40, 40)), kind="volume"))) == 3
    assert len(prints(clean.pixels(1, (2, 40, 40)), clean.image(clean.pixels(1, (2, 40, 40)), kind="clip"))) == 2
    color = np.repeat(clean.pixels(1)[..., None], 3, axis=-1)
    assert np.array_equal(*prints(color, clean.image(color)), prints(clean.pixels(1), clean.image(clean.pixels(1)))[0])


def test_pairs_that_do_not_matter_are_not_looked_at() -> None:
    found = collected([pixels(0), pixels(0)[:, ::-1].copy(), pixels(1), pixels(1)[:, ::-1].copy()])
    assert [(p.one, p.other) for p in near_duplicates(found, lambda one, other: one > 1)] == [(2, 3)]
    assert list(near_duplicates(Prints())) == []
