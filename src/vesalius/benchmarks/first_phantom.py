"""Fresh simulated chest radiographs with every question that can be asked about them, as an exam."""

from pathlib import Path

from vesalius.datasets.phantoms import cohorts
from vesalius.errors import UsageError
from vesalius.types import Sample

CARD = """What: 200 simulated patients of the kind chest_xray, three in ten of them with a prior; every question that
`datasets/phantoms.py` asks, in its canonical wording: modality, plane, finding, presence, side, location, count, comparison and
a short report. Every truth is exact.
Patients: seeds from 900,000,000 on. Training takes seeds from 0 upwards, so that no patient was ever seen; the evaluation
checks it by the patients' keys all the same.
Known limit: what holds here holds on phantoms. It is no claim about patients."""

KIND, PATIENTS, FIRST_SEED = "chest_xray", 200, 900_000_000
SIZE_PX = 224  # as `vesalius phantom` writes them
SCOPED = False  # every question is asked, as it was when its first scores were published


def read(source: Path | None) -> list[Sample]:
    """The exam's samples, made anew, the same every time.

    Args:
        source: must be None: there is no folder to read.

    Raises:
        UsageError: `bad_option` when a folder is named.
    """
    if source is not None:
        raise UsageError(
            "bad_option", "first_phantom reads no folder. Its pictures are made. Leave `=DIR` away, or use folder=DIR."
        )
    patients = cohorts.stream(kind=KIND, patients=PATIENTS, size_px=SIZE_PX, first_seed=FIRST_SEED, split="test")
    return [sample for samples in patients for sample in samples]
