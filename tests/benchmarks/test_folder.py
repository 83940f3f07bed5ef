from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from vesalius.benchmarks import folder
from vesalius.datasets.store import table
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Sample

CARD = table.Card("made", "made by code", "none", "as drawn", "a number each", "none")


@pytest.fixture
def samples(made: SimpleNamespace) -> list[Sample]:
    return [sample for number in range(4) for sample in made.patient_samples(number)]


def test_every_sample_of_a_folder_without_splits_is_asked(samples: list[Sample], tmp_path: Path) -> None:
    table.write(samples, tmp_path / "d", CARD)
    assert sorted(s.key for s in folder.read(tmp_path / "d")) == sorted(s.key for s in samples)


def test_of_a_folder_with_splits_the_test_split_is_asked(samples: list[Sample], tmp_path: Path) -> None:
    split = [replace(s, provenance=replace(s.provenance, split="test" if i < 3 else "train")) for i, s in enumerate(samples)]
    table.write(split, tmp_path / "d", CARD)
    assert [s.provenance.patient_key for s in folder.read(tmp_path / "d")] == ["patient000"] * 3


def test_no_folder_or_another_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        folder.read(None)
    assert caught.value.code == "bad_option"
    with pytest.raises(InputRefused):
        folder.read(tmp_path)
