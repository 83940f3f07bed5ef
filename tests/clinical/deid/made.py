"""Files made by code in which one name stands wherever a name can stand, and the cleaning of single files in memory."""

import gzip
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageCms
from PIL.PngImagePlugin import PngInfo
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    BasicTextSRStorage,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EncapsulatedPDFStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    GrayscaleSoftcopyPresentationStateStorage,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    UltrasoundImageStorage,
)

from vesalius.clinical.deid import files
from vesalius.clinical.deid.rules import Box, Rules
from vesalius.clinical.deid.told import Told

CANARY, NUMBER, BIRTH, DAY = "ZZCANARY", "ZZ-8841973", "19470913", "20130417"
SECRET = "5a" * 32


def rules(*options: str, black_out: tuple[Box, ...] = ()) -> Rules:
    return Rules(SECRET, frozenset(options), black_out)


def cleaned(content: bytes, told: Rules, folder: Path) -> tuple[Told, bytes]:
    """What `clean_file` makes of these bytes, through real files as in a worker."""
    source, target = folder / "source", folder / "target"
    source.write_bytes(content)
    with source.open("rb") as file, target.open("wb") as out:
        result = files.clean_file(file, out, told)
    return result, target.read_bytes()


def left(content: bytes, folder: Path, seeds: Collection[str] = ()) -> dict[str, int]:
    """What `findings_of` finds in these bytes."""
    place = folder / "looked_at"
    place.write_bytes(content)
    with place.open("rb") as file:
        return files.findings_of(file, sorted(seeds))


