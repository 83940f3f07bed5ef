"""Samples to learn from that are items of a benchmark, by their pictures or by their words."""

from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b

from vesalius.datasets.duplicates.pairs import near_duplicates
from vesalius.datasets.duplicates.prints import Prints
from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.looking import Looking
from vesalius.datasets.lint.seen import Asked, Look, Seen
from vesalius.datasets.lint.words import texts, words

CODES = ("benchmark_overlap",)
GRAM = 8  # words that stand together
LEAST_SHARE, LEAST_GRAMS = 0.5, 4  # of an item's grams that stand in one sample
MOST_ITEMS = 3  # a gram of more items than this is the benchmark's wording of questions, not an item


class Check:
    """Compares with every benchmark that the user names. Samples of the split "test" are not learnt from and may overlap."""

    def __init__(self, asked: Asked) -> None:
        self._theirs: dict[bytes, str] = {}  # a benchmark's picture → its name
        self._prints = Prints()
        self._owners: list[tuple[str, str, str]] = []  # of the prints: benchmark, or "" and where and key of the sample
        self._grams: dict[bytes, list[int]] = {}
        self._items: list[tuple[str, int]] = []  # benchmark and how many grams
        for name, samples in asked.benchmarks:
            for seen in Looking(is_quick=asked.is_quick).at(samples):
                self._take(name, seen)
        for gram in [gram for gram, items in self._grams.items() if len(items) > MOST_ITEMS]:
            for item in self._grams.pop(gram):
                name, count = self._items[item]
                self._items[item] = (name, count - 1)

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """Words and equal pictures are told at once."""
        if (not self._theirs and not self._items) or seen.sample.provenance.split == "test":
            return
        hits = Counter(item for gram in set(_grams(seen)) for item in self._grams.get(gram, ()))
        for item, count in hits.most_common(1):
            name, total = self._items[item]
            if count >= LEAST_GRAMS and count >= LEAST_SHARE * total:
                said = f"Its text holds {count} of the {total} runs of {GRAM} words of an item of {name}."
                yield seen.fault("benchmark_overlap", said)
        for name in dict.fromkeys(self._theirs.get(look.content, "") for look in seen.looks):
            if name:
                yield seen.fault("benchmark_overlap", f"It shows a picture of {name}.")
        for look in seen.looks:
            if look.is_first and look.content not in self._theirs:
                self._add("", seen, look)

    def end(self) -> Iterator[Fault]:
        """Nearly equal pictures, once all are known."""
        told: set[int] = set()
        for pair in near_duplicates(self._prints, lambda one, other: bool(self._owners[one][0]) != bool(self._owners[other][0])):
            mine, theirs = sorted((pair.one, pair.other), key=lambda owner: bool(self._owners[owner][0]))
            if mine not in told:
                told.add(mine)
                _, where, key = self._owners[mine]
                said = f"It shows nearly a picture of {self._owners[theirs][0]} (correlation {pair.likeness:.2f})."
                yield Fault("benchmark_overlap", where, said, key, (("likeness", pair.likeness),))

    def _take(self, name: str, seen: Seen) -> None:
        """Remember an item of a benchmark."""
        for look in seen.looks:
            if look.content not in self._theirs:
                self._theirs[look.content] = name
                self._add(name, seen, look)
        found = set(_grams(seen))
        if len(found) >= LEAST_GRAMS:
            for gram in found:
                self._grams.setdefault(gram, []).append(len(self._items))
            self._items.append((name, len(found)))

    def _add(self, name: str, seen: Seen, look: Look) -> None:
        for plane in look.prints:
            self._prints.add(len(self._owners), plane)
        self._owners.append((name, seen.where, seen.sample.key))


def _grams(seen: Seen) -> Iterator[bytes]:
    """Runs of words of everything that is asked and answered, hashed."""
    said = [word for _, _, text in texts(seen.sample) for word in words(text)]
    for at in range(len(said) - GRAM + 1):
        yield blake2b(" ".join(said[at : at + GRAM]).encode("utf-8", "surrogatepass"), digest_size=8).digest()
