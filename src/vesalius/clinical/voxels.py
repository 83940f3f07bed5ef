"""Voxels that lie in a file one after another, plain or compressed: what all such formats share."""

import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedReader
from math import prod

import numpy as np

from vesalius.clinical.geometry import SHEAR_DEG, Affine, checked_size, is_usable, rows_of, shear_deg, spacing_of
from vesalius.clinical.picture import Description
from vesalius.clinical.signatures import GZIP
from vesalius.clinical.wire import pack, unpack
from vesalius.errors import InputRefused
from vesalius.types import Array, CodedWarning, Part

BLOCK_BYTES, FEED_BYTES = 2**20, 2**18  # inflated and compressed bytes that are held at a time
BLOCK_VOXELS = 2**15  # converted at a time: few enough to stay in the processor's cache
LIMIT_REST_BYTES = 64 * 2**20  # what may follow the voxels in a compressed stream
DEFLATE_RATIO = 1032  # deflate makes nothing smaller than this
LIMIT_SCALE = 1e30  # beyond it float32 soon has no number for a value
WINDOW_BITS = {"gzip": 31, "zlib": 15}  # of zlib: 15 bits of window, and 16 for gzip's wrapping

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Stored:
    """How a file holds its voxels, in C order of (volume, slice, row, column).

    Attributes:
        dtype: of one number, as numpy writes it, with its byte order: "<i2".
        at_bytes: where in the file the voxels begin, or the compressed stream that they are in.
        compression: "", "gzip" or "zlib".
        skip_bytes: what comes before the voxels in the inflated stream.
        components: numbers that lie side by side: 3 or 4 of a color (the fourth, transparency, is dropped), or one of
            each volume where a series is stored that way.
        slope: values are slope x number + intercept; (1, 0) leaves them as they are.
        intercept: see `slope`.
    """

    dtype: str
    at_bytes: int
    compression: str = ""
    skip_bytes: int = 0
    components: int = 1
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def is_rescaled(self) -> bool:
        """Whether the values are float32 because they are computed."""
        return (self.slope, self.intercept) != (1.0, 0.0)

    @property
    def voxel_bytes(self) -> int:
        """What a voxel takes, all its components together."""
        return self.components * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Grid:
    """The grid that voxels lie on: lengths of (volumes, slices, rows, columns), and where it is in the patient.

    `spacing_mm` is (z, y, x). Both it and the affine are None when unknown.
    """

    lengths: tuple[int, int, int, int]
    spacing_mm: Triple | None
    affine_lps_mm: Affine | None


def describe(
    file: BufferedReader,
    format_name: str,
    stored: Stored,
    grid: Grid,
    doubts: Sequence[CodedWarning],
    *,
    is_color: bool = False,
    frame_s: float | None = None,
    modality: str | None = None,
    window: tuple[float, float] | None = None,
    may_be_followed: bool = False,
) -> Description:
    """One slice as a picture (Y, X), several as a volume (Z, Y, X), several volumes as (T, Z, Y, X).

    Args:
        file: of which only the size is looked at.
        format_name: the reader's.
        stored: how the voxels lie in it.
        grid: the lengths as the header has them, checked here.
        doubts: what the reader doubts already.
        is_color: whether the components are red, green and blue.
        frame_s: from volume to volume.
        modality: as `Image` has it.
        window: as `Image` has it.
        may_be_followed: the format puts more behind the voxels.

    Raises:
        InputRefused: `size_limit`, `bad_attribute` for lengths that are not positive, `truncated` when the file cannot
            hold its voxels.
    """
    volumes, slices, rows, columns = grid.lengths
    dtype = "float32" if stored.is_rescaled else np.dtype(stored.dtype).newbyteorder("=").name
    if min(grid.lengths) < 1:
        raise InputRefused("bad_attribute", "A side of the volume has no length, so it holds no voxels. Check its export.")
    checked_size(volumes * slices, rows, columns, item_bytes=np.dtype(dtype).itemsize * (3 if is_color else 1))
    stored_bytes = prod(grid.lengths) * stored.voxel_bytes // (1 if is_color else stored.components)
    surplus_bytes = _surplus_bytes(file, stored, stored_bytes)
    said = [*doubts]
    if is_color and stored.components == 4:
        said.append(CodedWarning("transparency_dropped", "The voxels' transparency was dropped."))
    if surplus_bytes and not may_be_followed:
        said.append(CodedWarning("trailing_bytes", "More bytes follow the voxels; they were left.", {"bytes": surplus_bytes}))
    depth = 4 if volumes > 1 else 3 if slices > 1 else 2
    return Description(
        format=format_name,
        kind="image" if depth == 2 else "volume",
        shape=grid.lengths[-depth:],
        channels=3 if is_color else 1,
        dtype=dtype,
        spacing_mm=None if grid.spacing_mm is None else grid.spacing_mm[-min(depth, 3) :],
        frame_s=frame_s if volumes > 1 else None,
        affine_lps_mm=None if grid.affine_lps_mm is None else rows_of(grid.affine_lps_mm),
        modality=modality,
        window=window,
        warnings=tuple(said),
        notes={"stored": pack(stored)},
    )


