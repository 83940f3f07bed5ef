"""Single attributes of a data set, whatever a file makes of them."""

import functools
import math
import re
from collections.abc import Sequence
from typing import Any

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from vesalius.clinical.dicom.elements import interned
from vesalius.clinical.dicom.file import PARSE_FAULTS
from vesalius.errors import InputRefused

# Values of these types that are written as the standard wants are what their letters say; pydicom's way from bytes to
# values takes ten times as long, and a header asks for forty of them. Everything else goes that way.
_PLAIN = {
    "CS": re.compile(rb"[A-Z0-9_ \\]*"),
    "UI": re.compile(rb"[0-9.\\]*\0?"),
    "DA": re.compile(rb"[0-9]*"),
    "TM": re.compile(rb"[0-9.]* ?"),
    "DS": re.compile(rb" ?[0-9.+-][0-9.+\-eE]*(\\[0-9.+-][0-9.+\-eE]*)* ?"),
    "IS": re.compile(rb" ?[+-]?[0-9]{1,10}(\\[+-]?[0-9]{1,10})* ?"),
    "LO": re.compile(rb"[A-Za-z0-9 ._-]*"),  # the same in every character set
    "SH": re.compile(rb"[A-Za-z0-9 ._-]*"),
}


def values(dataset: Dataset, keyword: str) -> list[Any]:
    """An element's values, however many; empty when it is missing, empty or unreadable. Decimals may be their text."""
    tag, vr = _tag(keyword)
    if tag not in dataset.keys():  # noqa: SIM118 - asking the data set itself costs ten times as much
        return []
    try:
        element = dataset.get_item(tag)
        if isinstance(element, RawDataElement):
            plain = _plain(element.VR or vr, element)
            if plain is not None:
                return plain
        value = dataset[tag].value
    except PARSE_FAULTS:
        return []
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str | bytes | int | float) or not isinstance(value, Sequence) else list(value)


def _plain(vr: str, element: RawDataElement) -> list[Any] | None:
    """The values of an element of a simple type; None when pydicom must say what they are."""
    content = element.value or b""
    if vr == "US" and len(content) == 2:
        return [int.from_bytes(content, "little" if element.is_little_endian else "big")]
    pattern = _PLAIN.get(vr)
    if pattern is None or pattern.fullmatch(content) is None:
        return None
    found = content.decode("ascii").rstrip(" \0")
    return found.split("\\") if found else []


@functools.cache
def _tag(keyword: str) -> tuple[BaseTag, str]:
    """The tag of an attribute, and its type where a file states none: looked up once."""
    tag = interned(int(Tag(keyword)))
    return tag, dictionary_VR(tag)


def text(dataset: Dataset, keyword: str) -> str:
    """An element's first value without padding; empty when there is none."""
    found = values(dataset, keyword)
    return str(found[0]).strip(" \0") if found else ""


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """An element's numbers; NaN stands for what is none."""
    return tuple(_float(value) for value in values(dataset, keyword))


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def number(dataset: Dataset, keyword: str, default: float = 0.0) -> float:
    """An element's first number; NaN when it is none, `default` when the element is missing."""
    return (numbers(dataset, keyword) or (default,))[0]


def integer(dataset: Dataset, keyword: str, default: int | None = None) -> int:
    """A whole number. Raises `bad_attribute` when it is none, or missing without a default."""
    found = numbers(dataset, keyword)
    if not found and default is not None:
        return default
    if not found or not found[0].is_integer():
        raise InputRefused(
            "bad_attribute", f"{keyword} is missing or no whole number. The pixels cannot be read without it. Export it again."
        )
    return int(found[0])
