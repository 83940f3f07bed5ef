"""The words of a text in any language: runs of letters and digits with their marks, case folded.

Chinese and Japanese write no spaces; each of their characters is a word here, so that a nearly right answer is nearly right.
Marks that stand on letters (Arabic, Devanagari) belong to the word.
"""

import re

_CHARACTER = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_MARK = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0e31\u0e34-\u0e4e\u200c\u200d"
WORD = re.compile(rf"[{_CHARACTER}]|[^\W_{_CHARACTER}](?:[^\W_{_CHARACTER}]|[{_MARK}])*")


def words(text: str) -> list[str]:
    """The words, in the order of the text."""
    return WORD.findall(text.casefold())
