"""pocus_atlas: cases of lung ultrasound from The POCUS Atlas, with signs that were taken from their texts.

What:       150 clips, one a case; 116 of adults and 34 of children by the column `source`, 115 and 35 by the origin's own card.
Layout:     `metadata.csv` with the columns file_name, id, body and `sign::…`, `interp::…`; clips in `unified_mp4/`. With
            `text_alone` the clips are left out: they are not in the repository of the benchmark.
Split unit: the case; one that says that it is a copy of another has that one's key.
Labels:     made from what the case's title, tags and text say: true is present. False means that the text does not mention
            the sign, which is not the same as absent: `not_mentioned`. Only "lung sliding" is called absent where the table
            says so; "both" (a lung point) is present. The pathology is present; "unspecified" is no label, and "Normal" is
            the label "normal lung".
Defects:    25 cases are excluded by the origin, with a reason (in `provenance.annotation`); columns that a decision tree
            predicted are not read. The text often names what the clip shows.
Samples:    a case with its labels, its text as report, and its clip.
Licence:    CC BY-NC 4.0.
Source:     github.com/jeonglab-bcm/pocus-atlas-bench; thepocusatlas.com.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from vesalius.clinical import keys
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.sources import Files, Pictures, RecordRefused, columns, table
from vesalius.errors import InputRefused
from vesalius.types import Finding, Provenance, Report, Sample, SampleImage

NAME = "pocus_atlas"
LICENCE = "CC BY-NC 4.0"
TABLE = "metadata.csv"
SLIDING = "interp::Pleura::Sliding"
MORPHOLOGY = "interp::Pleura::Morphology"
_FLAG = re.compile(r"(?:sign|sign_extra|interp|interp_extra)::(?:.*::)?(.+)")
_STATES: dict[str, Finding] = {"True": "present", "False": "not_mentioned"}
_SLIDINGS: dict[str, Finding] = {"present": "present", "both": "present", "absent": "absent", "not assessed": "not_mentioned"}
_MORPHOLOGIES = {"thin": "thin pleural line", "irregular": "irregular pleural line"}
_MENTIONED = "interp_extra::Lung sliding (any)"  # that the text speaks of it at all
_SAME = re.compile(r"duplicate of (\d+)")


def recognizes(root: Path) -> bool:
    """Whether `root` holds the table with its columns."""
    place = root / TABLE
    return place.is_file() and {"id", "body", "case_page_url", SLIDING} <= set(columns(place))


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """Every case of the table.

    Args:
        root: the folder that holds `metadata.csv`.
        tell: takes faults.
        text_alone: leave the clips out.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset",
            "The folder does not hold metadata.csv with the columns of the benchmark. Without it there are no cases. Give the "
            "folder that holds it.",
        )
    pictures, rows = Pictures(Files(root)), list(table(root / TABLE))
    if not text_alone:
        pictures.expect(row.get("file_name", "") for _, row in rows)
    for where, row in rows:
        try:
            yield _sample(row, None if text_alone else pictures, where, tell)
        except RecordRefused as wrong:
            tell(wrong.at(where))


def _sample(row: Mapping[str, str], pictures: Pictures | None, where: str, tell: Tell) -> Sample:
    case = row["id"].strip()
    if not case:
        raise RecordRefused("record_malformed", "The case has no id.")
    shown = () if pictures is None else (SampleImage("current", pictures.open(row["file_name"], modality="US")),)
    text = "\n".join(part for part in (row["title"].strip(), row["body"].strip()) if part)
    if questions.has_placeholder(text):
        tell(Fault("special_token", where, "The text holds our own placeholders; the case stays without it."))
        text = ""
    excluded = row.get("excluded", "").strip()
    unit = same[1] if (same := _SAME.search(excluded)) else case.partition("_")[0]
    patient = keys.key(NAME, unit, salted=False)
    annotation = TABLE + (f"; excluded: {excluded}" if excluded else "")
    provenance = Provenance(NAME, LICENCE, patient, keys.key(NAME, case, "study", salted=False), annotation)
    report = Report(text, "") if text else None
    key = f"{NAME}-{keys.key(NAME, case, salted=False)}"
    return Sample(key, "annotation", shown, (), provenance, labels=_labels(row), report=report)


def _labels(row: Mapping[str, str]) -> dict[str, Finding]:
    labels: dict[str, Finding] = {}
    for column, cell in row.items():
        if (named := _FLAG.fullmatch(column)) and cell in _STATES and column != _MENTIONED:
            labels[named[1].lower()] = _STATES[cell]
    if row.get(SLIDING) in _SLIDINGS:
        labels["lung sliding"] = _SLIDINGS[row[SLIDING]]
    if row.get(MORPHOLOGY) in _MORPHOLOGIES:
        labels[_MORPHOLOGIES[row[MORPHOLOGY]]] = "present"
    for column in ("pathology", "pathology_extra"):
        pathology = row.get(column, "").strip().lower()
        if pathology and pathology != "unspecified":
            labels["normal lung" if pathology == "normal" else pathology] = "present"
    return labels
