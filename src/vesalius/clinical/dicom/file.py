"""DICOM files as data sets: everything up to the pixels, checked element by element before pydicom makes values of it."""

import contextlib
import logging
import os
import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from io import BufferedReader

from pydicom import config
from pydicom.charset import convert_encodings
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.tag import BaseTag

from vesalius.clinical.dicom.elements import PIXEL_TAGS, Element, Encoding, interned, nonsense, walk
from vesalius.clinical.dicom.inflated import BLOCK_BYTES, Inflated
from vesalius.clinical.dicom.meta import Meta, read_meta
from vesalius.errors import InputRefused
from vesalius.types import CodedWarning

LIMIT_FILE_BYTES = 4 * 2**30
# Longer values of makers' own elements and of types without structure mean nothing to a picture; they are left in the file.
LIMIT_PRIVATE_BYTES, LIMIT_BULK_BYTES = 2**16, 2**20

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
_BULK_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"UC", b"UN", b"UR", b"UT", b""})
_CHARACTER_SET = BaseTag(0x00080005)


@dataclass(frozen=True)
class PixelPlace:
    """Where the pixel element's value lies.

    Attributes:
        keyword: of the element: `PixelData`, or one that holds fractions.
        length: None when the pixels are compressed frame by frame.
        bytes_left: from its begin to the end of the file.
        begin: in the file, or in the inflated data set; None when `read_dataset` has put the value into the data set.
        is_little: the low byte comes first.
        is_words: single bytes were written as words of two, which matters where the high byte comes first.
    """

    keyword: str
    length: int | None
    bytes_left: int
    begin: int | None
    is_little: bool = True
    is_words: bool = False


@dataclass(frozen=True, eq=False)
class Contents:
    """A file taken apart: its data set without the pixels, where those are, and what is doubtful.

    Attributes:
        meta: what stands before the data set.
        encoding: how the data set is written.
        body: the file that `place` counts in: the one that was given, or that inflated.
        size: of `body`, in bytes.
    """

    dataset: FileDataset
    meta: Meta
    encoding: Encoding
    place: PixelPlace | None
    body: BufferedReader
    size: int
    warnings: tuple[CodedWarning, ...] = ()


def read_contents(file: BufferedReader, *, whole: bool = False) -> Contents:
    """Take a file apart. Long values that no picture needs are empty, unless the `whole` is wanted.

    Raises:
        InputRefused: `truncated`, `bad_file_meta`, `bad_length`, `bad_attribute`, `nesting_limit`, `size_limit` or
            `decompression_limit`.
    """
    size = file.seek(0, os.SEEK_END)
    if size > LIMIT_FILE_BYTES:
        raise InputRefused(
            "size_limit", f"The file is larger than {LIMIT_FILE_BYTES} bytes. Nothing was read. Export its pictures one by one."
        )
    meta = read_meta(file, size)
    body, at, doubts = file, meta.begin, []
    if meta.is_deflated:
        inflated = Inflated(file, meta.begin)
        body, at, size = BufferedReader(inflated, BLOCK_BYTES), 0, inflated.size
        if inflated.has_rest:
            doubts.append(trailing_bytes())
    body.seek(at)
    encoding, is_as_stated = meta.encoding(body.read(8))
    if not is_as_stated:
        said = "The data set is written in another encoding than it states; it was read as it is written."
        doubts.append(CodedWarning("encoding_mismatch", said))
    found: dict[BaseTag, DataElement | RawDataElement] = {}
    place = None
    for element in walk(body, at, size, encoding):
        if element.tag in PIXEL_TAGS:
            place = _place(element, size, encoding)
        else:
            _keep(found, body, element, encoding, whole=whole)
    if not found:
        raise nonsense()
    with quiet():
        dataset = FileDataset(
            "", found, meta.preamble, meta.elements, is_implicit_VR=encoding.is_implicit, is_little_endian=encoding.is_little
        )
        dataset.set_original_encoding(encoding.is_implicit, encoding.is_little, _characters(found))
    return Contents(dataset, meta, encoding, place, body, size, tuple(doubts))


def read_dataset(file: BufferedReader) -> tuple[FileDataset, PixelPlace | None]:
    """The elements before the pixels with all their values, and where the pixels are; None when there are none.

    The pixels of a file that is compressed as a whole are in the data set.

    Raises:
        InputRefused: as `read_contents`; `pixel_data_short` for pixels of such a file.
    """
    contents = read_contents(file, whole=True)
    place = contents.place
    if place is None or not contents.meta.is_deflated or place.length is None:
        return contents.dataset, place
    if place.bytes_left < place.length or place.begin is None:
        raise pixel_data_short()
    contents.body.seek(place.begin)
    with quiet():
        setattr(contents.dataset, place.keyword, contents.body.read(place.length))
    return contents.dataset, replace(place, begin=None)


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


def ends_cleanly(contents: Contents, at: int) -> bool:
    """Whether nothing but further elements, of greater tags than the pixels', follows behind `at`."""
    try:
        return all(element.tag > max(PIXEL_TAGS) for element in walk(contents.body, at, contents.size, contents.encoding))
    except InputRefused:
        return False


def trailing_bytes() -> CodedWarning:
    """The doubt about a file that goes on behind its end."""
    return CodedWarning("trailing_bytes", "Bytes that mean nothing follow behind the data set; they were not read.")


def pixel_data_short() -> InputRefused:
    """The refusal of pixels that end too early."""
    return InputRefused(
        "pixel_data_short", "The pixels end before the header says that they do. The rest is not guessed. Copy the file again."
    )


def _place(element: Element, size: int, encoding: Encoding) -> PixelPlace:
    return PixelPlace(
        keyword=PIXEL_TAGS[element.tag],
        length=None if element.is_open else element.length,
        bytes_left=size - element.begin,
        begin=element.begin,
        is_little=encoding.is_little,
        is_words=element.vr == b"OW",
    )


def _keep(
    found: dict[BaseTag, DataElement | RawDataElement], body: BufferedReader, element: Element, encoding: Encoding, *, whole: bool
) -> None:
    """Note an element; the first of several with one tag stands, as for the pixels."""
    tag = interned(element.tag)
    if tag in found or element.tag >> 16 in (0x0000, 0x0002, 0xFFFE):
        raise nonsense()
    is_private, is_bulk = bool(element.tag >> 16 & 1), element.vr in _BULK_VRS
    too_long = (is_private and element.length > LIMIT_PRIVATE_BYTES) or (is_bulk and element.length > LIMIT_BULK_BYTES)
    value = b""
    if whole or not too_long:
        body.seek(element.begin)
        value = body.read(element.length)
    vr = "SQ" if element.is_open and element.vr in (b"", b"UN") else element.vr.decode() or None
    is_implicit = encoding.is_implicit or (element.is_open and element.vr == b"UN")
    found[tag] = RawDataElement(tag, vr, len(value), value, element.begin, is_implicit, encoding.is_little)


def _characters(found: Mapping[BaseTag, DataElement | RawDataElement]) -> list[str]:
    """Python's names of the character sets that the file states; the standard's own where it states none that is known."""
    raw = found.get(_CHARACTER_SET)
    stated = bytes(raw.value or b"").decode("ascii", "replace").split("\\") if raw else []
    try:
        return convert_encodings([name.strip(" \0") for name in stated] or None)
    except PARSE_FAULTS:
        return convert_encodings(None)
