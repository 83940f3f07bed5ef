"""Wording: what labels, attributes and questions are called in English, Chinese and Arabic: the data files of `knowledge/`.

`terms.json`         part of the body → label → how it is said: "plural" is English, "also" are synonyms, "like" is what it is
                     mistaken for. The label itself is its English name.
`words.json`         modalities, parts of the body, attributes and their values, grades in rising order, cues of reports.
`wordings.json`      fact → language → wordings, the canonical one first; `{name}` are slots.
`descriptions.json`  label → language → what it looks like, by attribute.

Training hears any wording, validation and test the canonical one, as everywhere in this house.
"""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from vesalius.errors import Problem, UsageError
from vesalius.types import PLACEHOLDER, Sample

Language = Literal["en", "zh", "ar"]
LANGUAGES: tuple[Language, ...] = ("en", "zh", "ar")
LETTERS = "ABCDEFGH"


@dataclass(frozen=True)
class Term:
    """A label: the part of the body that it belongs to, its name and its other names by language, and what it is mistaken for."""

    part: str
    names: Mapping[str, str]
    plural: str
    also: Mapping[str, Sequence[str]]
    like: Sequence[str]


class Speech:
    """One language with one seed: what is said of a sample depends on the seed, the sample's key and the fact alone.

    Raises:
        UsageError: `bad_option` for a language that there are no words of.
    """

    def __init__(self, language: str, seed: int) -> None:
        if language not in LANGUAGES:
            problem = Problem("language", "No words of that language are kept.", LANGUAGES)
            raise UsageError(
                "bad_option", f"There are no words of that language · {', '.join(LANGUAGES)} · choose one.", [problem]
            )
        self.language, self.seed = language, seed

    def term(self, label: str) -> str | None:
        """How a label is said; in English the label itself where the file does not know it, else None.

        A label that would be mistaken for a picture or a region is said in no language.
        """
        if PLACEHOLDER.search(label):
            return None
        found = terms().get(label)
        if found is not None and self.language in found.names:
            return found.names[self.language]
        return label if self.language == "en" else None

    def plural(self, label: str) -> str | None:
        """What several are called: English where the file has it; other languages have no need of one."""
        found = terms().get(label)
        if self.language == "en":
            return (found.plural or None) if found else None
        return self.term(label)

    def word(self, table: str, name: str) -> str | None:
        """How a word of `words.json` is said; in English the word itself where the file does not know it, else None."""
        said = words()[table].get(name, {}).get(self.language)
        return said[0] if said else name if self.language == "en" and not PLACEHOLDER.search(name) else None

    def attribute(self, name: str, value: str) -> str | None:
        """An attribute with its value: "shape: round"; None where the language lacks either word."""
        asked, said = self.word("attributes", name), self.word("values", value)
        return None if asked is None or said is None else self.fixed("attribute", name=asked, value=said)

    def description(self, label: str) -> dict[str, str]:
        """What a label looks like, by attribute; empty where nobody has written it in this language."""
        return dict(descriptions().get(label, {}).get(self.language, {}))

    def listed(self, items: Sequence[str]) -> str:
        """Items joined as the language joins them."""
        return self.fixed("comma").join(items)

    def fixed(self, fact: str, **slots: str) -> str:
        """A fact in its canonical words."""
        return wordings()[fact][self.language][0].format(**slots)

    def say(self, sample: Sample, fact: str, what: str = "", **slots: str) -> str:
        """A fact in one of its wordings, drawn for the sample; canonical for what is tested on."""
        choices = wordings()[fact][self.language]
        if sample.provenance.split in ("validation", "test"):
            return choices[0].format(**slots)
        return draw(self.seed, sample, f"{fact}|{what}").choice(choices).format(**slots)


def draw(seed: int, sample: Sample, what: str) -> random.Random:
    """Random numbers for one thing about one sample: the same whatever stands beside it."""
    return random.Random(f"{seed}|{sample.key}|{what}")


def same(first: str, second: str) -> bool:
    """Whether two labels are names of one thing, as far as the files know."""
    return first == second or bool(_all_names(first) & _all_names(second))


@cache
def _all_names(label: str) -> frozenset[str]:
    found = terms().get(label)
    if found is None:
        return frozenset({label})
    return frozenset({*found.names.values(), *(name for names in found.also.values() for name in names)})


@cache
def terms() -> dict[str, Term]:
    """Every label that the file knows."""
    found = {}
    for part, labels in _read("terms.json").items():
        for label, entry in labels.items():
            names: dict[str, str] = {"en": label, **{language: entry[language] for language in LANGUAGES if language in entry}}
            term = Term(part, names, entry.get("plural", ""), entry.get("also", {}), entry.get("like", ()))
            found[label] = term
            if term.plural:  # of what one mask marks all of
                found.setdefault(term.plural, replace(term, names={**names, "en": term.plural}))
    return found


@cache
def words() -> dict[str, Any]:
    """Modalities, parts, attributes, values, grades, cues."""
    return _read("words.json")


@cache
def wordings() -> dict[str, dict[str, list[str]]]:
    """Fact → language → wordings."""
    return _read("wordings.json")


@cache
def descriptions() -> dict[str, dict[str, dict[str, str]]]:
    """Label → language → attribute → what it looks like."""
    return _read("descriptions.json")


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files("vesalius.knowledge").joinpath(name).read_text(encoding="utf-8"))
    return found
