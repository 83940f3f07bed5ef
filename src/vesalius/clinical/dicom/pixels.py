"""The pixels of DICOM files: how they are stored, and their decoding into the acquisition's values."""

import math
from dataclasses import dataclass, replace
from io import BufferedReader

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from vesalius.clinical.dicom import sop_classes
from vesalius.clinical.dicom.file import PARSE_FAULTS, PixelPlace, quiet
from vesalius.clinical.dicom.values import integer, number, text
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

    Attributes:
        bits: allocated and stored.
        is_signed: the stored values' sign.
        has_table: a modality table replaces slope and intercept.
        plain_at: where uncompressed little-endian values begin in the file; None when they must be decoded.
    """

    frames: int
    rows: int
    columns: int
    channels: int
    bits: tuple[int, int]
    is_signed: bool
    is_palette: bool
    slope: float = 1.0
    intercept: float = 0.0
    has_table: bool = False
    plain_at: int | None = None

    @property
    def stored_dtype(self) -> str:
        """Of the values as they are stored; with colors from a palette that of the colors."""
        return "uint8" if self.is_palette else f"{'int' if self.is_signed else 'uint'}{self.bits[0]}"

    @property
    def dtype(self) -> str:
        """Of the acquisition's values: float32 when they are rescaled, else as stored."""
        return "float32" if self.has_table or (self.slope, self.intercept) != (1.0, 0.0) else self.stored_dtype


def decode_frames(file: BufferedReader, pixels: PixelFormat, frame: int | None, out: Array) -> None:
    """The values of one file, rescaled: of one frame (Y, X), or of all; with a last axis of 3 for color.

    Raises:
        InputRefused: `decode_failed`, or `pixel_mismatch` when the decoded size is not the header's.
    """
    if pixels.plain_at is not None:
        _read_plain(file, pixels, frame or 0, out)
        return
    try:
        with quiet():
            dataset = dcmread(file, force=True)
            if "TransferSyntaxUID" not in dataset.file_meta:
                dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax(dataset))
            stored = pixel_array(dataset, raw=False, index=frame if pixels.frames > 1 else None)
            values = _values(dataset, stored, pixels)
    except _DECODE_FAULTS:
        raise InputRefused(
            "decode_failed",
            "The pixels could not be decoded: they are damaged, or of a variant that the codec does not know. Nothing "
            "is guessed. See which codecs work with: vesalius doctor.",
        ) from None
    if values.shape != out.shape:
        raise InputRefused("pixel_mismatch", "The decoded picture has another size than its header says. One of them is wrong.")
    out[...] = values


def _read_plain(file: BufferedReader, pixels: PixelFormat, frame: int, out: Array) -> None:
    """Uncompressed values, from the file into place."""
    stored = np.empty(out.shape, dtype=f"<{np.dtype(pixels.stored_dtype).str[1:]}")
    assert pixels.plain_at is not None, "plain values lie in the file"
    file.seek(pixels.plain_at + frame * pixels.rows * pixels.columns * stored.itemsize)
    if file.readinto(stored.data.cast("B")) != stored.nbytes:
        raise InputRefused("pixel_data_short", "The file ends before its pixels do. The rest is not guessed. Copy it again.")
    if (pixels.slope, pixels.intercept) == (1.0, 0.0):
        out[...] = stored
    else:
        _rescale_into(stored, pixels, out)


def _values(dataset: Dataset, stored: Array, pixels: PixelFormat) -> Array:
    if pixels.is_palette:
        colors = apply_color_lut(stored, dataset)
        # Palettes of 16 bits: the high byte is the color, unless a maker has filled the low one only.
        return (colors >> 8 if colors.max() > 255 else colors).astype(np.uint8)
    if pixels.has_table:
        return np.asarray(apply_modality_lut(stored, dataset), dtype=np.float32)
    if (pixels.slope, pixels.intercept) == (1.0, 0.0):
        return stored
    values = np.empty(stored.shape, np.float32)
    _rescale_into(stored, pixels, values)
    return values


def _rescale_into(stored: Array, pixels: PixelFormat, out: Array) -> None:
    if pixels.slope == 1.0:
        np.add(stored, np.float32(pixels.intercept), out=out, casting="unsafe")
    else:
        np.multiply(stored, np.float32(pixels.slope), out=out, casting="unsafe")
        np.add(out, np.float32(pixels.intercept), out=out)


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
    slope, intercept = (1.0, 0.0) if samples == 3 or is_palette else _rescale(dataset)
    pixels = PixelFormat(
        frames=frames,
        rows=rows,
        columns=columns,
        channels=3 if samples == 3 or is_palette else 1,
        bits=(allocated, stored),
        is_signed=signed,
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
        raise InputRefused("bad_rescale", "Rescale Slope or Intercept is zero, huge or no number. Values would mean nothing.")
    return slope, intercept


def checked_storage(dataset: FileDataset, place: PixelPlace, pixels: PixelFormat) -> PixelFormat:
    """The format with the place of plain values; pixels that no codec here reads, or that are cut short, are refused.

    Raises:
        InputRefused: `unsupported_transfer_syntax` or `pixel_data_short`.
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
        return pixels
    samples = integer(dataset, "SamplesPerPixel", 1)
    expected = pixels.frames * pixels.rows * pixels.columns * samples * (integer(dataset, "BitsAllocated") // 8)
    if text(dataset, "PhotometricInterpretation") == "YBR_FULL_422":
        expected = expected * 2 // 3
    if min(place.length, place.bytes_left) < expected:
        raise InputRefused("pixel_data_short", "The file ends before its pixels do. The rest is not guessed. Copy it again.")
    is_plain = (
        transfer_syntax(dataset) in (ImplicitVRLittleEndian, ExplicitVRLittleEndian)
        and place.begin is not None
        and not (pixels.is_palette or pixels.has_table)
        and pixels.bits[0] > 1
        and text(dataset, "PhotometricInterpretation") in {*_GRAY, "RGB"}
        and integer(dataset, "PlanarConfiguration", 0) == 0
    )
    return replace(pixels, plain_at=place.begin) if is_plain else pixels


def transfer_syntax(dataset: FileDataset) -> str:
    """The transfer syntax, or for a file that does not state it the one by which it could be parsed."""
    if stated := text(dataset.file_meta, "TransferSyntaxUID"):
        return stated
    is_implicit, is_little = dataset.original_encoding
    return ImplicitVRLittleEndian if is_implicit else ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
