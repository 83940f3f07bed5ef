"""Samples that stand twice, and keys that do."""

from collections.abc import Iterator
from hashlib import blake2b

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.seen import Asked, Seen
from vesalius.datasets.lint.words import texts, words
from vesalius.types import Mask

CODES = ("key_twice", "sample_duplicate")
FEWEST_WORDS = 40  # of samples without pictures that count as the same whoever they are of


class Check:
    """Keeps a hash of every key and of everything that a sample shows and says."""

    def __init__(self, asked: Asked) -> None:
        self._keys: dict[bytes, int] = {}
        self._contents: dict[bytes, int] = {}
        self._count = 0

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """At the second of the two; a key that stands twice is told alone."""
        self._count += 1
        first = self._keys.setdefault(_hashed(seen.sample.key), self._count)
        same = self._contents.setdefault(_hashed(repr(_content(seen))), self._count)
        if first != self._count:
            yield seen.fault("key_twice", f"Sample {first} has the same key.")
        elif same != self._count:
            yield seen.fault("sample_duplicate", f"Sample {same} shows the same pictures and says the same.")

    def end(self) -> Iterator[Fault]:
        """Nothing more."""
        yield from ()


def _content(seen: Seen) -> tuple[object, ...]:
    sample = seen.sample
    # Masks are not compared: a sample that has one is taken for like itself alone.
    regions = [
        (region.label, sample.key if isinstance(region.geometry, Mask) else region.geometry, region.image, region.frame)
        for region in sample.regions
    ]
    shown = [(look.number, item.role) for look, item in zip(seen.looks, sample.images, strict=True)]
    turns: list[tuple[str, str]] = [(turn.role, turn.text) for turn in sample.turns]
    if not shown and sum(len(words(text)) for _, _, text in texts(sample)) < FEWEST_WORDS:
        turns.append(("of", sample.provenance.patient_key))  # "Is it normal?" is asked of many, their pictures left out
    facts = (sorted(sample.labels.items()), sample.measurements, sample.report, sample.preference, sample.options)
    return (shown, turns, regions, *facts)


def _hashed(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
