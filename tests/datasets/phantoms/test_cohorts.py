"""phantoms: every question about a simulated patient."""

import re
from collections import Counter, defaultdict
from functools import cache

import numpy as np

from vesalius.datasets.phantoms import cohorts
from vesalius.phantom import world
from vesalius.types import Box, Sample

REGION = re.compile(r" ?<region:(\d+)>")
OPEN = ("presence", "count", "side", "attribute", "comparison")
ORGANS = ("right lung", "left lung", "heart")
FINDINGS = [item.name for item in world.catalogue("chest_xray")]
COUNTED = [item.name for item in world.catalogue("chest_xray") if item.most > 1]


@cache
def cohort(first_seed: int, patients: int, follow_ups: float = 0.3) -> tuple[tuple[Sample, ...], ...]:
    made = cohorts.stream(patients=patients, size_px=32, first_seed=first_seed, split="test", follow_ups=follow_ups)
    return tuple(tuple(samples) for samples in made)


def question(sample: Sample) -> str:
    return sample.turns[0].text


def answer(sample: Sample) -> str:
    return REGION.sub("", sample.turns[1].text)


def asked_of(first_seed: int, patients: int, follow_ups: float = 0.3) -> list[Sample]:
    """The questions whose answer only the picture can tell."""
    every = [sample for samples in cohort(first_seed, patients, follow_ups) for sample in samples]
    return [s for s in every if s.task in OPEN or (s.task == "location" and not any(o in question(s) for o in ORGANS))]


def test_the_words_of_a_question_and_what_is_known_of_the_patient_give_chance() -> None:
    learnt: dict[tuple[str, str | None], Counter[str]] = defaultdict(Counter)
    choices: dict[str, set[str]] = defaultdict(set)
    for sample in asked_of(0, 400):
        learnt[question(sample), sample.provenance.sex][answer(sample)] += 1
        choices[question(sample)].add(answer(sample))
    for task in ("presence", "count", "side", "attribute", "location", "comparison"):
        told = [sample for sample in asked_of(10_000, 400) if sample.task == task and question(sample) in choices]
        right = [learnt[question(s), s.provenance.sex].most_common(1)[:1] for s in told]
        hits = [bool(best) and best[0][0] == answer(s) for best, s in zip(right, told, strict=True)]
        chance = float(np.mean([1 / len(choices[question(s)]) for s in told]))
        assert np.mean(hits) < chance + 3 * np.sqrt(chance * (1 - chance) / len(hits)) + 0.02, task


def test_each_answer_is_about_as_frequent_as_any_other() -> None:
    shares: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in (*asked_of(0, 400), *asked_of(10_000, 400)):
        shares[sample.task if sample.task == "comparison" else question(sample)][answer(sample)] += 1
    assert len(shares) >= 11
    for asked, answers in shares.items():
        number, fair = answers.total(), 1 / len(answers)
        for share in answers.values():
            assert abs(share / number - fair) < 4 * np.sqrt(fair * (1 - fair) / number), (asked, answers)


def test_a_patient_is_asked_some_questions_with_keys_and_pictures_of_their_own() -> None:
    keys: set[str] = set()
    numbers = []
    for samples in cohort(0, 300):
        numbers.append(len(samples))
        assert len(samples) >= 6
        keys |= {sample.key for sample in samples}
        assert len({id(sample.images[0]) for sample in samples}) == 1, "pictures are shared"
        assert len({sample.provenance.patient_key for sample in samples}) == 1
    assert len(keys) == sum(numbers)
    assert 10 < np.mean(numbers) < 30


