"""Texts that are in another language than they are said to be, or than the question that they answer."""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.seen import Asked, Seen
from vesalius.datasets.lint.words import plain, words

CODES = ("language_mismatch",)
LEAST_HITS, LEAD = 4, 1.6  # function words that decide, and by how much the first language must have more than the second
LEAST_SHARE = 0.08  # of the words
LEAST_LETTERS = 4


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
            asked, answered = language(question.text), language(answer.text)
            if asked and answered and asked != answered and not _names_a_language(question.text):
                said = f"The question of turn {number} is in {asked} and its answer in {answered}."
                yield seen.fault("language_mismatch", said)
        if sample.report is not None:
            found = language(f"{sample.report.findings} {sample.report.impression}")
            if found and found != sample.report.language:
                said = f"The report is said to be in {sample.report.language} and is in {found}."
                yield seen.fault("language_mismatch", said)

    def end(self) -> Iterator[Fault]:
        """Nothing more."""
        yield from ()


def language(text: str) -> str:
    """The ISO 639-1 code of a text's language, or "" where too little of it shows which."""
    bare = plain(text)
    letters = Counter(unicodedata.name(letter, "?").split(" ")[0] for letter in bare if letter.isalpha())
    total = letters.total()
    if total < LEAST_LETTERS:
        return ""
    scripts, function_words = _known()
    kana = letters["HIRAGANA"] + letters["KATAKANA"]
    if kana and kana + letters["CJK"] > total / 2:
        return "ja" if kana > total / 10 else "zh"
    for code, names in scripts.items():
        if sum(letters[name] for name in names) > total / 2:
            return code
    said = words(bare)
    hits = Counter({code: sum(word in known for word in said) for code, known in function_words.items()})
    (first, most), (_, second) = hits.most_common(2)
    return first if most >= max(LEAST_HITS, LEAST_SHARE * len(said)) and most >= LEAD * second else ""


def _names_a_language(text: str) -> bool:
    return any(name in text.casefold() for name in _names())


@cache
def _known() -> tuple[dict[str, list[str]], dict[str, frozenset[str]]]:
    said = json.loads(files("vesalius.knowledge").joinpath("languages.json").read_text(encoding="utf-8"))
    return said["scripts"], {code: frozenset(known) for code, known in said["words"].items()}


@cache
def _names() -> tuple[str, ...]:
    said = json.loads(files("vesalius.knowledge").joinpath("languages.json").read_text(encoding="utf-8"))
    return tuple(name for names in said["names"].values() for name in names)
