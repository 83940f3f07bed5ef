"""Radiographs and blood smears of three public collections, and the published facts about them, as an exam."""

from pathlib import Path

from vesalius.datasets import first_real
from vesalius.types import Sample

CARD = """What: questions about covid_chestxray (radiographs) and bccd (smears), with the answers that derived_vqa takes from the
published annotations: modality, plane, diagnosis, severity, presence and count; and where the lungs, the platelets and the
white blood cells are. Canonical phrasings only.
Patients: the test split, a fifth of the patients by their keys (`datasets/split.py`). A folder named by the user gives all of
its patients: those that a model was trained or tuned on are left out by the evaluation.
Known limits: modality and diagnosis are one-sided. bccd names no patients; its fields of view are counted as such. The
collection is drawn from papers and is no sample of any clinic's patients. Diagnosis is not what a radiograph shows."""
SCOPED = False  # every question is asked, as it was when its first scores were published


def read(source: Path | None) -> list[Sample]:
    """The exam's samples.

    Args:
        source: a folder that holds one or more of the three collections; `VESALIUS_DATA` and its test split when None.

    Raises:
        MissingFromEnvironment: `missing_data`.
        InputRefused: `bad_dataset`, `input_missing`.
    """
    samples = list(first_real.read(None if source is None else str(source)))
    return [sample for sample in samples if source is not None or sample.provenance.split == "test"]
