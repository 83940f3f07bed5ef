"""One page of a TIFF file: its size, how its values are stored, and the tiles or strips that hold them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vesalius.clinical.tiff.directory import Directory, outside
from vesalius.errors import InputRefused
from vesalius.types import CodedWarning

LIMIT_BLOCKS = 2**22
LIMIT_BLOCK_PX = 2**26
LIMIT_TABLES_BYTES = 2**20

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, DESCRIPTION = 256, 257, 258, 259, 262, 270
ORIENTATION, SAMPLES, X_RESOLUTION, Y_RESOLUTION, PLANAR, RESOLUTION_UNIT, PREDICTOR = 274, 277, 282, 283, 284, 296, 317
_SUBFILE, _STRIPS, _ROWS_PER_STRIP, _STRIP_BYTES, _FILL_ORDER = 254, 273, 278, 279, 266
TILE_WIDTH, TILE_HEIGHT, TILES, _TILE_BYTES, _PALETTE = 322, 323, 324, 325, 320
_EXTRA, _SAMPLE_FORMAT, _TABLES, _SUBSAMPLING = 338, 339, 347, 530

NONE, LZW, JPEG, DEFLATE, OLD_DEFLATE, PACKBITS = 1, 5, 7, 8, 32946, 32773
JPEG_2000 = {33003: "YCbCr", 33005: "RGB", 34712: "RGB"}  # Aperio's two, and the one that is registered
COMPRESSIONS = frozenset({NONE, LZW, JPEG, DEFLATE, OLD_DEFLATE, PACKBITS, *JPEG_2000})
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
_COLORS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3}
_KINDS = {1: "uint", 2: "int", 3: "float", 4: "uint"}


@dataclass(frozen=True)
class Page:
    """What decoding needs of one directory.

    Attributes:
        block_rows, block_columns: of a tile or strip.
        samples: values per pixel, of which the first `colors` are shown.
        is_planar: whether each sample has blocks of its own.
        kind: of the stored values: uint, int or float.
        offsets, counts: where each block begins and how many bytes it has; both 0 for one that was not stored.
        tables: JPEG tables that the blocks share.
        palette: (3, 2^bits) uint8, or None.
    """

    directory: Directory
    rows: int
    columns: int
    block_rows: int
    block_columns: int
    is_tiled: bool
    samples: int
    colors: int
    is_planar: bool
    bits: int
    kind: str
    photometric: int
    compression: int
    predictor: int
    offsets: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    tables: bytes
    palette: npt.NDArray[np.uint8] | None
    subsampling: tuple[int, int]

    @property
    def blocks_across(self) -> int:
        """Blocks from left to right."""
        return -(-self.columns // self.block_columns)

    @property
    def blocks_down(self) -> int:
        """Blocks from top to bottom."""
        return -(-self.rows // self.block_rows)

    @property
    def channels(self) -> int:
        """Of the picture that the page decodes to."""
        return 1 if self.photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO) else 3

    @property
    def dtype(self) -> str:
        """Of the picture: gray as it is stored, at least 8 bits; colors are uint8."""
        return "uint8" if self.channels == 3 or self.bits < 8 else f"{self.kind}{self.bits}"

    @property
    def turn(self) -> int:
        """The orientation that the file asks for, 1 to 8."""
        stated = self.directory.integer(ORIENTATION, 1)
        return stated if 1 <= stated <= 8 else 1

    @property
    def row_bytes(self) -> int:
        """Of one row of a block when it is inflated."""
        return -(-self.block_columns * (1 if self.is_planar else self.samples) * self.bits // 8)


def is_small_copy(directory: Directory) -> bool:
    """Whether a directory says that its page is a smaller copy of another, or a mask of one."""
    return bool(directory.integer(_SUBFILE, 0) & 5)


def doubts(page: Page) -> list[CodedWarning]:
    """What of a page's values is not shown as it is stored."""
    found = []
    if page.samples > page.colors:
        found.append(CodedWarning("transparency_dropped", "The picture's transparency was dropped."))
    if page.channels == 3 and page.bits == 16:
        found.append(CodedWarning("depth_reduced", "16 bits per color were read with 8.", {"bits": 16}))
    if missing := int((page.counts == 0).sum()):
        said = f"{missing} of {len(page.counts)} tiles of the picture were not stored; they are white."
        found.append(CodedWarning("tiles_missing", said, {"tiles": missing, "of": len(page.counts)}))
    return found


