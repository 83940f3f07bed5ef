"""How the pixels of a DICOM file are stored, checked by its header alone: sizes, types, places, and what gives them meaning."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from vesalius.clinical.dicom import codecs
from vesalius.clinical.dicom.color import read_palette
from vesalius.clinical.dicom.elements import nonsense
from vesalius.clinical.dicom.encapsulated import LIMIT_FRAGMENTS, Frames, frames_of
from vesalius.clinical.dicom.file import Contents, PixelPlace, ends_cleanly, pixel_data_short, trailing_bytes
from vesalius.clinical.dicom.values import integer, number, numbers, text, values
from vesalius.clinical.geometry import checked_size
from vesalius.errors import InputRefused
from vesalius.types import CodedWarning

LIMIT_FRAMES = 20_000
NATIVE = frozenset({ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, ""})
_GRAY = {"MONOCHROME1", "MONOCHROME2"}
_COLOR = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "YBR_ICT", "YBR_RCT"}
_PALETTE = "PALETTE COLOR"
_NATIVE_COLOR = {"RGB", "YBR_FULL", "YBR_FULL_422"}  # the others are defined for compressed pixels only
_LIMIT_RESCALE = 1e9
_PHILIPS_PIXELS, _PHILIPS_SYNTAX = 0x07A1100A, 0x07A11011


@dataclass(frozen=True)
class PixelFormat:
    """How the pixels are stored, and what turns them into the acquisition's values.

    Attributes:
        frames: the whole ones that the file holds.
        samples: of a stored pixel; `channels` is what is made of them.
        number: `int`, or `float` for fractions.
        bits: allocated and stored.
        is_signed: the stored values' sign.
        is_inverted: low values are shown bright.
        photometric: what the samples mean, in the standard's word.
        is_planar: the colors of a frame lie one after another.
        syntax: the transfer syntax of compressed pixels; empty where they are not compressed.
        begins: where the value begins; of compressed pixels where each frame does, and behind the last one its end.
        is_little: the low byte comes first.
        is_words: single bytes were written as words of two.
        is_deflated: `begins` counts in the data set as it is when inflated.
        has_table: a modality table replaces slope and intercept.
        rescales: slope and intercept of each frame, where frames differ.
        padding: the values from the first to the last of which mean that nothing was measured, rescaled as the others.
    """

    frames: int
    rows: int
    columns: int
    channels: int
    samples: int
    number: Literal["int", "float"]
    bits: tuple[int, int]
    is_signed: bool
    is_inverted: bool
    photometric: str
    is_planar: bool
    syntax: str
    begins: tuple[int, ...]
    is_little: bool = True
    is_words: bool = False
    is_deflated: bool = False
    slope: float = 1.0
    intercept: float = 0.0
    has_table: bool = False
    rescales: tuple[tuple[float, float], ...] = ()
    padding: tuple[float, float] | None = None

    @property
    def is_palette(self) -> bool:
        """The stored values are numbers of colors."""
        return self.photometric == _PALETTE

    @property
    def raw_dtype(self) -> str:
        """Of the values as they are stored."""
        if self.number == "float":
            return f"float{self.bits[0]}"
        return f"{'int' if self.is_signed else 'uint'}{max(8, self.bits[0])}"

    @property
    def stored_dtype(self) -> str:
        """Of the values before they are rescaled; of a palette those of the colors."""
        return "uint8" if self.is_palette else self.raw_dtype

    @property
    def dtype(self) -> str:
        """Of the acquisition's values: float32 when they are rescaled, else as stored."""
        return "float32" if self.is_rescaled else self.stored_dtype

    @property
    def is_rescaled(self) -> bool:
        """Values are not what is stored."""
        return self.has_table or bool(self.rescales) or (self.slope, self.intercept) != (1.0, 0.0)

    @property
    def frame_bits(self) -> int:
        """Of one frame that is not compressed."""
        samples = 2 if self.photometric == "YBR_FULL_422" else self.samples
        return self.rows * self.columns * samples * self.bits[0]


