import math

import numpy as np
import pytest
from scipy import stats

from vesalius.recipe import Claim
from vesalius.workflows.reproducing.verdict import compare, judge

LOW, HIGH = [0.50, 0.52, 0.49, 0.51, 0.50], [0.60, 0.63, 0.58, 0.62, 0.61]
NOISY = [0.40, 0.70, 0.45, 0.68, 0.49]


def claim(*, control: bool = True, **changed: object) -> Claim:
    given = {"says": "b is better", "measure": "m", "arms": {"a": (), "b": ()}, "control": {"c": ()} if control else {}}
    return Claim(**{**given, **changed})  # type: ignore[arg-type]


def verdict(of: Claim, **values: list[float]) -> str:
    return judge(of, {"m": values}).verdict


def test_a_gain_that_every_seed_shows_holds() -> None:
    found = judge(claim(), {"m": {"a": LOW, "b": HIGH, "c": LOW}})
    assert found.verdict == "holds"
    differences = np.subtract(HIGH, LOW)
    expected = stats.t.interval(0.95, 4, differences.mean(), stats.sem(differences))
    assert found.arms[0].interval == pytest.approx(expected)
    assert found.arms[0].difference == pytest.approx(0.104)
    assert found.arms[0].p == 2 / 32


def test_a_loss_that_every_seed_shows_does_not_hold_whatever_the_control() -> None:
    assert verdict(claim(), a=HIGH, b=LOW, c=HIGH) == "does not hold"


def test_differences_around_zero_are_undecided() -> None:
    assert verdict(claim(control=False), a=LOW, b=NOISY) == "undecided"


def test_a_control_that_reaches_as_much_leaves_the_claim_undecided() -> None:
    assert verdict(claim(), a=LOW, b=HIGH, c=HIGH) == "undecided"
    assert verdict(claim(), a=LOW, b=HIGH, c=[value + 0.2 for value in HIGH]) == "undecided"


def test_a_margin_lets_equals_hold_but_excuses_no_control() -> None:
    assert verdict(claim(control=False, margin=0.05), a=LOW, b=LOW) == "holds"
    assert verdict(claim(control=False), a=LOW, b=LOW) == "undecided"
    assert verdict(claim(margin=0.05), a=LOW, b=LOW, c=LOW) == "undecided"
    assert verdict(claim(control=False, margin=0.05), a=HIGH, b=LOW) == "does not hold"
    assert verdict(claim(control=False, margin=0.2), a=HIGH, b=LOW) == "holds"


def test_the_direction_turns_the_order() -> None:
    assert verdict(claim(direction="lower"), a=HIGH, b=LOW, c=HIGH) == "holds"
    assert verdict(claim(direction="lower"), a=LOW, b=HIGH, c=HIGH) == "does not hold"


def test_of_three_arms_one_pair_that_does_not_hold_decides() -> None:
    three = claim(arms={"a": (), "b": (), "c": ()}, control={})
    assert verdict(three, a=LOW, b=HIGH, c=LOW) == "does not hold"
    assert verdict(three, a=LOW, b=HIGH, c=[value + 0.1 for value in HIGH]) == "holds"
    assert verdict(three, a=LOW, b=HIGH, c=NOISY) == "undecided"


def test_every_order_has_to_hold_each_by_its_own_margin() -> None:
    both = claim(arms={"a": (), "b": (), "c": ()}, control={}, orders=(("a", "c"), ("b", "c")), margin=(0.0, 0.05))
    assert verdict(both, a=LOW, b=HIGH, c=HIGH) == "holds"
    assert verdict(both, a=HIGH, b=HIGH, c=HIGH) == "undecided"
    assert verdict(both, a=LOW, b=[value + 0.2 for value in HIGH], c=HIGH) == "does not hold"
    found = judge(both, {"m": {"a": LOW, "b": HIGH, "c": HIGH}})
    assert [(pair.worse, pair.better) for pair in found.arms] == [("a", "c"), ("b", "c")]
    controlled = claim(arms={"a": (), "b": ()}, control={"c": ()}, orders=(("b", "a"),))
    assert [(pair.worse, pair.better) for pair in judge(controlled, {"m": {"a": LOW, "b": LOW, "c": LOW}}).controls] == [
        ("c", "b")
    ]


def test_what_another_measure_says_counts_as_much_but_judges_no_control() -> None:
    both = claim(also={"other": (("a", "b"),)})
    gained = {"a": LOW, "b": HIGH, "c": LOW}
    found = judge(both, {"m": gained, "other": {**gained, "c": HIGH}})
    assert found.verdict == "holds"
    assert [(pair.measure, pair.worse, pair.better) for pair in (*found.arms, *found.controls)] == [
        ("m", "a", "b"),
        ("other", "a", "b"),
        ("m", "c", "b"),
    ]
    assert judge(both, {"m": gained, "other": {"a": LOW, "b": NOISY, "c": LOW}}).verdict == "undecided"
    assert judge(both, {"m": gained, "other": {"a": HIGH, "b": LOW, "c": LOW}}).verdict == "does not hold"


def test_the_extremes_decide_nothing() -> None:
    assert verdict(claim(control=False), a=[0.1], b=[0.9]) == "undecided"
    assert verdict(claim(control=False), a=[], b=[]) == "undecided"
    broken = judge(claim(control=False), {"m": {"a": LOW, "b": [*HIGH[:4], math.nan]}})
    assert broken.verdict == "undecided"
    assert broken.arms[0].to_json() == {
        "measure": "m",
        "worse": "a",
        "better": "b",
        "difference": None,
        "interval": None,
        "p": None,
        "verdict": "undecided",
    }


def test_differences_without_spread_are_decided_by_their_sign() -> None:
    values = {"a": [0.25] * 5, "b": [0.5] * 5}
    assert compare("a", "b", {"m": values}, measure="m", direction="higher", margin=0.0).verdict == "holds"
    assert compare("b", "a", {"m": values}, measure="m", direction="higher", margin=0.0).verdict == "does not hold"


def test_a_claim_rarely_holds_where_nothing_is_to_be_found() -> None:
    generator = np.random.default_rng(0)
    of = claim(control=False)
    found = [verdict(of, a=list(generator.normal(size=5)), b=list(generator.normal(size=5))) for _ in range(1000)]
    assert found.count("holds") / 1000 == pytest.approx(0.025, abs=0.015)
    assert found.count("undecided") > 900
