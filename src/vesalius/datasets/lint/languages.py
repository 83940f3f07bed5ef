"""Texts that are in another language than they are said to be, or than the question that they answer."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.seen import Asked, Seen
from vesalius.datasets.lint.words import plain
from vesalius.metrics.language_match import language

CODES = ("language_mismatch",)
FEWEST_HITS = 4  # function words; with the two that score an answer one English text in eight thousand was Portuguese


class Check:
    """Detects the language of questions, answers and reports."""

    def __init__(self, asked: Asked) -> None:
        pass

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """A question that names a language may be answered in it."""
        sample = seen.sample
        for number, (question, answer) in enumerate(zip(sample.turns, sample.turns[1:], strict=False), start=1):
            if (question.role, answer.role) != ("user", "assistant"):
                continue
            asked, answered = _language(question.text), _language(answer.text)
            if asked and answered and asked != answered and not _names_a_language(question.text):
                said = f"The question of turn {number} is in {asked} and its answer in {answered}."
                yield seen.fault("language_mismatch", said)
        if sample.report is not None:
            found = _language(f"{sample.report.findings} {sample.report.impression}")
            if found and found != sample.report.language:
                said = f"The report is said to be in {sample.report.language} and is in {found}."
                yield seen.fault("language_mismatch", said)

    def end(self) -> Iterator[Fault]:
        """Nothing more."""
        yield from ()


def _language(text: str) -> str:
    return language(plain(text), fewest_hits=FEWEST_HITS)


def _names_a_language(text: str) -> bool:
    return any(name in text.casefold() for name in _names())


@cache
def _names() -> tuple[str, ...]:
    said = json.loads(files("vesalius.knowledge").joinpath("languages.json").read_text(encoding="utf-8"))
    return tuple(name for names in said["names"].values() for name in names)
