"""`vesalius data compose`: a dataset of ours asked about by one of the engines that make samples from annotations."""

import importlib
import inspect
import types
import typing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from vesalius.clinical.keys import content_sha256
from vesalius.datasets.compose.made import Again
from vesalius.datasets.store import table
from vesalius.errors import InputRefused, Problem, UsageError
from vesalius.types import Sample
from vesalius.workflows.data.telling import log_lines, telling
from vesalius.workflows.info import PACKAGE, members
from vesalius.workflows.outcome import Outcome

FOLDER, DEFINES = "datasets/compose", frozenset({"compose"})


def compose(
    folder: Path, *, engine: str, out: Path, given: Sequence[str] = (), say: Callable[[str], None] = lambda _: None
) -> Outcome:
    """Write the samples that an engine makes of a dataset of ours, in our layout, with a card that says how.

    Args:
        folder: a dataset in our layout.
        engine: a file of `datasets/compose/` that defines `compose`.
        out: the folder to write; must not hold a dataset.
        given: options of the engine, each `key=value`; several values of one key are joined by commas.
        say: takes lines of progress.

    Raises:
        UsageError: `unknown_name` for the engine; `bad_option`: `out` holds a dataset, or options, with every problem.
        InputRefused: `input_missing`; `bad_dataset`: `folder` is no dataset of ours, or the engine makes nothing of it.
    """
    module = _engine(engine)
    options = parsed(module, given)
    if not folder.exists():
        raise InputRefused("input_missing", "Nothing lies at the path that was given. There is nothing to read. Check it.")
    source = table.card(folder)
    digest = content_sha256(folder / table.MANIFEST)
    say(f"composing {engine}")
    used = {name: value for name, value in _defaults(module).items() if value is not inspect.Parameter.empty} | options
    counts: Counter[str] = Counter()
    with log_lines() as logged:
        made = module.compose(Again(_Stored(folder)), **options)
        samples = telling(_counting(_not_empty(made, engine, logged), counts), say)
        splits = table.write(samples, out, _card(source, engine, module, used, digest), left_out=lambda: list(logged))
    text = ", ".join(f"{number} {task}" for task, number in counts.most_common())
    data = {
        "engine": engine,
        "options": {name: _shown(value) for name, value in used.items()},
        "source": digest,
        "samples": splits.total(),
        "splits": dict(splits),
        "tasks": dict(counts),
        "left_out": list(logged),
    }
    return Outcome(
        data, "\n".join([f"{splits.total()} samples ({text}) by {engine}", *logged, "CARD.md says how they were made."])
    )


def engines() -> dict[str, str]:
    """Every engine with what it says of itself."""
    return {member["name"]: member["says"] for member in members(PACKAGE / FOLDER, DEFINES)}


def listed() -> Outcome:
    """Every engine with its options, their defaults and what else they may be."""
    data: dict[str, Any] = {}
    lines = []
    for name, says in engines().items():
        module = _engine(name)
        options = {key: _option(module, key, value) for key, value in _defaults(module).items()}
        data[name] = {"says": says, "options": options}
        lines.append(f"{name}: {says.partition(': ')[2]}")
        for key, option in options.items():
            default = "(must be given)" if option["default"] is None else option["default"] or '""'
            lines.append(f"  {key}={default}   {', '.join(option['allowed'])}")
    return Outcome({"engines": data}, "\n".join(lines))


def _option(module: ModuleType, key: str, default: Any) -> dict[str, Any]:
    shown = None if default is inspect.Parameter.empty else str(_shown(default))
    if isinstance(default, bool):
        shown = "yes" if default else "no"
    return {"default": shown, "allowed": allowed(typing.get_type_hints(module.compose)[key])}


def parsed(module: ModuleType, given: Sequence[str]) -> dict[str, Any]:
    """The options of an engine from `key=value` texts.

    Raises:
        UsageError: `bad_option`, with every key that is unknown, stands twice or is missing, and every value that cannot be.
    """
    hints, defaults = typing.get_type_hints(module.compose), _defaults(module)
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            problems.append(Problem(key, "is no key=value", (f"{key}=…",)))
        elif key not in defaults:
            near = get_close_matches(key, defaults, 1)
            hint = f"the engine has no such option; do you mean {near[0]}?" if near else "the engine has no such option"
            problems.append(Problem(key, hint, tuple(sorted(defaults))))
        elif key in found:
            problems.append(Problem(key, "stands twice; several values are joined by commas"))
        else:
            try:
                found[key] = _value(value, hints[key])
            except ValueError:
                problems.append(Problem(key, "cannot have this value", allowed(hints[key])))
    named = {text.partition("=")[0] for text in given}
    for key, default in defaults.items():
        if default is inspect.Parameter.empty and key not in named:
            problems.append(Problem(key, "has no default and must be given", allowed(hints[key])))
    if problems:
        said = f"{len(problems)} options cannot be used · nothing was written · the list says what is allowed."
        raise UsageError("bad_option", said, problems)
    return found


