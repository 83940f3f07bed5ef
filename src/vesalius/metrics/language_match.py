"""Language match: is the answer in the language that it was to be in?

A language is told by its script, and where several share one by the commonest function words; the table is
`knowledge/languages.json`. Short answers and pure terms ("CT", "12 mm", "cardiomegaly") show no language and are not counted.

Direction:       higher is better.
At the extremes: 1 every answer that shows a language is in the right one; 0 none is.
Undefined when:  no answer shows a language; for an item whose answer does not (NaN, not scored). So give the share of items that
                 are scored beside it: who answers in single words is not measured.
Interval:        percentile bootstrap over patients.
Told apart:      ar, de, el, en, es, fr, he, hi, it, ja, ko, pt, ru, th, zh. Persian and Urdu count as Arabic, and Ukrainian as
                 Russian.
Mixed texts:     the script of more than half of the letters decides: Hindi with English terms in Latin letters may count as
                 either or as none, so such answers are worth a look.
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.texts.words import words

NAME = "language_match"
DIRECTION: Literal["higher", "lower"] = "higher"

FEWEST_LETTERS = 4  # of a script that is one language's alone
FEWEST_HITS, LEAST_SHARE, LEAD = 2, 0.15, 1.5  # function words, their share of all words, and their lead over the next language


def items(answers: Sequence[str], languages: Sequence[str]) -> npt.NDArray[np.float64]:
    """Score each answer.

    Args:
        answers: one per item.
        languages: the ISO 639-1 code that each was to be in; as many.

    Returns:
        float64, (items,), 1.0 or 0.0; NaN where the answer shows no language.
    """
    found = [(language(answer), asked) for answer, asked in zip(answers, languages, strict=True)]
    return np.array([float(code == asked) if code else np.nan for code, asked in found], dtype=np.float64)


def language(text: str, *, fewest_hits: int = FEWEST_HITS) -> str:
    """The ISO 639-1 code of a text's language; "" where too little of it shows which.

    Args:
        text: in any language.
        fewest_hits: function words that a text must have where a script is several languages'; more for who has to be sure.
    """
    scripts, function_words = _known()
    letters = Counter(unicodedata.name(letter, "?").partition(" ")[0] for letter in text if letter.isalpha())
    total = letters.total()
    kana = letters["HIRAGANA"] + letters["KATAKANA"]
    if kana and kana + letters["CJK"] > total / 2:
        return "ja"
    for code, names in scripts.items():
        mine = sum(letters[name] for name in names)
        if mine > total / 2 and (mine >= FEWEST_LETTERS or (code == "zh" and mine >= 2)):
            return code
    said = words(text)
    hits = {code: sum(word in known for word in said) for code, known in function_words.items()}
    (most, first), (second, _) = sorted(((count, code) for code, count in hits.items()), reverse=True)[:2]
    return first if most >= max(fewest_hits, LEAST_SHARE * len(said)) and most >= LEAD * second else ""


@cache
def _known() -> tuple[Mapping[str, Sequence[str]], Mapping[str, frozenset[str]]]:
    said = json.loads(files("vesalius.knowledge").joinpath("languages.json").read_text(encoding="utf-8"))
    return said["scripts"], {code: frozenset(known) for code, known in said["words"].items()}
