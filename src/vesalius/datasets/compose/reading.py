"""Reading: the sentences of a report, which findings each of them names, and whether it states, doubts or denies them.

A cue of absence or of doubt holds for its whole sentence. Whoever explains an answer by a sentence compares the two and leaves
out a sentence that seems to say something else; so a cue that is read too widely costs an explanation and makes none wrong.
"""

import re
from functools import cache
from typing import Literal

from vesalius.datasets.compose.wording import terms, words
from vesalius.types import Report

Says = Literal["present", "uncertain", "absent"]
_HEADING = re.compile(
    r"^\s*(?:exam|findings|impression|所见|检查所见|印象|检查|影像所见|诊断印象|الفحص|الموجودات|الخلاصة)\s*[:：]\s*",
    re.IGNORECASE,
)
_END = re.compile(r"(?<=[.!?؟۔])(?!\d)\s+|(?<=[。！？])|\n+")
_EXAM = re.compile(r"\bEXAM:[^.]*\.\s*|^检查：[^。]*。|الفحص:[^.]*\.\s*")


def sentences(text: str) -> list[str]:
    """Of a report, without headings and without the numbers of a list."""
    found = []
    for part in _END.split(_EXAM.sub("", text)):
        sentence = re.sub(r"^\d+[.)]\s*", "", _HEADING.sub("", part.strip())).strip()
        if sentence and not re.fullmatch(r"[\d.)]+", sentence):
            found.append(sentence)
    return found


def about(report: Report, label: str) -> list[str]:
    """The sentences of a report's findings that name a label."""
    return [sentence for sentence in sentences(report.findings) if mentions(sentence, label, report.language)]


def mentions(sentence: str, label: str, language: str) -> bool:
    """Whether a sentence names a label by one of its names."""
    pattern = _names(label, language)
    return pattern is not None and pattern.search(sentence) is not None


def says(sentence: str, language: str) -> Says:
    """Whether a sentence denies, doubts or states what it names."""
    for state in ("uncertain", "absent"):
        pattern = _cues(state, language)
        if pattern is not None and pattern.search(sentence) is not None:
            return "uncertain" if state == "uncertain" else "absent"
    return "present"


@cache
def _names(label: str, language: str) -> re.Pattern[str] | None:
    found = terms().get(label)
    names = {label} if language == "en" else set()
    if found is not None:
        names |= {found.names.get(language, ""), found.plural if language == "en" else "", *found.also.get(language, ())}
    return _any(names - {""}, language, ending="(?:e?s)?" if language == "en" else "")


@cache
def _cues(state: str, language: str) -> re.Pattern[str] | None:
    return _any(set(words()["cues"][state].get(language, ())), language)


def _any(texts: set[str], language: str, ending: str = "") -> re.Pattern[str] | None:
    """Any of some texts, as whole words where the language writes spaces."""
    if not texts:
        return None
    longest_first = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
    before, after = ("", "") if language == "zh" else (r"(?<!\w)و?", r"(?!\w)")
    return re.compile(f"{before}(?:{longest_first}){ending}{after}", re.IGNORECASE)
