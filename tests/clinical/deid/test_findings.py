"""What is left is found: in files that nobody has cleaned, and in copies that were spoilt on purpose."""

import io
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import FileDataset
from tests.clinical.deid import made

from vesalius.clinical.deid.findings import identities
from vesalius.clinical.deid.options import OPTIONS
from vesalius.clinical.deid.seeds import Patterns
from vesalius.errors import WARNINGS

ALL = tuple(name for name in OPTIONS if name != "full-dates")


def test_everything_is_left_in_a_file_that_nobody_has_cleaned(tmp_path: Path) -> None:
    found = made.left(made.written(made.everywhere()) + b"tail", tmp_path, ["zzcanary", "8841973"])
    expected = {"attributes_left", "private_left", "dates_left", "uids_left", "names_left", "identity_left", "metadata_left"}
    assert set(found) == expected | {"codes_missing"}
    assert found["identity_left"] == 2
    assert found["metadata_left"] == 3
    assert found["private_left"] >= 8
    assert found.keys() <= WARNINGS.keys()


@pytest.mark.parametrize("options", [(), ALL, ("full-dates", "uids")])
def test_nothing_is_left_in_a_copy(options: tuple[str, ...], tmp_path: Path) -> None:
    for original in (made.everywhere(), made.report(), made.presentation(), made.bar()):
        told, content = made.cleaned(made.written(original), made.rules(*options), tmp_path)
        assert made.left(content, tmp_path, told.seeds) == {}


def spoilt(folder: Path, **attributes: Any) -> FileDataset:
    _, content = made.cleaned(made.written(made.dataset()), made.rules(), folder)
    copy = dcmread(io.BytesIO(content))
    for keyword, value in attributes.items():
        setattr(copy, keyword, value)
    return copy


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"StudyDate": "20200101"}, "dates_left"),
        ({"PatientName": "Doe^Jane"}, "names_left"),
        ({"Manufacturer": "Doe^Jane"}, "names_left"),
        ({"PatientID": "4711"}, "attributes_left"),
        ({"StudyDescription": "CT of Jane"}, "attributes_left"),
        ({"SOPInstanceUID": "1.2.3.4"}, "uids_left"),
        ({"PatientIdentityRemoved": "NO"}, "codes_missing"),
        ({"DeidentificationMethodCodeSequence": []}, "codes_missing"),
        ({"Modality": "US"}, "burned_in_risk"),
        ({"preamble": b"Jane" * 32}, "metadata_left"),
        ({"ReferencedImageSequence": [made.item(ReferencedSOPInstanceUID="1.2.3")]}, "uids_left"),
    ],
)
def test_one_thing_put_back_is_found(attributes: dict[str, Any], code: str, tmp_path: Path) -> None:
    assert made.left(made.written(spoilt(tmp_path, **attributes)), tmp_path) == {code: 1}


def test_a_private_element_put_back_is_found(tmp_path: Path) -> None:
    copy = spoilt(tmp_path)
    copy[0x00090010], copy[0x00091001] = DataElement(0x00090010, "LO", "X"), DataElement(0x00091001, "LO", "Jane")
    assert made.left(made.written(copy), tmp_path) == {"private_left": 2}


def test_an_overlay_put_back_is_found(tmp_path: Path) -> None:
    copy = spoilt(tmp_path)
    copy[0x60003000] = DataElement(0x60003000, "OW", b"Jane")
    assert made.left(made.written(copy), tmp_path) == {"attributes_left": 1}


def test_trailing_bytes_are_found(tmp_path: Path) -> None:
    assert made.left(made.written(spoilt(tmp_path)) + b"Jane", tmp_path) == {"metadata_left": 1}
    _, clip = made.cleaned(made.written(made.frames_of_jpeg()), made.rules(), tmp_path)
    assert "metadata_left" not in made.left(clip, tmp_path)
    assert made.left(clip + b"Jane", tmp_path)["metadata_left"] == 1


def test_a_name_across_two_windows_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vesalius.clinical.deid.findings.WINDOW_BYTES", 700)
    monkeypatch.setattr("vesalius.clinical.deid.findings.OVERLAP_BYTES", 64)
    copy = made.written(spoilt(tmp_path))
    for at in range(680, 710):
        content = copy[:at] + b"zzcanary" + copy[at + 8 :]
        place = tmp_path / "windowed"
        place.write_bytes(content)
        with place.open("rb") as file:
            assert identities(file, Patterns({"zzcanary"})) == 1
