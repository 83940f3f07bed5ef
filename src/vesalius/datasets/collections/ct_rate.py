"""ct_rate: chest CT volumes with reports and labels of eighteen abnormalities.

What:       volumes, one or several reconstructions of each scan, with the scan's report.
Layout:     tables anywhere below one folder: reports with VolumeName, Findings_EN, Impressions_EN and, mostly,
            ClinicalInformation_EN and Technique_EN; labels with VolumeName and a column of 0 and 1 an abnormality; metadata with
            VolumeName, Manufacturer, ManufacturerModelName, PatientSex and PatientAge ("060Y"), which may be missing. Volumes
            `train_1/train_1_a/train_1_a_1.nii.gz` lie anywhere below the same folder. With `text_alone` they are left out.
Split unit: the patient, `train_1`. The split is the volume's name: `train` or `valid` (which becomes validation).
Labels:     found in the reports by a program: 1 present, 0 absent.
Defects:    one scan's reconstructions share its report, so that one text stands in several samples.
Samples:    one annotation a volume: its report, its labels, its scanner, the patient's age and sex. Technique and clinical
            information are left out.
Licence:    as its publisher states; not looked up.
Source:     huggingface.co/datasets/ibrahimhamamci/CT-RATE; Hamamci et al. 2024, arXiv 2403.17834.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from vesalius.clinical import keys
from vesalius.clinical.scanner import scanner_of
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, split_named
from vesalius.datasets.sources import Files, RecordRefused, columns, table
from vesalius.errors import InputRefused
from vesalius.types import Finding, Provenance, Report, Sample, SampleImage

NAME = "ct_rate"
LICENCE = "as its publisher states"
STATES: dict[str, Finding] = {"1": "present", "0": "absent"}
_REPORTS = {"VolumeName", "Findings_EN", "Impressions_EN"}
_ABOUT = {"VolumeName", "Manufacturer"}
_SEXES: dict[str, Literal["F", "M"]] = {"F": "F", "M": "M"}
_AGE = re.compile(r"(\d{3})Y")
_KNOWN = "Cardiomegaly"  # one of the eighteen: other tables have VolumeName as well


def recognizes(root: Path) -> bool:
    """Whether a table of reports lies in `root` or one or two folders below."""
    if not root.is_dir():
        return False
    tables = [place for pattern in ("*.csv", "*/*.csv", "*/*/*.csv") for place in sorted(root.glob(pattern))[:50]]
    return any(set(columns(place)) >= _REPORTS for place in tables)


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """Every volume that has a report.

    Args:
        root: the folder with tables and volumes below it.
        tell: takes faults.
        text_alone: leave the volumes out.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    tables = {place: set(columns(place)) for place in Files(root).having((".csv",))}
    reports = [place for place, names in tables.items() if names >= _REPORTS]
    if not reports:
        raise InputRefused(
            "bad_dataset", "No table below the folder has CT-RATE's reports. There is nothing to read. Give the published folder."
        )
    labels: dict[str, dict[str, Finding]] = {}
    for place in (place for place, names in tables.items() if {"VolumeName", _KNOWN} <= names):
        for _, row in table(place):
            labels[row["VolumeName"]] = {
                name.lower(): STATES[cell.strip()]
                for name, cell in row.items()
                if name != "VolumeName" and cell.strip() in STATES
            }
    about = {row["VolumeName"]: row for place, names in tables.items() if names >= _ABOUT for _, row in table(place)}
    source = Source(NAME, root, tell, text_alone=text_alone)
    for number, place in enumerate(reports, start=1):
        rows = ((f"{where} of table {number}", row) for where, row in table(place))
        yield from source(rows, lambda _, row: _sample(row, about.get(row["VolumeName"], {}), labels, source))


def _sample(row: Any, about: Mapping[str, str], labels: Mapping[str, dict[str, Finding]], source: Source) -> Sample:
    name = row["VolumeName"].strip()
    parts = name.split(".")[0].split("_")
    if len(parts) < 4:
        raise RecordRefused("record_malformed", "Its volume's name is not of the form split_patient_scan_reconstruction.")
    findings, impression = row["Findings_EN"].strip(), row["Impressions_EN"].strip()
    if not findings and not impression:
        raise RecordRefused("answer_missing", "Its report has neither findings nor an impression.")
    if questions.has_placeholder(findings + impression):
        raise RecordRefused("special_token", "Its report holds our own placeholders.")
    scanner = scanner_of(about.get("Manufacturer", ""), about.get("ManufacturerModelName", ""))
    shown = () if source.text_alone else (SampleImage("current", source.pictures.open(name, modality="CT", scanner=scanner)),)
    patient = keys.key(NAME, "_".join(parts[:2]), salted=False)
    study = keys.key(NAME, "_".join(parts[:3]), salted=False)
    age = _AGE.fullmatch(about.get("PatientAge", "").strip())
    provenance = Provenance(
        source=NAME,
        licence=LICENCE,
        patient_key=patient,
        study_key=study,
        annotation="report and labels",
        split=split_named(parts[0]),
        age_years=float(age[1]) if age else None,
        sex=_SEXES.get(about.get("PatientSex", "").strip()),
    )
    key = source.unique(f"{NAME}-{keys.key(NAME, name, salted=False)}")
    report = Report(findings, impression)
    return Sample(key, "annotation", shown, (), provenance, labels=labels.get(name, {}), report=report)
