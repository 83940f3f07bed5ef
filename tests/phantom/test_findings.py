"""What is wrong with a patient: balanced, independent, changing as it should."""

import math
from collections import Counter
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from vesalius.phantom import case as cases
from vesalius.phantom import confounders, findings, world
from vesalius.phantom.factors import Values
from vesalius.phantom.findings import FindingKind, factors_of, timeline, together
from vesalius.phantom.truth import Lesion

KINDS = world.kinds()
SIDES = ("right", "left")
SEVERITIES = {"small": (0, 20), "moderate": (20, 40), "large": (40, 90)}
CATALOGUE = (
    FindingKind("effusion", "J90", (10, 60), "depth", {"side": SIDES}, SEVERITIES),
    FindingKind("nodule", "R91.1", (6, 25), "diameter", {"side": SIDES, "zone": ("upper", "lower")}, most=3),
    FindingKind("mass", "R91.8", (30, 60), "diameter", {"side": SIDES, "shape": ("round", "oval")}),
    FindingKind("cyst", "J98.4", (0.01, 0.02), "diameter", {"shape": ("round", "oval")}),
    FindingKind("scar", "J84.1", (5, 50), "extent", {"zone": ("upper", "lower")}),
    FindingKind("edema", "J81", (5, 50), "extent"),
)
GRADED = FindingKind("wear", "M17", attributes={"side": SIDES}, grades=("mild", "moderate", "severe"))
BARE = FindingKind("line", "Z95")
Z = 1.96  # of a 95 % interval
RARE = {1: 10.83, 2: 13.82, 3: 16.27, 4: 18.47, 5: 20.52, 6: 22.46, 7: 24.32, 9: 27.88, 14: 36.12, 15: 37.70}  # chi², p = 0.001
MANY = 3000


@cache
def people(count: int = MANY, **values: float | str) -> list[tuple[tuple[Lesion, ...], ...]]:
    return [timeline("balance", seed, CATALOGUE, dict(values)) for seed in range(count)]


def names(lesions: tuple[Lesion, ...]) -> frozenset[str]:
    return frozenset(lesion.finding for lesion in lesions)


def chi_squared(table: np.ndarray) -> float:
    """Of a table of counts, against independence of its rows and columns."""
    expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / table.sum()
    return float(((table - expected) ** 2 / expected).sum())


def assert_equally_often(counts: list[int]) -> None:
    expected = sum(counts) / len(counts)
    assert sum((count - expected) ** 2 / expected for count in counts) < RARE[len(counts) - 1], counts


@pytest.mark.parametrize("asked", [0.1, findings.NORMAL_SHARE, 0.7])
def test_the_share_of_normal_patients_is_as_asked(asked: float) -> None:
    given = {} if asked == findings.NORMAL_SHARE else {"normal_share": asked}
    share = np.mean([not first for first, _, _ in people(**given)])
    assert abs(share - asked) < Z * math.sqrt(asked * (1 - asked) / MANY)


def test_a_patient_has_one_two_or_three_different_findings_as_often_as_asked() -> None:
    counts = Counter(len(names(first)) for first, _, _ in people())
    ill = MANY - counts[0]
    for number, asked in enumerate(findings.MOST_KINDS, start=1):
        assert abs(counts[number] / ill - asked) < Z * math.sqrt(asked * (1 - asked) / ill)


def test_every_finding_and_every_pair_is_as_frequent() -> None:
    singles = Counter(name for first, _, _ in people() for name in names(first))
    assert_equally_often([singles[item.name] for item in CATALOGUE])
    pairs = Counter(pair for first, _, _ in people() for pair in combinations(sorted(names(first)), 2))
    assert len(pairs) == math.comb(len(CATALOGUE), 2)
    assert_equally_often(list(pairs.values()))


@pytest.mark.parametrize("kind", KINDS)
def test_in_every_kind_findings_that_exclude_no_other_are_as_frequent(kind: str) -> None:
    found = world.catalogue(kind)
    clashing = {name for item in found if item.not_with for name in (item.name, *item.not_with)}
    drawn = Counter(name for seed in range(700) for name in names(timeline(kind, seed, found, {})[0]))
    assert all(drawn[item.name] > 25 for item in found), drawn
    free = [drawn[item.name] for item in found if item.name not in clashing]
    if len(free) > 1:
        assert_equally_often(free)


