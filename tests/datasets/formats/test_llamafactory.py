"""LLaMA-Factory's datasets: alpaca and sharegpt, whatever their columns and tags are called."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.datasets.formats.by_hand import (
    clip,
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

from vesalius.datasets.formats import llamafactory, llava, swift
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Preference, Sample

SHAREGPT = {"file_name": "r.json", "formatting": "sharegpt", "columns": {"messages": "conversations", "images": "images"}}


def said(*texts: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[index % 2], "value": text} for index, text in enumerate(texts)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for seed in range(3):
        save(tmp_path / "pictures" / f"{seed}.png", seed)
    return tmp_path


def one(root: Path, entry: dict, record: dict) -> Sample:
    dump(root / "dataset_info.json", {"mine": {"file_name": "r.json", **entry}})
    dump(root / "r.json", [record])
    ((found,), faults) = heard(llamafactory.read, root)
    assert faults == []
    return found


def test_alpaca_is_a_question_of_two_parts_with_what_went_before(root: Path) -> None:
    record = {
        "instruction": "<image>What?",
        "input": "In short.",
        "output": "A lung.",
        "sys": "Be short.",
        "old": [["Hi", "Hello"]],
    }
    columns = {
        "prompt": "instruction",
        "query": "input",
        "response": "output",
        "system": "sys",
        "history": "old",
        "images": "pics",
    }
    found = one(root, {"columns": columns}, {**record, "pics": "0.png"})
    assert [turn.text for turn in found.turns] == ["Be short.", "Hi", "Hello", "<image:0>What?\nIn short.", "A lung."]
    assert [turn.text for turn in one(root, {}, {"instruction": "What?", "input": "", "output": "A lung."}).turns] == [
        "What?",
        "A lung.",
    ]


def test_sharegpt_goes_by_its_tags_and_columns(root: Path) -> None:
    tags = {"role_tag": "who", "content_tag": "what", "user_tag": "u", "assistant_tag": "a", "system_tag": "s"}
    record = {
        "talk": [{"who": "s", "what": "Be short."}, {"who": "u", "what": "<image>?"}, {"who": "a", "what": "A."}],
        "pics": ["0.png"],
    }
    found = one(root, {"formatting": "sharegpt", "columns": {"messages": "talk", "images": "pics"}, "tags": tags}, record)
    assert [(turn.role, turn.text) for turn in found.turns] == [
        ("system", "Be short."),
        ("user", "<image:0>?"),
        ("assistant", "A."),
    ]
    assert one(root, {"formatting": "sharegpt"}, {"conversations": said("What?", "A.")}).turns[1].text == "A."


@pytest.mark.parametrize(
    ("entry", "record", "pair"),
    [
        ({"formatting": "sharegpt", "ranking": True, "columns": {"messages": "c", "chosen": "y", "rejected": "n"}},
         {"c": said("Is it?"), "y": said("", "Yes.")[1], "n": said("", "No.")[1]}, ("Yes.", "No.")),
        ({"ranking": True, "columns": {"prompt": "q", "chosen": "y", "rejected": "n"}}, {"q": "Is it?", "y": "Yes.", "n": "No."},
         ("Yes.", "No.")),
        ({"formatting": "sharegpt", "columns": {"messages": "c", "kto_tag": "k"}}, {"c": said("Is it?", "No."), "k": False},
         ("", "No.")),
        ({"columns": {"prompt": "q", "response": "a", "kto_tag": "k"}}, {"q": "Is it?", "a": "Yes.", "k": True}, ("Yes.", "")),
    ],
)  # fmt: skip
def test_pairs_and_single_answers_are_preferences(root: Path, entry: dict, record: dict, pair: tuple[str, str]) -> None:
    found = one(root, entry, record)
    assert found.preference == Preference(*pair, (), ())
    assert [turn.text for turn in found.turns] == ["Is it?"]


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"conversations": said("<image>What?", "A."), "images": []}, "placeholder_mismatch"),
        ({"conversations": said("What?", "A."), "images": ["0.png"]}, "placeholder_mismatch"),
        ({"conversations": said("<image>What?", "A."), "images": ["9.png"]}, "media_missing"),
        ({"conversations": said("<image>What?", "A."), "images": [["0.png"]]}, "record_malformed"),
        ({"conversations": said("What?", "A.", "And?")}, "answer_missing"),
        ({"conversations": said("What?", "  ")}, "answer_missing"),
        ({"conversations": [*said("What?"), *said("Why?"), *said("Who?", "A.")]}, "record_malformed"),
        ({"conversations": [{"from": "function_call", "value": "f"}]}, "record_malformed"),
        ({"conversations": said("What <bbox>?", "A.")}, "special_token"),
        ({"conversations": said("What <video>?", "A.")}, "placeholder_mismatch"),
        ({"conversations": None}, "record_malformed"),
        ({"conversations": said("Wh\ufffdt?", "A.")}, "encoding_broken"),
        (3, "record_malformed"),
    ],
)
def test_a_bad_record_is_a_fault_with_its_dataset_and_the_others_are_read(root: Path, record: object, code: str) -> None:
    dump(root / "dataset_info.json", {"elsewhere": {"hf_hub_url": "a/b"}, "mine": SHAREGPT})
    good = {"conversations": said("<image>What?", "A."), "images": ["0.png"]}
    dump(root / "r.json", [good, record, good])
    samples, faults = heard(llamafactory.read, root)
    assert [(fault.code, fault.where) for fault in faults] == [(code, "dataset 2, record 2")]
    assert len(samples) == 2


def test_datasets_of_a_hub_are_counted_and_files_outside_are_not_followed(root: Path, caplog) -> None:
    outside = dump(root.parent / "outside.json", [{"instruction": "What?", "output": "A."}])
    entries = {
        "hub": {"hf_hub_url": "a/b"},
        "out": {"file_name": f"../{outside.name}"},
        "gone": {"file_name": "no.json"},
        "train_set": SHAREGPT,
    }
    dump(root / "dataset_info.json", entries)
    lines(root / "r.json", [{"conversations": said("What?", "A.")}])
    (found,) = llamafactory.read(root / "dataset_info.json")
    assert found.provenance.split == "train"
    assert "datasets that lie elsewhere, not read: 3" in caplog.text


@pytest.mark.parametrize("entry", [{"formatting": "other"}, {"columns": 3}, {"columns": {"prompt": 3}}, {"tags": ["x"]}])
def test_an_entry_that_says_nothing_sensible_is_refused(root: Path, entry: dict) -> None:
    with pytest.raises(InputRefused) as refused:
        one(root, entry, {})
    assert refused.value.code == "bad_dataset"


def test_nothing_else_is_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "garbage").mkdir()
    assert not is_recognized_in_garbage(llamafactory.recognizes, tmp_path / "garbage", [".json"])
    dump(tmp_path / "a" / "dataset_info.json", [{"ms_dataset_id": "x/y"}])
    lines(tmp_path / "a" / "r.jsonl", [{"messages": [{"role": "user", "content": "<image>"}], "images": ["0.png"]}])
    dump(tmp_path / "b" / "dataset_info.json", {"x": {"columns": {}}})
    assert not llamafactory.recognizes(tmp_path / "a")
    assert swift.recognizes(tmp_path / "a")
    assert not llamafactory.recognizes(tmp_path / "b")
    written(llamafactory.write, corpus(with_clips=False), tmp_path / "c")
    assert [one.recognizes(tmp_path / "c") for one in (llamafactory, swift, llava)] == [True, False, False]
    with pytest.raises(InputRefused):
        list(llamafactory.read(tmp_path / "a"))


def test_what_is_written_is_what_llama_factory_reads(tmp_path: Path) -> None:
    chat = sample(
        "sys", [("user", "a"), ("system", "b <image:0>"), ("user", "c"), ("assistant", "d")], corpus()[0].images[0].image
    )
    dropped = written(llamafactory.write, [*corpus(), chat], tmp_path)
    assert {what.partition(":")[0]: number for what, number in dropped.items()} == {
        "pictures of more than 8 bits, or inverted": 1,
        "samples that ask nothing": 1,
        "boxes in answers": 3,
        "samples that begin with an answer, or end with a question": 1,
        "system turns in the midst of a conversation": 1,
        "turns of one speaker in a row": 2,
    }
    info = json.loads((tmp_path / "dataset_info.json").read_text(encoding="utf-8"))
    assert sorted(info) == ["test", "train", "train-preference"]
    assert info["train-preference"]["ranking"]
    for name, entry in info.items():
        for record in json.loads((tmp_path / entry["file_name"]).read_text(encoding="utf-8")):
            assert set(entry["columns"].values()) == set(record) - {"vesalius"}
            turns = [message["role"] for message in record["messages"] if message["role"] != "system"]
            assert turns == (["user", "assistant"] * len(turns))[: len(turns)]
            assert len(turns) % 2 == (1 if name.endswith("preference") else 0)
            text = "".join(message["content"] for message in record["messages"])
            assert (text.count("<image>"), text.count("<video>")) == (len(record["images"]), len(record["videos"]))


def test_what_the_format_holds_and_what_stands_beside_it_comes_back_whole(tmp_path: Path) -> None:
    held = [found for found in corpus() if found.key not in ("annotated", "open")]
    unpaired = sample("un", [("user", "<image:0> Is it?")], clip(3), preference=Preference("", "No", (0,), (0,)))
    written(llamafactory.write, [*held, unpaired], tmp_path)
    back, faults = heard(llamafactory.read, tmp_path)
    assert codes(faults) == []
    assert sorted((plain(found) for found in back), key=str) == sorted((plain(found) for found in (*held, unpaired)), key=str)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(asked=conversations(regions=False), is_alone=st.booleans())
def test_a_round_trip_loses_nothing_and_the_record_alone_holds_texts_and_pictures(
    tmp_path_factory: pytest.TempPathFactory, asked: Sample, is_alone: bool
) -> None:
    folder = tmp_path_factory.mktemp("llamafactory")
    written(llamafactory.write, [asked], folder)
    if is_alone:
        records = json.loads((folder / "train.json").read_text(encoding="utf-8"))
        dump(folder / "train.json", [{name: value for name, value in record.items() if name != "vesalius"} for record in records])
    (back,) = llamafactory.read(folder)
    assert seen(back) == seen(asked)
    if not is_alone:
        assert plain(back) == plain(asked)


def test_samples_of_which_none_has_a_place_are_refused_and_leave_no_file_of_records(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="None of the samples"):
        written(llamafactory.write, corpus()[9:10], tmp_path / "out")
    assert not llamafactory.recognizes(tmp_path / "out")
