"""Splits by patient."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.datasets import split
from vesalius.datasets.collections import bccd, covid_chestxray, derived_vqa


def test_a_patients_split_never_changes():
    # Published checkpoints were trained on these; a change here tests them on their own patients.
    pinned = ["train", "train", "train", "test", "train", "train", "train", "test"]
    assert [split.by_patient(f"patient {n}") for n in range(8)] == pinned


@settings(max_examples=30, deadline=None)
@given(st.tuples(st.integers(0, 10), st.integers(0, 10), st.integers(1, 10)))
def test_fractions_hold_for_many_patients(weights: tuple[int, int, int]):
    fractions = tuple(w / sum(weights) for w in weights)
    drawn = Counter(split.by_patient(str(n), fractions=fractions) for n in range(2000))
    for name, fraction in zip(split.SPLITS, fractions, strict=True):
        assert drawn[name] / 2000 == pytest.approx(fraction, abs=0.05)


def test_a_larger_test_fraction_takes_patients_from_validation_only():
    before = {n: split.by_patient(str(n), fractions=(0.7, 0.2, 0.1)) for n in range(500)}
    after = {n: split.by_patient(str(n), fractions=(0.7, 0.1, 0.2)) for n in range(500)}
    assert {before[n] for n in before if before[n] != after[n]} == {"validation"}


def test_assigning_other_fractions_replaces_the_split_and_nothing_else(tmp_path, make_bccd):
    samples = list(bccd.asked(make_bccd(tmp_path, {f"field {n}": [("WBC", 1, 1, 9, 9)] for n in range(4)})))
    assigned = list(split.assign(samples, fractions=(0.0, 0.0, 1.0)))
    assert {sample.provenance.split for sample in assigned} == {"test"}
    assert [sample.turns for sample in assigned] == [sample.turns for sample in samples]


def test_no_patient_of_the_real_collections_is_in_two_splits_and_fractions_hold_roughly(public_data: Path):
    readers = {covid_chestxray: "covid_chestxray", bccd: "bccd", derived_vqa: "."}
    samples = [s for reader, folder in readers.items() for s in reader.asked(public_data / folder, lambda fault: None)]
    splits, files = defaultdict(set), defaultdict(set)
    for sample in samples:
        splits[sample.provenance.patient_key].add(sample.provenance.split)
        files[sample.images[0].image.source.sha256].add(sample.provenance.split)
    assert len(splits) == 285 + 270
    assert all(len(found) == 1 for found in splits.values())
    assert all(len(found) == 1 for found in files.values())
    drawn = Counter(next(iter(found)) for found in splits.values())
    for name, fraction in zip(split.SPLITS, split.FRACTIONS, strict=True):
        assert drawn[name] / len(splits) == pytest.approx(fraction, abs=0.04)
