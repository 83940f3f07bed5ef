"""Video files: MP4, QuickTime, AVI and MPEG, decoded by FFmpeg through PyAV, the extra `video`.

Frame times are the container's time stamps, never a nominal rate. Sound, text and names in the file are left alone.
A frame counts as damaged when FFmpeg had to patch it, or one that it was predicted from: such a frame is never shown. (What
FFmpeg cannot tell, nobody can: damage inside a frame of motion JPEG or ProRes may decode to another picture without an error.)
"""

import math
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

from vesalius.clinical.picture import Description
from vesalius.clinical.pieces import numbered
from vesalius.clinical.timing import described, timing
from vesalius.errors import InputRefused
from vesalius.types import Array, CodedWarning, Part

try:
    import av
except ImportError:  # the extra `video` is not installed: files are refused with the command that does it
    av = None  # type: ignore[assignment]

# Decoders by FFmpeg's names. Others are not opened, whatever the file asks for: FFV1's, among them, repeats the frame before a
# damaged one without a mark.
CODECS = (
    *("h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "mjpeg", "rawvideo", "prores"),
    *("vp8", "vp9", "libvpx", "libvpx-vp9", "av1", "libdav1d"),
)
LIMIT_FRAME_PX = 2**26  # of one frame: decoders keep up to seventeen of them
AVI_HEAD_BYTES = 2**14
LIMIT_STORED = 2**19  # frames in a file
HAS_INDEX = frozenset({"mov", "avi"})  # in these a frame is found without decoding all before it
HAS_CLOCK = frozenset({"mov", "mpeg"})  # a bare MPEG stream has no time stamps; those that FFmpeg makes up are not used
_PREDICTED_FROM_LATER = 3  # FFmpeg's picture type B


@dataclass(frozen=True)
class _Stored:
    """What was learnt by stepping through a file: the frames' time stamps in the order shown, and the first frame.

    `names` says whether a decoded frame bears its own stamp. Where it does not, frames are told by their order alone.
    """

    names: bool
    stamps: list[int] | None
    frames: int
    first: Any


def describe(file: BufferedReader) -> Description:
    """Step through the packets and decode the first frame.

    A clip is (T, Y, X, 3) uint8, or (T, Y, X) where the file stores gray; the turn that the file asks for is applied. A
    single frame is a picture.

    Raises:
        InputRefused: `truncated`, `unsupported_codec`, `unsupported_type` for files that refer to others, `no_pixels`,
            `size_limit`, `decode_failed`.
    """
    container = _container(file)
    has_clock = _avi_has_rate(file) if container == "avi" else container in HAS_CLOCK
    with _opened(file, container) as opened:
        stream = _stream(opened)
        stored = _stepped_through(opened, stream, container, has_clock=has_clock)
        tick_s, stated = float(stream.time_base or 0), stream.frames
    turn = _turn(stored.first)
    pixels = stored.first.format
    rows, columns = (stored.first.width, stored.first.height) if turn[0] else (stored.first.height, stored.first.width)
    channels = 1 if len(pixels.components) == 1 and not pixels.has_palette else 3
    stamps_s = None if stored.stamps is None else [stamp * tick_s for stamp in stored.stamps]
    times = timing(stamps_s, stored.frames, tick_s=tick_s)
    doubts = []
    if stated not in (0, stored.frames):
        said = f"The file says that it has {stated} frames; there are {stored.frames}, and the clip may have gaps."
        doubts.append(CodedWarning("frames_contradictory", said, {"stated": stated, "frames": stored.frames}))
    if (bits := max(component.bits for component in pixels.components)) > 8 and not pixels.has_palette:
        doubts.append(CodedWarning("depth_reduced", f"{bits} bits per color were read with 8.", {"bits": bits}))
    notes = {
        "container": container,
        "has_index": container in HAS_INDEX and stated in (0, stored.frames),
        "turn": turn,
        "stamps": None if stored.stamps is None or not stored.names else [stored.stamps[index] for index in times.frames],
    }
    return described("video", times, (rows, columns), channels, doubts, notes)


def decode(file: BufferedReader, description: Description, part: Part, out: Array) -> None:
    """The frames of `part`, into `out`. One frame is decoded from the last point before it where that can begin.

    Raises:
        InputRefused: `decode_failed`, listing the frames; the others can be read one by one.
    """
    is_alone = bool(part.index) or description.kind != "clip"
    wanted = [part.index[0] if part.index else 0] if is_alone else list(range(description.shape[0]))
    left = dict(zip(wanted, [out] if is_alone else out, strict=True))
    stamps, step = description.notes["stamps"], description.notes["step"]
    index_of = {stamps[index] if stamps else index * step: index for index in wanted}
    damaged, last = [], -math.inf
    for order, (frame, is_sound) in enumerate(_judged(_frames(file, description.notes, wanted[0]), by_order=not stamps)):
        place = frame.pts if stamps else order
        index, is_sound = index_of.get(place), is_sound and place is not None and place > last
        last = last if place is None else place
        if index is None or index not in left:
            continue
        target = left.pop(index)
        pixels = _upright(frame, description) if is_sound else None
        if pixels is not None and pixels.shape == target.shape:
            target[...] = pixels
        else:
            damaged.append(index)
        if not left:
            break
    if damaged or left:
        raise _damaged(sorted([*damaged, *left]), description.shape[0] if description.kind == "clip" else 1)


def _damaged(indices: list[int], count: int) -> InputRefused:
    return InputRefused(
        "decode_failed",
        f"Frames {numbered(indices)} of {count} are damaged or rest on damaged ones. Nothing is guessed. The others can be read "
        "one by one.",
    )


def _frames(file: BufferedReader, notes: Mapping[str, Any], index: int) -> Iterator[Any]:
    """Frames as they are decoded, up to the end, so that frame `index` is among them; None where nothing could be."""
    container, stamps = notes["container"], notes["stamps"]
    if stamps and index > 0 and notes["has_index"]:
        with _opened(file, container) as opened:
            stream = _stream(opened)
            opened.seek(stamps[index], stream=stream)
            frames = _decoded(opened, stream)
            first = next((frame for frame in frames if frame is not None), None)
            if first is not None and first.key_frame and first.pts is not None and first.pts <= stamps[index]:
                yield first
                yield from frames
                return
    with _opened(file, container) as opened:
        yield from _decoded(opened, _stream(opened))


def _decoded(opened: Any, stream: Any) -> Iterator[Any]:
    """Every frame in the order shown; None for each packet that none could be made of."""
    try:
        for packet in opened.demux(stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                frames = [None]
            yield from frames
    except av.FFmpegError:
        yield None


def _judged(frames: Iterator[Any], *, by_order: bool) -> Iterator[tuple[Any, bool]]:
    """Each frame, and whether it and all that it was predicted from are sound: one may rest on the frame after it too.

    Where frames are told by their order, the first that is missing makes all after it doubtful.
    """
    is_sound, is_lost, held = True, False, []
    for frame in frames:
        if frame is None:
            is_sound, is_lost = False, by_order
            continue
        is_sound = (is_sound or frame.key_frame) and not frame.is_corrupt and not is_lost
        if frame.pict_type == _PREDICTED_FROM_LATER:
            held.append((frame, is_sound))
            continue
        yield from ((earlier, was_sound and is_sound) for earlier, was_sound in held)
        held.clear()
        yield frame, is_sound
    yield from held


def _container(file: BufferedReader) -> str:
    """FFmpeg's name of the container, told by its beginning; a file that is cut or that points elsewhere is refused."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    if head.startswith(b"RIFF"):
        if struct.unpack("<I", head[4:8])[0] + 8 > size:
            raise _cut()
        return "avi"
    if head.startswith(b"\0\0\1"):
        return "mpeg" if head[3] == 0xBA else "mpegvideo"
    boxes = list(_boxes(file, 0, size))
    for box in boxes:
        _check_inside(file, *box)
    if b"moov" not in [name for name, _, _ in boxes]:
        raise InputRefused("truncated", "The video's index is missing: the recording was cut. It cannot be read. Copy it again.")
    return "mov"


def _check_inside(file: BufferedReader, name: bytes, begin: int, end: int) -> None:
    """Refuse an index whose frames lie in another file. Source: ISO/IEC 14496-12, 8.7.2 (data references)."""
    if name in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        for inner in _boxes(file, begin, end):
            _check_inside(file, *inner)
    elif name == b"dref":
        for entry, start, _ in _boxes(file, begin + 8, end):
            file.seek(start + 3)
            if entry == b"\0\0\0\0" or not file.read(1)[0] & 1:
                raise _points_elsewhere()
    elif name == b"rmra":
        raise _points_elsewhere()


def _boxes(file: BufferedReader, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, begin and end of the content) of each box of a stretch."""
    while begin + 8 <= end:
        file.seek(begin)
        size, name = struct.unpack(">I4s", file.read(8))
        content = begin + 8
        if size == 1:
            size, content = struct.unpack(">Q", file.read(8).rjust(8, b"\0"))[0], begin + 16
        elif size == 0:
            size = end - begin
        if size < content - begin or begin + size > end:
            raise _cut()
        yield name, content, begin + size
        begin += size


def _avi_has_rate(file: BufferedReader) -> bool:
    """Whether the head states how long a frame is shown: FFmpeg makes a rate up where none is.

    Source: Microsoft, AVI RIFF file reference: `avih` begins with it, `strh` has a scale and a rate at 20 and 24.
    """
    file.seek(0)
    head = file.read(AVI_HEAD_BYTES)
    main, stream = head.find(b"avih"), head.find(b"vids")
    times = [head[at : at + size] for at, size in ((main + 8, 4), (stream + 20, 4), (stream + 24, 4))]
    every_us, scale, rate = (int.from_bytes(value, "little") for value in times)
    return (main > 0 and every_us > 0) or (stream > 0 and scale > 0 and rate > 0)


def _cut() -> InputRefused:
    return InputRefused("truncated", "The video ends before its last frame does. The rest is not guessed. Copy it again.")


def _points_elsewhere() -> InputRefused:
    return InputRefused(
        "unsupported_type", "The video's frames lie in another file or at an address. Neither is followed. Export it as one file."
    )


def _opened(file: BufferedReader, container: str) -> Any:
    if av is None:
        raise InputRefused(
            "unsupported_codec", "MP4, MOV, AVI and MPEG need a further package. Install it with: pip install 'vesalius[video]'."
        )
    file.seek(0)
    try:
        return av.open(
            file,
            "r",
            format=container,
            container_options={"codec_whitelist": ",".join(CODECS), "protocol_whitelist": "none"},
            metadata_errors="ignore",
            io_open=_refuse_others,
        )
    except av.FFmpegError:
        raise InputRefused("decode_failed", "The video's header is damaged. It cannot be read. Copy it again.") from None


def _refuse_others(*_: Any) -> Any:
    """What FFmpeg calls to open a further file."""
    raise _points_elsewhere()


def _stream(opened: Any) -> Any:
    """The picture track, every other one left aside."""
    pictures = [stream for stream in opened.streams.video if not stream.disposition & av.stream.Disposition.attached_pic]
    if not pictures:
        raise InputRefused("no_pixels", "The file holds no moving picture. Only sound or data is in it. Name another one.")
    context = pictures[0].codec_context
    if context is None or context.name not in CODECS:
        raise InputRefused(
            "unsupported_codec", "The video is compressed in a way that is not read. Convert it to H.264, which is."
        )
    for stream in opened.streams:
        stream.discard = av.stream.Discard.default if stream is pictures[0] else av.stream.Discard.all
    context.thread_count = 1
    if context.codec.intra_only:  # then an error costs one frame, and those of MJPEG are told in no other way
        context.options = {"err_detect": "explode"}
    return pictures[0]


def _stepped_through(opened: Any, stream: Any, container: str, *, has_clock: bool) -> _Stored:
    stamps: list[int | None] = []
    first = None
    try:
        for packet in opened.demux(stream):
            if packet.size and (stamps or packet.is_keyframe) and not packet.is_discard:
                stamps.append(packet.pts)
            if first is None:
                _check_frame_size(stream.width, stream.height)
                first = _first_of(packet)
            if len(stamps) > LIMIT_STORED:
                raise InputRefused("size_limit", f"The video has more than {LIMIT_STORED} frames. Cut out what matters.")
    except av.FFmpegError:
        raise _cut() from None
    if first is None or not stamps:
        raise InputRefused("decode_failed", "Not one frame of the video could be decoded. It is damaged. Copy it again.")
    known = sorted(stamp for stamp in stamps if stamp is not None and (first.pts is None or stamp >= first.pts))
    is_told = has_clock and None not in stamps and len(set(known)) == len(known)
    # AVI counts frames as they are stored; which is shown when, FFmpeg works out for MPEG-4 but not for these two.
    names = not (container == "avi" and stream.codec_context.has_b_frames and stream.codec_context.name in ("h264", "hevc"))
    return _Stored(names, known if is_told else None, len(known) if is_told else len(stamps), first)


def _first_of(packet: Any) -> Any:
    try:
        return next(iter(packet.decode()), None)
    except av.FFmpegError:
        return None


def _check_frame_size(width: int, height: int) -> None:
    if width * height > LIMIT_FRAME_PX:
        raise InputRefused(
            "size_limit",
            f"The video's frames have more than {LIMIT_FRAME_PX} pixels. Decoding could exhaust the memory. Shrink it.",
        )


def _turn(frame: Any) -> list[bool]:
    """Whether rows and columns are exchanged, then rows reversed, then columns reversed, to show a frame upright.

    Source: ISO/IEC 14496-12, 6.2.2: (x, y) of the stored picture is shown at (a x + c y, b x + d y).
    """
    try:
        matrix = bytes(frame.side_data["DISPLAYMATRIX"])
    except KeyError:
        return [False, False, False]
    a, b, _, c, d, *_ = (value / 65536 for value in struct.unpack("=9i", matrix))
    if (abs(a), abs(b), abs(c), abs(d)) not in ((1, 0, 0, 1), (0, 1, 1, 0)):
        raise InputRefused("bad_attribute", "The video asks to be turned by an odd angle or stretched. Export it upright.")
    return [a == 0, (d if a else b) < 0, (a or c) < 0]


def _upright(frame: Any, description: Description) -> Array | None:
    """The pixels of a frame as they are shown; None where they cannot be made of it."""
    try:
        pixels: Array = frame.to_ndarray(format="rgb24" if description.channels == 3 else "gray", threads=1)
    except (av.FFmpegError, ValueError):
        return None
    exchanged, rows_reversed, columns_reversed = description.notes["turn"]
    turned = pixels.swapaxes(0, 1) if exchanged else pixels
    return turned[:: -1 if rows_reversed else 1, :: -1 if columns_reversed else 1]
