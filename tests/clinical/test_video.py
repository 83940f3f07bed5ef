"""Clips written by FFmpeg, whole, turned, cut and damaged; and the real ones, read by OpenCV too where it is installed."""

import io
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vesalius.clinical.formats import video
from vesalius.clinical.images import open_image
from vesalius.errors import InputRefused
from vesalius.types import Image, Part

av = pytest.importorskip("av", reason="PyAV is not installed: pip install 'vesalius[video]'")

ROWS, COLUMNS, FRAMES = 48, 64, 30
NOISE = np.random.default_rng(0).integers(0, 256, (ROWS, COLUMNS, 3), dtype=np.uint8)


def frame(index: int) -> np.ndarray[Any, Any]:
    """A picture that tells its number: a step brighter each, and a bar that moves."""
    pixels = np.full((ROWS, COLUMNS, 3), 20 + 7 * (index % 30), dtype=np.uint8)
    pixels[:, (2 * index) % COLUMNS] = 255
    return pixels


def write(
    path: Path,
    codec: str = "libx264",
    *,
    frames: int = FRAMES,
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    stamps: Sequence[int] | None = None,
    key_every: int = 10,
    container: str | None = None,
    matrix: Sequence[int] | None = None,
    sound: bool = False,
) -> Path:
    """A clip of 25 frames a second."""
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = COLUMNS, ROWS, pixels, key_every
        stream.bit_rate = 10_000_000
        if matrix:
            stream.set_display_matrix(matrix)
        voice = out.add_stream("aac", rate=8000) if sound else None
        if voice is not None:
            out.metadata["title"] = voice.metadata["title"] = "Zebra^Q"
        for index in range(frames):
            picture = av.VideoFrame.from_ndarray(frame(index), format="rgb24").reformat(format=pixels)
            picture.pts = stamps[index] if stamps else index
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
        if voice is not None:
            tone = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
            tone.sample_rate = 8000
            out.mux(voice.encode(tone))
            out.mux(voice.encode(None))
    return path


def codes(image: Image) -> set[str]:
    return {warning.code for warning in image.warnings} - {"no_calibration"}


def refusal(path: Path) -> InputRefused:
    with pytest.raises(InputRefused) as caught:
        open_image(path).load()
    return caught.value


KINDS = {
    "h264.mp4": {"options": {"crf": "1"}},
    "h264_open.mov": {"options": {"crf": "1", "x264-params": "open-gop=1:keyint=8:bframes=3"}},
    "h264.avi": {"options": {"crf": "1"}},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"bf": "2", "qscale": "1"}},
    "mpeg2.mpg": {"codec": "mpeg2video", "options": {"bf": "2"}},
    "mjpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "raw.avi": {"codec": "rawvideo", "pixels": "bgr24"},
    "prores.mov": {"codec": "prores_ks", "pixels": "yuv422p10le"},
    "vp9.mp4": {"codec": "libvpx-vp9", "options": {"crf": "4", "b:v": "0"}},
    "hevc.mp4": {"codec": "libx265", "options": {"crf": "1", "x265-params": "log-level=none"}},
}


@pytest.mark.parametrize("name", KINDS)
def test_every_frame_is_in_its_place_with_its_time(tmp_path: Path, name: str) -> None:
    image = open_image(write(tmp_path / name, **KINDS[name]))
    assert (image.kind, image.shape, image.channels) == ("clip", (FRAMES, ROWS, COLUMNS), 3)
    assert image.frame_s == pytest.approx(0.04)
    assert image.frame_times_s == pytest.approx([0.04 * index for index in range(FRAMES)], abs=1e-4)
    assert codes(image) == ({"depth_reduced"} if "10" in KINDS[name].get("pixels", "") else set())
    clip = image.load()
    grays = np.median(clip.reshape(FRAMES, -1), axis=1)
    np.testing.assert_allclose(grays, [20 + 7 * index for index in range(FRAMES)], atol=4)
    for index in (FRAMES - 1, 0, 9, 10, 11, 17):
        np.testing.assert_array_equal(image.part(Part(index=(index,))), clip[index])
    np.testing.assert_array_equal(image.part(Part(index=(3,), box_yxyx_px=(1, 2, 9, 20))), clip[3, 1:9, 2:20])