def dataset(sop_class: str = CTImageStorage, syntax: str = ExplicitVRLittleEndian, **attributes: Any) -> FileDataset:
    """A small picture of somebody, with the canary in its identity; attributes as keywords, None leaves one out."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, "1.2.3.4"
    encoding = {"is_implicit_VR": syntax == ImplicitVRLittleEndian, "is_little_endian": syntax != ExplicitVRBigEndian}
    made = FileDataset("", {}, file_meta=meta, preamble=bytes(128), **encoding)
    pixels = np.arange(48, dtype="<u2").reshape(6, 8)
    values: dict[str, Any] = {
        "SOPClassUID": sop_class,
        "SOPInstanceUID": "1.2.3.4",
        "StudyInstanceUID": "1.2.3.100",
        "SeriesInstanceUID": "1.2.3.200",
        "FrameOfReferenceUID": "1.2.3.300",
        "PatientName": f"{CANARY}^QX",
        "PatientID": NUMBER,
        "PatientBirthDate": BIRTH,
        "PatientSex": "F",
        "PatientAge": "093Y",
        "StudyDate": DAY,
        "SeriesDate": DAY,
        "ContentDate": DAY,
        "ContentTime": "101112.5",
        "AcquisitionDateTime": f"{DAY}101112.25+0100",
        "StudyID": "S1",
        "AccessionNumber": "A-1234567",
        "Modality": "CT",
        "Manufacturer": "Maker",
        "DeviceSerialNumber": "SN-99887766",
        "InstitutionName": "Zebra Clinic Quux",
        "ReferringPhysicianName": f"Ref{CANARY}^Q",
        "StudyDescription": f"CT chest of Mrs {CANARY}",
        "SeriesDescription": "axial 5mm lung",
        "InstanceNumber": 1,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": 6,
        "Columns": 8,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "PixelData": pixels.tobytes() if syntax != ExplicitVRBigEndian else pixels.astype(">u2").tobytes(),
    } | attributes
    for keyword, value in values.items():
        if value is not None:
            setattr(made, keyword, value)
    if "PixelData" in made:
        made["PixelData"].VR = "OB" if made.BitsAllocated == 8 else "OW"
    return made


def written(made: FileDataset) -> bytes:
    out = io.BytesIO()
    made.save_as(out, enforce_file_format=True)
    return out.getvalue()


def item(**attributes: Any) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def everywhere(**attributes: Any) -> FileDataset:
    """A picture with the canary in everything that a header can hold."""
    made = dataset(**attributes)
    text = f"seen by Dr {CANARY}"
    made.OperatorsName = f"{CANARY}^Op"
    made.PatientComments = made.ImageComments = made.AdditionalPatientHistory = text
    made.ProtocolName = made.RequestedProcedureDescription = text
    made.OtherPatientIDsSequence = [item(PatientID=CANARY, IssuerOfPatientID=CANARY)]
    made.RequestAttributesSequence = [item(ScheduledProcedureStepDescription=text, RequestedProcedureID=CANARY)]
    made.ReferencedImageSequence = [
        item(ReferencedSOPClassUID=CTImageStorage, ReferencedSOPInstanceUID="1.2.3.5", SegmentLabel=CANARY)
    ]
    made.ProcedureCodeSequence = [item(CodeValue=CANARY, CodingSchemeDesignator=f"99{CANARY}", CodeMeaning=text)]
    made.ManufacturerModelName, made.SoftwareVersions, made.ConvolutionKernel = f"Model of {CANARY}", CANARY, CANARY
    made.ScanOptions, made.SequenceName, made.BodyPartExamined = CANARY, CANARY, CANARY
    made.WindowCenterWidthExplanation = CANARY
    made.IconImageSequence = [item(Rows=2, Columns=8, BitsAllocated=8, SamplesPerPixel=1, PixelData=b"ZZCANARYZZCANARY")]
    for tag, vr, value in (
        (0x00090010, "LO", f"{CANARY} 1.0"),
        (0x00091001, "LO", CANARY),
        (0x00091002, "OB", CANARY.encode("utf-16-le")),
        (0x00091003, "UN", zlib.compress(CANARY.encode())),
        (0x00190010, "LO", "SIEMENS MR HEADER"),
        (0x0019100C, "IS", "1000"),
        (0x0019100D, "CS", CANARY),
        (0x50000030, "SH", CANARY),
        (0x50003000, "OW", CANARY.encode()),
        (0x60000010, "US", 6),
        (0x60000011, "US", 8),
        (0x60000022, "LO", CANARY),
        (0x60000040, "CS", "G"),
        (0x60000100, "US", 1),
        (0x60000102, "US", 0),
        (0x60003000, "OW", CANARY.encode()),
        (0x60004000, "LT", CANARY),
        (0x00204000, "LT", text),
        (0xFFFCFFFC, "OB", CANARY.encode()),
    ):
        made[tag] = DataElement(tag, vr, value)
    made[0x00090011] = DataElement(0x00090011, "LO", "NESTED")
    made[0x00091101] = DataElement(0x00091101, "SQ", [item(PatientName=CANARY)])
    made.preamble = (CANARY.encode() * 16)[:128]
    made.file_meta.SourceApplicationEntityTitle = made.file_meta.SendingApplicationEntityTitle = CANARY
    made.file_meta.ImplementationVersionName = CANARY
    made.file_meta.PrivateInformationCreatorUID, made.file_meta.PrivateInformation = "1.2.3", CANARY.encode()
    return made


def report() -> FileDataset:
    """A structured report about somebody, by somebody, for somebody."""
    name = [item(CodeValue="121071", CodingSchemeDesignator="DCM", CodeMeaning="Finding")]
    subject = [item(CodeValue="121029", CodingSchemeDesignator="DCM", CodeMeaning="Subject Name")]
    reference = [item(ReferencedSOPClassUID=CTImageStorage, ReferencedSOPInstanceUID="1.2.3.4")]
    content = [
        item(RelationshipType="CONTAINS", ValueType="TEXT", ConceptNameCodeSequence=name, TextValue=f"{CANARY} has a mass"),
        item(RelationshipType="HAS OBS CONTEXT", ValueType="PNAME", ConceptNameCodeSequence=subject, PersonName=f"{CANARY}^QX"),
        item(RelationshipType="CONTAINS", ValueType="IMAGE", ConceptNameCodeSequence=name, ReferencedSOPSequence=reference),
        item(RelationshipType="CONTAINS", ValueType="DATE", ConceptNameCodeSequence=name, Date=DAY),
    ]
    made = dataset(BasicTextSRStorage, Modality="SR", PixelData=None, ValueType="CONTAINER", ContentSequence=content)
    made.ConceptNameCodeSequence = [item(CodeValue="18748-4", CodingSchemeDesignator="LN", CodeMeaning="Report")]
    made.VerifyingObserverSequence = [item(VerifyingOrganization=CANARY, VerificationDateTime=DAY, VerifyingObserverName=CANARY)]
    return made


def presentation() -> FileDataset:
    """A presentation state with a line and a note."""
    line = item(GraphicAnnotationUnits="PIXEL", GraphicDimensions=2, NumberOfGraphicPoints=2, GraphicType="POLYLINE")
    line.GraphicData = [1.0, 1.0, 5.0, 5.0]
    note = item(UnformattedTextValue=f"ask Dr {CANARY}", AnchorPoint=[1.0, 1.0], AnchorPointAnnotationUnits="PIXEL")
    made = dataset(GrayscaleSoftcopyPresentationStateStorage, Modality="PR", PixelData=None)
    made.GraphicLayerSequence = [item(GraphicLayer=CANARY, GraphicLayerOrder=1, GraphicLayerDescription=CANARY)]
    made.GraphicAnnotationSequence = [item(GraphicLayer=CANARY, GraphicObjectSequence=[line], TextObjectSequence=[note])]
    made.ContentLabel, made.ContentDescription, made.ContentCreatorName = "LABEL", CANARY, f"{CANARY}^C"
    return made


def jpeg(pixels: np.ndarray[Any, Any], **options: Any) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(pixels).save(out, format="JPEG", quality=90, **options)
    return out.getvalue()


def with_comment(content: bytes) -> bytes:
    """A JPEG with the canary in a comment, in an application's segment and after its end."""
    body = CANARY.encode()
    segments = b"".join(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body for marker in (0xFE, 0xE5))
    return content[:2] + segments + content[2:] + body