def placed(affine_lps_mm: Affine) -> tuple[Triple, tuple[CodedWarning, ...]]:
    """The spacing (z, y, x) of a grid, and what is doubtful about it.

    Raises:
        InputRefused: `bad_geometry` when the affine is not finite or folds the volume flat.
    """
    if not is_usable(affine_lps_mm):
        raise InputRefused("bad_geometry", "The orientation is not finite or folds the volume flat. Places would be guessed.")
    if (tilt := shear_deg(affine_lps_mm)) <= SHEAR_DEG:
        return spacing_of(affine_lps_mm), ()
    said = f"The slices are sheared by {tilt:.1f} degrees: the stacking direction is not their normal."
    return spacing_of(affine_lps_mm), (CodedWarning("gantry_tilt", said, {"degrees": round(tilt, 1)}),)


def checked_scale(slope: float, intercept: float) -> tuple[float, float]:
    """The two, when values can be computed with them.

    Raises:
        InputRefused: `bad_rescale`.
    """
    if slope == 0 or not (abs(slope) < LIMIT_SCALE and abs(intercept) < LIMIT_SCALE):
        raise InputRefused(
            "bad_rescale", "The scale of the values is zero, huge or no number. They would mean nothing. Export it again."
        )
    return slope, intercept


def decode(file: BufferedReader, description: Description, part: Part, out: Array) -> None:
    """The values of `part` into `out`; of the file no more is read than what leads up to their end.

    A whole compressed file is read to its end, where its checksum stands.

    Raises:
        InputRefused: `truncated`, `decode_failed`, or `decompression_limit` when far more follows than the header says.
    """
    stored = unpack(Stored, description.notes["stored"])
    is_color = description.channels == 3
    is_mixed = stored.components > 1 and not is_color  # the volumes of a series, voxel by voxel
    index = part.index[1:] if is_mixed else part.index
    lengths = description.shape[1:] if is_mixed else description.shape
    count = prod(lengths[len(index) :])
    first = int(np.ravel_multi_index(index, lengths[: len(index)])) * count if index else 0
    stream = _opened(file, stored, first * stored.voxel_bytes)
    if is_color:
        _copy(stream, stored, out.reshape(count, 3), slice(0, 3))
    elif is_mixed and not part.index:
        _copy(stream, stored, out.reshape(stored.components, count).T, slice(None))
    elif is_mixed:
        _copy(stream, stored, out.reshape(count, 1), slice(part.index[0], part.index[0] + 1))
    else:
        _copy(stream, stored, out.reshape(count, 1), slice(None))
    if isinstance(stream, Inflated) and not part.index:
        stream.finish()


def is_gzip(file: BufferedReader) -> bool:
    """Whether the file is compressed as a whole."""
    file.seek(0)
    return file.read(len(GZIP)) == GZIP


def head_of(file: BufferedReader, size_bytes: int) -> bytes:
    """The beginning of the content, inflated where it is compressed; shorter when the file is.

    Raises:
        InputRefused: `truncated`, `decode_failed`.
    """
    if not is_gzip(file):
        file.seek(0)
        return file.read(size_bytes)
    file.seek(0)
    stream, head = Inflated(file, "gzip"), bytearray(size_bytes)
    found = 0
    while found < size_bytes and (more := stream.readinto(memoryview(head)[found:])):
        found += more
    return bytes(head[:found])


