"""What a check is given: one sample after another with its pictures looked at, and what the user asked for."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from vesalius.datasets.duplicates.prints import Print
from vesalius.datasets.faults import Fault
from vesalius.types import Sample


@dataclass(frozen=True, eq=False)
class Look:
    """One picture of a sample.

    Attributes:
        number: of the picture among those of the dataset; the same pixels have the same number, wherever they stand.
        content: hash of the pixels; in a quick run of the file.
        is_first: whether nobody has looked at it before.
        prints: for comparing it with others; empty unless `is_first`, and where nothing was decoded.
        refused: why it cannot be shown, or "".
    """

    number: int
    content: bytes
    is_first: bool
    prints: tuple[Print, ...] = ()
    refused: str = ""


@dataclass(frozen=True, eq=False)
class Seen:
    """A sample, the place in which it stands, and a `Look` for each of its pictures."""

    where: str
    sample: Sample
    looks: tuple[Look, ...]

    def fault(self, code: str, message: str, **example: object) -> Fault:
        """A fault of this sample."""
        return Fault(code, self.where, message, self.sample.key, tuple(example.items()))


@dataclass(frozen=True)
class Budget:
    """How long a sample may be.

    Attributes:
        count: the tokens of a sample.
        most: as many fit.
        of_whom: whose context that is, and whether the count is an estimate: "the context of first_phantom".
    """

    count: Callable[[Sample], int]
    most: int
    of_whom: str


@dataclass(frozen=True)
class Asked:
    """What the user wants besides the checks that are always made.

    Attributes:
        is_quick: headers alone are read: nothing is decoded, so no mask is looked at, and only the same files are duplicates.
        budget: how long a sample may be.
        benchmarks: name and samples of each benchmark of which nothing may stand in the samples to learn from.
    """

    is_quick: bool = False
    budget: Budget | None = None
    benchmarks: tuple[tuple[str, Iterable[Sample]], ...] = ()


class Check(Protocol):
    """One kind of check. Every file of this folder that is one defines `CODES` and a class `Check` with these methods."""

    def __init__(self, asked: Asked) -> None: ...

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """What is wrong with one sample, as far as can be said now."""

    def end(self) -> Iterator[Fault]:
        """What could only be said of all samples together."""
