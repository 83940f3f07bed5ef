"""Single attributes of a data set, whatever a file makes of them."""

import functools
import math
from collections.abc import Sequence
from typing import Any

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from vesalius.clinical.dicom.file import PARSE_FAULTS
from vesalius.errors import InputRefused


def values(dataset: Dataset, keyword: str) -> list[Any]:
    """An element's values, however many; empty when it is missing, empty or unreadable."""
    tag = _tag(keyword)
    if tag not in dataset.keys():  # noqa: SIM118 - asking the data set itself costs ten times as much
        return []
    try:
        value = dataset[tag].value
    except PARSE_FAULTS:
        return []
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str | bytes | int | float) or not isinstance(value, Sequence) else list(value)


@functools.cache
def _tag(keyword: str) -> BaseTag:
    """The tag of an attribute: made once."""
    return Tag(keyword)


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
