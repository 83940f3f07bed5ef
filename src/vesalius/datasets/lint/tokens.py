"""Texts that hold what steers a model: marks of turns, pictures and boxes of the common families."""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.seen import Asked, Seen
from vesalius.datasets.lint.words import texts
from vesalius.types import PLACEHOLDER

CODES = ("special_token",)


class Check:
    """Looks for them in every text; our own placeholders are none."""

    def __init__(self, asked: Asked) -> None:
        self._families = families()

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """One fault for each text and family."""
        for place, _, text in texts(seen.sample):
            if "<" not in text and "[" not in text:
                continue
            bare = PLACEHOLDER.sub(lambda found: " " * len(found[0]), text)
            for family, pattern in self._families:
                if found := pattern.search(bare):
                    said = f"Character {found.start() + 1} of {place} begins {found[0]}, which steers models ({family})."
                    yield seen.fault("special_token", said)

    def end(self) -> Iterator[Fault]:
        """Nothing more."""
        yield from ()


@cache
def families() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Family and pattern, from the data file."""
    said = json.loads(files("vesalius.knowledge").joinpath("steering.json").read_text(encoding="utf-8"))["families"]
    return tuple(
        (name, re.compile("|".join([*map(re.escape, sorted(of["texts"], key=len, reverse=True)), *of["patterns"]])))
        for name, of in said.items()
    )
