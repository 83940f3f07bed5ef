import json
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image as Pillow

from vesalius.clinical import keys
from vesalius.clinical.dicom.objects.radiograph import write_radiograph
from vesalius.clinical.dicom.write import Names, Visit
from vesalius.clinical.series import LARGEST_ORIGINAL
from vesalius.errors import InputRefused, UsageError
from vesalius.workflows.inspect import inspect


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two radiographs of one phantom, in one study."""
    place = tmp_path / "in"
    place.mkdir()
    visit = Visit("1", "2.25.1", 0, "F", 40, keys.PHANTOM_MANUFACTURER)
    for number, view in enumerate(("PA", "LL")):
        names = Names("2.25.2", f"2.25.{number + 3}")
        pixels = np.zeros((40, 30), dtype=np.uint16)
        write_radiograph(place / f"{view}.dcm", pixels, visit, names, spacing_mm=(0.5, 0.4), view=view)
    return place


def test_a_readable_folder_is_shown_and_exits_0(folder: Path) -> None:
    outcome = inspect([folder])
    assert outcome.exit_code == 0
    assert outcome.text.splitlines()[0] == "1 patient, 1 study, 1 series (names hidden)"
    assert "#1 DX image 30x40" in outcome.text
    assert "first of 2 pictures" in outcome.text
    (series,) = outcome.data["studies"][0]["series"]
    assert (series["shape"], series["spacing_mm"], series["images"]) == ([40, 30], [0.5, 0.4], 2)


def test_a_folder_with_other_files_is_partial_and_exits_4(folder: Path) -> None:
    (folder / "notes.txt").write_text("some words")
    outcome = inspect([folder])
    assert outcome.exit_code == 4
    assert [rejected["code"] for rejected in outcome.data["rejected"]] == ["unsupported_type"]
    assert outcome.data["rejected"][0]["item"] in outcome.text


def test_an_unreadable_input_is_refused_with_an_error_document_and_exits_3(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("words")
    (tmp_path / "b").touch()
    outcome = inspect([tmp_path])
    assert outcome.exit_code == 3
    assert outcome.data["error"]["code"] == "no_image"
    assert [problem["key"] for problem in outcome.data["error"]["problems"]] == [one["item"] for one in outcome.data["rejected"]]
    assert inspect([tmp_path / "a"]).data["error"]["code"] == "unsupported_type"


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="Nothing lies"):
        inspect([tmp_path / "none"])


def test_the_map_says_which_file_an_item_is_to_its_owner_only(folder: Path, tmp_path: Path) -> None:
    (folder / "notes.txt").write_text("some words")
    map_file = tmp_path / "map.json"
    map_file.write_text("an older map, open to all")
    outcome = inspect([folder], map_file=map_file)
    index = outcome.data["rejected"][0]["item"].split("-")[0]
    assert Path(json.loads(map_file.read_text())[index]) == folder / "notes.txt"
    assert stat.S_IMODE(map_file.stat().st_mode) == 0o600
    assert "notes" not in json.dumps(outcome.data) + outcome.text


def test_a_map_that_cannot_be_written_is_a_usage_error(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--map"):
        inspect([folder], map_file=tmp_path / "none" / "map.json")


def test_a_doubt_that_many_series_share_is_said_once(tmp_path: Path) -> None:
    for index in range(30):
        Pillow.fromarray(np.full((4, 4), index, dtype=np.uint8)).save(tmp_path / f"{index}.png")
    text = inspect([tmp_path]).text
    assert text.count("pixel size is unknown") == 1
    assert "and 6 series more" in text


def test_inspecting_imports_no_torch() -> None:
    code = "import sys, vesalius.workflows.inspect; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_series_over_time_and_a_clip_are_shown_with_their_times(tmp_path: Path) -> None:
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    volumes = nibabel.Nifti1Image(np.zeros((5, 6, 4, 7), dtype=np.int16), affine)
    volumes.header.set_xyzt_units("mm", "sec")
    volumes.header["pixdim"][4] = 2.5
    nibabel.save(volumes, tmp_path / "a.nii.gz")
    frames = [Pillow.fromarray(np.full((20, 30), shade, dtype=np.uint8)) for shade in (0, 90, 180)]
    frames[0].save(tmp_path / "b.gif", save_all=True, append_images=frames[1:], duration=50)
    outcome = inspect([tmp_path])
    shown = {series["kind"]: series for study in outcome.data["studies"] for series in study["series"]}
    assert (shown["volume"]["shape"], shown["volume"]["frame_s"]) == ([7, 4, 6, 5], 2.5)
    assert (shown["clip"]["shape"], shown["clip"]["frame_s"]) == ([3, 20, 30], pytest.approx(0.05))
    assert "volume 5x6x4x7 2x2x3 mm 2.5 s a volume" in outcome.text
    assert "clip 30x20x3 pixel size unknown 50 ms a frame" in outcome.text


def test_the_rule_by_which_a_series_was_chosen_is_said(folder: Path) -> None:
    outcome = inspect([folder])
    assert outcome.data["studies"][0]["series_choice"] == LARGEST_ORIGINAL.label
    assert "-> the only series" in outcome.text


def test_an_archive_is_shown_like_its_folder_and_its_members_on_the_map_alone(folder: Path, tmp_path: Path) -> None:
    (folder / "zebra.txt").write_text("words")
    with zipfile.ZipFile(tmp_path / "upload.zip", "w") as archive:
        for place in sorted(folder.iterdir()):
            archive.write(place, place.name)
    outcome = inspect([tmp_path / "upload.zip"], map_file=tmp_path / "map.json")
    assert outcome.data["studies"] == inspect([folder]).data["studies"]
    index = outcome.data["rejected"][0]["item"].split("-")[0]
    assert json.loads((tmp_path / "map.json").read_text())[index] == f"{tmp_path / 'upload.zip'}#3"
    assert "zebra" not in json.dumps(outcome.data) + outcome.text + (tmp_path / "map.json").read_text()


def test_an_address_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="DICOMweb"):
        inspect([Path("https://pacs.example/dicom-web/studies/1")])


def test_a_list_of_files_alone_holds_no_picture(public_data: Path, tmp_path: Path) -> None:
    shutil.copy(public_data / "dicom_real" / "pydicom" / "dicomdirtests" / "DICOMDIR", tmp_path)
    outcome = inspect([tmp_path / "DICOMDIR"])
    assert (outcome.exit_code, outcome.data["error"]["code"]) == (3, "no_image")
    assert [warning["code"] for warning in outcome.data["warnings"]] == ["listed_files_missing"]