def pixels_of(contents: Contents, *, are_tiles: bool = False) -> tuple[PixelFormat, tuple[CodedWarning, ...]]:
    """Check all that describes the pixels, and find their frames; no pixel is read.

    Args:
        contents: the file.
        are_tiles: frames are the tiles of a slide, which is never read whole; so there may be more of them.

    Raises:
        InputRefused: `no_pixels`, `unsupported_transfer_syntax`, `bad_attribute`, `bad_pixel_module`, `bad_rescale`,
            `bad_length`, `bad_offsets`, `size_limit` or `pixel_data_short`.
    """
    dataset, place = contents.dataset, contents.place
    if place is None:
        raise _no_pixels(dataset)
    syntax, doubts = _syntax(contents, place)
    rows, columns = _side(dataset, "Rows"), _side(dataset, "Columns")
    stated = _frames(dataset)
    samples, bits, is_signed, photometric, is_planar = _module(dataset, place, is_native=not syntax)
    has_colors = samples == 3 or photometric == _PALETTE
    slope, intercept = (1.0, 0.0) if has_colors else _rescale(dataset)
    pixels = PixelFormat(
        frames=stated,
        rows=rows,
        columns=columns,
        channels=3 if has_colors else 1,
        samples=samples,
        number="int" if place.keyword == "PixelData" else "float",
        bits=bits,
        is_signed=is_signed,
        is_inverted=photometric == "MONOCHROME1",
        photometric=photometric,
        is_planar=is_planar,
        syntax=syntax,
        begins=(place.begin or 0,),
        is_little=place.is_little,
        is_words=place.is_words,
        is_deflated=contents.meta.is_deflated,
        slope=slope,
        intercept=intercept,
        has_table=not has_colors and "ModalityLUTSequence" in dataset,
    )
    checked_size(1 if are_tiles else stated, rows, columns, item_bytes=pixels.channels * np.dtype(pixels.dtype).itemsize)
    limit = LIMIT_FRAGMENTS if are_tiles else LIMIT_FRAMES
    if stated > limit:
        raise InputRefused("size_limit", f"The file states more than {limit} frames. Nothing was read. Export it in parts.")
    if pixels.is_palette:
        read_palette(dataset, is_signed)
    frames, begins, more = _native(contents, place, pixels) if not syntax else _compressed(contents, place, pixels)
    return replace(pixels, frames=frames, begins=begins, padding=_padding(dataset, pixels)), (*doubts, *more)


def _no_pixels(dataset: Dataset) -> InputRefused:
    raw = dataset.get_item(_PHILIPS_SYNTAX) if _PHILIPS_SYNTAX in dataset else None
    if _PHILIPS_PIXELS in dataset or (raw is not None and b"PMSCT" in (raw.value or b"")):
        return InputRefused(
            "unsupported_transfer_syntax",
            "The pixels are compressed in a maker's own way that no package reads here. Export them uncompressed.",
        )
    return InputRefused("no_pixels", "The file should hold a picture, but has none. Only its header was exported, or it was cut.")


def _syntax(contents: Contents, place: PixelPlace) -> tuple[str, list[CodedWarning]]:
    """The transfer syntax of compressed pixels, or nothing; with the doubt when the pixels are not as it says."""
    syntax = contents.meta.syntax
    if syntax in NATIVE:
        if place.length is not None:
            return "", []
        if syntax or not contents.encoding.is_little:
            raise nonsense()
        return "1.2.840.10008.1.2.4.50", []  # nothing is stated; what the stream is decides
    missing = codecs.missing(syntax)
    if missing is None:
        raise InputRefused(
            "unsupported_transfer_syntax",
            "The pixels are compressed in a way (a video or a maker's own) that no package reads here. Export them uncompressed.",
        )
    if missing:
        raise InputRefused(
            "unsupported_transfer_syntax",
            f"The pixels are compressed in a way that needs a missing package. Install it with: pip install {missing}",
        )
    if place.length is None:
        return syntax, []
    said = "The pixels are said to be compressed and are not; they were read as they are."
    return "", [CodedWarning("encoding_mismatch", said)]


def _side(dataset: Dataset, keyword: str) -> int:
    """Rows or Columns: two bytes, whatever else the element may claim to be."""
    raw = dataset.get_item(keyword) if keyword in dataset else None
    if isinstance(raw, RawDataElement) and raw.value and not (raw.VR in ("US", "UN", None) and len(raw.value) == 2):
        raise InputRefused("bad_attribute", f"{keyword} is not stored as the standard has it. The picture has no certain size.")
    value = integer(dataset, keyword)
    if not 1 <= value <= 0xFFFF:
        raise InputRefused("bad_attribute", f"{keyword} is not between 1 and 65535. The picture has no size. Export it again.")
    return value


def _frames(dataset: Dataset) -> int:
    found = numbers(dataset, "NumberOfFrames")
    if not found:
        return 1
    if len(found) > 1 or not found[0].is_integer() or found[0] < 1:
        raise InputRefused(
            "bad_attribute", "Number of Frames is not a positive number. The frames cannot be found. Export it again."
        )
    return int(found[0])