class Inflated:
    """What follows in a file, inflated as it is read: one stream of zlib's, or any number of gzip's."""

    def __init__(self, file: BufferedReader, compression: str) -> None:
        self._file, self._compression = file, compression
        self._inflater = zlib.decompressobj(WINDOW_BITS[compression])
        self._fed = b""

    def readinto(self, view: memoryview) -> int:
        """As a file's: fill some of `view` and say how much; 0 at the end.

        Raises:
            InputRefused: `truncated`, `decode_failed`.
        """
        while not self._inflater.eof or self._goes_on():
            fed = self._fed or self._file.read(FEED_BYTES)
            try:
                piece = self._inflater.decompress(fed, len(view))
            except zlib.error:
                raise InputRefused(
                    "decode_failed", "The compressed voxels are damaged. Nothing is guessed. Copy the file again."
                ) from None
            self._fed = self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail
            if piece:
                view[: len(piece)] = piece
                return len(piece)
            if not fed:
                raise _cut()
        return 0

    def finish(self) -> None:
        """Read on to the end: only there does the checksum stand, and damaged voxels would pass without.

        Raises:
            InputRefused: `decompression_limit`, and what `readinto` raises.
        """
        scratch, read = memoryview(bytearray(BLOCK_BYTES)), 0
        while more := self.readinto(scratch):
            read += more
            if read > LIMIT_REST_BYTES:
                raise InputRefused(
                    "decompression_limit",
                    "The file inflates to far more than its header says. It was stopped. The file may be made to do so.",
                )

    def _goes_on(self) -> bool:
        """Whether another member follows; zeros pad, and what is neither is left."""
        while self._compression == "gzip":
            self._fed = self._fed.lstrip(b"\0")
            if len(self._fed) >= len(GZIP):
                break
            more = self._file.read(FEED_BYTES)
            if not more:
                return False
            self._fed += more
        if self._compression != "gzip" or not self._fed.startswith(GZIP):
            return False
        self._inflater = zlib.decompressobj(WINDOW_BITS[self._compression])
        return True


def _surplus_bytes(file: BufferedReader, stored: Stored, voxels_bytes: int) -> int:
    """How many bytes follow the voxels of a plain file; of a compressed one nobody knows yet: 0."""
    held = file.seek(0, os.SEEK_END) - stored.at_bytes
    if stored.compression:
        if held * DEFLATE_RATIO < stored.skip_bytes + voxels_bytes:
            raise _cut()
        return 0
    if held < stored.skip_bytes + voxels_bytes:
        raise _cut()
    return held - stored.skip_bytes - voxels_bytes


def _opened(file: BufferedReader, stored: Stored, ahead_bytes: int) -> "BufferedReader | Inflated":
    """The voxels from `ahead_bytes` after the first on."""
    if not stored.compression:
        file.seek(stored.at_bytes + stored.skip_bytes + ahead_bytes)
        return file
    file.seek(stored.at_bytes)
    stream = Inflated(file, stored.compression)
    scratch, left = memoryview(bytearray(BLOCK_BYTES)), stored.skip_bytes + ahead_bytes
    while left:
        left -= _fill(stream, scratch[: min(left, BLOCK_BYTES)])
    return stream


def _copy(stream: "BufferedReader | Inflated", stored: Stored, target: Array, wanted: slice) -> None:
    """Fill `target` (voxels, components), in the order of the file, with the components that are `wanted`."""
    source = np.dtype(stored.dtype)
    if source.isnative and not stored.is_rescaled and target.flags.c_contiguous and target.shape[1] == stored.components:
        _fill(stream, target.data.cast("B"))
        return
    block = bytearray(BLOCK_VOXELS * stored.voxel_bytes)
    for at in range(0, len(target), BLOCK_VOXELS):
        places = target[at : at + BLOCK_VOXELS]
        view = memoryview(block)[: len(places) * stored.voxel_bytes]
        _fill(stream, view)
        numbers = np.frombuffer(view, source).reshape(-1, stored.components)[:, wanted]
        places[...] = numbers * stored.slope + stored.intercept if stored.is_rescaled else numbers


def _fill(stream: "BufferedReader | Inflated", view: memoryview) -> int:
    """Fill all of `view`, a block at a time; how much that was."""
    filled = 0
    while filled < len(view):
        read = stream.readinto(view[filled : filled + BLOCK_BYTES])
        if not read:
            raise _cut()
        filled += read
    return filled


def _cut() -> InputRefused:
    return InputRefused("truncated", "The file ends before its voxels do. The rest is not guessed. Copy it again.")
