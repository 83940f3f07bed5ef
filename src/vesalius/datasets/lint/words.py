"""The texts of a sample, and their words without what differs between copies: case, width, punctuation."""

import re
import unicodedata
from collections.abc import Iterator

from vesalius.types import PLACEHOLDER, Sample

_WORD = re.compile(r"[㐀-鿿豈-﫿]|[぀-ヿ]|\w+")


def texts(sample: Sample) -> Iterator[tuple[str, str, str]]:
    """Every text that a model may be shown: where it stands, who says it, and the text, placeholders left in."""
    for number, turn in enumerate(sample.turns, start=1):
        yield f"turn {number}", turn.role, turn.text
    for number, option in enumerate(sample.options, start=1):
        yield f"option {number}", "user", option
    if sample.report is not None:
        yield "findings", "assistant", sample.report.findings
        yield "impression", "assistant", sample.report.impression
    if sample.preference is not None:
        yield "the chosen answer", "assistant", sample.preference.chosen
        yield "the rejected answer", "assistant", sample.preference.rejected


def plain(text: str) -> str:
    """The text without placeholders."""
    return PLACEHOLDER.sub(" ", text).strip()


def words(text: str) -> list[str]:
    """Words in lower case; of Chinese and Japanese the characters."""
    return _WORD.findall(unicodedata.normalize("NFKC", plain(text)).casefold())
