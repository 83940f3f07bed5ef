"""`vesalius data split`: nobody parted, frozen in the card, and checked."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.datasets.lint import clean

from vesalius.datasets.split import by_patient
from vesalius.datasets.store import table
from vesalius.errors import InputRefused, UsageError
from vesalius.types import SampleImage
from vesalius.workflows.data.split import split

CARD = table.Card("made", "code", "CC0-1.0", "by code", "a patient", "none")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Twenty patients; the picture of the last is that of the first, mirrored."""
    samples = [clean.sample(number) for number in range(20)]
    twin = np.ascontiguousarray(clean.pixels(0)[:, ::-1])
    samples[19] = replace(samples[19], images=(SampleImage("current", clean.image(twin)),))
    table.write(samples, tmp_path / "data", CARD)
    return tmp_path / "data"


def splits(folder: Path) -> dict[str, str | None]:
    return {sample.provenance.patient_key: sample.provenance.split for sample in table.read(folder)}


def test_splits_have_their_shares_and_patients_with_like_pictures_stay_together(tmp_path: Path, dataset: Path) -> None:
    for seed in range(4):
        outcome = split(dataset, out=tmp_path / f"parts {seed}", seed=seed)
        found = splits(tmp_path / f"parts {seed}")
        assert found["patient 0"] == found["patient 19"]
        assert (outcome.data["links"], outcome.data["units"], outcome.data["patients"]) == (1, 19, 20)
        assert 12 <= Counter(found.values())["train"] <= 16


def test_they_may_be_parted_when_asked_and_the_key_alone_decides_without_strata(tmp_path: Path, dataset: Path) -> None:
    split(dataset, out=tmp_path / "parts", stratify=False, together=False)
    assert splits(tmp_path / "parts") == {f"patient {n}": by_patient(f"patient {n}") for n in range(20)}


def test_splitting_again_gives_the_same_bytes(tmp_path: Path, dataset: Path) -> None:
    for name in ("one", "two"):
        split(dataset, out=tmp_path / name)
    assert (tmp_path / "one" / "CARD.md").read_bytes() == (tmp_path / "two" / "CARD.md").read_bytes()
    assert (tmp_path / "one" / "samples.parquet").read_bytes() == (tmp_path / "two" / "samples.parquet").read_bytes()


def test_a_frozen_split_holds_and_a_changed_one_is_told(tmp_path: Path, dataset: Path) -> None:
    parts = tmp_path / "parts"
    split(dataset, out=parts)
    assert "## Frozen" in (parts / "CARD.md").read_text()
    assert (split(parts, check=True).exit_code, split(parts, check=True).data["holds"]) == (0, True)
    samples = list(table.read(parts))
    moved = [replace(s, provenance=replace(s.provenance, split="test")) if n == 3 else s for n, s in enumerate(samples)]
    assert samples[3].provenance.split != "test"
    table.write(moved, tmp_path / "moved", table.card(parts))
    (parts / "samples.parquet").write_bytes((tmp_path / "moved" / "samples.parquet").read_bytes())
    outcome = split(parts, check=True)
    assert outcome.exit_code == 4
    assert any("test" in line for line in outcome.data["wrong"])
    assert "the manifest is another file than the one that was frozen" in outcome.data["wrong"]


def test_what_is_not_frozen_and_options_that_cannot_be_are_refused(tmp_path: Path, dataset: Path) -> None:
    with pytest.raises(InputRefused):
        split(dataset, check=True)
    for options in ({}, {"out": tmp_path / "o", "by": "scanner"}, {"out": tmp_path / "o", "fractions": (0.5, 0.1, 0.1)}):
        with pytest.raises(UsageError):
            split(dataset, **options)
