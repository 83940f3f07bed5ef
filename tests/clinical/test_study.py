import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from pydicom import uid
from tests.clinical.bad_inputs.dicom_objects import STACK, segmentation

from vesalius.clinical import study
from vesalius.clinical.study import Inventory
from vesalius.types import Mask

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
    assert {image.source.format for one in inventory.studies for image in one.series[0].images} == {"dicom", "raster"}


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
    assert codes(inventory)[:4] == ["unsupported_type", "not_dicom", "input_empty", "pixel_data_short"]
    assert codes(inventory)[4] != "reader_fault"
    assert codes(inventory)[5] == "unreadable"
    assert [rejected.item.split("-")[0] for rejected in inventory.rejected] == ["1", "2", "3", "4", "5", "6"]
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in sorted((tmp_path / "series").glob("[1-5]*"))]
    assert [rejected.item.split("-")[1] for rejected in inventory.rejected] == [*hashes, "0" * 12]
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


def test_copies_are_read_once_and_said(write_dicom: Write, tmp_path: Path) -> None:
    for _ in range(3):
        write_dicom()
    shutil.copytree(tmp_path / "series", tmp_path / "again")
    Pillow.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(tmp_path / "a.png")
    shutil.copy(tmp_path / "a.png", tmp_path / "b.png")
    inventory = read(tmp_path)
    doubts = {series.kind: series.warnings for one in inventory.studies for series in one.series}
    assert [warning.to_json()["at"] for warning in doubts["volume"]] == [{"copies": 3}]
    assert [warning.to_json()["at"] for warning in doubts["image"]] == [{"copies": 1}]
    assert inventory.studies[0].series[0].images[0].shape == (3, 6, 5)
    assert len(inventory.files) == 8


def test_one_number_for_two_contents_is_a_conflict_and_nothing_is_dropped(write_dicom: Write, tmp_path: Path) -> None:
    for z in (0, 2, 4):
        write_dicom(ImagePositionPatient=[0, 0, z], SOPInstanceUID="1.2.3.1" if z else "1.2.3.2")
    (series,) = read(tmp_path).studies[0].series
    assert [(warning.code, warning.at["instances"]) for warning in series.warnings] == [("uid_conflict", 1)]
    assert series.images[0].shape == (3, 6, 5)


def test_a_segmentation_beside_pictures_is_an_annotation_and_gives_them_its_regions(write_dicom: Write, tmp_path: Path) -> None:
    for z in (0, 2, 4):
        write_dicom(ImagePositionPatient=[-10, -20, z], FrameOfReferenceUID="1.2.9")
    (tmp_path / "series" / "segmentation").write_bytes(
        segmentation(PatientID="Zebra^Q", StudyInstanceUID="1.2.3.100", SeriesInstanceUID="1.2.8", FrameOfReferenceUID="1.2.9")
    )
    (found,) = read(tmp_path).studies
    assert [warning.code for warning in found.warnings] == ["prior_annotation"]
    pictured = next(series for series in found.series if series.kind == "volume")
    drawn = next(series for series in found.series if series.kind == "segmentation")
    assert (drawn.segments, drawn.images, len(pictured.regions)) == (1, (), 1)
    (region,) = pictured.regions
    assert isinstance(region.geometry, Mask)
    np.testing.assert_array_equal(region.geometry.load(), STACK % 3 == 0)
    assert read(tmp_path).to_json()["studies"][0]["warnings"][0]["code"] == "prior_annotation"


def test_a_study_without_annotations_has_no_such_doubt(write_dicom: Write, tmp_path: Path) -> None:
    write_dicom()
    write_dicom(SOPClassUID=uid.BasicTextSRStorage, Modality="SR", SeriesInstanceUID="1.9", PixelData=None)
    assert read(tmp_path).studies[0].warnings == ()
