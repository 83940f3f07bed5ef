"""Pictures looked at: each is decoded once, many at a time, and only prints and hashes of them are kept."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from itertools import islice

import numpy as np

from vesalius.datasets.duplicates.prints import Print, prints
from vesalius.datasets.lint.seen import Look, Seen
from vesalius.errors import InputRefused
from vesalius.types import Array, Image, Part, Sample

SAMPLES_AT_ONCE = 64
_Decoded = tuple[bytes, tuple[Print, ...], str]  # what tells it from others, its prints, why it was refused


class Looking:
    """Gives the pictures that it is shown their numbers."""

    def __init__(self, *, is_quick: bool = False) -> None:
        self.is_quick = is_quick
        self._numbers: dict[bytes, int] = {}  # by content
        self._known: dict[bytes, Look] = {}  # by file, without prints

    def at(self, samples: Iterable[Sample]) -> Iterator[Seen]:
        """The samples with their pictures looked at, in their order; "sample 1" is the first."""
        stream, count = iter(samples), 0
        with ThreadPoolExecutor(max(1, min(4, os.cpu_count() or 1))) as threads:
            while some := list(islice(stream, SAMPLES_AT_ONCE)):
                new = {_named(shown.image): shown.image for sample in some for shown in sample.images}
                new = {name: image for name, image in new.items() if name not in self._known}
                looked = threads.map(_quickly if self.is_quick else _decoded, new.values())
                fresh = {name: self._numbered(name, found) for name, found in zip(new, looked, strict=True)}
                for sample in some:
                    count += 1
                    names = [_named(shown.image) for shown in sample.images]
                    # The first sample that shows a picture is given its prints; for the others it is known.
                    looks = tuple(fresh.pop(name) if name in fresh else self._known[name] for name in names)
                    yield Seen(f"sample {count}", sample, looks)

    def _numbered(self, name: bytes, found: _Decoded) -> Look:
        content, planes, refused = found
        is_first = content not in self._numbers
        number = self._numbers.setdefault(content, len(self._numbers))
        self._known[name] = Look(number, content, False, (), refused)
        return Look(number, content, is_first, planes if is_first else (), refused)


def _named(image: Image) -> bytes:
    """What stands for a picture before it is decoded: its file."""
    said = repr((str(image.source.path), image.source.sha256, image.kind, image.shape, image.channels))
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _quickly(image: Image) -> _Decoded:
    content = blake2b(repr((image.source.sha256, image.kind, image.shape)).encode(), digest_size=16).digest()
    return content, (), ""


def _decoded(image: Image) -> _Decoded:
    try:
        array = image.part(Part(level=len(image.levels) - 1)) if image.levels else image.load()
    except InputRefused as refusal:
        return _named(image), (), f"{refusal.code}: {refusal.message}"
    expected = image.levels[-1] if image.levels else image.shape
    if array.shape[: len(expected)] != tuple(expected):
        return _named(image), (), "Its pixels are of another size than is said of it."
    return _content(array), tuple(prints(array, image)), ""


def _content(array: Array) -> bytes:
    digest = blake2b(repr((array.shape, array.dtype.str)).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.digest()