def test_lossless_pixels_are_the_ones_that_were_written(tmp_path: Path) -> None:
    clip = open_image(write(tmp_path / "a.avi", "rawvideo", pixels="bgr24")).load()
    np.testing.assert_array_equal(clip, [frame(index) for index in range(FRAMES)])


def test_gray_stays_gray_and_deep_colors_are_said(tmp_path: Path) -> None:
    gray = open_image(write(tmp_path / "a.avi", "rawvideo", pixels="gray"))
    assert (gray.channels, gray.load().shape) == (1, (FRAMES, ROWS, COLUMNS))
    assert open_image(write(tmp_path / "b.mp4", pixels="yuv420p")).channels == 3
    assert codes(open_image(write(tmp_path / "c.mov", "prores_ks", pixels="yuv422p10le"))) == {"depth_reduced"}


def test_times_are_the_stamps_not_the_rate(tmp_path: Path) -> None:
    image = open_image(write(tmp_path / "a.mp4", frames=6, stamps=[0, 1, 2, 8, 9, 10]))
    assert codes(image) == {"variable_frame_rate"}
    assert image.frame_s is None
    assert image.frame_times_s == pytest.approx((0, 0.04, 0.08, 0.32, 0.36, 0.4))
    grays = np.median(image.load().reshape(6, -1), axis=1)
    np.testing.assert_allclose(grays, [20 + 7 * index for index in range(6)], atol=6)


def test_a_bare_stream_has_no_times(tmp_path: Path) -> None:
    image = open_image(write(tmp_path / "a.mpg", "mpeg1video", container="mpeg1video"))
    assert codes(image) == {"frame_time_unknown"}
    assert (image.frame_s, image.frame_times_s, image.shape[0]) == (None, None, FRAMES)
    grays = np.median(image.load().reshape(FRAMES, -1), axis=1)
    assert np.all(np.diff(grays) > 0)


def test_a_single_frame_is_a_picture(tmp_path: Path) -> None:
    image = open_image(write(tmp_path / "a.mp4", frames=1))
    assert (image.kind, image.shape, image.frame_times_s) == ("image", (ROWS, COLUMNS), None)
    assert abs(float(np.median(image.load())) - 20) < 4


ONE = 1 << 16
# The two rows of the matrix that turns (x, y), and what it makes of an array. Source: ISO/IEC 14496-12, 6.2.2.
TURNS = {
    "none": ((ONE, 0, 0, ONE), lambda a: a),
    "quarter clockwise": ((0, ONE, -ONE, 0), lambda a: np.rot90(a, -1)),
    "half": ((-ONE, 0, 0, -ONE), lambda a: np.rot90(a, 2)),
    "quarter counterclockwise": ((0, -ONE, ONE, 0), lambda a: np.rot90(a)),
    "mirror": ((-ONE, 0, 0, ONE), lambda a: a[:, ::-1]),
    "transpose": ((0, ONE, ONE, 0), lambda a: a.swapaxes(0, 1)),
}


@pytest.mark.parametrize("name", TURNS)
def test_the_turn_is_applied(tmp_path: Path, name: str) -> None:
    (a, b, c, d), turn = TURNS[name]
    plain = open_image(write(tmp_path / "a.mp4", frames=3)).load()
    image = open_image(write(tmp_path / "b.mp4", frames=3, matrix=[a, b, 0, c, d, 0, 0, 0, 1 << 30]))
    assert image.shape == (3, *turn(plain[0]).shape[:2])
    np.testing.assert_array_equal(image.load(), [turn(each) for each in plain])