def test_findings_that_exclude_each_other_never_meet() -> None:
    catalogue = (*CATALOGUE[:3], FindingKind("clear lung", "Z00", not_with=("effusion", "nodule")))
    for seed in range(600):
        for visit in timeline("clash", seed, catalogue, {})[:2]:
            assert not ("clear lung" in names(visit) and names(visit) & {"effusion", "nodule"})


def test_every_outcome_is_as_frequent_and_so_is_new() -> None:
    outcomes = Counter(
        (lesion.finding, lesion.change) for _, second, gone in people() for lesion in (*second, *gone) if lesion.number == 1
    )
    for item in CATALOGUE:
        changes = {change: outcomes[item.name, change] for change in ("larger", "smaller", "unchanged", "resolved", "new")}
        assert_equally_often(list(changes.values()))
    total = [sum(outcomes[item.name, change] for item in CATALOGUE) for change in ("larger", "smaller", "unchanged", "resolved")]
    assert_equally_often(total)


@pytest.mark.parametrize("name", ["side", "zone", "shape"])
def test_every_word_of_an_attribute_is_as_frequent(name: str) -> None:
    for item in CATALOGUE:
        if name in item.attributes:
            drawn = Counter(own.attributes[name] for first, _, _ in people() for own in first if own.finding == item.name)
            assert_equally_often([drawn[word] for word in item.attributes[name]])


def test_as_many_of_a_finding_as_there_can_be_and_each_number_as_often() -> None:
    drawn = Counter(sum(lesion.finding == "nodule" for lesion in first) for first, _, _ in people())
    assert_equally_often([drawn[number] for number in (1, 2, 3)])


def attributes_of(lesions: tuple[Lesion, ...], finding: str) -> list[tuple[object, ...]]:
    return [(own.number, tuple(own.attributes.items()), own.size_mm, own.change) for own in lesions if own.finding == finding]


def test_naming_the_findings_leaves_each_as_the_seed_has_it() -> None:
    for seed, drawn in enumerate(people(300)):
        for item in CATALOGUE:
            fixed = timeline("balance", seed, CATALOGUE, {"finding": item.name})
            for one, other in zip(drawn, fixed, strict=True):
                if item.name in names(drawn[0]):
                    assert attributes_of(one, item.name) == attributes_of(other, item.name)
            assert all(names(visit) <= {item.name} for visit in fixed)


@pytest.mark.parametrize(("name", "value"), [("side", "left"), ("zone", "upper"), ("size_mm", 12.0), ("count", 2)])
def test_fixing_one_thing_of_a_lesion_leaves_the_rest(name: str, value: float | str) -> None:
    for seed in range(100):
        drawn, fixed = (timeline("one", seed, CATALOGUE, {"finding": "nodule", **given})[0] for given in ({}, {name: value}))
        for one, other in zip(drawn, fixed, strict=False):
            kept = {key: word for key, word in one.attributes.items() if key != name}
            assert {key: word for key, word in other.attributes.items() if key != name} == kept
            assert other.attributes.get(name, value) == value
            assert other.size_mm == (value if name == "size_mm" else one.size_mm)
        assert len(fixed) == (value if name == "count" else len(drawn))


def test_fixing_the_change_leaves_who_has_what() -> None:
    for seed, (first, _, _) in enumerate(people(200)):
        for change in ("larger", "smaller", "unchanged", "resolved"):
            at_first, later, gone = timeline("balance", seed, CATALOGUE, {"change": change})
            assert at_first == first
            assert {lesion.change for lesion in (*later, *gone)} <= {change}
        at_first, later, _ = timeline("balance", seed, CATALOGUE, {"change": "new"})
        assert not at_first
        assert names(later) == names(first)


