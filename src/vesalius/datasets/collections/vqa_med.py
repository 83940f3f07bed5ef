"""vqa_med: questions about pictures of teaching cases, of the ImageCLEF tasks of 2019 to 2021.

What:       2019: 15,292 questions about 4,200 pictures, four kinds; 2020: 5,000 about abnormalities; 2021: 5,500, and pictures
            for which questions are to be found (VQG).
Layout:     text files with a line a question, wherever they lie: `synpic123|question|answer`; tests of 2019
            `synpic123|modality|question|answer`; tests of 2020 and 2021 `synpic123|question` beside a file of
            `ReferenceAnswers`; VQG `synpic123|question|question…`. Pictures are `synpic123.jpg`, wherever they lie. With
            `text_alone` they are left out.
Split unit: the picture; several pictures of one teaching case have different numbers. Splits as published, by the file's name.
Labels:     answers made from the cases' captions and metadata by rules, checked by physicians in the tests.
Defects:    an answer that is one of several, "a#b", is the first of them here; how often is told. Answers are lower case,
            questions are not proofread.
Samples:    a question with its answer; `task` is its kind where a file states one (modality, plane, organ, abnormality), else
            "vqa". A picture of VQG with each question that an expert has asked about it, as the answer to "Ask a question
            about this picture." (task `asking`): the published task has no other answers.
Licence:    not stated; pictures are of MedPix (NLM).
Source:     github.com/abachaa/VQA-Med-2019, VQA-Med-2020 and VQA-Med-2021; Ben Abacha et al. 2019, CLEF.
"""

import logging
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from vesalius.clinical import keys
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.sources import Files, Pictures, RecordRefused
from vesalius.datasets.split import SPLITS, Split
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Sample, SampleImage

log = logging.getLogger(__name__)

NAME = "vqa_med"
LICENCE = "not stated"
KINDS = ("modality", "plane", "organ", "abnormality")
ASKING = "Ask a question about this picture."
_NAMED = re.compile(r"qa[_ ]?pairs|vqamed|vqa-?med|vqanswering|vqgeneration|vqg|vqa[-_ ]?20\d\d|c\d_\w+_(?:train|val|test)", re.I)
_LINE = re.compile(r"synpic\d+\|.+")
_KIND = re.compile(r"c\d_(modality|plane|organ|abnormality)", re.I)
_PARTS: dict[str, Split] = {"train": "train", "val": "validation", "test": "test"}
_MOST_LISTED = 10_000


@dataclass(frozen=True)
class _Asked:
    """One question, where it stands, and what it is answered with."""

    where: str
    picture: str
    task: str
    question: str
    answer: str
    split: Split | None
    origin: str


