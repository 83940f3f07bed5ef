"""pocus: clips and pictures of lung ultrasound of COVID-19, of other pneumonia and of healthy lungs.

What:       more than two hundred clips and pictures of the web and of clinics, each with a diagnosis; the table has a row for
            every one.
Layout:     `dataset_metadata.csv` (in the repository below `data/`), `pocus_videos/{convex,linear}`, `pocus_images/…`. Files
            are found by the column `Filename`, whatever they end in. Read with any number of them.
Split unit: the number in the column of patients, where there is one; else the file. Numbers stand for a case of a web page,
            which is not always one person: see the defects.
Labels:     the diagnosis as the origin states it: "covid-19", "bacterial pneumonia", "viral pneumonia" or "healthy lung",
            present. Signs (effusion, consolidation, B-lines, A-lines, irregular pleural line, air bronchogram) were
            judged by two physicians: 1 is present, 0 absent, an empty cell was not looked at and is no label. What patients
            complain of (fever, cough) is seen in no picture: no label.
Defects:    the frame rate that the table states is 25 for still pictures. Two patients' numbers of 34 bear two diagnoses. Some
            rows say that their file is not in use; three that are called healthy have a sign of illness. The web pages'
            texts hold treatment and names of what is to be seen.
Samples:    a clip or a picture with its labels, and what the web page and the physicians say of it as report.
Licence:    per file, in `provenance.licence`; "unknown" where the table has none.
Source:     github.com/jannisborn/covid19_ultrasound; Born et al. 2021, Applied Sciences 11(2): 672.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from vesalius.clinical import keys
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.sources import Files, Pictures, RecordRefused, columns, table
from vesalius.errors import InputRefused
from vesalius.types import Finding, Image, Provenance, Report, Sample, SampleImage

NAME = "pocus"
TABLE = "dataset_metadata.csv"
DIAGNOSES = {
    "COVID-19": "covid-19",
    "Bacterial pneumonia": "bacterial pneumonia",
    "Viral pneumonia": "viral pneumonia",
    "viral": "viral pneumonia",
    "regular": "healthy lung",
}
# The beginning of a file's name says its diagnosis too.
_PREFIXES = {"cov": "covid-19", "pneu": "bacterial pneumonia", "vir": "viral pneumonia", "reg": "healthy lung"}
SIGNS = {
    "Effusion": "pleural effusion",
    "Consolidations": "consolidation",
    "B-lines": "b-lines",
    "A-lines": "a-lines",
    "Pleural line irregularities": "irregular pleural line",
    "Air bronchogram": "air bronchogram",
}
TEXTS = ("Comments from web site", "Comments first medical doctor (MD1)", "MD2", "MD3")
_STATES: dict[str, Finding] = {"1": "present", "0": "absent"}
_SEXES: dict[str, Literal["F", "M"]] = {"w": "F", "f": "F", "m": "M"}
_UNKNOWN = ("", "n/a", "nd", "none", "n.a.")
_MOST_FRAMES_OFF = 1  # a last frame that some programs count and others do not


def recognizes(root: Path) -> bool:
    """Whether `root`, or its folder `data`, holds the table with its columns."""
    place = _table(root)
    return place is not None and {"Filename", "Label", "Effusion", "Patient ID / Name"} <= set(columns(place))


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """Every row of the table whose file is here.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    place = _table(root)
    if place is None or not recognizes(root):
        raise InputRefused(
            "bad_dataset",
            f"The folder does not hold {TABLE} with the columns Filename and Label. Without it nothing says what a clip "
            "shows. Give the folder that holds it.",
        )
    pictures = Pictures(Files(root))
    stems = {path.stem.casefold(): path for path in pictures.files.paths if "pocus_" in path.as_posix()}
    rows = list(table(place))
    there = [stems[row["Filename"].casefold()] for _, row in rows if row["Filename"].casefold() in stems]
    pictures.expect(path.relative_to(pictures.files.root).as_posix() for path in there)
    for where, row in rows:
        try:
            yield _sample(row, stems, pictures, where, tell)
        except RecordRefused as wrong:
            tell(wrong.at(where))


def _table(root: Path) -> Path | None:
    return next((place for place in (root / TABLE, root / "data" / TABLE) if place.is_file()), None)


def _sample(row: Mapping[str, str], stems: Mapping[str, Path], pictures: Pictures, where: str, tell: Tell) -> Sample:
    name = row["Filename"].strip()
    if name.casefold() not in stems:
        raise RecordRefused("media_missing", "No clip and no picture has the name that it states.")
    if row["Label"].strip() not in DIAGNOSES:
        raise RecordRefused("label_unknown", "The diagnosis is none of " + ", ".join(DIAGNOSES) + ".")
    diagnosis = DIAGNOSES[row["Label"].strip()]
    image = pictures.at(stems[name.casefold()], modality="US")
    for wrong in _contradictions(name, diagnosis, row, image):
        tell(Fault("annotation_conflict", where, wrong))
    labels: dict[str, Finding] = {diagnosis: "present"}
    labels |= {sign: _STATES[row[column].strip()] for column, sign in SIGNS.items() if row.get(column, "").strip() in _STATES}
    told = [text for column in TEXTS if (text := _stated(row, column))]
    if any(questions.has_placeholder(text) for text in told):
        tell(Fault("special_token", where, "A comment holds our own placeholders; the clip stays without comments."))
        told = []
    patient = keys.key(NAME, "patient" if _stated(row, "Patient ID / Name") else "file", _patient(row), salted=False)
    provenance = Provenance(
        source=NAME,
        licence=_stated(row, "License") or "unknown",
        patient_key=patient,
        study_key=keys.key(NAME, patient, "study", salted=False),
        annotation=TABLE,
        age_years=_number(_stated(row, "Age")),
        sex=_SEXES.get(_stated(row, "Gender").lower()),
    )
    report = Report("\n".join(told), "") if told else None
    key = f"{NAME}-{keys.key(NAME, name, salted=False)}"
    return Sample(key, "annotation", (SampleImage("current", image),), (), provenance, labels=labels, report=report)


def _patient(row: Mapping[str, str]) -> str:
    return _stated(row, "Patient ID / Name") or row["Filename"].strip()


def _contradictions(name: str, diagnosis: str, row: Mapping[str, str], image: Image) -> Iterator[str]:
    """What the name, the table and the file say differently."""
    prefix = re.split(r"[_\W]", name, maxsplit=1)[0].casefold()
    if _PREFIXES.get(prefix, diagnosis) != diagnosis:
        yield "The beginning of the file's name states another diagnosis than the table; the table's was kept."
    if diagnosis == "healthy lung" and any(row.get(column, "").strip() == "1" for column in SIGNS if column != "A-lines"):
        yield "The lung is called healthy and has a sign of illness; both were kept."
    frames = _number(row.get("Length (frames)", ""))
    own = image.shape[0] if image.kind == "clip" else 1
    if frames is not None and abs(own - frames) > _MOST_FRAMES_OFF:
        yield f"The table states {frames:g} frames, the file has {own}; the file's were kept."


def _stated(row: Mapping[str, str], column: str) -> str:
    """A cell, "" where it says that nothing is known."""
    text = row.get(column, "").strip()
    return "" if text.casefold() in _UNKNOWN else text


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text.strip()) else None
