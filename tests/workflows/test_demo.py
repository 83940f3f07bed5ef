import json
from pathlib import Path

import pytest

from vesalius.types import NOTICE
from vesalius.workflows.demo import PATIENTS, demo
from vesalius.workflows.outcome import Outcome


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    out = tmp_path_factory.mktemp("tour")
    return demo(out=out, say=lambda _: None, exam_patients=3), out


def test_the_tour_asks_real_dicom_files_and_shows_answer_beside_truth(tour: tuple[Outcome, Path]) -> None:
    found, out = tour
    files = sorted(path for path in (out / "dicom").iterdir() if "masks" not in path.name)
    assert len(files) == PATIENTS + 1
    assert all(path.read_bytes()[128:132] == b"DICM" for path in files)
    page = (out / "index.html").read_text()
    assert page.count("<img") == PATIENTS
    assert NOTICE in page
    assert "://" not in page  # nothing is fetched; "http" alone can be four letters of a picture
    for item in found.data["asked"]:
        assert item["truth"]["text"]
        assert item["answer"]["model"]["name"] == "first_phantom"


def test_the_tour_asks_about_a_change_between_two_visits(tour: tuple[Outcome, Path]) -> None:
    compared = [item for item in tour[0].data["asked"] if "since the prior" in item["question"]]
    assert compared
    kinds = [e["kind"] for item in compared for s in item["answer"]["statements"] for e in s["evidence"]]
    assert "prior" in kinds


def test_the_tour_scores_beside_three_baselines(tour: tuple[Outcome, Path]) -> None:
    found, out = tour
    rows = found.data["scores"]["rows"]
    assert {"model", "majority", "text_only", "shuffled_image"} <= set(rows[0]["scores"])
    assert json.loads((out / "scores" / "scores.json").read_text())["rows"] == json.loads(json.dumps(rows))


def test_the_embedded_model_does_not_answer_about_a_real_ct(tour: tuple[Outcome, Path]) -> None:
    answer = tour[0].data["real"]["answer"]
    assert answer["abstained"]
    assert answer["reason"].startswith("out_of_scope")
    assert "What to type next" in tour[0].text
