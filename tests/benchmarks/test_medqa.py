from pathlib import Path

import pytest
from tests.benchmarks import published

from vesalius.benchmarks import medqa
from vesalius.errors import InputRefused


@pytest.mark.parametrize(
    ("part", "question"),
    [("published", "four?"), ("5_options", "five?"), ("mainland", "mainland?"), ("taiwan", "taiwan?")],
)
def test_each_test_is_one_file_and_no_other(tmp_path: Path, part: str, question: str) -> None:
    published.medqa(tmp_path)
    assert [sample.turns[0].text for sample in medqa.read(tmp_path, part=part)] == [question]


def test_four_options_lie_in_a_folder_of_their_own_as_hugging_face_has_them(tmp_path: Path) -> None:
    published.medqa(tmp_path)
    alone = tmp_path / "MedQA-USMLE-4-options"
    alone.mkdir()
    (tmp_path / "questions" / "US" / "4_options" / "phrases_no_exclude_test.jsonl").rename(
        alone / "phrases_no_exclude_test.jsonl"
    )
    assert len(medqa.read(alone)) == 1


def test_a_file_that_lies_there_twice_is_refused(tmp_path: Path) -> None:
    published.medqa(tmp_path)
    (tmp_path / "copy").mkdir()
    place = tmp_path / "questions" / "US" / "4_options" / "phrases_no_exclude_test.jsonl"
    (tmp_path / "copy" / place.name).write_bytes(place.read_bytes())
    with pytest.raises(InputRefused, match="several files"):
        medqa.read(tmp_path)
