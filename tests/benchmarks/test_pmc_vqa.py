from pathlib import Path

import pytest
from tests.benchmarks import published

from vesalius.benchmarks import pmc_vqa
from vesalius.errors import InputRefused, UsageError


def papers(root: Path, **given: str) -> list[str]:
    return [sample.turns[0].text.removeprefix("<image:0> ") for sample in pmc_vqa.read(root, **given)]  # type: ignore[arg-type]


def test_each_of_the_three_tests_is_its_own_benchmark(tmp_path: Path) -> None:
    published.pmc_vqa(tmp_path)
    assert papers(tmp_path) == ["What is 1?", "What is 2?"]
    assert papers(tmp_path, part="version_1") == ["What is 1?", "What is 2?", "What is 3?"]
    assert papers(tmp_path, part="version_2") == ["What is 4?"]


def test_papers_of_the_training_table_can_be_left_out(tmp_path: Path) -> None:
    published.pmc_vqa(tmp_path)
    assert papers(tmp_path, part="unseen") == ["What is 2?"]
    assert papers(tmp_path, part="version_2_unseen") == []


def test_another_version_does_not_stand_in_for_one_that_is_not_there(tmp_path: Path) -> None:
    published.pmc_vqa(tmp_path)
    (tmp_path / "test_clean.csv").unlink()
    with pytest.raises(InputRefused, match="test_clean") as refused:
        pmc_vqa.read(tmp_path)
    assert refused.value.code == "bad_dataset"


def test_a_table_that_is_named_itself_is_read(tmp_path: Path) -> None:
    published.pmc_vqa(tmp_path)
    assert papers(tmp_path / "test.csv") == ["What is 1?", "What is 2?", "What is 3?"]


def test_pictures_of_training_are_not_looked_for(tmp_path: Path) -> None:
    published.pmc_vqa(tmp_path)
    (tmp_path / "train.csv").write_text((tmp_path / "train.csv").read_text().replace("PMC1", "PMC9"))
    assert papers(tmp_path, part="unseen") == ["What is 1?", "What is 2?"]


def test_a_part_that_there_is_not_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="version_2") as refused:
        pmc_vqa.read(tmp_path, part="version_3")
    assert refused.value.code == "unknown_name"
