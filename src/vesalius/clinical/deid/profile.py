"""What becomes of each attribute: Table E.1-1 of DICOM PS3.15, its options, and rules for what the table does not name.

The table is `profile.csv`: tag, keyword, basic profile, and one column for each option. `safe.csv` names what may stay
although its kind of value could hold anything, `private.csv` the private attributes of Table E.3.10-1 that are numbers or
codes; docs/deidentification.md says what they were made from. What the table leaves to the type of an attribute in its
object (`X/Z/D`) is decided for the strictest type, because a dummy is valid wherever a removal is.
"""

import csv
import functools
from importlib.resources import files
from typing import IO, Literal

from pydicom.datadict import dictionary_has_tag, keyword_for_tag

from vesalius.clinical.deid.options import OPTIONS

# X remove, Z empty, D dummy, U map, K keep, C clean, R keep the sequence and treat each item.
Action = Literal["X", "Z", "D", "U", "K", "C", "R"]

_STRICTEST: dict[str, Action] = {"X/Z": "Z", "X/D": "D", "Z/D": "D", "X/Z/D": "D", "X/Z/U*": "R"}
_LETTERS: dict[str, Action] = {letter: letter for letter in ("X", "Z", "D", "U", "K", "C")}
_DATES = frozenset({"DA", "DT", "TM"})
_LABELS = frozenset({"LO", "SH", "ST", "LT", "UT", "UC"})
_NUMBERS = frozenset({"DS", "IS", "CS", "AS", "AT", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "OW", "OF", "OD", "OL", "OV"})
_WELL_KNOWN_ROOT = "1.2.840.10008."


@functools.cache
def table() -> dict[int, dict[str, str]]:
    """The rows of single attributes by tag; the repeating groups 50xx and 60xx stand in `action` itself."""
    with _data("profile.csv") as file:
        return {int(row["tag"], 16): row for row in csv.DictReader(file) if "X" not in row["tag"]}


@functools.cache
def safe() -> dict[str, str]:
    """Keywords outside the table that may stay although their representation is text, a UID or bytes, with their kind."""
    with _data("safe.csv") as file:
        return {row["keyword"]: row["kind"] for row in csv.DictReader(file)}


@functools.cache
def safe_private() -> dict[tuple[int, str, int], str]:
    """Value representations of the private attributes that the option keeps, by group, creator and last byte."""
    with _data("private.csv") as file:
        rows = csv.DictReader(file)
        return {(int(row["group"], 16), row["creator"], int(row["element"], 16)): row["vr"] for row in rows}


@functools.cache
def action(tag: int, vr: str, options: frozenset[str]) -> Action:
    """What becomes of a public attribute of a data set. The groups of files and messages, graphics and pixels are removed.

    The pixels themselves are no element of the data set here; `deid/pixels.py` has them.
    """
    group = tag >> 16
    if group <= 0x0004 or group % 2 or tag & 0xFFFF == 0 or 0x5000 <= group <= 0x50FF or group >= 0x6000:
        return "X"
    row = table().get(tag)
    return _beyond(tag, vr, options) if row is None else _tabled(row, options)


def is_well_known(uid: str) -> bool:
    """Whether a UID is the standard's own: a class, a syntax, a well-known frame of reference. Those name nobody."""
    return uid.startswith(_WELL_KNOWN_ROOT)


def _data(name: str) -> IO[str]:
    return (files(__package__) / name).open(encoding="ascii")


def _tabled(row: dict[str, str], options: frozenset[str]) -> Action:
    columns = [OPTIONS[name][2] for name in OPTIONS if name in options]
    stated = {row[column] for column in columns if column and row[column]}
    if stated:
        return "C" if "C" in stated else "K"
    return _STRICTEST.get(row["basic"]) or _LETTERS[row["basic"]]


def _beyond(tag: int, vr: str, options: frozenset[str]) -> Action:
    """An attribute that the table does not name: kept only if its kind of value is known to be safe."""
    if not dictionary_has_tag(tag):
        return "X"
    keyword = keyword_for_tag(tag)
    if vr in _DATES:
        return "K" if "full-dates" in options else "C" if "modified-dates" in options else "X"
    if vr == "UI":
        return "K" if keyword in safe() or "uids" in options else "U"
    if vr in _LABELS:
        return "K" if keyword in safe() else "C"
    if vr == "SQ":
        return "R"
    return "K" if vr in _NUMBERS or keyword in safe() else "X"
