from pathlib import Path

import av
import numpy as np
import pytest

from vesalius.clinical import video_write
from vesalius.clinical.images import open_image
from vesalius.clinical.video_write import write_film
from vesalius.errors import MissingFromEnvironment, UsageError
from vesalius.types import Part

RNG = np.random.default_rng(0)


def film(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("shape", [(2, 16, 16, 3), (5, 20, 24, 3), (7, 33, 35, 3), (30, 48, 64, 3)])
@pytest.mark.parametrize("frame_s", [0.04, 1 / 15, 0.123456])
def test_every_pixel_and_time_of_a_film_comes_back(tmp_path: Path, shape: tuple[int, ...], frame_s: float) -> None:
    frames = film(*shape)
    write_film(tmp_path / "a.mp4", frames, frame_s=frame_s)
    own = open_image(tmp_path / "a.mp4")
    assert (own.kind, own.shape, own.channels) == ("clip", shape[:3], 3)
    assert np.array_equal(own.load(), frames)
    assert np.array_equal(own.part(Part(index=(1,))), frames[1])
    assert own.frame_s == pytest.approx(frame_s, abs=1e-8)
    assert own.frame_times_s == pytest.approx([index * frame_s for index in range(shape[0])], abs=1e-8)
    assert {warning.code for warning in own.warnings} == {"no_calibration"}


def test_gray_comes_back_as_three_equal_colors(tmp_path: Path) -> None:
    frames = film(4, 20, 22)
    write_film(tmp_path / "a.mp4", frames, frame_s=0.1)
    assert np.array_equal(open_image(tmp_path / "a.mp4").load(), np.repeat(frames[..., None], 3, axis=3))


def test_the_same_film_gives_the_same_bytes_and_no_time_of_day(tmp_path: Path) -> None:
    frames = film(6, 40, 40, 3)
    for name in ("a.mp4", "b.mp4"):
        write_film(tmp_path / name, frames, frame_s=0.1)
    content = (tmp_path / "a.mp4").read_bytes()
    assert content == (tmp_path / "b.mp4").read_bytes()
    with av.open(str(tmp_path / "a.mp4")) as opened:
        assert "creation_time" not in opened.metadata
        assert "encoder" not in opened.metadata


@pytest.mark.parametrize("codecs", [None, set()])
def test_without_the_package_or_its_encoder_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codecs: set[str] | None
) -> None:
    if codecs is None:
        monkeypatch.setattr(video_write, "av", None)
    else:
        monkeypatch.setattr(av, "codecs_available", codecs)
    with pytest.raises(MissingFromEnvironment, match=r"pip install 'vesalius\[video\]'") as caught:
        write_film(tmp_path / "a.mp4", film(2, 16, 16), frame_s=0.1)
    assert caught.value.code == "missing_package"


@pytest.mark.parametrize(
    ("frames", "frame_s"),
    [
        (np.zeros((2, 8, 8), np.uint16), 0.1),
        (np.zeros((8, 8), np.uint8), 0.1),
        (np.zeros((2, 8, 8, 4), np.uint8), 0.1),
        (np.zeros((0, 8, 8), np.uint8), 0.1),
        (np.zeros((2, 8, 8), np.uint8), 0.0),
    ],
)
def test_what_is_no_film_is_refused(tmp_path: Path, frames: np.ndarray, frame_s: float) -> None:
    with pytest.raises(UsageError):
        write_film(tmp_path / "a.mp4", frames, frame_s=frame_s)
    assert not list(tmp_path.iterdir())
