"""derived_vqa: fixed questions whose answers are published annotations of other collections (SLAKE-like records).

What:       2,594 questions in one JSON list: 508 modality, 466 plane, 438 diagnosis and 75 severity of radiographs, 608
            count and 304 presence of blood cells, 66 head circumferences in ultrasound pictures, and 129 signs in lung
            ultrasound (43 clips and pictures, three signs each).
Layout:     `derived_vqa/vqa.json` beside the folders of the collections; `img_name` is a path from their parent. Read
            with any number of records; records about a collection that is not there at all are skipped and counted,
            but a picture missing from a collection that is there is a fault.
Split unit: as in the collection that a picture lies in, with the keys of its reader.
Labels:     the answer as published. Questions about white or red cells and platelets get the boxes of those cells as
            evidence where there are at most six and their number agrees with the answer.
Defects:    19 of 20 modalities are "X-ray", 4 of 5 diagnoses "yes", 105 of 129 signs "no": a constant answer scores high
            there. Counts are counts of boxes: see bccd's card for cells that nobody boxed; one box that is counted has
            no extent. The circumference stands in millimeters while the question states the pixel size.
Licence:    as the picture that is asked about, in `provenance.licence`.
Source:     derived from the annotations of covid_chestxray, bccd, hc18_fetal_head and pocus_ultrasound; see their cards.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from vesalius.datasets.collections import bccd, covid_chestxray, hc18, pocus
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.sources import RecordRefused
from vesalius.errors import InputRefused
from vesalius.types import Region, Sample

log = logging.getLogger(__name__)

NAME = "derived_vqa"
TASKS = {
    "Modality": "modality",
    "Plane": "plane",
    "Diagnosis": "diagnosis",
    "Severity": "severity",
    "Quantity": "count",
    "Presence": "presence",
    "Measurement": "measurement",
    "Abnormality": "presence",
}
MOST_EVIDENCE = 6
READERS: dict[str, ModuleType] = {
    "covid_chestxray": covid_chestxray,
    "bccd": bccd,
    "hc18_fetal_head": hc18,
    "pocus_ultrasound": pocus,
}
EXAM = ("covid_chestxray", "bccd")  # what the exam `first_real` asks about; it stays as it is
_TEXTS = ("img_name", "question", "answer", "content_type")

Subjects = Mapping[str, Mapping[str, Sample]]  # collection → path of a picture in it → what that says of the picture


def recognizes(root: Path) -> bool:
    """Whether `root` holds `derived_vqa/vqa.json`, or is itself the folder that holds `vqa.json`."""
    return _records_file(root) is not None


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """A sample per record; one picture's samples share its `SampleImage`.

    Args:
        root: the folder in which `derived_vqa/` lies beside the collections (or `derived_vqa/` itself).
        tell: takes faults of the records; those of the collections are told when they are read themselves.

    Raises:
        InputRefused: `bad_dataset`: no list of records, or no usable one.
    """
    yield from _read(root, tell, tuple(READERS))


def asked(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """As `read`, of the questions about radiographs and blood smears alone."""
    yield from _read(root, tell, EXAM)


def _read(root: Path, tell: Tell, collections: tuple[str, ...]) -> Iterator[Sample]:
    path = _records_file(root)
    if path is None:
        raise InputRefused(
            "bad_dataset",
            "The folder does not hold derived_vqa/vqa.json. There are no questions to read. Give the folder in which "
            "derived_vqa lies beside the collections that it asks about.",
        )
    records, subjects = _records(path), _subjects(path.resolve().parent.parent, collections)
    counts, seen, usable = Counter[str](), set[str](), 0
    for number, record in enumerate(records, start=1):
        try:
            _refuse_record(record, seen)
            if (subject := _subject(record, subjects, collections, counts)) is not None:
                usable += 1
                yield _sample(record, f"{NAME}-{record['qid']}", subject, counts)
        except RecordRefused as wrong:
            tell(wrong.at(f"record {number}"))
    for what, found in counts.items():
        log.warning("derived_vqa: %s: %d", what, found)
    if not usable:
        raise InputRefused(
            "bad_dataset",
            "No record can be used together with its picture. There is nothing to learn from or to score. Give the folder "
            "in which derived_vqa lies beside the collections that it asks about.",
        )


def _records_file(root: Path) -> Path | None:
    """`vqa.json` with the collections beside its folder."""
    inside = root / NAME / "vqa.json"
    if inside.is_file():
        return inside
    itself = root.resolve() / "vqa.json"
    return itself if itself.is_file() else None


def _records(path: Path) -> list[Any]:
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as wrong:
        raise InputRefused("bad_dataset", "vqa.json is not JSON. It may be cut off. Copy it again.") from wrong
    if not isinstance(records, list):
        raise InputRefused("bad_dataset", "vqa.json is not a list of records, as it is published. Give the published file.")
    return records


def _subjects(pack: Path, collections: tuple[str, ...]) -> Subjects:
    """What each collection that is there says of its pictures."""
    return {name: _pictures(pack / name, READERS[name]) for name in collections if READERS[name].recognizes(pack / name)}


def _pictures(root: Path, reader: ModuleType) -> dict[str, Sample]:
    found = {}
    for sample in reader.read(root, _told_elsewhere):
        for shown in sample.images:
            assert shown.image.source.path is not None, "pictures of collections lie in files"
            found[shown.image.source.path.relative_to(root.resolve()).as_posix()] = sample
    return found


def _told_elsewhere(fault: Fault) -> None:
    """Take a fault of the collection that is asked about."""


def _refuse_record(record: Any, seen: set[str]) -> None:
    """Refuse what is malformed about a record."""
    if not isinstance(record, dict):
        raise RecordRefused("record_malformed", "It is not an object.")
    if not isinstance(record.get("qid"), int) or str(record["qid"]) in seen:
        raise RecordRefused("record_malformed", "Its qid is not an integer, or stands twice.")
    bad = [name for name in _TEXTS if not isinstance(record.get(name), str) or not record[name].strip()]
    if bad:
        raise RecordRefused("record_malformed", f"{', '.join(bad)}: not a text, or empty.")
    if questions.has_placeholder(record["question"] + record["answer"]):
        raise RecordRefused("special_token", "Its text holds our own placeholders.")
    seen.add(str(record["qid"]))


def _subject(record: Mapping[str, str], subjects: Subjects, collections: tuple[str, ...], counts: Counter[str]) -> Sample | None:
    """What is known of the picture that is asked about; None, and counted, where nothing can be."""
    collection, _, rest = record["img_name"].partition("/")
    if collection not in READERS:
        counts[f"{record['content_type']} questions about collections without a reader, skipped"] += 1
    elif record["content_type"] not in TASKS:
        counts["questions of an unknown type, skipped"] += 1
    elif collection in collections and collection not in subjects:
        counts[f"questions about {collection}, which is not here, skipped"] += 1
    elif collection in collections and rest not in subjects[collection]:
        raise RecordRefused("media_missing", f"Its picture is not among those of {collection} that can be used.")
    else:
        return subjects[collection][rest] if collection in collections else None
    return None


def _sample(record: Mapping[str, str], key: str, subject: Sample, counts: Counter[str]) -> Sample:
    task, answer = TASKS[record["content_type"]], record["answer"].strip()
    evidence = _evidence(task, record["question"], answer, subject.regions, counts)
    asked = questions.conversation(task, record["question"].strip(), answer, evidence)
    provenance = replace(subject.provenance, source=NAME, annotation=str(record.get("source", "")))
    measurements = tuple(replace(measurement, region=None) for measurement in subject.measurements)
    return Sample(key, task, subject.images, asked.turns, provenance, asked.regions, measurements, subject.labels)


def _evidence(task: str, question: str, answer: str, cells: tuple[Region, ...], counts: Counter[str]) -> tuple[Region, ...]:
    """The boxes of the cells that are asked about, where they are few and agree with the answer."""
    labels = [label for label, plural in bccd.PLURALS.items() if plural in question]
    if task not in ("count", "presence") or len(labels) != 1:
        return ()
    found = tuple(cell for cell in cells if cell.label == labels[0])
    agrees = answer == (str(len(found)) if task == "count" else "yes" if found else "no")
    if not agrees:
        counts["answers that disagree with the boxes, kept without evidence"] += 1
    return found if agrees and len(found) <= MOST_EVIDENCE else ()
