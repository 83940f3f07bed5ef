"""Media for other programs: once each, 8 bits, as an eye should see them."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from tests.datasets.formats.by_hand import picture, sample, vqa

from vesalius.datasets.exports import Dropped
from vesalius.datasets.formats import llava, openai
from vesalius.datasets.writing import Inside, Media, Records


def test_a_radiograph_of_12_bits_is_not_white_for_a_program_that_opens_it_as_rgb(tmp_path: Path) -> None:
    deep = picture(1, (20, 24), "uint16", window=(100.0, 200.0), inverted=True)
    dropped = Dropped()
    media = Media(tmp_path, dropped)
    place = tmp_path / media.name(deep)
    shown = np.asarray(Pillow.open(place).convert("RGB"))
    assert np.corrcoef(shown[..., 0].ravel(), deep.load().ravel())[0, 1] < -0.99  # inverted, and not cut off
    assert media.name(deep) == media.name(deep)
    assert media.changed(sample("a", [], picture(2), deep)) == [1]
    assert list(dropped.values()) == [1]
    assert Inside(Dropped()).encoded(deep)[0] == place.read_bytes()


def test_a_picture_of_8_bits_keeps_its_values(tmp_path: Path) -> None:
    image, dropped = picture(1, (20, 24, 3)), Dropped()
    assert (np.asarray(Pillow.open(tmp_path / Media(tmp_path, dropped).name(image))) == image.load()).all()
    assert dropped == {}


def test_files_of_records_appear_when_all_is_written_or_not_at_all(tmp_path: Path) -> None:
    def stops() -> None:
        with Records(tmp_path, "list") as records:
            records.add("train", {"a": 1})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stops()
    assert list(tmp_path.iterdir()) == []
    with Records(tmp_path, "list") as records:
        for number in range(2):
            records.add("train", {"a": number})
    assert json.loads((tmp_path / "train.json").read_text()) == [{"a": 0}, {"a": 1}]


def test_texts_that_would_be_taken_for_marks_are_not_written(tmp_path: Path) -> None:
    odd = sample("odd", [("user", "<image:0> What is <image>?"), ("assistant", "A mark.")], picture(1))
    dropped = Dropped()
    llava.write([vqa(), odd], tmp_path / "a", dropped)
    assert list(dropped.values()) == [1]
    openai.write([vqa()], tmp_path / "b", Dropped())
    (line,) = (tmp_path / "b" / "train.jsonl").read_text().splitlines()
    address = json.loads(line)["messages"][0]["content"][0]["image_url"]["url"]
    assert base64.b64decode(address.partition(",")[2]).startswith(b"\x89PNG")
