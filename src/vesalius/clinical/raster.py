"""PNG and JPEG pictures.

The simplest of the readers; the others look like it: `recognizes` tells by content, `open_image` reads the header and
gives an `Image` that decodes its pixels when asked.
"""

import functools
import mmap
from pathlib import Path

import numpy as np
import PIL
from PIL import ExifTags, ImageFile
from PIL import Image as Pillow

from vesalius.clinical.geometry import LIMIT_PX, checked_size
from vesalius.clinical.keys import content_sha256
from vesalius.errors import InputRefused
from vesalius.types import Array, CodedWarning, Image, Source

FORMATS = ("PNG", "JPEG")
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"

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
_GRAY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B")


def recognizes(head: bytes) -> bool:
    """Whether a file that begins with `head` is a PNG or a JPEG."""
    return head.startswith((PNG_SIGNATURE, JPEG_SIGNATURE))


def open_image(
    path: Path,
    *,
    modality: str | None = None,
    spacing_mm: tuple[float, float] | None = None,
    view: str | None = None,
    day: float | None = None,
) -> Image:
    """A picture whose pixels are decoded by `load`; only the header is read now.

    Gray pictures load as uint8 or uint16 (Y, X), all others, palettes and CMYK too, as uint8 RGB (Y, X, 3); gray
    stored as RGB stays RGB. The turn that the EXIF block asks for is applied. The resolution that the file may state
    is that of a screen or printer, so the spacing is what the caller knows, (y, x), and None otherwise.

    Raises:
        InputRefused: `input_missing`, `input_empty`, `unsupported_type` for any other format, `truncated`,
            `decode_failed`, or `size_limit` above 2^30 pixels. `load` raises `truncated` or `decode_failed`.
    """
    sha256 = _checked_hash(path)
    with _opened(path) as picture:
        turn = _turn(picture)
        width, height = picture.size if turn not in (5, 6, 7, 8) else picture.size[::-1]
        channels = 1 if picture.mode in _GRAY_MODES else 3
        checked_size(1, height, width, item_bytes=3 if channels == 3 else 2)
        file_format = "PNG" if picture.format == "PNG" else "JPEG"  # Pillow calls a JPEG with an appendix MPO
        if not _is_whole(path, picture.tile[0].offset, _END[file_format]):
            raise InputRefused("truncated", "The file ends before its pixels do. The rest is not guessed. Copy it again.")
        warnings = _doubts(picture, path)
    if spacing_mm is None:
        warnings = (*warnings, CodedWarning("no_calibration", "The picture does not state its pixel size in millimetres."))
    return Image(
        kind="image",
        shape=(height, width),
        channels=channels,
        load=functools.partial(_load, path, turn),
        source=Source(path, sha256, file_format),
        spacing_mm=spacing_mm,
        modality=modality,
        view=view,
        day=day,
        warnings=warnings,
    )


def _checked_hash(path: Path) -> str:
    if not path.is_file():
        raise InputRefused("input_missing", "No file lies at the path that was given, so there is nothing to read. Check it.")
    if path.stat().st_size == 0:
        raise InputRefused("input_empty", "The file is empty. It holds no picture. Copy it again from its source.")
    return content_sha256(path)


def _opened(path: Path) -> ImageFile.ImageFile:
    # Pillow warns at its limit and refuses at twice that; between the two `open_image` refuses.
    Pillow.MAX_IMAGE_PIXELS = LIMIT_PX
    try:
        return Pillow.open(path, formats=FORMATS)
    except PIL.UnidentifiedImageError as error:
        with path.open("rb") as file:
            known = recognizes(file.read(16))
        if known:
            raise InputRefused("truncated", "The picture's header is incomplete, so it has no size. Copy it again.") from error
        raise InputRefused("unsupported_type", "The file is neither PNG nor JPEG. Convert it to PNG first.") from error
    except Pillow.DecompressionBombError as error:
        raise InputRefused(
            "size_limit", f"The picture has more than {LIMIT_PX} pixels. Decoding could exhaust the memory. Cut or shrink it."
        ) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise InputRefused("decode_failed", "The picture's header is damaged. It cannot be read. Copy it again.") from error


def _turn(picture: Pillow.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 when none is stated or it is not one of these."""
    # Pillow's PNG reader would decode all pixels to look for a block behind them; the base method reads what is known.
    turn = Pillow.Image.getexif(picture).get(ExifTags.Base.Orientation, 1)
    return turn if turn in _TURNS else 1


def _is_whole(path: Path, pixels_from: int, end: bytes) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(end, pixels_from) >= 0


def _doubts(picture: Pillow.Image, path: Path) -> tuple[CodedWarning, ...]:
    warnings = []
    if picture.mode in ("LA", "RGBA", "PA") or "transparency" in picture.info:
        warnings.append(CodedWarning("transparency_dropped", "The picture's transparency was dropped."))
    frames = getattr(picture, "n_frames", 1)
    if frames > 1:
        warnings.append(CodedWarning("first_frame_only", "Only the first frame was read.", {"frames": frames}))
    with path.open("rb") as file:
        depth_bits, color_type = file.read(26)[24:26]
    if picture.format == "PNG" and depth_bits == 16 and color_type != 0:
        warnings.append(CodedWarning("depth_reduced", "16 bits per color were read with 8.", {"bits": 16}))
    return tuple(warnings)


def _load(path: Path, turn: int) -> Array:
    """uint8 or uint16 (Y, X), or uint8 (Y, X, 3)."""
    try:
        with _opened(path) as picture:
            picture.load()
            return _array(picture if turn == 1 else picture.transpose(_TURNS[turn]))
    except (OSError, SyntaxError, ValueError) as error:
        code = "truncated" if "truncated" in str(error).lower() else "decode_failed"
        raise InputRefused(code, "The pixels end early or are damaged. The rest is not guessed. Copy the file again.") from error


def _array(picture: Pillow.Image) -> Array:
    if picture.mode in ("I", "I;16", "I;16B"):
        return np.asarray(picture).astype(np.uint16)
    return np.array(picture.convert("L" if picture.mode in _GRAY_MODES else "RGB"))
