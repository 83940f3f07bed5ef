"""Questions without an answer."""

from collections.abc import Iterator

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.seen import Asked, Seen

CODES = ("answer_missing",)


class Check:
    """Looks behind every question. A sample without any answer is one that is only asked, which some methods learn from."""

    def __init__(self, asked: Asked) -> None:
        pass

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """An answer of regions alone is one."""
        turns = seen.sample.turns
        for number, turn in enumerate(turns, start=1):
            if turn.role == "assistant" and not turn.text.strip():
                yield seen.fault("answer_missing", f"Turn {number} is an empty answer.")
        roles = [turn.role for turn in turns]
        if "assistant" in roles:
            last = len(roles) - 1 - roles[::-1].index("assistant")
            unanswered = [n for n in range(last) if roles[n] == "user" and roles[n + 1] == "user"]
            unanswered += [last + 1] if "user" in roles[last + 1 :] and seen.sample.preference is None else []
            for at in unanswered:
                yield seen.fault("answer_missing", f"The question of turn {at + 1} has no answer.")

    def end(self) -> Iterator[Fault]:
        """Nothing more."""
        yield from ()