def test_severity_follows_size_at_both_visits() -> None:
    seen = set()
    for first, second, gone in people():
        for lesion in (*first, *second, *gone):
            if lesion.finding == "effusion":
                low, high = SEVERITIES[str(lesion.severity)]
                assert low <= float(lesion.size_mm or -1) < high
                seen.add(lesion.severity)
    assert seen == set(SEVERITIES)


@pytest.mark.parametrize("kind", KINDS)
def test_in_every_kind_each_severity_is_as_frequent(kind: str) -> None:
    found = world.catalogue(kind)
    for item in found:
        severities = findings._severities(item)
        if severities:
            firsts = [timeline(kind, seed, found, {"finding": item.name})[0] for seed in range(200)]
            drawn = Counter(first[0].severity for first in firsts if first)
            assert_equally_often([drawn[word] for word in severities])


@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_severity_that_is_asked_for_comes(severity: str) -> None:
    for seed in range(400):
        ((lesion,), _, _) = timeline("severity", seed, CATALOGUE, {"finding": "effusion", "severity": severity})
        assert lesion.severity == severity


@pytest.mark.parametrize("kind", KINDS)
def test_every_severity_of_every_kind_can_be_asked_for(kind: str) -> None:
    found = world.catalogue(kind)
    for item in found:
        for severity in findings._severities(item):
            for seed in range(10):
                values: Values = {"finding": item.name, "severity": severity}
                assert together(found, values) == []
                assert {lesion.severity for lesion in timeline(kind, seed, found, values)[0]} == {severity}


@pytest.mark.parametrize("kind", KINDS)
def test_sizes_of_every_kind_stay_in_range_and_vary(kind: str) -> None:
    found = {item.name: item for item in world.catalogue(kind)}
    sizes: dict[str, set[float]] = {name: set() for name in found}
    for seed in range(300):
        first, second, _ = timeline(kind, seed, tuple(found.values()), {})
        for lesion in (*first, *second):
            item = found[lesion.finding]
            assert (lesion.size_mm is None) == (item.size_mm is None)
            if item.size_mm and lesion.size_mm:
                low, high = item.size_mm
                is_first = lesion.change in (None, "new", "unchanged")
                assert low * (1 if is_first else 0.549) <= lesion.size_mm <= high * (1 if is_first else 1.501)
                sizes[lesion.finding].add(lesion.size_mm)
            assert lesion.severity is None or lesion.severity in (*item.severities, *item.grades)
    assert all(len(drawn) > 15 for name, drawn in sizes.items() if found[name].size_mm), sizes


def test_a_follow_up_grows_and_shrinks_by_the_stated_shares() -> None:
    for first, second, gone in people(600):
        before = {lesion.mask: lesion for lesion in first}
        for lesion in (*second, *gone):
            if lesion.change == "new":
                assert lesion.mask not in before
                continue
            ratio = float(lesion.size_mm or 0) / float(before[lesion.mask].size_mm or 1)
            low, high = {"larger": findings.LARGER, "smaller": findings.SMALLER}.get(str(lesion.change), (1, 1))
            assert low - 0.01 <= ratio <= high + 0.01
            same = {key: word for key, word in lesion.attributes.items() if key != "severity"}
            assert same == {key: word for key, word in before[lesion.mask].attributes.items() if key != "severity"}


def test_a_grade_rises_by_one_and_ends_at_its_ends() -> None:
    for seed in range(200):
        for change, step in (("larger", 1), ("smaller", -1)):
            (before,), (after,), _ = timeline("grades", seed, (GRADED,), {"normal_share": 0, "change": change})
            rank = GRADED.grades.index(str(before.severity)) + step
            possible = 0 <= rank < len(GRADED.grades)
            assert after.change == (change if possible else "unchanged")
            assert after.severity == (GRADED.grades[rank] if possible else before.severity)
    (_,), (line,), _ = timeline("grades", 1, (BARE,), {"normal_share": 0, "change": "larger"})
    assert line.change == "unchanged", "what is only there or not there cannot grow"


