"""Faults counted: how many of each code, and the first of them."""

from collections import Counter

from vesalius.datasets.faults import Fault
from vesalius.errors import FAULTS

MOST_KEPT = 200  # of each code; the others are counted
SEVERITIES = ("error", "warning", "note")


class Found:
    """Takes faults and keeps what is told of them; memory does not grow with their number."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._kept: dict[str, list[Fault]] = {}

    def add(self, fault: Fault) -> None:
        """Count one."""
        self._counts[fault.code] += 1
        kept = self._kept.setdefault(fault.code, [])
        if len(kept) < MOST_KEPT:
            kept.append(fault)

    def codes(self) -> list[tuple[str, str, int]]:
        """Code, severity and number, the worst and the most frequent first."""
        found = [(code, FAULTS[code][0], count) for code, count in self._counts.items()]
        return sorted(found, key=lambda row: (SEVERITIES.index(row[1]), -row[2], row[0]))

    def count(self, code: str) -> int:
        """How many of a code."""
        return self._counts[code]

    def examples(self, code: str) -> list[Fault]:
        """The first of a code."""
        return self._kept.get(code, [])

    def by_severity(self) -> dict[str, int]:
        """How many errors, warnings and notes."""
        counts = Counter[str]()
        for _, severity, count in self.codes():
            counts[severity] += count
        return {severity: counts[severity] for severity in SEVERITIES}
