"""mimic_cxr: chest radiographs and reports of an emergency department, as PhysioNet publishes them.

What:       studies of patients, each with its pictures and its report.
Layout:     pictures `files/p10/p10000032/s50414267/<dicom_id>.jpg` (MIMIC-CXR-JPG) or `.dcm` (MIMIC-CXR), reports
            `…/p10000032/s50414267.txt`, all anywhere below one folder; beside them, plain or gzipped, the tables
            `mimic-cxr-2.0.0-metadata.csv` (subject_id, study_id, dicom_id, ViewPosition, StudyDate), `…-split.csv` and
            `…-chexpert.csv`. Only the metadata must be there. With `text_alone` the pictures are left out.
Split unit: the patient, `subject_id`. The split is the published one, else none.
Labels:     of CheXpert's labeler where its table lies there: 1 present, 0 absent, -1 uncertain, empty not mentioned.
Defects:    labels are a program's reading of the report. Dates are moved by an unknown number of days for each patient: days
            between visits hold. A study without a report is read for its labels; one without either is told.
Samples:    one annotation a study: its pictures with their views, its report by sections, its labels. `Image.day` counts from the
            patient's first study in the table.
Licence:    credentialed access by PhysioNet: the files may not be passed on.
Source:     physionet.org/content/mimic-cxr-jpg; Johnson et al. 2019.
"""

import csv
import gzip
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, split_named
from vesalius.datasets.sources import LONGEST_FIELD, RecordRefused
from vesalius.datasets.split import SPLITS, Split
from vesalius.errors import InputRefused
from vesalius.types import Finding, Image, Provenance, Report, Sample, SampleImage

NAME = "mimic_cxr"
LICENCE = "PhysioNet credentialed health data licence"
PREFIX = "mimic-cxr-2.0.0-"
METADATA = "metadata.csv"
MOST_BYTES = 1 << 20  # of one report
STATES: dict[str, Finding] = {"1": "present", "0": "absent", "-1": "uncertain"}
_SECTION = re.compile(r"^[ \t]*([A-Z][A-Z /,&-]{2,60}):", re.MULTILINE)
_NAMED = ("FINDINGS", "IMPRESSION")


@dataclass
class _Study:
    subject: str
    study: str
    pictures: list[tuple[str, str, str]] = field(default_factory=list)  # dicom_id, view, date as 20010231


