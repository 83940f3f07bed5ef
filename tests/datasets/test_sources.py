"""Files of a source are found by what records call them, and by nothing else."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from vesalius.datasets.sources import Files, Pictures, RecordRefused, columns, first_record, patient_of, records, table
from vesalius.errors import InputRefused


def picture(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(np.full((20, 24), shade, np.uint8)).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    picture(tmp_path / "train" / "images" / "a.png", 1)
    picture(tmp_path / "test" / "images" / "a.png", 2)
    picture(tmp_path / "anywhere" / "b.PNG", 3)
    return tmp_path


@pytest.mark.parametrize(
    "name", ["anywhere/b.PNG", "b.png", "/mnt/other/disk/b.png", "C:\\data\\b.PNG", "../../x/b.png", "s3://bucket/b.png"]
)
def test_a_name_from_another_machine_finds_the_file_of_that_end(root: Path, name: str) -> None:
    assert Files(root).find(name) == (root / "anywhere" / "b.PNG").resolve()


def test_of_two_files_of_one_name_the_folders_before_it_decide(root: Path) -> None:
    assert Files(root).find("/data/test/images/a.png") == (root / "test/images/a.png").resolve()
    with pytest.raises(RecordRefused) as refused:
        Files(root).find("a.png")
    assert refused.value.code == "media_ambiguous"


def test_two_files_with_one_content_are_one(root: Path) -> None:
    picture(root / "test" / "images" / "a.png", 1)
    assert Files(root).find("a.png").name == "a.png"


def test_the_picture_of_another_study_does_not_stand_in_for_one_that_is_missing(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "CXR10" / "0.png", 1)
    files = Files(tmp_path)
    assert files.find("CXR9/0.png")  # the only one of its name: nothing says that it is another's, until its own record comes
    with pytest.raises(RecordRefused) as refused:
        files.find("CXR10/0.png")
    assert refused.value.code == "media_ambiguous"
    picture(tmp_path / "images" / "CXR11" / "0.png", 2)
    with pytest.raises(RecordRefused) as refused:
        Files(tmp_path).find("CXR9/0.png")
    assert refused.value.code == "media_ambiguous"
    picture(tmp_path / "images" / "CXR11" / "1.png", 3)
    with pytest.raises(RecordRefused) as refused:
        Files(tmp_path).find("CXR9/1.png")
    assert refused.value.code == "media_missing"


def test_a_folder_of_another_name_is_no_hindrance_where_names_are_told_apart(tmp_path: Path) -> None:
    picture(tmp_path / "pictures" / "1.png", 1)
    picture(tmp_path / "pictures" / "2.png", 2)
    files = Files(tmp_path)
    assert files.find("images/train/1.png").name == "1.png"
    assert files.find("images/train/1.png").name == "1.png"
    with pytest.raises(RecordRefused) as refused:
        files.find("images/test/1.png")
    assert refused.value.code == "media_ambiguous"


@pytest.mark.parametrize("name", ["", "..", "c.png", "/etc/hostname", "../" * 9 + "etc/hostname"])
def test_what_does_not_lie_below_the_source_is_missing(root: Path, name: str) -> None:
    with pytest.raises(RecordRefused) as refused:
        Files(root).find(name)
    assert refused.value.code == "media_missing"


def test_a_picture_is_opened_once_and_keeps_what_the_record_knows(root: Path) -> None:
    pictures = Pictures(Files(root))
    pictures.expect(["b.png", "c.png", "train/images/a.png"])
    assert pictures.open("b.png") is pictures.open("anywhere/b.PNG")
    known = pictures.open("b.png", modality="DX", spacing_mm=(0.5, 0.5))
    assert (known.modality, known.spacing_mm) == ("DX", (0.5, 0.5))
    assert pictures.open("b.png").modality is None
    assert patient_of(known) == patient_of(pictures.open("b.png")) != patient_of(pictures.open("train/images/a.png"))


def test_what_is_no_picture_is_said_with_the_readers_code(root: Path) -> None:
    (root / "c.png").write_bytes(b"none")
    with pytest.raises(RecordRefused, match="unsupported_type") as refused:
        Pictures(Files(root)).open("c.png")
    assert refused.value.code == "media_unreadable"
    assert refused.value.at("record 3").where == "record 3"


def test_records_are_a_list_or_lines(tmp_path: Path) -> None:
    place = tmp_path / "r.json"
    place.write_text(json.dumps([{"a": 1}, {"a": 2}]))
    assert records(place) == [("record 1", {"a": 1}), ("record 2", {"a": 2})]
    assert first_record(place) == {"a": 1}
    place.write_text('\ufeff{"a": 1}\n\n{"a": "\u2028"}\n', encoding="utf-8")
    assert records(place) == [("line 1", {"a": 1}), ("line 3", {"a": "\u2028"})]
    assert first_record(place) == {"a": 1}


@pytest.mark.parametrize("content", [b"[{", b'{"a": 1}\n{', b"\xff\xfe", b"[" * 100_000])
def test_records_that_are_cut_off_or_no_text_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "r.json").write_bytes(content)
    with pytest.raises(InputRefused) as refused:
        records(tmp_path / "r.json")
    assert refused.value.code == "bad_dataset"
    assert first_record(tmp_path / "r.json") in (None, {"a": 1})


def test_a_table_gives_its_rows_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('path,caption\nx.png,"two\nlines"\ny.png\n')
    assert columns(tmp_path / "t.csv") == ("path", "caption")
    assert list(table(tmp_path / "t.csv")) == [
        ("line 3", {"path": "x.png", "caption": "two\nlines"}),
        ("line 4", {"path": "y.png", "caption": ""}),
    ]
