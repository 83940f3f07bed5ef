"""derived_vqa: questions about the pictures of other collections."""

import json
import logging
from collections import Counter
from pathlib import Path

import pytest

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
    others = [("hc18/x.png", "Measurement", "How wide?", "1"), (FIELD, "Presence", "Are platelets visible?", "yes")]
    make_questions(tmp_path, [(RADIOGRAPH, "Plane", "Which?", "PA"), *others])
    with caplog.at_level(logging.WARNING):
        assert [sample.task for sample in derived_vqa.read(tmp_path)] == ["plane"]
    assert "Measurement questions about collections without a reader, skipped: 1" in caplog.text
    assert "about bccd, which is not here, skipped: 1" in caplog.text


def test_the_questions_own_folder_is_taken_as_well(pack, make_questions):
    make_questions(pack, [(RADIOGRAPH, "Plane", "Which?", "PA")])
    assert derived_vqa.recognizes(pack / "derived_vqa")
    assert len(list(derived_vqa.read(pack / "derived_vqa"))) == 1


def test_every_bad_record_is_listed_with_its_row(pack, make_questions):
    make_questions(pack, [(RADIOGRAPH, "Plane", "Which?", "PA")] * 6)
    path = pack / "derived_vqa" / "vqa.json"
    records = json.loads(path.read_text())
    records[1]["answer"] = None
    records[2]["img_name"] = "covid_chestxray/images/secret.png"
    records[3]["img_name"] = "covid_chestxray/images/../images/a.png"
    records[4]["qid"] = 0
    records[5] = "text"
    path.write_text(json.dumps(records))
    with pytest.raises(InputRefused) as refused:
        list(derived_vqa.read(pack))
    assert [problem.key for problem in refused.value.problems] == [f"record {n}" for n in (2, 3, 4, 5, 6)]
    assert "secret" not in str(refused.value.to_json())


@pytest.mark.parametrize("text", ["", "[{", "{}", "[]"])
def test_a_file_that_is_no_list_of_records_is_refused(pack, make_questions, text):
    make_questions(pack, [])
    (pack / "derived_vqa" / "vqa.json").write_text(text)
    with pytest.raises(InputRefused) as refused:
        list(derived_vqa.read(pack))
    assert refused.value.code == "bad_dataset"


def test_the_real_questions_become_the_published_number_of_samples(public_data: Path):
    samples = list(derived_vqa.read(public_data))
    published = {"modality": 508, "plane": 466, "diagnosis": 438, "severity": 75, "count": 608, "presence": 304}
    assert Counter(sample.task for sample in samples) == published
    assert len({sample.key for sample in samples}) == 2399
    assert len({id(sample.images[0]) for sample in samples}) == 508 + 304
    assert sum(len(s.regions) > 0 for s in samples if s.task == "presence") == 175
