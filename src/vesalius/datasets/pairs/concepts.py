"""Concepts in a text: where findings and what they are like are named, character by character."""

import re
from collections.abc import Iterable
from functools import cache

from vesalius.datasets.compose.wording import terms, words

Span = tuple[int, int, str]


def marked(text: str, labels: Iterable[str], *, attributes: bool = True) -> tuple[Span, ...]:
    """Every place where a label is named by any of its names, or a value of an attribute is; longest names first.

    Args:
        text: English.
        labels: that are looked for.
        attributes: whether sides, zones, shapes and other values are concepts too.

    Returns:
        (first character, the one after the last, concept) in order, none within another: a label by its own name however it
        was called, a value by its own.
    """
    pattern, meaning = _pattern(tuple(sorted(labels)), attributes)
    return tuple((*found.span(), meaning[found.group().lower()]) for found in pattern.finditer(text))


@cache
def _pattern(labels: tuple[str, ...], attributes: bool) -> tuple[re.Pattern[str], dict[str, str]]:
    """What finds the names, and what each name stands for."""
    meaning: dict[str, str] = {}
    if attributes:
        for value, said in words()["values"].items():
            meaning |= {name.lower(): value for name in said["en"]}
    for label in labels:
        known = terms().get(label)
        names = () if known is None else (known.plural, *known.also.get("en", ()))
        meaning |= {name.lower(): label for name in names if name}
    meaning |= {label.lower(): label for label in labels}  # a label's own name is never another one's
    longest_first = "|".join(re.escape(name) for name in sorted(meaning, key=lambda name: (-len(name), name)))
    return re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)" if meaning else r"(?!)", re.IGNORECASE), meaning
