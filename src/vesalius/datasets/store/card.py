"""`CARD.md`: what a reader must know of a dataset before using it, and what was counted while it was written."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from vesalius.datasets.store.rows import contradiction
from vesalius.types import Sample


@dataclass(frozen=True)
class Card:
    """What a reader must know before using a dataset; each a sentence or more.

    `labels` says how the labels were made, `patients` what the unit of a split is, `splits` how it was chosen.
    """

    name: str
    source: str
    licence: str
    labels: str
    patients: str
    splits: str
    notes: str = ""


class Counts:
    """Samples by split and task, patients by split; and that no key stands twice.

    Of keys 16 bytes each are kept: they alone grow with the number of samples.
    """

    def __init__(self) -> None:
        self.keys: set[bytes] = set()
        self.samples: dict[str, Counter[str]] = {}
        self.patients: dict[str, set[bytes]] = {}

    def wrong(self, sample: Sample) -> tuple[str, str] | None:
        """The code of a fault, and in words why a sample cannot stand in a dataset with those before it; None when it can."""
        if said := contradiction(sample):
            return "record_malformed", f"It contradicts itself and could not be read again: {said} Mend what it is made from."
        if _short(sample.key) in self.keys:
            return "key_twice", "Two samples have one key. Neither could be found by it. Make keys unique."
        return None

    def add(self, sample: Sample) -> None:
        """Count one that nothing is wrong with."""
        self.add_row(sample.key, sample.task, sample.provenance.split, sample.provenance.patient_key)

    def add_row(self, key: str, task: str, split: str | None, patient_key: str) -> None:
        """Count one by what its row says."""
        self.keys.add(_short(key))
        self.samples.setdefault(split or "none", Counter())[task] += 1
        self.patients.setdefault(split or "none", set()).add(_short(patient_key))

    def by_split(self) -> Counter[str]:
        """How many samples stand in each split; "none" where there is none."""
        return Counter({split: sum(number.values()) for split, number in self.samples.items()})


def page(about: Card, counts: Counts) -> str:
    """The card's words, then what was counted."""
    said = {"Source": about.source, "Licence": about.licence, "How the labels were made": about.labels}
    said |= {"Patients": about.patients, "Splits": about.splits, "Notes": about.notes}
    parts = [f"# {about.name}", *(f"## {title}\n\n{text}" for title, text in said.items() if text)]
    return "\n\n".join([*parts, f"## Counts\n\n{_table(counts)}"]) + "\n"


def _table(counts: Counts) -> str:
    tasks = sorted({task for found in counts.samples.values() for task in found})
    lines: list[Iterable[str]] = [["split", "patients", "samples", *tasks], ["---"] * (3 + len(tasks))]
    for split, found in counts.samples.items():
        numbers: list[int] = [len(counts.patients[split]), found.total(), *(found[task] for task in tasks)]
        lines.append([split, *(str(number) for number in numbers)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _short(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
