"""Groups 28 to 35: objects that are no single picture, texts and identifiers that are hostile, and what is private."""

import pickle
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    BasicTextSRStorage,
    BreastTomosynthesisImageStorage,
    EncapsulatedPDFStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    ImplicitVRLittleEndian,
    KeyObjectSelectionDocumentStorage,
    MediaStorageDirectoryStorage,
    ParametricMapStorage,
    RTDoseStorage,
    RTPlanStorage,
    RTStructureSetStorage,
    SegmentationStorage,
    TwelveLeadECGWaveformStorage,
    XRayAngiographicImageStorage,
)
from tests.clinical.bad_inputs import builders as b
from tests.clinical.bad_inputs.builders import one_file
from tests.clinical.bad_inputs.case import CANARY, CANARY_WORD, NAME, Case

Array = np.ndarray[Any, Any]
NO_PICTURE = {k: v for k, v in b.CT.items() if not k.startswith(("Image", "Rescale", "Window", "Slice", "PixelSpacing"))}
STACK = np.stack([b.STORED + np.uint16(index) for index in range(3)])
BELL, ESCAPE, RIGHT_TO_LEFT = "\x07", "\x1b[31m", "\u202e"


def cases() -> list[Case]:
    """Groups 28 to 35."""
    return [
        *_no_pixels(),
        *_routed(),
        *_many_frames(),
        *_charsets(),
        *_markup(),
        *_identifiers(),
        *_directories(),
        *_private(),
    ]


def item(**attributes: Any) -> Dataset:
    """One item of a sequence."""
    dataset = Dataset()
    with warnings.catch_warnings(action="ignore"):
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
    return dataset


def one_of(**attributes: Any) -> Sequence:
    """A sequence of one item."""
    return Sequence([item(**attributes)])


def report(sop_class: str = BasicTextSRStorage, **changes: Any) -> bytes:
    """A structured report that says one sentence."""
    code = one_of(CodeValue="121071", CodingSchemeDesignator="DCM", CodeMeaning=CANARY)
    sentence = item(RelationshipType="CONTAINS", ValueType="TEXT", ConceptNameCodeSequence=code, TextValue=CANARY)
    said = {"Modality": "SR", "ValueType": "CONTAINER", "ContinuityOfContent": "SEPARATE", "ConceptNameCodeSequence": code}
    return b.one(NO_PICTURE, pixels=None, SOPClassUID=sop_class, ContentSequence=Sequence([sentence]), **{**said, **changes})


