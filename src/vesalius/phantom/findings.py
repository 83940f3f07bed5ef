"""What can be wrong with a patient, and which of it a seed gets: findings, their attributes, how they change.

All kinds draw their patients here, so that balance, independence and change mean the same everywhere. Each choice has a
stream of random numbers of its own: fixing one factor leaves all others as the seed has them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np

from vesalius.errors import Problem
from vesalius.phantom.factors import Factor, Values
from vesalius.phantom.paint import stream
from vesalius.phantom.truth import CHANGES, Change, Lesion

NORMAL_SHARE = 0.35
MOST_KINDS = (0.40, 0.38, 0.22)  # of the abnormal: one, two or three different findings
_MOST_UP_TO = np.cumsum(MOST_KINDS) / sum(MOST_KINDS)
LARGER, SMALLER = (1.3, 1.5), (0.55, 0.75)
_STEPS = {"larger": 1, "smaller": -1}  # of a grade
_SET, _LESION, _CHANGE = 101, 102, 103  # streams


@dataclass(frozen=True)
class FindingKind:
    """One thing that can be found in a kind of phantom.

    Attributes:
        name: as in labels and masks: lower case English.
        code: ICD-10.
        size_mm: (least, most) at the first visit; a follow-up multiplies by up to 1.5 and down to 0.55. None: no size.
        size_is: what the size means: "greatest diameter", "depth of the fluid".
        attributes: word lists by attribute, in the order in which they are told: side, zone, shape, margin, …
        severities: word → (least, most) size that is called so; the last ends where a follow-up can end.
        grades: words of severity in rising order, for a finding whose severity is no size.
        most: how many of it one patient can have; each is a lesion of its own.
        not_with: findings that the same patient cannot have.
        looks_like: findings, or normal structures, that it is mistaken for.
        changes: where a picture with it differs from its twin without: in its mask (and two pixels around), or anywhere.
    """

    name: str
    code: str
    size_mm: tuple[float, float] | None = None
    size_is: str = ""
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    severities: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    grades: tuple[str, ...] = ()
    most: int = 1
    not_with: tuple[str, ...] = ()
    looks_like: tuple[str, ...] = ()
    changes: str = "mask"


def factors_of(catalogue: Sequence[FindingKind]) -> dict[str, Factor]:
    """What of the findings can be fixed."""
    names = tuple(kind.name for kind in catalogue)
    found = {"finding": Factor("what is wrong; several joined by commas", choices=("none", *names), several=True)}
    for attribute in dict.fromkeys(name for kind in catalogue for name in kind.attributes):
        words = dict.fromkeys(word for kind in catalogue for word in kind.attributes.get(attribute, ()))
        found[attribute] = Factor(f"{attribute} of every finding that has one", choices=tuple(words))
    sized = [kind.size_mm for kind in catalogue if kind.size_mm]
    if sized:
        low, high = min(low for low, _ in sized), max(high for _, high in sized)
        found["size_mm"] = Factor("size of the one finding that is named", low=low, high=high)
    severities = dict.fromkeys(word for kind in catalogue for word in (*kind.severities, *kind.grades))
    if severities:
        found["severity"] = Factor("of every finding that has one", choices=tuple(severities))
    most = max(kind.most for kind in catalogue)
    if most > 1:
        found["count"] = Factor("how many, of every finding that can be several", low=1, high=most, whole=True)
    found["change"] = Factor("of every finding between the first visit and the second", choices=CHANGES)
    found["normal_share"] = Factor("share of the patients without any finding", low=0, high=1)
    return found


def together(catalogue: Sequence[FindingKind], values: Values) -> list[Problem]:
    """What is impossible only in combination."""
    problems: list[Problem] = []
    fixed = [name for name in ("size_mm", "severity", "count", "change", *_attributes(catalogue)) if name in values]
    if values.get("finding") == "none":
        return [Problem(name, "a patient without findings has none of it", ("leave it out",)) for name in fixed]
    named = _named(catalogue, values)
    if "finding" in values and "normal_share" in values:
        problems.append(Problem("normal_share", "the finding is fixed", ("leave one of them out",)))
    for kind in named if "finding" in values else ():
        clash = [other.name for other in named if other.name in kind.not_with]
        if clash:
            problems.append(Problem("finding", f"no patient has {kind.name} with {clash[0]}", ("name one of them",)))
    for attribute in (name for name in fixed if name in _attributes(catalogue)):
        problems += _impossible(attribute, str(values[attribute]), [kind.attributes.get(attribute, ()) for kind in named])
    if "severity" in values:
        problems += _impossible("severity", str(values["severity"]), [_severities(kind) for kind in named])
    if "finding" in values and values.get("change") in _STEPS:
        problems += _unchanging(named, values)
    if "count" in values and not any(kind.most >= int(cast(float, values["count"])) for kind in named):
        problems.append(Problem("count", "none of these comes in such a number", (f"1 to {max(kind.most for kind in named)}",)))
    if "size_mm" in values:
        problems += _impossible_size(named, values)
    return problems


def _unchanging(named: Sequence[FindingKind], values: Values) -> list[Problem]:
    """What was named and cannot become larger or smaller."""
    change, severity = str(values["change"]), values.get("severity")
    others = tuple(word for word in CHANGES if word not in _STEPS)
    problems = []
    for kind in named:
        if not kind.size_mm and not kind.grades:
            problems.append(Problem("change", f"{kind.name} is there or not there and cannot become {change}", others))
        elif not kind.size_mm and severity in kind.grades and severity not in _grades(kind, change):
            problems.append(Problem("severity", f"no {kind.name} is {severity} and becomes {change}", _grades(kind, change)))
    return problems


def _grades(item: FindingKind, change: object) -> tuple[str, ...]:
    """Those from which a finding can change as it is asked to."""
    return {"larger": item.grades[:-1], "smaller": item.grades[1:]}.get(str(change), item.grades)


def _attributes(catalogue: Sequence[FindingKind]) -> list[str]:
    return list(dict.fromkeys(name for kind in catalogue for name in kind.attributes))


def _named(catalogue: Sequence[FindingKind], values: Values) -> list[FindingKind]:
    """The findings that were asked for; all when none was."""
    names = str(values["finding"]).split(",") if "finding" in values else None
    return [kind for kind in catalogue if names is None or kind.name in names]


def _severities(kind: FindingKind) -> tuple[str, ...]:
    """Those that it can have at the first visit."""
    low, high = kind.size_mm or (0, 0)
    return (*(word for word, (least, most) in kind.severities.items() if least < high and low < most), *kind.grades)


def _impossible(name: str, word: str, allowed: Sequence[Sequence[str]]) -> list[Problem]:
    """A word that none of the findings can have."""
    if any(word in words for words in allowed):
        return []
    possible = tuple(dict.fromkeys(item for words in allowed for item in words))
    return [Problem(name, f"none of these findings is {word}", possible or ("leave it out",))]


def _impossible_size(named: Sequence[FindingKind], values: Values) -> list[Problem]:
    if "finding" not in values or len(named) != 1:
        return [Problem("size_mm", "means another length for each finding; name one finding", tuple(kind.name for kind in named))]
    (kind,) = named
    if kind.size_mm is None:
        return [Problem("size_mm", f"{kind.name} has no size", ("leave it out",))]
    low, high = kind.size_mm
    problems = []
    if not low <= float(cast(float, values["size_mm"])) <= high:
        problems.append(Problem("size_mm", f"no {kind.name} of that size is made", (f"a number from {low:g} to {high:g}",)))
    if "severity" in values and kind.severities:
        problems.append(Problem("severity", "follows from size_mm", ("leave one of them out",)))
    return problems


def timeline(
    kind: str, seed: int, catalogue: Sequence[FindingKind], values: Values
) -> tuple[tuple[Lesion, ...], tuple[Lesion, ...], tuple[Lesion, ...]]:
    """A patient's lesions at the first visit, at the second, and those that have resolved in between.

    Sets: `NORMAL_SHARE` of the patients have none at the first visit, the rest one to three different findings, each as
    often as any other. Of those that are there each outcome (larger, smaller, unchanged, resolved) is as frequent; absent
    ones become new as often as each of these. What cannot grow or shrink further, the highest grade or what has neither size
    nor grade, stays unchanged instead; where it is named and its change is fixed, it has a grade that can.
    """
    if values.get("finding") == "none":
        return (), (), ()
    fixed, change = "finding" in values, values.get("change")
    chosen = _named(catalogue, values) if fixed else _drawn_set(kind, seed, catalogue, values)
    first: list[Lesion] = []
    second: list[Lesion] = []
    gone: list[Lesion] = []
    for index, item in enumerate(catalogue):
        rng = stream(kind, seed, _CHANGE, index)
        drawn = CHANGES[1:][int(rng.integers(4))]
        appears = rng.random() < _new_share(catalogue, values)
        if item in chosen:
            outcome = cast(Change, change or drawn)
        elif not fixed and change is None and appears and not _clashes(item, chosen):
            outcome = "new"
            chosen = [*chosen, item]
        else:
            continue
        factor = rng.uniform(*(LARGER if outcome == "larger" else SMALLER))
        for lesion in _lesions(kind, seed, index, item, values):
            if outcome != "new":
                first.append(lesion)
            later = _later(lesion, item, outcome, float(factor))
            (gone if outcome == "resolved" else second).append(later)
    return tuple(first), tuple(second), tuple(gone)


def _drawn_set(kind: str, seed: int, catalogue: Sequence[FindingKind], values: Values) -> list[FindingKind]:
    """Which findings the patient has at the first visit."""
    rng = stream(kind, seed, _SET)
    is_normal = rng.random() < float(cast(float, values.get("normal_share", NORMAL_SHARE)))
    many = int(np.searchsorted(_MOST_UP_TO, rng.random(), side="right")) + 1  # as rng.choice does, which takes longer
    found: list[FindingKind] = []
    for index in rng.permutation(len(catalogue)):
        if len(found) < many and not _clashes(catalogue[index], found):
            found.append(catalogue[index])
    return [] if is_normal else [item for item in catalogue if item in found]


def _clashes(item: FindingKind, found: Sequence[FindingKind]) -> bool:
    return any(other.name in item.not_with or item.name in other.not_with for other in found)


def _new_share(catalogue: Sequence[FindingKind], values: Values) -> float:
    """The probability at which an absent finding is new at the second visit."""
    share = 1 - float(cast(float, values.get("normal_share", NORMAL_SHARE)))
    present = share * sum(number * weight for number, weight in enumerate(MOST_KINDS, start=1))
    return min(present / 4 / max(len(catalogue) - present, 1e-9), 1.0)


def _lesions(kind: str, seed: int, index: int, item: FindingKind, values: Values) -> Iterator[Lesion]:
    """The patient's lesions of one finding, as they are when they are first there."""
    rng = stream(kind, seed, _LESION, index)
    count = int(rng.integers(1, item.most + 1))
    if "count" in values:
        count = min(int(cast(float, values["count"])), item.most)
    for number in range(1, count + 1):
        own = stream(kind, seed, _LESION, index, number)
        attributes = {}
        for name, words in item.attributes.items():
            drawn = words[int(own.integers(len(words)))]
            attributes[name] = str(values[name]) if values.get(name) in words else drawn
        size_mm, grade = None, own.random()
        if item.size_mm:
            low, high = item.size_mm
            severities = [word for word in _severities(item) if word in item.severities]
            if severities:  # each as often as any other, so that how bad it is cannot be guessed
                given = values.get("severity")
                least, most = item.severities[str(given) if given in severities else severities[int(grade * len(severities))]]
                low, high = max(low, least), min(high, 0.995 * most)  # `most` itself is called by the next word
            drawn_mm = _three_digits(float(np.exp(own.uniform(np.log(low), np.log(high)))))
            size_mm = float(cast(float, values["size_mm"])) if "size_mm" in values else min(max(drawn_mm, low), high)
        if item.grades:
            given = values.get("severity")
            possible = _grades(item, values.get("change")) if "finding" in values and not item.size_mm else item.grades
            attributes["severity"] = str(given) if given in possible else possible[int(grade * len(possible))]
        yield _graded(Lesion(item.name, number, attributes, size_mm), item)


