from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from vesalius.clinical.images import open_image
from vesalius.clinical.timing import LIMIT_FRAMES
from vesalius.errors import InputRefused
from vesalius.types import Image, Part

NOISE = np.random.default_rng(0).integers(0, 256, (6, 24, 32), dtype=np.uint8)


def write(path: Path, frames: Any = NOISE, *, duration: int | list[int] = 100, **options: Any) -> Path:
    """Frames as Pillow writes them; gray ones keep their 256 grays."""
    first, *rest = [Pillow.fromarray(frame) for frame in frames]
    first.save(path, "GIF", save_all=True, append_images=rest, duration=duration, optimize=False, **options)
    return path


def codes(image: Image) -> set[str]:
    return {warning.code for warning in image.warnings} - {"no_calibration"}


def refusal(path: Path) -> InputRefused:
    with pytest.raises(InputRefused) as caught:
        open_image(path).load()
    return caught.value


def test_frames_and_times_are_the_files(tmp_path: Path) -> None:
    image = open_image(write(tmp_path / "a.gif"))
    assert (image.kind, image.shape, image.channels, image.frame_s) == ("clip", (6, 24, 32), 3, pytest.approx(0.1))
    np.testing.assert_array_equal(image.load(), np.stack([NOISE] * 3, axis=-1))
    assert codes(image) == set()
    for index in (5, 0, 3):
        np.testing.assert_array_equal(image.part(Part(index=(index,)))[..., 0], NOISE[index])
    box = image.part(Part(index=(2,), box_yxyx_px=(3, 4, 10, 20)))
    np.testing.assert_array_equal(box[..., 1], NOISE[2, 3:10, 4:20])


def test_uneven_and_missing_times_are_said(tmp_path: Path) -> None:
    uneven = open_image(write(tmp_path / "a.gif", duration=[100, 50, 100, 200, 100, 100]))
    assert codes(uneven) == {"variable_frame_rate"}
    assert uneven.frame_s is None
    assert uneven.frame_times_s == pytest.approx((0, 0.1, 0.15, 0.25, 0.45, 0.55))
    assert codes(open_image(write(tmp_path / "b.gif", duration=0))) == {"frame_time_unknown"}


def test_a_single_frame_is_a_picture_and_gray_stays_gray(tmp_path: Path) -> None:
    gray = open_image(write(tmp_path / "a.gif", NOISE[:1]))
    assert (gray.kind, gray.shape, gray.channels, gray.frame_times_s) == ("image", (24, 32), 1, None)
    np.testing.assert_array_equal(gray.load(), NOISE[0])
    colors = np.zeros((8, 8, 3), dtype=np.uint8)
    colors[:4, :, 0] = 250
    image = open_image(write(tmp_path / "b.gif", [colors]))
    assert image.channels == 3
    np.testing.assert_array_equal(image.load(), colors)


def test_holes_are_said(tmp_path: Path) -> None:
    holed = Pillow.fromarray(NOISE[0] // 2).convert("P")
    holed.save(tmp_path / "a.gif", transparency=0)
    assert codes(open_image(tmp_path / "a.gif")) == {"transparency_dropped"}


def test_too_many_frames_are_sampled(tmp_path: Path) -> None:
    steps = (np.arange(LIMIT_FRAMES + 2) % 250).astype(np.uint8)
    image = open_image(write(tmp_path / "a.gif", np.tile(steps[:, None, None], (1, 2, 2)), duration=20))
    assert codes(image) == {"clip_sampled"}
    assert image.shape == (LIMIT_FRAMES // 2 + 1, 2, 2)
    assert image.frame_s == pytest.approx(0.04)
    np.testing.assert_array_equal(image.load()[:, 0, 0, 0], steps[::2])
    np.testing.assert_array_equal(image.part(Part(index=(100,)))[0, 0, 0], steps[200])


@pytest.mark.parametrize("kept", [8, 400, 2000, -1])
def test_a_cut_file_is_refused(tmp_path: Path, kept: int) -> None:
    path = write(tmp_path / "a.gif")
    path.write_bytes(path.read_bytes()[:kept])
    assert refusal(path).code == "truncated"


def test_a_damaged_frame_is_named_and_those_before_it_stay_readable(tmp_path: Path) -> None:
    content = bytearray(write(tmp_path / "a.gif").read_bytes())
    fourth = [place for place in range(len(content)) if content[place : place + 3] == b"\x21\xf9\x04"][3]
    at = content.index(b"\x08\xff", fourth) + 2  # behind the code size, the first block of the frame's pixels
    content[at : at + 100] = b"\xff" * 100
    (tmp_path / "a.gif").write_bytes(content)
    refused = refusal(tmp_path / "a.gif")
    assert refused.code == "decode_failed"
    assert "4 of 6" in refused.message
    image = open_image(tmp_path / "a.gif")
    np.testing.assert_array_equal(image.part(Part(index=(2,)))[..., 0], NOISE[2])


def test_a_frame_larger_than_the_screen_and_a_screen_without_size_are_refused(tmp_path: Path) -> None:
    content = bytearray(write(tmp_path / "a.gif", NOISE[:1]).read_bytes())
    content[6:10] = b"\x08\0\x08\0"
    (tmp_path / "a.gif").write_bytes(content)
    assert refusal(tmp_path / "a.gif").code == "decode_failed"
    content[6:10] = b"\0\0\0\0"
    (tmp_path / "b.gif").write_bytes(content)
    assert refusal(tmp_path / "b.gif").code == "decode_failed"
    content[6:10] = b"\xff\xff\xff\xff"
    (tmp_path / "c.gif").write_bytes(content)
    assert refusal(tmp_path / "c.gif").code == "size_limit"


def test_real_clips_are_drawn_as_ffmpeg_draws_them(public_data: Path) -> None:
    av = pytest.importorskip("av", reason="PyAV, the second reader, is not installed")
    paths = sorted((public_data / "pocus_ultrasound").rglob("*.gif"))
    assert len(paths) == 5
    for path in paths:
        image = open_image(path)
        with av.open(str(path)) as container:
            frames = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
        assert image.frame_times_s == pytest.approx([time for time, _ in frames])
        np.testing.assert_array_equal(image.load(), np.stack([pixels for _, pixels in frames]))


def test_the_real_masks_of_one_frame_are_pictures(public_data: Path) -> None:
    paths = sorted((public_data / "drive_fundus").rglob("*.gif"))
    assert len(paths) > 20
    for path in paths[::7]:
        image = open_image(path)
        assert (image.kind, image.shape) == ("image", (584, 565))
        assert set(np.unique(image.load())) <= {0, 255}
