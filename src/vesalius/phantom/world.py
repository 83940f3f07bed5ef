"""The phantom world: any kind of phantom by its name, every factor fixed or drawn from the seed.

The folder `kinds/` is the list. A kind is a file there that defines
    SAYS       one line: what is drawn,
    FINDINGS   what can be wrong (`findings.FindingKind`), in a fixed order,
    FACTORS    what else can be fixed: sizes, and what only this kind has,
    together   what of all factors is impossible in combination,
    draw       the pictures of a `Case`.
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np

from vesalius.errors import Problem, UsageError
from vesalius.phantom import case as cases
from vesalius.phantom import confounders, findings, report
from vesalius.phantom.factors import Factor, Value, Values, checked
from vesalius.phantom.paint import stream
from vesalius.phantom.truth import LANGUAGES, Drawing, Phantom
from vesalius.types import Finding as State

VISITS = 2
WORDING = Factor("of the reports: as in tests, or in other words", choices=("canonical", "varied"))
_WORDS = 401


def kinds() -> list[str]:
    """The names of all kinds, sorted."""
    return sorted(path.stem for path in (Path(__file__).parent / "kinds").glob("*.py") if path.stem != "__init__")


def says(kind: str) -> str:
    """One line: what the kind draws."""
    return str(_kind(kind).SAYS)


def catalogue(kind: str) -> tuple[findings.FindingKind, ...]:
    """What can be wrong in a kind.

    Raises:
        UsageError: `unknown_name`.
    """
    return tuple(_kind(kind).FINDINGS)


@cache
def factors(kind: str) -> dict[str, Factor]:
    """What can be fixed for a kind.

    Raises:
        UsageError: `unknown_name`.
    """
    found = catalogue(kind)
    return {
        **findings.factors_of(found),
        **_kind(kind).FACTORS,
        **cases.FACTORS,
        **confounders.factors_of([item.name for item in found]),
        "wording": WORDING,
    }


def make(kind: str, *, seed: int, visit: int = 0, **given: object) -> Phantom:
    """One visit of one patient.

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
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0 or visit not in range(VISITS):
        problem = Problem("seed or visit", "the seed is a whole number, 0 or more; the visit 0 or 1", ("0", "1"))
        raise UsageError(
            "bad_factor", "There is no such patient or visit · seeds are 0, 1, 2, …, visits 0 and 1 · change it.", [problem]
        )
    values = checked(kind, given, factors(kind), lambda all_values: _impossible(module, all_values))
    first, second, gone = findings.timeline(kind, seed, module.FINDINGS, values)
    lesions, resolved = (second, gone) if visit else (first, ())
    names = [item.name for item in module.FINDINGS]
    tied_to = str(values.get("tied_to", names[0]))
    of_patient = values.get("confounder") in confounders.OF_THE_PATIENT  # decided once: nobody's sex changes between visits
    seen = first if of_patient else lesions
    on = confounders.is_on(kind, seed, values, present=any(lesion.finding == tied_to for lesion in seen))
    case = cases.open_case(kind, seed, visit, {**values, **confounders.of_patient(values, on=on)}, lesions, resolved)
    return _told(case, module.draw(case), module.FINDINGS, on=on)


def _impossible(module: ModuleType, values: Values) -> list[Problem]:
    """What the values contradict each other in."""
    problems = findings.together(module.FINDINGS, values)
    is_confounded = values.get("confounder", "none") != "none"
    for name in ("tied_to", "correlation"):
        if name in values and not is_confounded:
            problems.append(Problem(name, "says nothing without a confounder", confounders.ON_THE_PICTURE))
    return [*problems, *module.together(values)]


def _told(case: cases.Case, drawing: Drawing, catalogue: tuple[findings.FindingKind, ...], *, on: bool) -> Phantom:
    """The drawing with its reports, labels and codes."""
    values = case.values
    confounder = str(values.get("confounder", "none"))
    pictures = drawing.pictures
    if on and confounder in confounders.ON_THE_PICTURE:
        pictures = tuple(confounders.on_picture(picture, confounder) for picture in pictures)
    for lesion in case.lesions:
        assert any(lesion.mask in picture.masks for picture in pictures), f"{lesion.mask} was not drawn"
    rng = None if values.get("wording") == "canonical" else stream(case.kind, case.seed, _WORDS, case.visit)
    plan = report.plan(catalogue, case.lesions, case.resolved, rng)
    present = {lesion.finding for lesion in case.lesions}
    labels: dict[str, State] = {item.name: "present" if item.name in present else "absent" for item in catalogue}
    facts: dict[str, Value] = {
        "age_years": case.age_years,
        "sex": case.sex,
        "history": case.history,
        "site": case.site,
        "confounder": confounder if on else "none",
    }
    return Phantom(
        kind=case.kind,
        seed=case.seed,
        visit=case.visit,
        day=case.day,
        pictures=pictures,
        lesions=case.lesions,
        resolved=case.resolved,
        labels=labels,
        told=plan.told,
        reports={language: report.write(plan, case.kind, language) for language in LANGUAGES},
        codes=tuple(sorted({item.code for item in catalogue if item.name in present})),
        measurements=drawing.measurements,
        events=drawing.events,
        transcripts=drawing.transcripts,
        facts=facts,
    )


@cache
def _kind(kind: str) -> ModuleType:
    """The kind's file."""
    known = kinds()
    if kind not in known:
        problem = Problem("kind", "no phantom of that name", tuple(known))
        raise UsageError("unknown_name", f"No phantom of that name · there are {', '.join(known)} · choose one.", [problem])
    return import_module(f"vesalius.phantom.kinds.{kind}")
