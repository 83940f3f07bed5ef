"""Which split a patient belongs to: a pure function of the patient's key, the same everywhere and for ever."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from vesalius.types import Sample

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
FRACTIONS = (0.7, 0.1, 0.2)
# Hashed with every key. Changing it moves patients between splits: published checkpoints would be tested on patients
# that they were trained on.
_SALT = "vesalius split 1"


def by_patient(patient_key: str, *, fractions: tuple[float, float, float] = FRACTIONS) -> Split:
    """The split of a patient, from nothing but the key.

    A patient's split depends neither on the other patients nor on their order, so a folder with other patients, or
    with some missing, splits the same. The fractions hold in expectation, not exactly.

    Args:
        patient_key: as in `Provenance.patient_key`.
        fractions: of train, validation and test; each in [0, 1], together 1. Raising test at the cost of validation
            only moves validation patients: the order on the line is train, validation, test.
    """
    assert abs(sum(fractions) - 1.0) < 1e-9, "fractions must add up to 1"
    assert min(fractions) >= 0.0, "fractions must not be negative"
    digest = hashlib.sha256(f"{_SALT}|{patient_key}".encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64  # uniform in [0, 1)
    if position < fractions[0]:
        return "train"
    return "validation" if position < fractions[0] + fractions[1] else "test"


def assign(samples: Iterable[Sample], *, fractions: tuple[float, float, float] = FRACTIONS) -> Iterator[Sample]:
    """The samples with `provenance.split` set by patient; whatever stood there is replaced."""
    for sample in samples:
        split = by_patient(sample.provenance.patient_key, fractions=fractions)
        yield replace(sample, provenance=replace(sample.provenance, split=split))
