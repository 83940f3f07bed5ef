"""slake: questions about CT, MR and radiographs of the whole body, in English and in Chinese, with a knowledge graph's triples.

What:       questions in two languages: 9,835 to learn from and 2,099 to validate in the copy that was looked at.
Layout:     `train.json`, `validate.json` (or `validation.json`) and `test.json`: lists of records with img_name, q_lang,
            question, answer, answer_type, content_type; pictures in `imgs/xmlab1/source.jpg`. With `text_alone` the pictures
            are left out.
Split unit: the picture's number; nothing says which pictures are of one patient. Splits as published.
Labels:     answers by physicians; of knowledge questions by the graph. What a closed question may be answered with is not
            stated by the collection.
Defects:    the copy that was looked at has questions about one picture on both sides: 130 of the 174 pictures of
            `validate.json` stand in `train.json` too; `vesalius data split` makes splits that keep a picture together.
Samples:    a question with its answer; `task` is what it is about (modality, plane, organ, position, abnormality, size, count,
            color, shape, knowledge), `provenance.annotation` says the language and whether it is open or closed.
Licence:    CC BY 4.0.
Source:     med-vqa.com/slake; Liu et al. 2021, ISBI, arXiv 2102.09542.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.sources import Files, Pictures, RecordRefused, first_record, records
from vesalius.datasets.split import SPLITS, Split
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Sample, SampleImage

NAME = "slake"
LICENCE = "CC BY 4.0"
FILES: dict[str, Split] = {
    "train.json": "train",
    "validate.json": "validation",
    "validation.json": "validation",
    "test.json": "test",
}
TASKS = {
    "Modality": "modality",
    "Plane": "plane",
    "Organ": "organ",
    "Position": "position",
    "Abnormality": "abnormality",
    "Size": "size",
    "Quantity": "count",
    "Color": "color",
    "Shape": "shape",
    "KG": "knowledge",
}
LANGUAGES = ("en", "zh")
MODALITIES = {"CT": "CT", "MRI": "MR", "X-Ray": "XR"}
_TEXTS = ("img_name", "question", "q_lang", "content_type")


def recognizes(root: Path) -> bool:
    """Whether `root` holds one of the files and its first record is one of this collection."""
    places = [root / name for name in FILES if (root / name).is_file()]
    return any(isinstance(record := first_record(place), dict) and record.keys() >= {*_TEXTS, "triple"} for place in places)


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False, splits: Collection[Split] = SPLITS) -> Iterator[Sample]:
    """Every question.

    Args:
        root: the folder that holds `train.json`.
        tell: takes faults.
        text_alone: leave the pictures out.
        splits: to read; what is of another is not opened.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset",
            "The folder holds neither train.json nor validate.json with questions of SLAKE. There is nothing to read. Give "
            "the folder that holds them.",
        )
    pictures = Pictures(Files(root))
    for file, split in FILES.items():
        if split not in splits or not (root / file).is_file():
            continue
        found = records(root / file)
        if not text_alone:
            pictures.expect(record["img_name"] for _, record in found if isinstance(record, dict) and "img_name" in record)
        for where, record in found:
            try:
                yield _sample(record, file, split, None if text_alone else pictures)
            except RecordRefused as wrong:
                tell(wrong.at(f"{where} of {file}"))


def _sample(record: Any, file: str, split: Split, pictures: Pictures | None) -> Sample:
    if not isinstance(record, dict) or not isinstance(record.get("qid"), int):
        raise RecordRefused("record_malformed", "It is no object with a qid.")
    bad = [name for name in _TEXTS if not isinstance(record.get(name), str) or not record[name].strip()]
    if bad:
        raise RecordRefused("record_malformed", f"{', '.join(bad)}: not a text, or empty.")
    question, answer = record["question"].strip(), str(record.get("answer") or "").strip()
    if not answer:
        raise RecordRefused("answer_missing", "Its answer is empty.")
    if questions.has_placeholder(question + answer):
        raise RecordRefused("special_token", "Its text holds our own placeholders.")
    if record["q_lang"] not in LANGUAGES or record["content_type"] not in TASKS:
        raise RecordRefused("label_unknown", "Its language or its kind of question is none of the collection's.")
    shown: tuple[SampleImage, ...] = ()
    if pictures is not None:
        image = pictures.open(record["img_name"], modality=MODALITIES.get(str(record.get("modality"))))
        shown = (SampleImage("current", image),)
    made = questions.conversation(TASKS[record["content_type"]], question, answer, pictures=len(shown))
    patient = keys.key(NAME, record["img_name"], salted=False)
    study = keys.key(NAME, record["img_name"], "study", salted=False)
    origin = ", ".join([file, record["q_lang"], str(record.get("answer_type", "")).lower()])
    provenance = Provenance(NAME, LICENCE, patient, study, origin, split)
    key = f"{NAME}-{keys.key(NAME, file, str(record['qid']), salted=False)}"
    return Sample(key, made.task, shown, made.turns, provenance)