def recognizes(root: Path) -> bool:
    """Whether a text file in the folder, or in a folder of it, is named as the tasks' are and begins with a picture's number."""
    places = [path for pattern in ("*.txt", "*/*.txt") for path in islice(root.glob(pattern), _MOST_LISTED)]
    return any(_begins(path) for path in places if _NAMED.search(path.name) and path.is_file())


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False, splits: Collection[Split] = SPLITS) -> Iterator[Sample]:
    """Every question of every file.

    Args:
        root: the folder in which the files of questions lie.
        tell: takes faults.
        text_alone: leave the pictures out.
        splits: to read; what is of another is not opened.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    pictures, counts, seen = Pictures(Files(root)), Counter[str](), set[tuple[str, str, str]]()
    places = _ordered(pictures.files) if root.is_dir() else []  # years side by side lie deeper than `recognizes` looks
    if not places:
        raise InputRefused(
            "bad_dataset",
            "The folder holds no file of questions of VQA-Med. There is nothing to read. Give the folder in which they lie.",
        )
    asked = [each for path in places for each in _questions(path, pictures.files, tell, counts)]
    asked = [each for each in asked if each.split is None or each.split in splits]
    if not text_alone:
        pictures.expect(f"{each.picture}.jpg" for each in asked)
    for each in asked:
        what = (each.picture, each.question.casefold(), each.answer if each.task == "asking" else "")
        if what in seen:
            counts["questions that stand in several files, the first was kept"] += 1
            continue
        seen.add(what)
        try:
            yield _sample(each, None if text_alone else pictures)
        except RecordRefused as wrong:
            tell(wrong.at(each.where))
    for said, number in counts.items():
        log.warning("vqa_med: %s: %d", said, number)


def _begins(path: Path) -> bool:
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        return _LINE.match(lines.readline(1 << 16)) is not None


def _ordered(files: Files) -> list[Path]:
    """The files of questions, those that state kinds first."""
    found = [path for path in files.having([".txt"]) if _NAMED.search(path.name) and _begins(path)]
    return sorted(found, key=lambda path: (_KIND.search(path.name) is None, "w_ref" not in path.name.lower(), path))


def _questions(path: Path, files: Files, tell: Tell, counts: Counter[str]) -> Iterator[_Asked]:
    """The questions of one file; answers of tests come from the file beside it."""
    name = path.name.lower()
    if "referenceanswers" in name:
        return
    split = next((part for word, part in _PARTS.items() if word in name), None)
    kind, rows = _KIND.search(name), list(_rows(path))
    answers: Mapping[str, str] = {}
    if all(len(cells) == 2 for _, cells in rows) and not _is_vqg(name):
        answers = _answers(path, files)
        if not answers and any("w_ref" in other.name.lower() for other in files.having([".txt"])):
            return  # the same questions stand in the file that has their answers
    for number, cells in rows:
        where = f"line {number} of {path.name}"
        picture, rest = cells[0], cells[1:]
        try:
            if not re.fullmatch(r"synpic\d+", picture) or not all(cell for cell in rest[:1]):
                raise RecordRefused("record_malformed", "It does not begin with the number of a picture and a text.")
            if _is_vqg(name):
                for question in filter(None, rest):
                    yield _Asked(where, picture, "asking", ASKING, question, split, path.name)
                continue
            task = kind[1].lower() if kind else "vqa"
            if len(rest) == 3 and rest[0].lower() in KINDS:
                task, rest = rest[0].lower(), rest[1:]
            question, answer = (rest[0], answers.get(picture, "")) if len(rest) == 1 else (rest[0], rest[1])
            if len(rest) > 2 or not answer:
                raise RecordRefused("answer_missing", f"It has {len(rest)} texts behind the picture's number and no answer.")
            counts["questions with several answers, the first was kept"] += "#" in answer
            yield _Asked(where, picture, task, question, answer.split("#")[0].strip(), split, path.name)
        except RecordRefused as wrong:
            tell(wrong.at(where))


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield number, [cell.strip() for cell in line.split("|")]


def _answers(questions_file: Path, files: Files) -> Mapping[str, str]:
    """Picture → its first reference answer, from the file of the same folder."""
    beside = [p for p in files.having([".txt"]) if p.parent == questions_file.parent and "referenceanswers" in p.name.lower()]
    return {cells[0]: cells[1] for path in beside for _, cells in _rows(path) if len(cells) > 1}


def _is_vqg(name: str) -> bool:
    return "vqg" in name


def _sample(asked: _Asked, pictures: Pictures | None) -> Sample:
    if questions.has_placeholder(asked.question + asked.answer):
        raise RecordRefused("special_token", "Its text holds our own placeholders.")
    shown = () if pictures is None else (SampleImage("current", pictures.open(f"{asked.picture}.jpg")),)
    made = questions.conversation(asked.task, asked.question, asked.answer, pictures=len(shown))
    patient = keys.key(NAME, asked.picture, salted=False)
    study = keys.key(NAME, asked.picture, "study", salted=False)
    provenance = Provenance(NAME, LICENCE, patient, study, asked.origin, asked.split)
    told = asked.answer if asked.task == "asking" else ""
    key = f"{NAME}-{keys.key(NAME, asked.picture, asked.question, told, salted=False)}"
    return Sample(key, asked.task, shown, made.turns, provenance)
