"""Group 55: clips without an index, without times, without end, in codecs that are not read, or that point elsewhere.

AVI and GIF are made here; clips of modern codecs are cut from the published lung ultrasound.
"""

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image as Pillow
from tests.clinical.bad_inputs import builders as b
from tests.clinical.bad_inputs.builders import one_file
from tests.clinical.bad_inputs.case import CANARY, NAME, Case
from tests.clinical.bad_inputs.dicom_pixels import jpeg
from tests.clinical.bad_inputs.pictures import BLOCKS

Array = np.ndarray[Any, Any]
_FOLDER = "pocus_ultrasound/pocus_videos/convex/"
MP4, MOV, MPEG = (_FOLDER + name for name in (
    "Reg_liftl_case3_clip2.mp4", "Cov_recommendations_likebutterfly_mov5.mov", "Reg_pat1Image_133410.mpeg",
))  # fmt: skip
AVI_THAT_IS_MP4 = _FOLDER + "Reg_northumbria_1009_vid6.avi"
FILM = np.stack([BLOCKS, BLOCKS[::-1], BLOCKS[:, ::-1], 255 - BLOCKS])


def cases() -> list[Case]:
    """Group 55."""
    return [*_avi(), *_gif(), *_mp4(), *_elsewhere()]


def _box(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def avi(
    frames: list[bytes],
    *,
    rate: int = 25,
    scale: int = 1,
    count: int | None = None,
    codec: bytes = b"MJPG",
    size: tuple[int, int] = BLOCKS.shape,
    frame_us: int | None = None,
    index: bool = True,
    between: bytes = b"",
) -> bytes:
    """Motion JPEG in an AVI; `count` and `size` (y, x) are what its heads say."""
    said, (height, width) = len(frames) if count is None else count, size
    every_us = (1_000_000 * scale // rate if rate else 0) if frame_us is None else frame_us
    head = struct.pack("<14I", every_us, 0, 0, 0x10, said, 0, 1, 0, width, height, 0, 0, 0, 0)
    times = struct.pack("<IHHIIIIIIII", 0, 0, 0, 0, scale, rate, 0, said, 0, 0xFFFFFFFF, 0)
    stream = b"vids" + codec + times + struct.pack("<4H", 0, 0, width & 0xFFFF, height & 0xFFFF)
    picture = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, codec, width * height * 3 & 0xFFFFFFFF, 0, 0, 0, 0)
    listed = _box(
        b"LIST", b"hdrl" + _box(b"avih", head) + _box(b"LIST", b"strl" + _box(b"strh", stream) + _box(b"strf", picture))
    )
    chunks, entries, at = b"", b"", 4
    for frame in frames:
        piece = _box(b"00dc", frame)
        entries += b"00dc" + struct.pack("<III", 0x10, at, len(frame))
        chunks += piece
        at += len(piece)
    name = _box(b"LIST", b"INFO" + _box(b"INAM", CANARY.encode() + b"\0"))
    body = listed + name + between + _box(b"LIST", b"movi" + chunks) + (_box(b"idx1", entries) if index else b"")
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"AVI " + body


def _avi() -> list[Case]:
    frames = [jpeg(frame) for frame in FILM]
    tiny = jpeg(np.full((16, 16), 90, dtype=np.uint8))
    whole = avi(frames)
    damaged = [frames[0], frames[1][:60], frames[2], frames[3]]
    wide = bytearray(frames[0])
    at = wide.index(b"\xff\xc0") + 5
    wide[at : at + 4] = struct.pack(">HH", 65500, 65500)

    def one(name: str, content: bytes, code: str, behavior: Any = "refused", **more: Any) -> Case:
        return one_file(55, name, content, code, behavior, f"{NAME}.avi", **more)

    seen = {"kind": "clip"}
    codecs = {"jpeg_2000": b"MJ2C", "nobody": b"ZZCY", "screens": b"MSS2", "flash": b"FLV1", "indeo": b"IV50"}
    return [
        one("avi_is_no_harm", whole, "", "golden", **seen),
        one("no_frames_a_second", avi(frames, rate=0, frame_us=0), "frame_time_unknown", "warned", **seen),
        one("time_divided_by_zero", avi(frames, scale=0, frame_us=0), "frame_time_unknown", "warned", **seen),
        one("half_an_hour_and_a_minute", avi([tiny] * 1860, rate=1, size=(16, 16)), "size_limit"),
        one(
            "a_day_named_and_a_minute_there",
            avi([tiny] * 60, rate=1, count=86_400, size=(16, 16)),
            "frames_contradictory",
            "warned",
            **seen,
        ),
        one("a_frame_a_minute_for_an_hour", avi([tiny] * 60, rate=1, scale=60, size=(16, 16)), "size_limit"),
        one("5000_frames", avi([tiny] * 5000, rate=25, size=(16, 16)), "clip_sampled", "warned", **seen),
        one("four_billion_frames_of_four", avi(frames, count=2**32 - 1), "", "survived"),
        one(
            "16384_by_16384",
            avi([bytes(wide)] * 40, size=(16384, 16384)),
            "size_limit",
            "refused_by_load",
            other_code="decode_failed",
        ),
        one(
            "frames_of_65500_in_a_small_film", avi([bytes(wide)] * 4), "size_limit", "refused_by_load", other_code="decode_failed"
        ),
        one("second_frame_damaged", avi(damaged), "", "survived"),
        one("no_index", avi(frames, index=False), "", "golden", **seen),
        one("cut_in_the_head", whole[:150], "truncated", "refused_by_load", other_code="decode_failed"),
        one(
            "cut_before_the_frames", whole[: whole.index(b"movi") + 8], "truncated", "refused_by_load", other_code="decode_failed"
        ),
        one("chunk_of_four_gigabytes", avi(frames, between=b"JUNK\xff\xff\xff\xff"), "", "survived"),
        one("no_frames", avi([]), "truncated", "refused_by_load", other_code="decode_failed"),
        *(
            one(f"codec_of_{name}", avi(frames, codec=code), "unsupported_codec", "refused_by_load")
            for name, code in codecs.items()
        ),
    ]


def gif(frames: Array, durations_ms: list[int] | int = 100) -> bytes:
    """A GIF of gray frames."""
    file, pages = io.BytesIO(), [Pillow.fromarray(frame) for frame in frames]
    pages[0].save(file, "GIF", save_all=True, append_images=pages[1:], duration=durations_ms, comment=CANARY.encode())
    return file.getvalue()


def _gif() -> list[Case]:
    whole = gif(FILM)
    screen = bytearray(whole)
    screen[6:10] = struct.pack("<HH", 65535, 65535)
    long = gif(np.stack([BLOCKS // 2 + np.uint8(index % 100) for index in range(40)]), 65_000)
    block = whole.index(b"!\xf9\x04")
    outside = bytearray(whole)
    picture = outside.index(b",", block)
    outside[picture + 1 : picture + 5] = struct.pack("<HH", 60_000, 60_000)
    damaged = whole[: picture + 20] + b"\xff" * 60 + whole[picture + 80 :]

    def one(name: str, content: bytes, code: str, behavior: Any = "refused", **more: Any) -> Case:
        return one_file(55, name, content, code, behavior, f"{NAME}.gif", **more)

    return [
        one("gif_is_no_harm", whole, "", "golden", kind="clip", values=np.stack([FILM] * 3, axis=-1)),
        one("gif_without_times", gif(FILM, 0), "frame_time_unknown", "warned", kind="clip"),
        one("gif_of_unequal_times", gif(FILM, [100, 400, 100, 100]), "variable_frame_rate", "warned", kind="clip"),
        one("gif_of_43_minutes", long, "size_limit"),
        one("gif_screen_of_65535", bytes(screen), "size_limit"),
        one("gif_frame_outside_the_screen", bytes(outside), "", "survived"),
        one("gif_damaged", damaged, "", "survived"),
        one("gif_cut", whole[: len(whole) * 2 // 3], "truncated", "refused_by_load"),
        one("gif_cut_in_the_head", whole[:11], "truncated", "refused_by_load", other_code="decode_failed"),
        one("gif_of_one_frame", gif(FILM[:1]), "", "survived"),
    ]


def place(content: bytes, path: str) -> int:
    """Where a box of an MP4 begins, by the names on the way: "moov/trak/mdia/mdhd"."""
    start, end = 0, len(content)
    for name in path.split("/"):
        while True:
            size, found = struct.unpack(">I4s", content[start : start + 8])
            assert start < end, f"no {name}"
            if found == name.encode():
                break
            start += size or end
        start, end = start + 8, start + size
    return start - 8


def _set(path: str, offset: int, value: bytes) -> Callable[[bytes], bytes]:
    """Put bytes into a box, counted from behind its name."""

    def change(content: bytes) -> bytes:
        at = place(content, path) + 8 + offset
        return content[:at] + value + content[at + len(value) :]

    return change


def _named(content: bytes) -> bytes:
    """A title and an artist behind the last box of the index."""
    start = place(content, "moov")
    (size,) = struct.unpack(">I", content[start : start + 4])
    said = CANARY.encode()
    words = b"".join(struct.pack(">I4sHH", len(said) + 12, name, len(said), 0) + said for name in (b"\xa9nam", b"\xa9ART"))
    more = struct.pack(">I4s", len(words) + 8, b"udta") + words
    assert start + size == len(content), "the index is the last box"
    return content[:start] + struct.pack(">I", size + len(more)) + content[start + 4 :] + more


def _mp4() -> list[Case]:
    table = "moov/trak/mdia/minf/stbl/"

    def without_index(content: bytes) -> bytes:
        return content[: place(content, "moov")]

    def hidden_index(content: bytes) -> bytes:
        start = place(content, "moov")
        return content[: start + 4] + b"free" + content[start + 8 :]

    def halved(content: bytes) -> bytes:
        return content[: len(content) // 2]

    def without_frames(content: bytes) -> bytes:
        start, index = place(content, "mdat"), place(content, "moov")
        return content[: start + 8] + b"\0" * (index - start - 8) + content[index:]

    codec = {name: _set(f"{table}stsd", 12, name) for name in (b"mjp2", b"ZZCY", b"rpza", b"drmi")}

    def slowed(content: bytes) -> bytes:
        """A tick is a second, a frame 512 of them; without the edit list that says otherwise."""
        content = _set("moov/trak/mdia/mdhd", 12, struct.pack(">I", 1))(content)
        return _set("moov/trak/edts", -4, b"free")(content)

    seen = {"kind": "clip"}
    return [
        b.from_public(55, "mp4_index_missing", MP4, without_index, "truncated"),
        b.from_public(55, "mp4_index_hidden", MP4, hidden_index, "truncated", "golden_or_refused", **seen),
        b.from_public(55, "mov_index_missing", MOV, without_index, "truncated"),
        b.from_public(55, "mp4_cut_in_half", MP4, halved, "truncated"),
        b.from_public(
            55,
            "mp4_cut_in_the_index",
            MP4,
            lambda content: content[:-300],
            "truncated",
            "refused_by_load",
            other_code="decode_failed",
        ),
        b.from_public(
            55, "mp4_frames_overwritten", MP4, without_frames, "decode_failed", "refused_by_load", other_code="truncated"
        ),
        b.from_public(
            55, "mp4_frame_time_zero", MP4, _set(f"{table}stts", 12, b"\0\0\0\0"), "frame_time_unknown", "warned", **seen
        ),
        b.from_public(55, "mp4_time_scale_zero", MP4, _set("moov/trak/mdia/mdhd", 12, b"\0\0\0\0"), "", "survived"),
        b.from_public(55, "mp4_of_four_hours", MP4, slowed, "size_limit"),
        b.from_public(55, "mp4_four_billion_times", MP4, _set(f"{table}stts", 4, b"\xff\xff\xff\xff"), "", "survived"),
        b.from_public(55, "mp4_four_billion_frames", MP4, _set(f"{table}stsz", 8, b"\xff\xff\xff\xff"), "", "survived"),
        b.from_public(55, "mp4_frames_outside_the_file", MP4, _set(f"{table}stco", 8, b"\x7f\xff\xff\0"), "", "survived"),
        b.from_public(55, "mp4_index_points_at_itself", MP4, _set("moov/trak", -8, struct.pack(">I", 0)), "", "survived"),
        b.from_public(55, "mp4_16384_wide", MP4, _set(f"{table}stsd", 40, struct.pack(">HH", 16384, 16384)), "", "survived"),
        *(
            b.from_public(
                55,
                f"mp4_codec_{name.decode().lower()}",
                MP4,
                change,
                "unsupported_codec",
                "refused_by_load",
            )
            for name, change in codec.items()
        ),
        b.from_public(55, "mp4_with_names_in_it", MP4, _named, "", "golden", **seen),
        b.from_public(55, "mp4_frames_elsewhere", MP4, _set("moov/trak/mdia/minf/dinf/dref", 16, b"\0\0\0\0"), "", "survived"),
        b.from_public(55, "mov_is_no_harm", MOV, lambda content: content, "", "golden", **seen),
        b.from_public(55, "mpeg_is_no_harm", MPEG, lambda content: content, "", "golden", **seen),
        b.from_public(55, "mpeg_cut", MPEG, lambda content: content[: len(content) // 2], "", "survived"),
        b.from_public(
            55, "mpeg_damaged", MPEG, lambda content: content[:9000] + b"\xa5" * 20_000 + content[29_000:], "", "survived"
        ),
        b.from_public(55, "mp4_named_avi", AVI_THAT_IS_MP4, lambda content: content, "extension_mismatch", "warned", **seen),
    ]


def _elsewhere() -> list[Case]:
    """Lists of films that lie elsewhere, which some players would fetch."""
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,{CANARY}\nfile:///etc/passwd\n#EXT-X-ENDLIST\n".encode()
    script = b"ffconcat version 1.0\nfile '/etc/passwd'\nfile 'http://127.0.0.1/x'\n"
    described = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=ZZCANARY\nc=IN IP4 127.0.0.1\nm=video 1 RTP/AVP 96\n"
    manifest = b'<?xml version="1.0"?><MPD><Period><BaseURL>file:///etc/</BaseURL></Period></MPD>'
    files = {
        "playlist.m3u8": playlist, "playlist.mp4": playlist, "playlist.avi": playlist, "script.ffconcat": script,
        "script.mp4": script, "session.sdp": described, "manifest.mpd": manifest,
    }  # fmt: skip
    return [
        one_file(55, name.replace(".", "_named_"), content, "unsupported_type", "refused", f"{NAME}.{name.split('.')[1]}")
        for name, content in files.items()
    ]
