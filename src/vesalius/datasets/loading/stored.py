"""Stored datasets as what a recipe learns from: the questions in them, by split."""

from collections.abc import Iterator
from dataclasses import replace

from vesalius.datasets.split import by_patient
from vesalius.datasets.store import table
from vesalius.errors import InputRefused
from vesalius.types import Sample


def training(folders: tuple[str, ...], tasks: tuple[str, ...] = ()) -> Iterator[Sample]:
    """Every sample of the folders that asks something and has the answer; pictures are decoded when they are prepared.

    Splits are those of the folders; a sample without one is split by its patient.

    Args:
        folders: datasets as `vesalius data convert` and `vesalius data compose` write them, or addresses of such.
        tasks: kinds of question to keep; all when none is named.

    Raises:
        InputRefused: `bad_dataset`; `empty_split`: there is no question with its answer among the samples.
    """
    found = False
    for folder in folders:
        for sample in table.read(folder):
            is_asked = bool(sample.turns) and sample.turns[-1].role == "assistant"
            if not is_asked or (tasks and sample.task not in tasks):
                continue
            found = True
            split = sample.provenance.split or by_patient(sample.provenance.patient_key)
            yield replace(sample, provenance=replace(sample.provenance, split=split))
    if not found:
        raise InputRefused(
            "empty_split",
            "The folders hold no question with its answer, or none of the tasks that are named. There is nothing to learn. "
            "`vesalius data compose` makes questions of annotations.",
        )
