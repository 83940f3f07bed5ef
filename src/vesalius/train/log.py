"""A run's log: one JSON object a line, that the progress line, the curves and other tools read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class RunLog:
    """Appends to `log.jsonl`. On resuming, lines after the step that is resumed from are dropped.

    Args:
        path: of the file; its folder exists.
        resumed_from: finished steps, 0 for a new run.
    """

    def __init__(self, path: Path, resumed_from: int = 0) -> None:
        self._path = path
        kept = [line for line in read(path) if int(line["step"]) < resumed_from]
        path.write_text("".join(json.dumps(line) + "\n" for line in kept))

    def write(self, line: Mapping[str, Any]) -> None:
        """Add one line; it holds "step"."""
        with self._path.open("a") as stream:
            stream.write(json.dumps(line) + "\n")


def read(path: Path) -> list[dict[str, Any]]:
    """The lines so far; a line that a kill cut in the middle is left out. Empty where there is no file."""
    if not path.exists():
        return []
    lines: list[dict[str, Any]] = []
    for text in path.read_text().splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            break
    return lines
