"""The longest common subsequence of two texts: words in the same order, with anything between them; what ROUGE-L counts."""

from collections import defaultdict
from collections.abc import Sequence


def longest(first: Sequence[str], second: Sequence[str]) -> int:
    """How many words the longest common subsequence has.

    A column of the usual table is kept as the bits of one integer (Hyyrö, Bit-parallel LCS-length computation revisited,
    2004), so that two texts of n words take n additions.
    """
    places: defaultdict[str, int] = defaultdict(int)
    for place, word in enumerate(first):
        places[word] |= 1 << place
    everything = (1 << len(first)) - 1
    rows = everything
    for word in second:
        met = rows & places.get(word, 0)
        rows = (rows + met) | (rows - met)
    return (~rows & everything).bit_count()
