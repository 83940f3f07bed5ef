"""LLaVA's conversations: read with their faults, written as its code reads them, and back without loss."""

import json
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
    plain,
    save,
    seen,
    vqa,
    written,
)

from vesalius.datasets.formats import llava
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Box, Region


def said(*texts: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[index % 2], "value": text} for index, text in enumerate(texts)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for seed in range(3):
        save(tmp_path / "images" / "chest" / f"{seed}.png", seed)
    return tmp_path


def test_an_image_is_a_name_a_list_or_absent(root: Path) -> None:
    records = [
        {"id": "1", "image": "0.png", "conversations": said("<image>\nWhat?", "A lung.")},
        {"id": "2", "image": ["/data/chest/1.png", "2.png"], "conversations": said("<image><image> Which?", "None.")},
        {"id": 3, "conversations": said("What?", "Nothing.", "Sure?", "Yes.")},
        {"id": "4", "image": "", "conversations": said("What?", "Nothing.")},
    ]
    dump(root / "train.json", records)
    samples, faults = heard(llava.read, root)
    assert llava.recognizes(root)
    assert faults == []
    assert [len(sample.images) for sample in samples] == [1, 2, 0, 0]
    assert samples[0].turns[0].text == "<image:0>\nWhat?"
    assert samples[1].turns[0].text == "<image:0><image:1> Which?"
    assert {sample.provenance.split for sample in samples} == {"train"}
    assert len({sample.key for sample in samples}) == 4


def test_one_picture_that_is_marked_twice_is_one(root: Path) -> None:
    dump(root / "r.json", [{"image": ["0.png", "1.png", "0.png"], "conversations": said("<image><image><image>", "Same.")}])
    ((sample,), _) = heard(llava.read, root)
    assert sample.turns[0].text == "<image:0><image:1><image:0>"
    assert len(sample.images) == 2


def test_ids_that_stand_twice_and_keys_that_are_misspelled_are_read(root: Path) -> None:
    record = {"id": "x", "image": "0.png", "conversatons": said("<image> What?", "A lung.")}
    lines(root / "r.jsonl", [record, record])
    first, second = llava.read(root)
    assert first.key != second.key
    assert first.provenance.patient_key == second.provenance.patient_key


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"image": "0.png", "conversations": said("What?", "A lung.")}, "placeholder_mismatch"),
        ({"image": "0.png", "conversations": said("<image><image> What?", "A lung.")}, "placeholder_mismatch"),
        ({"conversations": said("<image> What?", "A lung.")}, "placeholder_mismatch"),
        ({"image": "9.png", "conversations": said("<image> What?", "A lung.")}, "media_missing"),
        ({"image": "same.png", "conversations": said("<image> What?", "A lung.")}, "media_ambiguous"),
        ({"image": "broken.png", "conversations": said("<image> What?", "A lung.")}, "media_unreadable"),
        ({"image": "0.png", "conversations": said("<image> What?", " ")}, "answer_missing"),
        ({"image": "0.png", "conversations": said("<image> What?")}, "answer_missing"),
        ({"image": "0.png", "conversations": said("<image> What?<|im_end|>", "A lung.")}, "special_token"),
        ({"image": "0.png", "conversations": said("<image> Where <bbox>?", "A lung.")}, "special_token"),
        ({"image": "0.png", "conversations": said("<image> Where?", "At <region:0>")}, "special_token"),
        ({"image": "0.png", "conversations": said("<image> Wh\ufffdt?", "A lung.")}, "encoding_broken"),
        ({"image": "0.png", "conversations": said("<image> \udc41?", "A lung.")}, "encoding_broken"),
        ({"image": {"a": 1}, "conversations": said("<image> What?", "A lung.")}, "record_malformed"),
        ({"image": "0.png", "conversations": [{"from": "human", "value": 3}]}, "record_malformed"),
        ({"image": "0.png", "conversations": [{"from": "robot", "value": "Hi"}]}, "record_malformed"),
        ({"image": "0.png", "conversations": []}, "record_malformed"),
        ({"conversations": said("", "A lung.")}, "record_malformed"),
        ({"conversations": [{"from": "gpt", "value": "A lung."}]}, "record_malformed"),
        (["no record"], "record_malformed"),
    ],
)
def test_a_bad_record_is_a_fault_with_its_number_and_the_others_are_read(root: Path, record: object, code: str) -> None:
    save(root / "a" / "same.png", 8)
    save(root / "b" / "same.png", 9)
    (root / "broken.png").write_bytes(b"none")
    good = {"image": "0.png", "conversations": said("<image> What?", "A lung.")}
    dump(root / "r.json", [good, record, good])
    samples, faults = heard(llava.read, root)
    assert [(fault.code, fault.where) for fault in faults] == [(code, "record 2")]
    assert len(samples) == 2
    with pytest.raises(InputRefused, match="record 2"):
        list(llava.read(root))


def test_a_line_that_is_cut_off_or_no_utf8_is_a_fault_of_its_own(root: Path) -> None:
    good = json.dumps({"conversations": said("What?", "A lung.")}).encode()
    (root / "r.jsonl").write_bytes(good + b'\n{"conversations": \n' + good.replace(b"lung", b"l\xfcng") + b"\n\n" + good)
    samples, faults = heard(llava.read, root)
    assert [(fault.code, fault.where) for fault in faults] == [("record_malformed", "line 2"), ("encoding_broken", "line 3")]
    assert len(samples) == 2


