"""The table is the standard's, and what it does not name is kept only when its kind of value is safe."""

import csv
from importlib.resources import files

import pytest
from pydicom.datadict import DicomDictionary, tag_for_keyword

from vesalius.clinical.deid import profile
from vesalius.clinical.deid.options import OPTIONS, codes


def rows() -> list[dict[str, str]]:
    with (files("vesalius.clinical.deid") / "profile.csv").open(encoding="ascii") as file:
        return list(csv.DictReader(file))


def act(keyword: str, vr: str, *options: str) -> str:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    return profile.action(tag, vr, frozenset(options))


def test_the_table_has_every_row_once_and_only_actions_of_the_standard() -> None:
    table = rows()
    assert len(table) == 655
    assert len({row["tag"] for row in table}) == 655
    assert {row["basic"] for row in table} == {"X", "Z", "D", "U", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*"}
    columns = {column for _, _, column in OPTIONS.values() if column}
    assert columns == set(table[0]) - {"tag", "keyword", "basic"}
    assert {row[column] for row in table for column in columns} == {"", "K", "C"}


def test_keywords_of_the_table_are_those_of_the_data_dictionary() -> None:
    known = [(row, int(row["tag"], 16)) for row in rows() if "X" not in row["tag"]]
    wrong = [row["tag"] for row, tag in known if tag in DicomDictionary and DicomDictionary[tag][4] != row["keyword"]]
    assert wrong == []
    assert sum(tag in DicomDictionary for _, tag in known) > 620


def test_every_date_and_every_uid_of_the_dictionary_is_removed_mapped_or_structural() -> None:
    dates = {tag: entry for tag, entry in DicomDictionary.items() if entry[0] in ("DA", "DT", "TM")}
    assert len(dates) > 150
    assert {profile.action(tag, entry[0], frozenset()) for tag, entry in dates.items()} <= {"X", "Z", "D"}
    instances = [tag for tag, entry in DicomDictionary.items() if entry[0] == "UI" and entry[4].endswith("InstanceUID")]
    assert len(instances) > 8
    assert {profile.action(tag, "UI", frozenset()) for tag in instances} <= {"U", "X"}


def test_a_name_of_a_person_is_never_kept_whatever_the_options() -> None:
    names = [tag for tag, entry in DicomDictionary.items() if entry[0] == "PN"]
    assert len(names) > 30
    assert {profile.action(tag, "PN", frozenset(OPTIONS) - {"full-dates"}) for tag in names} <= {"X", "Z", "D"}


@pytest.mark.parametrize(
    ("keyword", "vr", "options", "expected"),
    [
        ("PatientName", "PN", (), "Z"),
        ("PatientBirthDate", "DA", ("full-dates",), "Z"),
        ("StudyDate", "DA", (), "Z"),
        ("StudyDate", "DA", ("full-dates",), "K"),
        ("StudyDate", "DA", ("modified-dates",), "C"),
        ("AcquisitionDateTime", "DT", (), "D"),
        ("PatientAge", "AS", (), "X"),
        ("PatientAge", "AS", ("patient-characteristics",), "K"),
        ("DeviceSerialNumber", "LO", ("device-identity",), "K"),
        ("StationName", "SH", (), "D"),
        ("SOPInstanceUID", "UI", (), "U"),
        ("SOPInstanceUID", "UI", ("uids",), "K"),
        ("SOPClassUID", "UI", (), "K"),
        ("InstitutionName", "LO", ("institution",), "K"),
        ("SeriesDescription", "LO", ("clean-descriptors",), "C"),
        ("ContentSequence", "SQ", (), "D"),
        ("ContentSequence", "SQ", ("clean-structured-content",), "C"),
        ("GraphicAnnotationSequence", "SQ", ("clean-graphics",), "C"),
        ("ReferencedImageSequence", "SQ", (), "R"),
        ("Allergies", "LO", ("patient-characteristics", "clean-descriptors"), "C"),
        ("Manufacturer", "LO", (), "K"),
        ("Rows", "US", (), "K"),
        ("SegmentLabel", "LO", (), "C"),
        ("PixelMeasuresSequence", "SQ", (), "R"),
        ("MoveDestination", "AE", (), "X"),
        ("ReferencedFileID", "CS", (), "X"),
    ],
)
def test_an_attribute_gets_the_action_of_its_row_or_of_its_kind(
    keyword: str, vr: str, options: tuple[str, ...], expected: str
) -> None:
    assert act(keyword, vr, *options) == expected


def test_what_no_dictionary_knows_is_removed_and_so_are_curves_overlays_and_groups_of_files() -> None:
    for tag in (0x00189FFE, 0x50003000, 0x501E0030, 0x60003000, 0x60FE0010, 0x00020016, 0x00041130, 0xFFFCFFFC, 0x00091001):
        assert profile.action(tag, "LO", frozenset()) == "X", hex(tag)


def test_codes_are_those_of_the_options_in_order() -> None:
    found = codes({"modified-dates", "clean-descriptors"})
    assert [code for code, _ in found] == ["113100", "113105", "113107"]
    assert sorted(option[0] for option in OPTIONS.values()) == [str(code) for code in (113101, *range(113103, 113113))]


def test_safe_private_attributes_are_numbers_and_codes() -> None:
    assert len(profile.safe_private()) == 86
    assert set(profile.safe_private().values()) <= {"DS", "IS", "CS", "US", "SS", "UL", "SL", "FL", "FD"}
    assert profile.safe_private()[0x0019, "SIEMENS MR HEADER", 0x0C] == "IS"


def test_keywords_that_may_stay_exist() -> None:
    assert len(profile.safe()) > 60
    assert [keyword for keyword in profile.safe() if tag_for_keyword(keyword) is None] == []
