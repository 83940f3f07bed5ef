"""Pixels of DICOM files: copied as they are, or with rectangles blackened in every frame and foreign bits taken off.

What is edited as it lies keeps its transfer syntax; what has to be decoded for it is written as explicit little endian.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.utils import iter_pixels

from vesalius.clinical.deid import codestream
from vesalius.clinical.deid.burned_in import is_ultrasound, ultrasound_regions
from vesalius.clinical.deid.rules import Rules
from vesalius.clinical.deid.told import Change
from vesalius.clinical.dicom.file import PARSE_FAULTS, PixelPlace
from vesalius.errors import InputRefused
from vesalius.types import Array

_TAGS = {"PixelData": 0x7FE00010, "FloatPixelData": 0x7FE00008, "DoubleFloatPixelData": 0x7FE00009}
_BLOCK_BYTES = 1 << 20
_UNDEFINED = 0xFFFFFFFF


@dataclass(frozen=True)
class Shape:
    """What the header says of one frame and how many there are."""

    rows: int
    columns: int
    samples: int
    bits: int
    frames: int
    photometric: str
    planar: bool
    signed: bool

    @property
    def native_bytes(self) -> int:
        """Size of all frames uncompressed, before padding to an even number."""
        subsampled = self.photometric == "YBR_FULL_422" and self.samples == 3
        values = self.rows * self.columns * (2 if subsampled else self.samples) * self.frames
        return math.ceil(values * self.bits / 8)


@dataclass(frozen=True)
class Plan:
    """What is done to the pixels.

    Attributes:
        mask: bool (Y, X), True where the picture becomes black; None where nothing does.
        kept_bits: the bits of each value that stay; None for all.
        decodes: the pixels have to be decoded for it.
    """

    mask: Array | None
    kept_bits: int | None
    decodes: bool


def shape_of(dataset: Dataset) -> Shape:
    """The pixel module's numbers.

    Raises:
        InputRefused: `bad_pixel_module`.
    """
    try:
        shape = Shape(
            rows=int(dataset.Rows),
            columns=int(dataset.Columns),
            samples=int(dataset.get("SamplesPerPixel") or 1),
            bits=int(dataset.BitsAllocated),
            frames=int(dataset.get("NumberOfFrames") or 1),
            photometric=str(dataset.get("PhotometricInterpretation", "")).strip(),
            planar=bool(dataset.get("PlanarConfiguration")),
            signed=bool(dataset.get("PixelRepresentation")),
        )
    except PARSE_FAULTS:
        raise _bad_module() from None
    if min(shape.rows, shape.columns, shape.samples, shape.frames) < 1 or shape.bits not in (1, 8, 16, 32, 64):
        raise _bad_module()
    return shape


def plan(dataset: Dataset, place: PixelPlace, rules: Rules, *, is_little: bool) -> Plan:
    """What has to be done to this file's pixels.

    Raises:
        InputRefused: `bad_pixel_module`; `not_cleanable`, when foreign bits lie in compressed pixels.
    """
    shape = shape_of(dataset)
    mask = None if shape.bits == 1 or place.keyword != "PixelData" else _mask(dataset, shape, rules)
    kept = _kept_bits(dataset, shape)
    if kept is not None and place.length is None:
        raise InputRefused(
            "not_cleanable", "An overlay lies within the compressed pixels. It cannot be taken off. The file was left out."
        )
    is_odd = place.length is None or shape.photometric == "YBR_FULL_422" or (not is_little and shape.bits == 8)
    return Plan(mask, kept, mask is not None and is_odd)


def write(
    source: BinaryIO, target: BinaryIO, place: PixelPlace, dataset: Dataset, plan: Plan, encoding: tuple[bool, bool]
) -> list[Change]:
    """Write the pixel element; the names of what was changed in it.

    Args:
        source: the file that `place` refers to.
        target: at the end of the header.
        place: where the pixels lie.
        dataset: as it was written.
        plan: what is to be done.
        encoding: whether the target is implicit, and whether it is little endian.

    Raises:
        InputRefused: `truncated`, `pixel_data_short`, `decode_failed`.
    """
    shape = shape_of(dataset)
    if plan.decodes:
        return _write_decoded(source, target, shape, plan)
    if place.length is None:
        return _write_fragments(source, target, place)
    wanted = shape.native_bytes
    if place.bytes_left < place.length:
        raise _truncated()
    if place.length < wanted:
        raise InputRefused(
            "pixel_data_short", "The pixels are fewer than the header says. Half a picture is not passed on. Copy it again."
        )
    source.seek(place.begin or 0)
    target.write(_element_head(place, source, wanted + wanted % 2, encoding))
    source.seek(place.begin or 0)
    if plan.mask is None and plan.kept_bits is None:
        _copy(source, target, wanted)
    else:
        for frame in _native_frames(source, shape, is_little=encoding[1]):
            target.write(_cleaned(frame, shape, dataset, plan).tobytes())
    target.write(bytes(wanted % 2))
    changed: list[Change] = ["pixels"] if plan.mask is not None else []
    changed += ["overlay_bits"] if plan.kept_bits is not None else []
    return changed + (["trailing_pixels"] if place.length > wanted + wanted % 2 else [])


def adapt(dataset: Dataset, plan: Plan) -> None:
    """Make the header say how decoded pixels are written."""
    if plan.decodes:
        if str(dataset.get("PhotometricInterpretation", "")).startswith("YBR"):
            dataset.PhotometricInterpretation = "RGB"
        if int(dataset.get("SamplesPerPixel") or 1) > 1:
            dataset.PlanarConfiguration = 0


def _mask(dataset: Dataset, shape: Shape, rules: Rules) -> Array | None:
    mask = np.zeros((shape.rows, shape.columns), bool)
    if "clean-pixel-data" in rules.options and is_ultrasound(dataset):
        regions = ultrasound_regions(dataset)
        mask[:] = bool(regions)
        for x0, y0, x1, y1 in regions:
            mask[y0:y1, x0:x1] = False
    for x0, y0, x1, y1 in rules.black_out_xyxy_px:
        mask[y0:y1, x0:x1] = True
    return mask if mask.any() else None


def _kept_bits(dataset: Dataset, shape: Shape) -> int | None:
    """The stored bits, when an overlay lies in the others (retired in 2004, PS3.5 8.1.2)."""
    groups = [group for group in range(0x6000, 0x6020, 2) if (group, 0x0102) in dataset and (group, 0x3000) not in dataset]
    if not any(int(dataset[group, 0x0102].value or 0) for group in groups):
        return None
    stored, high = int(dataset.get("BitsStored") or shape.bits), int(dataset.get("HighBit") or shape.bits - 1)
    return ((1 << stored) - 1) << max(0, high + 1 - stored) & ((1 << shape.bits) - 1)


def _native_frames(source: BinaryIO, shape: Shape, *, is_little: bool) -> Iterator[Array]:
    """Frames as they lie: (Y, X), (Y, X, samples), or (samples, Y, X) when planar."""
    dtype = np.dtype(f"{'<' if is_little else '>'}{'i' if shape.signed else 'u'}{shape.bits // 8}")
    size = shape.native_bytes // shape.frames
    form: tuple[int, ...] = (shape.rows, shape.columns)
    if shape.samples > 1:
        form = (shape.samples, *form) if shape.planar else (*form, shape.samples)
    for _ in range(shape.frames):
        content = source.read(size)
        if len(content) < size:
            raise _truncated()
        yield np.frombuffer(bytearray(content), dtype).reshape(form)


def _cleaned(frame: Array, shape: Shape, dataset: Dataset, plan: Plan) -> Array:
    """One frame with foreign bits off and the mask black; changed in place."""
    if plan.kept_bits is not None:
        unsigned = frame.view(frame.dtype.str.replace("i", "u"))
        unsigned &= np.asarray(plan.kept_bits, unsigned.dtype)
    if plan.mask is not None:
        if shape.samples > 1 and shape.planar and frame.shape[0] == shape.samples:
            frame[:, plan.mask] = np.asarray(_black(frame, shape, dataset))[:, None]
        else:
            frame[plan.mask] = _black(frame, shape, dataset)
    return frame


def _black(frame: Array, shape: Shape, dataset: Dataset) -> Array:
    """The value that shows black: of gray frames their own darkest, so that windows computed of them stay what they were."""
    if shape.photometric == "PALETTE COLOR":
        return np.asarray(_darkest_entry(dataset))
    if shape.samples == 1:
        return np.asarray(frame.max() if shape.photometric == "MONOCHROME1" else frame.min())
    return np.asarray([0, 128, 128] if shape.photometric.startswith("YBR") else [0] * shape.samples)


def _darkest_entry(dataset: Dataset) -> int:
    """The index of the palette's darkest color; 0 when the palette cannot be read."""
    try:
        entries, first, bits = (int(value) for value in dataset.RedPaletteColorLookupTableDescriptor)
        size = entries or 65536
        colors = [
            np.frombuffer(dataset[f"{name}PaletteColorLookupTableData"].value, f"<u{2 if bits > 8 else 1}")
            for name in ("Red", "Green", "Blue")
        ]
        return first + int(np.argmin(sum(color[:size].astype(np.int64) for color in colors)))
    except PARSE_FAULTS:
        return 0


