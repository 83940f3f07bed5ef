"""DICOM files: what becomes of headers under the profile and each option, and of references, dates, UIDs and marks."""

import io
from datetime import date
from pathlib import Path

import pytest
from pydicom import config, dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from tests.clinical.deid import made

from vesalius.clinical.deid.options import OPTIONS
from vesalius.clinical.deid.rules import MAPPED_UID, PSEUDONYM
from vesalius.clinical.dicom.write import IMPLEMENTATION_UID
from vesalius.errors import InputRefused


def copy_of(original: FileDataset, folder: Path, *options: str) -> FileDataset:
    _, content = made.cleaned(made.written(original), made.rules(*options), folder)
    return dcmread(io.BytesIO(content))


def codes(dataset: Dataset) -> list[str]:
    return [str(item.CodeValue) for item in dataset.DeidentificationMethodCodeSequence]


def test_the_basic_profile_leaves_a_valid_picture_without_identity(tmp_path: Path) -> None:
    copy = copy_of(made.dataset(), tmp_path)
    assert PSEUDONYM.fullmatch(str(copy.PatientName))
    assert copy.PatientID == copy.PatientName
    assert (copy.PatientBirthDate, copy.PatientSex, copy.StudyDate, copy.StudyID, copy.AccessionNumber) == ("", "", "", "", "")
    assert str(copy.ReferringPhysicianName) == ""
    assert (copy.ContentDate, copy.ContentTime) == ("19000101", "000000"), "of type 1 somewhere: a dummy"
    assert copy.InstitutionName == copy.DeviceSerialNumber == "REMOVED"
    assert not {"PatientAge", "StudyDescription", "SeriesDescription"} & {element.keyword for element in copy}
    assert (copy.Manufacturer, copy.Modality, copy.InstanceNumber) == ("Maker", "CT", 1)
    assert copy.PixelData == made.dataset().PixelData


def test_the_copy_says_what_was_done_to_it(tmp_path: Path) -> None:
    copy = copy_of(made.dataset(), tmp_path, "modified-dates", "clean-descriptors")
    assert copy.PatientIdentityRemoved == "YES"
    assert codes(copy) == ["113100", "113105", "113107"]
    assert {item.CodingSchemeDesignator for item in copy.DeidentificationMethodCodeSequence} == {"DCM"}
    assert copy.LongitudinalTemporalInformationModified == "MODIFIED"
    assert copy_of(made.dataset(), tmp_path).LongitudinalTemporalInformationModified == "REMOVED"
    assert copy_of(made.dataset(), tmp_path, "full-dates").LongitudinalTemporalInformationModified == "UNMODIFIED"
    assert "BurnedInAnnotation" not in copy, "nobody has looked at the pixels"


def test_preamble_and_file_meta_information_are_our_own(tmp_path: Path) -> None:
    copy = copy_of(made.everywhere(), tmp_path)
    assert copy.preamble == bytes(128)
    assert copy.file_meta.ImplementationClassUID == IMPLEMENTATION_UID
    assert copy.file_meta.MediaStorageSOPInstanceUID == copy.SOPInstanceUID
    assert {element.tag.element for element in copy.file_meta} == {0x00, 0x01, 0x02, 0x03, 0x10, 0x12, 0x13}


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_every_encoding_gives_the_same_header_and_pixels(syntax: str, tmp_path: Path) -> None:
    copy, plain = copy_of(made.everywhere(syntax=syntax), tmp_path), copy_of(made.everywhere(), tmp_path)
    expected = ExplicitVRLittleEndian if syntax == DeflatedExplicitVRLittleEndian else syntax
    assert copy.file_meta.TransferSyntaxUID == expected
    assert (copy.pixel_array == plain.pixel_array).all()
    del copy.PixelData, plain.PixelData
    assert {element.tag: element.value for element in copy} == {element.tag: element.value for element in plain}