@pytest.mark.parametrize("change", ["larger", "smaller"])
def test_a_grade_that_is_named_with_its_change_is_one_that_can_change_so(change: str) -> None:
    drawn: Counter[str | None] = Counter()
    for seed in range(200):
        (before,), (after,), _ = timeline("grades", seed, (GRADED, BARE), {"finding": "wear", "change": change})
        drawn[before.severity] += 1
        assert after.change == change
    assert set(drawn) == set(GRADED.grades[:-1] if change == "larger" else GRADED.grades[1:])
    assert_equally_often(list(drawn.values()))


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"finding": "none", "side": "left"}, "side"),
        ({"finding": "none", "size_mm": 20}, "size_mm"),
        ({"finding": "none", "change": "new"}, "change"),
        ({"finding": "nodule", "normal_share": 0.5}, "normal_share"),
        ({"size_mm": 20}, "size_mm"),
        ({"finding": "nodule,mass", "size_mm": 20}, "size_mm"),
        ({"finding": "nodule", "size_mm": 40}, "size_mm"),
        ({"finding": "wear", "size_mm": 20}, "size_mm"),
        ({"finding": "nodule", "severity": "large"}, "severity"),
        ({"finding": "effusion", "size_mm": 20, "severity": "small"}, "severity"),
        ({"finding": "effusion", "severity": "vast"}, "severity"),
        ({"finding": "effusion", "zone": "upper"}, "zone"),
        ({"finding": "effusion", "count": 2}, "count"),
        ({"finding": "either,other"}, "finding"),
        ({"finding": "wear", "severity": "severe", "change": "larger"}, "severity"),
        ({"finding": "wear", "severity": "mild", "change": "smaller"}, "severity"),
        ({"finding": "line,effusion", "change": "larger"}, "change"),
    ],
)
def test_what_is_impossible_only_together_is_said_with_what_is_allowed(values: Values, key: str) -> None:
    vast = FindingKind("effusion", "J90", (10, 60), "", {"side": SIDES}, {**SEVERITIES, "vast": (80, 90)})
    other = (FindingKind("either", "A00", not_with=("other",)), FindingKind("other", "A01"))
    problems = together((vast, *CATALOGUE[1:], GRADED, BARE, *other), values)
    assert {problem.key for problem in problems} == {key}
    assert all(problem.allowed for problem in problems)


def test_the_factors_name_every_word_once() -> None:
    known = factors_of((*CATALOGUE, GRADED))
    assert known["finding"].choices == ("none", *(item.name for item in CATALOGUE), "wear")
    assert known["side"].choices == SIDES
    assert known["severity"].choices == ("small", "moderate", "large", "mild", "severe")
    assert (known["size_mm"].low, known["size_mm"].high) == (0.01, 60)
    assert known["count"].high == 3
    assert "count" not in factors_of((BARE,))


def patient(seed: int, values: Values, visit: int = 0) -> cases.Case:
    """As `world.make` opens a case, for the finding that a confounder is tied to."""
    first, second, gone = people()[seed]
    lesions = second if visit else first
    tied_to = str(values.get("tied_to", "effusion"))
    on = confounders.is_on("balance", seed, values, present=tied_to in names(first))
    return cases.open_case("balance", seed, visit, {**values, **confounders.of_patient(values, on=on)}, lesions, gone)


@pytest.mark.parametrize("asked", [-0.8, -0.3, 0.0, 0.4, 0.9, 1.0])
@pytest.mark.parametrize("tied_to", ["effusion", "edema"])
def test_a_confounder_goes_with_its_finding_as_strongly_as_asked(asked: float, tied_to: str) -> None:
    values: Values = {"confounder": "marker", "correlation": asked, "tied_to": tied_to}
    has = np.array([tied_to in names(first) for first, _, _ in people()])
    on = np.array([confounders.is_on("ward", seed, values, present=bool(there)) for seed, there in enumerate(has)])
    rates, counts = [on[has].mean(), on[~has].mean()], [has.sum(), (~has).sum()]
    half = Z * math.sqrt(sum(rate * (1 - rate) / count for rate, count in zip(rates, counts, strict=True)))
    assert abs((rates[0] - rates[1]) - asked) <= half
    assert abs(asked) < 1 or half == 0


