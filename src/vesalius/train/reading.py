"""How long it takes to read batches, whole or in parts."""

import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from vesalius.train.accumulate import PartedBatches

ReadT = TypeVar("ReadT")


class Timed:
    """The same batches, timed.

    Args:
        source: gives the whole batch of a step when called, or is `PartedBatches`.
    """

    def __init__(self, source: Callable[[int], Any] | PartedBatches[Any]) -> None:
        self._whole: Callable[[int], Any] = source if callable(source) else source.at
        self._parted = cast("PartedBatches[Any]", source)
        self.seconds = 0.0

    def at(self, step: int) -> Any:
        """The whole batch."""
        return self._timed(lambda: self._whole(step))

    def part(self, step: int, part: int, parts: int) -> Any:
        """A contiguous share of it."""
        return self._timed(lambda: self._parted.part(step, part, parts))

    def links(self, step: int) -> Any:
        """Who belongs to whom in the whole batch."""
        return self._timed(lambda: self._parted.links(step))

    def _timed(self, read: Callable[[], ReadT]) -> ReadT:
        clock = time.perf_counter()
        found = read()
        self.seconds += time.perf_counter() - clock
        return found