def test_an_odd_turn_is_refused(tmp_path: Path) -> None:
    assert refusal(write(tmp_path / "a.mp4", frames=2, matrix=[ONE // 2, ONE // 2, 0, -ONE, ONE, 0, 0, 0, 1 << 30])).code == (
        "bad_attribute"
    )


def test_sound_is_left_alone_and_a_file_of_sound_holds_no_picture(tmp_path: Path) -> None:
    image = open_image(write(tmp_path / "a.mp4", sound=True))
    assert image.shape == (FRAMES, ROWS, COLUMNS)
    assert "Zebra" not in repr(image.warnings)
    with av.open(str(tmp_path / "b.mp4"), "w") as out:
        voice = out.add_stream("aac", rate=8000)
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        tone.sample_rate = 8000
        out.mux([*voice.encode(tone), *voice.encode(None)])
    assert refusal(tmp_path / "b.mp4").code == "no_pixels"


def test_only_listed_codecs_are_opened(tmp_path: Path) -> None:
    for codec, name in (("jpeg2000", "a.mov"), ("ffv1", "a.avi")):
        assert refusal(write(tmp_path / name, codec)).code == "unsupported_codec"
    content = write(tmp_path / "b.mp4").read_bytes()
    (tmp_path / "b.mp4").write_bytes(content.replace(b"avc1", b"zzz1"))
    assert refusal(tmp_path / "b.mp4").code == "unsupported_codec"


def test_without_the_extra_the_command_that_installs_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.mp4", frames=2)
    monkeypatch.setattr(video, "av", None)
    with path.open("rb") as file, pytest.raises(InputRefused) as caught:
        video.describe(file)
    assert caught.value.code == "unsupported_codec"
    assert "pip install 'vesalius[video]'" in caught.value.message


def boxes(content: bytes) -> dict[bytes, tuple[int, int]]:
    found, at = {}, 0
    while at < len(content):
        size, name = struct.unpack(">I4s", content[at : at + 8])
        found[name] = (at, at + size)
        at += size
    return found


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    content = write(tmp_path / "a.mp4").read_bytes()
    begin, end = boxes(content)[b"moov"]
    late = write(tmp_path / "b.mp4", options={"movflags": "faststart"}).read_bytes()
    clip = write(tmp_path / "c.avi", "mpeg4").read_bytes()
    cut = {"no moov.mp4": content[:begin] + content[end:], "half a moov.mp4": content[: end - 9], "half.mp4": late[:-500],
           "half.avi": clip[: len(clip) // 2]}  # fmt: skip
    for name, kept in cut.items():
        (tmp_path / name).write_bytes(kept)
        assert refusal(tmp_path / name).code == "truncated", name


def test_frames_in_another_file_are_not_fetched(tmp_path: Path) -> None:
    content = bytearray(write(tmp_path / "a.mp4").read_bytes())
    at = content.index(b"url \0\0\0\1")
    content[at + 7] = 0
    (tmp_path / "a.mp4").write_bytes(content)
    assert refusal(tmp_path / "a.mp4").code == "unsupported_type"
    (tmp_path / "b.mp4").write_text("#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n")
    assert refusal(tmp_path / "b.mp4").code == "unsupported_type"


def test_huge_frames_are_refused_before_one_is_decoded(tmp_path: Path) -> None:
    content = bytearray(write(tmp_path / "a.avi", "rawvideo", pixels="bgr24", frames=2).read_bytes())
    for size in (struct.pack("<II", COLUMNS, ROWS), struct.pack("<ii", COLUMNS, -ROWS)):
        while (at := content.find(size)) >= 0:
            content[at : at + 8] = struct.pack("<II", 15360, 8640)
    (tmp_path / "a.avi").write_bytes(content)
    assert refusal(tmp_path / "a.avi").code == "size_limit"


def test_damaged_frames_are_listed_and_the_others_are_exact(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.avi", "mpeg4", options={"sc_threshold": "1000000000"}
    )  # a frame that stands alone every ten, no others
    sound = open_image(path).load()
    with av.open(str(path)) as container:
        place, size = next((packet.pos, packet.size) for packet in container.demux(video=0) if packet.pts == 13)
    content = bytearray(path.read_bytes())
    content[place + size // 2 : place + size] = b"\xa5" * (size - size // 2)
    path.write_bytes(content)
    refused = refusal(path)
    assert refused.code == "decode_failed"
    assert "14, 15, 16, 17, 18, 19, 20 of 30" in refused.message
    image = open_image(path)
    for index in (0, 9, 12, 20, 29):
        np.testing.assert_array_equal(image.part(Part(index=(index,))), sound[index])
    for index in (13, 19):
        with pytest.raises(InputRefused):
            image.part(Part(index=(index,)))


@pytest.mark.parametrize("name", ["h264.mp4", "mpeg4.avi", "mpeg2.mpg", "vp9.mp4"])
def test_no_damage_is_passed_off_as_a_frame(tmp_path: Path, name: str) -> None:
    whole, generator = write(tmp_path / name, **KINDS[name]).read_bytes(), np.random.default_rng(1)
    sound = read(whole)
    refused = 0
    for _ in range(20):
        content = bytearray(whole)
        at = int(generator.integers(len(whole) // 3, len(whole) * 2 // 3))
        content[at : at + 40] = generator.integers(0, 256, 40, dtype=np.uint8).tobytes()
        try:
            clip = read(bytes(content))
        except InputRefused:
            refused += 1
        else:
            if len(clip) == FRAMES:
                np.testing.assert_array_equal(clip, sound)
    assert refused > 3


def read(content: bytes) -> np.ndarray[Any, Any]:
    file = io.BufferedReader(io.BytesIO(content))  # type: ignore[arg-type]
    description = video.describe(file)
    said = {warning.code for warning in description.warnings}
    assert description.shape[0] == FRAMES or said & {"frames_contradictory", "variable_frame_rate"}
    clip = np.empty(description.shape_of(Part()), np.uint8)
    video.decode(file, description, Part(), clip)
    return clip


def test_fewer_frames_than_stated_are_said(tmp_path: Path) -> None:
    content = bytearray(write(tmp_path / "a.avi", "rawvideo", pixels="bgr24").read_bytes())
    header = content.index(b"strh") + 8
    assert struct.unpack("<I", content[header + 32 : header + 36])[0] == FRAMES
    content[header + 32 : header + 36] = struct.pack("<I", 2 * FRAMES)
    (tmp_path / "a.avi").write_bytes(content)
    assert codes(open_image(tmp_path / "a.avi")) == {"frames_contradictory"}


def test_real_clips_agree_with_a_second_reader(public_data: Path) -> None:
    paths = sorted((public_data / "pocus_ultrasound").rglob("*.*"))
    paths = [path for path in paths if path.suffix in (".mp4", ".mov", ".avi", ".mpeg")]
    assert len(paths) == 23
    cv2 = pytest.importorskip("cv2", reason="OpenCV, the second reader, is not installed")
    for path in paths:
        image = open_image(path)
        capture = cv2.VideoCapture(str(path))
        frames, times_s = [], []
        while True:
            is_read, pixels = capture.read()
            if not is_read:
                break
            frames.append(pixels[..., ::-1])
            times_s.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        assert image.shape[0] == len(frames), path.name
        assert image.frame_times_s is not None
        assert image.frame_times_s[:-1] == pytest.approx(times_s[:-1], abs=1e-3), path.name  # OpenCV may lose the last one's
        clip = image.load()
        for index in range(0, len(frames), 20):
            assert np.abs(clip[index].astype(int) - frames[index]).mean() < 1, path.name


def test_every_real_clip_is_read(public_data: Path) -> None:
    paths = [path for path in (public_data / "pocus_ultrasound" / "pocus_videos").rglob("*.*") if path.suffix != ".gif"]
    assert len(paths) == 23
    for path in paths:
        image = open_image(path)
        is_misnamed = path.name in (
            "Reg_northumbria_1009_vid5.avi",
            "Reg_northumbria_1009_vid6.avi",
            "Reg_northumbria_1009_vid7.avi",
        )
        assert codes(image) == ({"extension_mismatch"} if is_misnamed else set()), path.name
        assert image.frame_s is not None
        assert 10 < 1 / image.frame_s < 60
        last = image.part(Part(index=(image.shape[0] - 1,)))
        np.testing.assert_array_equal(last, image.load()[-1])
