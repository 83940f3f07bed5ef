"""`vesalius data split`: a dataset of ours with every patient in one split."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from vesalius.datasets.split import FRACTIONS, assign
from vesalius.datasets.store import table
from vesalius.workflows.outcome import Outcome

SPLITS = "By patient, a pure function of the patient's key: train {:.0%}, validation {:.0%}, test {:.0%}.".format(*FRACTIONS)


def split(folder: Path, *, out: Path, say: Callable[[str], None] = lambda _: None) -> Outcome:
    """Write a dataset of ours anew with every patient in one split, whatever was stated before.

    Raises:
        UsageError: `bad_option`: `out` holds a dataset.
        InputRefused: `bad_dataset`: `folder` is not a dataset of ours, or is damaged.
    """
    card = replace(table.card(folder), splits=SPLITS)
    counts = table.write(assign(table.read(folder)), out, card)
    parts = ", ".join(f"{number} {name}" for name, number in counts.most_common())
    return Outcome({"samples": counts.total(), "splits": dict(counts)}, f"{counts.total()} samples ({parts})")
