"""What a verb gives back to the command line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """The JSON document for `--json`, the text for people, and the exit code of CONTRACTS."""

    data: Mapping[str, Any]
    text: str
    exit_code: int = 0
