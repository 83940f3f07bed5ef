"""Single values: whether they are what their representation allows, what stands in their place, dates moved, text reduced."""

import functools
import re
from datetime import date, timedelta
from importlib.resources import files

REMOVED = "REMOVED"
OLDEST_STATED_YEARS = 89  # older people are few: their ages are told as 90 (45 CFR 164.514(b)(2)(i)(C))

_DUMMIES: dict[str, str | int | float | bytes] = {
    **dict.fromkeys(("LO", "SH", "ST", "LT", "UT", "UC", "PN", "AE", "CS"), REMOVED),
    **{"DA": "19000101", "DT": "19000101000000", "TM": "000000", "AS": "000Y", "DS": "0", "IS": "0", "UR": "urn:removed"},
    **dict.fromkeys(("US", "SS", "UL", "SL", "UV", "SV", "AT"), 0),
    **dict.fromkeys(("FL", "FD"), 0.0),
    **dict.fromkeys(("OB", "OW", "OF", "OD", "OL", "OV", "UN"), b"\0" * 8),
}
_FORMS = {
    "DS": re.compile(rb"[0-9+\-.eE \\\0]*"),
    "IS": re.compile(rb"[0-9+\- \\\0]*"),
    "AS": re.compile(rb"(?:[0-9]{3}[DWMY][ \0]*\\?)*"),
    "UI": re.compile(rb"[0-9. \\\0]*"),
    "CS": re.compile(rb"(?:[A-Za-z0-9 _./+()-]{0,32}\0?(?:\\|$))*"),
}
_DATE = re.compile(r"(\d{4})[.-]?(\d{2})[.-]?(\d{2})")
_TIME = re.compile(r"\d{2}(?::?\d{2}(?::?\d{2}(?:\.\d{1,6})?)?)?")
_DATE_TIME = re.compile(r"(\d{4})(\d{2})?(\d{2})?(\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?)?([+-]\d{4})?")
_WORD = re.compile(r"[A-Za-z]+[0-9]*[A-Za-z]?|[0-9]+(?:\.[0-9]+)?[A-Za-z]+|[^\sA-Za-z]+")
_TECHNIQUE = re.compile(
    r"[TBHUJIQ][0-9]{1,2}[a-z]?|[0-9]d|[0-9]{1,2}(?:\.[0-9]{1,2})?(?:mm|cm|t|kv|hz)|[ctls][0-9]{1,2}", re.IGNORECASE
)


def dummy(vr: str) -> str | int | float | bytes:
    """A value of this representation that says nothing."""
    return _DUMMIES.get(vr, REMOVED)


def is_dummy(vr: str, value: object) -> bool:
    """Whether a value is the one that `dummy` gives."""
    return str(value) == str(_DUMMIES.get(vr, REMOVED))


def is_well_formed(vr: str, content: bytes) -> bool:
    """Whether the bytes of a value are made of what the representation allows: a name cannot hide in a number."""
    form = _FORMS.get(vr)
    return form is None or form.fullmatch(content) is not None


def moved(vr: str, text: str, days: int) -> str:
    """A date, or the date of a date and time, moved by whole days; a time stays. "" for what is neither.

    A date and time that names a year or a month alone is moved from its middle and keeps its precision. Values joined
    by a backslash are moved one by one.
    """
    movers = {"DA": _moved_date, "DT": _moved_date_time, "TM": _kept_time}
    return "\\".join(movers[vr](value.strip(" \0"), days) for value in text.split("\\"))


def is_date(vr: str, text: str) -> bool:
    """Whether each value of a date, time, or date and time has the form of one."""
    forms = {"DA": _DATE, "DT": _DATE_TIME, "TM": _TIME}
    return all(forms[vr].fullmatch(value.strip(" \0")) for value in text.split("\\") if value.strip(" \0"))


def known_words(text: str) -> str:
    """What is left of a text when every word is dropped that is not in our list of technique, anatomy and directions."""
    kept = [word for word in _WORD.findall(text) if word.lower() in vocabulary() or _TECHNIQUE.fullmatch(word)]
    return " ".join(kept)


def capped_age(text: str) -> str:
    """An age as DICOM writes it, with everything above 89 years told as 90."""
    years = re.fullmatch(r"(\d{3})Y ?", text)
    return "090Y" if years and int(years[1]) > OLDEST_STATED_YEARS else text


@functools.cache
def vocabulary() -> frozenset[str]:
    """Words that may stay in a description, in lower case."""
    lines = (files(__package__) / "words.txt").read_text("ascii").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def _moved_date(text: str, days: int) -> str:
    found = _DATE.fullmatch(text)
    return _shifted(int(found[1]), int(found[2]), int(found[3]), days) if found else ""


def _moved_date_time(text: str, days: int) -> str:
    found = _DATE_TIME.fullmatch(text)
    if not found:
        return ""
    shifted = _shifted(int(found[1]), int(found[2] or 6), int(found[3] or 15), days)
    precision = 8 if found[3] else 6 if found[2] else 4
    return shifted[:precision] + (found[4] or "") + (found[5] or "") if shifted else ""


def _shifted(year: int, month: int, day: int, days: int) -> str:
    try:
        return (date(year, month, day) + timedelta(days)).strftime("%Y%m%d").rjust(8, "0")
    except (ValueError, OverflowError):
        return ""  # no day of the calendar


def _kept_time(text: str, days: int) -> str:
    return text.replace(":", "") if _TIME.fullmatch(text) else ""
