from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from vesalius.benchmarks import folder, scoring
from vesalius.benchmarks.rules import rules_of
from vesalius.datasets.store import table
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Measurement, Sample

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


def test_a_size_is_right_within_a_share_of_the_true_one_in_whatever_unit_it_is_told(made: SimpleNamespace) -> None:
    stated = Measurement("diameter", 24.58, "mm", "greatest length of the mask")
    asked = [made.sample(f"p{i}", "measurement", "Measure the greatest diameter.", "24.6 mm") for i in range(6)]
    items = scoring.items_of([replace(one, measurements=(stated,)) for one in asked], rules_of("folder"))
    said = ["24.6 mm", "About 2.5 cm.", "26", "29 mm", "24.6 or 30 mm", "large"]
    values = scoring.values_of(items, [made.said(text) for text in said])
    assert values["within_fraction_0.1"].tolist() == [1, 1, 1, 0, 0, 0]
    assert values["within_fraction_0.25"].tolist() == [1, 1, 1, 1, 0, 0]
    assert values["parse_failure"].tolist() == [0, 0, 0, 0, 1, 1]


def test_two_sizes_at_once_are_taken_word_by_word(made: SimpleNamespace) -> None:
    stated = Measurement("axes", 24.58, "mm", "made"), Measurement("axes", 19.6, "mm", "made")
    one = replace(made.sample("p", "measurement", "How large is it?", "24.6 mm by 19.6 mm"), measurements=stated)
    (item,) = scoring.items_of([one], rules_of("folder"))
    assert (item.asked, item.measured) == (None, ("exact",))


def test_no_folder_or_another_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        folder.read(None)
    assert caught.value.code == "bad_option"
    with pytest.raises(InputRefused):
        folder.read(tmp_path)
