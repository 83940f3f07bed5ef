"""Wording: what findings, attributes and whole sentences are called in each language.

`words/common.json` holds what all kinds share: sides, severities, frames of sentences, cues of negation and doubt.
`words/<kind>.json` holds what a kind has of its own:

    exam          language → what the examination is called
    findings      finding → language → noun phrases, the canonical one first
    attributes    attribute → word → language → how it is said; "nodule.severity" says it of that finding only, in the
                  languages that differ, and "nodule.change" says there how it has changed
    normal        language → sentences that are true of a healthy patient, the same in all languages
    normal_unless for each of these sentences the findings with which it would be false; may be left out
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from vesalius.phantom.truth import LANGUAGES

FOLDER = Path(__file__).parent / "words"
Frame = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Language:
    """One kind's words in one language.

    Attributes:
        terms, plurals: of each finding, the canonical one first; plurals are singulars where the language has none.
        said: (attribute, word) → how it is said, or (attribute, word, finding) → of that finding.
        exam, normal: as in the kind's file.
        late: terms of two nouns, "fluid in the chest": a side told before them would be the side of the wrong noun.
        many: terms that are plurals, "sickle cells" and all of `plurals`.
        frames: sort of sentence → frames, each cut into slots and the literal words between.
        common: the language's part of `words/common.json`.
    """

    terms: Mapping[str, tuple[str, ...]]
    plurals: Mapping[str, tuple[str, ...]]
    said: Mapping[tuple[str, ...], tuple[str, ...]]
    exam: tuple[str, ...]
    normal: tuple[str, ...]
    late: frozenset[str]
    many: frozenset[str]
    frames: Mapping[str, tuple[Frame, ...]]
    common: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Words:
    """One kind's words. `unless`: of each normal sentence, the findings with which it would be false."""

    languages: Mapping[str, Language]
    unless: tuple[frozenset[str], ...]


@cache
def load(kind: str) -> Words:
    """The words of a kind."""
    return compiled(json.loads((FOLDER / f"{kind}.json").read_text("utf-8")))


def compiled(own: Mapping[str, Any]) -> Words:
    """Words from the content of a kind's file."""
    common = _common()
    unless = own.get("normal_unless", [[] for _ in own["normal"]["en"]])
    return Words(
        {language: _language(language, own, common) for language in LANGUAGES}, tuple(frozenset(names) for names in unless)
    )


@cache
def _common() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "common.json").read_text("utf-8"))
    return found


def _language(language: str, own: Mapping[str, Any], common: Mapping[str, Any]) -> Language:
    terms = {finding: tuple(phrases[language]) for finding, phrases in own["findings"].items()}
    said: dict[tuple[str, ...], tuple[str, ...]] = {}
    for name, words in [*common["attributes"].items(), *own["attributes"].items()]:
        finding, _, attribute = name.rpartition(".")
        for word, phrases in words.items():
            if language in phrases:  # what is said of one finding only may be right in the other languages as it is
                said[(attribute, word, finding) if finding else (attribute, word)] = tuple(phrases[language])
    shared = common["languages"][language]
    plurals, inflects = terms, language in ("en", "hi")
    if inflects:
        plurals = {finding: tuple(_several(term, common) for term in phrases) for finding, phrases in terms.items()}
    every = [term for phrases in (*terms.values(), *plurals.values()) for term in phrases]
    return Language(
        terms=terms,
        plurals=plurals,
        said=said,
        exam=tuple(own["exam"][language]),
        normal=tuple(own["normal"][language]),
        late=frozenset(term for term in every if any(word in term for word in shared["prepositions"])),
        many=frozenset(term for term in every if inflects and _is_plural(_noun(term, common)[1], common)),
        frames={sort: tuple(tuple(frame.split()) for frame in frames) for sort, frames in shared["frames"].items()},
        common=shared,
    )


def _noun(term: str, common: Mapping[str, Any]) -> tuple[str, str, str]:
    """What stands before the noun of a phrase, the noun, and what follows."""
    prepositions = common["languages"]["en"]["prepositions"]
    cut = min((at for at in map(term.find, prepositions) if at > 0), default=len(term))
    before, space, noun = term[:cut].rpartition(" ")
    return before + space, noun, term[cut:]


def _is_plural(noun: str, common: Mapping[str, Any]) -> bool:
    ends_so = noun.isascii() and noun.endswith("s") and not noun.endswith(("ss", "us", "is"))
    return noun in common["plurals"].values() or (ends_so and noun not in common["mass_nouns"])


def _several(term: str, common: Mapping[str, Any]) -> str:
    """The English plural of a noun phrase; a plural and a word of another script stay."""
    before, noun, after = _noun(term, common)
    if noun in common["plurals"]:
        noun = common["plurals"][noun]
    elif noun.isascii() and noun not in common["mass_nouns"] and not _is_plural(noun, common):
        sibilant = noun.endswith(("s", "x", "ch", "sh"))
        noun = noun[:-1] + "ies" if noun.endswith("y") and noun[-2] not in "aeiou" else noun + ("es" if sibilant else "s")
    return before + noun + after
