import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from pydicom import uid

from vesalius.clinical import study
from vesalius.clinical.study import Inventory
from vesalius.errors import InputRefused

Write = Callable[..., Path]


def read(*paths: Path) -> Inventory:
    return study.read(paths)


def codes(inventory: Inventory) -> list[str]:
    return [rejected.code for rejected in inventory.rejected]


def test_files_are_grouped_by_patient_study_and_series(write_dicom: Write, tmp_path: Path) -> None:
    for patient in ("A", "B"):
        for series in ("1.2.1", "1.2.2"):
            for z in (0, 2, 4):
                place = [0, 0, z]
                write_dicom(
                    PatientID=patient, StudyInstanceUID=f"1.{ord(patient)}", SeriesInstanceUID=series, ImagePositionPatient=place
                )
    inventory = read(tmp_path)
    assert [[series.images[0].shape for series in one.series] for one in inventory.studies] == [[(3, 6, 5)] * 2] * 2
    assert len({one.patient_key for one in inventory.studies}) == 2
    assert [warning.code for warning in inventory.warnings] == ["several_patients"]
    assert [sum(series.chosen for series in one.series) for one in inventory.studies] == [1, 1]


def test_one_patient_is_no_warning(write_dicom: Write, tmp_path: Path) -> None:
    write_dicom()
    assert read(tmp_path).warnings == ()


def test_content_decides_and_a_mixed_folder_is_read_whole(write_dicom: Write, tmp_path: Path) -> None:
    write_dicom("picture.png")
    Pillow.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(tmp_path / "series" / "scan.dcm", format="PNG")
    inventory = read(tmp_path)
    assert {image.source.format for one in inventory.studies for image in one.series[0].images} == {"DICOM", "PNG"}


def test_what_holds_no_picture_is_named(write_dicom: Write, tmp_path: Path) -> None:
    write_dicom()
    write_dicom(SOPClassUID=uid.ComprehensiveSRStorage, Modality="SR", SeriesInstanceUID="1.9", PixelData=None)
    (found,) = read(tmp_path).studies
    assert [(series.kind, series.images == ()) for series in found.series] == [("image", False), ("report", True)]


def test_files_without_uids_are_put_together_by_their_frame_of_reference(write_dicom: Write, tmp_path: Path) -> None:
    for z in (0, 2, 4):
        emptied = {"PatientID": "", "StudyInstanceUID": "", "SeriesInstanceUID": "", "SOPInstanceUID": f"1.{z + 1}"}
        write_dicom(**emptied, FrameOfReferenceUID="1.5", ImagePositionPatient=[0, 0, z])
    (found,) = read(tmp_path).studies
    (image,) = found.series[0].images
    assert image.shape == (3, 6, 5)
    assert "grouping_guessed" in {warning.code for warning in image.warnings}


def test_files_without_any_identity_stay_apart(write_dicom: Write, tmp_path: Path) -> None:
    for index in range(2):
        emptied = {"PatientID": "", "StudyInstanceUID": "", "SeriesInstanceUID": ""}
        write_dicom(pixels=np.full((6, 5), index, dtype=np.uint16), **emptied)
    assert len({one.patient_key for one in read(tmp_path).studies}) == 2


def test_each_kind_of_broken_file_is_rejected_with_its_code(write_dicom: Write, tmp_path: Path) -> None:
    good = write_dicom("0")
    garbage = np.random.default_rng(0).integers(0, 256, 3000, dtype=np.uint8).tobytes()
    (tmp_path / "series" / "1").write_bytes(garbage)
    (tmp_path / "series" / "2.dcm").write_bytes(garbage)
    (tmp_path / "series" / "3").touch()
    (tmp_path / "series" / "4").write_bytes(good.read_bytes()[:-20])
    (tmp_path / "series" / "5").write_bytes(b"\0" * 128 + b"DICM" + garbage)
    (tmp_path / "series" / "6").symlink_to("nowhere")
    inventory = read(tmp_path)
    assert codes(inventory)[:4] == ["unsupported_type", "not_dicom", "input_empty", "truncated"]
    assert codes(inventory)[4] in ("bad_attribute", "truncated")
    assert codes(inventory)[5] == "unreadable"
    assert [rejected.item.split("-")[0] for rejected in inventory.rejected] == ["1", "2", "3", "4", "5", "6"]
    assert all(len(rejected.item.split("-")[1]) == 12 for rejected in inventory.rejected)
    assert [warning.code for warning in inventory.warnings] == ["some_rejected"]


