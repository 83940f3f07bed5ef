"""DICOM files put together element by element, so that any of them can be wrong.

pydicom writes each element of a data set on its own; what is to be broken is replaced by raw bytes before all are joined.
"""

import struct
import warnings
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import config
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    UltrasoundMultiFrameImageStorage,
)
from tests.clinical.bad_inputs.case import CANARY, CANARY_WORD, NAME, Behavior, Case

Array = np.ndarray[Any, Any]
ROWS, COLUMNS = 6, 5
STORED = np.arange(ROWS * COLUMNS, dtype=np.uint16).reshape(ROWS, COLUMNS) * 40
VALUES = STORED.astype(np.float32) - 1024.0  # of the CT slice below
UNDEFINED = 0xFFFFFFFF
_LONG_VRS = {"OB", "OW", "OF", "OD", "OL", "OV", "SQ", "UC", "UN", "UR", "UT", "SV", "UV"}
_DELIMITER, _ITEM, _ITEM_END = (struct.pack("<HHI", 0xFFFE, element, 0) for element in (0xE0DD, 0xE000, 0xE00D))
SEQUENCE_END, ITEM_END = _DELIMITER, _ITEM_END

CT: dict[str, Any] = {
    "SpecificCharacterSet": "ISO_IR 192",
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "SOPClassUID": CTImageStorage,
    "StudyDate": "20110203",
    "AccessionNumber": CANARY,
    "Modality": "CT",
    "InstitutionName": CANARY,
    "ReferringPhysicianName": CANARY,
    "StudyDescription": CANARY,
    "SeriesDescription": CANARY,
    "PatientName": CANARY,
    "PatientID": CANARY,
    "PatientBirthDate": "19700101",
    "OtherPatientIDs": CANARY,
    "PatientComments": CANARY,
    "PatientPosition": "HFS",
    "SliceThickness": "2",
    "StudyInstanceUID": "1.2.3.100",
    "SeriesInstanceUID": "1.2.3.200",
    "StudyID": CANARY_WORD,
    "InstanceNumber": 1,
    "ImagePositionPatient": [-10.0, -20.0, 0.0],
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    "ImageComments": CANARY,
    "PixelSpacing": [0.5, 0.4],
    "RescaleSlope": "1",
    "RescaleIntercept": "-1024",
    "WindowCenter": "40",
    "WindowWidth": "400",
}
DX: dict[str, Any] = {
    **{k: v for k, v in CT.items() if k not in ("ImagePositionPatient", "ImageOrientationPatient", "SliceThickness")},
    "SOPClassUID": DigitalXRayImageStorageForPresentation,
    "Modality": "DX",
    "ImageType": ["ORIGINAL", "PRIMARY"],
    "PixelSpacing": [0.2, 0.1],
    "PixelSpacingCalibrationType": "FIDUCIAL",
    "PatientPosition": None,
    "RescaleIntercept": "0",
    "WindowCenter": "600",
    "WindowWidth": "1200",
}
US_CLIP: dict[str, Any] = {
    **{k: v for k, v in CT.items() if not k.startswith(("Image", "Rescale", "Window", "Slice", "PixelSpacing"))},
    "SOPClassUID": UltrasoundMultiFrameImageStorage,
    "Modality": "US",
    "ImageType": ["ORIGINAL", "PRIMARY"],
    "FrameTime": "40",
    "FrameIncrementPointer": 0x00181063,
}
CLIP = (np.arange(3 * ROWS * COLUMNS, dtype=np.uint8).reshape(3, ROWS, COLUMNS) * 2).astype(np.uint8)


def pixel_module(pixels: Array) -> dict[str, Any]:
    """What states the pixels of an array: (Y, X), (T, Y, X) or either with a last axis of 3."""
    colors = pixels.ndim > 2 and pixels.shape[-1] == 3
    plane = pixels.shape[:-1] if colors else pixels.shape
    bits = 8 * pixels.dtype.itemsize
    return {
        "SamplesPerPixel": 3 if colors else 1,
        "PhotometricInterpretation": "RGB" if colors else "MONOCHROME2",
        "PlanarConfiguration": 0 if colors else None,
        "NumberOfFrames": plane[0] if len(plane) == 3 else None,
        "Rows": plane[-2],
        "Columns": plane[-1],
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "PixelData": pixels.astype(pixels.dtype.newbyteorder("<")).tobytes() + b"\0" * (pixels.nbytes % 2),
    }


