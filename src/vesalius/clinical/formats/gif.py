"""GIF pictures and clips.

Source: CompuServe, Graphics Interchange Format, version 89a (1990), sections 18 to 27.
"""

import os
import struct
from dataclasses import dataclass
from io import BufferedReader

import numpy as np
from PIL import GifImagePlugin
from PIL import Image as Pillow

from vesalius.clinical.geometry import LIMIT_PX
from vesalius.clinical.picture import Description
from vesalius.clinical.timing import described, timing
from vesalius.errors import InputRefused
from vesalius.types import Array, CodedWarning, Part

LIMIT_FRAMES = 20_000
_IMAGE, _EXTENSION, _END, _CONTROL = 0x2C, 0x21, 0x3B, 0xF9
TICK_S = 0.01


@dataclass(frozen=True)
class _Frame:
    """What precedes one frame's pixels: how long it is shown, in hundredths of a second, and whether it has holes."""

    delay: int
    has_holes: bool


def describe(file: BufferedReader) -> Description:
    """What the blocks between the pixels say; no pixel is decoded.

    Several frames are a clip (T, Y, X, 3), each as it is shown on top of those before it. One frame is a picture: gray
    where its palette is the ramp of all grays, else RGB. uint8.

    Raises:
        InputRefused: `truncated`, `decode_failed`, or `size_limit`.
    """
    rows, columns, frames = _blocks(file)
    channels = 3 if len(frames) > 1 else _channels(file)
    starts = np.cumsum([0, *(frame.delay for frame in frames[:-1])]) * TICK_S
    times = timing(starts.tolist(), len(frames), tick_s=TICK_S)
    said = CodedWarning("transparency_dropped", "The picture's transparency was dropped.")
    return described("gif", times, (rows, columns), channels, [said] if frames and frames[0].has_holes else [], {})


def decode(file: BufferedReader, description: Description, part: Part, out: Array) -> None:
    """The frames of `part`, into `out`. To reach a frame, those before it are drawn.

    Raises:
        InputRefused: `decode_failed`, naming the frame.
    """
    count = description.shape[0] if description.kind == "clip" else 1
    wanted = range(part.index[0], part.index[0] + 1) if part.index else range(count)
    places = out if description.kind == "clip" and not part.index else out[None]
    with _opened(file) as picture:
        for place, index in enumerate(wanted):
            try:
                picture.seek(index * description.notes["step"])
                places[place] = np.asarray(picture.convert("L" if description.channels == 1 else "RGB"))
            except (OSError, EOFError, SyntaxError, ValueError, IndexError):
                raise InputRefused(
                    "decode_failed", f"Frame {index + 1} of {count} is damaged. Nothing is guessed. Frames before it can be read."
                ) from None


def _opened(file: BufferedReader) -> GifImagePlugin.GifImageFile:
    Pillow.MAX_IMAGE_PIXELS = LIMIT_PX
    GifImagePlugin.LOADING_STRATEGY = GifImagePlugin.LoadingStrategy.RGB_AFTER_FIRST
    file.seek(0)
    try:
        return GifImagePlugin.GifImageFile(file)
    except Pillow.DecompressionBombError:
        raise InputRefused("size_limit", f"The picture has more than {LIMIT_PX} pixels. Cut or shrink it.") from None
    except (OSError, SyntaxError, ValueError):
        raise InputRefused("decode_failed", "The picture's header is damaged. It cannot be read. Copy it again.") from None


def _channels(file: BufferedReader) -> int:
    with _opened(file) as picture:
        return 1 if picture.mode in ("L", "1") else 3


def _blocks(file: BufferedReader) -> tuple[int, int, list[_Frame]]:
    """(rows, columns) of the screen, and the frames."""
    head = _exactly(file, 13)
    columns, rows, flags = struct.unpack("<HHB", head[6:11])
    _skip_palette(file, flags)
    frames: list[_Frame] = []
    control = _Frame(0, False)
    while (kind := _exactly(file, 1)[0]) != _END:
        if kind == _EXTENSION:
            if _exactly(file, 1)[0] == _CONTROL:
                control = _control(file)
            _skip_blocks(file)
        elif kind == _IMAGE:
            left, top, width, height, flags = struct.unpack("<4HB", _exactly(file, 9))
            if left + width > columns or top + height > rows:
                raise InputRefused("decode_failed", "A frame is larger than the picture. It is damaged. Copy the file again.")
            _skip_palette(file, flags)
            file.seek(1, os.SEEK_CUR)
            _skip_blocks(file)
            frames.append(control)
            control = _Frame(0, False)
        else:
            raise InputRefused("decode_failed", "Something else stands where a frame should begin. Copy the file again.")
        if len(frames) > LIMIT_FRAMES:
            raise InputRefused("size_limit", f"The clip has more than {LIMIT_FRAMES} frames. Cut out what matters.")
    if not frames:
        raise InputRefused("decode_failed", "The file holds no frame. There is nothing to see. Export it again.")
    return rows, columns, frames


def _control(file: BufferedReader) -> _Frame:
    size = _exactly(file, 1)[0]
    content = _exactly(file, size)
    return _Frame(struct.unpack("<H", content[1:3])[0], bool(content[0] & 1)) if size >= 4 else _Frame(0, False)


def _skip_palette(file: BufferedReader, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << ((flags & 7) + 1), os.SEEK_CUR)


def _skip_blocks(file: BufferedReader) -> None:
    while size := _exactly(file, 1)[0]:
        file.seek(size, os.SEEK_CUR)


def _exactly(file: BufferedReader, size: int) -> bytes:
    content = file.read(size)
    if len(content) < size:
        raise InputRefused("truncated", "The file ends before its last frame does. The rest is not guessed. Copy it again.")
    return content
