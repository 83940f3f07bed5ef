from pathlib import Path

import pytest
from tests.benchmarks import published
from tests.datasets.collections.elsewhere import picture

from vesalius.benchmarks import vqa_med
from vesalius.errors import UsageError


def test_tests_of_all_years_are_asked_and_questions_to_be_found_are_not(tmp_path: Path) -> None:
    published.vqa_med(tmp_path)
    found = {(s.task, s.turns[1].text) for s in vqa_med.read(tmp_path)}
    assert found == {("modality", "ct"), ("plane", "axial"), ("vqa", "fracture")}


def test_a_picture_that_another_file_learns_from_can_be_left_out(tmp_path: Path) -> None:
    published.vqa_med(tmp_path)
    assert {s.task for s in vqa_med.read(tmp_path, part="unseen")} == {"modality", "vqa"}


def years(root: Path) -> None:
    """The three repositories as they are cloned, side by side."""
    for year, place in (("2019", "VQAMed2019Test"), ("2020", "Test"), ("2021", "TestSet-w-GroundTruth")):
        folder = root / f"VQA-Med-{year}" / place
        picture(folder / "images" / f"synpic{year}.jpg", int(year))
        if year == "2019":
            line = "synpic2019|modality|what is it?|answer of 2019\n"
            (folder / "VQAMed2019_Test_Questions_w_Ref_Answers.txt").write_text(line)
        else:
            (folder / f"VQA-Med-{year}-VQAnswering-Test-Questions.txt").write_text(f"synpic{year}|what is abnormal?\n")
            (folder / f"VQA-Med-{year}-VQAnswering-Test-ReferenceAnswers.txt").write_text(f"synpic{year}|answer of {year}\n")


def test_of_years_that_lie_side_by_side_all_are_asked_and_one_alone_where_it_is_named(tmp_path: Path) -> None:
    years(tmp_path)
    assert sorted(s.turns[1].text for s in vqa_med.read(tmp_path)) == [f"answer of {year}" for year in (2019, 2020, 2021)]
    assert [s.turns[1].text for s in vqa_med.read(tmp_path / "VQA-Med-2020")] == ["answer of 2020"]
    (tmp_path / "VQA-Med-2019").rename(tmp_path / "first year")
    (tmp_path / "VQA-Med-2021").rename(tmp_path / "third year")
    assert len(vqa_med.read(tmp_path)) == 3


def test_years_side_by_side_below_the_data_folder_are_not_one_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    years(tmp_path)
    monkeypatch.setenv("VESALIUS_DATA", str(tmp_path))
    with pytest.raises(UsageError) as caught:
        vqa_med.read(None)
    assert caught.value.code == "bad_option"
    assert "3 parts" in str(caught.value)
    years(tmp_path / "vqa_med")
    assert len(vqa_med.read(None)) == 3