def photograph() -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).integers(0, 255, (40, 60, 3), dtype=np.uint8)


def exif() -> bytes:
    block = Pillow.Exif()
    block[0x0112], block[0x010E], block[0x013B] = 6, CANARY, CANARY
    return block.tobytes()


def profile() -> bytes:
    return (
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        .tobytes()
        .replace("sRGB built-in".encode("utf-16-be"), f"by {CANARY}  ".encode("utf-16-be"))
    )


def png() -> bytes:
    notes = PngInfo()
    notes.add_text("Author", CANARY)
    notes.add_text("Comment", CANARY, zip=True)
    notes.add_itxt("Title", CANARY, zip=True)
    out = io.BytesIO()
    Pillow.fromarray(photograph()).save(out, format="PNG", pnginfo=notes, exif=exif(), icc_profile=profile())
    return out.getvalue() + CANARY.encode()


def webp() -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(photograph()).save(out, format="WEBP", lossless=True, exif=exif(), xmp=f"<x>{CANARY}</x>".encode())
    return out.getvalue()


def gif() -> bytes:
    out = io.BytesIO()
    frames = [Pillow.fromarray(photograph()[..., index]) for index in range(3)]
    frames[0].save(out, format="GIF", save_all=True, append_images=frames[1:], duration=80, loop=0, comment=CANARY.encode())
    return out.getvalue() + CANARY.encode()


def tiff() -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(photograph()).save(
        out, format="TIFF", compression="tiff_lzw", description=CANARY, artist=CANARY, exif=exif()
    )
    return out.getvalue()


def nifti() -> bytes:
    header = bytearray(348)
    struct.pack_into("<i", header, 0, 348)
    header[4:14], header[14:32] = b"ZZCANARY\0\0", CANARY.encode().ljust(18, b"\0")
    struct.pack_into("<8h", header, 40, 3, 5, 4, 3, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 4, 16)
    struct.pack_into("<8f", header, 76, 1, 2, 2, 3, 1, 0, 0, 0)
    header[148:228], header[228:252] = CANARY.encode().ljust(80, b"\0"), CANARY.encode().ljust(24, b"\0")
    header[328:344], header[344:348] = CANARY.encode().ljust(16, b"\0"), b"n+1\0"
    extension = struct.pack("<ii", 32, 6) + CANARY.encode().ljust(24, b"\0")
    struct.pack_into("<f", header, 108, 352 + len(extension))
    voxels = np.arange(60, dtype="<i2").tobytes()
    return bytes(header) + b"\1\0\0\0" + extension + voxels + CANARY.encode()


def gzipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(f"{CANARY}.nii", "wb", fileobj=out) as file:
        file.write(content)
    return out.getvalue()


def sidecar() -> bytes:
    stated = {"EchoTime": 0.03, "PatientName": f"{CANARY}^QX", "ProtocolName": CANARY, "Manufacturer": CANARY, "Modality": "MR"}
    return json.dumps(stated).encode()


