"""The words of a text as mteval-v13a cuts it, which sacreBLEU calls "13a": punctuation stands alone, case is kept.

Source: the rules of NIST's mteval-v13a, as sacreBLEU documents them. Western writing alone: a Chinese sentence is one word.
"""

import re

ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
ALONE = re.compile(r"""([{|}~\[\\\]^_`\x20!"#$%&()*+:;<=>?@/])""")
POINT_AFTER = re.compile(r"([^0-9])([.,])")
POINT_BEFORE = re.compile(r"([.,])([^0-9])")
DASH = re.compile(r"([0-9])(-)")


def words(text: str) -> list[str]:
    """The words; a point or comma between digits stays in its number, and a dash in its word but after a digit."""
    text = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for written, meant in ENTITIES:
        text = text.replace(written, meant)
    text = ALONE.sub(r" \1 ", f" {text} ")
    text = POINT_BEFORE.sub(r" \1 \2", POINT_AFTER.sub(r"\1 \2 ", text))
    return DASH.sub(r"\1 \2 ", text).split()