def test_answers_and_regions_are_those_of_the_picture() -> None:
    for seed in range(40):
        phantom = world.make("chest_xray", seed=seed, size_px=96, wording="canonical")
        boxes = phantom.picture.boxes()
        by_finding = {f: [boxes[x.mask] for x in phantom.lesions if x.finding == f] for f in FINDINGS}
        for sample in cohorts.read_phantom("chest_xray", seed, size_px=96):
            referred = [sample.regions[int(i)] for i in REGION.findall(sample.turns[1].text)]
            assert len(referred) == len(sample.regions), "regions are there only if they are referred to"
            finding = next((f for f in FINDINGS if f in question(sample)), None)
            places = [region.geometry for region in referred]
            assert places == sorted(places, key=lambda box: box.low if isinstance(box, Box) else ())
            if sample.task == "presence" and finding:
                assert answer(sample) == ("yes" if by_finding[finding] else "no")
            if sample.task in ("presence", "location") and finding:
                assert set(map(repr, places)) == set(map(repr, by_finding[finding]))
            if sample.task == "count":
                assert int(answer(sample)) == len(by_finding[str(finding)]) == len(places)
            if sample.task == "location" and not finding:
                assert places == [boxes[answer(sample)]]
            if sample.task == "finding":
                assert answer(sample) == (", ".join(f for f, found in by_finding.items() if found) or "normal")
            if sample.task == "report":
                assert answer(sample) == phantom.report.findings
            assert {f for f, state in sample.labels.items() if state == "present"} == {f for f in by_finding if by_finding[f]}


def test_a_comparison_shows_the_current_and_the_prior_picture_and_tells_the_change() -> None:
    told = Counter[str]()
    for seed in range(40):
        after = world.make("chest_xray", seed=seed, visit=1, size_px=32)
        changes = {x.finding: x.change for x in (*after.resolved, *after.lesions)}
        compared = [s for s in cohorts.read_phantom("chest_xray", seed, size_px=32, visits=2) if s.task == "comparison"]
        assert len(compared) == len(changes)
        for sample in compared:
            assert [item.role for item in sample.images] == ["current", "prior"]
            days = [item.image.day for item in sample.images]
            assert days[0] is not None
            assert days[0] > 0 == days[1]
            assert question(sample).startswith("<image:0> <image:1> Has the ")
            finding = next(f for f in FINDINGS if f in question(sample))
            assert answer(sample) == changes[finding]
            assert bool(sample.regions) == (changes[finding] != "resolved")
            told[answer(sample)] += 1
    assert set(told) == {"new", "larger", "smaller", "unchanged", "resolved"}


def test_training_varies_the_words_and_testing_does_not() -> None:
    def words(split: str) -> set[str]:
        made = [
            cohorts.read_phantom("chest_xray", s, size_px=32, split="train" if split == "train" else "test") for s in range(40)
        ]
        return {question(sample) for samples in made for sample in samples if sample.task == "presence"}

    assert len(words("test")) == len(FINDINGS)
    assert len(words("train")) > 10


def test_the_same_seed_gives_the_same_samples() -> None:
    first, second = (cohorts.read_phantom("chest_xray", 4, size_px=48, visits=2, split="train") for _ in range(2))
    assert [s.turns for s in first] == [s.turns for s in second]
    assert [s.images[0].image.source for s in first] == [s.images[0].image.source for s in second]


def test_pictures_are_12_bit_with_known_size_and_origin() -> None:
    sample = cohorts.read_phantom("chest_xray", 2, size_px=64, split="validation")[0]
    image = sample.images[0].image
    pixels = image.load()
    assert pixels.dtype == np.uint16
    assert pixels.shape == image.shape == (64, 64)
    assert 1500 < pixels.max() <= 4095
    assert (image.kind, image.channels, image.modality, image.view) == ("image", 1, "DX", "PA")
    assert image.spacing_mm is not None
    assert 5 < image.spacing_mm[0] < 6.5
    assert sample.provenance.source == "phantom:chest_xray"
    assert sample.provenance.split == "validation"


def test_a_cohort_holds_out_patients_that_it_does_not_teach() -> None:
    taught = defaultdict(set)
    for sample in cohorts.cohort(patients=6, validation=3, size_px=32):
        taught[sample.provenance.split].add(sample.provenance.patient_key)
    assert len(taught["train"]) == 6
    assert len(taught["validation"]) == 3
    assert not taught["train"] & taught["validation"]
