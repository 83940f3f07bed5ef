"""path_vqa: questions about pictures of pathology out of textbooks and a digital library.

What:       Parquet files of questions, each with its picture inside.
Layout:     `train-*.parquet`, `validation-*.parquet`, `test-*.parquet` with the columns image (bytes and path), question and
            answer and no others, in one folder or in `data/` of it. A folder is recognized by having all three splits: others
            of these columns must be named by `--from`. The collection's first publication is in pickles, which run code when
            they are opened: they are not read. With `text_alone` the pictures are left out.
Split unit: the picture: nothing says which pictures are of one patient. Splits as published.
Labels:     made from captions; free answers, and yes or no.
Defects:    equal bytes are one picture, whatever their path says.
Samples:    a question with its answer; `task` is "closed" for yes and no, else "open".
Licence:    as its publisher states; not looked up.
Source:     huggingface.co/datasets/flaviagiammarino/path-vqa.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.asked import asked
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, places, split_of
from vesalius.datasets.sources import RecordRefused, patient_of
from vesalius.datasets.split import SPLITS, Split
from vesalius.datasets.store import parquet
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Sample

NAME = "path_vqa"
LICENCE = "as its publisher states"
_COLUMNS = {"image", "question", "answer"}


def recognizes(root: Path) -> bool:
    """Whether `root` holds files of all three splits with these columns and no others."""
    return root.is_dir() and {split_of(place, root) for place in _files(root)} >= set(SPLITS)


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False, splits: Collection[Split] = SPLITS) -> Iterator[Sample]:
    """Every question.

    Args:
        root: the folder, or one file.
        tell: takes faults.
        text_alone: leave the pictures out.
        splits: to read; what is of another is not opened.

    Raises:
        InputRefused: `bad_dataset`: no such file is there, or one is damaged.
    """
    found = _files(root)
    if not found:
        raise InputRefused(
            "bad_dataset",
            "No Parquet file of the folder has just the columns image, question and answer. There is nothing to read. Give the "
            "folder that holds PathVQA's Parquet files; its pickles are not opened.",
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    for number, place in enumerate(found, start=1):
        split = split_of(place, root)
        if split is not None and split not in splits:
            continue
        rows = parquet.rows(place, f"file {number}, " if len(found) > 1 else "")
        yield from source(rows, lambda where, row, split=split: _sample(where, row, split, source))  # type: ignore[misc]


def _files(root: Path) -> list[Path]:
    return places(root, (".parquet",), lambda place: set(parquet.columns(place)) == _COLUMNS)


def _sample(where: str, row: dict[str, Any], split: Split | None, source: Source) -> Sample:
    question, answer = (row[name] for name in ("question", "answer"))
    if not isinstance(question, str) or not isinstance(answer, str):
        raise RecordRefused("record_malformed", "Its question or its answer is no text.")
    images = [] if source.text_alone else [source.open(row["image"])]
    picture = patient_of(*images) if images else keys.key(NAME, where, salted=False)
    study = keys.key(NAME, picture, "study", salted=False)
    provenance = Provenance(NAME, LICENCE, picture, study, "question", split)
    key = source.unique(f"{NAME}-{keys.key(NAME, str(split), where, question, salted=False)}")
    task = "closed" if answer.strip().lower() in ("yes", "no") else "open"
    return asked(key, task, question, answer, images, provenance)
