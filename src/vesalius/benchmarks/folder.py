"""Any dataset in our own layout, as an exam."""

from pathlib import Path

from vesalius.datasets.store import table
from vesalius.errors import UsageError
from vesalius.generate.answers import Form
from vesalius.types import Sample

CARD = """What: every sample of a folder in our Parquet layout (`samples.parquet`, `media/`, `CARD.md`).
Patients: all in the folder, or those of its test split when the samples name one; those that a model was trained on are left
out by the evaluation.
Questions: as they stand in the folder; the last assistant turn is the truth. Which metric scores which task:
`benchmarks/scoring.py`. A question for one measurement is answered with a number, in its unit or one that is converted to it,
and right within a share of the true value: millimeters and square millimeters are not to be averaged.
Known limit: questions for two sizes at once are right word by word or wrong; points are not scored by their place. Samples
without an assistant turn at the end are left out."""


def _form(sample: Sample) -> Form | None:
    """A number where one measurement is asked for, one of the options where there are some; all else as it stands."""
    if sample.task == "measurement" and len(sample.measurements) == 1:
        return "number"
    return "option" if sample.options else None


FORM = _form
METRICS = {"number": ("within_fraction_0.1", "within_fraction_0.25")}
SCOPED = False  # every question is asked, as it was when its first scores were published


def read(source: Path | None) -> list[Sample]:
    """All samples of the folder, or those whose split is "test" when there are any.

    Args:
        source: a folder in our own layout; required.

    Raises:
        UsageError: `bad_option` when no folder is named.
        InputRefused: as `datasets.store.read`.
    """
    if source is None:
        raise UsageError(
            "bad_option", "The benchmark `folder` needs a folder. It has no questions of its own. Say --benchmark folder=DIR."
        )
    samples = list(table.read(source))
    held_out = [sample for sample in samples if sample.provenance.split == "test"]
    return held_out or samples
