"""A labeler of chest radiograph reports by rules: which of the fourteen CheXpert findings a text states, doubts or denies.

present        said to be there; said several times, the strongest statement counts: present, uncertain, absent.
uncertain      doubted: possible, probable, likely, versus, cannot be excluded.
absent         denied ("no", "resolved", "unlikely"), or what it would change is called normal ("heart size is normal").
not_mentioned  not spoken of, or only as a question or history ("evaluate for pneumonia").

"No Finding" is present when none of the other twelve findings of disease is present or uncertain (support devices are none), and
not mentioned otherwise; a text without a word has not even that.

Differs from CheXpert's own labeler and CheXbert: ours knows fewer words and no grammar, "likely" is a doubt, an empty text has no
label, "no acute cardiopulmonary abnormality" denies nothing by itself. Labels of two labelers must not be mixed in one score.

English alone. The words are data: `knowledge/chest_findings.json`. How well it reads is measured in
`tests/metrics/findings/test_labels.py`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from vesalius.metrics.findings.clauses import Clause, Meaning, Phrases, clauses, cue_phrases, phrases, sentences, state
from vesalius.types import Finding as State

NO_FINDING, SUPPORT_DEVICES = "No Finding", "Support Devices"
FINDINGS = (
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    SUPPORT_DEVICES,
    NO_FINDING,
)
FIVE = ("Cardiomegaly", "Edema", "Consolidation", "Atelectasis", "Pleural Effusion")  # the CheXpert competition's

_RANK: tuple[State, ...] = ("not_mentioned", "absent", "uncertain", "present")
_SORTS = ("finding", "abnormal", "doubtful")
_OTHER = "other"  # what sounds like a finding and is none
_NEAR = 2  # an adjective this close before a finding belongs to the finding


@dataclass(frozen=True)
class Said:
    """What a sentence says of a finding.

    Attributes:
        finding: one of `FINDINGS` but the last.
        state: present, uncertain or absent.
        sentence: its words.
    """

    finding: str
    state: State
    sentence: str


def label(report: str) -> dict[str, State]:
    """The state of each of the fourteen findings, in the order of `FINDINGS`."""
    found: dict[str, State] = dict.fromkeys(FINDINGS, "not_mentioned")
    read = sentences(report)
    for words in read:
        for finding, stated in _sentence(words):
            found[finding] = max(found[finding], stated, key=_RANK.index)
    disease = (found[name] for name in FINDINGS if name not in {NO_FINDING, SUPPORT_DEVICES})
    if read and not any(stated in {"present", "uncertain"} for stated in disease):
        found[NO_FINDING] = "present"
    return found


def said(report: str) -> list[Said]:
    """Every statement of a report about a finding, in its order, with the sentence that makes it."""
    return [Said(finding, stated, " ".join(words)) for words in sentences(report) for finding, stated in _sentence(words)]


@lru_cache(maxsize=65536)
def _sentence(words: tuple[str, ...]) -> tuple[tuple[str, State], ...]:
    found = [statement for clause in clauses(words, _phrases()) for statement in _clause(clause)]
    return tuple(statement for statement in found if statement[1] != "not_mentioned")


def _clause(clause: Clause) -> Iterator[tuple[str, State]]:
    for place, piece in enumerate(clause):
        for finding in piece.of("finding"):
            if finding != _OTHER:
                yield finding, state(clause, place, _SORTS)
    for finding in {finding for piece in clause for finding in piece.of("subject")}:
        told = _told(clause, finding)
        if told is not None:
            yield finding, told


def _told(clause: Clause, finding: str) -> State | None:
    """What a clause says of a subject by the adjective that is nearest to it: "the heart is mildly enlarged"."""
    subjects = [place for place, piece in enumerate(clause) if finding in piece.of("subject")]
    found: list[tuple[int, State]] = []
    for place, piece in enumerate(clause):
        far = min(abs(place - subject) for subject in subjects)
        if finding in piece.of("normal"):
            found.append((far, "absent"))
        elif finding in (*piece.of("abnormal"), *piece.of("doubtful")):
            if any(near.of("finding") for near in clause[place + 1 : place + 1 + _NEAR]):
                continue
            stated = state(clause, place, _SORTS)
            doubtful = finding in piece.of("doubtful") and stated == "present"
            found.append((far, "uncertain" if doubtful else stated))
    return min(found)[1] if found else None


@cache
def _phrases() -> Phrases:
    known: dict[str, Any] = json.loads(files("vesalius.knowledge").joinpath("chest_findings.json").read_text(encoding="utf-8"))
    return phrases([*_finding_phrases(known["findings"]), *cue_phrases(known)])


def _finding_phrases(findings: Mapping[str, Any]) -> Iterator[tuple[str, Meaning]]:
    for finding, words in findings.items():
        for term in words["terms"]:
            yield from ((form, ("finding", finding)) for form in (term, *plural(term)))
        for term in words.get("not", ()):
            yield from ((form, ("finding", _OTHER)) for form in (term, *plural(term)))
        about = words.get("about", {})
        for sort, key in (("subject", "subjects"), ("abnormal", "abnormal"), ("doubtful", "doubtful"), ("normal", "normal")):
            yield from ((text, (sort, finding)) for text in about.get(key, ()))


def plural(term: str) -> tuple[str, ...]:
    """The plural of a term's last word by the regular rule; none where the word seems to be one."""
    if term.endswith(("s", "x", "ae")):
        return ()
    return (term[:-1] + "ies",) if term.endswith("y") and term[-2] not in "aeiou" else (term + "s",)
