"""OpenAI's chat messages, pictures inside or beside."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from tests.datasets.formats.by_hand import (
    codes,
    conversations,
    corpus,
    dump,
    heard,
    is_recognized_in_garbage,
    lines,
    sample,
    save,
    seen,
    vqa,
    written,
)

from vesalius.datasets.formats import llamafactory, llava, openai, swift, trl
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Preference, Sample, Turn


def text(said: str) -> dict[str, str]:
    return {"type": "text", "text": said}


def picture(url: str) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": url, "detail": "high"}}


def said(*contents: object) -> list[dict[str, object]]:
    return [{"role": ("user", "assistant")[index % 2], "content": content} for index, content in enumerate(contents)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for seed in range(2):
        save(tmp_path / "images" / f"{seed}.png", seed)
    return tmp_path


def inline(root: Path) -> str:
    return "data:image/png;base64," + base64.b64encode((root / "images" / "0.png").read_bytes()).decode()


def test_pictures_are_inside_or_lie_below_the_folder_and_nothing_is_fetched(root: Path) -> None:
    asked = [inline(root), "https://example.org/a/0.png", "file:///data/images/1.png", "1.png"]
    records = [{"messages": said([picture(url), text("What?")], "A.")} for url in asked]
    lines(root / "val.jsonl", [*records, {"messages": said([picture("https://example.org/9.png")], "A.")}])
    samples, faults = heard(openai.read, root)
    assert openai.recognizes(root)
    assert codes(faults) == ["media_missing"]
    assert "not fetched" in faults[0].message
    assert [found.images[0].image.load().sum() for found in samples[:2]] == [samples[0].images[0].image.load().sum()] * 2
    assert {(found.turns[0].text, found.provenance.split) for found in samples} == {("<image:0>What?", "validation")}


def test_a_first_record_of_some_megabytes_is_recognized(root: Path) -> None:
    records = [{"messages": said([picture(inline(root)), text("What?" * 400_000)], "A.")}] * 2
    lines(root / "r.jsonl", records)
    assert openai.recognizes(root)
    assert len(list(openai.read(root))) == 2


def test_weights_and_developers_are_read(root: Path) -> None:
    messages = [{"role": "developer", "content": "Be short."}, *said("What?", "B", "Sure?", "A")]
    messages[2]["weight"] = 0
    lines(root / "r.jsonl", [{"messages": messages}])
    ((found,), _) = heard(openai.read, root)
    assert [turn.spans for turn in found.turns] == [None, None, (), None, None]
    assert found.turns[0].role == "system"


def test_pairs_are_read(root: Path) -> None:
    record = {"input": {"messages": said([picture("0.png"), text("Is it?")]), "tools": []}}
    sides = {"preferred_output": said("", "Yes.")[1:], "non_preferred_output": said("", "No.")[1:]}
    lines(root / "r.jsonl", [{**record, **sides}])
    assert openai.recognizes(root)
    ((found,), _) = heard(openai.read, root)
    assert found.preference == Preference("Yes.", "No.", (0,), (0,))


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"messages": said([picture("data:image/png;base64,!!!!"), text("What?")], "A.")}, "media_unreadable"),
        ({"messages": said([picture("data:image/png,rawbytes"), text("What?")], "A.")}, "media_unreadable"),
        ({"messages": said([picture("data:image/png;base64,AAAA"), text("What?")], "A.")}, "media_unreadable"),
        ({"messages": said([{"type": "file", "file": {"file_id": "f"}}], "A.")}, "record_malformed"),
        ({"messages": said([{"type": "image_url", "image_url": {}}], "A.")}, "record_malformed"),
        ({"messages": said("What?")}, "answer_missing"),
        ({"messages": said("What?", "")}, "answer_missing"),
        ({"messages": [*said("What?"), {"role": "assistant", "content": None, "tool_calls": [1]}]}, "record_malformed"),
        ({"messages": [*said("What?"), {"role": "tool", "content": "1"}]}, "record_malformed"),
        ({"messages": said("<image>What?", "A.")}, "special_token"),
        ({"messages": said("What?", "A.<|endoftext|>")}, "special_token"),
        ({"messages": said("Wh\x00at?", "A.")}, "encoding_broken"),
        ({"input": {"messages": said("What?")}, "preferred_output": []}, "answer_missing"),
        ({"messages": []}, "record_malformed"),
    ],
)
def test_a_bad_record_is_a_fault_with_its_line_and_the_others_are_read(root: Path, record: dict, code: str) -> None:
    good = {"messages": said([picture("0.png"), text("What?")], "A.")}
    lines(root / "r.jsonl", [good, record, good])
    samples, faults = heard(openai.read, root)
    assert [(fault.code, fault.where) for fault in faults] == [(code, "line 2")]
    assert len(samples) == 2


def test_nothing_else_is_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "garbage").mkdir()
    assert not is_recognized_in_garbage(openai.recognizes, tmp_path / "garbage", openai.SUFFIXES)
    others = (llava, swift, trl, llamafactory)
    for other in others:
        written(other.write, corpus(with_clips=False), tmp_path / other.NAME)
    written(openai.write, corpus(with_clips=False), tmp_path / "openai")
    for folder in ("llava", "swift", "trl", "llamafactory", "openai"):
        assert [one.NAME for one in (*others, openai) if one.recognizes(tmp_path / folder)] == [folder]
    dump(tmp_path / "x" / "r.json", {"messages": "none"})
    with pytest.raises(InputRefused):
        list(openai.read(tmp_path / "x"))


def test_what_is_written_is_what_the_service_takes(tmp_path: Path) -> None:
    unlearnt = replace(vqa("u"), turns=(Turn("user", "<image:0> What?"), Turn("assistant", "B", ())))
    dropped = written(
        openai.write, [*corpus(), unlearnt, sample("bad", [("user", "a")], preference=Preference("", "b", (), ()))], tmp_path
    )
    assert {what.partition(":")[0]: number for what, number in dropped.items()} == {
        "pictures of more than 8 bits, or inverted": 1,
        "samples that ask nothing": 1,
        "samples about a clip": 1,
        "boxes in answers": 3,
        "samples without an answer": 1,
        "samples of a bad answer alone": 1,
        "weights of pairs, and pictures of the worse answer alone": 1,
        "patients, studies, sources and licences": 9,
        "kinds of questions": 9,
        "labels of pictures": 1,
        "options of multiple choice beside the question": 1,
        "measurements beside the text": 1,
        "reports beside the conversation": 1,
        "modality, view and spacing of pictures": 1,
    }
    records = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {key for record in records for key in record} == {"messages"}
    assert [message.get("weight") for message in records[-1]["messages"]] == [None, 0]
    pair = json.loads((tmp_path / "train-preference.jsonl").read_text(encoding="utf-8"))
    assert sorted(pair) == ["input", "non_preferred_output", "preferred_output"]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(asked=conversations(regions=False))
def test_a_round_trip_keeps_texts_and_pictures(tmp_path_factory: pytest.TempPathFactory, asked: Sample) -> None:
    folder = tmp_path_factory.mktemp("openai")
    written(openai.write, [asked], folder)
    (back,) = openai.read(folder)
    assert seen(back) == seen(asked)
    assert [turn.role for turn in back.turns] == [turn.role for turn in asked.turns]


def test_samples_of_which_none_has_a_place_are_refused_and_leave_no_file_of_records(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="None of the samples"):
        written(openai.write, corpus()[-1:], tmp_path / "out")
    assert not openai.recognizes(tmp_path / "out")