def test_no_single_damaged_byte_crashes_the_reader(write_dicom: Write, tmp_path: Path) -> None:
    content = write_dicom().read_bytes()
    random = np.random.default_rng(0)
    for index in range(150):
        damaged = bytearray(content)
        for place in random.integers(0, len(content), random.integers(1, 30)):
            damaged[place] = random.integers(0, 256)
        (tmp_path / "series" / f"bad{index}").write_bytes(damaged)
    inventory = read(tmp_path)
    assert len(inventory.files) == 151
    json.dumps(inventory.to_json(), allow_nan=False)


def test_depth_and_loops_of_folders_do_not_matter(write_dicom: Write, tmp_path: Path) -> None:
    path, here, depth = write_dicom(), Path.cwd(), 1100  # beyond the depth at which recursion ends
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "loop").symlink_to(tmp_path)
    os.chdir(tmp_path / "deep")
    try:
        for _ in range(depth):
            os.mkdir("d")
            os.chdir("d")
        shutil.copy(path, "file")
        inventory = read(tmp_path)
    finally:  # pytest's own clean-up recurses
        (Path.cwd() / "file").unlink()
        for _ in range(depth):
            os.chdir("..")
            os.rmdir("d")
        os.chdir(here)
    assert (len(inventory.files), codes(inventory)) == (2, [])


def test_a_file_named_twice_is_read_once_and_hidden_files_are_left_out(write_dicom: Write, tmp_path: Path) -> None:
    path = write_dicom()
    (tmp_path / "series" / ".DS_Store").write_bytes(b"junk")
    assert len(read(path, tmp_path, path).files) == 1


def test_missing_and_empty_inputs_are_refused(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "none", "input_missing"), (tmp_path, "input_empty")):
        with pytest.raises(InputRefused) as caught:
            read(path)
        assert caught.value.code == code


def test_the_order_of_files_on_disk_changes_nothing(write_dicom: Write, tmp_path: Path) -> None:
    for name, z in zip("badc", (6, 0, 4, 2), strict=True):
        write_dicom(name, ImagePositionPatient=[0, 0, z])
    first = read(tmp_path).to_json()
    assert read(*sorted((tmp_path / "series").iterdir(), reverse=True)).to_json() == first


def test_the_json_holds_what_the_contract_lists_and_nothing_of_the_patient(write_dicom: Write, tmp_path: Path) -> None:
    for z in (0, 2, 4, 10):
        write_dicom(PatientName="Zebra^Q", AccessionNumber="ZEBRA", SeriesDescription="zebra", ImagePositionPatient=[0, 0, z])
    (tmp_path / "series" / "Zebra.txt").write_text("zebra")
    said = read(tmp_path).to_json()
    (series,) = said["studies"][0]["series"]
    assert (series["kind"], series["modality"], series["shape"]) == ("volume", "CT", [4, 6, 5])
    assert (series["spacing_mm"], series["orientation"], series["images"]) == ([2.0, 0.5, 0.4], "axial", 4)
    assert (series["chosen"], series["why"]) == (True, "the only series")
    assert [warning["code"] for warning in series["warnings"]] == ["slices_missing"]
    text = json.dumps(said).lower()
    assert not [name for name in ("zebra", str(tmp_path).lower(), "1.2.3", "2011") if name in text]
