"""medxpertqa: multiple choice at the level of specialists, with pictures (MM) and without (Text).

What:       4,460 questions: MM has 2,000 with pictures and five options, Text 2,450 with ten options, and each of them five more
            to show how (dev).
Layout:     `MM/{dev,test}.jsonl` and `Text/{dev,test}.jsonl`: id, question, options (an object by letter, or a list of letter and
            content), label (a letter, or a list of one), medical_task, body_system, question_type, and in MM images, a list of
            names; the pictures of `images.zip`, unpacked, below the same folder. With `text_alone` they are left out.
Split unit: the question; whose pictures they are nobody says. `dev` is `train` here: it is for examples in a prompt.
Labels:     of specialty examinations and textbooks; questions and options were reworded and added to by language models and
            looked through by physicians.
Defects:    a question ends in its options once more ("Answer Choices: (A) …"): that end is taken off.
Samples:    a question with its pictures, its options and the right one; `task` is its medical task in small letters (diagnosis,
            treatment, basic medicine), `provenance.site` the body's system, `provenance.annotation` the part (MM or Text) and
            whether it asks to reason or to understand.
Licence:    MIT.
Source:     huggingface.co/datasets/TsinghuaC3I/MedXpertQA; Zuo et al. 2025, arXiv 2501.18362.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.asked import asked
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, places, streamed
from vesalius.datasets.sources import RecordRefused, first_record
from vesalius.datasets.split import Split
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Sample

NAME = "medxpertqa"
LICENCE = "MIT"
SPLITS: dict[str, Split] = {"dev": "train", "test": "test"}
_KEYS = {"id", "question", "options", "label", "medical_task", "body_system", "question_type"}
_TEXTS = ("id", "question", "medical_task", "body_system", "question_type")
_AGAIN = re.compile(r"\s*Answer Choices:\s*\(A\).*\Z", re.DOTALL)


def recognizes(root: Path) -> bool:
    """Whether `root` is, or holds, lines of such records."""
    return bool(_files(root))


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """Every question of both parts, or of those that are there.

    Args:
        root: the folder with `MM` and `Text`, one of these, or one file.
        tell: takes faults.
        text_alone: leave the pictures out.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    found = _files(root)
    if not found:
        raise InputRefused(
            "bad_dataset",
            "The folder holds no lines of MedXpertQA's questions. There is nothing to read. Give the folder that holds MM/ or "
            "Text/, as Hugging Face has it under TsinghuaC3I/MedXpertQA.",
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    for number, place in enumerate(found, start=1):
        split = next((split for word, split in SPLITS.items() if place.stem.startswith(word)), None)
        lines = streamed(place, tell, f"file {number}, " if len(found) > 1 else "")
        yield from source(lines, lambda _, record, split=split: _sample(record, split, source))  # type: ignore[misc]


def _files(root: Path) -> list[Path]:
    return places(root, (".jsonl",), lambda place: isinstance(one := first_record(place), dict) and one.keys() >= _KEYS)


def _sample(record: Any, split: Split | None, source: Source) -> Sample:
    if not isinstance(record, dict) or not all(isinstance(record.get(name), str) for name in _TEXTS):
        raise RecordRefused("record_malformed", "It lacks one of " + ", ".join(_TEXTS) + ".")
    options, names = _options(record.get("options")), record.get("images") or []
    label = record.get("label")
    letter = label[0] if isinstance(label, list) and len(label) == 1 else label
    if not isinstance(letter, str) or letter not in options:
        raise RecordRefused("answer_missing", "It does not say by a letter which of its options is right.")
    if not isinstance(names, list):
        raise RecordRefused("record_malformed", "Its pictures are no list.")
    images = [] if source.text_alone else [source.open(name) for name in names]
    item, study = keys.key(NAME, record["id"], salted=False), keys.key(NAME, record["id"], "study", salted=False)
    part = f"{'MM' if names else 'Text'}, {record['question_type'].strip().lower()}"
    provenance = Provenance(NAME, LICENCE, item, study, part, split, record["body_system"].strip().lower() or None)
    question, task = _AGAIN.sub("", record["question"]), record["medical_task"].strip().lower() or "choice"
    key = source.unique(f"{NAME}-{item}")
    return asked(key, task, question, options[letter], images, provenance, options=tuple(options.values()))


def _options(said: Any) -> dict[str, str]:
    """Letter → text, in the order of the letters."""
    if isinstance(said, list) and all(isinstance(one, dict) for one in said):
        said = {one.get("letter"): one.get("content") for one in said}
    if not isinstance(said, dict) or not all(isinstance(text, str) for pair in said.items() for text in pair):
        raise RecordRefused("record_malformed", "Its options are neither an object by letter nor a list of letter and content.")
    return {letter: said[letter] for letter in sorted(said)}
