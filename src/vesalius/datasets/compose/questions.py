"""Questions and answers from annotations: regions in, a conversation with its evidence out.

Every function gives the canonical phrasing, on which models are tested; `rephrase` exchanges it for one of several
others for training. The wordings are data: `knowledge/questions.json`, the canonical one first.
"""

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import numpy as np

from vesalius.types import PLACEHOLDER, Box, Geometry, Point, Polygon, Region, Sample, Turn

NONE = "none"  # the answer to "where" when there is nothing
_LEADING_IMAGES = re.compile(r"(?:<image:\d+> ?)*")


@dataclass(frozen=True, eq=False)
class Composed:
    """A question with its answer, and the regions that the answer refers to as `<region:i>`."""

    task: str
    turns: tuple[Turn, ...]
    regions: tuple[Region, ...] = ()


def where(label: str, regions: Sequence[Region], *, plural: str | None = None) -> Composed:
    """Ask where: "Where is the right lung?" → "right lung <region:0>"; "none" when there are no regions.

    Args:
        label: what a single one is called; the answer's text, whatever their number.
        regions: all places of that label in the first picture.
        plural: asks "Where are the platelets?" instead; needed where there may be several.
    """
    question = f"Where is the {label}?" if plural is None else f"Where are the {plural}?"
    return conversation("location", question, label if regions else NONE, regions)


def visible(plural: str, regions: Sequence[Region]) -> Composed:
    """Ask whether: "Are platelets visible?" → "yes <region:0> <region:1>" or "no"."""
    return conversation("presence", f"Are {plural} visible?", "yes" if regions else "no", regions)


def how_many(plural: str, regions: Sequence[Region]) -> Composed:
    """Ask how many: "How many platelets are visible?" → "2 <region:0> <region:1>"; "0" when there are none."""
    return conversation("count", f"How many {plural} are visible?", str(len(regions)), regions)


def conversation(task: str, question: str, answer: str, regions: Sequence[Region] = (), *, pictures: int = 1) -> Composed:
    """One question about the first `pictures` pictures and its answer: text first, then evidence in reading order.

    `answer` and `question` hold no placeholders of their own (see `has_placeholder`).
    """
    ordered = in_reading_order(regions)
    shown = " ".join([*(f"<image:{index}>" for index in range(pictures)), question])
    said = " ".join([answer, *(f"<region:{index}>" for index in range(len(ordered)))])
    return Composed(task, (Turn("user", shown), Turn("assistant", said)), ordered)


def in_reading_order(regions: Sequence[Region]) -> tuple[Region, ...]:
    """By picture, frame and then the first corner: top to bottom, left to right (volumes: first slice first)."""

    def position(region: Region) -> tuple[int, int, tuple[float, ...]]:
        return (region.image, -1 if region.frame is None else region.frame, _first_corner(region.geometry))

    return tuple(sorted(regions, key=position))


def has_placeholder(text: str) -> bool:
    """Whether foreign text would be mistaken for a picture or a region."""
    return PLACEHOLDER.search(text) is not None


def rephrase(sample: Sample, *, seed: int) -> Sample:
    """The sample with its canonical questions in other words, chosen by `seed` and the sample's key.

    The canonical wording is among the choices. Questions that are not canonical, and turns with spans to learn
    (which count characters), stay as they are.
    """
    turns = tuple(
        replace(turn, text=_reworded(turn.text, random.Random(f"{seed}|{sample.key}|{index}")))
        if turn.role == "user" and turn.spans is None
        else turn
        for index, turn in enumerate(sample.turns)
    )
    return replace(sample, turns=turns)


def phrasings(question: str) -> tuple[str, ...]:
    """All wordings of a canonical question, itself first; only itself when it is not canonical."""
    for pattern, wordings in _wordings():
        match = pattern.fullmatch(question)
        if match is not None:
            return tuple(wording.format(**match.groupdict()) for wording in wordings)
    return (question,)


def _reworded(text: str, draw: random.Random) -> str:
    """User text after its leading image placeholders, in other words."""
    match = _LEADING_IMAGES.match(text)
    start = 0 if match is None else match.end()
    return text[:start] + draw.choice(phrasings(text[start:]))


@cache
def _wordings() -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    """Canonical question as a pattern → its wordings, from the data file."""
    groups = json.loads(files("vesalius.knowledge").joinpath("questions.json").read_text(encoding="utf-8"))
    found = []
    for group in groups:
        parts = group["canonical"].split("{label}")
        pattern = re.compile("(?P<label>.+)".join(re.escape(part) for part in parts))
        found.append((pattern, (group["canonical"], *group["others"])))
    return tuple(found)


def _first_corner(geometry: Geometry) -> tuple[float, ...]:
    """The lowest coordinate on every axis, in array order."""
    if isinstance(geometry, Box):
        return geometry.low
    if isinstance(geometry, Point):
        return geometry.at
    if isinstance(geometry, Polygon):
        return (min(y for y, _ in geometry.vertices), min(x for _, x in geometry.vertices))
    inside = np.argwhere(geometry.load())
    return tuple(float(v) for v in inside.min(axis=0)) if len(inside) else ()
