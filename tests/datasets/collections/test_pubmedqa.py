"""pubmedqa: questions that abstracts answer."""

import json
from collections import Counter
from pathlib import Path

import pytest
from tests.datasets.collections.made import Told

from vesalius.datasets.collections import pubmedqa
from vesalius.errors import InputRefused

RECORD = {"QUESTION": "Does it help?", "CONTEXTS": ["We asked.", "It did."], "LABELS": ["AIM", "RESULTS"]}
RECORD |= {"LONG_ANSWER": "It helps.", "final_decision": "yes"}


def write(root: Path, file: str = "data/ori_pqal.json", **records: object) -> Path:
    (root / file).parent.mkdir(exist_ok=True)
    (root / file).write_text(json.dumps(records))
    return root


def test_a_question_is_answered_in_a_word_and_by_the_conclusion(tmp_path):
    decision, conclusion = pubmedqa.read(write(tmp_path, a=RECORD))
    assert decision.turns[0].text == "AIM: We asked.\nRESULTS: It did.\nQuestion: Does it help? Answer yes, no or maybe."
    assert (decision.turns[1].text, decision.options) == ("yes", ("yes", "no", "maybe"))
    assert (conclusion.turns[1].text, conclusion.options) == ("It helps.", ())
    assert decision.provenance.patient_key == conclusion.provenance.patient_key


def test_the_published_list_makes_the_test_and_a_part_of_a_file_is_not_read_twice(tmp_path):
    write(tmp_path, a=RECORD, b=RECORD)
    write(tmp_path, "data/ori_pqal_nontest.json", b=RECORD)
    write(tmp_path, "data/test_ground_truth.json", a="yes")
    samples = list(pubmedqa.read(tmp_path))
    assert Counter(sample.provenance.split for sample in samples) == {"test": 2, "train": 2}


def test_questions_without_a_label_have_their_conclusion_alone(tmp_path):
    (sample,) = pubmedqa.read(write(tmp_path, "ori_pqau.json", a={**RECORD, "final_decision": None, "LABELS": None}))
    assert (sample.task, sample.turns[0].text) == ("conclusion", "We asked.\nIt did.\nQuestion: Does it help?")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"QUESTION": ""}, "record_malformed"),
        ({"CONTEXTS": "text"}, "record_malformed"),
        ({"final_decision": "perhaps"}, "label_unknown"),
        ({"final_decision": None, "LONG_ANSWER": ""}, "answer_missing"),
        ({"LONG_ANSWER": "<region:0>"}, "special_token"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path, change, code):
    told = Told()
    samples = list(pubmedqa.read(write(tmp_path, a={**RECORD, **change}, b=RECORD), told.append))
    assert (len(samples), told.codes, told[0].where) == (2, [code], "record 1 of ori_pqal.json")


def test_a_file_that_is_cut_off_is_refused(tmp_path):
    write(tmp_path, a=RECORD)
    place = tmp_path / "data" / "ori_pqal.json"
    place.write_text(place.read_text()[:-5])
    with pytest.raises(InputRefused):
        list(pubmedqa.read(tmp_path))


def test_the_real_folder_has_the_published_counts(public_data: Path):
    told = Told()
    samples = list(pubmedqa.read(public_data / "pubmedqa", told.append))
    assert Counter(sample.task for sample in samples) == {"decision": 500, "conclusion": 500}
    assert Counter(s.turns[1].text for s in samples if s.options) == {"yes": 276, "no": 169, "maybe": 55}
    assert told == []