def _later(lesion: Lesion, item: FindingKind, outcome: Change, factor: float) -> Lesion:
    """The lesion at the second visit."""
    step = _STEPS.get(outcome, 0)
    changed = replace(lesion, change=outcome)
    if not step:
        return changed
    if item.size_mm:
        changed = replace(changed, size_mm=_three_digits(cast(float, lesion.size_mm) * factor))
    elif item.grades:
        at = item.grades.index(lesion.attributes["severity"]) + step
        if not 0 <= at < len(item.grades):
            return replace(lesion, change="unchanged")
        changed = replace(changed, attributes={**lesion.attributes, "severity": item.grades[at]})
    else:
        return replace(lesion, change="unchanged")  # what is only there or not there cannot grow
    return _graded(changed, item)


def _three_digits(size_mm: float) -> float:
    """Rounded: 14.2, 0.0142 (a cell is as exact as a tumor)."""
    return float(f"{size_mm:.3g}")


def _graded(lesion: Lesion, item: FindingKind) -> Lesion:
    """With the severity that its size stands for."""
    if not item.severities or lesion.size_mm is None:
        return lesion
    words = list(item.severities)
    fits = [word for word, (_, most) in item.severities.items() if lesion.size_mm < most]
    return replace(lesion, attributes={**lesion.attributes, "severity": fits[0] if fits else words[-1]})