def page_of(directory: Directory) -> Page:
    """Check what a directory says of its pixels.

    Raises:
        InputRefused: `bad_attribute`, `bad_offsets`, `size_limit`, `unsupported_type`, `unsupported_codec`,
            `unsupported_dimensions`.
    """
    rows, columns = directory.integer(HEIGHT), directory.integer(WIDTH)
    samples, bits, photometric = _values(directory)
    compression = directory.integer(COMPRESSION, NONE)
    _check_readable(directory, compression, photometric, bits)
    is_tiled = TILES in directory.values
    block_rows = directory.integer(TILE_HEIGHT) if is_tiled else min(rows, directory.integer(_ROWS_PER_STRIP, rows))
    block_columns = directory.integer(TILE_WIDTH) if is_tiled else columns
    if min(rows, columns, block_rows, block_columns) < 1:
        raise InputRefused("bad_attribute", "A side of the picture or of its tiles has no length. Export the file again.")
    is_planar = samples > 1 and directory.integer(PLANAR, 1) == 2
    blocks = -(-rows // block_rows) * -(-columns // block_columns) * (samples if is_planar else 1)
    if blocks > LIMIT_BLOCKS or (is_tiled and block_rows * block_columns > LIMIT_BLOCK_PX):
        raise InputRefused("size_limit", f"The picture would have {blocks} pieces or ones too large. Nothing was allocated.")
    offsets, counts = _places(directory, blocks, is_tiled, -(-columns * samples * bits // 8) * rows)
    return Page(
        directory=directory,
        rows=rows,
        columns=columns,
        block_rows=block_rows,
        block_columns=block_columns,
        is_tiled=is_tiled,
        samples=samples,
        colors=_COLORS[photometric],
        is_planar=is_planar,
        bits=bits,
        kind=_KINDS[directory.integer(_SAMPLE_FORMAT, 1)],
        photometric=photometric,
        compression=compression,
        predictor=directory.integer(PREDICTOR, 1),
        offsets=offsets,
        counts=counts,
        tables=_tables(directory),
        palette=_palette(directory, bits) if photometric == PALETTE else None,
        subsampling=_subsampling(directory),
    )


def _values(directory: Directory) -> tuple[int, int, int]:
    """(samples, bits of each, photometric interpretation)."""
    samples, photometric = directory.integer(SAMPLES, 1), directory.integer(PHOTOMETRIC)
    if photometric not in _COLORS:
        raise InputRefused("unsupported_type", "The picture's colors are of a kind that is not read. Export it as gray or RGB.")
    stated = directory.numbers(BITS)
    bits = {int(value) for value in stated} or {1}
    kinds = {int(value) for value in directory.numbers(_SAMPLE_FORMAT)} or {1}
    if not 1 <= samples <= 32 or samples < _COLORS[photometric] or len(bits) != 1 or len(kinds) != 1 or kinds - _KINDS.keys():
        raise InputRefused("bad_attribute", "Samples, bits and colors contradict one another. The pixels have no meaning.")
    only = bits.pop()
    fits = {"uint": (1, 2, 4, 8, 16, 32), "int": (8, 16, 32), "float": (32, 64)}[_KINDS[kinds.pop()]]
    if only not in fits or (_COLORS[photometric] > 1 and only not in (8, 16)) or (photometric == PALETTE and only > 8):
        raise InputRefused("bad_attribute", f"The picture's values have {only} bits, which is not read. Export it with 8 or 16.")
    if samples > _COLORS[photometric] == 1 and not {int(value) for value in directory.numbers(_EXTRA)} & {1, 2}:
        raise InputRefused(
            "unsupported_dimensions", f"The picture has {samples} channels that are no colors. Export the one that matters."
        )
    return samples, only, photometric


def _check_readable(directory: Directory, compression: int, photometric: int, bits: int) -> None:
    predictor, is_jpeg = directory.integer(PREDICTOR, 1), compression == JPEG or compression in JPEG_2000
    is_reversed = directory.integer(_FILL_ORDER, 1) != 1
    if (
        compression not in COMPRESSIONS
        or predictor not in (1, 2)
        or (predictor == 2 and bits < 8)
        or (is_jpeg and bits != 8)
        or is_reversed
        or (photometric == YCBCR and (not is_jpeg or directory.integer(PLANAR, 1) == 2))
    ):
        raise InputRefused(
            "unsupported_codec",
            "The picture is compressed or packed in a way that is not read. Save it with LZW, deflate, JPEG or uncompressed.",
        )


def _places(
    directory: Directory, blocks: int, is_tiled: bool, plain_bytes: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where the blocks begin and how long they are; all inside the file."""
    offsets = directory.numbers(TILES if is_tiled else _STRIPS)
    counts = directory.numbers(_TILE_BYTES if is_tiled else _STRIP_BYTES)
    if not len(counts) and len(offsets) == blocks == 1 and directory.integer(COMPRESSION, NONE) == NONE:
        counts = np.array([plain_bytes])  # old files leave it out where it can be computed
    if len(offsets) < blocks or len(counts) < blocks or offsets.dtype.kind == "f" or counts.dtype.kind == "f":
        raise outside()
    starts, sizes = offsets[:blocks].astype(np.uint64), counts[:blocks].astype(np.uint64)
    end = np.uint64(directory.tiff.size)
    missing = sizes == 0
    if np.any((starts > end) & ~missing) or np.any(sizes > end - np.minimum(starts, end)) or bool(missing.all()):
        raise outside()
    return np.where(missing, 0, starts).astype(np.int64), sizes.astype(np.int64)


def _tables(directory: Directory) -> bytes:
    value = directory.values.get(_TABLES)
    return directory.tiff.value(value)[:LIMIT_TABLES_BYTES] if value is not None else b""


def _palette(directory: Directory, bits: int) -> npt.NDArray[np.uint8]:
    colors = directory.numbers(_PALETTE)
    if len(colors) != 3 << bits or colors.dtype.kind == "f":
        raise InputRefused(
            "bad_attribute", "The picture's palette is missing or has another size than its values. Export it again."
        )
    # Palettes have 16 bits: the high byte is the color, unless a program has filled the low one only.
    return (colors >> 8 if colors.max() > 255 else colors).astype(np.uint8).reshape(3, -1)


def _subsampling(directory: Directory) -> tuple[int, int]:
    found = directory.numbers(_SUBSAMPLING)
    return (int(found[0]), int(found[1])) if len(found) == 2 else (2, 2)
