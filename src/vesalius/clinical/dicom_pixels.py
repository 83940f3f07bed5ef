"""The pixels of DICOM files: how they are stored, and their decoding into the acquisition's values."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from vesalius.clinical import sop_classes
from vesalius.clinical.dicom_file import PARSE_FAULTS, PixelPlace, quiet
from vesalius.clinical.dicom_values import integer, number, text
from vesalius.clinical.geometry import checked_size
from vesalius.errors import InputRefused
from vesalius.types import Array

_GRAY = {"MONOCHROME1", "MONOCHROME2"}
_COLOR = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT"}
# Codecs raise their own errors, as RuntimeError or as one of the faults of parsing.
_DECODE_FAULTS = (*PARSE_FAULTS, RuntimeError)


@dataclass(frozen=True)
class PixelFormat:
    """How the pixels are stored: sizes, range and what turns them into the acquisition's values.

    `low` and `high` bound the stored values. `has_table` says that a modality table replaces slope and intercept.
    """

    frames: int
    rows: int
    columns: int
    channels: int
    low: int
    high: int
    is_palette: bool
    slope: float = 1.0
    intercept: float = 0.0
    has_table: bool = False

    @property
    def dtype(self) -> npt.DTypeLike:
        """The smallest type that holds every value the acquisition can have; float32 for slopes that are not whole."""
        if self.channels == 3:
            return np.uint8 if self.is_palette or self.high < 256 else np.uint16
        if self.has_table or not (self.slope.is_integer() and self.intercept.is_integer()):
            return np.float32
        ends = sorted(value * self.slope + self.intercept for value in (self.low, self.high))
        for dtype in (np.uint8, np.int16, np.uint16, np.int32):
            if np.iinfo(dtype).min <= ends[0] and ends[1] <= np.iinfo(dtype).max:
                return dtype
        return np.float32


def decode(path: Path, pixels: PixelFormat) -> Array:
    """The values of one file, rescaled; (Y, X), (T, Y, X) for a clip, with a last axis of 3 for color; `pixels.dtype`.

    Raises:
        InputRefused: `decode_failed`, or `bad_pixel_module` when the decoded size is not the header's.
    """
    try:
        with quiet():
            dataset = dcmread(path, force=True)
            if "TransferSyntaxUID" not in dataset.file_meta:
                dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax(dataset))
            values = _values(dataset, pixel_array(dataset, raw=False), pixels)
    except _DECODE_FAULTS:
        raise InputRefused(
            "decode_failed",
            "The pixels could not be decoded: they are damaged, or of a variant that the codec does not know. Nothing "
            "is guessed. See which codecs work with: vesalius doctor.",
        ) from None
    frames, colors = (pixels.frames,) if pixels.frames > 1 else (), (3,) if pixels.channels == 3 else ()
    shape = (*frames, pixels.rows, pixels.columns, *colors)
    if values.shape != shape:
        raise InputRefused("bad_pixel_module", "The decoded picture has another size than its header says. One of them is wrong.")
    return values


def _values(dataset: Dataset, stored: Array, pixels: PixelFormat) -> Array:
    if pixels.is_palette:
        colors = apply_color_lut(stored, dataset)
        # Palettes of 16 bits: the high byte is the color, unless a maker has filled the low one only.
        return (colors >> 8 if colors.max() > 255 else colors).astype(np.uint8)
    if pixels.has_table:
        return np.asarray(apply_modality_lut(stored, dataset), dtype=np.float32)
    if (pixels.slope, pixels.intercept) == (1.0, 0.0):
        return stored.astype(pixels.dtype, copy=False)
    wide = np.float64 if pixels.dtype is np.float32 else np.int64
    return (stored.astype(wide) * wide(pixels.slope) + wide(pixels.intercept)).astype(pixels.dtype)


def pixel_format(dataset: Dataset, sop_class: str) -> PixelFormat:
    """Check the attributes that describe the pixels.

    Raises:
        InputRefused: `bad_attribute`, `bad_pixel_module`, `unsupported_iod` or `size_limit`.
    """
    rows, columns = integer(dataset, "Rows"), integer(dataset, "Columns")
    if not (1 <= rows <= 0xFFFF and 1 <= columns <= 0xFFFF):
        raise InputRefused("bad_attribute", "Rows or Columns is not between 1 and 65535. The picture has no size.")
    frames = integer(dataset, "NumberOfFrames", 1)
    if frames < 1:
        raise InputRefused("bad_attribute", "Number of Frames is not a positive number. The frames cannot be found.")
    if frames > 1 and sop_class not in sop_classes.CLIPS:
        raise InputRefused("unsupported_iod", "Several frames in this class of object are not read yet. Export them one by one.")
    photometric, samples = text(dataset, "PhotometricInterpretation"), integer(dataset, "SamplesPerPixel", 1)
    allocated = integer(dataset, "BitsAllocated")
    stored = integer(dataset, "BitsStored", allocated)
    fits = samples == (3 if photometric in _COLOR else 1) and photometric in _GRAY | _COLOR | {"PALETTE COLOR"}
    if not fits or allocated not in (8, 16, 32) or not 1 <= stored <= allocated:
        raise InputRefused(
            "bad_pixel_module", "Photometric Interpretation, samples and bits contradict. The pixels have no meaning."
        )
    if integer(dataset, "HighBit", stored - 1) != stored - 1:
        raise InputRefused("bad_pixel_module", "High Bit is not Bits Stored - 1. Where the values lie is unclear.")
    is_palette = photometric == "PALETTE COLOR"
    if is_palette and not any(f"{prefix}RedPaletteColorLookupTableData" in dataset for prefix in ("", "Segmented")):
        raise InputRefused("bad_pixel_module", "The picture needs a palette that the file does not hold. Its colors are unknown.")
    signed = integer(dataset, "PixelRepresentation", 0) == 1
    half = 2 ** (stored - 1)
    slope, intercept = (1.0, 0.0) if samples == 3 or is_palette else _rescale(dataset)
    pixels = PixelFormat(
        frames=frames,
        rows=rows,
        columns=columns,
        channels=3 if samples == 3 or is_palette else 1,
        low=-half if signed else 0,
        high=half - 1 if signed else 2 * half - 1,
        is_palette=is_palette,
        slope=slope,
        intercept=intercept,
        has_table="ModalityLUTSequence" in dataset,
    )
    checked_size(frames, rows, columns, item_bytes=pixels.channels * np.dtype(pixels.dtype).itemsize)
    return pixels


def _rescale(dataset: Dataset) -> tuple[float, float]:
    slope, intercept = number(dataset, "RescaleSlope", 1.0), number(dataset, "RescaleIntercept", 0.0)
    if not (math.isfinite(slope) and math.isfinite(intercept)) or slope == 0 or max(abs(slope), abs(intercept)) > 1e9:
        raise InputRefused("bad_attribute", "Rescale Slope or Intercept is zero, huge or no number. Values would mean nothing.")
    return slope, intercept


def check_storage(dataset: FileDataset, place: PixelPlace, pixels: PixelFormat) -> None:
    """Refuse pixels that no codec here reads, and uncompressed pixels that are cut short.

    Raises:
        InputRefused: `unsupported_transfer_syntax` or `truncated`.
    """
    try:
        decoder = get_decoder(transfer_syntax(dataset))
    except NotImplementedError:
        raise InputRefused(
            "unsupported_transfer_syntax",
            "The pixels are compressed in a way (a video or a maker's own) that no package reads here. Export them uncompressed.",
        ) from None
    if not decoder.is_available:
        raise InputRefused(
            "unsupported_transfer_syntax",
            f"The pixels are compressed as {decoder.UID.name}, which needs a further package. "
            "Install it with: pip install 'vesalius[codecs]'.",
        )
    if decoder.is_encapsulated or place.length is None:
        return
    samples = integer(dataset, "SamplesPerPixel", 1)
    expected = pixels.frames * pixels.rows * pixels.columns * samples * (integer(dataset, "BitsAllocated") // 8)
    if text(dataset, "PhotometricInterpretation") == "YBR_FULL_422":
        expected = expected * 2 // 3
    if min(place.length, place.bytes_left) < expected:
        raise InputRefused("truncated", "The file ends before its pixels do. The rest is not guessed. Copy it again.")


def transfer_syntax(dataset: FileDataset) -> str:
    """The transfer syntax, or for a file that does not state it the one by which it could be parsed."""
    if stated := text(dataset.file_meta, "TransferSyntaxUID"):
        return stated
    is_implicit, is_little = dataset.original_encoding
    return ImplicitVRLittleEndian if is_implicit else ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