@pytest.mark.parametrize("name", confounders.OF_THE_PATIENT)
@pytest.mark.parametrize("asked", [-0.5, 0.0, 0.7])
def test_a_fact_of_the_patient_can_be_the_confounder(name: str, asked: float) -> None:
    values: Values = {"confounder": name, "correlation": asked, "tied_to": "mass"}
    off_value, on_value = confounders.OF_THE_PATIENT[name]
    key = "age_years" if name == "age" else name
    seen = [getattr(patient(seed, values), key) for seed in range(1500)]
    assert set(seen) == {off_value, on_value}
    has = np.array(["mass" in names(first) for first, _, _ in people()[:1500]])
    on = np.array([value == on_value for value in seen])
    difference = on[has].mean() - on[~has].mean()
    half = Z * math.sqrt(on[has].var() / has.sum() + on[~has].var() / (~has).sum())
    assert abs(difference - asked) <= half


def test_a_fact_that_was_fixed_is_no_confounder_any_more() -> None:
    values: Values = {"confounder": "sex", "correlation": 1.0, "sex": "M"}
    assert {patient(seed, values).sex for seed in range(50)} == {"M"}


def test_nothing_else_of_the_patient_depends_on_the_confounder() -> None:
    for seed in range(50):
        one, other = patient(seed, {}), patient(seed, {"confounder": "sex", "correlation": 0.9})
        assert (one.age_years, one.history, one.site, one.look) == (other.age_years, other.history, other.site, other.look)


@cache
def facts() -> list[dict[str, object]]:
    found = [patient(seed, {}) for seed in range(MANY)]
    return [{"sex": p.sex, "age": p.age_years // 15, "history": p.history, "site": p.site} for p in found]


@pytest.mark.parametrize("fact", ["sex", "age", "history", "site"])
def test_without_confounders_no_fact_goes_with_a_finding(fact: str) -> None:
    values = [str(own[fact]) for own in facts()]
    words = sorted(set(values))
    for item in [None, *CATALOGUE]:
        has = [bool(first) if item is None else item.name in names(first) for first, _, _ in people()]
        table = np.zeros((2, len(words)))
        for there, value in zip(has, values, strict=True):
            table[int(there), words.index(value)] += 1
        assert chi_squared(table) < RARE[len(words) - 1], item


def test_the_facts_go_with_one_another_as_little() -> None:
    for one, other in combinations(("sex", "age", "history", "site"), 2):
        pairs = [(str(own[one]), str(own[other])) for own in facts()]
        rows, columns = (sorted(set(side)) for side in zip(*pairs, strict=True))
        table = np.zeros((len(rows), len(columns)))
        for row, column in pairs:
            table[rows.index(row), columns.index(column)] += 1
        freedom = (len(rows) - 1) * (len(columns) - 1)
        assert chi_squared(table) < freedom + 3.3 * math.sqrt(2 * freedom), (one, other)


def test_the_facts_together_predict_an_unseen_patient_at_chance() -> None:
    words = {name: sorted({str(own[name]) for own in facts()}) for name in facts()[0]}
    columns = [[str(own[name]) == word for own in facts()] for name in words for word in words[name]]
    table = np.array(columns, float).T
    table = np.hstack([table, *(table[:, [at]] * table for at in range(table.shape[1])), np.ones((MANY, 1))])
    half = MANY // 2
    for item in CATALOGUE:
        has = np.array([item.name in names(first) for first, _, _ in people()])
        ridge = table[:half].T @ table[:half] + 5 * np.eye(table.shape[1])
        weights = np.linalg.solve(ridge, table[:half].T @ (has[:half] - has[:half].mean()))
        scores, truth = table[half:] @ weights, has[half:]
        above = (scores[truth][:, None] > scores[~truth]).mean() + 0.5 * (scores[truth][:, None] == scores[~truth]).mean()
        error = math.sqrt((truth.sum() + (~truth).sum() + 1) / (12 * truth.sum() * (~truth).sum()))
        assert abs(above - 0.5) < 2.6 * error, item.name
