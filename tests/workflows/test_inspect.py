import json
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from vesalius.clinical import keys
from vesalius.clinical.dicom.write import write_radiograph
from vesalius.errors import InputRefused, UsageError
from vesalius.workflows.inspect import inspect


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two radiographs of one phantom, in one study."""
    place = tmp_path / "in"
    place.mkdir()
    for number, view in enumerate(("PA", "LL")):
        write_radiograph(
            place / f"{view}.dcm",
            np.zeros((40, 30), dtype=np.uint16),
            spacing_mm=(0.5, 0.4),
            patient_id="1",
            study_uid="2.25.1",
            series_uid="2.25.2",
            instance_uid=f"2.25.{number + 3}",
            view=view,
            day=0,
            sex="F",
            age_years=40,
            manufacturer=keys.PHANTOM_MANUFACTURER,
        )
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
