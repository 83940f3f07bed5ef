"""DICOM files as data sets: recognized, parsed up to their pixels, and refused with a code when they are broken."""

import contextlib
import logging
import os
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader

from pydicom import config, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
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
_LONG_VRS = {b"OB", b"OW", b"UN", b"UT", b"SQ", b"OF", b"OD", b"OL", b"OV", b"UC", b"UR"}  # their length takes four bytes


@dataclass(frozen=True)
class PixelPlace:
    """Where the pixel element's value begins. `length` is None when the pixels are compressed, `begin` when inflated."""

    keyword: str
    length: int | None
    bytes_left: int
    begin: int | None


def read_dataset(file: BufferedReader) -> tuple[FileDataset, PixelPlace | None]:
    """The elements before the pixels, and where the pixels are; None when there are none.

    Raises:
        InputRefused: `truncated`, `not_dicom`, `bad_attribute` or `size_limit`.
    """
    try:
        with quiet():
            dataset = _parsed(file)
            at = file.tell()
            size = file.seek(0, os.SEEK_END)
            file.seek(at)
            return dataset, _pixel_place(file, dataset, size)
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


def _parsed(file: BufferedReader) -> FileDataset:
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


def _is_deflated(file: BufferedReader) -> bool:
    """Whether the data set is compressed as a whole; if so its size is counted in pieces before pydicom inflates it.

    Raises `decompression_limit`, EOFError when it ends early, and zlib.error when it is damaged.
    """
    deflated = _stated_syntax(file) == str(DeflatedExplicitVRLittleEndian)
    if deflated:
        inflater, total, block = zlib.decompressobj(-zlib.MAX_WBITS), 0, file.read(BLOCK_BYTES)
        while block:
            total += len(inflater.decompress(block, BLOCK_BYTES))
            if total > LIMIT_INFLATED_BYTES:
                raise InputRefused(
                    "decompression_limit", f"The file inflates to more than {LIMIT_INFLATED_BYTES} bytes. Reading stopped there."
                )
            block = inflater.unconsumed_tail or file.read(BLOCK_BYTES)
        if not inflater.eof:
            raise EOFError
    file.seek(0)
    return deflated


def _stated_syntax(file: BufferedReader) -> str:
    """The transfer syntax that the file meta group states, or ""; leaves the file at the end of that group."""
    file.seek(0)
    if file.read(132)[128:] != b"DICM":
        return ""
    syntax = ""
    while True:
        begin, head = file.tell(), file.read(8)
        if len(head) < 8 or head[:2] != b"\x02\0":
            file.seek(begin)
            return syntax
        (length,) = struct.unpack("<I", file.read(4)) if head[4:6] in _LONG_VRS else struct.unpack("<H", head[6:8])
        value = file.read(min(length, BLOCK_BYTES))
        if head[2:4] == b"\x10\0":
            syntax = value.decode("ascii", "replace").strip(" \0")


def _pixel_place(file: BufferedReader, dataset: FileDataset, size: int) -> PixelPlace | None:
    for keyword in _PIXEL_ELEMENTS.values():
        if keyword in dataset:  # deflated: everything was read
            length = len(dataset[keyword].value)
            return PixelPlace(keyword, length, length, None)
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
        return PixelPlace(_PIXEL_ELEMENTS[element], length, size - begin, begin)
    _check_fragments(file, begin)
    return PixelPlace(_PIXEL_ELEMENTS[element], None, size - begin, begin)


def _check_fragments(file: BufferedReader, begin: int) -> None:
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
