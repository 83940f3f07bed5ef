import random
import time

import numpy as np
import pytest

from vesalius.metrics import bootstrap


def test_value_is_the_mean_and_the_interval_holds_it() -> None:
    found = bootstrap.score("exact", "higher", np.array([1.0, 0, 1, 1]), ["a", "a", "b", "c"])
    assert found.value == 0.75
    assert found.interval is not None
    assert found.interval[0] <= 0.75 <= found.interval[1]
    assert (found.n, found.patients, found.metric, found.direction) == (4, 3, "exact", "higher")


def test_undefined_items_are_left_out_of_value_and_n() -> None:
    found = bootstrap.score("exact", "higher", np.array([1.0, np.nan, 0.0]), ["a", "b", "c"])
    assert (found.value, found.n, found.patients) == (0.5, 2, 2)
    nothing = bootstrap.score("exact", "higher", np.array([np.nan]), ["a"])
    assert (nothing.value, nothing.interval, nothing.n, nothing.patients) == (None, None, 0, 0)


def test_one_patient_has_no_interval() -> None:
    assert bootstrap.score("exact", "higher", np.array([1.0, 0.0]), ["a", "a"]).interval is None


def test_equal_items_give_an_interval_without_width() -> None:
    assert bootstrap.score("exact", "higher", np.ones(9), list("abcdefghi")).interval == (1.0, 1.0)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    values, patients = np.random.default_rng(0).random(60), [str(i) for i in range(60)]
    first, again, other = (bootstrap.score("m", "higher", values, patients, seed=seed).interval for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_order_of_items_within_patients_does_not_matter() -> None:
    values, patients = np.arange(12.0), [str(i // 3) for i in range(12)]
    order = np.random.default_rng(1).permutation(12)
    turned = bootstrap.score("m", "higher", values[order], [patients[i] for i in order])
    assert turned.interval == pytest.approx(bootstrap.score("m", "higher", values, patients).interval)


def test_items_of_one_patient_are_drawn_together() -> None:
    """Ten copies of each patient's item say nothing new: the interval must not shrink."""
    values, patients = np.random.default_rng(2).random(40), [str(i) for i in range(40)]
    once = bootstrap.score("m", "higher", values, patients)
    tenfold = bootstrap.score("m", "higher", np.repeat(values, 10), [p for p in patients for _ in range(10)])
    assert tenfold.interval == pytest.approx(once.interval)


def test_interval_agrees_with_a_plain_loop_and_with_the_standard_error() -> None:
    draw = random.Random(9)
    items = [(str(patient), draw.random() + patient % 3) for patient in range(80) for _ in range(draw.randint(1, 4))]
    found = bootstrap.score("m", "higher", np.array([v for _, v in items]), [p for p, _ in items], resamples=4000)
    by_patient: dict[str, list[float]] = {}
    for patient, value in items:
        by_patient.setdefault(patient, []).append(value)
    means = []
    for _ in range(4000):
        drawn = [value for patient in draw.choices(sorted(by_patient), k=len(by_patient)) for value in by_patient[patient]]
        means.append(sum(drawn) / len(drawn))
    means.sort()
    assert found.interval == pytest.approx((means[100], means[3899]), abs=0.02)  # widths are about 0.4


def test_the_interval_holds_the_truth_about_nineteen_times_in_twenty() -> None:
    generator = np.random.default_rng(11)
    patients = [str(i) for i in range(100)]
    hits = 0
    for _ in range(300):
        low, high = bootstrap.score("m", "higher", (generator.random(100) < 0.4).astype(float), patients).interval or (0, 0)
        hits += low <= 0.4 <= high
    assert 0.90 <= hits / 300 <= 0.98


def test_a_paired_difference_is_narrower_than_two_intervals_when_systems_agree_on_what_is_hard() -> None:
    generator = np.random.default_rng(5)
    hard, patients = generator.random(200), [str(i) for i in range(200)]
    better = hard + 0.05 + 0.01 * generator.random(200)
    found = bootstrap.paired("m", "higher", better, hard, patients)
    assert found.value == pytest.approx((better - hard).mean())
    assert found.interval is not None
    assert 0.05 < found.interval[0] < found.interval[1] < 0.06
    mirrored = bootstrap.paired("m", "higher", hard, better, patients)
    assert mirrored.interval == pytest.approx((-found.interval[1], -found.interval[0]))


def test_a_system_does_not_differ_from_itself() -> None:
    values = np.random.default_rng(6).random(50)
    assert bootstrap.paired("m", "higher", values, values, [str(i) for i in range(50)]).interval == (0.0, 0.0)


def test_ten_thousand_items_take_less_than_two_seconds() -> None:
    values = np.random.default_rng(8).random(10_000)
    start = time.perf_counter()
    bootstrap.score("m", "higher", values, [str(i) for i in range(10_000)], seed=77)
    assert time.perf_counter() - start < 2.0
