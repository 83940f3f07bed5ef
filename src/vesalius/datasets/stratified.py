"""Splits with the same share of every label and task, made of units that are never parted: patients, sites, who is linked.

Rare strata are dealt out first: each of their units goes to the split that lacks most of that stratum. The order of units is
that of a hash of their keys, so that the same dataset is always split in the same way and nobody chooses.

Source: Sechidis, Tsoumakas, Vlahavas 2011, On the Stratification of Multi-Label Data, Algorithm 1; units in place of examples,
all units of a stratum before the next is chosen, and no draws.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable

from vesalius.datasets.split import SPLITS, Split
from vesalius.types import PLACEHOLDER, Sample

MOST_STRATA = 500
LONGEST_ANSWER = 24  # characters: answers that are classes, not sentences
_EVERY = "sample"


class Units:
    """Groups of patients that must not be parted, and how many samples of each stratum they have."""

    def __init__(self, by: str = "patient") -> None:
        self.by = by
        self._parents: dict[str, str] = {}
        self._strata: dict[str, Counter[str]] = {}  # by patient

    def add(self, sample: Sample) -> None:
        """Count a sample; by site, it links its patient to the site's others."""
        origin = sample.provenance
        self._root(origin.patient_key)
        self._strata.setdefault(origin.patient_key, Counter()).update(strata(sample))
        if self.by == "site" and origin.site is not None:
            self.link(origin.patient_key, f"site {origin.site}")

    def link(self, one: str, other: str) -> None:
        """Never part these two."""
        first, second = sorted((self._root(one), self._root(other)))
        self._parents[second] = first

    def groups(self) -> dict[str, list[str]]:
        """The patients of each unit, by the unit's key: the least of its members'."""
        found: dict[str, list[str]] = {}
        for patient in self._strata:
            found.setdefault(self._root(patient), []).append(patient)
        return {min(patients): sorted(patients) for patients in found.values()}

    def counts(self, patients: Iterable[str]) -> Counter[str]:
        """Samples of each stratum."""
        found = Counter[str]()
        for patient in patients:
            found.update(self._strata[patient])
        return found

    def _root(self, key: str) -> str:
        parent = self._parents.setdefault(key, key)
        while parent != self._parents[parent]:
            self._parents[key] = self._parents[parent]
            key, parent = parent, self._parents[parent]
        return parent


def strata(sample: Sample) -> set[str]:
    """What a sample counts for: itself, its task, its findings and its short answers."""
    found = {_EVERY, f"task {sample.task}"}
    found |= {f"{name} {state}" for name, state in sample.labels.items()}
    found |= {f"region {region.label}" for region in sample.regions}
    answers = [turn.text for turn in sample.turns if turn.role == "assistant"]
    if answers and len(said := PLACEHOLDER.sub("", answers[-1]).strip().casefold()) <= LONGEST_ANSWER:
        found.add(f"{sample.task}: {said}")
    return found


def dealt(units: Units, fractions: tuple[float, float, float], *, seed: int = 0) -> dict[str, Split]:
    """The split of each patient.

    Args:
        units: of the whole dataset.
        fractions: of train, validation and test; each in [0, 1], together 1. What units allow, at the best.
        seed: another number deals in another order.
    """
    groups = units.groups()
    counts = {unit: units.counts(patients) for unit, patients in groups.items()}
    totals = Counter[str]()
    for of_unit in counts.values():
        totals.update(of_unit)
    kept = {name for name, _ in totals.most_common(MOST_STRATA)}
    wanted = {split: {name: share * totals[name] for name in kept} for split, share in zip(SPLITS, fractions, strict=True)}
    open_splits = [split for split, share in zip(SPLITS, fractions, strict=True) if share > 0]
    order = sorted(groups, key=lambda unit: _position(unit, seed))
    having: dict[str, list[str]] = {name: [] for name in kept}
    for unit in order:
        for name in counts[unit]:
            if name in kept:
                having[name].append(unit)
    found: dict[str, Split] = {}
    # Rare first; what every sample is comes last of those that are equally frequent.
    for name in sorted(kept, key=lambda name: (len(having[name]), name == _EVERY, name)):
        for unit in sorted((u for u in having[name] if u not in found), key=lambda u: -counts[u][name]):
            best = max(open_splits, key=lambda split: (wanted[split][name], wanted[split][_EVERY]))
            found[unit] = best
            for each, number in counts[unit].items():
                if each in kept:
                    wanted[best][each] -= number
    return {patient: found[unit] for unit, patients in groups.items() for patient in patients}


def _position(unit: str, seed: int) -> bytes:
    return hashlib.sha256(f"vesalius stratified 1|{seed}|{unit}".encode()).digest()
