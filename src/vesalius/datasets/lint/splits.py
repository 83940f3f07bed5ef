"""Patients and studies that lie in two splits."""

from collections.abc import Iterator

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.seen import Asked, Seen

CODES = ("patient_across_splits", "study_across_splits")


class Check:
    """Keeps the split in which each was met first."""

    def __init__(self, asked: Asked) -> None:
        self._patients: dict[str, tuple[str, str]] = {}
        self._studies: dict[tuple[str, str], tuple[str, str, str]] = {}
        self._told: set[str | tuple[str, str]] = set()

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """Once each. A study is told where its patients do not say it: where every picture counts as a patient of its own."""
        origin = seen.sample.provenance
        if origin.split is None:
            return
        split, where = self._patients.setdefault(origin.patient_key, (origin.split, seen.where))
        if split != origin.split and origin.patient_key not in self._told:
            self._told.add(origin.patient_key)
            yield seen.fault("patient_across_splits", f"Its patient lies in {origin.split} here and in {split} at {where}.")
        name = (origin.source, origin.study_key)
        split, patient, where = self._studies.setdefault(name, (origin.split, origin.patient_key, seen.where))
        if split != origin.split and patient != origin.patient_key and name not in self._told:
            self._told.add(name)
            yield seen.fault("study_across_splits", f"Its study lies in {origin.split} here and in {split} at {where}.")

    def end(self) -> Iterator[Fault]:
        """Nothing more."""
        yield from ()
