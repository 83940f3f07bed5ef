"""What a verb gives back to the command line, and how its files are written."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """The JSON document for `--json`, the text for people, and the exit code of CONTRACTS."""

    data: Mapping[str, Any]
    text: str
    exit_code: int = 0


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)