def _write_decoded(source: BinaryIO, target: BinaryIO, shape: Shape, plan: Plan) -> list[Change]:
    source.seek(0)
    gray = "MONOCHROME1" if shape.photometric == "MONOCHROME1" else "MONOCHROME2"
    written = 0
    try:
        for frame in iter_pixels(source):
            if not written:
                size = frame.nbytes * shape.frames
                target.write(struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW" if frame.itemsize > 1 else b"OB", 0, size + size % 2))
            form = _decoded_shape(frame, gray)
            target.write(_cleaned(frame.copy(), form, Dataset(), plan).tobytes())
            written += 1
    except (*PARSE_FAULTS, RuntimeError):
        raise _undecodable() from None
    if written != shape.frames:
        raise _undecodable()
    target.write(bytes(size % 2))
    return ["pixels"]


def _decoded_shape(frame: Array, gray: str) -> Shape:
    samples = 1 if frame.ndim == 2 else frame.shape[2]
    photometric = gray if samples == 1 else "RGB"
    return Shape(frame.shape[0], frame.shape[1], samples, frame.itemsize * 8, 1, photometric, planar=False, signed=False)


def _write_fragments(source: BinaryIO, target: BinaryIO, place: PixelPlace) -> list[Change]:
    source.seek(place.begin or 0)
    target.write(struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, _UNDEFINED))
    changed = False
    while True:
        head = source.read(8)
        if len(head) < 8:
            raise _truncated()
        group, element, length = struct.unpack("<HHI", head)
        if (group, element) != (0xFFFE, 0xE000) or length == _UNDEFINED:
            break
        content = source.read(length)
        if len(content) < length:
            raise _truncated()
        try:
            result = codestream.blanked(content)
        except ValueError:
            raise _undecodable() from None
        changed = changed or result.changed
        target.write(head + result)
    if (group, element) != (0xFFFE, 0xE0DD):
        raise _undecodable()
    target.write(struct.pack("<HHI", 0xFFFE, 0xE0DD, 0))
    return ["codestream_texts"] if changed else []


