import hashlib
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from vesalius.clinical import study
from vesalius.clinical.gate import Place
from vesalius.clinical.images import digests
from vesalius.clinical.study import Inventory
from vesalius.errors import InputRefused, UsageError

Write = Callable[..., Path]


def read(*paths: Path) -> Inventory:
    return study.read(paths)


def codes(inventory: Inventory) -> list[str]:
    return [rejected.code for rejected in inventory.rejected]


def shapes(inventory: Inventory) -> list[tuple[int, ...]]:
    return [image.shape for one in inventory.studies for series in one.series for image in series.images]


def write_directory(path: Path, *references: list[str]) -> Path:
    """A DICOMDIR with one record for each file, and one that refers to none."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, MediaStorageDirectoryStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    records = [Dataset() for _ in range(len(references) + 1)]
    for record, parts in zip(records[1:], references, strict=True):
        record.ReferencedFileID = parts
    records[0].DirectoryRecordType = "PATIENT"
    dataset.SOPClassUID, dataset.DirectoryRecordSequence = MediaStorageDirectoryStorage, records
    dataset.save_as(path, enforce_file_format=True)
    return path


def packed(folder: Path, path: Path) -> Path:
    """A zip of everything below a folder, under the names that it has there."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for place in sorted(folder.rglob("*")):
            archive.write(place, place.relative_to(folder))
    return path


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
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    for name, code in (("none", "input_missing"), ("loop", "input_missing"), ("empty", "input_empty")):
        with pytest.raises(InputRefused) as caught:
            read(tmp_path / name)
        assert caught.value.code == code