def recognizes(root: Path) -> bool:
    """Whether `root` holds the table of metadata, plain or gzipped."""
    return root.is_dir() and _table(root, METADATA) is not None


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False, splits: Collection[Split] = SPLITS) -> Iterator[Sample]:
    """Every study of the metadata.

    Args:
        root: the folder with the tables, and pictures and reports below it.
        tell: takes faults.
        text_alone: leave the pictures out.
        splits: to read; what is of another is not opened.

    Raises:
        InputRefused: `bad_dataset`: there is no table of metadata, or one of the tables is damaged.
    """
    metadata = _table(root, METADATA) if root.is_dir() else None
    if metadata is None:
        raise InputRefused(
            "bad_dataset",
            f"The folder does not hold {PREFIX}{METADATA}. Without it nothing says whose the pictures are. Put it beside files/.",
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    studies, first = _studies(_rows(metadata))
    stated = {row.get("study_id", ""): split_named(row.get("split", "")) for row in _rows(_table(root, "split.csv"))}
    labels = {row.get("study_id", ""): _labels(row) for row in _rows(_table(root, "chexpert.csv"))}
    named = ((f"study {number}", study) for number, study in enumerate(studies, start=1))
    found = ((where, study) for where, study in named if stated.get(study.study) in (None, *splits))
    yield from source(found, lambda _, study: _sample(study, source, stated, labels, first))


def _studies(rows: Iterator[dict[str, str]]) -> tuple[Sequence[_Study], Mapping[str, date]]:
    """Studies in the order of the table, and each patient's first day."""
    studies: dict[str, _Study] = {}
    first: dict[str, date] = {}
    for row in rows:
        subject, study = row.get("subject_id", ""), row.get("study_id", "")
        taken = row.get("StudyDate", "")
        known = studies.setdefault(study, _Study(subject, study))
        known.pictures.append((row.get("dicom_id", ""), row.get("ViewPosition", ""), taken))
        if (day := _day(taken)) is not None:
            first[subject] = min(first.get(subject, day), day)
    return list(studies.values()), first


def _sample(
    study: Any,
    source: Source,
    splits: Mapping[str, Split | None],
    labels: Mapping[str, dict[str, Finding]],
    first: Mapping[str, date],
) -> Sample:
    images = [] if source.text_alone else [_open(source, study, picture, first) for picture in study.pictures]
    report = _report(source, study)
    told = labels.get(study.study, {})
    if report is None and not told:
        raise RecordRefused("answer_missing", "The study has neither a report nor labels below the folder.")
    patient, visit = keys.key(NAME, study.subject, salted=False), keys.key(NAME, study.study, salted=False)
    annotation = " and ".join(name for name, there in (("report", report), ("CheXpert's labeler", told)) if there)
    provenance = Provenance(NAME, LICENCE, patient, visit, annotation, splits.get(study.study))
    shown = tuple(SampleImage("current", image) for image in images)
    return Sample(f"{NAME}-{visit}", "annotation", shown, (), provenance, labels=told, report=report)


def _open(source: Source, study: _Study, picture: tuple[str, str, str], first: Mapping[str, date]) -> Image:
    dicom_id, view, taken = picture
    day = _day(taken)
    since = None if day is None else float((day - first[study.subject]).days)
    for suffix in (".jpg", ".png", ".dcm"):
        if (name := f"s{study.study}/{dicom_id}{suffix}") in source.files:
            return source.pictures.open(name, modality=None if suffix == ".dcm" else "XR", view=view or None, day=since)
    raise RecordRefused("media_missing", "A picture of the study does not lie below the folder.")


def _report(source: Source, study: _Study) -> Report | None:
    name = f"p{study.subject}/s{study.study}.txt"
    if name not in source.files:
        return None
    content = source.files.find(name).read_bytes()[:MOST_BYTES]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise RecordRefused("encoding_broken", "Its report is not UTF-8.") from wrong
    if questions.has_placeholder(text):
        raise RecordRefused("special_token", "Its report holds our own placeholders.")
    parts = _sections(text)
    findings, impression = (" ".join(parts.get(name, "").split()) for name in _NAMED)
    if not findings and not impression:  # a report without headings is all findings
        findings = " ".join(text.split())
    return Report(findings, impression) if findings or impression else None


def _sections(text: str) -> dict[str, str]:
    """The text behind each heading in capitals; of one that stands twice, both."""
    marks = list(_SECTION.finditer(text))
    found: dict[str, str] = {}
    for mark, following in zip_longest(marks, marks[1:]):
        name, end = mark[1].strip(), following.start() if following else len(text)
        found[name] = f"{found.get(name, '')} {text[mark.end() : end]}".strip()
    return found


def _labels(row: Mapping[str, str]) -> dict[str, Finding]:
    """CheXpert's labels of a study: an empty cell is not mentioned."""
    names = [name for name in row if name not in ("subject_id", "study_id")]
    cells = {name: row[name].strip().removesuffix(".0") for name in names}
    return {name.lower(): STATES.get(cell, "not_mentioned") for name, cell in cells.items()}


def _table(root: Path, name: str) -> Path | None:
    return next((place for end in ("", ".gz") if (place := root / f"{PREFIX}{name}{end}").is_file()), None)


def _rows(place: Path | None) -> Iterator[dict[str, str]]:
    """The rows of a table, plain or gzipped; none of a table that is not there."""
    if place is None:
        return
    csv.field_size_limit(LONGEST_FIELD)
    try:
        with place.open("rb") as raw:
            packed = gzip.GzipFile(fileobj=raw) if place.suffix == ".gz" else raw
            lines = io.TextIOWrapper(packed, encoding="utf-8-sig", newline="")
            for row in csv.DictReader(lines, restval="", restkey=""):
                yield {name: cell for name, cell in row.items() if name and isinstance(cell, str)}
    except (OSError, EOFError, csv.Error, UnicodeDecodeError) as wrong:
        raise InputRefused("bad_dataset", "A table of the collection is damaged or cut off. Copy it again.") from wrong


def _day(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None
