"""derived_vqa: questions about the pictures of other collections."""

import json
import logging
from collections import Counter
from pathlib import Path

import pytest
from tests.datasets.conftest import picture

from vesalius.datasets.collections import derived_vqa
from vesalius.errors import InputRefused

FIELD = "bccd/BCCD/JPEGImages/f.jpg"
RADIOGRAPH = "covid_chestxray/images/a.png"
CELLS = [("Platelets", 40, 30, 45, 35), ("Platelets", 1, 1, 9, 9), ("WBC", 5, 5, 20, 20)]


@pytest.fixture
def pack(tmp_path, make_covid, make_bccd) -> Path:
    rows = [{"filename": "a.png", "patientid": "1", "license": "CC BY", "modality": "X-ray", "finding": "SARS"}]
    make_covid(tmp_path / "covid_chestxray", rows)
    make_bccd(tmp_path / "bccd", {"f": CELLS})
    return tmp_path


def test_content_types_become_tasks_and_answers_stay_as_published(pack, make_questions):
    kinds = {"Modality": "modality", "Plane": "plane", "Diagnosis": "diagnosis", "Severity": "severity"}
    make_questions(pack, [(RADIOGRAPH, kind, f"{kind}?", "As Is") for kind in kinds])
    samples = list(derived_vqa.read(pack))
    assert [sample.task for sample in samples] == list(kinds.values())
    assert [turn.text for turn in samples[1].turns] == ["<image:0> Plane?", "As Is"]
    assert {sample.provenance.licence for sample in samples} == {"CC BY"}
    assert samples[0].labels == {"sars": "present"}
    assert len({id(sample.images[0]) for sample in samples}) == 1


def test_the_cells_that_are_asked_about_are_the_evidence_in_reading_order(pack, make_questions):
    asked = [("Presence", "Are platelets visible?", "yes"), ("Quantity", "How many white blood cells are visible?", "1")]
    make_questions(pack, [(FIELD, *question) for question in asked])
    presence, count = derived_vqa.read(pack)
    assert presence.turns[1].text == "yes <region:0> <region:1>"
    assert [region.geometry.low for region in presence.regions] == [(0, 0), (29, 39)]
    assert (count.turns[1].text, [r.label for r in count.regions]) == ("1 <region:0>", ["white blood cell"])


def test_an_answer_that_disagrees_with_the_boxes_is_kept_without_evidence(pack, make_questions, caplog):
    make_questions(pack, [(FIELD, "Quantity", "How many white blood cells are visible?", "2")])
    with caplog.at_level(logging.WARNING):
        (sample,) = derived_vqa.read(pack)
    assert (sample.turns[1].text, sample.regions) == ("2", ())
    assert "kept without evidence: 1" in caplog.text


def test_collections_without_a_reader_or_without_a_folder_are_skipped_with_a_count(tmp_path, make_covid, make_questions, caplog):
    make_covid(tmp_path / "covid_chestxray", [{"filename": "a.png", "patientid": "1"}])
    others = [("elsewhere/x.png", "Measurement", "How wide?", "1"), (FIELD, "Presence", "Are platelets visible?", "yes")]
    make_questions(tmp_path, [(RADIOGRAPH, "Plane", "Which?", "PA"), *others])
    with caplog.at_level(logging.WARNING):
        assert [sample.task for sample in derived_vqa.read(tmp_path)] == ["plane"]
    assert "Measurement questions about collections without a reader, skipped: 1" in caplog.text
    assert "about bccd, which is not here, skipped: 1" in caplog.text


def test_the_questions_own_folder_is_taken_as_well(pack, make_questions):
    make_questions(pack, [(RADIOGRAPH, "Plane", "Which?", "PA")])
    assert derived_vqa.recognizes(pack / "derived_vqa")
    assert len(list(derived_vqa.read(pack / "derived_vqa"))) == 1


def test_every_bad_record_is_told_with_its_row(pack, make_questions):
    make_questions(pack, [(RADIOGRAPH, "Plane", "Which?", "PA")] * 7)
    path = pack / "derived_vqa" / "vqa.json"
    records = json.loads(path.read_text())
    records[1]["answer"] = None
    records[2]["img_name"] = "covid_chestxray/images/secret.png"
    records[3]["img_name"] = "covid_chestxray/images/../images/a.png"
    records[4]["qid"] = 0
    records[5] = "text"
    records[6]["question"] = "<image:1>?"
    path.write_text(json.dumps(records))
    faults = []
    assert len(list(derived_vqa.read(pack, faults.append))) == 1
    codes = ["record_malformed", "media_missing", "media_missing", "record_malformed", "record_malformed", "special_token"]
    assert [(fault.where, fault.code) for fault in faults] == [(f"record {n}", code) for n, code in enumerate(codes, start=2)]
    with pytest.raises(InputRefused) as refused:
        list(derived_vqa.read(pack))
    assert "secret" not in str(refused.value.to_json())


def test_heads_and_clips_are_asked_about_but_not_in_the_exam(pack, make_questions):
    head = pack / "hc18_fetal_head"
    picture(head / "training_set" / "001_HC.png", 32, 24, 1)
    picture(head / "training_set" / "001_HC_Mask.png", 32, 24, 2)
    (head / "training_set_pixel_size_and_HC.csv").write_text(
        "filename,pixel size(mm),head circumference (mm)\n001_HC.png,0.1,70.5\n"
    )
    asked = [
        ("hc18_fetal_head/training_set/001_HC.png", "Measurement", "How long?", "70.5"),
        (RADIOGRAPH, "Plane", "Which?", "PA"),
    ]
    make_questions(pack, asked)
    of_head, of_chest = derived_vqa.read(pack)
    assert (of_head.task, of_head.turns[1].text, of_head.regions) == ("measurement", "70.5", ())
    assert [(m.name, m.value, m.region) for m in of_head.measurements] == [("head circumference", 70.5, None)]
    assert [sample.key for sample in derived_vqa.asked(pack)] == [of_chest.key]


@pytest.mark.parametrize("text", ["", "[{", "{}", "[]"])
def test_a_file_that_is_no_list_of_records_is_refused(pack, make_questions, text):
    make_questions(pack, [])
    (pack / "derived_vqa" / "vqa.json").write_text(text)
    with pytest.raises(InputRefused) as refused:
        list(derived_vqa.read(pack))
    assert refused.value.code == "bad_dataset"


def test_the_real_questions_become_the_published_number_of_samples(public_data: Path):
    faults = []
    exam = list(derived_vqa.asked(public_data, faults.append))
    published = {"modality": 508, "plane": 466, "diagnosis": 438, "severity": 75, "count": 608, "presence": 304}
    assert Counter(sample.task for sample in exam) == published
    assert len({id(sample.images[0]) for sample in exam}) == 508 + 304
    assert sum(len(s.regions) > 0 for s in exam if s.task == "presence") == 175
    samples = list(derived_vqa.read(public_data, faults.append))
    assert Counter(sample.task for sample in samples) == published | {"measurement": 66, "presence": 304 + 129}
    assert len({sample.key for sample in samples}) == 2594
    assert faults == []
