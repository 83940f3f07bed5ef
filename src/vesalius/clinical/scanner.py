"""Scanners by their maker and product line: what of a device may stand beside its pictures.

Files and tables state both as free text, in which anything could stand, a name too, and every maker is written in several ways.
So only words of `knowledge/scanners.json` pass. What tells one device of a line from another (number, station) never does.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files

_APART = re.compile(r"[\W_]+")


@lru_cache(maxsize=4096)
def scanner_of(maker: str, model: str = "") -> str | None:
    """The scanner by the words of the table: "Siemens Avanto"; the maker alone where the table has no line of that model.

    Args:
        maker: as it is stated: DICOM's Manufacturer (0008,0070), a column of a table.
        model: as it is stated: Manufacturer's Model Name (0008,1090); "" when it is not.

    Returns:
        None where no maker is stated or the table does not have the one that is.
    """
    written, lines = _known()
    said = _plain(maker)
    found = next((known for known in written if said == known or said.startswith(f"{known} ")), None)
    if found is None:
        return None
    name, named = written[found], f" {_plain(model)}"
    line = next((line for line in lines[name] if f" {_plain(line)}" in named), None)
    return name if line is None else f"{name} {line}"


@cache
def _known() -> tuple[Mapping[str, str], Mapping[str, Sequence[str]]]:
    """How makers are written, the longest first, to their names; and the product lines by these."""
    makers = json.loads(files("vesalius.knowledge").joinpath("scanners.json").read_text(encoding="utf-8"))["makers"]
    written = {text: name for name, about in makers.items() for text in about["written"]}
    return (
        {text: written[text] for text in sorted(written, key=len, reverse=True)},
        {name: about["lines"] for name, about in makers.items()},
    )


def _plain(text: str) -> str:
    return _APART.sub(" ", text).strip().casefold()
