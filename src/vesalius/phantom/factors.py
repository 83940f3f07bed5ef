"""Factors: what of a phantom can be fixed, what each may be, and the one error that lists everything that may not."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from vesalius.errors import Problem, UsageError

Value = str | float | int | tuple[float, ...]
Values = dict[str, Value]


@dataclass(frozen=True)
class Factor:
    """One thing that can be fixed, or else is drawn from the seed.

    `choices` for words; otherwise a number in [low, high], `whole` if it has no fraction, or `numbers` of them. `several`
    allows words joined by commas.
    """

    says: str
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    several: bool = False
    numbers: int = 1

    def allowed(self) -> tuple[str, ...]:
        """What may be given, for a message."""
        if self.choices:
            return self.choices
        what = "a whole number" if self.whole else "a number" if self.numbers == 1 else f"{self.numbers} numbers joined by commas"
        return (f"{what} from {self.low:g} to {self.high:g}",)


def checked(
    kind: str,
    factors: Mapping[str, object],
    known: Mapping[str, Factor],
    together: Callable[[Values], Sequence[Problem]],
) -> Values:
    """The factors as words and numbers of the right type; text from a command line is read as numbers where they belong.

    Args:
        kind: the phantom, for the message.
        factors: as given; a list or tuple of words is as good as the words joined by commas.
        known: the kind's factors.
        together: finds what is impossible only in combination; called when every value of a known factor is possible.

    Raises:
        UsageError: `bad_factor`, listing every problem and what is allowed.
    """
    values: Values = {}
    problems: list[Problem] = []
    is_possible = True
    for name, given in factors.items():
        factor = known.get(name)
        if factor is None:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            problems.append(Problem(name, f"{kind} has no factor of that name{hint}", tuple(known)))
            continue
        value = _value(given, factor)
        if value is None:
            is_possible = False
            problems.append(Problem(name, f"{given!s} is not possible: {factor.says}", factor.allowed()))
        else:
            values[name] = value
    if is_possible:
        problems += together(values)
    if problems:
        listed = "; ".join(f"{p.key}: {p.message} (allowed: {', '.join(p.allowed)})" for p in problems)
        raise UsageError(
            "bad_factor",
            f"The phantom {kind} cannot be made from these factors · {listed} · correct or leave out what is named; "
            "a factor that is left out is drawn from the seed.",
            problems,
        )
    return values


def _value(given: object, factor: Factor) -> Value | None:
    if factor.choices:
        return _word(given, factor)
    if factor.numbers == 1:
        return _number(given, factor)
    items = given.split(",") if isinstance(given, str) else given if isinstance(given, (list, tuple)) else ()
    found = [number for item in items if (number := _number(item, factor)) is not None]
    return tuple(found) if len(found) == len(items) == factor.numbers else None


def _word(given: object, factor: Factor) -> str | None:
    """The choice, or the choices in the factor's own order; None when it is none."""
    words = [str(item).strip() for item in given] if isinstance(given, (list, tuple)) else str(given).split(",")
    words = [word.strip() for word in words]
    if any(word not in factor.choices for word in words) or len(set(words)) != len(words):
        return None
    if len(words) > 1 and (not factor.several or "none" in words):
        return None
    return ",".join(word for word in factor.choices if word in words) or None


def _number(given: object, factor: Factor) -> float | int | None:
    """The number, or None when it is none, has a fraction that it may not have, or lies outside."""
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        return None
    try:
        value = float(given)
    except ValueError:
        return None
    if not math.isfinite(value) or not factor.low <= value <= factor.high or (factor.whole and value != int(value)):
        return None
    return int(value) if factor.whole else value