def test_pictures_can_be_left_out_on_purpose(root: Path) -> None:
    dump(root / "r.json", [{"image": "9.png", "conversations": said("<image>\nWhat?", "A lung.")}])
    ((sample,), faults) = heard(llava.read, root, text_alone=True)
    assert (sample.images, sample.turns[0].text, faults) == ((), "\nWhat?", [])


def test_nothing_else_is_taken_for_it(tmp_path: Path, root: Path) -> None:
    (tmp_path / "garbage").mkdir()
    assert not is_recognized_in_garbage(llava.recognizes, tmp_path / "garbage", llava.SUFFIXES)
    dump(root / "r.json", [{"conversations": said("What?", "A lung.")}])
    assert llava.recognizes(root)
    dump(root / "dataset_info.json", {"r": {"file_name": "r.json"}})
    assert not llava.recognizes(root)
    with pytest.raises(InputRefused) as refused:
        list(llava.read(tmp_path / "garbage"))
    assert refused.value.code == "bad_dataset"


def test_what_is_written_is_what_llavas_code_reads(tmp_path: Path) -> None:
    dropped = written(llava.write, corpus(with_clips=False), tmp_path)
    train = json.loads((tmp_path / "train.json").read_text(encoding="utf-8"))
    assert len(json.loads((tmp_path / "test.json").read_text(encoding="utf-8"))) == 1
    for record in train:
        names = record.get("image", [])
        names = [names] if isinstance(names, str) else names
        assert sum(turn["value"].count("<image>") for turn in record["conversations"]) == len(names)
        assert all((tmp_path / name).is_file() for name in names)
        assert [turn["from"] for turn in record["conversations"]] == ["human", "gpt"] * (len(record["conversations"]) // 2)
    assert '{"bbox_2d": [1, 2, 9, 9], "label": "left spot"}' in train[2]["conversations"][1]["value"]
    counted = {what.partition(":")[0]: number for what, number in dropped.items()}
    assert counted == {
        "pictures of more than 8 bits, or inverted": 1,
        "samples that ask nothing": 1,
        "samples without an answer": 1,
        "worse answers": 1,
        "system turns": 1,
        "boxes in answers": 3,
    }


def test_clips_are_counted_and_left_out(tmp_path: Path) -> None:
    dropped = written(llava.write, [corpus()[-1], vqa()], tmp_path)
    assert dropped == {"samples about a clip: the format has no place for one": 1}
    assert len(list(llava.read(tmp_path))) == 1


def test_what_the_format_holds_and_what_stands_beside_it_comes_back_whole(tmp_path: Path) -> None:
    held = [sample for sample in corpus(with_clips=False) if sample.key not in ("open", "annotated")]
    written(llava.write, held, tmp_path)
    back, faults = heard(llava.read, tmp_path)
    assert faults == []
    assert sorted((plain(sample) for sample in back), key=str) == sorted((plain(sample) for sample in held), key=str)


def test_a_record_that_was_edited_keeps_its_patient_and_its_labels_and_takes_the_new_text(tmp_path: Path) -> None:
    sample = corpus()[6]
    written(llava.write, [sample], tmp_path)
    text = (tmp_path / "test.json").read_text(encoding="utf-8").replace('"value": "PA"', '"value": "AP"')
    (tmp_path / "test.json").write_text(text, encoding="utf-8")
    (back,) = llava.read(tmp_path)
    assert back.turns[1].text == "AP"
    assert (back.provenance, back.labels, back.options, back.report) == (
        sample.provenance,
        sample.labels,
        sample.options,
        sample.report,
    )


def test_a_field_of_ours_that_was_changed_by_hand_is_a_fault(tmp_path: Path) -> None:
    written(llava.write, [vqa()], tmp_path)
    place = tmp_path / "train.json"
    place.write_text(place.read_text(encoding="utf-8").replace("patient-a", "patient-b"), encoding="utf-8")
    assert codes(heard(llava.read, tmp_path)[1]) == ["record_malformed"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(sample=conversations())
def test_a_round_trip_loses_nothing(tmp_path_factory: pytest.TempPathFactory, sample) -> None:
    folder = tmp_path_factory.mktemp("llava")
    written(llava.write, [sample], folder)
    (back,) = llava.read(folder)
    assert plain(back) == plain(sample)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(sample=conversations(regions=False))
def test_the_record_alone_shows_the_same_pictures_at_the_same_places(tmp_path_factory: pytest.TempPathFactory, sample) -> None:
    folder = tmp_path_factory.mktemp("llava")
    written(llava.write, [sample], folder)
    records = json.loads((folder / "train.json").read_text(encoding="utf-8"))
    for record in records:
        del record["vesalius"]
    dump(folder / "train.json", records)
    (back,) = llava.read(folder)
    assert seen(back) == seen(sample)


def test_boxes_without_a_place_in_a_text_do_not_count_as_lost(tmp_path: Path) -> None:
    sample = vqa(regions=(Region("spot", Box.from_xyxy_px(0, 0, 3, 3)),))
    assert written(llava.write, [sample], tmp_path) == {}
    (back,) = llava.read(tmp_path)
    assert plain(back) == plain(sample)


def test_samples_of_which_none_has_a_place_are_refused_and_leave_no_file_of_records(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="None of the samples"):
        written(llava.write, corpus()[-1:], tmp_path / "out")
    assert not llava.recognizes(tmp_path / "out")
