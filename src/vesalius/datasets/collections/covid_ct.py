"""covid_ct: slices of chest CT cut out of papers, with the captions of their figures and histories.

What:       349 slices of 216 patients with COVID-19 and 397 without it, figures of medRxiv, bioRxiv, journals and LUNA, 153 to
            1,853 px high, the values of a figure and not Hounsfield units.
Layout:     `CT_COVID/` and `CT_NonCOVID/`, wherever they lie, and `COVID-CT-MetaInfo.xlsx`; the published lists
            `trainCT_COVID.txt` and so on where they are there. Read with any number of slices and without the sheet.
Split unit: the patient of the sheet; six numbers of one paper are three patients (the same slice stands in two of its
            figures) and share keys. Without the sheet, the slice. Of the others a number before "%" in the name is one case, and
            every other slice is a unit of its own, although neighboring numbers may be one scan.
Labels:     by folder: "covid-19" is present, or absent. The captions are the figures': they hold letters of panels, arrows
            that were cropped and findings of other panels. Age, sex and day come from the papers, where they state them.
Defects:    file names of the sheet lack ".png" here and there: they are found all the same. One patient of the sheet is
            three people. The two classes come from different sources and file types: every JPEG is without COVID-19.
Samples:    a slice with its label and its figure's caption as report.
Licence:    not stated by the origin; figures of papers. For research, not for redistribution.
Source:     github.com/UCSD-AI4H/COVID-CT; Yang et al. 2020, arXiv 2003.13865.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from vesalius.clinical import keys
from vesalius.datasets.collections import sheet
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.sources import Files, Pictures, RecordRefused
from vesalius.errors import InputRefused
from vesalius.types import Finding, Provenance, Report, Sample, SampleImage

NAME = "covid_ct"
LICENCE = "not stated"
SHEET = "COVID-CT-MetaInfo.xlsx"
FOLDERS: dict[str, Finding] = {"CT_COVID": "present", "CT_NonCOVID": "absent"}
LABEL = "covid-19"
_COLUMNS = {"File name", "Patient ID"}
# Seen in the pictures: one slice under two patients' numbers.
_SAME_PATIENT = {"Patient 162": "Patient 155", "Patient 163": "Patient 154", "Patient 166": "Patient 157"}
_LISTS: dict[str, Literal["train", "validation", "test"]] = {"train": "train", "val": "validation", "test": "test"}
_SEXES: dict[str, Literal["F", "M"]] = {"F": "F", "M": "M"}
_DAY = re.compile(r"day (\d+)(?: after (?:the onset of illness|symptom onset))?", re.IGNORECASE)
_PICTURES = (".png", ".jpg", ".jpeg")

Facts = Mapping[str, str]


def recognizes(root: Path) -> bool:
    """Whether `root` holds `CT_COVID/` and `CT_NonCOVID/`, or one of them beside the sheet."""
    there = [(root / name).is_dir() for name in FOLDERS]
    return all(there) or (any(there) and (root / SHEET).is_file())


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """Every slice of both folders.

    Raises:
        InputRefused: `bad_dataset`: another layout, or a sheet that cannot be read.
    """
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset",
            "The folder does not hold CT_COVID/ and CT_NonCOVID/. Without them no slice has its class. Give the folder that "
            "holds both.",
        )
    pictures = Pictures(Files(root))
    paths = [p for p in pictures.files.paths if p.suffix.lower() in _PICTURES and p.parent.name in FOLDERS]
    pictures.expect(path.relative_to(pictures.files.root).as_posix() for path in paths)
    stated, splits = _sheet(pictures.files, tell), _published_lists(pictures.files)
    by_name = {path.name.casefold() for path in paths} | {path.stem.casefold() for path in paths}
    for name, (where, _) in stated.items():
        if name.casefold() not in by_name:
            tell(Fault("media_missing", f"{where} of the sheet", "No slice has the name that it states."))
    for number, path in enumerate(paths, start=1):
        where, facts = stated.get(path.name, stated.get(path.stem, (f"slice {number}", {})))
        try:
            yield _sample(path, facts, where, splits.get(path.name), pictures, tell)
        except RecordRefused as wrong:
            tell(wrong.at(f"slice {number}"))


def _sample(
    path: Path,
    facts: Facts,
    where: str,
    split: Literal["train", "validation", "test"] | None,
    pictures: Pictures,
    tell: Tell,
) -> Sample:
    folder = path.parent.name
    day = _DAY.fullmatch(facts.get("Time", ""))
    image = pictures.at(path, modality="CT", day=float(day[1]) if day else None)
    caption = _caption(facts.get("Captions", ""))
    if questions.has_placeholder(caption):
        tell(Fault("special_token", where, "The caption holds our own placeholders; the slice stays without it."))
        caption = ""
    stated = facts.get("Patient ID", "")
    case = _SAME_PATIENT.get(stated, stated) or f"{folder} {path.stem.partition('%')[0] if '%' in path.stem else path.name}"
    patient = keys.key(NAME, case, salted=False)
    age = facts.get("Age", "")
    provenance = Provenance(
        source=NAME,
        licence=LICENCE,
        patient_key=patient,
        study_key=keys.key(NAME, case, facts.get("Time", ""), "study", salted=False),
        annotation=f"folder {folder}" + (", caption of the sheet" if caption else ""),
        split=split,
        site=facts.get("Location") or None,
        age_years=float(age) if re.fullmatch(r"\d+(\.\d+)?", age) else None,
        sex=_SEXES.get(facts.get("Gender", "")),
    )
    key = f"{NAME}-{keys.key(NAME, folder, path.name, salted=False)}"
    report = Report(caption, "") if caption else None
    shown = (SampleImage("current", image),)
    return Sample(key, "annotation", shown, (), provenance, labels={LABEL: FOLDERS[folder]}, report=report)


def _sheet(files: Files, tell: Tell) -> dict[str, tuple[str, Facts]]:
    """File name as stated → where it stands, and the row; patients who are several people are told."""
    if SHEET not in files:
        return {}
    found: dict[str, tuple[str, Facts]] = {}
    people: dict[str, tuple[str, str]] = {}
    for where, row in sheet.rows(files.find(SHEET)):
        if not row.keys() >= _COLUMNS:
            raise InputRefused(
                "bad_dataset", "The sheet lacks the columns of names and patients. Nothing can be joined to it. Copy it again."
            )
        if not (row["File name"] and row["Patient ID"]):
            tell(Fault("record_malformed", f"{where} of the sheet", "It states no file name or no patient."))
        elif row["File name"] in found:
            tell(Fault("record_malformed", f"{where} of the sheet", "Its file name stands twice; the first row was kept."))
        else:
            found[row["File name"]] = (where, row)
            told = (row.get("Age", ""), row.get("Gender", ""))
            if people.setdefault(row["Patient ID"], told) != told:
                tell(Fault("annotation_conflict", f"{where} of the sheet", "Its patient has another age or sex in a row before."))
    return found


def _published_lists(files: Files) -> dict[str, Literal["train", "validation", "test"]]:
    """File name → split, from the lists that the origin publishes (trainCT_COVID.txt)."""
    found: dict[str, Literal["train", "validation", "test"]] = {}
    for part, split in _LISTS.items():
        for folder in FOLDERS:
            if (name := f"{part}{folder}.txt") in files:
                text = files.find(name).read_text(encoding="utf-8", errors="replace")
                found |= dict.fromkeys((line.strip() for line in text.splitlines() if line.strip()), split)
    return found


def _caption(text: str) -> str:
    """The texts of a list as Python writes it ("['Figure 1. …', '…']"), one after another; any other text as it is."""
    if text.startswith("[") and text.endswith("]"):
        return re.sub(r"""['"]\s*,\s*['"]""", " ", text[1:-1]).strip(" '\"")
    return text
