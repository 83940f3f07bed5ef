"""iu_xray: reports of chest radiographs of the Indiana University (OpenI), as R2Gen divided them.

What:       2,955 reports with two pictures each as R2Gen has them (2,069 to learn from, 296, 590); copies were divided anew.
Layout:     `annotation.json`: {"train": [{"id", "report", "image_path": […]}], "val": …, "test": …}, with pictures
            below `images/`. With `text_alone` the pictures are left out.
Split unit: the patient: the collection has one report a patient, whose number is in the picture's name (CXR3321_IM-…).
            Splits as published.
Labels:     the report, findings and impression in one text as the copy has them, by radiologists of two hospitals.
Defects:    "XXXX" stands where names, dates and some words were taken out, in the middle of sentences too: in 1,605 of 3,444
            reports of one copy. There, 86 of 382 reports of `val` stand in `train` word for word, of other patients.
Samples:    a report with its pictures. Which of them is frontal the file does not say.
Licence:    CC BY-NC-ND 4.0.
Source:     openi.nlm.nih.gov; Demner-Fushman et al. 2016, JAMIA 23(2): 304; github.com/cuhksz-nlp/R2Gen.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.sources import HEAD_BYTES, Files, Pictures, RecordRefused, document
from vesalius.datasets.split import Split
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Report, Sample, SampleImage

NAME = "iu_xray"
LICENCE = "CC BY-NC-ND 4.0"
RECORDS = "annotation.json"
SPLITS: dict[str, Split] = {"train": "train", "val": "validation", "test": "test"}
_STUDY = re.compile(r"CXR(\d+)_")
_BEGINS = re.compile(r'\{\s*"(?:train|val|test)"\s*:\s*\[')
_PICTURE = re.compile(r'"image_path"\s*:\s*\[\s*"[^"]*CXR\d+_')


def recognizes(root: Path) -> bool:
    """Whether `root` holds `annotation.json` with pictures named as OpenI names them."""
    place = root / RECORDS
    if not place.is_file():
        return False
    with place.open("rb") as file:
        head = file.read(HEAD_BYTES).decode("utf-8-sig", "replace").lstrip()
    return _BEGINS.match(head) is not None and _PICTURE.search(head) is not None


def read(
    root: Path, tell: Tell = refuse, *, text_alone: bool = False, splits: Collection[Split] = tuple(SPLITS.values())
) -> Iterator[Sample]:
    """Every report.

    Args:
        root: the folder that holds `annotation.json`.
        tell: takes faults.
        text_alone: leave the pictures out.
        splits: to read; what is of another is not opened.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset",
            "The folder does not hold annotation.json with reports of OpenI. There is nothing to read. Give the folder that "
            "holds it.",
        )
    records, pictures = document(root / RECORDS), Pictures(Files(root))
    for part, split in SPLITS.items():
        if not isinstance(records.get(part, []), list):
            raise InputRefused("bad_dataset", "A split of annotation.json is no list of records. Copy the file again.")
        if split not in splits:
            continue
        if not text_alone:
            pictures.expect(name for record in records.get(part, []) for name in _names(record))
        for number, record in enumerate(records.get(part, []), start=1):
            try:
                yield _sample(record, split, None if text_alone else pictures)
            except RecordRefused as wrong:
                tell(wrong.at(f"record {number} of {part}"))


def _names(record: Any) -> list[str]:
    names = record.get("image_path", []) if isinstance(record, dict) else []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _sample(record: Any, split: Split, pictures: Pictures | None) -> Sample:
    if not isinstance(record, dict) or not isinstance(record.get("report"), str) or not str(record.get("id", "")):
        raise RecordRefused("record_malformed", "It has no id or no report.")
    report, number, names = record["report"].strip(), str(record["id"]), _names(record)
    if not report:
        raise RecordRefused("answer_missing", "Its report is empty.")
    if questions.has_placeholder(report):
        raise RecordRefused("special_token", "Its report holds our own placeholders.")
    shown = () if pictures is None else tuple(SampleImage("current", pictures.open(name, modality="XR")) for name in names)
    named = next((match for name in (number, *names) if (match := _STUDY.search(name))), None)
    patient = keys.key(NAME, named[1] if named else number, salted=False)
    study = keys.key(NAME, number, "study", salted=False)
    provenance = Provenance(NAME, LICENCE, patient, study, RECORDS, split)
    key = f"{NAME}-{keys.key(NAME, number, salted=False)}"
    return Sample(key, "annotation", shown, (), provenance, report=Report(report, ""))
