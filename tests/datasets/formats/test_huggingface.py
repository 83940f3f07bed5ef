"""Tables of pictures in Parquet, as Hugging Face's `datasets` saves them."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from tests.datasets.formats.by_hand import (
    codes,
    corpus,
    heard,
    is_recognized_in_garbage,
    picture,
    plain,
    sample,
    save,
    vqa,
    words,
    written,
)

from vesalius.datasets.formats import huggingface, trl, vesalius
from vesalius.datasets.store import table
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Report, Turn


@pytest.fixture
def png(tmp_path: Path) -> dict[str, object]:
    return {"bytes": save(tmp_path / "elsewhere" / "p.png", 1).read_bytes(), "path": None}


def rows(place: Path, found: list[dict[str, object]], features: dict[str, object] | None = None) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    made = pa.Table.from_pylist(found)
    if features:
        made = made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(made, place)
    return place


def test_texts_questions_and_classes_are_read(tmp_path: Path, png: dict) -> None:
    rows(tmp_path / "a" / "data" / "train-00000-of-00001.parquet", [{"image": png, "text": "A lung."}])
    rows(tmp_path / "b" / "test.parquet", [{"image": png, "question": "Is it?", "answer": answer} for answer in ("yes", "2")])
    names = {"label": {"names": ["Normal", "Mass"], "_type": "ClassLabel"}}
    rows(tmp_path / "c" / "validation.parquet", [{"image": png, "label": 1, "subject_id": 5}], names)
    found = {name: heard(huggingface.read, tmp_path / name) for name in "abc"}
    assert all(huggingface.recognizes(tmp_path / name) for name in "abc")
    assert all(faults == [] for _, faults in found.values())
    assert found["a"][0][0].report == Report("A lung.", "")
    assert [turn.text for turn in found["b"][0][0].turns] == ["<image:0> Is it?", "yes"]
    assert found["c"][0][0].labels == {"mass": "present"}
    assert [found[name][0][0].provenance.split for name in "abc"] == ["train", "test", "validation"]
    assert huggingface.recognizes(tmp_path / "b" / "test.parquet")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"question": "Is it?", "answer": " "}, "answer_missing"),
        ({"question": "Is it?", "answer": None}, "answer_missing"),
        ({"question": "Is <image> it?"}, "special_token"),
        ({"question": None, "answer": None}, "record_malformed"),
        ({"image": {"bytes": b"none", "path": None}}, "media_unreadable"),
        ({"image": {"bytes": None, "path": "gone.png"}}, "media_missing"),
        ({"image": {"bytes": None, "path": None}}, "record_malformed"),
        ({"question": None, "label": 7}, "label_unknown"),
    ],
)
def test_a_bad_row_is_a_fault_with_its_number_and_the_others_are_read(
    tmp_path: Path, png: dict, changed: dict, code: str
) -> None:
    good = {"image": png, "question": "Is it?", "answer": "yes", "label": None}
    schema = pa.schema([("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), ("question", pa.string()),
                        ("answer", pa.string()), ("label", pa.int64())])  # fmt: skip
    pq.write_table(pa.Table.from_pylist([good, {**good, **changed}, good], schema=schema), tmp_path / "r.parquet")
    samples, faults = heard(huggingface.read, tmp_path / "r.parquet")
    assert [(fault.code, fault.where) for fault in faults] == [(code, "row 2")]
    assert len(samples) == 2


def test_nothing_else_is_taken_for_it(tmp_path: Path, png: dict) -> None:
    (tmp_path / "garbage").mkdir()
    assert not is_recognized_in_garbage(huggingface.recognizes, tmp_path / "garbage", [".parquet"])
    rows(tmp_path / "a" / "r.parquet", [{"image": png, "messages": [{"role": "user"}], "text": "a"}])
    rows(tmp_path / "b" / "r.parquet", [{"image": png, "other": 1}])
    written(trl.write, corpus(with_clips=False), tmp_path / "c")
    table.write(corpus()[:1], tmp_path / "d", table.Card(*"abcdef"))
    assert not any(huggingface.recognizes(tmp_path / name) for name in "abcd")
    assert vesalius.recognizes(tmp_path / "d")
    assert not trl.recognizes(tmp_path / "d")
    with pytest.raises(InputRefused):
        list(huggingface.read(tmp_path / "b"))


def test_what_is_written_has_the_features_of_datasets(tmp_path: Path) -> None:
    dropped = written(huggingface.write, corpus(), tmp_path)
    assert sorted(str(place.relative_to(tmp_path)) for place in tmp_path.rglob("*.parquet")) == [
        "captions/train.parquet", "questions/test.parquet", "questions/train.parquet",
    ]  # fmt: skip
    said = json.loads(pq.read_schema(tmp_path / "questions" / "train.parquet").metadata[b"huggingface"])["info"]["features"]
    assert said["image"] == {"_type": "Image"}
    assert {what.partition(":")[0]: number for what, number in dropped.items()} == {
        "pictures of more than 8 bits, or inverted": 1,
        "samples without a report or caption": 6,
        "samples without a picture": 1,
        "samples about a clip": 1,
    }
    back, faults = heard(huggingface.read, tmp_path)
    assert codes(faults) == []
    kept = [found for found in corpus() if found.key in ("plain", "deep", "annotated")]
    assert sorted((plain(found) for found in back), key=str) == sorted((plain(found) for found in kept), key=str)


def test_pictures_can_be_left_out_on_purpose(tmp_path: Path) -> None:
    written(huggingface.write, [vqa()], tmp_path)
    (back,) = huggingface.read(tmp_path, text_alone=True)
    assert (back.images, [turn.text for turn in back.turns]) == ((), [" What is it?", "A ramp."])
    assert back.provenance == vqa().provenance


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(question=words, answer=words, findings=words)
def test_a_round_trip_loses_nothing(tmp_path_factory: pytest.TempPathFactory, question: str, answer: str, findings: str) -> None:
    folder = tmp_path_factory.mktemp("huggingface")
    asked = replace(vqa(), turns=(Turn("user", f"<image:0>{question}"), Turn("assistant", answer)))
    told = replace(sample("b", [], picture(2)), report=Report(findings, ""), task="annotation")
    written(huggingface.write, [asked, told], folder)
    captioned, answered = huggingface.read(folder)
    assert (plain(captioned), plain(answered)) == (plain(told), plain(asked))


def test_samples_of_which_none_has_a_place_are_refused_and_leave_no_file_of_records(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="None of the samples"):
        written(huggingface.write, corpus()[-1:], tmp_path / "out")
    assert not huggingface.recognizes(tmp_path / "out")
