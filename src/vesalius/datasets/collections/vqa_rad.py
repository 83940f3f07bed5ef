"""vqa_rad: questions of clinicians about radiographs, CT and MR pictures of MedPix.

What:       one JSON list of questions about pictures of head, chest and abdomen.
Layout:     a `.json` file whose records have qid, phrase_type, qid_linked_id, image_case_url, image_name, image_organ, question,
            question_type, answer, answer_type; pictures lie below the same folder. With `text_alone` the pictures are left out.
Split unit: the MedPix case of `image_case_url`, else the picture. The split is the published one: a `phrase_type` that begins
            with "test" is test, everything else train.
Labels:     free answers, and yes or no; written by clinicians, some of them rephrased.
Defects:    test questions are about pictures of training questions, so that the published split does not part patients: `vesalius
            data lint` lists them, `vesalius data split` makes one that does. Some answers are numbers, and some types have
            spaces behind them; both are read.
Samples:    a question with its answer; `task` is the first of its types in small letters, `provenance.annotation` the rest.
Licence:    as its publisher states; not looked up.
Source:     osf.io/89kps; Lau et al. 2018.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.asked import asked
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, places
from vesalius.datasets.sources import RecordRefused, first_record, records
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Sample

NAME = "vqa_rad"
LICENCE = "as its publisher states"
_KEYS = {"qid", "phrase_type", "qid_linked_id", "image_name", "image_organ", "question", "answer"}


def recognizes(root: Path) -> bool:
    """Whether `root` is, or holds, a list of such records."""
    return bool(_files(root))


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """Every question.

    Args:
        root: the folder, or the file of questions.
        tell: takes faults.
        text_alone: leave the pictures out.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    found = _files(root)
    if not found:
        raise InputRefused(
            "bad_dataset",
            "No file of the folder is VQA-RAD's list of questions. There is nothing to read. Give the folder that holds it.",
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    for place in found:
        yield from source(records(place), lambda _, record: _sample(record, source))


def _files(root: Path) -> list[Path]:
    return places(root, (".json",), lambda place: isinstance(one := first_record(place), dict) and one.keys() >= _KEYS)


def _sample(record: Any, source: Source) -> Sample:
    if not isinstance(record, dict) or not isinstance(record.get("image_name"), str):
        raise RecordRefused("record_malformed", "It is no object with a picture's name.")
    said = {name: str(record.get(name) if record.get(name) is not None else "").strip() for name in record}
    images = [] if source.text_alone else [source.open(record["image_name"])]
    patient = keys.key(NAME, said.get("image_case_url") or said["image_name"], salted=False)
    study = keys.key(NAME, said["image_name"], "study", salted=False)
    types = [part.strip().lower() for part in said.get("question_type", "").split(",") if part.strip()] or ["other"]
    annotation = ", ".join([said.get("answer_type", "").lower(), said.get("phrase_type", ""), *types[1:]])
    split = "test" if said.get("phrase_type", "").startswith("test") else "train"
    provenance = Provenance(NAME, LICENCE, patient, study, annotation, split)  # type: ignore[arg-type]
    key = source.unique(f"{NAME}-{keys.key(NAME, said['qid'], said['image_name'], salted=False)}")
    return asked(key, types[0], said.get("question", ""), said.get("answer", ""), images, provenance)
