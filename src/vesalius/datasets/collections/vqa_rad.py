"""vqa_rad: questions of clinicians about radiographs, CT and MR pictures of MedPix.

What:       one JSON list of questions about pictures of head, chest and abdomen.
Layout:     a `.json` file whose records have qid, phrase_type, qid_linked_id, image_case_url, image_name, image_organ, question,
            question_type, answer, answer_type; pictures lie below the same folder. Or, where `--from` names it, Parquet files
            `train-*` and `test-*` with the columns image, question and answer, as Hugging Face has them. With `text_alone` the
            pictures are left out.
Split unit: the MedPix case of `image_case_url`; of Parquet files the picture, by its bytes. The split is the published one: a
            `phrase_type` that begins with "test" is test, everything else train.
Labels:     free answers, and yes or no; written by clinicians, some of them rephrased.
Defects:    test questions are about pictures of training questions, so that the published split does not part patients: `vesalius
            data lint` lists them, `vesalius data split` makes one that does. Some answers are numbers, and some types have
            spaces behind them; both are read. Parquet files do not say what kind a question is.
Samples:    a question with its answer; `task` is the first of its types in small letters, `provenance.annotation` the rest. Of
            Parquet files `task` is "closed" for yes and no, else "open".
Licence:    as its publisher states; not looked up.
Source:     osf.io/89kps, huggingface.co/datasets/flaviagiammarino/vqa-rad; Lau et al. 2018.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.asked import asked
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, places, split_of
from vesalius.datasets.sources import RecordRefused, first_record, patient_of, records
from vesalius.datasets.split import SPLITS, Split
from vesalius.datasets.store import parquet
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Sample

NAME = "vqa_rad"
LICENCE = "as its publisher states"
_COLUMNS = {"image", "question", "answer"}
_KEYS = {"qid", "phrase_type", "qid_linked_id", "image_name", "image_organ", "question", "answer"}


def recognizes(root: Path) -> bool:
    """Whether `root` is, or holds, a list of such records."""
    return bool(_files(root))


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False, splits: Collection[Split] = SPLITS) -> Iterator[Sample]:
    """Every question.

    Args:
        root: the folder, or the file of questions.
        tell: takes faults.
        text_alone: leave the pictures out.
        splits: to read; what is of another is not opened.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    found, tables = _files(root), [] if root.is_file() else _tables(root)
    if not found and not tables:
        raise InputRefused(
            "bad_dataset",
            "No file of the folder is VQA-RAD's list of questions, nor a Parquet file of them. There is nothing to read. Give "
            "the folder that holds it.",
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    for place in found:
        named = ((where, record) for where, record in records(place) if _split(record) in splits)
        yield from source(named, lambda _, record: _sample(record, source))
    for place in () if found else tables:
        split = split_of(place, root)
        if split is None or split in splits:
            rows = parquet.rows(place, f"{place.stem.partition('-')[0]}, ")
            yield from source(rows, lambda where, row, split=split: _row(where, row, split, source))  # type: ignore[misc]


def _files(root: Path) -> list[Path]:
    return places(root, (".json",), lambda place: isinstance(one := first_record(place), dict) and one.keys() >= _KEYS)


def _tables(root: Path) -> list[Path]:
    return places(root, (".parquet",), lambda place: set(parquet.columns(place)) == _COLUMNS)


def _split(record: Any) -> Split:
    phrase = record.get("phrase_type") if isinstance(record, dict) else None
    return "test" if isinstance(phrase, str) and phrase.strip().startswith("test") else "train"


def _sample(record: Any, source: Source) -> Sample:
    if not isinstance(record, dict) or not isinstance(record.get("image_name"), str):
        raise RecordRefused("record_malformed", "It is no object with a picture's name.")
    said = {name: str(record.get(name) if record.get(name) is not None else "").strip() for name in record}
    images = [] if source.text_alone else [source.open(record["image_name"])]
    patient = keys.key(NAME, said.get("image_case_url") or said["image_name"], salted=False)
    study = keys.key(NAME, said["image_name"], "study", salted=False)
    types = [part.strip().lower() for part in said.get("question_type", "").split(",") if part.strip()] or ["other"]
    annotation = ", ".join([said.get("answer_type", "").lower(), said.get("phrase_type", ""), *types[1:]])
    provenance = Provenance(NAME, LICENCE, patient, study, annotation, _split(record))
    key = source.unique(f"{NAME}-{keys.key(NAME, said['qid'], said['image_name'], salted=False)}")
    return asked(key, types[0], said.get("question", ""), said.get("answer", ""), images, provenance)


def _row(where: str, row: dict[str, Any], split: Split | None, source: Source) -> Sample:
    question, answer = (row[name] for name in ("question", "answer"))
    if not isinstance(question, str) or not isinstance(answer, str):
        raise RecordRefused("record_malformed", "Its question or its answer is no text.")
    images = [] if source.text_alone else [source.open(row["image"])]
    picture = patient_of(*images) if images else keys.key(NAME, where, salted=False)
    closed = answer.strip().lower() in ("yes", "no")
    provenance = Provenance(
        NAME, LICENCE, picture, keys.key(NAME, picture, "study", salted=False), "closed" if closed else "open", split
    )
    key = source.unique(f"{NAME}-{keys.key(NAME, where, question, salted=False)}")
    return asked(key, "closed" if closed else "open", question, answer, images, provenance)
