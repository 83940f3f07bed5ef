"""huggingface: tables of pictures with a caption, a question and its answer, or a class, as `datasets` saves them in Parquet.

What:       any number of pictures with what is said of each.
Layout:     Parquet, one file or more a split, named as `train-00000-of-00002.parquet`: `image` (a struct of `bytes` and `path`,
            or the name of a file below the folder), and `text` or `caption`, or `question` and `answer`, or `label` (a text,
            or the number of a class that the file's features name). `patient_id` or `subject_id`, and `study_id`, are read
            where they stand.
Holds:      one picture a row with one text (an annotation: the findings of a report), or one question and one answer.
            Written with the pictures inside, `captions/train.parquet` and `questions/train.parquet`; longer
            conversations, several pictures under one question, clips and volumes are counted when they are left out.
Beside:     the column `vesalius` keeps what the table has no place for; `datasets` shows it as one text more.
Split unit: the patient, where a column or `vesalius` names one; else the picture.
Labels:     as they are in the table; a class is a label of its picture.
Defects:    left out, each with its row: pictures that are missing or cannot be read; rows of which nothing is said; empty
            answers; classes that have no name; tokens that steer a model.
Licence:    not stated by the files.
Source:     huggingface.co/docs/datasets, "Create an image dataset"; checked with datasets 5.2.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vesalius.datasets.beside import FIELD, beside, restored
from vesalius.datasets.captions import apart, caption_of
from vesalius.datasets.conversations import plain_text, without_masks
from vesalius.datasets.exports import Dropped
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, places, split_of
from vesalius.datasets.sources import RecordRefused
from vesalius.datasets.split import Split
from vesalius.datasets.store import parquet
from vesalius.datasets.writing import Inside, nothing_held, split_name
from vesalius.errors import InputRefused
from vesalius.types import PLACEHOLDER, Finding, Report, Sample, SampleImage, Turn

NAME = "huggingface"
SUFFIXES = (".parquet",)
MARK = "<image:0>"
_TEXTS = ("text", "caption", "report", "title", "description", "findings")
_CLASSES = ("label", "labels", "class")
_OTHERS = {"messages", "prompt", "chosen", "conversations", "turns"}


def recognizes(root: Path) -> bool:
    """Whether Parquet has a column `image` and one of texts, questions or classes, and none of conversations."""
    return bool(places(root, SUFFIXES, _fits))


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """A sample a row.

    Args:
        root: the folder, or one file.
        tell: takes faults, with the row (and the number of the file, by name, where there are several).
        text_alone: leave the pictures out.

    Raises:
        InputRefused: `bad_dataset`: no such file is in the folder, or one is damaged.
    """
    found = places(root, SUFFIXES, _fits)
    if not found:
        raise InputRefused(
            "bad_dataset",
            "No Parquet in the folder has a column `image` and one of texts, questions or classes. There is nothing to read as "
            "a table of pictures. Give the folder that holds it, or name another format.",
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    for number, place in enumerate(found, start=1):
        which = f"file {number}, " if len(found) > 1 else ""
        reader = _Row(source, parquet.features(place), split_of(place, root))
        yield from source(parquet.rows(place, which), reader)


def write(samples: Iterable[Sample], out: Path, dropped: Dropped) -> None:
    """`captions/train.parquet` and `questions/train.parquet`, a file a split, the pictures inside.

    Args:
        samples: in order.
        out: the folder, empty.
        dropped: is told what the format cannot hold.

    Raises:
        UsageError: `bad_option`, when it can hold none of the samples.
    """
    inside = Inside(dropped)
    texts = {"image": parquet.PICTURE, "text": parquet.TEXT, FIELD: parquet.TEXT}
    questions = {"image": parquet.PICTURE, "question": parquet.TEXT, "answer": parquet.TEXT, FIELD: parquet.TEXT}
    with parquet.Tables(out) as tables:
        for sample in samples:
            held = without_masks(sample, dropped)
            asked = _asked(held)
            if asked is not None and held.images[0].image.kind == "image":
                row = {"image": inside.picture(held.images[0].image), "question": asked[0], "answer": asked[1]}
                row[FIELD] = beside(held, list(asked), (0,), inside.changed(held))
                tables.add(f"questions/{split_name(held)}", questions, row)
                continue
            caption = caption_of(held, dropped)
            if caption is None:
                continue
            for one in apart(held, dropped):
                row = {"image": inside.picture(one.images[0].image), "text": caption}
                row[FIELD] = beside(one, [caption, None], (0,), inside.changed(one))
                tables.add(f"captions/{split_name(one)}", texts, row)
        if not tables.names:
            raise nothing_held(NAME, dropped)


def _asked(sample: Sample) -> tuple[str, str] | None:
    """The question and the answer of a sample that has one of each, about one picture that stands before the question."""
    if [turn.role for turn in sample.turns] != ["user", "assistant"] or len(sample.images) != 1 or sample.preference is not None:
        return None
    question, answer = (turn.text for turn in sample.turns)
    before, _, asked = question.partition(MARK)
    if before or not asked.strip() or PLACEHOLDER.search(asked + answer):
        return None
    return asked, answer


def _fits(place: Path) -> bool:
    names = set(parquet.columns(place))
    says = {*_TEXTS, *_CLASSES} & names or {"question", "answer"} <= names
    return "image" in names and bool(says) and not _OTHERS & names


@dataclass(frozen=True)
class _Row:
    """Makes samples of the rows of one file."""

    source: Source
    features: Mapping[str, Any]
    split: Split | None

    def __call__(self, where: str, row: Any) -> Sample:
        image = () if self.source.text_alone else (self.source.open(row.get("image")),)
        report, turns = None, tuple[Turn, ...]()
        caption = next((row[name] for name in _TEXTS if row.get(name) is not None), None)
        question, answer = row.get("question"), row.get("answer")
        if caption is not None:
            report = Report(plain_text(caption, "The text").strip(), "")
        if question is not None:
            asked, said = plain_text(question, "The question"), plain_text(_word(answer), "The answer")
            if not said.strip():
                raise RecordRefused("answer_missing", "Its question has no answer.")
            gap = "" if asked[:1].isspace() else " "
            turns = (Turn("user", f"{MARK}{gap}{asked}" if image else asked), Turn("assistant", said))
        labels = self._labels(row)
        if not turns and not labels and (report is None or not report.findings):
            raise RecordRefused("record_malformed", "Nothing is said of its picture.")
        patient, study = (_named(row, names) for names in (("patient_id", "subject_id"), ("study_id",)))
        key = self.source.key(where)
        provenance = self.source.provenance(image, key, split=self.split, patient=patient, study=study)
        shown = tuple(SampleImage("current", one) for one in image)
        task = "conversation" if turns else "annotation"
        sample = Sample(key, task, shown, turns, provenance, labels=labels, report=report)
        written = [question, answer] if turns else [caption, None]
        return restored(sample, row.get(FIELD), written, image, self.source, self.split)

    def _labels(self, row: Mapping[str, Any]) -> dict[str, Finding]:
        """Classes that are named, by the file's features where they are numbers."""
        for column in _CLASSES:
            value = row.get(column)
            if value is None:
                continue
            feature = self.features.get(column)
            feature = feature.get("feature", feature) if isinstance(feature, dict) else {}
            names = feature.get("names") if isinstance(feature, dict) else None
            return {self._label(one, names): "present" for one in (value if isinstance(value, list) else [value])}
        return {}

    def _label(self, value: Any, names: Any) -> str:
        if isinstance(value, str):
            return plain_text(value, "A class").strip().lower()
        if type(value) is not int or not isinstance(names, list) or not 0 <= value < len(names):
            raise RecordRefused("label_unknown", "A class of it has no name in the file's features.")
        return str(names[value]).strip().lower()


def _word(answer: Any) -> Any:
    """Yes and no, and numbers, as words."""
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    return str(answer) if isinstance(answer, int | float) else "" if answer is None else answer


def _named(row: Mapping[str, Any], names: Iterable[str]) -> str | None:
    return next((str(row[name]) for name in names if row.get(name) not in (None, "")), None)
