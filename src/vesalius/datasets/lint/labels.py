"""Annotations of one picture that contradict one another."""

from collections.abc import Iterator
from hashlib import blake2b

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.seen import Asked, Seen
from vesalius.datasets.lint.words import words

CODES = ("annotation_conflict",)
_OPPOSITES = {
    "present": "absent",
    "absent": "present",
    "yes": "no",
    "no": "yes",
    "是": "否",
    "否": "是",
    "نعم": "لا",
    "لا": "نعم",
}


class Check:
    """Compares findings, and answers yes and no, of samples that show the same pictures."""

    def __init__(self, asked: Asked) -> None:
        self._said: dict[bytes, tuple[str, str]] = {}  # what of which pictures → how it was answered first, and where
        self._told: set[bytes] = set()

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """One fault for each finding or question, at the second sample."""
        shown = [look.number for look in seen.looks]
        if not shown:
            return
        facts: list[tuple[str, str]] = [(f"finding {name}", state) for name, state in seen.sample.labels.items()]
        for question, answer in zip(seen.sample.turns, seen.sample.turns[1:], strict=False):
            if (question.role, answer.role) == ("user", "assistant"):
                facts.append((" ".join(words(question.text)), " ".join(words(answer.text))))
        for what, state in facts:
            if state not in _OPPOSITES:
                continue
            name = blake2b(repr((shown, what)).encode("utf-8", "surrogatepass"), digest_size=16).digest()
            before, where = self._said.setdefault(name, (state, seen.where))
            if before == _OPPOSITES[state] and name not in self._told:
                self._told.add(name)
                said = f"The same of the same pictures is {state} here and {before} at {where}."
                yield seen.fault("annotation_conflict", said)

    def end(self) -> Iterator[Fault]:
        """Nothing more."""
        yield from ()
