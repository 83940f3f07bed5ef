"""DICOM files as data sets: recognized, parsed up to their pixels, and refused with a code when they are broken."""

import contextlib
import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom import config, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

from vesalius.errors import InputRefused

LIMIT_INFLATED_BYTES = 2**30
BLOCK_BYTES = 2**20
UNDEFINED_LENGTH = 0xFFFFFFFF

# What pydicom raises on files that break the standard; it names none of them as its own.
PARSE_FAULTS = (
    *(
        InvalidDicomError,
        BytesLengthException,
        EOFError,
        OSError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        IndexError,
        LookupError,
    ),
    *(NotImplementedError, ArithmeticError, RecursionError, AssertionError, struct.error, zlib.error),
)
_PIXEL_ELEMENTS = {0x0008: "FloatPixelData", 0x0009: "DoubleFloatPixelData", 0x0010: "PixelData"}
# First elements that files without a preamble begin with: group length, character set, image type, class, instance.
_FIRST_ELEMENTS = {0x0002: {0x00, 0x01, 0x02, 0x10}, 0x0008: {0x00, 0x01, 0x05, 0x08, 0x12, 0x16, 0x18, 0x20}}
_FIRST_VRS = {b"UL", b"OB", b"UI", b"CS", b"DA", b"TM", b"LO", b"RET"}


@dataclass(frozen=True)
class PixelPlace:
    """Where the pixel element lies. `length` is None when the pixels are compressed."""

    keyword: str
    length: int | None
    bytes_left: int


def recognizes(head: bytes) -> bool:
    """Whether a file that begins with `head` is DICOM, with or without the preamble of 128 bytes."""
    return has_preamble(head) or _looks_bare(head)


def has_preamble(head: bytes) -> bool:
    """Whether the four letters stand where they should."""
    return head[128:132] == b"DICM"


def read_dataset(path: Path) -> tuple[FileDataset, PixelPlace | None]:
    """The elements before the pixels, and where the pixels are; None when there are none.

    Raises:
        InputRefused: `truncated`, `not_dicom`, `bad_attribute` or `size_limit`.
    """
    try:
        with path.open("rb") as file, quiet():
            dataset = _parsed(file)
            return dataset, _pixel_place(file, dataset, path.stat().st_size)
    except EOFError:
        raise _truncated() from None
    except InvalidDicomError:
        raise InputRefused("not_dicom", "The file is not DICOM. Its content was not recognized. Check its origin.") from None
    except PARSE_FAULTS:
        raise InputRefused(
            "bad_attribute", "The file's elements cannot be parsed. It breaks the standard. Export it again."
        ) from None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom's own words out of logs and warnings: they quote values, and a value may name a patient.

    For the same reason refusals are raised `from None`.
    """
    logger, mode = logging.getLogger("pydicom"), config.settings.reading_validation_mode
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)  # unlike `disabled`, this holds for the loggers below it too
    config.settings.reading_validation_mode = config.IGNORE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        config.settings.reading_validation_mode = mode
        logger.setLevel(level)


def _looks_bare(head: bytes) -> bool:
    if len(head) < 12:
        return False
    group, element, length = struct.unpack("<HHI", head[:8])
    if element not in _FIRST_ELEMENTS.get(group, set()):
        return False
    return head[4:6] in _FIRST_VRS or length <= 256


def _parsed(file: BinaryIO) -> FileDataset:
    deflated = _is_deflated(file)
    try:
        # In this mode, and in it alone, pydicom says when a file ends inside an element.
        config.settings.reading_validation_mode = config.RAISE
        dataset = dcmread(file, stop_before_pixels=not deflated, force=True)
    except EOFError:
        raise
    except PARSE_FAULTS:
        config.settings.reading_validation_mode = config.IGNORE
        file.seek(0)
        dataset = dcmread(file, stop_before_pixels=not deflated, force=True)
    finally:
        config.settings.reading_validation_mode = config.IGNORE
    if not len(dataset):
        raise EOFError
    last = dataset.get_item(max(dataset.keys()))
    if isinstance(last, RawDataElement) and last.length != UNDEFINED_LENGTH and len(last.value or b"") < last.length:
        raise EOFError
    return dataset


def _is_deflated(file: BinaryIO) -> bool:
    """Whether the data set is compressed as a whole; if so its size is counted in pieces before pydicom inflates it.

    Raises `size_limit`, EOFError when it ends early, and zlib.error when it is damaged.
    """
    if not has_preamble(file.read(132)):
        file.seek(0)
        return False
    meta = read_file_meta_info(file.name)
    deflated = str(meta.get("TransferSyntaxUID", "")) == str(DeflatedExplicitVRLittleEndian)
    if deflated:
        # The prefix ends at byte 132, the element with the group's length at 144.
        file.seek(144 + int(meta.FileMetaInformationGroupLength))
        inflater, total, block = zlib.decompressobj(-zlib.MAX_WBITS), 0, file.read(BLOCK_BYTES)
        while block:
            total += len(inflater.decompress(block, BLOCK_BYTES))
            if total > LIMIT_INFLATED_BYTES:
                raise InputRefused(
                    "size_limit", f"The file inflates to more than {LIMIT_INFLATED_BYTES} bytes. Reading stopped there."
                )
            block = inflater.unconsumed_tail or file.read(BLOCK_BYTES)
        if not inflater.eof:
            raise EOFError
    file.seek(0)
    return deflated


def _pixel_place(file: BinaryIO, dataset: FileDataset, size: int) -> PixelPlace | None:
    for keyword in _PIXEL_ELEMENTS.values():
        if keyword in dataset:  # deflated: everything was read
            length = len(dataset[keyword].value)
            return PixelPlace(keyword, length, length)
    is_implicit, is_little = dataset.original_encoding
    start = file.tell()
    order, head = "<" if is_little else ">", file.read(12)
    if len(head) < 12:
        return None
    group, element = struct.unpack(order + "HH", head[:4])
    if group != 0x7FE0 or element not in _PIXEL_ELEMENTS:
        return None
    (length,) = struct.unpack(order + "I", head[4:8] if is_implicit else head[8:12])
    begin = start + (8 if is_implicit else 12)
    if length != UNDEFINED_LENGTH:
        return PixelPlace(_PIXEL_ELEMENTS[element], length, size - begin)
    _check_fragments(file, begin)
    return PixelPlace(_PIXEL_ELEMENTS[element], None, size - begin)


def _check_fragments(file: BinaryIO, begin: int) -> None:
    """Step over the fragments of compressed pixels to the delimiter at their end; EOFError when the file is cut."""
    file.seek(begin)
    while True:
        head = file.read(8)
        if len(head) < 8:
            raise EOFError
        group, element, length = struct.unpack("<HHI", head)
        if (group, element) != (0xFFFE, 0xE000) or length == UNDEFINED_LENGTH:
            return  # the delimiter, or nonsense that the decoder will refuse
        file.seek(length, 1)


def _truncated() -> InputRefused:
    return InputRefused("truncated", "The file ends before its header or its pixels do. The rest is not guessed. Copy it again.")
