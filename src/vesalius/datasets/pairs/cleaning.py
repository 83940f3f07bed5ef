"""Cleaning: pairs of a noisy stream that are worth learning from, by rules about their texts, with what each rule left out.

Papers:   PLIP (Nature Medicine 2023) learns from what was posted with pictures; PA-LLaVA keeps what is pathology and long enough.
Rules:    a text is long enough; it is about the subject: it names a term of it; the same picture with the same words stood
          there before. A pair all of whose texts are left out is left out.
Cannot:   see that a sensible text stands beside the wrong picture. That takes an encoder.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from hashlib import sha256

from vesalius.datasets.compose.wording import terms
from vesalius.datasets.pairs.pair import Pair

LEAST_WORDS = 3
_WORD = re.compile(r"\w[\w'-]*")


def clean(
    pairs: Iterable[Pair], about: re.Pattern[str], dropped: Counter[str], *, least_words: int = LEAST_WORDS
) -> Iterator[Pair]:
    """The pairs that every rule keeps, with the texts that it keeps.

    Args:
        pairs: of any source.
        about: the subject, see `vocabulary`.
        dropped: counts what is left out, in words: "texts too short", "texts about something else", "pairs without a text",
            "pairs seen before".
        least_words: of a text.
    """
    seen = set[str]()
    for pair in pairs:
        kept = []
        for text in pair.texts:
            if not is_long_enough(text.words, least_words):
                dropped["texts too short"] += 1
            elif not is_about(text.words, about):
                dropped["texts about something else"] += 1
            else:
                kept.append(text)
        print_of = fingerprint(pair)
        if not kept:
            dropped["pairs without a text"] += 1
        elif print_of in seen:
            dropped["pairs seen before"] += 1
        else:
            seen.add(print_of)
            yield replace(pair, texts=tuple(kept))


def vocabulary(parts: Set[str], also: Sequence[str] = ()) -> re.Pattern[str]:
    """What finds any term of some parts of the body, as `knowledge/terms.json` has them, by any of its English names.

    Args:
        parts: chest, tissue, …
        also: other words that speak of the subject: what its examinations are called.
    """
    names = {name.lower() for name in also}
    for label, term in terms().items():
        if term.part in parts:
            names |= {name.lower() for name in (label, term.plural, *term.also.get("en", ())) if name}
    longest_first = "|".join(re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name)))
    return re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)" if names else r"(?!)", re.IGNORECASE)


def is_long_enough(words: str, least: int = LEAST_WORDS) -> bool:
    """Whether a text has so many words."""
    return len(_WORD.findall(words)) >= least


def is_about(words: str, about: re.Pattern[str]) -> bool:
    """Whether a text names anything of the subject."""
    return about.search(words) is not None


def fingerprint(pair: Pair) -> str:
    """The same for the same picture with the same words, however they are spaced and written."""
    said = sorted(" ".join(_WORD.findall(text.words.lower())) for text in pair.texts)
    picture = pair.sample.images[pair.image].image.source.sha256
    return sha256("\n".join([picture, *said]).encode()).hexdigest()