def segmentation(**changes: Any) -> bytes:
    """One segment on three slices, one bit a pixel, padded to whole bytes at the end."""
    masks = STACK % 3 == 0
    frames = [
        item(
            PlanePositionSequence=one_of(ImagePositionPatient=[-10, -20, 2 * z]),
            SegmentIdentificationSequence=one_of(ReferencedSegmentNumber=1),
        )
        for z in range(3)
    ]
    shared = item(
        PixelMeasuresSequence=one_of(PixelSpacing=[0.5, 0.4], SliceThickness="2"),
        PlaneOrientationSequence=one_of(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
    )
    segment = item(SegmentNumber=1, SegmentLabel=CANARY, SegmentAlgorithmType="MANUAL")
    packed = np.packbits(masks.ravel(), bitorder="little").tobytes()
    attributes = {
        **b.pixel_module(masks.astype(np.uint8)),
        **{"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0, "PixelData": packed + b"\0" * (len(packed) % 2)},
        **{"SegmentationType": "BINARY", "SegmentSequence": Sequence([segment]), "Modality": "SEG"},
        **{"SharedFunctionalGroupsSequence": Sequence([shared]), "PerFrameFunctionalGroupsSequence": Sequence(frames)},
    }
    return b.one(NO_PICTURE, pixels=None, SOPClassUID=SegmentationStorage, **{**attributes, **changes})


def _no_pixels() -> list[Case]:
    state = b.one(NO_PICTURE, pixels=None, SOPClassUID=GrayscaleSoftcopyPresentationStateStorage, Modality="PR", ContentLabel="X")
    keys = report(KeyObjectSelectionDocumentStorage, Modality="KO")
    asked = {"code": "no_pixels", "behavior": "refused_by_ask"}
    return [
        one_file(28, "structured_report", report(), kind="report", **asked),
        one_file(28, "presentation_state", state, kind="other", **asked),
        one_file(28, "key_objects", keys, kind="other", **asked),
        one_file(28, "picture_class_without_pixels", b.one(pixels=None, Rows=6, Columns=5), "no_pixels"),
    ]


def _routed() -> list[Case]:
    contour = item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=3, ContourData=[0, 0, 0, 1, 0, 0, 0, 1, 0])
    structures = {
        "Modality": "RTSTRUCT",
        "StructureSetLabel": CANARY_WORD,
        "StructureSetROISequence": one_of(ROINumber=1, ROIName=CANARY),
        "ROIContourSequence": one_of(ReferencedROINumber=1, ContourSequence=Sequence([contour])),
    }
    document = {
        "Modality": "DOC",
        "DocumentTitle": CANARY,
        "MIMETypeOfEncapsulatedDocument": "application/pdf",
        "EncapsulatedDocument": b"%PDF-1.4\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert)>>>>endobj\n%%EOF\n",
    }
    plan, wave = {"Modality": "RTPLAN", "RTPlanLabel": CANARY_WORD}, {"Modality": "ECG"}
    objects: dict[str, tuple[str, bytes]] = {
        "structure_set": ("structures", b.one(NO_PICTURE, pixels=None, SOPClassUID=RTStructureSetStorage, **structures)),
        "encapsulated_pdf": ("document", b.one(NO_PICTURE, pixels=None, SOPClassUID=EncapsulatedPDFStorage, **document)),
        "segmentation": ("segmentation", segmentation()),
        "plan": ("plan", b.one(NO_PICTURE, pixels=None, SOPClassUID=RTPlanStorage, **plan)),
        "waveform": ("waveform", b.one(NO_PICTURE, pixels=None, SOPClassUID=TwelveLeadECGWaveformStorage, **wave)),
    }
    return [
        one_file(29, name, content, "no_pixels", "refused_by_ask", kind=kind) for name, (kind, content) in objects.items()
    ] + [one_file(29, "segmentation_whose_pixels_are_short", segmentation(PixelData=b"\1\2"), "pixel_data_short")]


def enhanced(sop_class: str, places: list[tuple[float, int]], pixels: Array, **changes: Any) -> bytes:
    """A multi-frame object whose frames lie at `places`: (z in mm, temporal index)."""
    frames = [
        item(
            PlanePositionSequence=one_of(ImagePositionPatient=[-10, -20, z_mm]),
            FrameContentSequence=one_of(
                TemporalPositionIndex=t, InStackPositionNumber=1, StackID="1", DimensionIndexValues=[t, i + 1]
            ),
        )
        for i, (z_mm, t) in enumerate(places)
    ]
    shared = item(
        PixelMeasuresSequence=one_of(PixelSpacing=[0.5, 0.4], SliceThickness="2"),
        PlaneOrientationSequence=one_of(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
        PixelValueTransformationSequence=one_of(RescaleSlope="1", RescaleIntercept="-1024", RescaleType="HU"),
        FrameVOILUTSequence=one_of(WindowCenter="40", WindowWidth="400"),
    )
    groups = {"SharedFunctionalGroupsSequence": Sequence([shared]), "PerFrameFunctionalGroupsSequence": Sequence(frames)}
    kind = {"SOPClassUID": sop_class, "ImageType": ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], "Modality": "CT"}
    return b.one(NO_PICTURE, pixels=pixels, **{**kind, **groups, **changes})


def _many_frames() -> list[Case]:
    upwards = [(0.0, 1), (2.0, 1), (4.0, 1)]
    mixed, order = [(4.0, 1), (0.0, 1), (2.0, 1)], [2, 0, 1]
    times = [(z, t) for t in (1, 2) for z in (0.0, 2.0, 4.0)]
    film = np.concatenate([STACK, STACK + np.uint16(500)])
    magnetic = {"Modality": "MR"}
    dose = {"Modality": "RTDOSE", "DoseGridScaling": "0.001", "GridFrameOffsetVector": [0, 2, 4], "DoseUnits": "GY"}
    grid = {"ImagePositionPatient": [-10, -20, 0], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "PixelSpacing": [0.5, 0.4]}
    angio = {**b.US_CLIP, "SOPClassUID": XRayAngiographicImageStorage, "Modality": "XA"}
    floats = {"PixelData": None, "FloatPixelData": STACK.astype("<f4").tobytes(), "BitsAllocated": 32}
    missing = Sequence([item(FrameContentSequence=one_of(TemporalPositionIndex=1))])
    either = {"code": "unsupported_iod", "behavior": "golden"}
    return [
        one_file(
            30,
            "enhanced_ct",
            enhanced(EnhancedCTImageStorage, upwards, STACK),
            values=STACK - 1024.0,
            kind="volume",
            spacing_mm=(2.0, 0.5, 0.4),
            **either,
        ),
        one_file(
            30,
            "enhanced_ct_out_of_order",
            enhanced(EnhancedCTImageStorage, mixed, STACK[order]),
            values=STACK - 1024.0,
            kind="volume",
            spacing_mm=(2.0, 0.5, 0.4),
            **either,
        ),
        one_file(
            30,
            "enhanced_mr_over_time",
            enhanced(EnhancedMRImageStorage, times, film, **magnetic),
            values=film.reshape(2, 3, b.ROWS, b.COLUMNS) - 1024.0,
            kind="volume",
            **either,
        ),
        one_file(
            30,
            "enhanced_ct_with_groups_missing",
            enhanced(EnhancedCTImageStorage, upwards, STACK, PerFrameFunctionalGroupsSequence=missing),
            "",
            "survived",
        ),
        one_file(
            30,
            "tomosynthesis",
            enhanced(BreastTomosynthesisImageStorage, upwards, STACK, Modality="MG"),
            values=STACK - 1024.0,
            **either,
        ),
        one_file(
            30,
            "dose",
            b.one({**NO_PICTURE, **grid}, pixels=STACK, SOPClassUID=RTDoseStorage, **dose),
            values=STACK * 0.001,
            tolerance=1e-6,
            **either,
        ),
        one_file(30, "map_of_fractions", enhanced(ParametricMapStorage, upwards, STACK, Modality="CT", **floats), "", "survived"),
        one_file(30, "ultrasound_clip", b.one(b.US_CLIP, pixels=b.CLIP), "unsupported_iod", "golden", values=b.CLIP, kind="clip"),
        one_file(30, "angiography_clip", b.one(angio, pixels=b.CLIP), "unsupported_iod", "golden", values=b.CLIP, kind="clip"),
        one_file(
            30,
            "clip_without_times",
            b.one(b.US_CLIP, pixels=b.CLIP, FrameTime=None, FrameIncrementPointer=None),
            "frame_time_unknown",
            "warned",
            values=b.CLIP,
            kind="clip",
        ),
        one_file(
            30,
            "clip_of_unequal_times",
            b.one(b.US_CLIP, pixels=b.CLIP, FrameTime=None, FrameTimeVector=[0, 40, 90], FrameIncrementPointer=0x00181065),
            "variable_frame_rate",
            "warned",
            values=b.CLIP,
            kind="clip",
        ),
        one_file(
            30,
            "clip_of_frame_time_zero",
            b.one(b.US_CLIP, pixels=b.CLIP, FrameTime="0"),
            "frame_time_unknown",
            "warned",
            values=b.CLIP,
            kind="clip",
        ),
    ]


def _named(charset: bytes | None, name: bytes, **more: bytes) -> bytes:
    """A slice whose patient's name and comments are these bytes."""
    elements = b.parts(b.CT)
    del elements[b.tag_of("SpecificCharacterSet")]
    if charset is not None:
        elements[0x00080005] = b.raw(0x00080005, "CS", charset + b" " * (len(charset) % 2))
    for keyword, value in {"PatientName": name, "PatientComments": name, "StudyDescription": name[:64], **more}.items():
        tag = b.tag_of(keyword)
        kind = {"PatientName": "PN", "PatientComments": "LT"}.get(keyword, "LO")
        elements[tag] = b.raw(tag, kind, value + b" " * (len(value) % 2))
    return b.dicom(elements)


def _read(group: int, name: str, content: bytes) -> Case:
    return one_file(group, name, content, "", "golden", values=b.VALUES)


def _charsets() -> list[Case]:
    canary = CANARY.encode()
    japanese = b"ZZCANARY^QX=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"
    names: dict[str, tuple[bytes | None, bytes]] = {
        "of_nobody": (b"ISO_IR 999", canary + b"\xe4\xff"),
        "a_name": (canary, canary),
        "none_but_high_bytes": (None, canary + b"\xc4\xd6\xdc"),
        "utf_8_broken": (b"ISO_IR 192", canary + b"\xc3\x28\xff\xfe\x80"),
        "utf_8_overlong": (b"ISO_IR 192", canary + b"\xc0\xaf\xe0\x80\xaf\xed\xa0\x80"),
        "japanese": (b"\\ISO 2022 IR 87", japanese),
        "escape_not_announced": (b"ISO_IR 100", japanese),
        "escape_cut": (b"\\ISO 2022 IR 87", canary + b"=\x1b$"),
        "escape_of_nobody": (b"\\ISO 2022 IR 149", canary + b"=\x1b%Z\x1b$)Q\xb1\xe8"),
        "many_charsets": (b"\\".join([b"ISO 2022 IR 6"] * 200), canary),
        "control_characters": (b"ISO_IR 192", canary + b"\0\1\x08\x0b\x7f\r\n[31m\x9b"),
        "right_to_left": (b"ISO_IR 192", canary + RIGHT_TO_LEFT.encode() + b"gpj.exe"),
        "escapes_of_a_terminal": (b"ISO_IR 192", canary + ESCAPE.encode() + BELL.encode() + b"\x1b]0;owned\x07"),
        "newlines_of_a_log": (b"ISO_IR 192", canary + b"\nINFO root: logged in\n"),
    }
    long = b.implicit_little()
    for keyword in ("PatientName", "StudyDescription", "SeriesDescription", "Modality", "PatientID"):
        tag = b.tag_of(keyword)
        long[tag] = b.raw(tag, "LO", (canary + b"A" * 2**20)[: 2**20], implicit=True)
    return [
        *(_read(31, name, _named(charset, content)) for name, (charset, content) in names.items()),
        _read(31, "names_of_one_mebibyte", b.dicom(long, syntax=ImplicitVRLittleEndian)),
        _read(31, "bytes_of_every_value_everywhere", _noisy()),
    ]


def _noisy() -> bytes:
    """Noise in every text that a picture does not need."""
    elements = b.parts(b.CT)
    noise = bytes(range(256)).replace(b"\\", b"") + CANARY.encode()
    for keyword in ("InstitutionName", "StudyDescription", "SeriesDescription", "ImageComments", "AccessionNumber", "StudyID"):
        elements[b.tag_of(keyword)] = b.raw(b.tag_of(keyword), "LO", noise)
    return b.dicom(elements)


def _markup() -> list[Case]:
    texts = {
        "script": "<script>alert('ZZCANARY')</script>",
        "picture_with_a_handler": "<img src=x onerror=alert(1)>ZZCANARY",
        "formula": "=cmd|'/C calc'!A0 ZZCANARY",
        "terminal": "\x1b]8;;http://ZZCANARY\x07link\x1b[2J",
        "json": '"},{"study_key":"ZZCANARY',
        "format": "{0.__class__}%s%n${jndi:ldap://ZZCANARY}",
    }
    everywhere = ("PatientName", "PatientID", "StudyDescription", "SeriesDescription", "Modality", "BodyPartExamined",
                  "Manufacturer", "ProtocolName", "ViewPosition", "PatientComments", "StudyID", "InstitutionName",
                  "ManufacturerModelName", "PatientPosition", "RescaleType", "WindowCenterWidthExplanation")  # fmt: skip
    names = {"file_name": "ZZCANARY\x1b[31m\n'\"<script>.dcm", "folder_name": "ZZCANARY=cmd|'C'!A0\u202e/1"}
    return [
        *(_read(32, name, b.one(**dict.fromkeys(everywhere, text))) for name, text in texts.items()),
        *(one_file(32, name, b.one(), "", "golden", file, values=b.VALUES) for name, file in names.items()),
    ]


def _identifiers() -> list[Case]:
    wrong = {
        "climbing": "../../../../tmp/ZZCANARY",
        "absolute": "/etc/ZZCANARY",
        "of_windows": "C:ZZCANARY",
        "65_characters": "1." + "2" * 63,
        "10000_characters": "1." * 5000,
        "with_a_space": "1.2. 3",
        "with_a_newline": "1.2\n3",
        "with_markup": "<b>1.2</b>",
        "with_a_zero_byte": "1.2\x003.4",
        "of_another_alphabet": "1.2.\xe9",
    }
    keywords = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    found = [
        one_file(33, f"{name}_{keyword[:-3].lower()}", b.one(**{keyword: uid}), "bad_uid")
        for index, (name, uid) in enumerate(wrong.items())
        for keyword in (keywords if index < 5 else keywords[index % 3 : index % 3 + 1])
    ]
    empty = {"StudyInstanceUID": None, "SeriesInstanceUID": ""}
    return [
        *found,
        one_file(33, "empty", b.one(**empty), "grouping_guessed", "warned", values=b.VALUES),
        one_file(33, "letters_are_no_harm", b.one(StudyInstanceUID="1.2.anon_A-7"), "bad_uid", "golden", values=b.VALUES),
        one_file(33, "64_characters_are_no_harm", b.one(SeriesInstanceUID="1." + "2" * 62), "bad_uid", "golden", values=b.VALUES),
    ]


def directory(file_id: str, *, next_record: int = 0) -> bytes:
    """A DICOMDIR of one patient, study, series and picture, whose picture lies at `file_id`."""
    names = ["PATIENT", "STUDY", "SERIES", "IMAGE"]
    details: list[dict[str, Any]] = [
        {"PatientName": CANARY, "PatientID": CANARY},
        {"StudyInstanceUID": "1.2.3.100", "StudyID": "1", "StudyDate": "20110203"},
        {"SeriesInstanceUID": "1.2.3.200", "Modality": "CT", "SeriesNumber": 1},
        {"ReferencedFileID": file_id, "ReferencedSOPInstanceUIDInFile": "1.2.3.300", "InstanceNumber": 1},
    ]

    def built(places: list[int]) -> tuple[bytes, list[int]]:
        items, starts, at = [], [], 0
        for index, (name, detail) in enumerate(zip(names, details, strict=True)):
            below = places[index + 1] if index + 1 < len(places) else 0
            following = places[index] if next_record and index == next_record else 0
            record = item(
                OffsetOfTheNextDirectoryRecord=following,
                RecordInUseFlag=0xFFFF,
                OffsetOfReferencedLowerLevelDirectoryEntity=below,
                DirectoryRecordType=name,
                **detail,
            )
            content = b.item(b.joined(b.encoded(record)))
            starts.append(at)
            items.append(content)
            at += len(content)
        head = item(
            FileSetID=CANARY_WORD,
            OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity=places[0],
            OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity=places[0],
            FileSetConsistencyFlag=0,
        )
        elements = b.encoded(head)
        elements[0x00041220] = b.raw(0x00041220, "SQ", b"".join(items))
        content = b.dicom(elements, head=b.meta(sop_class=MediaStorageDirectoryStorage))
        first = content.index(items[0])
        return content, [first + start for start in starts]

    _, places = built([0] * 4)
    return built(places)[0]


def _directories() -> list[Case]:
    def with_picture(file_id: str) -> Any:
        def build(folder: Path) -> None:
            b.put(folder, directory(file_id), "DICOMDIR")
            b.put(folder, b.one(), f"IMAGES/{NAME}")

        return build

    wrong = {
        "climbing": "..\\..\\etc\\passwd",
        "climbing_in_one_part": "../../etc/passwd",
        "absolute": "/etc/passwd",
        "climbing_from_within": "IMAGES\\..\\..\\SECRET",
        "of_windows": "C:\\WINDOWS\\WIN.INI",
    }
    return [
        *(
            one_file(34, f"{name}_alone", directory(file_id), "path_outside_root", file="DICOMDIR")
            for name, file_id in wrong.items()
        ),
        *(
            Case(34, f"{name}_beside_a_picture", with_picture(file_id), "path_outside_root", "part_refused", values=b.VALUES)
            for name, file_id in wrong.items()
        ),
        Case(34, "a_right_one_is_no_harm", with_picture(f"IMAGES\\{NAME}"), "path_outside_root", "golden", values=b.VALUES),
        one_file(34, "record_after_itself", directory("IMAGES\\X", next_record=2), "", "survived", file="DICOMDIR"),
    ]


class _Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, (str(self.path), "w")


def _private() -> list[Case]:
    program = b"\x7fELF\2\1\1" + b"\0" * 9 + struct.pack("<HH", 2, 62) + b"\x90" * 200

    def carrying(content: bytes, kind: str = "OB") -> bytes:
        content += b"\0" * (len(content) % 2)
        private = {0x00990010: b.raw(0x00990010, "LO", b"MAKER "), 0x00991001: b.raw(0x00991001, kind, content)}
        return b.dicom({**b.parts(b.CT), **private})

    def pickled(kind: str) -> Any:
        return lambda folder: b.put(folder, carrying(pickle.dumps(_Bomb(folder / "owned")), kind))

    return [
        *(Case(35, f"pickle_as_{kind.lower()}", pickled(kind), "", "golden", values=b.VALUES) for kind in ("OB", "UN", "UT")),
        _read(35, "program", carrying(program)),
        _read(35, "zip", carrying(b"PK\3\4" + b"\0" * 60)),
    ]