@pytest.mark.parametrize("address", ["https://pacs.example/dicom-web/studies/1", "http://localhost:8042/dicom-web"])
def test_an_address_is_a_usage_error_that_does_not_repeat_it(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(Path(address))
    assert caught.value.code == "bad_option"
    assert "DICOMweb" in caught.value.message
    assert not {"pacs", "localhost"} & set(caught.value.message.replace("/", " ").split())


def test_what_is_no_file_is_listed_and_nothing_waits_for_it(write_dicom: Write, tmp_path: Path) -> None:
    folder = write_dicom("a").parent
    os.mkfifo(folder / "b")
    (folder / "c").symlink_to("c")
    (folder / "d").symlink_to("/dev/zero")
    inventory = read(tmp_path)
    assert shapes(inventory) == [(6, 5)]
    assert [(rejected.code, rejected.item) for rejected in inventory.rejected] == [
        ("unreadable", f"{index}-{'0' * 12}") for index in (1, 2, 3)
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_listed(write_dicom: Write, tmp_path: Path) -> None:
    path = write_dicom()
    path.chmod(0)
    (tmp_path / "closed").mkdir(mode=0)
    assert codes(read(tmp_path)) == ["unreadable", "unreadable"]


def test_a_hash_is_taken_behind_the_gate_of_what_no_reader_could_describe(write_dicom: Write, tmp_path: Path) -> None:
    path = write_dicom()
    assert digests([Place(path), Place(tmp_path / "none")]) == [hashlib.sha256(path.read_bytes()).hexdigest(), ""]


def test_a_dicomdir_stands_for_the_files_that_it_lists_inside_its_folder(write_dicom: Write, tmp_path: Path) -> None:
    for index in range(3):
        write_dicom(f"IMG{index}", folder="disc/IMAGES")
    write_dicom("LOWER", folder="disc/images")
    write_dicom("LONE", folder="disc", SeriesInstanceUID="1.2.3.9")
    path = write_directory(tmp_path / "disc" / "DICOMDIR", ["IMAGES", "IMG0"], ["IMAGES", "IMG1"], ["IMAGES", "IMG2"])
    alone, whole = read(path), read(path.parent)
    assert (shapes(alone), codes(alone), alone.warnings) == ([(3, 6, 5)], [], ())
    assert (len(alone.files), len(whole.files), codes(whole)) == (4, 6, [])


def test_a_dicomdir_is_followed_whatever_the_letters_of_its_names_have_become(write_dicom: Write, tmp_path: Path) -> None:
    write_dicom("img1", folder="disc/images")
    inventory = read(write_directory(tmp_path / "disc" / "dicomdir", ["IMAGES", "IMG1"]))
    assert (shapes(inventory), inventory.warnings) == ([(6, 5)], ())


def test_files_that_a_dicomdir_lists_and_that_are_missing_are_said_by_their_records(write_dicom: Write, tmp_path: Path) -> None:
    write_dicom("A", folder="disc")
    path = write_directory(tmp_path / "disc" / "DICOMDIR", ["A"], ["ZEBRA"], ["IMAGES", "ZEBRA"])
    for given in (path, path.parent, packed(path.parent, tmp_path / "disc.zip")):
        inventory = read(given)
        (doubt,) = inventory.warnings
        assert (shapes(inventory), codes(inventory), doubt.code) == ([(6, 5)], [], "listed_files_missing")
        assert (doubt.at["files"], doubt.at["records"]) == (2, [2, 3])
        assert "ZEBRA" not in json.dumps(inventory.to_json())


def test_a_dicomdir_whose_records_are_no_sequence_lists_nothing(write_dicom: Write, tmp_path: Path) -> None:
    write_dicom("A", folder="disc")
    path = write_directory(tmp_path / "disc" / "DICOMDIR", ["A"])
    content = path.read_bytes()
    assert content.count(b"\x04\x00\x20\x12SQ") == 1
    path.write_bytes(content.replace(b"\x04\x00\x20\x12SQ", b"\x04\x00\x20\x12UT"))
    for given in (path, path.parent):
        inventory = read(given)
        assert "fault" not in json.dumps(inventory.to_json())
    assert shapes(inventory) == [(6, 5)]


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
@pytest.mark.parametrize("parts", [["..", "SECRET"], ["LINK"], ["C:", "A"], ["A", "..", "..", "SECRET"]], ids="/".join)
def test_a_dicomdir_that_leads_out_of_its_folder_is_refused_and_the_folder_is_read(
    write_dicom: Write, tmp_path: Path, parts: list[str]
) -> None:
    secret, folder = write_dicom("SECRET", folder="."), write_dicom("A", folder="disc").parent
    if parts == ["LINK"]:
        (folder / "LINK").symlink_to(secret)
    path = write_directory(folder / "DICOMDIR", parts)
    alone, whole = read(path), read(folder)
    assert (codes(alone), shapes(alone)) == (["path_outside_root"], [])
    assert codes(whole) == ["path_outside_root"]
    assert shapes(whole) == ([(2, 6, 5)] if parts == ["LINK"] else [(6, 5)])  # a link that a person has made is followed


def test_members_of_archives_are_numbered_behind_all_files_and_named_on_the_map_alone(write_dicom: Write, tmp_path: Path) -> None:
    folder = write_dicom("zebra2", folder="in").parent
    (folder / "zebra1.txt").write_text("some words")
    (folder / ".hidden").write_text("nothing")
    upload = tmp_path / "upload"
    upload.mkdir()
    shutil.copy(packed(folder, upload / "b.zip"), upload / "c.zip")
    (upload / "a.txt").write_text("other words")
    inventory = read(upload)
    # Items: 0 a.txt, 1 b.zip, 2 c.zip, then zebra1.txt and zebra2 of each; in the archive .hidden is entry 1.
    assert [str(origin) for origin in inventory.files[:3]] == [str(upload / name) for name in ("a.txt", "b.zip", "c.zip")]
    assert [str(origin) for origin in inventory.files[3:]] == [
        f"{upload}/{name}" for name in ("b.zip#2", "b.zip#3", "c.zip#2", "c.zip#3")
    ]
    assert [rejected.item.split("-")[0] for rejected in inventory.rejected] == ["0", "3", "5"]
    assert shapes(inventory) == [(6, 5)]
    assert "zebra" not in (json.dumps(inventory.to_json()) + repr(inventory)).lower()


def test_an_archive_reads_as_its_folder_does(write_dicom: Write, tmp_path: Path) -> None:
    for _ in range(5):
        write_dicom()
    folder, tape = tmp_path / "series", tmp_path / "series.tar.xz"
    with tarfile.open(tape, "w:xz") as archive:
        archive.add(folder, "series")
    (expected,) = (image for one in read(folder).studies for image in one.series[0].images)
    for path in (packed(folder, tmp_path / "series.zip"), tape):
        inventory = read(path)
        (image,) = (image for one in inventory.studies for image in one.series[0].images)
        path.unlink()  # what was unpacked is held, not where it came from
        assert (image.source.sha256, image.source.path) == (expected.source.sha256, None)
        assert image.load().tolist() == expected.load().tolist()
        assert not [place for place in tmp_path.rglob("*") if place.name.startswith("tmp")]