def test_uids_are_mapped_alike_everywhere_and_references_still_meet(tmp_path: Path) -> None:
    one, other = copy_of(made.dataset(), tmp_path), copy_of(made.report(), tmp_path, "clean-structured-content")
    again = copy_of(made.dataset(SOPInstanceUID="1.2.3.9", InstanceNumber=2), tmp_path)
    assert one.StudyInstanceUID == other.StudyInstanceUID == again.StudyInstanceUID
    assert one.SOPInstanceUID != again.SOPInstanceUID
    assert all(MAPPED_UID.fullmatch(str(uid)) for uid in (one.SOPInstanceUID, one.StudyInstanceUID, one.FrameOfReferenceUID))
    (image,) = [item for item in other.ContentSequence if item.ValueType == "IMAGE"]
    assert image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == one.SOPInstanceUID
    assert image.ReferencedSOPSequence[0].ReferencedSOPClassUID == made.CTImageStorage
    assert copy_of(made.dataset(), tmp_path, "uids").SOPInstanceUID == "1.2.3.4"


def test_well_known_uids_stay(tmp_path: Path) -> None:
    copy = copy_of(made.dataset(FrameOfReferenceUID="1.2.840.10008.1.4.1.1"), tmp_path)
    assert copy.FrameOfReferenceUID == "1.2.840.10008.1.4.1.1"


def test_dates_of_one_patient_move_together(tmp_path: Path) -> None:
    first = copy_of(made.dataset(), tmp_path, "modified-dates")
    later = copy_of(made.dataset(StudyDate="20130427", SOPInstanceUID="1.2.3.9"), tmp_path, "modified-dates")
    days = [values.replace("-", "") for values in (first.StudyDate, later.StudyDate)]
    assert days[0] != made.DAY
    first_day, later_day = (date(int(day[:4]), int(day[4:6]), int(day[6:])) for day in days)
    assert (later_day - first_day).days == 10
    assert first.AcquisitionDateTime == f"{first.StudyDate}101112.25+0100"
    assert first.ContentTime == "101112.5"
    assert first.PatientBirthDate == ""
    someone_else = copy_of(made.dataset(PatientID="another"), tmp_path, "modified-dates")
    assert someone_else.StudyDate != first.StudyDate


def test_each_option_retains_what_it_names(tmp_path: Path) -> None:
    copy = copy_of(
        made.dataset(), tmp_path, "full-dates", "patient-characteristics", "device-identity", "institution", "clean-descriptors"
    )
    assert (copy.StudyDate, copy.PatientSex, copy.PatientAge) == (made.DAY, "F", "090Y")
    assert (copy.DeviceSerialNumber, copy.InstitutionName) == ("SN-99887766", "Zebra Clinic Quux")
    assert (copy.StudyDescription, copy.SeriesDescription) == ("CT chest of", "axial 5mm lung")
    assert PSEUDONYM.fullmatch(str(copy.PatientName))


def test_private_elements_go_but_for_safe_numbers_when_asked(tmp_path: Path) -> None:
    original = made.everywhere()
    assert [element for element in copy_of(original, tmp_path) if element.tag.is_private] == []
    kept = [element for element in copy_of(original, tmp_path, "safe-private") if element.tag.is_private]
    assert [(element.tag, element.value) for element in kept] == [(0x00190010, "SIEMENS MR HEADER"), (0x0019100C, "1000")]


def test_a_number_that_hides_a_text_is_removed(tmp_path: Path) -> None:
    content = made.written(made.dataset(SliceThickness="1.25000")).replace(b"1.25000 ", b"ZZcanary")
    _, copy = made.cleaned(content, made.rules("safe-private"), tmp_path)
    assert b"ZZcanary" not in copy
    assert dcmread(io.BytesIO(copy)).PatientIdentityRemoved == "YES"


def test_a_report_keeps_its_tree_when_asked_and_never_its_words(tmp_path: Path) -> None:
    plain = copy_of(made.report(), tmp_path)
    assert [item.TextValue for item in plain.ContentSequence] == ["REMOVED"]
    tree = copy_of(made.report(), tmp_path, "clean-structured-content", "modified-dates")
    assert [item.ValueType for item in tree.ContentSequence] == ["TEXT", "IMAGE", "DATE"], "the subject's name is no finding"
    assert tree.ContentSequence[0].TextValue == "REMOVED"
    assert tree.ContentSequence[2].Date not in (made.DAY, "")
    assert tree.VerifyingObserverSequence[0].VerifyingObserverName == "REMOVED"
    assert tree.ConceptNameCodeSequence[0].CodeValue == "18748-4"


