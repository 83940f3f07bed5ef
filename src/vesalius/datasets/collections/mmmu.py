"""mmmu: questions with pictures at the level of a college, of thirty subjects; five of them are of medicine and health.

What:       11,550 multiple choices and short answers: 150 to show how (dev), 900 (validation), 10,500 (test).
Layout:     a folder a subject with `dev-*.parquet`, `validation-*.parquet`, `test-*.parquet`, or all subjects in `data/`: the
            columns id (`validation_Pharmacy_3`), question, options (a Python list as text), explanation, image_1 to image_7
            (bytes and path), img_type, answer, topic_difficulty, question_type and subfield. With `text_alone` the pictures are
            left out.
Split unit: the question; there are no patients. Splits as published; `dev` is `train` here: it is for examples in a prompt.
Labels:     by students, out of books, lectures and examinations.
Defects:    the answers of `test` are withheld ("?"): each of its questions is told, none is read. A short answer that may be one
            of several is the first of them.
Samples:    a question with its pictures in their order; "<image 2>" in a question or an option reads "picture 2". `task` is
            "choice" or "open", `provenance.site` the subject, `provenance.annotation` the field and how hard it is.
Licence:    Apache-2.0.
Source:     huggingface.co/datasets/MMMU/MMMU; Yue et al. 2023, arXiv 2311.16502.
"""

import ast
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.asked import asked
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, places, split_of
from vesalius.datasets.sources import RecordRefused
from vesalius.datasets.split import SPLITS, Split
from vesalius.datasets.store import parquet
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Sample

NAME = "mmmu"
LICENCE = "Apache-2.0"
MEDICAL = ("Basic_Medical_Science", "Clinical_Medicine", "Diagnostics_and_Laboratory_Medicine", "Pharmacy", "Public_Health")
PICTURES = tuple(f"image_{number}" for number in range(1, 8))
WITHHELD = "?"
LONGEST_LIST = 1 << 16  # characters of a list of options
_COLUMNS = {"id", "question", "options", "explanation", "image_1", "img_type", "answer", "question_type", "subfield"}
_TEXTS = ("id", "question", "options", "answer", "question_type")
_MARK = re.compile(r"<image (\d)>")
_SUBJECT = re.compile(r"[a-z]+_(\w+)_\d+")


def recognizes(root: Path) -> bool:
    """Whether `root` is, or holds, a Parquet file with these columns, or a folder in it does."""
    return bool(_files(root))


def read(
    root: Path,
    tell: Tell = refuse,
    *,
    text_alone: bool = False,
    splits: Collection[Split] = SPLITS,
    subjects: Collection[str] | None = None,
) -> Iterator[Sample]:
    """Every question that has an answer.

    Args:
        root: the folder with a folder for each subject, or one file.
        tell: takes faults.
        text_alone: leave the pictures out.
        splits: to read; files of others are not opened.
        subjects: to read, all when None.

    Raises:
        InputRefused: `bad_dataset`: another layout, or a file is damaged.
    """
    found = _files(root)
    if not found:
        raise InputRefused(
            "bad_dataset",
            "No Parquet file of the folder has MMMU's columns. There is nothing to read. Give the folder with a folder for each "
            "subject, as Hugging Face has it under MMMU/MMMU.",
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    for number, place in enumerate(found, start=1):
        split = _split(place, root)
        if split is not None and split not in splits:
            continue
        rows = parquet.rows(place, f"file {number}, " if len(found) > 1 else "")
        wanted = ((where, row) for where, row in rows if subjects is None or _subject(row) in subjects)
        yield from source(wanted, lambda _, row, split=split: _sample(row, split, source))  # type: ignore[misc]


def _files(root: Path) -> list[Path]:
    return places(root, (".parquet",), lambda place: set(parquet.columns(place)) >= _COLUMNS)


def _split(place: Path, root: Path) -> Split | None:
    """What the file's name says; `dev` is to learn from here, where elsewhere it is another word for validation."""
    return "train" if place.name.startswith("dev") else split_of(place, root)


def _subject(row: dict[str, Any]) -> str:
    match = _SUBJECT.fullmatch(str(row["id"]))
    return match[1] if match else ""


def _sample(row: dict[str, Any], split: Split | None, source: Source) -> Sample:
    bad = [name for name in _TEXTS if not isinstance(row.get(name), str)]
    if bad:
        raise RecordRefused("record_malformed", f"{', '.join(bad)}: not a text.")
    if row["answer"].strip() == WITHHELD:
        raise RecordRefused("answer_missing", "Its answer is withheld by the publisher.")
    options = [_said(option) for option in _listed(row["options"])]
    if options:
        place = ord(row["answer"].strip()[:1] or "?") - ord("A")
        if len(row["answer"].strip()) != 1 or not 0 <= place < len(options):
            raise RecordRefused("answer_missing", "It does not say by a letter which of its options is right.")
        answer = options[place]
    else:
        several = row["answer"].strip().startswith("[")
        answer = next(iter(_listed(row["answer"])), "") if several else row["answer"]
    given = [row[name] for name in PICTURES if row.get(name)]
    images = [] if source.text_alone else [source.open(picture) for picture in given]
    item, study = keys.key(NAME, row["id"], salted=False), keys.key(NAME, row["id"], "study", salted=False)
    annotation = ", ".join(str(row.get(name) or "not stated") for name in ("subfield", "topic_difficulty"))
    provenance = Provenance(NAME, LICENCE, item, study, annotation, split, _subject(row) or None)
    task = "choice" if options else "open"
    return asked(source.unique(f"{NAME}-{item}"), task, _said(row["question"]), answer, images, provenance, options=options)


def _said(text: str) -> str:
    """A text with the marks of its pictures as words: pictures are shown before the question, in their order."""
    return _MARK.sub(r"picture \1", text).strip()


def _listed(text: str) -> list[str]:
    """The texts of a list as Python writes it.

    Raises:
        RecordRefused: `record_malformed`.
    """
    try:
        found = ast.literal_eval(text) if len(text) <= LONGEST_LIST else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise RecordRefused("record_malformed", "Its options, or its answers, are no list as Python writes one.")
    return [str(item) for item in found]
