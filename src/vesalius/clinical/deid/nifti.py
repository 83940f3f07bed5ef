"""NIfTI volumes: the header's free texts blanked, extensions and trailing bytes dropped, voxels as they are.

Sources: nifti1.h and nifti2.h of the NIfTI Data Format Working Group.
"""

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from vesalius.clinical.deid.rules import Rules
from vesalius.clinical.deid.told import Told
from vesalius.clinical.signatures import GZIP
from vesalius.errors import InputRefused

LIMIT_BYTES = 2**33
LIMIT_OFFSET = 2**28
LIMIT_TRAILING_BYTES = 2**28
_BLOCK_BYTES = 1 << 20
_LEVEL = 1  # of compression: voxels of 16 bits gain little from more
# Version: size of the header, order-free places of its texts (begin, end), of its offset, dimensions and bits.
_TEXTS = {1: ((4, 38), (140, 148), (148, 228), (228, 252), (328, 344)), 2: ((240, 320), (320, 344), (508, 524), (525, 540))}
_SIZES = {1: 348, 2: 540}


def clean(source: BinaryIO, target: BinaryIO, rules: Rules) -> Told:
    """Write the volume alone; as `dicom.clean`. Compressed input stays compressed, without the name that gzip keeps.

    Raises:
        InputRefused: `truncated`, `bad_attribute`, `size_limit`, `not_cleanable` (voxels in another file), `decode_failed`.
    """
    is_compressed, stream = _opened(source)
    try:
        blocks = _blocks(stream)
        if is_compressed:
            with gzip.GzipFile("", "wb", _LEVEL, target, mtime=0) as out:
                for block in blocks:
                    out.write(block)
        else:
            for block in blocks:
                target.write(block)
    except (gzip.BadGzipFile, zlib.error):
        raise InputRefused(
            "decode_failed", "The compressed stream is damaged. Nothing is guessed. Copy the file again."
        ) from None
    except (EOFError, struct.error):
        raise _truncated() from None
    return Told(".nii.gz" if is_compressed else ".nii")


def side_matter(source: BinaryIO) -> bool:
    """Whether the file holds texts, extensions or anything after its voxels."""
    is_compressed, stream = _opened(source)
    if is_compressed and source.read(10)[3] & 0b11110:  # flags of gzip: a name, a comment, extra fields
        return True
    source.seek(0)
    header = stream.read(_SIZES[2])
    version, order = _version(header)
    texts = any(any(header[begin:end]) for begin, end in _TEXTS[version])
    offset, size = _place(header, version, order)
    stream.read(4 if version == 2 else 0)
    if texts or offset != _SIZES[version] + 4:
        return True
    stream.seek(offset)
    for _ in _exactly(stream, size):
        pass
    return bool(stream.read(1))


def _opened(source: BinaryIO) -> tuple[bool, BinaryIO]:
    """Whether the file is compressed, and its content."""
    source.seek(0)
    is_compressed = source.read(2) == GZIP
    source.seek(0)
    return is_compressed, cast("BinaryIO", gzip.GzipFile(fileobj=source)) if is_compressed else source


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    header = stream.read(_SIZES[2])
    version, order = _version(header)
    offset, size = _place(header, version, order)
    kept = bytearray(header[: _SIZES[version]])
    for begin, end in _TEXTS[version]:
        kept[begin:end] = bytes(end - begin)
    if version == 1:
        struct.pack_into(order + "f", kept, 108, 352.0)
    else:
        struct.pack_into(order + "q", kept, 168, 544)
    yield bytes(kept) + bytes(4)
    stream.seek(offset)
    yield from _exactly(stream, size)
    _drain(stream)


def _drain(stream: BinaryIO) -> None:
    """Read what follows the voxels and drop it: at the end of a compressed stream its checksum is compared."""
    for _ in range(LIMIT_TRAILING_BYTES // _BLOCK_BYTES):
        if not stream.read(_BLOCK_BYTES):
            return
    raise InputRefused(
        "size_limit", f"More than {LIMIT_TRAILING_BYTES} bytes follow the voxels. They are no part of a volume. Convert it."
    )


def _version(header: bytes) -> tuple[int, str]:
    """1 or 2, and the order of bytes."""
    for order in "<>":
        stated = struct.unpack_from(order + "i", header)[0]
        if stated in _SIZES.values():
            version = 1 if stated == _SIZES[1] else 2
            magic = header[344:348] if version == 1 else header[4:8]
            if magic[:2] == b"ni":
                raise InputRefused(
                    "not_cleanable",
                    "The volume's voxels lie in a second file. The pair is not taken apart. Write it as one file.",
                )
            return version, order
    raise InputRefused(
        "bad_attribute", "The header of the volume states an impossible size. It cannot be read. Convert it again."
    )


def _place(header: bytes, version: int, order: str) -> tuple[int, int]:
    """Where the voxels begin and how many bytes they take."""
    dims: tuple[int, ...]
    if version == 1:
        dims, (bits,) = struct.unpack_from(order + "8h", header, 40), struct.unpack_from(order + "h", header, 72)
        offset = struct.unpack_from(order + "f", header, 108)[0]
    else:
        dims, (bits,) = struct.unpack_from(order + "8q", header, 16), struct.unpack_from(order + "h", header, 14)
        (offset,) = struct.unpack_from(order + "q", header, 168)
    lengths = dims[1 : 1 + dims[0]] if 1 <= dims[0] <= 7 else ()
    if not lengths or min(lengths) < 1 or bits not in (1, 8, 16, 24, 32, 64, 96, 128, 256) or not 0 <= offset <= LIMIT_OFFSET:
        raise InputRefused(
            "bad_attribute", "The header of the volume states impossible dimensions. They cannot be copied. Convert it."
        )
    size = math.ceil(math.prod(lengths) * bits / 8)
    if size > LIMIT_BYTES:
        raise InputRefused("size_limit", f"The volume takes more than {LIMIT_BYTES} bytes. Nothing was copied. Cut it down.")
    first = _SIZES[version] + 4
    if 0 < offset < first:
        raise InputRefused(
            "bad_attribute", "The volume's voxels are said to begin in its header. They cannot be told apart. Convert it."
        )
    return int(offset) or first, size


def _exactly(stream: BinaryIO, size: int) -> Iterator[bytes]:
    left = size
    while left:
        block = stream.read(min(left, _BLOCK_BYTES))
        if not block:
            raise EOFError
        left -= len(block)
        yield block


def _truncated() -> InputRefused:
    return InputRefused("truncated", "The file ends before its voxels do. Half a volume is not passed on. Copy it again.")
