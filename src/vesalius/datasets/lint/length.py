"""Samples that are longer than a model's context."""

from collections.abc import Iterator

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.seen import Asked, Seen

CODES = ("text_over_limit",)


class Check:
    """Counts tokens, when the user names a model or a number."""

    def __init__(self, asked: Asked) -> None:
        self._budget = asked.budget

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """Turns, regions and the end are counted; pictures are not."""
        if self._budget is None or not seen.sample.turns:
            return
        count = self._budget.count(seen.sample)
        if count > self._budget.most:
            said = f"It has {count} tokens; {self._budget.of_whom} holds {self._budget.most}. Nothing is cut silently."
            yield seen.fault("text_over_limit", said, tokens=count)

    def end(self) -> Iterator[Fault]:
        """Nothing more."""
        yield from ()
