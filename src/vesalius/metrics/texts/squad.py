"""The words of an answer as SQuAD's scorer sees them: case, punctuation and English articles do not count.

Source: Rajpurkar et al. 2016, arXiv:1606.05250, section 6.1, and the official scorer of version 2.0.
"""

import re
import string

ARTICLES = re.compile(r"\b(?:a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)  # ASCII's alone: a Chinese full stop stays


def words(text: str) -> list[str]:
    """The words. A hyphen is dropped, not a space: "x-ray" is the one word "xray"."""
    return ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split()
