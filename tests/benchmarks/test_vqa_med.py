from pathlib import Path

from tests.benchmarks import published

from vesalius.benchmarks import vqa_med


def test_tests_of_all_years_are_asked_and_questions_to_be_found_are_not(tmp_path: Path) -> None:
    published.vqa_med(tmp_path)
    found = {(s.task, s.turns[1].text) for s in vqa_med.read(tmp_path)}
    assert found == {("modality", "ct"), ("plane", "axial"), ("vqa", "fracture")}


def test_a_picture_that_another_file_learns_from_can_be_left_out(tmp_path: Path) -> None:
    published.vqa_med(tmp_path)
    assert {s.task for s in vqa_med.read(tmp_path, part="unseen")} == {"modality", "vqa"}
