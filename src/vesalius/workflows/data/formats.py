"""The formats that `vesalius data` reads and writes: the files of two folders, found by what they define."""

import importlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from vesalius.datasets.faults import Fault
from vesalius.datasets.formats import vesalius as ours
from vesalius.datasets.store.places import Root
from vesalius.errors import InputRefused, Problem, UsageError
from vesalius.types import Sample
from vesalius.workflows.info import PACKAGE, REGISTRIES, members
from vesalius.workflows.outcome import Outcome

REGISTERED = ("collections", "exchange")  # what is published in one place is more special than what programs exchange
LAST_RESORT = "clinical_files"  # takes any folder with files of a clinic in it
WRITES = frozenset({"write"})


def readable() -> dict[str, str]:
    """Every name that `--from` takes → its module."""
    found = {}
    for registry in REGISTERED:
        folder, names = REGISTRIES[registry]
        for member in members(PACKAGE / folder, names):
            found[member["name"]] = f"vesalius.{folder.replace('/', '.')}.{member['name']}"
    return found


def writable() -> dict[str, str]:
    """Every name that `--to` takes → its module."""
    folder, _ = REGISTRIES["exchange"]
    names = (member["name"] for member in members(PACKAGE / folder, WRITES))
    return {name: f"vesalius.{folder.replace('/', '.')}.{name}" for name in names}


def listed() -> Outcome:
    """Every format and collection, with what it is, and whether it is written as well."""
    data, lines = dict[str, Any](), list[str]()
    for registry, title in zip(
        REGISTERED, ("published collections, read", "formats, read and, where it says so, written"), strict=True
    ):
        folder, names = REGISTRIES[registry]
        found = members(PACKAGE / folder, names)
        data[registry] = [{**member, "written": member["name"] in writable()} for member in found]
        lines += [f"{title} ({len(found)})"]
        for member in data[registry]:
            says = member["says"].partition(": ")[2] or member["says"]
            lines.append(f"  {member['name']:<18}{'written; ' if member['written'] else ''}{says}")
    return Outcome(data, "\n".join(lines))


def reader(source: Path, name: str | None) -> tuple[str, ModuleType]:
    """The format that was named, or the only one that recognizes the source; a collection before a mere format.

    Raises:
        UsageError: `unknown_name`; `bad_option`: several fit.
        InputRefused: `input_missing`, or `bad_dataset`: none fits.
    """
    if not source.exists():
        raise InputRefused("input_missing", "Nothing lies at the path that was given. There is nothing to read. Check it.")
    known = readable()
    if name is not None:
        return name, importlib.import_module(_named(known, "--from", name))
    if ours.recognizes(source):  # which may hold the files of others beside it, as a folder of phantoms does
        return ours.__name__.rpartition(".")[2], ours
    for registry in REGISTERED:
        folder = f"vesalius.{REGISTRIES[registry][0].replace('/', '.')}."
        modules = {each: importlib.import_module(module) for each, module in known.items() if module.startswith(folder)}
        fitting = [each for each, module in modules.items() if module.recognizes(source)]
        fitting = [each for each in fitting if each != LAST_RESORT] or fitting
        if len(fitting) > 1:
            raise UsageError(
                "bad_option", f"The source fits {' and '.join(fitting)}. Only one can be read at a time. Add --from NAME."
            )
        if fitting:
            return fitting[0], modules[fitting[0]]
    raise InputRefused(
        "bad_dataset",
        f"The source has the layout of none of {', '.join(known)}. Without a known layout its labels cannot be read. "
        "Give it as it was published, or name its format with --from to be told what it lacks.",
    )


def samples(
    name: str, module: ModuleType, source: Root, tell: Callable[[Fault], None], *, text_alone: bool = False
) -> Iterator[Sample]:
    """The samples that a format's reader finds; faults go to `tell`.

    Raises:
        UsageError: `bad_option`: texts alone are asked for of a format that is read with its pictures or not at all.
    """
    given: dict[str, Any] = {"tell": tell}
    if text_alone:
        if "text_alone" not in inspect.signature(module.read).parameters:
            raise UsageError("bad_option", f"{name} is read with its pictures or not at all. Leave --text-alone out.")
        given["text_alone"] = True
    found: Iterator[Sample] = module.read(source, **given)
    return found


def writer(name: str) -> ModuleType:
    """The format to write.

    Raises:
        UsageError: `unknown_name`.
    """
    return importlib.import_module(_named(writable(), "--to", name))


def _named(known: dict[str, str], option: str, name: str) -> str:
    if name not in known:
        problem = Problem(option, "No format of that name is known.", tuple(known))
        raise UsageError(
            "unknown_name", f"{option} must be one of {', '.join(known)}. `vesalius info` says what they are.", [problem]
        )
    return known[name]
