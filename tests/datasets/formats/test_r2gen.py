"""R2Gen's annotation file."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.datasets.formats.by_hand import (
    codes,
    corpus,
    dump,
    heard,
    is_recognized_in_garbage,
    picture,
    plain,
    sample,
    save,
    words,
    written,
)

from vesalius.datasets.formats import r2gen
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Report


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for seed in range(3):
        save(tmp_path / "images" / f"CXR{seed}" / "0.png", seed)
    return tmp_path


def record(number: int, **changed: object) -> dict[str, object]:
    return {"id": f"CXR{number}", "report": "the lungs are clear .", "image_path": [f"CXR{number}/0.png"], **changed}


def test_lists_are_splits_and_subjects_are_patients(root: Path) -> None:
    both = record(0, image_path=["CXR0/0.png", "CXR1/0.png"], subject_id=7, study_id=1)
    dump(root / "annotation.json", {"train": [both, record(1, subject_id=7, study_id=2)], "val": [record(2)], "test": []})
    assert r2gen.recognizes(root)
    (first, second, third), faults = heard(r2gen.read, root)
    assert faults == []
    assert [found.provenance.split for found in (first, second, third)] == ["train", "train", "validation"]
    assert first.provenance.patient_key == second.provenance.patient_key != third.provenance.patient_key
    assert first.provenance.study_key != second.provenance.study_key
    assert (len(first.images), first.report, first.task) == (2, Report("the lungs are clear .", ""), "annotation")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"report": " "}, "record_malformed"),
        ({"report": None}, "record_malformed"),
        ({"report": "a <|im_end|>"}, "special_token"),
        ({"report": "a \ufffd"}, "encoding_broken"),
        ({"image_path": []}, "record_malformed"),
        ({"image_path": [3]}, "record_malformed"),
        ({"image_path": ["CXR9/9.png"]}, "media_missing"),
        ({"image_path": ["0.png"]}, "media_ambiguous"),
    ],
)
def test_a_bad_record_is_a_fault_with_its_list_and_the_others_are_read(root: Path, changed: dict, code: str) -> None:
    dump(root / "annotation.json", {"train": [record(0)], "val": [record(1), record(2, **changed)]})
    samples, faults = heard(r2gen.read, root)
    assert [(fault.code, fault.where) for fault in faults] == [(code, "val 2")]
    assert len(samples) == 2


def test_nothing_else_is_taken_for_it(tmp_path: Path) -> None:
    for name, content in {
        "a": {"train": []},
        "b": {"train": [{"report": 1}]},
        "c": {"other": [record(0)]},
        "d": [record(0)],
    }.items():
        dump(tmp_path / f"{name}.json", content)
    assert not is_recognized_in_garbage(r2gen.recognizes, tmp_path, [".json"])
    with pytest.raises(InputRefused):
        list(r2gen.read(tmp_path))
    dump(tmp_path / "e.json", {"train": [record(0)], "val": 3})
    with pytest.raises(InputRefused, match="no list"):
        heard(r2gen.read, tmp_path / "e.json")


def test_lists_may_be_empty_and_an_export_of_nothing_is_refused(root: Path) -> None:
    dump(root / "annotation.json", {"train": [], "val": [], "test": [record(0)]})
    assert r2gen.recognizes(root)
    assert len(list(r2gen.read(root))) == 1
    with pytest.raises(UsageError, match="None of the samples"):
        written(r2gen.write, corpus()[:1], root / "out")
    assert not (root / "out" / "annotation.json").exists()


def test_a_file_that_is_cut_off_is_recognized_and_refused(tmp_path: Path) -> None:
    (tmp_path / "annotation.json").write_text(json.dumps({"train": [record(0), record(1)]})[:-30])
    assert r2gen.recognizes(tmp_path)
    with pytest.raises(InputRefused) as refused:
        list(r2gen.read(tmp_path))
    assert refused.value.code == "bad_dataset"


def test_what_is_written_is_what_r2gen_reads(tmp_path: Path) -> None:
    unsplit = replace(sample("n", [], picture(3), split=None, report=Report("A", "")), task="annotation")
    dropped = written(r2gen.write, [*corpus(), unsplit], tmp_path)
    lists = json.loads((tmp_path / "annotation.json").read_text(encoding="utf-8"))
    assert [(name, len(found)) for name, found in lists.items()] == [("train", 2), ("val", 0), ("test", 1)]
    assert all((tmp_path / path).is_file() for found in lists.values() for one in found for path in one["image_path"])
    assert lists["test"][0]["report"] == "Clear. Normal."
    assert dropped["samples without a split: they stand in train"] == 1
    assert dropped["samples without a report or caption: the format holds one text a picture"] == 7


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(findings=words, impression=st.just("") | words, number=st.integers(1, 3))
def test_a_round_trip_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, findings: str, impression: str, number: int
) -> None:
    folder = tmp_path_factory.mktemp("r2gen")
    pictures = [picture(seed) for seed in range(number)]
    asked = sample("a", [], *pictures, report=Report(findings, impression), labels={"mass": "absent"}, task="annotation")
    written(r2gen.write, [asked], folder)
    (back,), faults = heard(r2gen.read, folder)
    assert codes(faults) == []
    assert plain(back) == plain(asked)


def test_pictures_can_be_left_out_on_purpose(tmp_path: Path) -> None:
    asked = replace(sample("a", [], picture(1)), report=Report("Clear.", ""), task="annotation")
    written(r2gen.write, [asked], tmp_path)
    for place in (tmp_path / "images").iterdir():
        place.unlink()
    assert codes(heard(r2gen.read, tmp_path)[1]) == ["media_missing"]
    (back,), faults = heard(r2gen.read, tmp_path, text_alone=True)
    assert (back.images, back.report, back.provenance, faults) == ((), asked.report, asked.provenance, [])


def test_the_real_annotation_has_the_published_records(public_data: Path) -> None:
    samples, faults = heard(r2gen.read, public_data / "iu_xray_reports", text_alone=True)
    assert faults == []
    assert Counter(found.provenance.split for found in samples) == {"train": 3062, "validation": 382}
    assert len({found.key for found in samples}) == 3444