def bar(stored: int = 12) -> FileDataset:
    """A picture whose overlay lies in the bits that the values do not use: the letters of the canary."""
    values = np.arange(48, dtype="<u2").reshape(6, 8) | (np.frombuffer((CANARY * 6).encode(), "u1").reshape(6, 8) > 80) * 0x8000
    made = dataset(BitsStored=stored, HighBit=stored - 1, PixelData=values.astype("<u2").tobytes())
    for tag, value in ((0x60000010, 6), (0x60000011, 8), (0x60000100, 16), (0x60000102, 15)):
        made[tag] = DataElement(tag, "US", value)
    return made


def frames_of_jpeg(**attributes: Any) -> FileDataset:
    """An ultrasound clip of two compressed frames with comments."""
    pixels = [jpeg(photograph()[..., index]) for index in range(2)]
    made = dataset(
        UltrasoundImageStorage, JPEGBaseline8Bit, Modality="US", Rows=40, Columns=60, **{"NumberOfFrames": 2, **attributes}
    )
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit = 7
    made.PixelData = encapsulate([with_comment(frame) for frame in pixels])
    made["PixelData"].is_undefined_length = True
    return made


def pdf() -> FileDataset:
    made = dataset(EncapsulatedPDFStorage, Modality="DOC", PixelData=None)
    made.EncapsulatedDocument, made.MIMETypeOfEncapsulatedDocument = f"%PDF-1.4 {CANARY}".encode(), "application/pdf"
    return made


# Names in other scripts: as DICOM writes them, and as they are encoded.
SCRIPTS = {
    "ISO_IR 100": "Zzcänäry^Q",
    "ISO_IR 126": "Ζζκανάρυ^Q",
    "ISO_IR 144": "Ззканарей^Q",
    "ISO_IR 192": "Ζζκανάρυ^Q",
    "GB18030": "金丝雀名字^Q",
    "\\ISO 2022 IR 87": "Yamada^Tarou=山田名字^太郎名=やまだな^たろうな",
    "\\ISO 2022 IR 149": "Hong^Gildong=洪名字名^吉洞名=홍길동이^길동이",
}


def foreign(character_set: str) -> FileDataset:
    made = dataset(SpecificCharacterSet=character_set.split("\\"), PatientName=SCRIPTS[character_set])
    made.PatientComments = made.StudyDescription = SCRIPTS[character_set].split("^")[0].split("=")[0]
    return made


def fill(folder: Path) -> int:
    """A folder whose own name and all of whose files bear the canary; how many files there are."""
    place = folder / f"{CANARY}_QX"
    place.mkdir(parents=True)
    makers: dict[str, Callable[[], bytes]] = {
        "little.dcm": lambda: written(everywhere()) + CANARY.encode(),
        "implicit.dcm": lambda: written(everywhere(syntax=ImplicitVRLittleEndian)),
        "big.dcm": lambda: written(everywhere(syntax=ExplicitVRBigEndian)),
        "deflated.dcm": lambda: written(everywhere(syntax=DeflatedExplicitVRLittleEndian)),
        "wrong_set.dcm": lambda: written(everywhere()).replace(b"ISO_IR 100", CANARY.encode() + b"  "),
        "report.dcm": lambda: written(report()),
        "state.dcm": lambda: written(presentation()),
        "bits.dcm": lambda: written(bar()),
        "clip.dcm": lambda: written(frames_of_jpeg()),
        "document.dcm": lambda: written(pdf()),
        "photo.jpg": lambda: with_comment(jpeg(photograph(), exif=exif(), icc_profile=profile())),
        "photo.png": png,
        "photo.webp": webp,
        "moving.gif": gif,
        "scan.tif": tiff,
        "volume.nii": nifti,
        "packed.nii.gz": lambda: gzipped(nifti()),
        "packed.json": sidecar,
        "letter.pdf": lambda: f"%PDF-1.4 {CANARY}".encode(),
        "letter.txt": CANARY.encode,
        **{f"script{n}.dcm": lambda name=name: written(foreign(name)) for n, name in enumerate(SCRIPTS)},
    }
    for name, maker in makers.items():
        (place / f"{CANARY}_{name}").write_bytes(maker())
    with zipfile.ZipFile(place / f"{CANARY}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{CANARY}/inside.dcm", written(dataset(InstanceNumber=7, SOPInstanceUID="1.2.3.77")))
    return len(makers) + 1
