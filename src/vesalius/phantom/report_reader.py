"""A reader of reports: which findings a text states, denies or doubts, and what it says of each lesion.

It reads the text alone, sentence by sentence, and knows neither the plan nor the frames that the text was written by: it looks
for the kind's terms and words of attributes and for cues of absence, doubt and change, the longest at each place. A cue
holds for its clause. So it reads what a model writes as well, as far as that keeps to the kind's words.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from vesalius.phantom import world
from vesalius.phantom.findings import FindingKind
from vesalius.phantom.truth import CHANGES, Change
from vesalius.phantom.wording import Language, Words, load
from vesalius.types import Finding as State
from vesalius.types import Report

_RANK: tuple[State, ...] = ("not_mentioned", "absent", "uncertain", "present")  # said twice, the later one holds
_STOP = re.compile(r"\.(?!\d)|[。।;；؛!?！？؟\n]")  # the point in 1.4 mm ends nothing
_MM = {"mm": 1, "cm": 10, "µm": 0.001, "μm": 0.001, "مم": 1, "سم": 10, "ميكرومتر": 0.001, "毫米": 1, "厘米": 10, "微米": 0.001}
_SIZE = rf"\d+(?:\.\d+)?\s*(?:{'|'.join(_MM)})"
_NUMBER = r"(?<![0-9a-z.])\d+(?![\d.])"
_MANY = 99  # more lesions of one sentence are not believed
_LETTER = r"\w\u064b-\u0652\u0900-\u0963\u0970-\u097f"  # with the marks of Arabic and Devanagari, without the danda

_Sort = Literal["finding", "said", "cue", "count", "size"]
_Meaning = tuple[_Sort, tuple[str, ...]]
_Token = list[_Meaning]  # everything that a place in the text can mean


@dataclass(frozen=True)
class Said:
    """What a report says of one lesion.

    Attributes:
        finding: one of the kind's.
        state: present or uncertain; absent of one that has resolved.
        attributes: those that are told, sorted by name.
        size_mm: if one is told.
        change: if one is told.
    """

    finding: str
    state: State
    attributes: tuple[tuple[str, str], ...] = ()
    size_mm: float | None = None
    change: Change | None = None


@dataclass(frozen=True)
class Stated:
    """What a report states: of each of the kind's findings, and of each lesion in the order of the text."""

    states: Mapping[str, State]
    lesions: tuple[Said, ...]


def read(report: Report, kind: str) -> Stated:
    """What a report of a kind of phantom states.

    Findings and impression both say what is there; lesions are taken from the impression only where the findings have none.

    Raises:
        UsageError: `unknown_name` for the kind.
    """
    return _reader(kind, report.language).read(report)


@cache
def _reader(kind: str, language: str) -> "Reader":
    return Reader(world.catalogue(kind), load(kind), language)