def _element_head(place: PixelPlace, source: BinaryIO, length: int, encoding: tuple[bool, bool]) -> bytes:
    """Tag, representation and length of uncompressed pixels; the representation is the file's own where it states one."""
    is_implicit, is_little = encoding
    order, tag = "<" if is_little else ">", _TAGS[place.keyword]
    if is_implicit:
        return struct.pack(order + "HHI", tag >> 16, tag & 0xFFFF, length)
    stated = b""
    if place.begin:
        source.seek(place.begin - 8)
        stated = source.read(2)
    vr = (
        stated
        if stated in (b"OB", b"OW", b"OF", b"OD")
        else {"FloatPixelData": b"OF", "DoubleFloatPixelData": b"OD"}.get(place.keyword, b"OW")
    )
    return struct.pack(order + "HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, length)


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    left = size
    while left:
        block = source.read(min(left, _BLOCK_BYTES))
        if not block:
            raise _truncated()
        target.write(block)
        left -= len(block)


def _bad_module() -> InputRefused:
    return InputRefused(
        "bad_pixel_module", "The attributes that describe the pixels are missing or impossible. They cannot be copied safely."
    )


def _truncated() -> InputRefused:
    return InputRefused("truncated", "The file ends before its pixels do. Half a picture is not passed on. Copy it again.")


def _undecodable() -> InputRefused:
    return InputRefused(
        "decode_failed", "The compressed pixels could not be decoded, which cleaning them needs. The file was left out."
    )
