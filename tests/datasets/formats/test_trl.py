"""TRL's conversational datasets: every type, pictures as files and as bytes."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.datasets.formats.by_hand import (
    codes,
    conversations,
    corpus,
    dump,
    heard,
    is_recognized_in_garbage,
    lines,
    plain,
    sample,
    save,
    seen,
    written,
)

from vesalius.datasets.formats import swift, trl
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Preference, Sample

PICTURE = {"type": "image"}


def text(said: str) -> dict[str, str]:
    return {"type": "text", "text": said}


def user(*parts: object) -> dict[str, object]:
    return {"role": "user", "content": list(parts) if not isinstance(parts[0], str) else parts[0]}


def assistant(said: str) -> dict[str, object]:
    return {"role": "assistant", "content": [text(said)]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for seed in range(3):
        save(tmp_path / "images" / f"{seed}.png", seed)
    return tmp_path


def one(root: Path, **record: object) -> Sample:
    lines(root / "r.jsonl", [record])
    ((found,), faults) = heard(trl.read, root)
    assert faults == []
    return found


ASKED = [user(PICTURE, text("What?"))]


@pytest.mark.parametrize(
    ("record", "texts", "pair"),
    [
        ({"messages": [*ASKED, assistant("A lung.")]}, ["<image:0>What?", "A lung."], None),
        ({"prompt": ASKED}, ["<image:0>What?"], None),
        ({"prompt": "What?"}, ["<image:0>What?"], None),
        ({"prompt": ASKED, "completion": [assistant("A lung.")]}, ["<image:0>What?", "A lung."], None),
        ({"prompt": "What?", "completion": " A lung."}, ["<image:0>What?", " A lung."], None),
        ({"prompt": ASKED, "chosen": [assistant("A")], "rejected": [assistant("B")]}, ["<image:0>What?"], ("A", "B")),
        ({"chosen": [*ASKED, assistant("A")], "rejected": [*ASKED, assistant("B")]}, ["<image:0>What?"], ("A", "B")),
        ({"prompt": ASKED, "completion": [assistant("A")], "label": True}, ["<image:0>What?"], ("A", "")),
        ({"prompt": ASKED, "completion": [assistant("A")], "label": False}, ["<image:0>What?"], ("", "A")),
        ({"messages": [user("What?"), assistant("A lung.")]}, ["<image:0>What?", "A lung."], None),
        ({"messages": [user("In <image> what?"), assistant("A lung.")]}, ["In <image:0> what?", "A lung."], None),
    ],
)  # fmt: skip
def test_every_type_is_read(root: Path, record: dict, texts: list[str], pair: tuple[str, str] | None) -> None:
    found = one(root, images=["0.png"], **record)
    assert [turn.text for turn in found.turns] == texts
    assert found.preference == (None if pair is None else Preference(*pair, (0,), (0,)))


def test_pictures_are_bytes_or_names_in_parquet(root: Path) -> None:
    content = (root / "images" / "0.png").read_bytes()
    rows = [
        {"messages": [user(PICTURE, PICTURE, text("Which?")), assistant("A.")],
         "images": [{"bytes": content, "path": None}, {"bytes": None, "path": "/elsewhere/images/1.png"}]},
        {"messages": [user(PICTURE, PICTURE, text("Same?")), assistant("Yes.")],
         "images": [{"bytes": content, "path": "a"}, {"bytes": content, "path": "b"}]},
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), root / "train-00000-of-00001.parquet")
    assert trl.recognizes(root)
    (first, second), faults = heard(trl.read, root)
    assert (faults, len(first.images), len(second.images)) == ([], 2, 1)
    assert second.turns[0].text == "<image:0><image:0>Same?"
    assert first.provenance.split == "train"
    assert first.images[0].image is second.images[0].image


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"messages": [user(PICTURE, PICTURE, text("What?")), assistant("A.")], "images": ["0.png"]}, "placeholder_mismatch"),
        ({"messages": [user(PICTURE, text("What?")), assistant("A.")], "images": []}, "placeholder_mismatch"),
        ({"messages": [user(text("What?")), assistant("A <image>.")]}, "special_token"),
        ({"messages": [user(PICTURE, text("<image>")), assistant("A.")], "images": ["0.png"]}, "special_token"),
        ({"messages": [user("What?<|im_end|>"), assistant("A.")]}, "special_token"),
        ({"messages": [user("What?")]}, "answer_missing"),
        ({"messages": [user("What?"), assistant("")]}, "answer_missing"),
        ({"messages": [user(PICTURE), assistant("A.")], "images": ["9.png"]}, "media_missing"),
        ({"messages": [user(PICTURE), assistant("A.")], "images": ["data:image/png;base64,AAAA"]}, "media_unreadable"),
        ({"messages": [user(PICTURE), assistant("A.")], "images": [7]}, "record_malformed"),
        ({"messages": [user({"type": "video"}), assistant("A.")]}, "record_malformed"),
        ({"messages": [{"role": "tool", "content": "1"}]}, "record_malformed"),
        ({"messages": [user("What?"), assistant("A.")], "tools": ["x"]}, "record_malformed"),
        ({"prompt": "What?", "completions": ["a"], "labels": [True]}, "record_malformed"),
        ({"chosen": [assistant("A")], "rejected": [assistant("B")]}, "record_malformed"),
        ({"prompt": "Q", "chosen": [user("A")], "rejected": [assistant("B")]}, "record_malformed"),
        ({"messages": "What \ufffd?"}, "encoding_broken"),
        ({"other": 1}, "record_malformed"),
    ],
)
def test_a_bad_record_is_a_fault_with_its_line_and_the_others_are_read(root: Path, record: dict, code: str) -> None:
    good = {"messages": [user(PICTURE, text("What?")), assistant("A.")], "images": ["0.png"]}
    lines(root / "r.jsonl", [good, record, good])
    samples, faults = heard(trl.read, root)
    assert [(fault.code, fault.where) for fault in faults] == [(code, "line 2")]
    assert len(samples) == 2


def test_nothing_else_is_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "garbage").mkdir()
    assert not is_recognized_in_garbage(trl.recognizes, tmp_path / "garbage", trl.SUFFIXES)
    lines(tmp_path / "a" / "r.jsonl", [{"messages": [user("<image>What?"), assistant("A.")], "images": ["0.png"], "objects": {}}])
    lines(tmp_path / "b" / "r.jsonl", [{"messages": [user({"type": "image_url", "image_url": {"url": "x.png"}})]}])
    written(swift.write, corpus(with_clips=False), tmp_path / "c")
    dump(tmp_path / "d" / "r.json", [{"instruction": "What?", "output": "A."}])
    assert not any(trl.recognizes(tmp_path / name) for name in "abcd")
    with pytest.raises(InputRefused):
        list(trl.read(tmp_path / "d"))


def test_what_is_written_has_trls_columns_and_features(tmp_path: Path) -> None:
    dropped = written(trl.write, corpus(), tmp_path)
    assert {what.partition(":")[0]: number for what, number in dropped.items()} == {
        "pictures of more than 8 bits, or inverted": 1,
        "samples that ask nothing": 1,
        "boxes in answers": 3,
        "samples about a clip": 1,
    }
    assert sorted(str(place.relative_to(tmp_path)) for place in tmp_path.rglob("*.parquet")) == [
        "conversations/test.parquet", "conversations/train.parquet", "preferences/train.parquet", "prompts/train.parquet",
    ]  # fmt: skip
    pairs = pq.read_table(tmp_path / "preferences" / "train.parquet")
    assert pairs.column_names == ["prompt", "chosen", "rejected", "images", "vesalius"]
    said = json.loads(pairs.schema.metadata[b"huggingface"])["info"]["features"]
    assert said["images"] == {"feature": {"_type": "Image"}, "_type": "Sequence"}
    for row in pq.read_table(tmp_path / "conversations" / "train.parquet").to_pylist():
        shown = sum(part["type"] == "image" for message in row["messages"] for part in message["content"])
        assert shown == len(row["images"])


def test_what_the_format_holds_and_what_stands_beside_it_comes_back_whole(tmp_path: Path) -> None:
    held = [found for found in corpus(with_clips=False) if found.key != "annotated"]
    unpaired = sample("un", [("user", "Is it?")], preference=Preference("", "No", (), ()))
    written(trl.write, [*held, unpaired], tmp_path)
    assert trl.recognizes(tmp_path)
    back, faults = heard(trl.read, tmp_path)
    assert faults == []
    assert sorted((plain(found) for found in back), key=str) == sorted((plain(found) for found in (*held, unpaired)), key=str)


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    written(trl.write, corpus()[:1], tmp_path)
    place = tmp_path / "conversations" / "train.parquet"
    content = place.read_bytes()
    place.write_bytes(content[:40] + b"\0" * 200 + content[240:])
    with pytest.raises(InputRefused) as refused:
        list(trl.read(tmp_path))
    assert refused.value.code == "bad_dataset"


def test_the_same_samples_give_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        written(trl.write, corpus(with_clips=False), tmp_path / name)
    first, second = ([place.read_bytes() for place in sorted((tmp_path / name).rglob("*.parquet"))] for name in "ab")
    assert first == second


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(asked=conversations(regions=False), is_alone=st.booleans())
def test_a_round_trip_loses_nothing_and_the_record_alone_holds_texts_and_pictures(
    tmp_path_factory: pytest.TempPathFactory, asked: Sample, is_alone: bool
) -> None:
    folder = tmp_path_factory.mktemp("trl")
    written(trl.write, [asked], folder)
    if is_alone:
        place = folder / "conversations" / "train.parquet"
        pq.write_table(pq.read_table(place).drop_columns(["vesalius"]), place)
    (back,), faults = heard(trl.read, folder)
    assert codes(faults) == []
    assert seen(back) == seen(asked)
    if not is_alone:
        assert plain(back) == plain(asked)


def test_samples_of_which_none_has_a_place_are_refused_and_leave_no_file_of_records(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="None of the samples"):
        written(trl.write, corpus()[-1:], tmp_path / "out")
    assert not trl.recognizes(tmp_path / "out")