def allowed(hint: Any) -> tuple[str, ...]:
    """What an option of a type can be, in words."""
    if typing.get_origin(hint) is Literal:
        return tuple(str(word) or '""' for word in typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        return (*allowed(typing.get_args(hint)[0]), "several joined by commas")
    if _takes_path(hint):
        return ("a file",)
    return {bool: ("yes", "no"), int: ("a whole number, 0 or more",), float: ("a number, 0 or more",)}.get(hint, ("a text",))


def _value(text: str, hint: Any) -> Any:
    """A text as a value of a type; ValueError when it is none."""
    if typing.get_origin(hint) is tuple:
        return tuple(_value(part.strip(), typing.get_args(hint)[0]) for part in text.split(","))
    if typing.get_origin(hint) is Literal:
        return typing.get_args(hint)[typing.get_args(hint).index(text)]
    if hint is bool:
        return bool(("no", "yes").index(text))
    if hint in (int, float):
        number = hint(text)
        if not 0 <= number < float("inf"):
            raise ValueError("out of range")
        return number
    return Path(text) if _takes_path(hint) else text


def _takes_path(hint: Any) -> bool:
    """Whether a file can be given: alone, or among other things that no command line can hold."""
    return hint is Path or (typing.get_origin(hint) in (typing.Union, types.UnionType) and Path in typing.get_args(hint))


def _engine(name: str) -> ModuleType:
    known = engines()
    if name not in known:
        problem = Problem("--engine", "No engine of that name is known.", tuple(known))
        raise UsageError("unknown_name", f"The engine must be one of {', '.join(known)} · choose one.", [problem])
    return importlib.import_module(f"vesalius.{FOLDER.replace('/', '.')}.{name}")


def _defaults(module: ModuleType) -> dict[str, Any]:
    """The engine's options with their defaults."""
    parameters = inspect.signature(module.compose).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}


class _Stored:
    """The samples of a folder, as often as they are asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __iter__(self) -> Iterator[Sample]:
        return table.read(self._folder)


def _card(source: table.Card, engine: str, module: ModuleType, used: dict[str, Any], digest: str) -> table.Card:
    """The source's card with what was done to it."""
    says = (module.__doc__ or "").partition("\n")[0].partition(": ")[2].rstrip(".")
    options = ", ".join(f"{name}={_shown(value)}" for name, value in used.items())
    made = f"Composed by the engine {engine} ({says}) from annotations; of those it was said: {source.labels}"
    origin = f"{source.name}, whose {table.MANIFEST} has the SHA-256 {digest}. {source.source}"
    notes = "\n".join(filter(None, [f"Options: {options}.", source.notes]))
    splits = f"Those of the source: no patient changes sides. {source.splits}"
    return replace(source, name=f"{source.name}: {engine}", source=origin, labels=made, splits=splits, notes=notes)


def _shown(value: Any) -> Any:
    """A value without a path in it."""
    if isinstance(value, Path):
        return f"a file with the SHA-256 {content_sha256(value)}" if value.is_file() else "a file"
    return ",".join(str(part) for part in value) if isinstance(value, tuple) else value


def _not_empty(samples: Iterable[Sample], engine: str, logged: Sequence[str]) -> Iterator[Sample]:
    stream = iter(samples)
    first = next(stream, None)
    if first is None:
        told = [Problem("left out", line) for line in logged]
        raise InputRefused(
            "bad_dataset",
            f"The engine {engine} makes nothing of these samples. They do not hold what it asks about, or nothing to balance it "
            "with. The engine's file says what goes in; choose another, or add annotations.",
            told,
        )
    yield from chain([first], stream)


def _counting(samples: Iterable[Sample], counts: Counter[str]) -> Iterator[Sample]:
    for sample in samples:
        counts[sample.task] += 1
        yield sample
