"""`vesalius data`: published formats into our own layout, and splits by patient."""

import importlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from vesalius.datasets import store
from vesalius.datasets.split import FRACTIONS, assign
from vesalius.errors import InputRefused, Problem, UsageError
from vesalius.types import Sample
from vesalius.workflows.info import PACKAGE, REGISTRIES, members
from vesalius.workflows.outcome import Outcome

Say = Callable[[str], None]
SPLITS = "By patient, a pure function of the patient's key: train {:.0%}, validation {:.0%}, test {:.0%}.".format(*FRACTIONS)
_TELL_EVERY = 1000
_NOT_STATED = "Not stated by the source."


def convert(source: Path, *, out: Path, say: Say, from_format: str | None = None) -> Outcome:
    """Write a published folder in our layout, split by patient.

    Args:
        source: the published folder.
        out: the folder to write; must not hold a dataset.
        say: takes lines of progress.
        from_format: a dataset's name (`vesalius info`); told by the folder's content when not given.

    Raises:
        UsageError: `unknown_name`, or `bad_option`: several formats fit, or `out` holds a dataset.
        InputRefused: `input_missing`, or `bad_dataset`: no format fits, or the folder is malformed.
    """
    if not source.is_dir():
        raise InputRefused("input_missing", "No folder lies at the path that was given. There is nothing to read. Check it.")
    name, reader = _reader(source, from_format)
    say(f"reading {name}")
    with _log_lines() as left_out:
        samples = _telling(assign(reader.read(source)), say)
        counts = store.write(samples, out, _card(name, reader, source), left_out=lambda: left_out)
    data = {"format": name, **_counted(counts), "left_out": list(left_out)}
    return Outcome(data, "\n".join([f"{_shown(counts)} from {name}", *left_out, "CARD.md says how they were made."]))


def split(folder: Path, *, out: Path, say: Say = lambda _: None) -> Outcome:
    """Write a dataset of ours anew with every patient in one split, whatever was stated before.

    Raises:
        UsageError: `bad_option`: `out` holds a dataset.
        InputRefused: `bad_dataset`: `folder` is not a dataset of ours, or is damaged.
    """
    card = replace(store.card(folder), splits=SPLITS)
    counts = store.write(_telling(assign(store.read(folder)), say), out, card)
    return Outcome(_counted(counts), _shown(counts))


def formats() -> list[str]:
    """The names that `convert` takes: the files of `datasets/` that define `read` and `recognizes`."""
    folder, names = REGISTRIES["datasets"]
    return [member["name"] for member in members(PACKAGE / folder, names)]


def _reader(source: Path, name: str | None) -> tuple[str, ModuleType]:
    """The format that was named, or the only one that recognizes the folder."""
    known = formats()
    if name is not None:
        if name not in known:
            problem = Problem("--from", "No dataset of that name is known.", tuple(known))
            raise UsageError(
                "unknown_name", f"--from must be one of {', '.join(known)}. `vesalius info` says what they are.", [problem]
            )
        return name, importlib.import_module(f"vesalius.datasets.{name}")
    readers = {known_name: importlib.import_module(f"vesalius.datasets.{known_name}") for known_name in known}
    fitting = [known_name for known_name, reader in readers.items() if reader.recognizes(source)]
    if len(fitting) > 1:
        raise UsageError(
            "bad_option", f"The folder fits {' and '.join(fitting)}. Only one can be read at a time. Add --from NAME."
        )
    if not fitting:
        raise InputRefused(
            "bad_dataset",
            f"The folder has the layout of none of {', '.join(known)}. Without a known layout its labels cannot be read. Give "
            "the folder as it was published.",
        )
    return fitting[0], readers[fitting[0]]


def _card(name: str, reader: ModuleType, source: Path) -> store.Card:
    """The card from the reader's docstring, which is one: `Source:`, `Licence:`, `Labels:`, `Split unit:`, `Defects:`."""
    if reader is store:
        return replace(store.card(source), splits=SPLITS)
    said: dict[str, str] = {}
    title = ""
    for line in (reader.__doc__ or "").splitlines()[1:]:
        head, colon, rest = line.partition(":")
        if colon and line[:1].strip() and len(head) < 12:
            title, line = head, rest
        said[title] = f"{said.get(title, '')} {line.strip()}".strip()
    get = said.get
    return store.Card(
        name=name,
        source=get("Source", _NOT_STATED),
        licence=get("Licence", _NOT_STATED),
        labels=get("Labels", _NOT_STATED),
        patients=get("Split unit", _NOT_STATED),
        splits=SPLITS,
        notes=get("Defects", ""),
    )


@contextmanager
def _log_lines() -> Iterator[list[str]]:
    """What readers log while the block runs: how much they dropped, skipped or put right."""
    lines: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    source = logging.getLogger("vesalius.datasets")
    source.addHandler(handler)
    try:
        yield lines
    finally:
        source.removeHandler(handler)


def _telling(samples: Iterable[Sample], say: Say) -> Iterator[Sample]:
    for number, sample in enumerate(samples, start=1):
        if number % _TELL_EVERY == 0:
            say(f"{number} samples")
        yield sample


def _counted(counts: Counter[str]) -> dict[str, object]:
    return {"samples": counts.total(), "splits": dict(counts)}


def _shown(counts: Counter[str]) -> str:
    parts = ", ".join(f"{number} {name}" for name, number in counts.most_common())
    return f"{counts.total()} samples ({parts})"
