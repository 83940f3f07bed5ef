"""Small DICOM files made by code: every transfer syntax that can be written here, and the commoner kinds of object."""

import io
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom import config, dcmwrite, uid
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as DicomSequence

from made_content import Pixels, picture_u8, picture_u16, plant, saved

# Named, because the one that pydicom takes first brings the process down at some sizes of picture.
ENCODERS: dict[str, str] = {uid.RLELossless: "pylibjpeg", uid.JPEGLSLossless: "pyjpegls", uid.JPEG2000Lossless: "pylibjpeg"}

config.settings.writing_validation_mode = config.IGNORE


def dicom_bytes(
    pixels: Pixels, sop_class: str = uid.CTImageStorage, syntax: str = uid.ExplicitVRLittleEndian, /, **attributes: Any
) -> bytes:
    """A DICOM file of one picture (Y, X), or frames (T, Y, X), with a last axis of 3 for color, and with canaries.

    `attributes` go by keyword; None leaves one out. What differs in anything is of another study.
    """
    number = zlib.crc32(pixels.tobytes() + f"{sop_class} {syntax} {sorted(attributes)}".encode())
    colors = pixels.ndim > 2 and pixels.shape[-1] == 3
    frames = pixels.shape[0] if pixels.ndim == 3 + colors else 1
    bits = pixels.dtype.itemsize * 8
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = uid.UID(sop_class), uid.UID(f"2.25.771.1.{number}")
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"2.25.771.2.{number}", f"2.25.771.3.{number}"
    dataset.FrameOfReferenceUID = f"2.25.771.4.{number}"
    dataset.Modality, dataset.StudyDate, dataset.InstanceNumber = "CT", "20110203", 1
    dataset.ImageType, dataset.SpecificCharacterSet = ["ORIGINAL", "PRIMARY", "AXIAL"], "ISO_IR 100"
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [-10, -20, 30], [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing, dataset.SliceThickness = [0.5, 0.4], 2
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    dataset.SamplesPerPixel = 3 if colors else 1
    dataset.PhotometricInterpretation = "RGB" if colors else "MONOCHROME2"
    if colors:
        dataset.PlanarConfiguration = 0
    if frames > 1:
        dataset.NumberOfFrames = frames
    dataset.Rows, dataset.Columns = pixels.shape[-3:-1] if colors else pixels.shape[-2:]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    plant(dataset)
    for keyword, value in attributes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    if syntax == uid.JPEGBaseline8Bit:
        frames_of = pixels.reshape(-1, *pixels.shape[-3 + (not colors) :])
        dataset.PixelData = encapsulate([saved(Image.fromarray(frame), "JPEG") for frame in frames_of])
        dataset["PixelData"].VR = "OB"
    elif uid.UID(syntax).is_encapsulated:
        dataset.compress(syntax, encoding_plugin=ENCODERS[syntax], generate_instance_uid=False)
    meta.TransferSyntaxUID = uid.UID(syntax)
    implicit = {"implicit_vr": syntax == uid.ImplicitVRLittleEndian, "little_endian": syntax != uid.ExplicitVRBigEndian}
    if syntax == uid.ExplicitVRBigEndian:
        dataset.PixelData = pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()
    written = io.BytesIO()
    dataset["PixelData"].VR = "OW" if bits > 8 and not uid.UID(syntax).is_encapsulated else "OB"
    dcmwrite(written, dataset, **({} if syntax == uid.DeflatedExplicitVRLittleEndian else implicit))
    return written.getvalue()


def dicom_files(seed: int, *, larger_px: int = 0) -> Iterator[tuple[str, bytes]]:
    """Label and content; another seed gives other pixels, `larger_px` is added to the sides."""
    slice_u16 = picture_u16(40 + larger_px, 36 + larger_px, seed=seed)
    syntaxes = {
        "native": uid.ExplicitVRLittleEndian,
        "implicit": uid.ImplicitVRLittleEndian,
        "big endian": uid.ExplicitVRBigEndian,
        "deflated": uid.DeflatedExplicitVRLittleEndian,
        "RLE": uid.RLELossless,
        "JPEG-LS": uid.JPEGLSLossless,
        "JPEG 2000": uid.JPEG2000Lossless,
    }
    for label, syntax in syntaxes.items():
        yield f"CT {label}", dicom_bytes(slice_u16, uid.CTImageStorage, syntax)
    gray = picture_u8(20 + larger_px, 24 + larger_px, seed=seed)
    color = np.stack([gray, gray[::-1], gray[:, ::-1]], axis=-1)
    clip = np.stack([gray, gray[::-1], np.flipud(gray), gray])
    clips = {"Modality": "US", "FrameTime": "40", "FrameIncrementPointer": 0x00181063}
    yield "US clip", dicom_bytes(clip, uid.UltrasoundMultiFrameImageStorage, **clips)
    for label, syntax in (("RLE", uid.RLELossless), ("JPEG", uid.JPEGBaseline8Bit)):
        yield f"US clip {label}", dicom_bytes(clip, uid.UltrasoundMultiFrameImageStorage, syntax, **clips)
    yield "US color", dicom_bytes(color, uid.UltrasoundImageStorage, Modality="US")
    yield "SC color JPEG", dicom_bytes(color, uid.SecondaryCaptureImageStorage, uid.JPEGBaseline8Bit, Modality="OT")
    inverted = {"Modality": "DX", "PhotometricInterpretation": "MONOCHROME1"}
    yield "DX inverted", dicom_bytes(slice_u16, uid.DigitalXRayImageStorageForPresentation, **inverted)
    yield "enhanced CT", _enhanced(slice_u16)
    yield "palette", _palette(gray)
    yield "bare", dicom_bytes(slice_u16)[132:]
    for label, sop_class, modality in (("SR", uid.BasicTextSRStorage, "SR"), ("PDF", uid.EncapsulatedPDFStorage, "DOC")):
        yield label, dicom_bytes(gray, sop_class, Modality=modality, Rows=None, Columns=None)


def _enhanced(plane: npt.NDArray[np.uint16]) -> bytes:
    """Three frames with functional groups."""
    shared, frames = Dataset(), []
    later = plane + np.uint16(9)
    measures, orientation, transformation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.5, 0.4], 2
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    transformation.RescaleSlope, transformation.RescaleIntercept, transformation.RescaleType = 1, -1024, "HU"
    shared.PixelMeasuresSequence = DicomSequence([measures])
    shared.PlaneOrientationSequence = DicomSequence([orientation])
    shared.PixelValueTransformationSequence = DicomSequence([transformation])
    for index in range(3):
        group, position, content = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [-10, -20, 30 + 2 * index]
        content.InStackPositionNumber, content.StackID = index + 1, "1"
        group.PlanePositionSequence, group.FrameContentSequence = DicomSequence([position]), DicomSequence([content])
        frames.append(group)
    groups = {
        "SharedFunctionalGroupsSequence": DicomSequence([shared]),
        "PerFrameFunctionalGroupsSequence": DicomSequence(frames),
    }
    plain = dict.fromkeys(("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept"))
    return dicom_bytes(np.stack([plane, later, plane]), uid.EnhancedCTImageStorage, **groups, **plain)


def _palette(indices: Pixels) -> bytes:
    tables: dict[str, Any] = {}
    for name, shift in (("Red", 0), ("Green", 85), ("Blue", 170)):
        tables[f"{name}PaletteColorLookupTableData"] = np.roll(np.arange(256, dtype=np.uint16) * 257, shift).tobytes()
        tables[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
    no_rescale = {"RescaleSlope": None, "RescaleIntercept": None}
    return dicom_bytes(indices, uid.UltrasoundImageStorage, PhotometricInterpretation="PALETTE COLOR", **tables, **no_rescale)
