"""Sentences of English reports as clauses of known phrases, and how far the words that deny or doubt reach in them.

A text is cut into words, the longest known phrase is taken at each place, and sentences are cut into clauses: at a semicolon and
a "but" always, at a comma and an "and" where a verb stands on both sides. A word that denies reaches to the end of its clause,
through a list ("no effusion, nodule, or mass"), but not past a comma or an "and" after which something is stated ("no effusion
and mild cardiomegaly"). One that stands behind what it denies reaches back to the beginning of its clause.

The phrases are data: `deny`, `doubt`, `aside`, `no_denial`, `stops`, `verbs` and `begins` of `knowledge/chest_findings.json`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vesalius.types import Finding as State

Meaning = tuple[str, str]  # what sort of phrase it is, and of what
Phrases = Mapping[tuple[str, ...], tuple[Meaning, ...]]

_WORD = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+(?:'[^\W\d_]+)?|[.,;:()?!\n]")
_ENDS = frozenset(".?!\n")
_CUTS = frozenset(";:()")
_JOINS = frozenset({",", "and"})
_LISTS = frozenset({"or", "nor"})
_SUBJECT_WORDS = 4  # a verb stands within so many words of where a clause begins


@dataclass(frozen=True)
class Piece:
    """A known phrase or a single word of a clause, with everything that it can mean; none for a word that is not known."""

    text: str
    meanings: tuple[Meaning, ...] = ()

    def of(self, sort: str) -> tuple[str, ...]:
        """What it means as this sort."""
        return tuple(what for found, what in self.meanings if found == sort)


Clause = tuple[Piece, ...]


def cue_phrases(said: Mapping[str, Any]) -> Iterator[tuple[str, Meaning]]:
    """The phrases that deny, doubt, set aside and structure, as the data file has them."""
    for sort in ("deny", "doubt", "aside"):
        for where, phrases in said[sort].items():
            yield from ((phrase, (f"{sort} {where}", "")) for phrase in phrases)
    for sort in ("no_denial", "stops", "verbs", "begins_always", "begins"):
        yield from ((phrase, (sort, "")) for phrase in said[sort])


def phrases(entries: Iterable[tuple[str, Meaning]]) -> Phrases:
    """A table of phrases by their words."""
    found: dict[tuple[str, ...], tuple[Meaning, ...]] = {}
    for text, meaning in entries:
        words = tuple(text.split())
        if meaning not in found.get(words, ()):
            found[words] = (*found.get(words, ()), meaning)
    return found


def sentences(text: str) -> list[tuple[str, ...]]:
    """The words of each sentence, lower case; a point within a number ends nothing."""
    found: list[list[str]] = [[]]
    for word in _WORD.findall(text.lower().replace("’", "'")):
        if word in _ENDS:
            found.append([])
        else:
            found[-1].append(word)
    return [tuple(words) for words in found if words]


def clauses(words: Sequence[str], known: Phrases) -> list[Clause]:
    """The clauses of a sentence."""
    pieces = list(_pieces(words, known))
    found: list[list[Piece]] = [[]]
    for place, piece in enumerate(pieces):
        joins = piece.text in _JOINS and _has_verb(found[-1]) and _states(pieces[place + 1 :])
        if joins or piece.text in _CUTS or piece.of("stops"):
            found.append([])
        else:
            found[-1].append(piece)
    return [tuple(clause) for clause in found if clause]


def state(clause: Clause, place: int, sorts: Sequence[str]) -> State:
    """Whether a clause states, doubts or denies what stands at a place; "not_mentioned" when it only sets it aside.

    Args:
        clause: of a sentence.
        place: of the piece.
        sorts: of the pieces that can be denied; a word that denies backwards does so only behind the last of them.
    """
    before = [at for at in range(place) if not _barred(clause, at, place)]
    later = any(piece.of(sort) for piece in clause[place + 1 :] for sort in sorts)
    last = max((at for at, piece in enumerate(clause) if any(piece.of(sort) for sort in sorts)), default=place)
    after = range(last + 1, len(clause)) if later else range(place + 1, len(clause))
    cues = {sort for at in before for sort, _ in clause[at].meanings if sort.endswith(" before")}
    cues |= {sort for at in after for sort, _ in clause[at].meanings if sort.endswith(" after")}
    if "aside before" in cues:
        return "not_mentioned"
    if cues & {"deny before", "deny after"} and not cues & {"doubt after"}:
        return "absent"
    doubted = bool(cues & {"doubt before", "doubt after"}) or any(piece.of("doubt either") for piece in clause)
    return "uncertain" if doubted else "present"


def _pieces(words: Sequence[str], known: Phrases) -> Iterator[Piece]:
    longest = max(map(len, known))
    place = 0
    while place < len(words):
        lengths = range(min(longest, len(words) - place), 0, -1)
        length = next((n for n in lengths if tuple(words[place : place + n]) in known), 1)
        phrase = tuple(words[place : place + length])
        yield Piece(" ".join(phrase), known.get(phrase, ()))
        place += length


def _has_verb(pieces: Sequence[Piece]) -> bool:
    return any(_is_verb(piece) for piece in pieces)


def _is_verb(piece: Piece) -> bool:
    """A verb, or a phrase with one: "is not seen"."""
    return bool(piece.of("verbs") or piece.of("deny after") or piece.of("doubt after"))


def _states(pieces: Sequence[Piece]) -> bool:
    """Whether a subject and its verb follow, and not the rest of a list."""
    for piece in pieces[: _SUBJECT_WORDS + 1]:
        if piece.text in _LISTS or piece.text in _CUTS:
            return False
        if _is_verb(piece):
            return True
    return False


def _barred(clause: Clause, start: int, stop: int) -> bool:
    """Whether something new is stated between a word that denies and what would be denied."""
    for place in range(start + 1, stop):
        if clause[place].text not in {*_JOINS, "with"}:
            continue
        following = clause[place + 1]
        if any(following.of(sort) for sort in ("begins_always", "doubt before", "deny before")):
            return True
        listed = any(piece.text in _LISTS for piece in clause[place + 1 :])
        if following.of("begins") and not listed:
            return True
    return False
