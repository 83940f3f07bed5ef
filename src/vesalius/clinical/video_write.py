"""MP4 files written without loss: H.264 of RGB, by x264 through PyAV, the extra `video`.

Every pixel comes back as it was, so that what is true of a frame stays true of the file; VLC, mpv and FFmpeg show such files,
browsers may not. Gray is RGB of three equal parts: players disagree about the range of gray alone. One thread, and no clock,
name or version of the container: the same frames give the same bytes.
"""

import io
from fractions import Fraction
from pathlib import Path

import numpy as np

from vesalius.errors import MissingFromEnvironment, UsageError
from vesalius.types import Array

try:
    import av
except ImportError:  # the extra `video` is not installed: writing is refused with the command that does it
    av = None  # type: ignore[assignment]

FINEST_TICK = 90_000  # parts of a second, in which frames are timed


def write_film(path: Path, frames_u8: Array, *, frame_s: float) -> None:
    """Write a film.

    Args:
        path: the file to write; its folder must exist.
        frames_u8: uint8 (T, Y, X) gray or (T, Y, X, 3) RGB; both are read back as RGB.
        frame_s: from frame to frame, > 0.

    Raises:
        MissingFromEnvironment: `missing_package`, when PyAV is not installed, or one without x264.
        UsageError: `bad_option`, when the frames are none that a film can have.
    """
    if av is None or "libx264rgb" not in av.codecs_available:
        raise MissingFromEnvironment(
            "missing_package", "MP4 needs a further package, which is not here. Install it with: pip install 'vesalius[video]'."
        )
    if frames_u8.dtype != np.uint8 or frames_u8.ndim not in (3, 4) or (frames_u8.ndim == 4 and frames_u8.shape[-1] != 3):
        raise UsageError("bad_option", "A film is uint8, frames of gray or of RGB. Others are not written. Convert it.")
    if frames_u8.size == 0 or not frame_s > 0:
        raise UsageError("bad_option", "A film has frames, and a time above 0 between them. Without, nothing moves. Give both.")
    content = io.BytesIO()
    with av.open(content, "w", format="mp4", options={"fflags": "+bitexact"}) as opened:
        step_s = Fraction(frame_s).limit_denominator(FINEST_TICK)
        stream = opened.add_stream("libx264rgb", rate=1 / step_s, options={"qp": "0"})
        stream.height, stream.width = frames_u8.shape[1:3]
        stream.pix_fmt = "rgb24"
        stream.thread_count = 1
        stream.time_base = stream.codec_context.time_base = step_s
        for index, pixels in enumerate(frames_u8):
            color = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(color), format="rgb24")
            frame.pts, frame.time_base = index, step_s
            opened.mux(stream.encode(frame))
        opened.mux(stream.encode(None))
    path.write_bytes(content.getvalue())
