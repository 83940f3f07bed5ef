"""What a report speaks of, as facts: places and observations with their states, and what is where and of what kind.

An observation is present, uncertain or absent by the same rules of clauses as a finding's label. Two relations are read within a
clause: an observation is *located at* the places listed right before it, or else at the nearest behind it; a word of place (left,
upper) *modifies* the place that it stands before, or else the observation, and any other word the observation.

A light reader by words, without grammar and for English chest radiographs alone. It stands in for RadGraph where its weights are
not at hand, in the same shape of facts; its numbers are not RadGraph's. The words are data: `knowledge/chest_entities.json`.
"""

import json
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from vesalius.metrics.findings.clauses import Clause, Phrases, clauses, cue_phrases, phrases, sentences, state

Fact = tuple[str, ...]  # an entity (name, kind), or a relation (name, kind, relation, name of the other)

LOCATED_AT, MODIFY, ANATOMY = "located_at", "modify", "anatomy"
_SORTS = ("observation",)
_RUN = 3  # a word qualifies what stands at most so many pieces behind it


def facts(report: str) -> frozenset[Fact]:
    """Every entity and every relation that a report states, each once.

    An entity is ("effusion", "observation absent") or ("lung", "anatomy"); a relation adds its name and the other entity:
    ("effusion", "observation present", "located_at", "pleura").
    """
    return frozenset(fact for words in sentences(report) for fact in _sentence(words))


@lru_cache(maxsize=65536)
def _sentence(words: tuple[str, ...]) -> tuple[Fact, ...]:
    return tuple(fact for clause in clauses(words, _phrases()) for fact in _clause(clause))


def _clause(clause: Clause) -> Iterator[Fact]:
    entities: dict[int, Fact] = {}
    for place, piece in enumerate(clause):
        for name in piece.of(ANATOMY):
            entities[place] = (name, ANATOMY)
        for name in piece.of("observation"):
            stated = state(clause, place, _SORTS)
            if stated != "not_mentioned":
                entities[place] = (name, f"observation {stated}")
    yield from entities.values()
    for place, entity in entities.items():
        if entity[1] != ANATOMY:
            yield from ((*entity, LOCATED_AT, at) for at in _places(clause, entities, place))
    for place, piece in enumerate(clause):
        for sort in ("place", "manner"):
            for word in piece.of(sort):
                target = _qualified(clause, entities, place, sort)
                if target is not None:
                    yield (word, "modifier", MODIFY, target)


def _places(clause: Clause, entities: dict[int, Fact], place: int) -> list[str]:
    """The names of the places of an observation: those listed right before it, or else the nearest behind it.

    A place right before another observation is that one's. No observation stands between.
    """
    found: list[int] = []
    for other in sorted((other for other in entities if other < place), reverse=True):
        if entities[other][1] != ANATOMY or (found and not _listed(clause, other, found[-1])):
            break
        found.append(other)
    if not found:
        behind = min((other for other in entities if other > place), default=None)
        if behind is not None and entities[behind][1] == ANATOMY and entities.get(behind + 1, ("", ANATOMY))[1] == ANATOMY:
            found.append(behind)
    return [entities[other][0] for other in found]


def _listed(clause: Clause, first: int, second: int) -> bool:
    """Whether two places are joined: nothing but "and", "or", commas, articles and words that qualify between them."""
    between = clause[first + 1 : second]
    return any(piece.text in {",", "and", "or"} for piece in between) and all(
        piece.text in {",", "and", "or", "the"} or piece.of("place") or piece.of("manner") for piece in between
    )


def _qualified(clause: Clause, entities: dict[int, Fact], place: int, sort: str) -> str | None:
    """The name of what a word qualifies: in the run of words behind it, or the observation just before it."""
    run: list[Fact] = []
    for other in range(place + 1, min(place + 1 + _RUN, len(clause))):
        if other in entities:
            run.append(entities[other])
        elif not (clause[other].of("place") or clause[other].of("manner")):
            break
    observed = [entity for entity in run if entity[1] != ANATOMY]
    if run:
        return run[0][0] if sort == "place" or not observed else observed[0][0]
    before = [entities[other] for other in range(max(place - _RUN, 0), place) if other in entities]
    return before[-1][0] if before else None


@cache
def _phrases() -> Phrases:
    read = files("vesalius.knowledge").joinpath
    known: dict[str, Any] = json.loads(read("chest_entities.json").read_text(encoding="utf-8"))
    cues: dict[str, Any] = json.loads(read("chest_findings.json").read_text(encoding="utf-8"))
    entries = [(form, (ANATOMY, line[0])) for line in known["anatomy"] for form in line]
    entries += [(form, ("observation", line[0])) for line in known["observations"] for form in line]
    entries += [(word, (sort, word)) for sort, words in known["modifiers"].items() for word in words]
    return phrases([*entries, *cue_phrases(cues)])
