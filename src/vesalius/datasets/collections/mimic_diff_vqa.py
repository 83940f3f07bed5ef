"""mimic_diff_vqa: questions about chest radiographs of MIMIC-CXR and about what has changed since an earlier one.

What:       one table of questions, and one that says which picture a study's questions are about.
Layout:     `mimic_pair_questions.csv` with study_id, subject_id, ref_id, question_type, question, answer, split;
            `mimic_all.csv` with study_id, subject_id, dicom_id and, mostly, study_order. Pictures of MIMIC-CXR-JPG lie below the
            same folder, named by their dicom_id. With `text_alone` the pictures are left out.
Split unit: the patient, as in MIMIC-CXR. Splits as published.
Labels:     made by rules from the reports.
Defects:    answers are as good as the rules. A study that `mimic_all.csv` does not name is told.
Samples:    a question with its answer; `task` is its type. Of a question about a difference the study is the current picture and
            the reference the prior.
Licence:    credentialed access by PhysioNet: the files may not be passed on.
Source:     physionet.org/content/medical-diff-vqa.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.asked import asked
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, split_named
from vesalius.datasets.sources import RecordRefused, columns, table
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Sample, SampleImage

NAME = "mimic_diff_vqa"
LICENCE = "PhysioNet credentialed health data licence"
QUESTIONS, PICTURES = "mimic_pair_questions.csv", "mimic_all.csv"
DIFFERENCE = "difference"
_COLUMNS = {"study_id", "subject_id", "ref_id", "question_type", "question", "answer", "split"}


def recognizes(root: Path) -> bool:
    """Whether `root` holds both tables."""
    return (root / QUESTIONS).is_file() and (root / PICTURES).is_file() and set(columns(root / QUESTIONS)) >= _COLUMNS


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """Every question.

    Args:
        root: the folder with both tables and the pictures below it.
        tell: takes faults.
        text_alone: leave the pictures out.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset", f"The folder does not hold {QUESTIONS} and {PICTURES} with their columns. Give the published folder."
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    pictures = {row.get("study_id", ""): row.get("dicom_id", "") for _, row in table(root / PICTURES)}
    yield from source(table(root / QUESTIONS), lambda where, row: _sample(where, row, pictures, source))


def _sample(where: str, row: Any, pictures: dict[str, str], source: Source) -> Sample:
    task, studies = row["question_type"].strip().lower(), [row["study_id"]]
    if task == DIFFERENCE:
        studies.append(row["ref_id"])
    images = []
    for study in studies if not source.text_alone else ():
        if not pictures.get(study):
            raise RecordRefused("media_missing", f"{PICTURES} does not say which picture its study has.")
        images.append(source.pictures.open(f"{pictures[study]}.jpg", modality="XR"))
    patient = keys.key("mimic_cxr", row["subject_id"], salted=False)
    provenance = Provenance(
        NAME, LICENCE, patient, keys.key("mimic_cxr", row["study_id"], salted=False), task, split_named(row["split"])
    )
    key = source.unique(f"{NAME}-{keys.key(NAME, row['study_id'], row['ref_id'], row['question'], salted=False)}")
    sample = asked(key, task, row["question"], row["answer"], images, provenance)
    roles = ("current", "prior")
    return replace(sample, images=tuple(SampleImage(role, image) for role, image in zip(roles, images, strict=False)))  # type: ignore[arg-type]
