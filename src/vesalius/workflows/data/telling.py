"""What the verbs of `vesalius data` tell while samples pass by: how many there were, and what was left out."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from vesalius.types import Sample

TELL_EVERY = 1000


def telling(samples: Iterable[Sample], say: Callable[[str], None]) -> Iterator[Sample]:
    """The samples, with a line of progress every `TELL_EVERY`."""
    for number, sample in enumerate(samples, start=1):
        if number % TELL_EVERY == 0:
            say(f"{number} samples")
        yield sample


@contextmanager
def log_lines() -> Iterator[list[str]]:
    """What readers and engines log while the block runs: how much they dropped, skipped or put right."""
    lines: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    source = logging.getLogger("vesalius.datasets")
    source.addHandler(handler)
    try:
        yield lines
    finally:
        source.removeHandler(handler)
