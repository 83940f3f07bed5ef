"""changes: what has become of each finding between two visits."""

from collections import Counter
from dataclasses import replace

import pytest
from tests.datasets.compose import annotated

from vesalius.datasets.compose import changes
from vesalius.datasets.phantoms.annotations import annotated as annotate
from vesalius.types import Report, Sample

AS_GRADED = {"larger": "worse", "smaller": "better"}


def truth(kind: str, seed: int, size_px: int) -> dict[str, str]:
    after = annotated.phantom(kind, seed, 1, size_px)
    return {lesion.finding: lesion.change for lesion in (*after.resolved, *after.lesions)}


@pytest.mark.parametrize(("kind", "size_px"), [("chest_xray", 32), ("fundus", 32), ("abdomen_ct", 24), ("skin", 64)])
def test_changes_are_those_that_were_drawn(kind: str, size_px: int) -> None:
    told = Counter()
    for seed in range(16):
        (source,) = annotated.patients(kind, 1, visits=2, first=seed, size_px=size_px)
        drawn = truth(kind, seed, size_px)
        for pair in changes.pairs([source]):
            for found in changes.changes(pair, 0.15):
                expected = drawn[found.label]
                assert found.change == (AS_GRADED.get(expected, expected) if found.is_graded else expected), found.label
                told[found.change] += 1
    assert {"new", "unchanged", "resolved"} <= set(told)
    assert sum(told.values()) >= 10


def test_two_single_visits_are_put_together_by_day_and_say_the_same_as_one_sample() -> None:
    visits = [annotate(annotated.phantom("chest_xray", seed, visit)) for visit in (1, 0) for seed in range(12)]
    together = annotated.patients("chest_xray", 12, visits=2)

    def told(samples: list[Sample]) -> set[tuple[str, str, str]]:
        return {
            (pair.sample.provenance.patient_key, found.label, found.change)
            for pair in changes.pairs(samples)
            for found in changes.changes(pair, 0.15)
        }

    assert told(visits) == told(together) != set()


def test_masks_are_measured_where_no_size_is_stated() -> None:
    def visit(day: float, width: int) -> Sample:
        mask = annotated.filled((40, 60), (5, 5), (10, 5 + width))
        source = annotated.by_hand(
            f"day{day}", [("nodule", mask)], labels={"nodule": "present"}, spacing_mm=(1.0, 1.0), patient="p"
        )
        shown = replace(source.images[0], image=replace(source.images[0].image, day=day))
        return replace(source, images=(shown,))

    for width, change in ((20, "unchanged"), (30, "larger"), (12, "smaller")):
        (pair,) = changes.pairs([visit(9, width), visit(0, 20)])
        (found,) = changes.changes(pair, 0.15)
        assert found.change == change


def test_each_change_is_asked_as_often_and_each_claim_is_true_as_often_as_false() -> None:
    made = list(changes.compose(annotated.patients("chest_xray", 90, visits=2, size_px=32)))
    told = {task: [s for s in made if s.task == task] for task in changes.TASKS}
    answers = Counter(sample.turns[1].text[3:].split(" <")[0] for sample in told["change"])
    sized = {word: answers[word] for word in ("larger", "smaller")}
    assert len(set(sized.values())) == 1
    assert min(answers[word] for word in ("new", "unchanged", "resolved")) >= sized["larger"] >= 3
    letters = Counter(sample.turns[1].text[0] for sample in told["change"])
    assert max(letters.values()) - min(letters.values()) <= 1
    assert max(Counter(s.turns[1].text.split(" ")[0] for s in told["has_changed"]).values()) * 2 == len(told["has_changed"])


def test_what_is_gone_is_marked_in_the_prior_and_what_is_there_in_the_current_picture() -> None:
    seen = Counter()
    for sample in changes.compose(annotated.patients("chest_xray", 40, visits=2), tasks=("change",), balanced=False):
        assert [shown.role for shown in sample.images] == ["current", "prior"]
        gone = "resolved" in sample.turns[1].text
        assert {region.image for region in sample.regions} <= {int(gone)}
        seen[gone] += bool(sample.regions)
    assert min(seen[True], seen[False]) >= 5


def test_the_history_is_the_prior_visits_and_the_regional_one_is_about_the_finding() -> None:
    visits = [annotate(annotated.phantom("chest_xray", seed, visit)) for visit in (0, 1) for seed in range(30)]
    prior = {s.provenance.patient_key: s.report.findings for s in visits if s.images[0].image.day == 0}
    options = {"tasks": ("change",), "balanced": False}
    arms = {arm: list(changes.compose(visits, history=arm, **options)) for arm in ("global", "regional")}
    assert len(arms["global"]) == len(arms["regional"]) > 10
    for sample in arms["global"]:
        assert prior[sample.provenance.patient_key] in sample.turns[0].text
    shorter = 0
    for sample in arms["regional"]:
        text = sample.turns[0].text.partition("prior visit: ")[2].partition("\n")[0]
        assert all(part in prior[sample.provenance.patient_key] for part in text.split(". ") if part)
        shorter += len(text) < len(prior[sample.provenance.patient_key])
    assert shorter > 10


def test_a_pair_of_other_patients_is_never_made() -> None:
    visits = [annotate(annotated.phantom("chest_xray", seed, seed % 2)) for seed in range(20)]
    assert not list(changes.pairs(visits))


def test_nothing_is_new_where_nobody_had_looked() -> None:
    def visit(day: float, marked: list, labels: dict) -> Sample:
        source = annotated.by_hand(f"d{day}", marked, labels=labels, patient="p", report=Report("", ""))
        return replace(source, images=(replace(source.images[0], image=replace(source.images[0].image, day=day)),))

    nodule = [("nodule", annotated.boxed((1, 1), (5, 5)))]
    for labels, expected in (({}, []), ({"nodule": "absent"}, ["new"])):
        (pair,) = changes.pairs([visit(0, [], labels), visit(5, nodule, {"nodule": "present"})])
        assert [found.change for found in changes.changes(pair, 0.15)] == expected
