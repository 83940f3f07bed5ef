"""PNG and JPEG pictures.

The simplest of the readers; the others look like it. `describe` reads the header and says what the picture is, `decode`
puts its pixels where they belong. Both run in a worker process, on an open file that has no name there.
"""

import os
from io import BufferedReader

import numpy as np
import PIL
from PIL import ExifTags, ImageFile
from PIL import Image as Pillow

from vesalius.clinical.geometry import LIMIT_PX, checked_size
from vesalius.clinical.picture import Description
from vesalius.errors import InputRefused
from vesalius.types import Array, CodedWarning, Part

FORMATS = ("PNG", "JPEG")
BLOCK_BYTES = 2**20

# What ends the pixels. Neither can stand inside a JPEG's scan, and in a PNG's only by a chance of one in 2^32 per byte.
_END = {"PNG": b"IEND", "JPEG": b"\xff\xd9"}

_TURNS = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}
_DEEP_MODES = ("I", "I;16", "I;16B")
_GRAY_MODES = ("1", "L", "LA", *_DEEP_MODES)


def describe(file: BufferedReader) -> Description:
    """What the header says; no pixel is decoded.

    Gray pictures are uint8 or uint16 (Y, X), all others, palettes and CMYK too, uint8 RGB (Y, X, 3); gray stored as RGB
    stays RGB. The turn that the EXIF block asks for is applied. The resolution that the file may state is that of a
    screen or printer, so the spacing is unknown.

    Raises:
        InputRefused: `unsupported_type` for any other format, `truncated`, `decode_failed`, or `size_limit` above 2^30
            pixels.
    """
    with _opened(file) as picture:
        turn = _turn(picture)
        width, height = picture.size if turn not in (5, 6, 7, 8) else picture.size[::-1]
        channels = 1 if picture.mode in _GRAY_MODES else 3
        checked_size(1, height, width, item_bytes=3 if channels == 3 else 2)
        file_format = "PNG" if picture.format == "PNG" else "JPEG"  # Pillow calls a JPEG with an appendix MPO
        if not _is_whole(file, picture.tile[0].offset, _END[file_format]):
            raise InputRefused("truncated", "The file ends before its pixels do. The rest is not guessed. Copy it again.")
        unknown = CodedWarning("no_calibration", "The picture does not state its pixel size in millimetres.")
        return Description(
            format="raster",
            kind="image",
            shape=(height, width),
            channels=channels,
            dtype="uint16" if picture.mode in _DEEP_MODES else "uint8",
            warnings=(*_doubts(picture, file), unknown),
        )


def decode(file: BufferedReader, description: Description, part: Part, out: Array) -> None:
    """The pixels, into `out`.

    Raises:
        InputRefused: `truncated` or `decode_failed`.
    """
    try:
        with _opened(file) as picture:
            turn = _turn(picture)
            picture.load()
            out[...] = _array(picture if turn == 1 else picture.transpose(_TURNS[turn]))
    except (OSError, SyntaxError, ValueError) as error:
        code = "truncated" if "truncated" in str(error).lower() else "decode_failed"
        raise InputRefused(code, "The pixels end early or are damaged. The rest is not guessed. Copy the file again.") from None


def _opened(file: BufferedReader) -> ImageFile.ImageFile:
    # Pillow warns at its limit and refuses at twice that; between the two `describe` refuses.
    Pillow.MAX_IMAGE_PIXELS = LIMIT_PX
    file.seek(0)
    try:
        return Pillow.open(file, formats=FORMATS)
    except PIL.UnidentifiedImageError:
        raise InputRefused("truncated", "The picture's header is incomplete, so it has no size. Copy it again.") from None
    except Pillow.DecompressionBombError:
        raise InputRefused(
            "size_limit", f"The picture has more than {LIMIT_PX} pixels. Decoding could exhaust the memory. Cut or shrink it."
        ) from None
    except (OSError, SyntaxError, ValueError):
        raise InputRefused("decode_failed", "The picture's header is damaged. It cannot be read. Copy it again.") from None


def _turn(picture: Pillow.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 when none is stated or it is not one of these."""
    # Pillow's PNG reader would decode all pixels to look for a block behind them; the base method reads what is known.
    turn = Pillow.Image.getexif(picture).get(ExifTags.Base.Orientation, 1)
    return turn if turn in _TURNS else 1


def _is_whole(file: BufferedReader, pixels_from: int, end: bytes) -> bool:
    """Whether `end` stands somewhere behind the pixels' beginning."""
    file.seek(pixels_from)
    carried = b""
    while block := file.read(BLOCK_BYTES):
        if end in carried + block:
            return True
        carried = block[-len(end) :]
    return False


def _doubts(picture: Pillow.Image, file: BufferedReader) -> tuple[CodedWarning, ...]:
    warnings = []
    if picture.mode in ("LA", "RGBA", "PA") or "transparency" in picture.info:
        warnings.append(CodedWarning("transparency_dropped", "The picture's transparency was dropped."))
    frames = getattr(picture, "n_frames", 1)
    if frames > 1:
        warnings.append(CodedWarning("first_frame_only", "Only the first frame was read.", {"frames": frames}))
    file.seek(24, os.SEEK_SET)
    depth_bits, color_type = file.read(2)
    if picture.format == "PNG" and depth_bits == 16 and color_type != 0:
        warnings.append(CodedWarning("depth_reduced", "16 bits per color were read with 8.", {"bits": 16}))
    return tuple(warnings)


def _array(picture: Pillow.Image) -> Array:
    if picture.mode in _DEEP_MODES:
        return np.asarray(picture).astype(np.uint16)
    return np.array(picture.convert("L" if picture.mode in _GRAY_MODES else "RGB"))