def _module(dataset: Dataset, place: PixelPlace, *, is_native: bool) -> tuple[int, tuple[int, int], bool, str, bool]:
    """Samples, bits, sign, meaning and order of the samples; each checked against the others. Source: PS3.3, C.7.6.3."""
    photometric, samples = text(dataset, "PhotometricInterpretation"), integer(dataset, "SamplesPerPixel", 1)
    allocated = integer(dataset, "BitsAllocated")
    known = _GRAY | {_PALETTE} | (_NATIVE_COLOR if is_native else _COLOR)
    if photometric not in known or samples != (3 if photometric in _COLOR else 1):
        raise _bad_module("Photometric Interpretation and samples contradict")
    if place.keyword != "PixelData":
        if allocated != (32 if place.keyword == "FloatPixelData" else 64) or photometric not in _GRAY or not is_native:
            raise _bad_module("Fractions are stored with a wrong number of bits")
        return 1, (allocated, allocated), True, photometric, False
    stored = integer(dataset, "BitsStored", allocated)
    sizes = (1, 8, 16, 32) if samples == 1 and photometric != _PALETTE else (8, 16)
    if allocated not in sizes or not 1 <= stored <= allocated:
        raise _bad_module("Bits Allocated and Bits Stored are not as pictures have them")
    if integer(dataset, "HighBit", stored - 1) != stored - 1:
        raise _bad_module("High Bit is not Bits Stored - 1")
    sign, planar = integer(dataset, "PixelRepresentation", 0), integer(dataset, "PlanarConfiguration", 0)
    if sign not in (0, 1) or (samples == 3 and planar not in (0, 1)):
        raise _bad_module("Pixel Representation or Planar Configuration is neither 0 nor 1")
    columns = integer(dataset, "Columns")
    if is_native and photometric == "YBR_FULL_422" and (allocated != 8 or columns % 2):
        raise _bad_module("Colors for pairs of pixels need 8 bits and an even number of columns")
    is_signed = sign == 1 and samples == 1 and photometric != _PALETTE and allocated > 1
    return samples, (allocated, stored), is_signed, photometric, samples == 3 and planar == 1 and photometric != "YBR_FULL_422"


def _bad_module(what: str) -> InputRefused:
    return InputRefused("bad_pixel_module", f"{what}. What the pixels mean is unclear. Export the file again.")


def _rescale(dataset: Dataset) -> tuple[float, float]:
    slope, intercept = number(dataset, "RescaleSlope", 1.0), number(dataset, "RescaleIntercept", 0.0)
    return checked_rescale(slope, intercept)


def checked_rescale(slope: float, intercept: float) -> tuple[float, float]:
    """Slope and intercept that leave values their meaning.

    Raises:
        InputRefused: `bad_rescale`, for a slope of zero, and for what is no number or above 10^9.
    """
    if not (math.isfinite(slope) and math.isfinite(intercept)) or slope == 0 or max(abs(slope), abs(intercept)) > _LIMIT_RESCALE:
        raise InputRefused("bad_rescale", "Rescale Slope or Intercept is zero, huge or no number. Values would mean nothing.")
    return slope, intercept


def _native(contents: Contents, place: PixelPlace, pixels: PixelFormat) -> tuple[int, tuple[int, ...], list[CodedWarning]]:
    """Whole frames of pixels that are not compressed."""
    length = place.length or 0
    needed = -(-pixels.frames * pixels.frame_bits // 8)
    if length > place.bytes_left and needed <= place.bytes_left and length > needed + 1:
        raise InputRefused(
            "bad_length", "The pixels state a length that reaches behind the end of the file. Where they end is unclear."
        )
    there = min(length, place.bytes_left)
    if contents.meta.syntax not in NATIVE and not needed <= there <= needed + 1:
        raise nonsense()
    whole = there * 8 // pixels.frame_bits
    if whole < 1:
        raise pixel_data_short()
    frames, doubts = min(whole, pixels.frames), []
    if whole != pixels.frames:
        doubts.append(_contradictory(frames, pixels.frames))
    elif there > needed + 1 or (length <= place.bytes_left and not ends_cleanly(contents, (place.begin or 0) + length)):
        doubts.append(trailing_bytes())
    return frames, (place.begin or 0,), doubts


def _compressed(contents: Contents, place: PixelPlace, pixels: PixelFormat) -> tuple[int, tuple[int, ...], list[CodedWarning]]:
    """Whole frames of compressed pixels."""
    offsets, lengths = (values(contents.dataset, f"ExtendedOffsetTable{part}") for part in ("", "Lengths"))
    extended = (bytes(offsets[0]), bytes(lengths[0])) if offsets and lengths else None
    found: Frames = frames_of(
        contents.body,
        place.begin or 0,
        contents.size,
        stated=pixels.frames,
        is_runs=pixels.syntax == RLELossless,
        extended=extended,
    )
    doubts = [] if found.are_as_stated else [_contradictory(found.count, pixels.frames)]
    if found.end is not None and not ends_cleanly(contents, found.end):
        doubts.append(trailing_bytes())
    return found.count, found.begins, doubts


def _contradictory(frames: int, stated: int) -> CodedWarning:
    said = f"The header states {stated} frames, and the file holds another number; {frames} whole ones were read."
    return CodedWarning("frames_contradictory", said, {"stated": stated, "read": frames})


def _padding(dataset: Dataset, pixels: PixelFormat) -> tuple[float, float] | None:
    """The range of values that stands for nothing measured. Source: PS3.3, C.7.5.1.1.2."""
    if pixels.channels == 3 or pixels.has_table or pixels.number == "float":
        return None
    ends = [number(dataset, keyword, math.nan) for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    if not math.isfinite(ends[0]):
        return None
    size = 2 ** pixels.bits[1]
    least = -size // 2 if pixels.is_signed else 0
    stored = [(end - least) % size + least for end in ends if math.isfinite(end)]  # some write a sign where none is, or none
    rescaled = sorted(value * pixels.slope + pixels.intercept for value in stored)
    return rescaled[0], rescaled[-1]
