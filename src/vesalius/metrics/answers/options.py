"""Which of several options an answer names: by its text or by its letter, and never by resemblance or by chance.

By text:   the answer means what one option says, by the rules of `answers/same.py`.
By letter: the answer is an option's letter, alone or before that option's own text: "B", "(b)", "B.", "B: left lung".

What is none of these names nothing: "B or C", "Because", a letter before another option's text, part of an option's text.
"""

import re
from collections.abc import Sequence

from vesalius.metrics.answers.same import canonical

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTERED = re.compile(r"\s*[(\[{*]*\s*(?P<letter>[A-Za-zＡ-Ｚ])\s*(?P<mark>[)\]}*.:,、．：，)-]*)(?P<text>.*)", re.DOTALL)


def by_text(answer: str, options: Sequence[str]) -> int | None:
    """The first option that the answer says; None when it says none, or nothing."""
    said = canonical(answer)
    return next((place for place, option in enumerate(options) if canonical(option) == said), None) if said else None


def by_letter(answer: str, options: Sequence[str]) -> int | None:
    """The option whose letter the answer gives; None when it gives none, or goes on with anything but that option's text."""
    found = _LETTERED.fullmatch(answer)
    if found is None:
        return None
    place = LETTERS.find(found["letter"].upper()) if found["letter"].isascii() else ord(found["letter"]) - ord("Ａ")
    if place >= len(options):
        return None
    text = found["text"].strip(" \t\r\n*")
    if not text:
        return place
    begins_anew = bool(found["mark"]) or found["text"][:1].isspace()
    return place if begins_anew and canonical(text) == canonical(options[place]) else None
