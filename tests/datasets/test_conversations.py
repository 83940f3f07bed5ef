"""Anonymous marks and numbered ones, there and back."""

import numpy as np
import pytest
from tests.datasets.formats.by_hand import clip, picture, sample, vqa

from vesalius.datasets.conversations import (
    Placed,
    Said,
    Shown,
    conversation,
    joined,
    marked,
    order_of,
    plain_text,
    text_of,
    text_with,
    told,
    without_masks,
    worded,
)
from vesalius.datasets.exports import Dropped
from vesalius.datasets.sources import RecordRefused
from vesalius.types import Box, Mask, Point, Polygon, Region


@pytest.mark.parametrize(
    "token",
    ["<|im_end|>", "</s>", "<image>", "<bbox>", "<loc0123>", "[INST]", "<image:0>", "<region:12>", "<|x|>", "<start_of_turn>"],
)
def test_tokens_that_steer_a_model_are_refused(token: str) -> None:
    with pytest.raises(RecordRefused) as refused:
        plain_text(f"a{token}b")
    assert refused.value.code == "special_token"


@pytest.mark.parametrize("text", ["a < b > c", "<5 mm", "x|y", "p<0.05 and q>0.1", "[1]", "<b>bold</b>", "日本 é\n\t"])
def test_what_only_looks_like_a_token_is_text(text: str) -> None:
    assert plain_text(text) == text


@pytest.mark.parametrize("text", ["a\x00", "\ud83d", "caf\ufffd", "\x85", "\x1b[31m"])
def test_characters_that_no_text_has_are_refused(text: str) -> None:
    with pytest.raises(RecordRefused) as refused:
        text_of(text)
    assert refused.value.code == "encoding_broken"


def test_marks_of_two_kinds_stand_for_media_in_their_order_and_pictures_are_numbered_as_shown() -> None:
    said = marked([("user", "<v> then <i>"), ("assistant", "ok"), ("user", "<i>")], {"<i>": ["a", "b"], "<v>": ["c"]})
    talk = conversation(said, lambda item: picture(ord(item)))
    assert [turn.text for turn in talk.turns] == ["<image:0> then <image:1>", "ok", "<image:2>"]
    assert [shown.image.source.sha256[:2] for shown in talk.images] == ["99", "97", "98"]


def test_pictures_that_no_turn_names_come_before_the_first_question() -> None:
    asked = sample("a", [("system", "Be short."), ("user", "What?"), ("assistant", "<image:1>")], picture(1), picture(2))
    talk = told(asked, Dropped())
    assert talk is not None
    assert [text_with(one, lambda piece: f"[{piece.item}]") for one in talk.said] == ["Be short.", "[0]What?", "[1]"]
    assert order_of(talk.said) == (0, 1)


def test_what_a_format_cannot_show_is_counted() -> None:
    dropped = Dropped()
    assert told(sample("a", [("user", "What?"), ("assistant", "A.")], clip(1)), dropped) is None
    assert told(vqa(), dropped) is not None
    assert list(dropped) == ["samples about a clip: the format has no place for one"]


def test_masks_become_the_boxes_around_them() -> None:
    inside = np.zeros((24, 32), bool)
    inside[3:9, 4:6] = True
    regions = (Region("spot", Mask(lambda: inside)), Region("none", Mask(lambda: np.zeros((24, 32), bool))))
    dropped = Dropped()
    found = without_masks(vqa(regions=regions), dropped)
    assert [region.geometry for region in found.regions] == [Box((3, 4), (9, 6)), Polygon(())]
    assert dropped.total() == 2


@pytest.mark.parametrize(
    ("region", "text"),
    [
        (Region("spot", Box.from_xyxy_px(1, 2, 3.5, 4)), '{"bbox_2d": [1, 2, 4, 4], "label": "spot"}'),
        (Region("tip", Point((5, 7))), '{"point_2d": [7, 5], "label": "tip"}'),
        (Region("rim", Polygon(((1, 2), (9, 2), (5, 8)))), '{"bbox_2d": [2, 1, 8, 9], "label": "rim"}'),
        (Region("cyst", Box((0, 1, 1), (2, 4, 4))), "cyst"),
        (Region("beat", Box.from_xyxy_px(1, 2, 3, 4), frame=3), "beat"),
        (Region("node", Box.from_xyxy_px(1, 2, 3, 4), space="patient"), "node"),
    ],
)
def test_places_are_json_in_pixels_of_the_file_or_their_names_and_always_counted(region: Region, text: str) -> None:
    dropped = Dropped()
    assert worded(Placed(region), dropped) == text
    assert dropped.total() >= 1


def test_turns_in_a_row_are_joined_with_their_pictures() -> None:
    dropped = Dropped()
    found = joined([Said("user", ("a",)), Said("user", (Shown(0),)), Said("assistant", ("b",))], dropped)
    assert [one.pieces for one in found] == [("a", "\n", Shown(0)), ("b",)]
    assert dropped.total() == 1
