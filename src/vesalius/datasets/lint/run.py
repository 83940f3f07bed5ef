"""All checks over all samples, one pass: the files of this folder that define `Check`, in the order of their names."""

import importlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.looking import Looking
from vesalius.datasets.lint.seen import Asked
from vesalius.types import Sample

TELL_EVERY = 1000


def checks() -> list[ModuleType]:
    """Every kind of check."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in ("__init__", "run"))
    modules = [importlib.import_module(f"vesalius.datasets.lint.{name}") for name in names]
    return [module for module in modules if hasattr(module, "CODES")]


def lint(samples: Iterable[Sample], asked: Asked, say: Callable[[str], None] = lambda line: None) -> Iterator[Fault]:
    """What is wrong with the samples, told as soon as it is known.

    Memory grows with hashes of keys, texts and pictures, a few hundred bytes a sample; pictures are held a few at a time.
    """
    made = [module.Check(asked) for module in checks()]
    for count, seen in enumerate(Looking(is_quick=asked.is_quick).at(samples), start=1):
        if count % TELL_EVERY == 0:
            say(f"{count} samples")
        for check in made:
            yield from check.sample(seen)
    for check in made:
        yield from check.end()
