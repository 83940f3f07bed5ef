"""The words of an answer as LLaVA-Med's scorer sees them, which it took over from the scorer of VQA.

Source:  github.com/microsoft/LLaVA-Med, `llava/eval/eval_metrics/glossary.py`, read at ad758b68 and 356ba559.
Differs: without the list of English contractions ("dont" to "don't"), which no medical answer is made of.
Odd:     kept because published figures depend on it. A mark of punctuation is dropped from the whole text when it stands beside
         a space anywhere or when any number of the text has a comma in it, and is a space otherwise: "x-ray" is two words, and
         one word when the text also has a dash between spaces. Only the first 32 periods are dropped.
"""

import re

MARKS = (*';/[]"{}()=+\\_-><@`,?!',)
ARTICLES = frozenset({"a", "an", "the"})
NUMBERS = {"none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7"}
NUMBERS |= {"eight": "8", "nine": "9", "ten": "10"}
GROUPED = re.compile(r"\d,\d")
PERIOD = re.compile(r"\.(?!\d)")
PERIODS = 32


def words(text: str) -> list[str]:
    """The words, in lower case, numbers up to ten in digits."""
    text = text.lower()
    grouped = GROUPED.search(text) is not None
    bare = text
    for mark in MARKS:
        bare = bare.replace(mark, "" if grouped or f"{mark} " in text or f" {mark}" in text else " ")
    said = (NUMBERS.get(word, word) for word in PERIOD.sub("", bare, count=PERIODS).split())
    return [word for word in said if word not in ARTICLES]