def test_an_annotation_keeps_its_lines_when_asked_and_never_its_words(tmp_path: Path) -> None:
    plain = copy_of(made.presentation(), tmp_path)
    assert plain.GraphicAnnotationSequence[0].GraphicObjectSequence[0].GraphicType == "POINT"
    drawn = copy_of(made.presentation(), tmp_path, "clean-graphics")
    (annotation,) = drawn.GraphicAnnotationSequence
    assert annotation.GraphicObjectSequence[0].GraphicData == [1.0, 1.0, 5.0, 5.0]
    assert "TextObjectSequence" not in annotation
    assert annotation.GraphicLayer == drawn.GraphicLayerSequence[0].GraphicLayer


def test_a_code_of_a_hospitals_own_scheme_names_no_hospital(tmp_path: Path) -> None:
    original = made.dataset()
    original.ProcedureCodeSequence = [
        made.item(CodeValue="X17", CodingSchemeDesignator="BASEL.PACS", CodeMeaning="CT chest Basel")
    ]
    original.AnatomicRegionSequence = [made.item(CodeValue="51185008", CodingSchemeDesignator="SCT", CodeMeaning="Chest")]
    copy = copy_of(original, tmp_path, "clean-descriptors")
    (own,), (standard,) = copy.ProcedureCodeSequence, copy.AnatomicRegionSequence
    assert (own.CodingSchemeDesignator, own.CodeMeaning) == ("99LOCAL", "CT chest")
    assert own.CodeValue != "X17"
    assert (standard.CodeValue, standard.CodingSchemeDesignator, standard.CodeMeaning) == ("51185008", "SCT", "Chest")


def test_identifiers_that_an_export_left_empty_are_filled_in_alike_for_a_series(tmp_path: Path) -> None:
    blank = {"StudyInstanceUID": "", "SeriesInstanceUID": "", "SOPInstanceUID": "", "SOPClassUID": ""}
    one, other = (copy_of(made.dataset(**{**blank, "InstanceNumber": number}), tmp_path) for number in (1, 2))
    assert one.StudyInstanceUID == other.StudyInstanceUID != ""
    assert one.SeriesInstanceUID == other.SeriesInstanceUID != one.StudyInstanceUID
    assert one.SOPClassUID == made.CTImageStorage
    assert MAPPED_UID.fullmatch(one.SOPInstanceUID)


@pytest.mark.parametrize("options", [(), tuple(name for name in OPTIONS if name != "full-dates")])
def test_every_value_of_a_copy_is_what_its_representation_allows(options: tuple[str, ...], tmp_path: Path) -> None:
    for original in (made.everywhere(), made.report(), made.presentation()):
        _, content = made.cleaned(made.written(original), made.rules(*options), tmp_path)
        with config.strict_reading():
            for element in dcmread(io.BytesIO(content)).iterall():
                assert element.VR != "UN"


@pytest.mark.parametrize(
    ("original", "code"),
    [
        (made.pdf(), "not_cleanable"),
        (made.dataset("1.2.840.10008.5.1.4.1.1.66", Modality="OT"), "not_cleanable"),
        (made.dataset("1.3.46.670589.11.0.0.12.1"), "not_cleanable"),
        (made.dataset("1.2.840.10008.5.1.4.1.1.77.1.6", ImageType=["ORIGINAL", "PRIMARY", "LABEL", "NONE"]), "not_cleanable"),
        (made.dataset(Rows=60), "pixel_data_short"),
        (made.dataset(Rows=None), "bad_pixel_module"),
    ],
)
def test_what_cannot_be_cleaned_is_refused_without_a_word_of_it(original: FileDataset, code: str, tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as caught:
        copy_of(original, tmp_path)
    assert caught.value.code == code
    assert made.CANARY not in caught.value.message


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as caught:
        made.cleaned(made.written(made.dataset())[:-40], made.rules(), tmp_path)
    assert caught.value.code in ("truncated", "pixel_data_short")


def test_sequences_without_end_are_refused(tmp_path: Path) -> None:
    inner = made.item(PatientComments="x")
    for _ in range(40):
        inner = made.item(ReferencedImageSequence=[inner])
    original = made.dataset()
    original.ReferencedImageSequence = [inner]
    with pytest.raises(InputRefused) as caught:
        copy_of(original, tmp_path)
    assert caught.value.code == "nesting_limit"
