"""slake: questions in two languages."""

import json
from collections import Counter
from pathlib import Path

from tests.datasets.collections.made import Told
from tests.datasets.conftest import picture

from vesalius.datasets.collections import slake

RECORD = {"img_name": "xmlab1/source.jpg", "question": "What modality is this?", "answer": "MRI", "q_lang": "en"}
RECORD |= {"modality": "MRI", "answer_type": "OPEN", "content_type": "Modality", "triple": ["vhead", "_", "_"]}


def write(root: Path, file: str, *records: object) -> Path:
    made = [{**RECORD, "qid": number, **record} if isinstance(record, dict) else record for number, record in enumerate(records)]
    (root / file).write_text(json.dumps(made), encoding="utf-8")
    return root


def test_a_question_has_its_picture_its_language_and_its_kind(tmp_path):
    picture(tmp_path / "imgs" / "xmlab1" / "source.jpg", 32, 24, 1)
    picture(tmp_path / "imgs" / "xmlab2" / "source.jpg", 32, 24, 2)
    other = {"img_name": "xmlab2/source.jpg", "question": "肺是异常的吗?", "answer": "不是", "q_lang": "zh"}
    other |= {"content_type": "Abnormality", "answer_type": "CLOSED", "modality": "CT"}
    write(tmp_path, "validate.json", other)
    first, second = slake.read(write(tmp_path, "train.json", {}))
    assert [turn.text for turn in first.turns] == ["<image:0> What modality is this?", "MRI"]
    assert (first.task, first.images[0].image.modality, first.provenance.split) == ("modality", "MR", "train")
    assert [turn.text for turn in second.turns] == ["<image:0> 肺是异常的吗?", "不是"]
    assert (second.task, second.provenance.annotation, second.provenance.split) == (
        "abnormality",
        "validate.json, zh, closed",
        "validation",
    )
    assert first.images[0].image.source.sha256 != second.images[0].image.source.sha256


def test_pictures_are_left_out_when_told_so_and_missing_otherwise(tmp_path):
    told = Told()
    assert list(slake.read(write(tmp_path, "test.json", {}), told.append)) == []
    assert [(fault.code, fault.where) for fault in told] == [("media_missing", "record 1 of test.json")]
    (sample,) = slake.read(tmp_path, text_alone=True)
    assert (sample.images, sample.turns[0].text) == ((), "What modality is this?")


def test_what_cannot_be_used_is_told(tmp_path):
    bad = [{"answer": " "}, {"question": ""}, {"qid": "a"}, "text", {"q_lang": "fr"}, {"answer": "<image:0>"}, {"img_name": 5}]
    told = Told()
    assert len(list(slake.read(write(tmp_path, "train.json", {}, *bad), told.append, text_alone=True))) == 1
    codes = ["answer_missing", *["record_malformed"] * 3, "label_unknown", "special_token", "record_malformed"]
    assert told.codes == codes


def test_the_real_folder_has_the_published_counts(public_data: Path):
    told = Told()
    samples = list(slake.read(public_data / "slake_text", told.append, text_alone=True))
    assert Counter(sample.provenance.split for sample in samples) == {"train": 9834, "validation": 2099}
    assert [(fault.code, fault.where) for fault in told] == [("answer_missing", "record 1623 of train.json")]
    languages = Counter(sample.provenance.annotation.split(", ")[1] for sample in samples)
    assert languages == {"en": 5971, "zh": 5962}
