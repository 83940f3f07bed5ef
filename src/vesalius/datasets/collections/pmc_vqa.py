"""pmc_vqa: multiple choice about figures of open-access papers, made by a language model from their captions.

What:       tables of questions with four options each; `train.csv` and `test.csv` are of compound figures, `train_2.csv` and
            `test_2.csv` of single ones.
Layout:     columns Figure_path, Question, Choice A to Choice D, and Answer with Answer_label (first version) or Answer as a
            letter (second, which also has index, Caption and split). Choices begin with their letter
            ("A: …"), which is taken off. Figures lie below the same folder. With `text_alone` the pictures are left out.
Split unit: the paper, which is the figure's name up to its first underscore. The split is that of the table's name.
Labels:     made by a language model from captions and filtered by another; `test_clean.csv` was looked through by people.
Defects:    a row whose answer is none of its options is left out and told.
Samples:    a question, its options in the order shown, and the text of the right one.
Licence:    as its publisher states; figures as their papers state. Not looked up.
Source:     github.com/xiaoman-zhang/PMC-VQA.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.asked import asked
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, places, split_of
from vesalius.datasets.sources import RecordRefused, columns, table
from vesalius.datasets.split import Split
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Sample

NAME = "pmc_vqa"
LICENCE = "as its publisher states"
LETTERS = "ABCD"
_COLUMNS = {"Figure_path", "Question", "Answer", *(f"Choice {letter}" for letter in LETTERS)}
_LETTER = re.compile(r"\s*[A-D]\s*[:.)]\s*")


def recognizes(root: Path) -> bool:
    """Whether `root` is, or holds, a table with the published columns."""
    return bool(_files(root))


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """Every question of every table.

    Args:
        root: the folder, or one table.
        tell: takes faults.
        text_alone: leave the pictures out.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    found = _files(root)
    if not found:
        raise InputRefused(
            "bad_dataset",
            "No table of the folder has PMC-VQA's columns. There is nothing to read. Give the folder that holds one.",
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    for place in found:
        split = split_of(place, root)
        rows = ((f"{where} of {place.name}", row) for where, row in table(place))
        yield from source(rows, lambda where, row, split=split: _sample(where, row, split, source))  # type: ignore[misc]


def _files(root: Path) -> list[Path]:
    return places(root, (".csv",), lambda place: set(columns(place)) >= _COLUMNS)


def _sample(where: str, row: Any, split: Split | None, source: Source) -> Sample:
    options = [_LETTER.sub("", row[f"Choice {letter}"], count=1).strip() for letter in LETTERS]
    said = (row.get("Answer_label") or row["Answer"]).strip()
    if said not in tuple(LETTERS):
        raise RecordRefused("answer_missing", "It does not say by a letter which of its options is right.")
    answer = options[LETTERS.index(said)]
    images = [] if source.text_alone else [source.open(row["Figure_path"])]
    paper = row["Figure_path"].partition("_")[0]
    patient, study = (keys.key(NAME, *parts, salted=False) for parts in ((paper,), (row["Figure_path"], "study")))
    provenance = Provenance(NAME, LICENCE, patient, study, "multiple choice", split)
    key = source.unique(f"{NAME}-{keys.key(NAME, where, row['Figure_path'], row['Question'], salted=False)}")
    return asked(key, "choice", row["Question"], answer, images, provenance, options=options)
