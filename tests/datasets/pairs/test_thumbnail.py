import numpy as np
import pytest

from vesalius.datasets.pairs.pair import Pair
from vesalius.datasets.pairs.presentation import Presentation
from vesalius.datasets.pairs.shown import Showing
from vesalius.datasets.pairs.thumbnail import Thumbnail
from vesalius.errors import UsageError
from vesalius.types import Image, Provenance, Sample, SampleImage, Source


def pair(pixels: np.ndarray) -> Pair:
    kind = "image" if pixels.ndim == 2 else "clip"
    image = Image(kind, pixels.shape, 1, lambda: pixels, Source(None, "0", "made"))  # type: ignore[arg-type]
    key = f"{pixels.shape} {pixels.sum()}"
    return Pair(Sample(key, "annotation", (SampleImage("current", image),), (), Provenance("made", "none", "a", "a")), ())


def thumbnail(longest_px: int = 64, **shown: object) -> Thumbnail:
    return Thumbnail(Showing(Presentation(longest_px=longest_px, **shown), 16))  # type: ignore[arg-type]


def test_a_vector_holds_the_gray_values_and_is_of_unit_length() -> None:
    pixels = np.zeros((64, 64), np.uint8)
    pixels[:32] = 200
    (found,) = thumbnail().pictures([pair(pixels)])
    assert found.shape == (257,)
    assert np.linalg.norm(found) == pytest.approx(1)
    values = found[:256].reshape(16, 16) * 16
    np.testing.assert_allclose(values[:7], 1, atol=0.01)
    np.testing.assert_allclose(values[9:], 0, atol=0.01)


def test_what_is_filled_up_around_a_picture_is_no_part_of_it() -> None:
    pixels = np.tile(np.linspace(0, 255, 40, dtype=np.uint8), (64, 1))
    filled = thumbnail(square=True).pictures([pair(pixels)])
    bare = thumbnail().pictures([pair(pixels)])
    np.testing.assert_allclose(filled, bare, atol=0.02)
    assert filled[0, :256].reshape(16, 16)[:, 0].max() < 0.01


def test_a_clip_is_the_mean_of_the_frames_that_are_shown() -> None:
    clip = np.zeros((10, 64, 64), np.uint8)
    clip[::2] = 100
    clip[:, :8] = 255
    (found,) = thumbnail(slices=10).pictures([pair(clip)])
    values = found[:256].reshape(16, 16) * 16
    np.testing.assert_allclose(values[8:], 100 / 255 / 2, atol=0.01)


def test_thumbnails_have_no_words() -> None:
    with pytest.raises(UsageError, match="no vectors of texts"):
        thumbnail().texts(["nodule"])
    assert thumbnail().pictures([]).shape == (0, 257)


def test_of_a_clip_only_the_frames_that_are_shown_are_looked_at() -> None:
    clip = np.zeros((100, 64, 64), np.uint8)
    clip[50] = np.arange(64)
    whole = pair(clip)
    shown = Showing(Presentation(longest_px=64, slices=1), 16).of(whole)
    assert shown.slices == (50,)
    alone = Showing(Presentation(longest_px=64), 16).of(pair(clip[50]))
    np.testing.assert_array_equal(shown.pixels, alone.pixels)