class Reader:
    """Reads the reports of one catalogue in one language."""

    def __init__(self, catalogue: Sequence[FindingKind], words: Words, language: str) -> None:
        speech = words.languages[language]
        self._heading: str = speech.common["headings"]["impression"].lower()
        self._has = {
            item.name: {**item.attributes, "severity": (*item.severities, *item.grades)}
            for item in catalogue  # what a word can mean depends on the finding that it is said of
        }
        self._means: dict[str, _Token] = {}
        for text, meaning in _vocabulary(speech):
            found = self._means.setdefault(text.strip(" ,،，").lower(), [])
            if meaning not in found:
                found.append(meaning)
        longest_first = "|".join(re.escape(text) for text in sorted(self._means, key=len, reverse=True))
        before, after = ("", "") if language == "zh" else (f"(?<![{_LETTER}])", f"(?![{_LETTER}])")
        joined = "و?" if language == "ar" else ""  # "and" is written together with the next word
        self._words = re.compile(f"{before}{joined}(?P<words>{longest_first}){after}|{_SIZE}|{_NUMBER}|[,،，、/]")

    def read(self, report: Report) -> Stated:
        """As the function of that name."""
        findings, _, impression = report.findings.lower().partition(self._heading)
        seen = list(self._said(findings))
        concluded = list(self._said(f"{impression}\n{report.impression.lower().replace(self._heading, '')}"))
        states: dict[str, State] = dict.fromkeys(self._has, "not_mentioned")
        for said in [*seen, *concluded]:
            states[said.finding] = max(states[said.finding], said.state, key=_RANK.index)
        lesions = [said for said in seen if said.state != "absent" or said.change == "resolved"]
        told = {said.finding for said in lesions}
        lesions += [said for said in concluded if said.state != "absent" and said.finding not in told]
        return Stated(states, tuple(lesions))

    def _said(self, text: str) -> Iterator[Said]:
        """What a text says, sentence by sentence."""
        for sentence in _STOP.split(text):
            tokens = [self._token(found["words"] or found[0]) for found in self._words.finditer(sentence)]
            for clause in _cut(tokens, "breaks"):
                yield from self._clause(clause)

    def _token(self, text: str) -> _Token:
        if text in self._means:
            return self._means[text]
        if not text[0].isdigit():
            return [("cue", ("joints",))]
        number, unit = re.fullmatch(r"([\d.]+)\s*(\D*)", text).groups()  # type: ignore[union-attr]
        return [("size", (str(float(number) * _MM[unit]),))] if unit else [("count", (number,))]

    def _clause(self, clause: list[_Token]) -> Iterator[Said]:
        """What a clause says, whose cues hold for all its findings."""
        cues = _cues(clause)
        if "absent" in cues and not cues & {"resolved", "uncertain"}:
            yield from (Said(finding, "absent") for token in clause for finding in _findings(token))
            return
        state: State = "absent" if "resolved" in cues else "uncertain" if "uncertain" in cues else "present"
        for piece in _cut(clause, "joints") if sum(bool(_findings(token)) for token in clause) > 1 else [clause]:
            findings = [finding for token in piece for finding in _findings(token)]
            yield from self._lesions(findings[0], state, piece) if findings else ()
            yield from (Said(finding, state) for finding in findings[1:])  # whose words these are is not known

    def _lesions(self, finding: str, state: State, piece: list[_Token]) -> Iterator[Said]:
        """The lesions that a piece of a clause speaks of, all alike."""
        attributes: dict[str, str] = {}
        sizes, counts = [], []
        for token in piece:
            for sort, what in token:
                if sort == "said" and what[2] in ("", finding) and what[1] in self._has[finding].get(what[0], ()):
                    attributes.setdefault(what[0], what[1])
                elif sort == "size":
                    sizes.append(float(what[0]))
                elif sort == "count":
                    counts.append(min(int(what[0]), _MANY))
        cues = _cues(piece)
        change = next((change for change in ("resolved", *CHANGES) if change in cues), None)
        said = Said(finding, state, tuple(sorted(attributes.items())), sizes[0] if sizes else None, change)
        yield from [said] * (counts[0] if counts else 2 if "several" in cues else 1)


def _vocabulary(speech: Language) -> Iterator[tuple[str, _Meaning]]:
    """Every text that means something, with what it means."""
    for terms in (speech.terms, speech.plurals):
        for finding, phrases in terms.items():
            yield from ((phrase, ("finding", (finding,))) for phrase in phrases)
    for key, phrases in speech.said.items():
        attribute, word, only = (*key, "")[:3]
        meaning: _Meaning = ("cue", (word,)) if attribute == "change" else ("said", (attribute, word, only))
        yield from ((phrase, meaning) for phrase in phrases)
    for cue_of, phrases in speech.common["cues"].items():
        yield from ((phrase, ("cue", (cue_of,))) for phrase in phrases)
    before = speech.common["counted"][0]
    for number, text in speech.common["counts"].items():
        yield before.replace("{n}", text), ("count", (number,))


def _findings(token: _Token) -> list[str]:
    return [what[0] for sort, what in token if sort == "finding"]


def _cues(tokens: list[_Token]) -> set[str]:
    return {what[0] for token in tokens for sort, what in token if sort == "cue"}


def _cut(tokens: list[_Token], at: str) -> list[list[_Token]]:
    """The tokens between those that are such a cue; a part without a finding belongs to the one before."""
    parts: list[list[_Token]] = [[]]
    for token in tokens:
        if ("cue", (at,)) in token:
            parts.append([])
        else:
            parts[-1].append(token)
    found: list[list[_Token]] = []
    for part in parts:
        has_finding = any(_findings(token) for token in part)
        if found and (not has_finding or not any(_findings(token) for token in found[-1])):
            found[-1] += part
        else:
            found.append(part)
    return found
