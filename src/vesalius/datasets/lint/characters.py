"""Texts with characters that no text has: what is left when bytes were read in a wrong encoding, or cut in the middle."""

import re
from collections.abc import Iterator

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.seen import Asked, Seen
from vesalius.datasets.lint.words import texts

CODES = ("encoding_broken",)
_BROKEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffd\ufffe\uffff]")
# UTF-8 that was read as Windows-1252: a letter that begins a sequence, then one that goes on with it.
_TWICE = re.compile("(?:[ÃÂ][\u0080-\u00bf‚„…†‡ˆ‰Š‹Œ‘’“”•–—˜™š›œž]|â€[\u0080-\u00bf™œ“”˜¢¦]?)")


class Check:
    """Counts them in every text."""

    def __init__(self, asked: Asked) -> None:
        pass

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """One fault for each text that has any."""
        for place, _, text in texts(seen.sample):
            if found := _BROKEN.search(text):
                said = f"Character {found.start() + 1} of {place} is U+{ord(found[0]):04X}, which no text has."
                yield seen.fault("encoding_broken", said)
            elif found := _TWICE.search(text):
                said = f"From character {found.start() + 1} on {place} looks like UTF-8 that was read in another encoding."
                yield seen.fault("encoding_broken", said)

    def end(self) -> Iterator[Fault]:
        """Nothing more."""
        yield from ()