def parts(
    attributes: Mapping[str, Any], *, pixels: Array | None = STORED, syntax: str = ExplicitVRLittleEndian, **changes: Any
) -> dict[int, bytes]:
    """The elements of a data set as bytes by tag, in the encoding of `syntax`; None as a value leaves one out.

    Text that breaks the standard goes through unchecked.
    """
    values = {"SOPInstanceUID": "1.2.3.300", **attributes, **(pixel_module(pixels) if pixels is not None else {}), **changes}
    dataset = Dataset()
    mode, config.settings.writing_validation_mode = config.settings.writing_validation_mode, config.IGNORE
    reading, config.settings.reading_validation_mode = config.settings.reading_validation_mode, config.IGNORE
    try:
        with warnings.catch_warnings(action="ignore"):
            for keyword, value in values.items():
                if value is not None and not _is_number_as_text(keyword, value):
                    setattr(dataset, keyword, value)
            private = dataset.private_block(0x0031, CANARY_WORD, create=True)
            private.add_new(0x01, "LO", CANARY)
            if "PixelData" in dataset:
                dataset["PixelData"].VR = "OW" if dataset.get("BitsAllocated") != 8 else "OB"
        written = encoded(dataset, syntax)
    finally:
        config.settings.writing_validation_mode, config.settings.reading_validation_mode = mode, reading
    for keyword, value in values.items():
        if _is_number_as_text(keyword, value):
            text = value if isinstance(value, str) else "\\".join(value)
            content = text.encode() + b" " * (len(text) % 2)
            how = {"implicit": syntax == ImplicitVRLittleEndian, "order": ">" if syntax == ExplicitVRBigEndian else "<"}
            written[tag_of(keyword)] = raw(tag_of(keyword), dictionary_VR(keyword), content, **how)
    return written


def _is_number_as_text(keyword: str, value: Any) -> bool:
    """Whether a number is given as the text that stands in the file: it need not be a number."""
    words = [value] if isinstance(value, str) else value
    return dictionary_VR(keyword) in ("DS", "IS") and isinstance(words, list) and all(isinstance(word, str) for word in words)


def encoded(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> dict[int, bytes]:
    """Each element of a data set as bytes."""
    written = {}
    for element in dataset:
        kinds = element.VR.split(" or ")  # of types that other elements decide
        is_last = isinstance(element.value, bytes) or (isinstance(element.value, int) and element.value < 0)
        element.VR = kinds[-1 if is_last else 0]
        file = DicomBytesIO()
        file.is_implicit_VR, file.is_little_endian = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
        with warnings.catch_warnings(action="ignore"):
            write_data_element(file, element, "utf8")
        written[int(element.tag)] = file.getvalue()
    return written


def raw(tag: int, vr: str, value: bytes, length: int | None = None, *, implicit: bool = False, order: str = "<") -> bytes:
    """One element, byte by byte; `length` lies where it is given."""
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    said = len(value) if length is None else length
    if implicit:
        return head + struct.pack(order + "I", said) + value
    if vr in _LONG_VRS or len(vr) != 2 or said > 0xFFFF:
        return head + vr.encode()[:2] + b"\0\0" + struct.pack(order + "I", said) + value
    return head + vr.encode() + struct.pack(order + "H", said) + value


def item(content: bytes, length: int | None = None) -> bytes:
    """One item of a sequence or one fragment of pixels."""
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content) if length is None else length) + content


def tag_of(keyword: str) -> int:
    """The number of an attribute."""
    return int(Tag(keyword))


def meta(syntax: str = ExplicitVRLittleEndian, sop_class: str = CTImageStorage, **changes: Any) -> bytes:
    """The file's meta information with its group length."""
    dataset = FileMetaDataset()
    dataset.FileMetaInformationVersion = b"\0\1"
    dataset.MediaStorageSOPClassUID = sop_class
    dataset.MediaStorageSOPInstanceUID = "1.2.3.300"
    dataset.ImplementationClassUID = "1.2.3.4"
    dataset.SourceApplicationEntityTitle = CANARY_WORD
    with warnings.catch_warnings(action="ignore"):
        dataset.TransferSyntaxUID = UID(syntax)
        for keyword, value in changes.items():
            setattr(dataset, keyword, value)
    return with_length(b"".join(encoded(dataset).values()))


