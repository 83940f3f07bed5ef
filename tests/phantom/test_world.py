"""The phantom world: any kind by its name, every factor fixed or drawn, the same patient every time."""

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vesalius.phantom
from vesalius import phantom
from vesalius.errors import UsageError
from vesalius.phantom import case as cases
from vesalius.phantom import confounders, world
from vesalius.phantom.findings import factors_of
from vesalius.phantom.truth import LANGUAGES, Phantom

KINDS = world.kinds()
KIND = "chest_xray"


def patient(seed: int, visit: int = 0, **factors: Any) -> Phantom:
    return phantom.make(KIND, seed=seed, visit=visit, **{"size_px": 32, **factors})


def pixels(made: Phantom) -> list[bytes]:
    return [picture.pixels.tobytes() for picture in made.pictures]


def problems(**factors: Any) -> dict[str, tuple[str, ...]]:
    with pytest.raises(UsageError) as caught:
        patient(1, **factors)
    assert caught.value.code == "bad_factor"
    return {problem.key: problem.allowed for problem in caught.value.problems}


def test_the_folder_is_the_list_of_kinds() -> None:
    folder = Path(vesalius.phantom.__file__).parent / "kinds"
    assert sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__") == KINDS
    assert KIND in KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_in_a_line_what_it_draws(kind: str) -> None:
    assert 10 < len(world.says(kind)) < 120
    assert "\n" not in world.says(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_no_factor_of_a_kind_hides_another(kind: str) -> None:
    found = world.catalogue(kind)
    own = set(world._kind(kind).FACTORS)
    shared = [set(factors_of(found)), set(cases.FACTORS), set(confounders.factors_of([])), {"wording"}]
    for names in shared:
        assert not own & names
    assert len(world.factors(kind)) == len(own) + sum(map(len, shared))
    assert all(factor.says and factor.allowed() for factor in world.factors(kind).values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_catalogue_is_whole(kind: str) -> None:
    found = world.catalogue(kind)
    names = [item.name for item in found]
    assert 4 <= len(names) == len(set(names)) <= 8
    assert any(item.looks_like for item in found)
    for item in found:
        assert "," not in item.name
        assert set(item.not_with) <= set(names)
        assert (item.size_mm is None) == (not item.size_is)
        assert not (item.severities and item.grades)
        ends = list(item.severities.values())
        assert all(low[1] == high[0] for low, high in pairwise(ends)), "severities leave no gap"
        assert item.changes in ("mask", "anywhere")


def test_the_door_of_the_package_stays_open_when_kinds_are_loaded() -> None:
    assert phantom.make(KIND, seed=1, size_px=32).kind == KIND
    assert phantom.__all__ == ["make"], "a function named as a folder is lost when the folder is imported"


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    for call in (world.factors, world.says, world.catalogue, lambda kind: phantom.make(kind, seed=1)):
        with pytest.raises(UsageError) as caught:
            call("chest_mri")
        assert caught.value.code == "unknown_name"
        assert caught.value.problems[0].allowed == tuple(KINDS)


@pytest.mark.parametrize(("seed", "visit"), [(-1, 0), (0, 2), (True, 0), (1.5, 0), ("3", 0), (0, -1)])
def test_a_patient_or_visit_that_cannot_be_is_refused(seed: Any, visit: Any) -> None:
    with pytest.raises(UsageError) as caught:
        phantom.make(KIND, seed=seed, visit=visit)
    assert caught.value.code == "bad_factor"


def test_all_that_is_wrong_with_the_factors_is_said_at_once() -> None:
    found = problems(sise_px=3, finding="fracture", size_px=1024, sex="X")
    assert list(found) == ["size_px", "sise_px", "finding", "sex"]
    assert found["finding"] == ("none", *(item.name for item in world.catalogue(KIND)))
    assert found["sex"] == ("F", "M")
    with pytest.raises(UsageError, match="did you mean size_px"):
        patient(1, sise_px=3)


@pytest.mark.parametrize(
    ("factors", "key"),
    [
        ({"finding": "none", "side": "left"}, "side"),
        ({"size_mm": 20}, "size_mm"),
        ({"finding": "nodule", "size_mm": 119}, "size_mm"),
        ({"finding": "effusion", "zone": "upper"}, "zone"),
        ({"finding": "effusion", "count": 2}, "count"),
        ({"size_px": 32, "spacing_mm": 1.0}, "spacing_mm"),
        ({"finding": "effusion", "size_mm": 20, "severity": "small"}, "severity"),
        ({"correlation": 0.5}, "correlation"),
        ({"tied_to": "nodule", "confounder": "none"}, "tied_to"),
    ],
)
def test_what_is_impossible_only_together_is_refused_with_what_is_allowed(factors: dict[str, Any], key: str) -> None:
    found = problems(**factors)
    assert list(found) == [key]
    assert found[key]


def test_factors_may_be_text_as_from_a_command_line() -> None:
    given = patient(3, finding=["nodule"], count=2, size_mm=20.0, age_years=50)
    text = patient(3, finding="nodule", count="2", size_mm="20", age_years="50", size_px="32")
    assert pixels(given) == pixels(text)
    assert (given.lesions, given.facts, given.reports) == (text.lesions, text.facts, text.reports)


def test_a_seed_of_numpy_is_the_same_seed() -> None:
    assert pixels(patient(np.arange(8)[7])) == pixels(patient(7))


def test_no_two_patients_and_no_two_visits_look_alike() -> None:
    looks = [pixels(patient(seed, visit))[0] for seed in range(12) for visit in (0, 1)]
    assert len(set(looks)) == len(looks)


def test_what_is_fixed_is_so_and_the_rest_stays() -> None:
    drawn = patient(5)
    other = patient(5, finding="effusion", side="right", sex="M", age_years=44, site="b", days=30)
    assert [(lesion.finding, lesion.side) for lesion in other.lesions] == [("effusion", "right")]
    assert (other.facts["sex"], other.facts["age_years"], other.facts["site"]) == ("M", 44, "b")
    assert other.facts["history"] == drawn.facts["history"]
    assert patient(5, 1, days=30).day == 30
    assert drawn.day == 0


def test_labels_say_what_is_there_and_told_says_what_is_written() -> None:
    states = Counter()
    for seed in range(40):
        made = patient(seed, seed % 2)
        present = {lesion.finding for lesion in made.lesions}
        assert {name for name, state in made.labels.items() if state == "present"} == present
        assert set(made.labels.values()) <= {"present", "absent"}
        assert list(made.told) == list(made.labels) == [item.name for item in world.catalogue(KIND)]
        for name, state in made.told.items():
            states[state] += 1
            assert (state in ("present", "uncertain")) == (made.labels[name] == "present")
        codes = {item.code for item in world.catalogue(KIND) if item.name in present}
        assert made.codes == tuple(sorted(codes))
    assert set(states) == {"present", "absent", "uncertain", "not_mentioned"}


def test_reports_come_in_every_language_and_as_worded() -> None:
    drawn, other = patient(2), patient(2, wording="canonical")
    assert tuple(drawn.reports) == LANGUAGES
    assert [report.language for report in drawn.reports.values()] == list(LANGUAGES)
    assert drawn.report == drawn.reports["en"]
    assert "not_mentioned" not in other.told.values()
    assert pixels(drawn) == pixels(other)
    assert drawn.report != other.report


def test_a_confounder_of_the_picture_is_on_it_and_nowhere_else() -> None:
    for name in confounders.ON_THE_PICTURE:
        plain = patient(4, finding="effusion", size_px=64)
        marked = patient(4, finding="effusion", size_px=64, confounder=name, correlation=1.0)
        assert marked.facts == {**plain.facts, "confounder": name}
        assert (marked.lesions, marked.reports) == (plain.lesions, plain.reports)
        changed = [np.mean(a.pixels != b.pixels) for a, b in zip(plain.pictures, marked.pictures, strict=True)]
        assert all(share > 0.5 if name == "intensity" else 0 < share < 0.1 for share in changed)
        without = patient(4, finding="none", size_px=64, confounder=name, correlation=1.0)
        assert without.facts["confounder"] == "none"
        assert pixels(without) == pixels(patient(4, finding="none", size_px=64))


def test_a_confounder_of_the_patient_is_the_same_at_both_visits() -> None:
    for seed in range(12):
        for change in ("resolved", "new"):
            visits = [
                patient(seed, visit, finding="effusion", change=change, confounder="sex", correlation=0.6) for visit in (0, 1)
            ]
            assert visits[0].facts == visits[1].facts


def test_a_twin_is_the_same_person() -> None:
    for seed in range(8):
        one, twin = patient(seed), patient(seed, finding="none")
        assert one.facts == twin.facts
        assert not twin.lesions
        assert twin.codes == ()
        assert set(twin.labels.values()) == {"absent"}
