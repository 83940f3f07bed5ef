"""What stands before a data set: preamble, file meta information, and by it how the data set is written.

Source: DICOM PS3.10, 7.1.
"""

import struct
from dataclasses import dataclass
from io import BufferedReader

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import FileMetaDataset
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from vesalius.clinical.dicom.elements import EXPLICIT, IMPLICIT, LONG_VRS, VRS, Encoding, encoding_of
from vesalius.errors import InputRefused

LIMIT_BYTES = 2**20  # of the whole group; what is longer is damaged
_GROUP_LENGTH, _SYNTAX = 0x00020000, 0x00020010
_STATED: dict[str, Encoding] = {
    ImplicitVRLittleEndian: IMPLICIT,
    ExplicitVRLittleEndian: EXPLICIT,
    ExplicitVRBigEndian: Encoding(is_implicit=False, is_little=False),
}


@dataclass(frozen=True)
class Meta:
    """What is known before the data set.

    Attributes:
        elements: the file meta information.
        preamble: 128 bytes, or none.
        syntax: the transfer syntax that is stated; empty when none is.
        begin: where the data set begins.
    """

    elements: FileMetaDataset
    preamble: bytes | None
    syntax: str
    begin: int

    @property
    def is_deflated(self) -> bool:
        """Whether all that follows is compressed."""
        return self.syntax == DeflatedExplicitVRLittleEndian

    def encoding(self, head: bytes) -> tuple[Encoding, bool]:
        """How the data set is written, by its first eight bytes, and whether that is as stated.

        Every transfer syntax that is none of the three native ones has explicit types and the low byte first.
        """
        stated = _STATED.get(self.syntax, EXPLICIT)
        found = encoding_of(head, stated)
        return found, found == stated or not self.syntax


def read_meta(file: BufferedReader, size: int) -> Meta:
    """Preamble and group 2.

    Raises:
        InputRefused: `bad_file_meta`, `truncated`.
    """
    file.seek(0)
    preamble = file.read(132)
    has_preamble = preamble[128:] == b"DICM"
    at = 132 if has_preamble else 0
    found: dict[BaseTag, DataElement | RawDataElement] = {}
    stated_end = None
    while True:
        file.seek(at)
        head = file.read(8)
        if head[:2] != b"\2\0" or (at == 0 and encoding_of(head).is_implicit):
            break
        tag, vr, begin, length = _element(file, at, head)
        value = _value(file, begin, length, size)
        if tag == _GROUP_LENGTH and length == 4:
            stated_end = begin + 4 + struct.unpack("<I", value)[0]
        found[BaseTag(tag)] = RawDataElement(BaseTag(tag), vr.decode(), length, value, begin, False, True)
        at = begin + length
        if at > LIMIT_BYTES:
            raise _damaged()
    if len(head) < 8:
        raise InputRefused("truncated", "The file ends before its data set begins. The rest is not guessed. Copy it again.")
    if stated_end is not None and stated_end != at:
        raise _damaged()
    stated = found.get(BaseTag(_SYNTAX))
    syntax = bytes(stated.value or b"").decode("ascii", "replace").strip(" \0") if stated else ""
    return Meta(FileMetaDataset(found), preamble[:128] if has_preamble else None, syntax, at)


def _element(file: BufferedReader, at: int, head: bytes) -> tuple[int, bytes, int, int]:
    """Tag, type, begin and length of an element; always explicit and little endian here."""
    if len(head) < 8:
        raise _cut()
    group, number = struct.unpack_from("<HH", head)
    vr = head[4:6]
    if vr not in VRS:
        raise _damaged()
    if vr not in LONG_VRS:
        return group << 16 | number, vr, at + 8, struct.unpack_from("<H", head, 6)[0]
    more = file.read(4)
    if len(more) < 4:
        raise _cut()
    return group << 16 | number, vr, at + 12, struct.unpack("<I", more)[0]


def _value(file: BufferedReader, begin: int, length: int, size: int) -> bytes:
    if length > LIMIT_BYTES:
        raise _damaged()
    if begin + length > size:
        raise _cut()
    return file.read(length)


def _cut() -> InputRefused:
    return InputRefused("truncated", "The file ends in its first lines. The rest is not guessed. Copy it again.")


def _damaged() -> InputRefused:
    return InputRefused(
        "bad_file_meta", "The file meta information contradicts itself. How to read the rest is unclear. Export it again."
    )
