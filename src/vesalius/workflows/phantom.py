"""phantom: simulated patients written as a dataset, with their whole truth, as files of a hospital, and as a contact sheet."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from vesalius.datasets.phantoms import cohorts
from vesalius.datasets.phantoms import dicom as phantom_dicom
from vesalius.datasets.phantoms import mp4 as phantom_mp4
from vesalius.datasets.phantoms import nifti as phantom_nifti
from vesalius.datasets.phantoms import png as phantom_png
from vesalius.datasets.phantoms import truth as phantom_truth
from vesalius.datasets.split import Split
from vesalius.datasets.store import table
from vesalius.errors import Problem, UsageError
from vesalius.phantom import world
from vesalius.phantom.paint import stream as random_stream
from vesalius.phantom.truth import Phantom
from vesalius.transforms.draw import Pixels, contact_sheet, save_png
from vesalius.types import Sample
from vesalius.workflows.outcome import Outcome
from vesalius.workflows.phantom_shown import pictured

SHEET = "contact_sheet.png"
FORMATS: dict[str, ModuleType] = {"dicom": phantom_dicom, "nifti": phantom_nifti, "png": phantom_png, "mp4": phantom_mp4}
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
MOST_SHOWN, COLUMNS = 16, 4
_SPLIT = 504  # stream of random numbers


@dataclass(frozen=True)
class Plan:
    """What was asked for beyond the kind's own factors.

    Attributes:
        formats: names of `FORMATS`.
        visits: of every patient; None: three in ten come twice.
        shares: of the patients in each split; empty: none is named.
        correlations: the confounder's strength in each split; empty: as the factors say.
        fixed: the kind's factors.
    """

    formats: tuple[str, ...]
    visits: int | None
    shares: Mapping[Split, float]
    correlations: Mapping[Split, float]
    fixed: Mapping[str, object]

    def split_of(self, kind: str, seed: int) -> Split | None:
        """A patient's split: the seed's alone, whoever stands beside."""
        left = float(random_stream(kind, seed, _SPLIT).random())
        for name, share in self.shares.items():
            left -= share
            if left < 0:
                return name
        return tuple(self.shares)[-1] if self.shares else None

    def factors(self, split: Split | None) -> dict[str, object]:
        """The factors of a patient of that split."""
        found: dict[str, object] = {"wording": "varied" if split == "train" else "canonical", **self.fixed}
        if split is not None and split in self.correlations:
            found["correlation"] = self.correlations[split]
        return found


def phantom(
    kind: str, *, count: int, out: Path, seed: int, factors: Sequence[str], say: Callable[[str], None] = lambda line: None
) -> Outcome:
    """Make patients `seed` … `seed + count - 1` and write them.

    `out` gets the dataset (`samples.parquet`, `media/`, `CARD.md`), `truth.jsonl` with one line a visit, `dicom/` (and `nifti/`,
    `png/`, `mp4/` if asked for), and `contact_sheet.png` with the first patients and their true boxes. The same arguments give
    the same folder, byte for byte.

    Args:
        kind: one of `kinds()`.
        count: how many patients, 1 or more.
        out: folder to make; must not hold a dataset.
        seed: the first patient's number.
        factors: `name=value`, as `kinds()` lists them, and:
            `visits=1` or `visits=2`, else three in ten come twice;
            `formats=dicom,nifti,png,mp4`, any of them, or `none`;
            `split=train:0.7,validation:0.1,test:0.2`: patients, not pictures, are what is split;
            `correlation=train:0.9,test:-0.9`: a confounder's strength in each split.
            Reports are in canonical words, as in an exam, unless `wording=varied` is among them or the split is train.
        say: takes progress lines.

    Raises:
        UsageError: `unknown_name`, `bad_factor`, `bad_option`.
    """
    plan = _plan(kind, seed, factors)  # all that is wrong is said before anything is written
    if count < 1:
        raise UsageError("bad_option", "-n is the number of patients. None would be an empty dataset. Give 1 or more.")
    shown: list[Pixels] = []
    truths: list[str] = []

    def samples() -> Iterator[Sample]:
        for number in range(seed, seed + count):
            split = plan.split_of(kind, number)
            times = plan.visits or cohorts.visits_of(kind, number)
            seen = [world.make(kind, seed=number, visit=visit, **plan.factors(split)) for visit in range(times)]
            for visit in seen:
                _write(visit, out, plan.formats)
                truths.append(json.dumps(phantom_truth.record(visit, split), ensure_ascii=False))
            shown.extend(pictured(visit) for visit in seen[: MOST_SHOWN - len(shown)])
            say(f"patient {number - seed + 1} of {count}")
            yield from cohorts.samples_of(seen[-1], seen[0] if times == 2 else None, split=split)

    written = table.write(samples(), out, _card(kind, seed, count, plan))
    (out / phantom_truth.FILE).write_text("\n".join(truths) + "\n", encoding="utf-8")
    save_png(out / SHEET, contact_sheet(shown, min(COLUMNS, len(shown))))
    data = {"kind": kind, "patients": count, "visits": len(truths), "samples": sum(written.values()), "first_seed": seed}
    folders = "".join(f", {name}/" for name in plan.formats)
    text = (
        f"{count} patients, {len(truths)} visits, {data['samples']} questions. The dataset lies in the folder, all that is true "
        f"in {phantom_truth.FILE}, the first visits with their true boxes in {SHEET}"
        f"{folders and '; their files in' + folders[1:]}."
    )
    return Outcome(data, text)


def kinds() -> Outcome:
    """Every kind of phantom with what can be found and what can be fixed."""
    data = {"phantoms": [_described(kind) for kind in world.kinds()]}
    lines = []
    for kind in data["phantoms"]:
        lines += [f"{kind['kind']}: {kind['says']}"]
        width = max(len(factor["name"]) for factor in kind["factors"])
        lines += [f"  {factor['name']:<{width}}  {'|'.join(factor['allowed'])}: {factor['says']}" for factor in kind["factors"]]
    return Outcome(data, "\n".join(lines))


def _described(kind: str) -> dict[str, Any]:
    found = world.factors(kind)
    return {
        "kind": kind,
        "says": world.says(kind),
        "findings": [
            {"name": item.name, "code": item.code, "looks_like": list(item.looks_like)} for item in world.catalogue(kind)
        ],
        "factors": [{"name": name, "says": factor.says, "allowed": list(factor.allowed())} for name, factor in found.items()],
    }


def _write(visit: Phantom, out: Path, formats: Sequence[str]) -> None:
    for name in formats:
        FORMATS[name].write(visit, out / name)


def _plan(kind: str, seed: int, factors: Sequence[str]) -> Plan:
    """What the factors ask for.

    Raises:
        UsageError: `unknown_name`; `bad_factor`, listing every one that cannot be read and all that the kind refuses.
    """
    problems: list[Problem] = []
    given = _parsed(factors, problems)
    formats = str(given.pop("formats", "dicom"))
    names = () if formats == "none" else tuple(name.strip() for name in formats.split(","))
    if not set(names) <= set(FORMATS):
        problems.append(Problem("formats", "files of that kind are not written", (*FORMATS, "none")))
    visits = given.pop("visits", None)
    if visits not in (None, "1", "2") or (visits == "1" and "change" in given):
        problems.append(Problem("visits", "a patient comes once or twice; with change, twice", ("1", "2")))
    shares = _by_split("split", str(given.pop("split", "")), problems)
    if shares and (min(shares.values()) < 0 or abs(sum(shares.values()) - 1) > 1e-6):
        problems.append(Problem("split", "shares are parts of 1 and add up to it", ("train:0.7,validation:0.1,test:0.2",)))
    correlations: Mapping[Split, float] = {}
    if ":" in str(given.get("correlation", "")):
        correlations = _by_split("correlation", str(given.pop("correlation")), problems)
        if not set(correlations) <= set(shares):
            problems.append(Problem("correlation", "names a split that is not made; name it in split too", tuple(shares)))
    times = world.VISITS if "change" in given and visits is None else None if visits is None else int(str(visits))
    plan = Plan(names, times, shares, correlations, given)
    problems += _impossible(kind, seed, plan)
    if problems:
        raise _refused(kind, problems)
    return plan


def _impossible(kind: str, seed: int, plan: Plan) -> dict[Problem, None]:
    """What the kind refuses of the plan, in any split."""
    found: dict[Problem, None] = {}
    for split in plan.shares or (None,):
        try:
            made = world.make(kind, seed=seed, visit=0, **plan.factors(split))
        except UsageError as refusal:
            if refusal.code != "bad_factor":
                raise
            found |= dict.fromkeys(refusal.problems)
            continue
        if "mp4" in plan.formats and any(picture.kind != "clip" for picture in made.pictures):
            others = tuple(name for name in FORMATS if name != "mp4")
            found[Problem("formats", f"{kind} is no film, and MP4 holds nothing else", others)] = None
    return found


def _by_split(name: str, text: str, problems: list[Problem]) -> dict[Split, float]:
    """`train:0.7,test:0.3` as numbers by split."""
    found: dict[Split, float] = {}
    for item in filter(None, text.split(",")):
        split, _, number = item.partition(":")
        try:
            value = float(number)
        except ValueError:
            value = float("nan")
        if split not in SPLITS or value != value or split in found:
            problems.append(Problem(name, f"{item} is no split and number", ("train:0.7,validation:0.1,test:0.2",)))
        else:
            found[split] = value
    return found


def _parsed(factors: Sequence[str], problems: list[Problem]) -> dict[str, object]:
    """`name=value` texts as a mapping; what is none, or stands twice, is a problem."""
    given: dict[str, object] = {}
    for text in factors:
        name, sign, value = text.partition("=")
        if not sign or not name or not value:
            problems.append(Problem(text, "a factor is written name=value", ("name=value",)))
            continue
        if name in given:
            problems.append(Problem(name, "stands twice", ("once",)))
        given[name] = value
    return given


def _refused(kind: str, problems: Sequence[Problem]) -> UsageError:
    listed = "; ".join(f"{problem.key}: {problem.message} (allowed: {', '.join(problem.allowed)})" for problem in problems)
    said = f"{kind} cannot be made from these factors · {listed} · correct or leave out what is named, each as name=value."
    return UsageError("bad_factor", said, problems)


def _card(kind: str, seed: int, count: int, plan: Plan) -> table.Card:
    """What a reader of the dataset must know."""
    fixed = ", ".join(f"{name}={value}" for name, value in sorted(plan.fixed.items())) or "nothing"
    shares = ", ".join(f"{name} {share:g}" for name, share in plan.shares.items())
    tied = ", ".join(f"{name} {value:g}" for name, value in plan.correlations.items())
    split = f"By patient, drawn from the seed: {shares}." if shares else "None: choose seeds of its own for each split."
    return table.Card(
        name=f"Phantoms: {kind}",
        source=f"Simulated by Vesalius, kind {kind}, seeds {seed} to {seed + count - 1}; fixed: {fixed}.",
        licence=cohorts.LICENCE,
        labels="Exact: what was drawn. Boxes are tight around the structures' masks.",
        patients="A patient is a seed; the pictures of one are one or two visits.",
        splits=f"{split}{f' Correlation of the confounder: {tied}.' if tied else ''}",
        notes="Simulated pictures. They are no claim about patients. Research use only. Not a medical device.",
    )
