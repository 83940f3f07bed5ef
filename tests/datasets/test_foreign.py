"""Records of other programs: found, streamed, keyed."""

import json
from pathlib import Path

import pytest
from tests.datasets.formats.by_hand import heard, save

from vesalius.datasets.faults import Fault
from vesalius.datasets.foreign import Source, Spool, explained, head, places, split_named, split_of, streamed
from vesalius.datasets.sources import RecordRefused
from vesalius.errors import InputRefused


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"), ("llava_val_v2", "validation"), ("test-00000-of-00001", "test"), ("dev", "validation"),
        ("latest", None), ("train_test", None), ("contest", None), ("", None),
    ],
)  # fmt: skip
def test_a_split_is_a_word_of_a_name_and_two_are_none(name: str, split: str | None) -> None:
    assert split_named(name) == split


def test_a_folder_below_the_source_names_a_split_and_the_source_itself_does_not(tmp_path: Path) -> None:
    root = tmp_path / "test"
    assert split_of(root / "r.json", root) is None
    assert split_of(root / "val" / "r.json", root) == "validation"
    assert split_of(root / "val" / "train.json", root) == "train"


def test_files_are_looked_for_in_a_folder_and_right_below_it(tmp_path: Path) -> None:
    for name in ("a.json", "x/b.JSON", "x/y/c.json", ".hidden.json", "d.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("[]")
    assert [place.name for place in places(tmp_path, (".json",), lambda _: True)] == ["a.json", "b.JSON"]
    assert places(tmp_path / "d.txt", (".json",), lambda _: True) == []
    assert places(tmp_path / "gone", (".json",), lambda _: True) == []


@pytest.mark.parametrize("text", ['[{"a": 1}, {"a": 2}, {"a"', '{"a": 1}\n{"a": 2}\n{"a"', '\ufeff [\n{"a": 1}\n,\n{"a": 2}'])
def test_the_head_of_a_file_is_as_much_as_can_be_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.json").write_text(text, encoding="utf-8")
    assert head(tmp_path / "r.json") == [{"a": 1}, {"a": 2}]
    assert head(tmp_path / "gone") == []


def test_lines_are_read_one_by_one_and_a_bad_one_is_told(tmp_path: Path) -> None:
    place, faults = tmp_path / "r.jsonl", list[Fault]()
    place.write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n{"a":\n{"a": "\xff"}\n' + b"[" * 100_000 + b'\n{"a": 2}')
    assert list(streamed(place, faults.append, "file 2, ")) == [("file 2, line 1", {"a": 1}), ("file 2, line 6", {"a": 2})]
    assert [(fault.code, fault.where[-6:]) for fault in faults] == [
        ("record_malformed", "line 3"), ("encoding_broken", "line 4"), ("record_malformed", "line 5"),
    ]  # fmt: skip
    place.write_text('[{"a": 1}')
    with pytest.raises(InputRefused):
        list(streamed(place, faults.append))


def test_keys_that_were_given_get_a_number(tmp_path: Path) -> None:
    source = Source("made", tmp_path, [].append)
    first, second, other = source.key("id", "1"), source.key("id", "1"), source.key("id", "2")
    assert second == f"{first}-2"
    assert len({first, second, other}) == 3


def test_whom_a_record_names_is_hashed_and_whom_it_does_not_is_the_picture(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 1)
    source = Source("made", tmp_path, [].append)
    image = source.open("a.png")
    named = source.provenance([image], "k", split=None, patient="12345", study="9")
    assert "12345" not in named.patient_key + named.study_key
    assert source.provenance([image], "k", split=None).patient_key == source.provenance([image], "l", split=None).patient_key
    assert source.provenance([], "k", split=None).patient_key != source.provenance([], "l", split=None).patient_key


def test_pictures_inside_of_records_are_one_object_for_the_same_bytes(tmp_path: Path) -> None:
    content, spool = save(tmp_path / "a.png", 1).read_bytes(), Spool()
    image = spool.open(content)
    assert spool.open(bytes(content)) is image
    assert image.source.path is None
    (tmp_path / "a.png").unlink()
    assert image.load().shape == (24, 32)
    with pytest.raises(RecordRefused, match="unsupported_type"):
        spool.open(b"none at all")


def test_only_llama_factorys_dataset_info_explains_a_folder(tmp_path: Path) -> None:
    place = tmp_path / "dataset_info.json"
    for content, names in (
        ([], []),
        ({"a": 3}, []),
        ({"a": {"x": 1}}, []),
        ({"a": {"file_name": "r"}, "b": {"hf_hub_url": "c/d"}}, ["a", "b"]),
    ):
        place.write_text(json.dumps(content))
        assert list(explained(tmp_path)) == list(explained(place)) == names
    assert explained(tmp_path / "gone") == {}


def test_a_record_that_is_refused_is_told_with_its_place_and_the_next_is_read(tmp_path: Path) -> None:
    def make(where: str, record: object) -> object:
        if record == 2:
            raise RecordRefused("record_malformed", "No.")
        return record

    def read(root: Path, tell: object, **_: object) -> object:
        return Source("made", root, tell)([(f"record {n}", n) for n in (1, 2, 3)], make)  # type: ignore[arg-type]

    samples, faults = heard(read, tmp_path)  # type: ignore[arg-type]
    assert (samples, [fault.where for fault in faults]) == ([1, 3], ["record 2"])
