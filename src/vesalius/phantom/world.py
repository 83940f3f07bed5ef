"""The phantom world: any kind of phantom by its name, every factor fixed or drawn from the seed.

The folder is the list: a kind is a file beside this one that defines `FACTORS`, `together` and `make`.
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from vesalius.errors import Problem, UsageError
from vesalius.phantom.factors import Factor, checked
from vesalius.phantom.truth import Phantom

VISITS = 2


def kinds() -> list[str]:
    """The names of all kinds, sorted."""
    beside = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in ("__init__", "world"))
    return [name for name in beside if hasattr(import_module(f"vesalius.phantom.{name}"), "FACTORS")]


def factors(kind: str) -> dict[str, Factor]:
    """What can be fixed for a kind.

    Raises:
        UsageError: `unknown_name`.
    """
    known: dict[str, Factor] = _kind(kind).FACTORS
    return known


def make(kind: str, *, seed: int, visit: int = 0, **given: object) -> Phantom:
    """One picture of one patient.

    The same arguments give the same bytes on every run and machine, whatever the number of threads. A factor that is
    fixed leaves all others as the seed has them, so `make(kind, seed=7, finding="none")` is the healthy twin of
    `make(kind, seed=7)`.

    Args:
        kind: one of `kinds()`.
        seed: the patient's number, 0 or more.
        visit: 0 for the first, 1 for the same patient at a later day, positioned and exposed anew, each finding new,
            larger, smaller, unchanged or resolved (`change` fixes which).
        given: factors of the kind (`factors(kind)`), as words and numbers or as the text of either.

    Raises:
        UsageError: `unknown_name` for the kind; `bad_factor`, listing every problem and what is allowed.
    """
    module = _kind(kind)
    if isinstance(seed, bool) or seed < 0 or visit not in range(VISITS):
        problem = Problem("seed or visit", "the seed is 0 or more, the visit 0 or 1", ("0", "1"))
        raise UsageError(
            "bad_factor", "There is no such patient or visit · seeds start at 0, visits are 0 and 1 · change it.", [problem]
        )
    values = checked(kind, given, module.FACTORS, module.together)
    phantom: Phantom = module.make(seed, visit, values)
    return phantom


@cache
def _kind(kind: str) -> ModuleType:
    """The kind's file."""
    known = kinds()
    if kind not in known:
        problem = Problem("kind", "no phantom of that name", tuple(known))
        raise UsageError("unknown_name", f"No phantom of that name · there are {', '.join(known)} · choose one.", [problem])
    return import_module(f"vesalius.phantom.{kind}")
