"""What a dataset holds, counted while its samples pass by, and a fair choice of them to look at."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from vesalius.types import Sample


@dataclass
class Tally:
    """Counts of one dataset; patients and pictures are counted once each."""

    samples: int = 0
    patients: set[str] = field(default_factory=set)
    pictures: dict[str, str] = field(default_factory=dict)  # sha256 → what it is
    splits: Counter[str] = field(default_factory=Counter)
    tasks: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    regions: Counter[str] = field(default_factory=Counter)
    measurements: Counter[str] = field(default_factory=Counter)
    reports: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)

    def add(self, sample: Sample) -> None:
        """Count one sample."""
        self.samples += 1
        self.patients.add(sample.provenance.patient_key)
        for shown in sample.images:
            image = shown.image
            self.pictures[image.source.sha256] = f"{image.modality or 'modality unknown'} {image.kind}"
        self.splits[sample.provenance.split or "none"] += 1
        self.tasks[sample.task] += 1
        self.labels.update(f"{name}: {state.replace('_', ' ')}" for name, state in sample.labels.items())
        self.regions.update(f"{region.label} ({type(region.geometry).__name__.lower()})" for region in sample.regions)
        self.measurements.update(f"{found.name} ({found.unit})" for found in sample.measurements)
        if sample.report is not None:
            self.reports[sample.report.language] += 1
        self.sources[f"{sample.provenance.source}: {sample.provenance.licence}"] += 1

    def counts(self) -> dict[str, dict[str, int]]:
        """Each group of counts by its name, most frequent first; groups that count nothing are left out."""
        groups = {
            "split": self.splits,
            "task": self.tasks,
            "picture": Counter(self.pictures.values()),
            "label": self.labels,
            "region": self.regions,
            "measurement": self.measurements,
            "report": self.reports,
            "source and licence": self.sources,
        }
        return {name: dict(group.most_common()) for name, group in groups.items() if group}


def choose(samples: Iterable[Sample], most: int, tally: Tally, *, seed: int = 0) -> list[Sample]:
    """At most `most` samples out of a stream, from every task in turn, each sample of a task as likely as any other.

    All of them are counted in `tally`. Memory holds `most` samples of each task.
    """
    rng = random.Random(seed)
    kept: dict[str, list[Sample]] = {}
    for sample in samples:
        tally.add(sample)
        pool = kept.setdefault(sample.task, [])
        if len(pool) < most:
            pool.append(sample)
        elif (place := rng.randrange(tally.tasks[sample.task])) < most:
            pool[place] = sample
    for pool in kept.values():
        rng.shuffle(pool)  # a pool's first places are its first comers' otherwise
    return list(_in_turn([kept[task] for task in sorted(kept)], most))


def _in_turn(pools: list[list[Sample]], most: int) -> Iterator[Sample]:
    given = 0
    for row in range(max((len(pool) for pool in pools), default=0)):
        for pool in pools:
            if row < len(pool) and given < most:
                given += 1
                yield pool[row]
