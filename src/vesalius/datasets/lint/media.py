"""Pictures that are there and cannot be shown."""

from collections.abc import Iterator

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.seen import Asked, Seen

CODES = ("media_unreadable",)


class Check:
    """Tells what decoding said."""

    def __init__(self, asked: Asked) -> None:
        pass

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """Every sample that shows such a picture has the fault."""
        for number, look in enumerate(seen.looks):
            if look.refused:
                yield seen.fault("media_unreadable", f"Picture {number} cannot be decoded ({look.refused})")

    def end(self) -> Iterator[Fault]:
        """Nothing more."""
        yield from ()
