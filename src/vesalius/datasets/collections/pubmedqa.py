"""pubmedqa: research questions that are titles of papers, answered yes, no or maybe from the abstract.

What:       1,000 questions labeled by people (PQA-L), 500 of them the test; 211,269 labeled by a rule (PQA-A); 61,249 without a
            label (PQA-U). Text alone.
Layout:     `ori_pqal.json`, `ori_pqaa.json`, `ori_pqau.json` or a part of them (`ori_pqal_nontest.json`), in the folder or in
            its `data/`: {PMID: {"QUESTION", "CONTEXTS", "LABELS", "LONG_ANSWER", "final_decision"}}; the test's PMIDs are
            the keys of `test_ground_truth.json`.
Split unit: the paper (PMID). The published test is `test`, everything else `train`.
Labels:     two people read each abstract of PQA-L, one of them with its conclusion.
Defects:    the answer is what the abstract's own conclusion says. "maybe" is rare (one in nine).
Samples:    "yes", "no" or "maybe" with the abstract but for its conclusion (task `decision`, three options); and the conclusion
            itself (task `conclusion`). Questions without a label have the second alone.
Licence:    MIT.
Source:     github.com/pubmedqa/pubmedqa; Jin et al. 2019, EMNLP, arXiv 1909.06146.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from vesalius.clinical import keys
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.sources import RecordRefused, document
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Sample

NAME = "pubmedqa"
LICENCE = "MIT"
DECISIONS = ("yes", "no", "maybe")
_PARTS = ("ori_pqal*.json", "ori_pqaa*.json", "ori_pqau*.json")
_TEST = "test_ground_truth.json"
_HEAD_BYTES = 1 << 16


def recognizes(root: Path) -> bool:
    """Whether `root`, or its `data/`, holds one of the files and it begins as published."""
    return any(b'"QUESTION"' in head and b'"CONTEXTS"' in head for head in map(_head, _files(root)))


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """Two samples a labeled question, one for every other.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset",
            "The folder holds no ori_pqal.json and none of its siblings. There are no questions to read. Give the folder that "
            "holds them, or in which they lie in data/.",
        )
    tests = {name for place in (root / _TEST, root / "data" / _TEST) if place.is_file() for name in document(place)}
    seen: set[str] = set()
    for path in _files(root):
        found = document(path)
        if not isinstance(found, dict):
            raise InputRefused("bad_dataset", "A file of questions is no JSON object by PMID, as it is published. Copy it again.")
        for number, (name, record) in enumerate(found.items(), start=1):
            if name in seen:
                continue  # a part of a file that was read already
            seen.add(name)
            try:
                yield from _samples(name, record, path.name, "test" if name in tests else "train")
            except RecordRefused as wrong:
                tell(wrong.at(f"record {number} of {path.name}"))


def _files(root: Path) -> list[Path]:
    return [path for part in _PARTS for folder in (root, root / "data") for path in sorted(folder.glob(part))]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def _samples(name: str, record: Any, file: str, split: Literal["train", "test"]) -> Iterator[Sample]:
    if not isinstance(record, dict) or not isinstance(record.get("QUESTION"), str) or not record["QUESTION"].strip():
        raise RecordRefused("record_malformed", "It has no question.")
    contexts, titles = record.get("CONTEXTS"), record.get("LABELS") or []
    if (
        not isinstance(contexts, list)
        or not isinstance(titles, list)
        or not all(isinstance(c, str) for c in (*contexts, *titles))
    ):
        raise RecordRefused("record_malformed", "Its abstract is no list of texts.")
    decision, conclusion = record.get("final_decision"), str(record.get("LONG_ANSWER") or "").strip()
    if decision is not None and decision not in DECISIONS:
        raise RecordRefused("label_unknown", "Its answer is none of " + ", ".join(DECISIONS) + ".")
    if decision is None and not conclusion:
        raise RecordRefused("answer_missing", "It has neither an answer nor a conclusion.")
    headed = [*titles, *([""] * len(contexts))][: len(contexts)]
    abstract = [f"{head}: {text}" if head else text for head, text in zip(headed, contexts, strict=True)]
    question = "\n".join([*abstract, f"Question: {record['QUESTION'].strip()}"])
    if questions.has_placeholder(question + conclusion):
        raise RecordRefused("special_token", "Its text holds our own placeholders.")
    paper, study = keys.key(NAME, name, salted=False), keys.key(NAME, name, "study", salted=False)
    provenance = Provenance(NAME, LICENCE, paper, study, file, split)
    asked = {"decision": (f"{question} Answer yes, no or maybe.", decision), "conclusion": (question, conclusion)}
    for task, (text, answer) in asked.items():
        if answer:
            made = questions.conversation(task, text, answer, pictures=0)
            key = f"{NAME}-{keys.key(NAME, name, task, salted=False)}"
            yield Sample(key, task, (), made.turns, provenance, options=DECISIONS if task == "decision" else ())
