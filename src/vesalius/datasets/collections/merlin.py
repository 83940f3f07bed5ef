"""merlin: abdominal CT volumes with reports, and a table of thirty findings.

What:       volumes, one a study, with reports and labels for some of them.
Layout:     `zero_shot_findings_disease_cls.csv`, whose first column is the study and whose others are findings;
            `reports_final.xlsx` with study id, Findings and Split; volumes `<study>.nii.gz` anywhere below the same folder.
            Either table may be missing. With `text_alone` the volumes are left out.
Split unit: the study; patients are not named. The split is the report table's.
Labels:     1 present, 0 absent, -1 not mentioned, taken from the reports.
Defects:    the table of findings says nothing of studies that it does not name. A report is cut at the word IMPRESSION.
Samples:    one annotation a study of either table: its report, its labels.
Licence:    as its publisher states; not looked up.
Source:     github.com/StanfordMIMI/Merlin; arXiv 2406.06512.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.collections import sheet
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, split_named
from vesalius.datasets.sources import RecordRefused, columns, table
from vesalius.errors import InputRefused
from vesalius.types import Finding, Provenance, Report, Sample, SampleImage

NAME = "merlin"
LICENCE = "as its publisher states"
FINDINGS, REPORTS = "zero_shot_findings_disease_cls.csv", "reports_final.xlsx"
STATES: dict[str, Finding] = {"1": "present", "0": "absent", "-1": "not_mentioned"}
_CUT = "IMPRESSION:"


def recognizes(root: Path) -> bool:
    """Whether `root` holds one of the tables."""
    return root.is_dir() and ((root / FINDINGS).is_file() or (root / REPORTS).is_file())


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """Every study of the tables.

    Args:
        root: the folder with the tables and volumes below it.
        tell: takes faults.
        text_alone: leave the volumes out.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset", f"The folder holds neither {FINDINGS} nor {REPORTS}. There is nothing to read. Give the one that does."
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    labels = _labels(root / FINDINGS)
    reports = {row.get("study id", ""): row for _, row in sheet.rows(root / REPORTS)} if (root / REPORTS).is_file() else {}
    studies = [study for study in dict.fromkeys([*reports, *labels]) if study]
    found = ((f"study {number}", study) for number, study in enumerate(studies, start=1))
    yield from source(found, lambda _, study: _sample(study, reports.get(study, {}), labels.get(study, {}), source))


def _labels(place: Path) -> dict[str, dict[str, Finding]]:
    if not place.is_file():
        return {}
    identity = columns(place)[0]
    found: dict[str, dict[str, Finding]] = {}
    for where, row in table(place):
        cells = {name: cell.strip().removesuffix(".0") for name, cell in row.items() if name.strip() != identity}
        if any(cell not in STATES for cell in cells.values()):
            raise InputRefused(
                "bad_dataset", f"{where} of {FINDINGS} has a cell that is none of 1, 0 and -1. Copy the table again."
            )
        study = next((cell for name, cell in row.items() if name.strip() == identity), "")
        found[study] = {name.strip().replace("_", " ").lower(): STATES[cell] for name, cell in cells.items()}
    return found


def _sample(study: str, row: Mapping[str, Any], labels: Mapping[str, Finding], source: Source) -> Sample:
    text = str(row.get("Findings", "")).strip()
    if not text and not labels:
        raise RecordRefused("answer_missing", "The study has neither a report nor labels.")
    if questions.has_placeholder(text):
        raise RecordRefused("special_token", "Its report holds our own placeholders.")
    findings, _, impression = text.partition(_CUT)
    report = Report(findings.removeprefix("FINDINGS:").strip(), impression.strip()) if text else None
    shown = () if source.text_alone else (SampleImage("current", source.pictures.open(f"{study}.nii.gz", modality="CT")),)
    key = keys.key(NAME, study, salted=False)
    provenance = Provenance(NAME, LICENCE, key, key, "report and findings", split_named(str(row.get("Split", ""))))
    return Sample(f"{NAME}-{key}", "annotation", shown, (), provenance, labels=labels, report=report)
