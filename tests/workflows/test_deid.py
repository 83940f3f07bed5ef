import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from pydicom import dcmread
from pydicom.uid import UltrasoundImageStorage
from tests.clinical.deid import made

from vesalius.cli import main as cli
from vesalius.clinical import gate, study
from vesalius.clinical.deid import run
from vesalius.errors import InputRefused, UsageError
from vesalius.workflows.deid import deid
from vesalius.workflows.outcome import Outcome


@pytest.fixture(autouse=True)
def salt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_SALT", "a salt for tests")


def silent(_: str) -> None:
    pass


def write(folder: Path, name: str, **attributes: object) -> Path:
    folder.mkdir(exist_ok=True)
    place = folder / name
    place.write_bytes(made.written(made.dataset(**attributes)))
    return place


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """Three slices of one patient."""
    for number in range(3):
        write(
            tmp_path / "in",
            f"{number}.dcm",
            InstanceNumber=number,
            SOPInstanceUID=f"1.2.3.{number + 10}",
            ImagePositionPatient=[0, 0, 2.0 * number],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[1, 1],
        )
    return tmp_path / "in"


def copies(out: Path) -> list[Path]:
    return sorted(out.rglob("*.dcm"))


def test_a_clean_series_is_done_and_still_a_volume(series: Path, tmp_path: Path) -> None:
    outcome = deid([series], out=tmp_path / "out", say=silent)
    assert outcome.exit_code == 0
    assert (outcome.data["files"], outcome.data["written"], outcome.data["left"]) == (3, 3, {})
    assert outcome.text.splitlines()[0] == "3 of 3 files de-identified, 0 in quarantine"
    (found,) = study.read([copies(tmp_path / "out")[0].parent]).studies
    assert found.series[0].images[0].shape == (3, 6, 8)


