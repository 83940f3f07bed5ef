import json
from pathlib import Path

from tests.benchmarks import published

from vesalius.benchmarks import omnimedvqa
from vesalius.datasets.split import by_patient


def test_the_restricted_part_is_asked_only_where_that_is_said(tmp_path: Path) -> None:
    published.omnimedvqa(tmp_path)
    assert {s.provenance.site for s in omnimedvqa.read(tmp_path)} == {"ACRIMA"}
    assert {s.provenance.site for s in omnimedvqa.read(tmp_path, part="restricted")} == {"ACRIMA", "Closed"}


def test_without_a_published_split_nothing_is_unseen_or_seen_and_a_division_by_picture_is_offered(tmp_path: Path) -> None:
    published.omnimedvqa(tmp_path)
    place = tmp_path / "QA_information" / "Open-access" / "ACRIMA.json"
    (record,) = json.loads(place.read_text())
    names = [f"Images/ACRIMA/{number}.png" for number in range(40)]
    for number, name in enumerate(names):
        published.picture(tmp_path / name, number)
    many = [{**record, "image_path": name, "question_id": name} for name in names]
    place.write_text(json.dumps(many))
    every, unseen, fifth = (omnimedvqa.read(tmp_path, part=part) for part in ("published", "unseen", "by_patient"))
    assert len(every) == len(unseen) > 40
    assert {s.key for s in fifth} == {s.key for s in every if by_patient(s.provenance.patient_key) == "test"}
    assert 0 < len(fifth) < 20
