"""ms-swift's conversations, with their boxes and pairs."""

import base64
import json
from pathlib import Path

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
    picture,
    plain,
    sample,
    save,
    seen,
    written,
)

from vesalius.datasets.formats import llava, swift
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Box, Point, Preference, Region, Sample

BOX = [1.5, 2, 9, 20]


def said(*texts: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[index % 2], "content": text} for index, text in enumerate(texts)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for seed in range(3):
        save(tmp_path / "images" / f"{seed}.png", seed, (24, 32))
    return tmp_path


def one(root: Path, **record: object) -> Sample:
    lines(root / "r.jsonl", [record])
    ((found,), faults) = heard(swift.read, root)
    assert faults == []
    return found


def test_pictures_stand_where_they_are_marked_or_before_the_first_question(root: Path) -> None:
    system = {"role": "system", "content": "Be short."}
    marked = one(root, messages=[system, *said("Is <image> like <image>?", "No.")], images=["0.png", "1.png"])
    assert [turn.text for turn in marked.turns] == ["Be short.", "Is <image:0> like <image:1>?", "No."]
    unmarked = one(root, messages=[system, *said("Which?", "No.")], images=["0.png", "1.png"])
    assert [turn.text for turn in unmarked.turns] == ["Be short.", "<image:0><image:1>Which?", "No."]


def test_boxes_and_names_are_regions(root: Path) -> None:
    objects = {"ref": ["a dog", "a woman"], "bbox": [BOX, [7, 8]]}
    found = one(
        root, messages=said("<image>What?", "<ref-object><bbox> and <ref-object><bbox> play"), images=["0.png"], objects=objects
    )
    assert found.turns[1].text == "<region:0> and <region:1> play"
    assert [(region.label, region.geometry) for region in found.regions] == [
        ("a dog", Box.from_xyxy_px(1.5, 2, 9, 20)),
        ("a woman", Point((8, 7))),
    ]


def test_a_name_that_stands_apart_from_its_boxes_is_text_and_their_name(root: Path) -> None:
    objects = {"ref": ["sheep"], "bbox": [[0, 0, 1, 1], [0.5, 0.25, 1, 0.5]], "bbox_type": "norm1"}
    found = one(root, messages=said("<image>Find the <ref-object>!", "<bbox><bbox>"), images=["0.png"], objects=objects)
    assert [turn.text for turn in found.turns] == ["<image:0>Find the sheep!", "<region:0><region:1>"]
    assert [region.geometry for region in found.regions] == [Box.from_xyxy_px(0, 0, 32, 24), Box.from_xyxy_px(16, 6, 32, 12)]
    assert {region.label for region in found.regions} == {"sheep"}


def test_a_box_belongs_to_the_picture_of_its_number(root: Path) -> None:
    objects = {"ref": [], "bbox": [BOX], "image_id": [1]}
    found = one(root, messages=said("<image><image>Where?", "<bbox>"), images=["0.png", "1.png"], objects=objects)
    assert [(region.image, region.label) for region in found.regions] == [(1, "object")]


@pytest.mark.parametrize(
    ("fields", "images"),
    [
        ({"rejected_response": "No."}, ((0,), (0,))),
        ({"rejected_response": "No.", "rejected_images": ["1.png"]}, ((0,), (1,))),
        ({"rejected_images": ["1.png"]}, ((0,), (1,))),
        ({"rejected_messages": said("<image>Is it?", "No."), "rejected_images": ["0.png"]}, ((0,), (0,))),
    ],
)
def test_pairs_have_a_better_and_a_worse_answer_about_their_pictures(root: Path, fields: dict, images: tuple) -> None:
    found = one(root, messages=said("<image>Is it?", "Yes."), images=["0.png"], **fields)
    assert [turn.text for turn in found.turns] == ["<image:0>Is it?"]
    worse = "No." if len(fields) > 1 or "rejected_response" in fields else "Yes."
    assert found.preference == Preference("Yes.", worse, *images)


@pytest.mark.parametrize("is_good", [True, False])
def test_an_answer_alone_that_is_good_or_bad_is_a_preference_with_one_side(root: Path, is_good: bool) -> None:
    found = one(root, messages=said("<image>Is it?", "Yes."), images=["0.png"], label=is_good)
    assert found.preference == Preference("Yes." if is_good else "", "" if is_good else "Yes.", (0,), (0,))
    assert [turn.text for turn in found.turns] == ["<image:0>Is it?"]
    written(swift.write, [found], root / "out")
    record = json.loads((root / "out" / "all-unpaired.jsonl").read_text(encoding="utf-8"))
    assert (record["label"], len(record["messages"])) == (is_good, 2)
    ((back,), _) = heard(swift.read, root / "out")
    assert back.preference == found.preference


