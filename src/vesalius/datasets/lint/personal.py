"""Texts that look like they tell who a person is. What they say is never repeated: only its kind and its place."""

import re
from collections.abc import Iterator

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.seen import Asked, Seen
from vesalius.datasets.lint.words import texts

CODES = ("phi_like",)
_MONTHS = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?"
    r"|dec(?:ember)?|januar|februar|märz|mai|juni|juli|oktober|dezember|enero|febrero|marzo|abril|mayo|junio|julio|agosto"
    r"|septiembre|octubre|noviembre|diciembre|janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre)"
)
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_YEAR = r"(?:19|20)\d\d"
KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "a date",
        re.compile(
            rf"\b{_YEAR}[-/.年]\s?{_MONTH}[-/.月]\s?{_DAY}(?!\d)|(?<![\d.]){_DAY}([-/.]){_MONTH}\1{_YEAR}\b"
            rf"|(?<![\d.]){_MONTH}([-/.]){_DAY}\2{_YEAR}\b|(?<![\d/]){_MONTH}/{_DAY}/\d\d\b(?!/)"
            rf"|\b{_MONTHS}\.? {_DAY}(?:st|nd|rd|th)?,? {_YEAR}\b"
            rf"|\b{_DAY}(?:st|nd|rd|th|\.)? (?:de )?{_MONTHS}\.?,?(?: de)? {_YEAR}\b"
            rf"|\b(?:on|since|until|dated?) {_MONTHS} {_DAY}(?:st|nd|rd|th)?\b",
            re.IGNORECASE,
        ),
    ),
    (
        "a telephone number",
        re.compile(
            r"(?<![\w.])(?:\+\d{1,3}[ .-]?)?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?!\d)|(?<!\w)\+\d{1,3}(?:[ .-]?\d{2,4}){3,5}(?!\d)"
        ),
    ),
    (
        "a number of a person",
        re.compile(
            r"\b(?:mrn|medical record|record (?:no|number)|patient[ _-]?(?:id|no|number)|accession"
            r"|ssn|social security|nhs|insurance)\b[\s:#.]*(?:no\b|number\b|id\b)?[\s:#.]*(?=[\w-]*\d{3})[A-Z]{0,4}-?\d[\w-]{3,}"
            r"|(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])",
            re.IGNORECASE,
        ),
    ),
    (
        "a name",
        re.compile(r"\b(?:Dr|Mr|Mrs|Ms|Prof|Miss)\b\.? (?:[A-Z]\. ?)?[A-Z][a-zà-ÿ'’-]{1,}|\b(?:Herrn?|Frau) [A-Z][a-zäöüß]{2,}"),
    ),
    ("an e-mail address", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    (
        "an address",
        re.compile(
            r"\b\d{1,5} (?:[NSEW]\. )?(?:[A-Z][a-z]+ ){1,3}"
            r"(?:Street|St\.|Avenue|Ave\b|Road|Rd\.|Lane|Drive|Boulevard|Blvd|Court|Square)"
            r"|\b[A-ZÄÖÜ][a-zäöüß]+(?:straße|strasse|str\.|gasse|platz) \d{1,4}\b"
        ),
    ),
)


class Check:
    """Looks for dates, numbers, names and addresses by their form."""

    def __init__(self, asked: Asked) -> None:
        pass

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """One fault for each text, with the kinds and where the first of each begins."""
        for place, _, text in texts(seen.sample):
            hits = [(kind, found.start() + 1) for kind, pattern in KINDS if (found := pattern.search(text))]
            if hits:
                told = ", ".join(f"{kind} at character {at}" for kind, at in hits)
                yield seen.fault("phi_like", f"Something in {place} has the form of {told}.", kinds=[kind for kind, _ in hits])

    def end(self) -> Iterator[Fault]:
        """Nothing more."""
        yield from ()
