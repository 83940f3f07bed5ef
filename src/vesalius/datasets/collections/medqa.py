"""medqa: multiple choice of medical licensing examinations of the United States, China and Taiwan; text alone.

What:       JSON lines of questions.
Layout:     `questions/US/{train,dev,test}.jsonl`, `questions/US/4_options/phrases_no_exclude_{train,dev,test}.jsonl`, and the
            same of `Mainland` and `Taiwan`; records with question, answer, options (an object by letter) and, mostly,
            answer_idx and meta_info. A folder with both US forms holds most questions twice; give one of them.
Split unit: the question; there are no patients and no pictures.
Labels:     the right options of the examinations.
Defects:    an answer that is none of the options is told.
Samples:    a question, its options, and the text of the right one. `provenance.site` says which examination.
Licence:    as its publisher states; not looked up.
Source:     github.com/jind11/MedQA; Jin et al. 2020, arXiv 2009.13081.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.asked import asked
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, split_of, streamed
from vesalius.datasets.sources import Files, RecordRefused, first_record
from vesalius.datasets.split import Split
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Sample

NAME = "medqa"
LICENCE = "as its publisher states"
REGIONS = ("US", "Mainland", "Taiwan")
DEPTHS, LOOKED_AT = ("*.jsonl", "*/*.jsonl", "*/*/*.jsonl", "*/*/*/*.jsonl"), 8


def recognizes(root: Path) -> bool:
    """Whether `root` is, or holds, lines of such records."""
    near = [root] if root.is_file() else [place for deep in DEPTHS for place in sorted(root.glob(deep))[:LOOKED_AT]]
    return any(_fits(place) for place in near)


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """Every question.

    Args:
        root: a folder, or one file of lines.
        tell: takes faults.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    candidates = [root] if root.is_file() else Files(root).having((".jsonl",))
    found = [place for place in candidates if _fits(place)]
    if not found:
        raise InputRefused(
            "bad_dataset", "The folder holds no lines of MedQA's questions. There is nothing to read. Give one of questions/."
        )
    source = Source(NAME, root, tell, text_alone=True)
    for number, place in enumerate(found, start=1):
        which = f"file {number}, " if len(found) > 1 else ""
        region, split = next((part for part in place.parts if part in REGIONS), None), split_of(place, root)
        lines = streamed(place, tell, which)
        yield from source(lines, lambda _, record, r=region, s=split: _sample(record, r, s, source))  # type: ignore[misc]


def _fits(place: Path) -> bool:
    one = first_record(place)
    if not isinstance(one, dict) or not isinstance(one.get("options"), dict):
        return False
    return one.keys() >= {"question", "answer", "options"} and (one.keys() & {"meta_info", "answer_idx"} != set())


def _sample(record: Any, region: str | None, split: Split | None, source: Source) -> Sample:
    if not isinstance(record, dict) or not isinstance(record.get("options"), dict):
        raise RecordRefused("record_malformed", "It is no object with options.")
    options = [str(text) for _, text in sorted(record["options"].items())]
    question, answer = str(record.get("question", "")), str(record.get("answer", ""))
    item = keys.key(NAME, question, *options, salted=False)
    provenance = Provenance(NAME, LICENCE, item, item, str(record.get("meta_info", "")), split, region)
    return asked(source.unique(f"{NAME}-{item}"), "choice", question, answer, [], provenance, options=options)