def test_a_last_question_without_an_answer_is_a_prompt(root: Path) -> None:
    assert [turn.role for turn in one(root, messages=said("<image>What?"), images=["0.png"]).turns] == ["user"]


ASKED = said("<image>Where?", "<bbox>")


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"messages": said("<image><image>What?", "A."), "images": ["0.png"]}, "placeholder_mismatch"),
        ({"messages": said("<video>What?", "A."), "images": []}, "placeholder_mismatch"),
        ({"messages": ASKED, "images": ["0.png"]}, "placeholder_mismatch"),
        ({"messages": ASKED, "images": ["0.png"], "objects": {"ref": ["a"], "bbox": [BOX]}}, "placeholder_mismatch"),
        ({"messages": said("<image>What?", "A."), "images": ["0.png"], "objects": {"bbox": [BOX]}}, "placeholder_mismatch"),
        ({"messages": ASKED, "images": ["0.png"], "objects": {"bbox": [[9, 2, 1, 20]]}}, "box_inverted"),
        ({"messages": ASKED, "images": ["0.png"], "objects": {"bbox": [[1, 2, 1, 20]]}}, "box_without_extent"),
        ({"messages": ASKED, "images": ["0.png"], "objects": {"bbox": [[1, 2, 33, 20]]}}, "box_outside"),
        ({"messages": ASKED, "images": ["0.png"], "objects": {"bbox": [[-1, 2, 3, 20]]}}, "box_outside"),
        ({"messages": ASKED, "images": ["0.png"], "objects": {"bbox": [[0.1, 0.2, 0.3, 1]]}}, "box_space"),
        ({"messages": ASKED, "images": ["0.png"], "objects": {"bbox": [BOX], "bbox_type": "norm1"}}, "box_space"),
        ({"messages": ASKED, "images": ["0.png"], "objects": {"bbox": [BOX], "bbox_type": "norm1000"}}, "box_space"),
        ({"messages": ASKED, "images": ["0.png"], "objects": {"bbox": [BOX], "image_id": [4]}}, "record_malformed"),
        ({"messages": ASKED, "images": ["0.png"], "objects": {"bbox": [[1, 2, float("nan"), 4]]}}, "record_malformed"),
        ({"messages": ASKED, "images": ["0.png"], "objects": {"bbox": [[1, 2, 3]]}}, "record_malformed"),
        ({"messages": said("<image>What?", "<|box_start|>(1,2),(3,4)<|box_end|>"), "images": ["0.png"]}, "special_token"),
        ({"messages": said("<image>What?", "")}, "placeholder_mismatch"),
        ({"messages": said("<image>What?", ""), "images": ["0.png"]}, "answer_missing"),
        ({"messages": said("<image>What?"), "images": ["0.png"], "rejected_response": "A"}, "answer_missing"),
        ({"messages": said("<image>What?", "A."), "images": ["9.png"]}, "media_missing"),
        ({"messages": said("What?", "A."), "tools": "[]"}, "record_malformed"),
        ({"messages": said("What?"), "label": True}, "answer_missing"),
        ({"messages": [{"role": "tool", "content": "1"}]}, "record_malformed"),
        ({"messages": said("What?", "A."), "rejected_messages": said("Who?", "B.")}, "record_malformed"),
    ],
)
def test_a_bad_record_is_a_fault_with_its_line_and_the_others_are_read(root: Path, record: dict, code: str) -> None:
    good = {"messages": said("<image>What?", "A."), "images": ["0.png"]}
    lines(root / "r.jsonl", [good, record, good])
    samples, faults = heard(swift.read, root)
    assert [(fault.code, fault.where) for fault in faults] == [(code, "line 2")]
    assert len(samples) == 2


def test_pictures_inside_of_a_record_are_read(root: Path) -> None:
    inside = "data:image/png;base64," + base64.b64encode((root / "images" / "0.png").read_bytes()).decode()
    found = one(root, messages=said("<image>What?", "A."), images=[inside])
    assert (
        found.images[0].image.load() == one(root, messages=said("<image>What?", "A."), images=["0.png"]).images[0].image.load()
    ).all()
    lines(root / "r.jsonl", [{"messages": said("<image>What?", "A."), "images": [inside[:-9] + "!!"]}])
    assert codes(heard(swift.read, root)[1]) == ["media_unreadable"]


def test_nothing_else_is_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "garbage").mkdir()
    assert not is_recognized_in_garbage(swift.recognizes, tmp_path / "garbage", swift.SUFFIXES)
    dump(tmp_path / "a" / "r.json", [{"conversations": [{"from": "human", "value": "What?"}]}])
    lines(tmp_path / "b" / "r.jsonl", [{"messages": said("What?", "A.")}])
    lines(tmp_path / "c" / "r.jsonl", [{"messages": [{"role": "user", "content": [{"type": "image"}]}], "images": ["0.png"]}])
    assert not any(swift.recognizes(tmp_path / name) for name in "abc")
    with pytest.raises(InputRefused):
        list(swift.read(tmp_path / "a"))


