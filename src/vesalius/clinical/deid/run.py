"""A run of de-identification: every file through the gate into a copy, every copy looked through, what is not clean set aside."""

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from vesalius.clinical import gate, upload
from vesalius.clinical.deid.rules import Rules
from vesalius.clinical.deid.told import Left, Told
from vesalius.clinical.keys import content_sha256
from vesalius.clinical.wire import unpack
from vesalius.errors import WARNINGS, InputRefused

QUARANTINE = "quarantine"
BATCH = 32  # files that are open at once, each with its copy
SECONDS_PER_BYTE = 1 / 4e6  # of processor time that cleaning and searching a file may take, beyond what every item may
_FOLDER = re.compile(r"VES[0-9A-F]{13}|[0-9a-f]{16}")
MOST_SHARED_SEEDS = 256  # more names than these are sought in the copies of their own files only


@dataclass
class Copy:
    """One file on its way: what it came from, the copy that was written, and what is known of it."""

    item: str
    source: upload.Item
    draft: Path
    told: Told | None = None
    place: Path | None = None
    found: dict[str, int] = field(default_factory=dict)
    refusal: InputRefused | None = None


def deidentify(
    sources: Sequence[tuple[str, upload.Item]], out: Path, rules: Rules, *, accept_burned_in: bool, say: Callable[[str], None]
) -> list[Copy]:
    """Write a copy of everything that can be cleaned below `out`, and set aside what has anything left in it.

    Args:
        sources: each with the name by which it is listed.
        out: an empty folder.
        rules: what is done.
        accept_burned_in: pictures that may bear writing are not set aside for that.
        say: progress.
    """
    copies = [Copy(name, item, out / f".part-{index}") for index, (name, item) in enumerate(sources)]
    try:
        for start in range(0, len(copies), BATCH):
            _clean(copies[start : start + BATCH], rules)
            say(f"{min(start + BATCH, len(copies))} of {len(copies)} files")
        _place(copies, out, rules)
    finally:
        for copy in copies:
            copy.draft.unlink(missing_ok=True)
    _prove(copies, accept_burned_in=accept_burned_in)
    _quarantine(copies, out)
    return copies


def verify(items: Sequence[upload.Item]) -> list[dict[str, int] | InputRefused]:
    """What is left in each file, by code; a refusal for what should not be among clean files at all."""
    asked = [_proving(item.place, set()) for item in items]
    return [result if isinstance(result, InputRefused) else _findings(result) for result in gate.run(asked)]


def _clean(batch: Sequence[Copy], rules: Rules) -> None:
    """Have the drafts of a batch written, or learn why not."""
    with contextlib.ExitStack() as opened:
        items = [_cleaning(copy.source.place, opened.enter_context(copy.draft.open("xb")), rules) for copy in batch]
        for copy, result in zip(batch, gate.run(items), strict=True):
            try:
                copy.told = None if isinstance(result, InputRefused) else _told(result)
                copy.refusal = result if isinstance(result, InputRefused) else None
            except ValueError:
                copy.refusal = InputRefused(
                    "decode_failed", "The reader was brought down by the file's content. Nothing is guessed. Copy it again."
                )


def _told(reply: dict[str, Any]) -> Told:
    """A worker's word, checked: it names folders, and was alone with foreign bytes.

    Raises:
        ValueError: it is not of the form that ours have.
    """
    told = unpack(Told, reply)
    if not all(_FOLDER.fullmatch(name) for name in told.folders):
        raise ValueError("a folder has no name of ours")
    return told


def _findings(reply: dict[str, Any]) -> dict[str, int]:
    """A worker's findings; of codes that are not ours nothing but that there are some."""
    try:
        found = dict(unpack(Left, reply).findings)
    except ValueError:
        found = {"metadata_left": 1}
    return {code if code in WARNINGS else "metadata_left": count for code, count in found.items()}


def _cleaning(place: gate.Place, target: BinaryIO, rules: Rules) -> gate.Item:
    return gate.Item("clean", place, {"rules": rules.to_json()}, target=target, limit_s=_limit_s(place))


def _proving(place: gate.Place, seeds: set[str]) -> gate.Item:
    return gate.Item("verify", place, {"seeds": sorted(seeds)}, limit_s=_limit_s(place))


def _limit_s(place: gate.Place) -> float:
    """Processor time for one file. One that has gone in the meantime is refused when it is opened."""
    size = place.length or 0
    with contextlib.suppress(OSError):
        size = size or (place.path.stat().st_size if place.path else 0)
    return gate.ITEM_S + size * SECONDS_PER_BYTE


def _place(copies: Sequence[Copy], out: Path, rules: Rules) -> None:
    """Name every copy by a keyed hash of its content and put it below its patient, study and series, where it has these.

    A JSON file beside a volume is named as the volume is.
    """
    volumes: dict[tuple[Path, str], str] = {}
    for copy in sorted(copies, key=lambda copy: copy.told is not None and copy.told.suffix == ".json"):
        if copy.told is None:
            continue
        name, stem = rules.name(content_sha256(copy.draft)), _stem(copy.source.origin)
        folder = out.joinpath(*copy.told.folders)
        folder.mkdir(parents=True, exist_ok=True)
        if copy.told.suffix.startswith(".nii"):
            volumes.setdefault(stem, name)
        beside = folder / f"{volumes.get(stem, name)}.json"
        copy.place = beside if copy.told.suffix == ".json" and not beside.exists() else folder / f"{name}{copy.told.suffix}"
        copy.draft.replace(copy.place)


def _stem(origin: upload.Origin) -> tuple[Path, str]:
    """What a volume and the JSON file beside it have in common."""
    whole = origin.name if origin.member is not None else origin.path.as_posix()
    return origin.path.parent, whole.removesuffix(".gz").rpartition(".")[0]


def _prove(copies: Sequence[Copy], *, accept_burned_in: bool) -> None:
    """Look for everything that should be gone in every copy, by names of its own original and, unless too many, of all."""
    shared = {seed for copy in copies if copy.told is not None for seed in copy.told.seeds}
    shared = shared if len(shared) <= MOST_SHARED_SEEDS else set()
    written = [(copy, copy.told, copy.place) for copy in copies if copy.told is not None and copy.place is not None]
    items = [_proving(gate.Place(place), shared | set(told.seeds)) for _, told, place in written]
    for (copy, told, _), result in zip(written, gate.run(items), strict=True):
        # A copy of ours that cannot be read is nothing to pass on.
        copy.found = {"metadata_left": 1} if isinstance(result, InputRefused) else _findings(result)
        copy.found.pop("burned_in_risk", None)  # what was done to the picture is known here, not there
        if told.is_at_risk and not accept_burned_in:
            copy.found["burned_in_risk"] = 1


def _quarantine(copies: Sequence[Copy], out: Path) -> None:
    """Set every copy aside in which something is left; of equal copies there is one file."""
    for copy in copies:
        if copy.place is None or not copy.found:
            continue
        aside = out / QUARANTINE / copy.place.relative_to(out)
        if copy.place.exists():
            aside.parent.mkdir(parents=True, exist_ok=True)
            copy.place.replace(aside)
            _remove_empty(copy.place.parent, out)
        copy.place = aside


def _remove_empty(folder: Path, out: Path) -> None:
    while folder != out and folder.exists() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
