"""hpo: what the terms of the Human Phenotype Ontology mean, and what else they are called.

What:       some ten thousand to twenty thousand terms by release, each with a name, most with a definition or synonyms.
Layout:     `hp.obo` (OBO 1.2 or later). Text alone. The table of diseases that exclude a term is not read: all its answers
            would be "no".
Split unit: the term; a term's definition and synonyms are on one side.
Labels:     definitions and synonyms by the ontology's curators.
Defects:    terms that are obsolete are left out. A definition often has the term's own words. Releases before 2014 have
            definitions for about half of the terms.
Samples:    "What does "…" mean?" with the definition (task `definition`); "What else is "…" called?" with its exact synonyms
            (task `synonym`).
Licence:    free use with attribution, human-phenotype-ontology.org.
Source:     human-phenotype-ontology.org; Robinson et al. 2008, AJHG 83(5): 610; the OBO format 1.2.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from vesalius.clinical import keys
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.sources import RecordRefused
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Sample

log = logging.getLogger(__name__)

NAME = "hpo"
LICENCE = "free use with attribution"
FILE = "hp.obo"
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(\w*)')
_ESCAPED = re.compile(r"\\(.)")
_ID = re.compile(r"HP:\d{7}")

Term = dict[str, list[str]]


def recognizes(root: Path) -> bool:
    """Whether `root` holds `hp.obo`, which begins as OBO."""
    place = root / FILE
    if not place.is_file():
        return False
    with place.open("rb") as file:
        return file.read(64).lstrip(b"\xef\xbb\xbf").startswith(b"format-version:")


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """Up to two samples a term.

    Raises:
        InputRefused: `bad_dataset`: there is no such file, or it is not UTF-8.
    """
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset", "The folder does not hold hp.obo. There are no terms to read. Give the folder that holds it."
        )
    counts = Counter[str]()
    for number, term in enumerate(_terms(root / FILE), start=1):
        try:
            yield from _samples(term, counts)
        except RecordRefused as wrong:
            tell(wrong.at(f"term {number}"))
    for said, found in counts.items():
        log.warning("hpo: %s: %d", said, found)


def _terms(path: Path) -> Iterator[Term]:
    """The [Term] stanzas, tag → values in order."""
    term: Term | None = None
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for line in lines:
                line = line.strip()
                if line.startswith("["):
                    if term is not None:
                        yield term
                    term = {} if line == "[Term]" else None
                elif term is not None and (found := line.partition(": "))[1]:
                    term.setdefault(found[0], []).append(found[2])
        if term is not None:
            yield term
    except UnicodeDecodeError as wrong:
        raise InputRefused("bad_dataset", "hp.obo is not UTF-8. Its terms would be misspelled. Copy it again.") from wrong


def _samples(term: Term, counts: Counter[str]) -> Iterator[Sample]:
    identity, name = term.get("id", [""])[0], term.get("name", [""])[0].strip()
    if term.get("is_obsolete", ["false"])[0].startswith("true"):
        counts["obsolete terms, left out"] += 1
        return
    if not _ID.fullmatch(identity):
        counts["terms of other ontologies, left out"] += 1
        return
    if not name:
        raise RecordRefused("record_malformed", "The term has no name.")
    definition = next((text for text, _ in _quoted(term, "def")), "")
    names = [text.rstrip(".") for text, scope in _quoted(term, "synonym") if scope == "EXACT"]
    others = [text for text in dict.fromkeys(names) if text and text.casefold() != name.casefold()]
    if not definition and not others:
        counts["terms with neither a definition nor another name, left out"] += 1
    if questions.has_placeholder(" ".join([name, definition, *others])):
        raise RecordRefused("special_token", "Its text holds our own placeholders.")
    key, study = keys.key(NAME, identity, salted=False), keys.key(NAME, identity, "study", salted=False)
    asked = {"definition": (f'What does "{name}" mean?', definition)}
    asked["synonym"] = (f'What else is "{name}" called?', "; ".join(others))
    for task, (question, answer) in asked.items():
        if answer:
            made = questions.conversation(task, question, answer, pictures=0)
            provenance = Provenance(NAME, LICENCE, key, study, f"{FILE} {identity}")
            yield Sample(f"{NAME}-{keys.key(NAME, identity, task, salted=False)}", task, (), made.turns, provenance)


def _quoted(term: Term, tag: str) -> Iterator[tuple[str, str]]:
    """The quoted text and the word behind it of every value of a tag."""
    for value in term.get(tag, ()):
        if (found := _QUOTED.match(value)) is not None:
            yield _ESCAPED.sub(lambda escaped: "\n" if escaped[1] == "n" else escaped[1], found[1]).strip(), found[2]
