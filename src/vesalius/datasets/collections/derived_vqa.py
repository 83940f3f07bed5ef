"""derived_vqa: fixed questions whose answers are published annotations of other collections (SLAKE-like records).

What:       2,594 questions in one JSON list; 2,399 are about pictures of covid_chestxray and bccd and become samples:
            508 modality, 466 plane, 438 diagnosis, 75 severity, 608 count, 304 presence. Head circumference (66) and
            findings in ultrasound clips (129) point into collections that have no reader yet: skipped and counted.
Layout:     `derived_vqa/vqa.json` beside the folders of the collections; `img_name` is a path from their parent. Read
            with any number of records; records about a collection that is not there at all are skipped and counted,
            but a picture missing from a collection that is there is a problem.
Split unit: the patient (covid_chestxray) or the field of view (bccd), with the keys of those readers.
Labels:     the answer as published. Questions about white or red cells and platelets get the boxes of those cells as
            evidence where there are at most six and their number agrees with the answer.
Defects:    19 of 20 modalities are "X-ray", 4 of 5 diagnoses "yes": a constant answer scores high there. Counts
            are counts of boxes: see bccd's card for cells that nobody boxed; one box that is counted has no extent.
Licence:    as the picture that is asked about, in `provenance.licence`.
Source:     derived from the annotations of covid_chestxray, bccd, hc18_fetal_head and pocus_ultrasound; see their cards.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vesalius.datasets.collections import bccd, covid_chestxray
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Tell, refuse
from vesalius.errors import InputRefused, Problem
from vesalius.types import Finding, Measurement, Provenance, Region, Sample, SampleImage

log = logging.getLogger(__name__)

NAME = "derived_vqa"
TASKS = {
    "Modality": "modality",
    "Plane": "plane",
    "Diagnosis": "diagnosis",
    "Severity": "severity",
    "Quantity": "count",
    "Presence": "presence",
}
MOST_EVIDENCE = 6
_IMAGES = {covid_chestxray.NAME: "images", bccd.NAME: "BCCD/JPEGImages"}
_TEXTS = ("img_name", "question", "answer", "content_type")


@dataclass(frozen=True, eq=False)
class _Subject:
    """What a question can be about: a picture with what its own collection says of it."""

    shown: SampleImage
    provenance: Provenance
    cells: tuple[Region, ...] = ()
    labels: Mapping[str, Finding] = field(default_factory=dict)
    measurements: tuple[Measurement, ...] = ()


def recognizes(root: Path) -> bool:
    """Whether `root` holds `derived_vqa/vqa.json`, or is itself the folder that holds `vqa.json`."""
    return _records_file(root) is not None


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """A sample per record about a picture of covid_chestxray or bccd; one picture's samples share its `SampleImage`.

    Args:
        root: the parent of `derived_vqa/`, `covid_chestxray/` and `bccd/` (or `derived_vqa/` itself).
        tell: takes faults; nothing is told yet, what is malformed is refused.

    Raises:
        InputRefused: `bad_dataset`, with every malformed record and every missing picture.
    """
    path = _records_file(root)
    if path is None:
        raise InputRefused(
            "bad_dataset",
            "The folder does not hold derived_vqa/vqa.json. There are no questions to read. Give the folder in which "
            "derived_vqa lies beside the collections that it asks about.",
        )
    subjects, problems, counts = _subjects(path.parent.parent), list[Problem](), Counter[str]()
    samples = []
    for record, name, subject in _usable(_records(path), subjects, problems, counts):
        samples.append(_sample(record, name, subject, counts))
    for what, number in counts.items():
        log.warning("derived_vqa: %s: %d", what, number)
    if problems or not samples:
        raise InputRefused(
            "bad_dataset",
            f"The folder has {len(problems)} bad records and {len(samples)} usable ones. A question without its picture or its "
            "answer cannot be learnt or scored. Mend or remove the records in the list (the first is record 1).",
            problems,
        )
    yield from samples


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


def _subjects(pack: Path) -> dict[str, dict[str, _Subject]]:
    """Collection → file name → subject, for the collections that are there."""
    found: dict[str, dict[str, _Subject]] = {}
    if (pack / covid_chestxray.NAME).is_dir():
        pictures = covid_chestxray.pictures(pack / covid_chestxray.NAME)
        found[covid_chestxray.NAME] = {
            name: _Subject(p.shown, p.provenance, labels=p.labels, measurements=p.measurements) for name, p in pictures.items()
        }
    if (pack / bccd.NAME).is_dir():
        views = bccd.fields(pack / bccd.NAME).values()
        found[bccd.NAME] = {view.file_name: _Subject(view.shown, view.provenance, view.regions) for view in views}
    return found


def _usable(
    records: list[Any], subjects: Mapping[str, Mapping[str, _Subject]], problems: list[Problem], counts: Counter[str]
) -> Iterator[tuple[dict[str, Any], str, _Subject]]:
    """The records that can be asked, each with its key and its subject; the others go to `problems` or `counts`."""
    seen: set[str] = set()
    for number, record in enumerate(records, start=1):
        wrong = _wrong(record, seen)
        if wrong:
            problems.append(Problem(f"record {number}", wrong))
            continue
        seen.add(str(record["qid"]))
        collection, _, rest = record["img_name"].partition("/")
        folder, _, file = rest.rpartition("/")
        if collection not in _IMAGES:
            counts[f"{record['content_type']} questions about collections without a reader, skipped"] += 1
        elif record["content_type"] not in TASKS:
            counts["questions of an unknown type, skipped"] += 1
        elif collection not in subjects:
            counts[f"questions about {collection}, which is not here, skipped"] += 1
        elif folder != _IMAGES[collection] or file not in subjects[collection]:
            problems.append(Problem(f"record {number}", f"Its picture is not among those of {collection} that can be used."))
        else:
            yield record, f"{NAME}-{record['qid']}", subjects[collection][file]


def _wrong(record: Any, seen: set[str]) -> str:
    """What is malformed about a record, or ""."""
    if not isinstance(record, dict):
        return "It is not an object."
    if not isinstance(record.get("qid"), int) or str(record["qid"]) in seen:
        return "Its qid is not an integer, or stands twice."
    bad = [name for name in _TEXTS if not isinstance(record.get(name), str) or not record[name].strip()]
    if bad:
        return f"{', '.join(bad)}: not a text, or empty."
    if questions.has_placeholder(record["question"] + record["answer"]):
        return "Its text holds our own placeholders."
    return ""


def _sample(record: Mapping[str, str], key: str, subject: _Subject, counts: Counter[str]) -> Sample:
    task, answer = TASKS[record["content_type"]], record["answer"].strip()
    evidence = _evidence(task, record["question"], answer, subject.cells, counts)
    asked = questions.conversation(task, record["question"].strip(), answer, evidence)
    provenance = replace(subject.provenance, source=NAME, annotation=str(record.get("source", "")))
    images, facts = (subject.shown,), (subject.measurements, subject.labels)
    return Sample(key, task, images, asked.turns, provenance, asked.regions, *facts)


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
