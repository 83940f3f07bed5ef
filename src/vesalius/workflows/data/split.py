"""`vesalius data split`: a dataset of ours with every patient in one split, frozen in its card."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from vesalius.clinical.keys import content_sha256
from vesalius.datasets import frozen
from vesalius.datasets.duplicates.pairs import near_duplicates
from vesalius.datasets.duplicates.prints import Prints
from vesalius.datasets.lint.looking import Looking
from vesalius.datasets.split import FRACTIONS, SPLITS, Split, by_patient
from vesalius.datasets.store import table
from vesalius.datasets.stratified import Units, dealt
from vesalius.errors import EXIT_DONE, EXIT_PARTIAL, UsageError
from vesalius.types import Sample
from vesalius.workflows.outcome import Outcome

BY = ("patient", "site")


def split(
    folder: Path,
    *,
    out: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
    fractions: tuple[float, float, float] = FRACTIONS,
    by: str = "patient",
    stratify: bool = True,
    together: bool = True,
    seed: int = 0,
    check: bool = False,
) -> Outcome:
    """Write a dataset of ours anew with every patient in one split, whatever was stated before; or check one that is frozen.

    The same folder and options give the same splits. Without strata, sites and links a patient's split is a pure function of
    the key, which further patients do not change; with them it depends on the whole dataset.

    Args:
        folder: a dataset of ours.
        out: the folder to write; not needed with `check`.
        say: takes lines of progress.
        fractions: of train, validation and test.
        by: "patient", or "site": all patients of a site in one split.
        stratify: whether splits get equal shares of every task, finding and short answer.
        together: whether patients whose pictures are the same or nearly the same stay together.
        seed: of the order in which strata are dealt out.
        check: compare the folder with the hashes in its card; exit 4 when they differ.

    Raises:
        UsageError: `bad_option`: `out` is missing or holds a dataset, or an option cannot be.
        InputRefused: `bad_dataset`: `folder` is not a dataset of ours, or is damaged, or not frozen.
    """
    if check:
        return _checked(folder)
    if out is None:
        raise UsageError("bad_option", "A folder to write is missing. The dataset itself is not changed. Add -o DIR.")
    if by not in BY:
        raise UsageError("bad_option", f"--by must be one of {', '.join(BY)}. Nothing else is kept together. Choose one.")
    if not all(0 <= share <= 1 for share in fractions) or abs(sum(fractions) - 1) > 1e-6:
        raise UsageError(
            "bad_option", "The fractions of train, validation and test are not three shares that add up to 1. Mend them."
        )
    units, links = _units(folder, by, together, say)
    patients = units.groups()
    if stratify:
        found: dict[str, Split] = dealt(units, fractions, seed=seed)
    else:
        found = {p: by_patient(unit, fractions=fractions) for unit, members in patients.items() for p in members}
    said = _said(by, stratify, together, links, seed, fractions, content_sha256(folder / table.MANIFEST))
    card = replace(table.card(folder), splits=said)
    say("writing")
    counts = table.write(_assigned(folder, found), out, card, plan={"splits": said})
    hashes = frozen.freeze(out, table.read(out))
    parts = ", ".join(f"{number} {name}" for name, number in counts.most_common())
    empty = [name for name, share in zip(SPLITS, fractions, strict=True) if share > 0 and not counts[name]]
    lines = [f"{counts.total()} samples ({parts}) of {len(found)} patients in {len(patients)} units"]
    lines += [f"{name} is empty: there are too few units" for name in empty]
    data = {"samples": counts.total(), "splits": dict(counts), "patients": len(found), "units": len(patients), "links": links}
    data["sha256"] = {name: digest for name, (_, digest) in hashes.items()}
    return Outcome(data, "\n".join(lines))


def _checked(folder: Path) -> Outcome:
    wrong = frozen.broken(folder, table.read(folder))
    text = "The splits are as they were frozen." if not wrong else "\n".join(f"changed: {line}" for line in wrong)
    return Outcome({"holds": not wrong, "wrong": wrong}, text, EXIT_PARTIAL if wrong else EXIT_DONE)


def _units(folder: Path, by: str, together: bool, say: Callable[[str], None]) -> tuple[Units, int]:
    """Who must not be parted, and how many pairs of patients are linked by their pictures."""
    units, links, prints = Units(by), set[tuple[str, str]](), Prints()
    shown: dict[int, str] = {}  # picture → its first patient

    def link(one: str, other: str) -> None:
        units.link(one, other)
        links.add((min(one, other), max(one, other)))

    if not together:
        for sample in table.read(folder):
            units.add(sample)
        return units, 0
    say("comparing pictures")
    for seen in Looking().at(table.read(folder)):
        units.add(seen.sample)
        patient = seen.sample.provenance.patient_key
        for look, item in zip(seen.looks, seen.sample.images, strict=True):
            if item.role == "reference":
                continue
            if shown.setdefault(look.number, patient) != patient:
                link(shown[look.number], patient)
            for plane in look.prints:
                prints.add(look.number, plane)
    for pair in near_duplicates(prints, lambda one, other: shown[one] != shown[other]):
        link(shown[pair.one], shown[pair.other])
    return units, len(links)


def _assigned(folder: Path, found: dict[str, Split]) -> Iterator[Sample]:
    for sample in table.read(folder):
        origin = sample.provenance
        yield replace(sample, provenance=replace(origin, split=found[origin.patient_key]))


def _said(
    by: str, stratify: bool, together: bool, links: int, seed: int, fractions: tuple[float, float, float], manifest: str
) -> str:
    """The card's sentence."""
    parts = ", ".join(f"{name} {share:.0%}" for name, share in zip(SPLITS, fractions, strict=True))
    how = (
        f"dealt out so that every task, finding and short answer has its share (seed {seed})" if stratify else "by the key alone"
    )
    near = f" Patients whose pictures are the same or nearly the same stay together: {links} pairs." if together else ""
    unit = "By patient" if by == "patient" else "By site, where one is known, else by patient"
    return f"{unit}, {how}: {parts}.{near} Made from the manifest {manifest}."


def shares(text: str) -> tuple[float, float, float]:
    """Three shares from "0.7,0.1,0.2".

    Raises:
        UsageError: `bad_option`: they are not three numbers from 0 to 1 that add up to 1.
    """
    try:
        train, validation, test = (float(part) for part in text.split(","))
    except ValueError:
        train = validation = test = -1.0
    if min(train, validation, test) < 0 or abs(train + validation + test - 1) > 1e-9:
        raise UsageError(
            "bad_option", "--fractions are not three shares that add up to 1. Everybody must go somewhere. Give e.g. 0.7,0.1,0.2."
        )
    return train, validation, test