def test_runs_agree_with_the_same_salt_and_only_then(series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        deid([series], out=tmp_path / name, say=silent)
    first, second = ([place.relative_to(tmp_path / name) for place in copies(tmp_path / name)] for name in ("a", "b"))
    assert first == second
    assert [place.read_bytes() for place in copies(tmp_path / "a")] == [place.read_bytes() for place in copies(tmp_path / "b")]
    monkeypatch.setenv("VESALIUS_SALT", "another")
    deid([series], out=tmp_path / "c", say=silent)
    assert not {place.name for place in copies(tmp_path / "a")} & {place.name for place in copies(tmp_path / "c")}


def test_files_are_named_by_keys_in_folders_of_patient_study_and_series(series: Path, tmp_path: Path) -> None:
    deid([series], out=tmp_path / "out", say=silent)
    for place in copies(tmp_path / "out"):
        patient, group, member, name = place.relative_to(tmp_path / "out").parts
        assert patient == str(dcmread(place).PatientID)
        assert all(len(part) == 16 and set(part) <= set("0123456789abcdef") for part in (group, member, name[:-4]))


def test_the_report_on_disk_is_the_one_that_is_told(series: Path, tmp_path: Path) -> None:
    (series / "letter.txt").write_text("dear Sir")
    outcome = deid([series], out=tmp_path / "out", say=silent)
    assert outcome.exit_code == 4
    assert json.loads((tmp_path / "out" / "residual.json").read_text()) == outcome.data
    page = (tmp_path / "out" / "residual.html").read_text()
    assert "113100" in page
    assert "unsupported_type" in page
    assert "<script" not in page
    (rejected,) = outcome.data["rejected"]
    assert rejected["item"].startswith("3-")


def test_pictures_that_may_bear_writing_go_to_quarantine_with_a_sheet(series: Path, tmp_path: Path) -> None:
    write(series, "us.dcm", Modality="US", SOPClassUID=UltrasoundImageStorage)
    out = tmp_path / "out"
    outcome = deid([series], out=out, say=silent)
    assert outcome.exit_code == 4
    assert (outcome.data["written"], outcome.data["quarantined"], outcome.data["left"]) == (3, 1, {"burned_in_risk": 1})
    (aside,) = copies(out / "quarantine")
    assert outcome.data["findings"] == [{"file": aside.relative_to(out).as_posix(), "codes": {"burned_in_risk": 1}}]
    assert (out / "quarantine" / "sheet.png").is_file()
    assert "quarantine/sheet.png" in (out / "residual.html").read_text()


def test_the_risk_can_be_accepted_and_is_counted(tmp_path: Path) -> None:
    write(tmp_path / "in", "us.dcm", Modality="US", SOPClassUID=UltrasoundImageStorage)
    outcome = deid([tmp_path / "in"], out=tmp_path / "out", accept_burned_in=True, say=silent)
    assert outcome.exit_code == 0
    assert (outcome.data["written"], outcome.data["quarantined"], outcome.data["at_risk_accepted"]) == (1, 0, 1)
    assert "accepted unseen: 1" in outcome.text


def test_a_rectangle_cleans_every_picture_of_the_run(tmp_path: Path) -> None:
    write(tmp_path / "in", "us.dcm", Modality="US", SOPClassUID=UltrasoundImageStorage)
    Pillow.fromarray(made.photograph()).save(tmp_path / "in" / "photo.png")
    outcome = deid([tmp_path / "in"], out=tmp_path / "out", black_out=["0,0,8,2"], say=silent)
    assert (outcome.exit_code, outcome.data["cleaned"]) == (0, {"pixels": 2})
    assert "113101" in [one["code"] for one in outcome.data["profile"]]
    (picture,) = copies(tmp_path / "out")
    assert (dcmread(picture).pixel_array[:2] == 0).all()
    (photo,) = (tmp_path / "out").glob("*.png")
    assert (np.asarray(Pillow.open(photo))[:2, :8] == 0).all()


def test_equal_files_give_one_copy(series: Path, tmp_path: Path) -> None:
    (series / "again.dcm").write_bytes((series / "0.dcm").read_bytes())
    outcome = deid([series], out=tmp_path / "out", say=silent)
    assert (outcome.data["files"], outcome.data["written"], outcome.data["copies_of_others"]) == (4, 3, 1)


def test_a_sidecar_is_named_as_its_volume(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "sub-Jane_T1w.nii").write_bytes(made.nifti())
    (folder / "sub-Jane_T1w.json").write_bytes(made.sidecar())
    outcome = deid([folder], out=tmp_path / "out", say=silent)
    assert outcome.data["written"] == 2
    (volume,), (beside,) = ((tmp_path / "out").glob("*.nii"), (tmp_path / "out").glob("[!r]*.json"))
    assert volume.stem == beside.stem


def test_a_look_tells_what_is_left_and_writes_nothing(series: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    dirty = deid([series], out=None, verify=True, say=silent)
    assert dirty.exit_code == 4
    assert {"names_left", "dates_left", "uids_left", "attributes_left", "codes_missing"} <= dirty.data["left"].keys()
    assert sorted(tmp_path.rglob("*")) == before
    deid([series], out=tmp_path / "out", say=silent)
    clean = deid([tmp_path / "out"], out=None, verify=True, say=silent)
    assert (clean.exit_code, clean.data["files"], clean.data["left"]) == (0, 3, {}), "our own report is no copy"


def test_a_folder_without_anything_to_clean_is_refused_and_listed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a")
    outcome = deid([tmp_path / "in"], out=tmp_path / "out", say=silent)
    assert (outcome.exit_code, outcome.data["error"]["code"]) == (3, "unsupported_type")
    with pytest.raises(InputRefused) as caught:
        deid([tmp_path / "nowhere"], out=tmp_path / "other", say=silent)
    assert caught.value.code == "input_missing"
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--option", "clean-everything"], "unknown"),
        (["--option", "113102"], "not offered"),
        (["--option", "full-dates", "--option", "modified_dates"], "exclude"),
        (["--black-out", "1,2,3"], "rectangle"),
        (["--black-out", "5,5,5,9"], "rectangle"),
    ],
)
def test_impossible_wishes_are_refused_before_anything_is_read(
    words: list[str], said: str, series: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["deid", str(series), "-o", str(tmp_path / "out"), *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_not_written_to(series: Path) -> None:
    before = [place.read_bytes() for place in copies(series)]
    with pytest.raises(UsageError):
        deid([series], out=series, say=silent)
    with pytest.raises(UsageError):
        deid([series], out=None, say=silent)
    assert [place.read_bytes() for place in copies(series)] == before


def test_a_worker_that_lies_names_no_folder(series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = gate.run

    def lying(items: list[gate.Item], *rest: object) -> list[object]:
        return [
            {**reply, "folders": ["../../etc"]} if isinstance(reply, dict) and "folders" in reply else reply
            for reply in answered(items)
        ]

    monkeypatch.setattr(run.gate, "run", lying)
    outcome: Outcome = deid([series], out=tmp_path / "out", say=silent)
    assert {one["code"] for one in outcome.data["rejected"]} == {"decode_failed"}
    assert copies(tmp_path) == copies(series)


def test_real_files_are_copied_as_they_are_or_listed(public_data: Path, tmp_path: Path) -> None:
    source = public_data / "dicom_real"
    outcome = deid([source], out=tmp_path / "out", accept_burned_in=True, say=silent)
    found = {code for one in outcome.data["findings"] for code in one["codes"]}
    assert found == set()
    data = outcome.data
    assert data["written"] + data["copies_of_others"] + len(data["rejected"]) == data["files"]
    assert len(data["rejected"]) < 8
    originals = {
        bytes(one.PixelData)
        for place in source.rglob("*")
        if place.is_file() and "PixelData" in (one := dcmread(place, force=True))
    }
    pixels = {bytes(one.PixelData) for place in copies(tmp_path / "out") if "PixelData" in (one := dcmread(place))}
    assert len(pixels) > 30
    assert len(pixels - originals) == data["cleaned"]["codestream_texts"], "but for comments in compressed frames"