def with_length(elements: bytes, length: int | None = None) -> bytes:
    """Elements of group 2 behind the element that states their length."""
    return raw(0x00020000, "UL", struct.pack("<I", len(elements) if length is None else length)) + elements


def joined(elements: Mapping[int, bytes]) -> bytes:
    """A data set of its elements, in the order of their tags."""
    return b"".join(content for _, content in sorted(elements.items()))


def dicom(
    elements: Mapping[int, bytes], *, syntax: str = ExplicitVRLittleEndian, preamble: bytes = b"", head: bytes | None = None
) -> bytes:
    """A whole file; `head` replaces the meta information."""
    body = joined(elements)
    if syntax == DeflatedExplicitVRLittleEndian:
        body = deflated(body)
    return preamble.ljust(128, b"\0") + b"DICM" + (meta(syntax) if head is None else head) + body


def deflated(body: bytes) -> bytes:
    """As the deflated transfer syntax has it, padded to an even length."""
    squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    stream = squeezer.compress(body) + squeezer.flush()
    return stream + b"\0" * (len(stream) % 2)


def zeros(mebibytes: int) -> bytes:
    """A raw deflate stream of that many MiB of zeros, without the end of a stream: about 1 KB per MiB, made at once."""
    squeezer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    block = squeezer.compress(b"\0" * 2**24) + squeezer.flush(zlib.Z_FULL_FLUSH)
    return block * (mebibytes // 16)


def one(attributes: Mapping[str, Any] = CT, *, syntax: str = ExplicitVRLittleEndian, **changes: Any) -> bytes:
    """A file of attributes, whole and right but for `changes`."""
    return dicom(parts(attributes, syntax=syntax, **changes), syntax=syntax)


def put(folder: Path, content: bytes, name: str = f"{NAME}.dcm") -> None:
    """Write one file of the case."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def one_file(
    group: int, name: str, content: bytes, code: str, behavior: Behavior = "refused", file: str = f"{NAME}.dcm", **more: Any
) -> Case:
    """A case that is one file."""
    return Case(group, name, lambda folder: put(folder, content, file), code, behavior, **more)


def from_public(
    group: int, name: str, source: str, change: Callable[[bytes], bytes], code: str, behavior: Behavior = "refused", **more: Any
) -> Case:
    """A case that is a published file, changed; skipped where it is not at hand."""
    case: Case

    def build(folder: Path) -> None:
        found = case.needs_path()
        assert found is not None, "the case is skipped without it"
        put(folder, change(found.read_bytes()), f"{NAME}{found.suffix}")

    case = Case(group, name, build, code, behavior, needs=source, **more)
    return case


def fragments(*frames: bytes, table: bytes | None = None, end: bytes = SEQUENCE_END) -> bytes:
    """The pixel element of compressed frames, one fragment each; `table` is the content of the basic offset table."""
    if table is None:
        return raw(0x7FE00010, "OB", encapsulate(list(frames), has_bot=len(frames) > 1) + end, UNDEFINED)
    return raw(
        0x7FE00010, "OB", item(table) + b"".join(item(frame + b"\0" * (len(frame) % 2)) for frame in frames) + end, UNDEFINED
    )


def compressed(
    attributes: Mapping[str, Any],
    pixels: Array,
    frames: list[bytes],
    syntax: str,
    *,
    element: bytes | None = None,
    **changes: Any,
) -> bytes:
    """A file of frames that are compressed already; `element` replaces the pixel element."""
    elements = parts(attributes, pixels=pixels, **changes)
    elements[0x7FE00010] = fragments(*frames) if element is None else element
    return dicom(elements, syntax=syntax)


def implicit_little(attributes: Mapping[str, Any] = CT, **changes: Any) -> dict[int, bytes]:
    """The elements in the encoding that states no types."""
    return parts(attributes, syntax=ImplicitVRLittleEndian, **changes)


def big(attributes: Mapping[str, Any] = CT, *, pixels: Array = STORED, **changes: Any) -> dict[int, bytes]:
    """The elements with the high byte first, pixels too."""
    elements = parts(attributes, pixels=pixels, syntax=ExplicitVRBigEndian, **changes)
    swapped = pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()
    return {**elements, 0x7FE00010: raw(0x7FE00010, "OW" if pixels.itemsize > 1 else "OB", swapped, order=">")}