def test_what_is_written_is_what_swift_reads(tmp_path: Path) -> None:
    dropped = written(swift.write, corpus(), tmp_path)
    assert {what.partition(":")[0]: number for what, number in dropped.items()} == {
        "pictures of more than 8 bits, or inverted": 1,
        "samples that ask nothing": 1,
    }
    records = [
        json.loads(line) for place in sorted(tmp_path.glob("*.jsonl")) for line in place.read_text(encoding="utf-8").splitlines()
    ]
    assert [place.name for place in sorted(tmp_path.glob("*.jsonl"))] == [
        "test.jsonl", "train-preference.jsonl", "train-prompt.jsonl", "train.jsonl",
    ]  # fmt: skip
    for record in records:
        text = "".join(message["content"] for message in record["messages"])
        assert text.count("<image>") == len(record.get("images", []))
        assert text.count("<video>") == len(record.get("videos", []))
        assert all((tmp_path / name).is_file() for name in [*record.get("images", []), *record.get("videos", [])])
        assert text.count("<bbox>") == text.count("<ref-object>") == len(record.get("objects", {"bbox": []})["bbox"])
    boxed = next(record["objects"] for record in records if record.get("objects"))
    assert boxed == {"ref": ["left spot", "tip"], "bbox": [[1, 2, 8.5, 9], [7, 5]], "bbox_type": "real", "image_id": [0, 0]}


def test_what_the_format_holds_and_what_stands_beside_it_comes_back_whole(tmp_path: Path) -> None:
    held = corpus()
    written(swift.write, held, tmp_path)
    back, faults = heard(swift.read, tmp_path)
    assert faults == []
    expected = [plain(found) for found in held if found.key != "annotated"]
    assert sorted((plain(found) for found in back), key=str) == sorted(expected, key=str)


def test_a_pair_about_two_pictures_comes_back(tmp_path: Path) -> None:
    asked = sample("p", [("user", "<image:0> Is it?")], picture(1), picture(2), preference=Preference("Yes", "No", (0,), (1,)))
    written(swift.write, [asked], tmp_path)
    (back,) = swift.read(tmp_path)
    assert plain(back) == plain(asked)
    ((alone,), faults) = heard(swift.read, tmp_path, text_alone=True)
    assert (alone.images, alone.turns[0].text.strip(), faults) == ((), "Is it?", [])


def test_a_clip_without_a_reader_for_it_in_llava_is_one_here(tmp_path: Path) -> None:
    film = corpus()[-1]
    assert written(swift.write, [film], tmp_path) == {}
    (back,) = swift.read(tmp_path)
    assert (back.images[0].image.load() == film.images[0].image.load()).all()
    with pytest.raises(UsageError, match="about a clip"):
        written(llava.write, [back], tmp_path / "llava")


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(asked=conversations(), is_alone=st.booleans())
def test_a_round_trip_loses_nothing_and_the_record_alone_holds_boxes_and_pictures(
    tmp_path_factory: pytest.TempPathFactory, asked: Sample, is_alone: bool
) -> None:
    folder = tmp_path_factory.mktemp("swift")
    written(swift.write, [asked], folder)
    if not is_alone:
        assert [plain(back) for back in swift.read(folder)] == [plain(asked)]
        return
    records = [json.loads(line) for line in (folder / "train.jsonl").read_text(encoding="utf-8").split("\n") if line]
    lines(folder / "train.jsonl", [{name: value for name, value in record.items() if name != "vesalius"} for record in records])
    (back,) = swift.read(folder)
    assert [region.geometry for region in back.regions] == [region.geometry for region in asked.regions]
    assert [region.label for region in back.regions] == [region.label for region in asked.regions]
    assert seen(back) == seen(asked)


def test_regions_of_a_sample_lie_in_the_same_pictures_after_they_were_put_in_another_order(tmp_path: Path) -> None:
    turns = [("user", "<image:1> and <image:0>"), ("assistant", "<region:0>")]
    asked = sample("o", turns, picture(1), picture(2), regions=(Region("spot", Box.from_xyxy_px(1, 1, 4, 4), image=0),))
    written(swift.write, [asked], tmp_path)
    text = (tmp_path / "train.jsonl").read_text(encoding="utf-8")
    lines(tmp_path / "train.jsonl", [{name: value for name, value in json.loads(text).items() if name != "vesalius"}])
    (back,) = swift.read(tmp_path)
    assert (back.images[back.regions[0].image].image.load() == asked.images[0].image.load()).all()


def test_samples_of_which_none_has_a_place_are_refused_and_leave_no_file_of_records(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="None of the samples"):
        written(swift.write, corpus()[9:10], tmp_path / "out")
    assert not swift.recognizes(tmp_path / "out")
