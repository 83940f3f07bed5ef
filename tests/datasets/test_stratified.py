"""Stratified splits: equal shares, nobody parted, always the same."""

from collections import Counter
from dataclasses import replace

from tests.datasets.lint import clean

from vesalius.datasets.split import SPLITS
from vesalius.datasets.stratified import Units, dealt, strata
from vesalius.types import Sample

SHARES = (0.7, 0.1, 0.2)


def patients(count: int) -> list[Sample]:
    """Two samples a patient; one in ten has an effusion, one in fifty a mass."""
    made = []
    for number in range(count):
        labels = {"effusion": "present" if number % 10 == 0 else "absent", "mass": "present" if number % 50 == 0 else "absent"}
        one = replace(clean.sample(number), images=(), turns=(), regions=(), task="annotation", labels=labels)
        one = replace(one, provenance=replace(one.provenance, site=f"site {number % 17}"))
        made += [one, replace(one, key=f"{one.key} again")]
    return made


def collected(samples: list[Sample], by: str = "patient") -> Units:
    units = Units(by)
    for sample in samples:
        units.add(sample)
    return units


def test_every_label_has_its_share_in_every_split_in_fact() -> None:
    samples = patients(500)
    found = dealt(collected(samples), SHARES)
    for name, state in (("effusion", "present"), ("effusion", "absent"), ("mass", "present")):
        drawn = Counter(found[s.provenance.patient_key] for s in samples if s.labels[name] == state)
        for split, share in zip(SPLITS, SHARES, strict=True):
            assert abs(drawn[split] - share * drawn.total()) <= 2, (name, state, split)


def test_the_order_of_samples_changes_nothing_and_a_seed_does() -> None:
    samples = patients(100)
    assert dealt(collected(samples), SHARES) == dealt(collected(samples[::-1]), SHARES)
    assert dealt(collected(samples), SHARES) != dealt(collected(samples), SHARES, seed=1)


def test_linked_patients_and_sites_are_never_parted() -> None:
    samples = patients(170)
    units = collected(samples, "site")
    units.link("patient 0", "patient 1")
    found = dealt(units, SHARES)
    by_site: dict[str | None, set[str]] = {}
    for sample in samples:
        by_site.setdefault(sample.provenance.site, set()).add(found[sample.provenance.patient_key])
    assert all(len(splits) == 1 for splits in by_site.values())
    assert by_site["site 0"] == by_site["site 1"]
    assert len(units.groups()) == 16
    assert set(found.values()) == set(SPLITS)


def test_a_split_without_a_share_stays_empty() -> None:
    found = dealt(collected(patients(60)), (0.5, 0.0, 0.5))
    assert Counter(found.values()) == {"train": 30, "test": 30}


def test_strata_are_the_task_the_findings_the_regions_and_short_answers() -> None:
    assert strata(clean.sample(0)) == {"sample", "task location", "region nodule", "location: nodule"}
    assert "presence: no" in strata(clean.sample(1))
    assert not any(name.startswith("report:") for name in strata(clean.sample(2)))
