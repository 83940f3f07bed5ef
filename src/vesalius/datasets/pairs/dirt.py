"""Dirt: a stream of pairs as networks and archives give it, where some texts have nothing to do with their picture."""

import random
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from vesalius.datasets.pairs.pair import Pair, Text

_SHORT = ("image", "case 4", "see above", "what do you think", "follow up", "figure 2", "great case", "any thoughts")
_REMEMBERED = 64  # pairs of which another one's texts may be


def dirtied(pairs: Iterable[Pair], strange: Iterator[Pair], share: float, *, seed: int) -> Iterator[Pair]:
    """As many pairs, a share of which is none, by a draw for each pair that depends on the seed and the pair alone.

    A quarter of that share each: the texts of another pair that came before and says something else; a word or two; a pair
    about something else; a pair that came before. The classes and labels stay those of the picture, and pairs about something
    else have no class.

    Args:
        pairs: as they should be.
        strange: about something else.
        share: of pairs that are dirty, 0 to 1; a little fewer at the beginning, when nothing has come before.
        seed: of the draws.
    """
    before: deque[Pair] = deque(maxlen=_REMEMBERED)
    for pair in pairs:
        draw = random.Random(f"{seed}|dirt|{pair.sample.key}")
        if draw.random() >= share:
            yield pair
        else:
            yield _dirty(pair, list(before), strange, draw)
        before.append(pair)


def _dirty(pair: Pair, before: list[Pair], strange: Iterator[Pair], draw: random.Random) -> Pair:
    """One of the four."""
    sort = draw.choice(("another's", "short", "strange", "again"))
    if sort == "short":
        return replace(pair, texts=(Text(draw.choice(_SHORT)),))
    if sort == "strange":
        found = next(strange, None)
        return pair if found is None else replace(found, label=None)
    others = before if sort == "again" else [other for other in before if _said(other) != _said(pair)]
    if not others:
        return pair
    other = draw.choice(others)
    return other if sort == "again" else replace(pair, texts=other.texts)


def _said(pair: Pair) -> set[str]:
    return {text.key or text.words for text in pair.texts}
