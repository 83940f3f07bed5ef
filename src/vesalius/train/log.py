"""A run's log: one JSON object a line, that the progress line, the curves, TensorBoard and other tools read."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vesalius.train.disk import writing
from vesalius.train.tensorboard import EventFile


class RunLog:
    """Appends to `log.jsonl`. On resuming, lines after the step that is resumed from are dropped.

    Beside it, in `tensorboard/`, the same figures stand as event files.

    Args:
        path: of the file; its folder exists.
        resumed_from: finished steps, 0 for a new run.
        writes: False in a process whose log another one writes.

    Raises:
        InputRefused: `disk_full`, here and in `write`.
    """

    def __init__(self, path: Path, resumed_from: int = 0, *, writes: bool = True) -> None:
        self._path, self._events = path, None
        self.kept = [line for line in read(path) if int(line["step"]) < resumed_from]
        if writes:
            with writing("log"):
                part = path.with_name(f"{path.name}.part")
                part.write_text("".join(json.dumps(line) + "\n" for line in self.kept), encoding="utf-8")
                os.replace(part, path)
                self._events = EventFile(path.parent / "tensorboard", resumed_from)

    def write(self, line: Mapping[str, Any]) -> None:
        """Add one line; it holds "step"."""
        if self._events is not None:
            with writing("log"):
                with self._path.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(line) + "\n")
                self._events.write(line)


def read(path: Path) -> list[dict[str, Any]]:
    """The lines so far; a line that a kill cut in the middle is left out. Empty where there is no file."""
    if not path.exists():
        return []
    lines: list[dict[str, Any]] = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            break
    return lines
