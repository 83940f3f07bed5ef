"""The rule by which a claim holds, does not hold, or stays undecided. It is written down here before any run.

Each seed trains every arm and every control once, on data of its own, so that what is compared is the difference of two runs with
one seed. Over the seeds it has a 95 % t interval. For two neighbors of an expected order:

* it *holds* when the interval lies wholly above -margin: above 0 where the claim allows no margin;
* it *does not hold* when the interval lies wholly below -margin;
* else it is *undecided*.

The claim does not hold when one pair of neighbors does not hold, and is undecided when one is undecided. It holds when all do,
in every order and by every measure where there are several, and the last arm of all beats every control as well, by the claim's
first measure and without a margin: what a control reaches too has another cause than the paper's. A control that is not beaten
leaves the claim undecided. Because every pair must hold, trying several needs no correction.

At the extremes: one seed alone, or a measure that is undefined in one run, decides nothing.

Beside each interval stands the p-value of the exact paired permutation test (`metrics.bootstrap.permutation_p`); it decides
nothing: with n seeds it is never below 2 / 2^n.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from vesalius.metrics.bootstrap import permutation_p
from vesalius.metrics.t_interval import interval
from vesalius.recipe import Claim

Verdict = Literal["holds", "does not hold", "undecided"]
RULE = """A claim names arms in the order that the paper expects, from worst to best, or in several orders where not all arms
are of one, each with a margin of its own; other measures may have orders of their own. Each seed trains every arm and every
control on data of its own. For each two neighbors the paired differences over the seeds have a 95 % t interval. The pair *holds*
when the interval lies wholly above -margin (above 0 where the claim allows no margin), *does not hold* when it lies wholly
below, and is *undecided* otherwise. The claim holds when every pair holds and the last arm beats each control by the claim's
first measure, without a margin; it does not hold when one pair does not; else it is undecided, and so it is when a control is
not beaten."""


@dataclass(frozen=True)
class Compared:
    """Two arms, or an arm and a control: how much the better one is expected to gain by a measure, and what was found."""

    measure: str
    worse: str
    better: str
    difference: float | None
    interval: tuple[float, float] | None
    p: float | None
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """As it stands in the ledger."""
        ends = list(self.interval) if self.interval else None
        return {**self.__dict__, "interval": ends}


@dataclass(frozen=True)
class Judged:
    """The verdict of a claim and every comparison that it rests on."""

    verdict: Verdict
    arms: tuple[Compared, ...]
    controls: tuple[Compared, ...]


def judge(claim: Claim, values: Mapping[str, Mapping[str, Sequence[float]]]) -> Judged:
    """Judge a claim by the rule above.

    Args:
        claim: the arms, their orders with the margins, and the controls.
        values: measure → arm or control → one value per seed, the same seeds in the same order; NaN where undefined.
    """
    last = list(claim.arms)[-1]
    arms = tuple(
        compare(worse, better, values, measure=chain.measure, direction=claim.direction, margin=chain.margin)
        for chain in claim.chains()
        for worse, better in pairwise(chain.arms)
    )
    controls = tuple(
        compare(name, last, values, measure=claim.measure, direction=claim.direction, margin=0.0) for name in claim.control
    )
    found = {pair.verdict for pair in arms}
    if "does not hold" in found:
        return Judged("does not hold", arms, controls)
    beaten = all(pair.verdict == "holds" for pair in controls)
    return Judged("holds" if found == {"holds"} and beaten else "undecided", arms, controls)


def compare(
    worse: str,
    better: str,
    values: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    measure: str,
    direction: Literal["higher", "lower"],
    margin: float,
) -> Compared:
    """What the better of two is better by, per seed: positive when it is, whatever the direction."""
    first, second = values[measure][worse], values[measure][better]
    sign = 1.0 if direction == "higher" else -1.0
    gains = [sign * (high - low) for low, high in zip(first, second, strict=True)]
    if not gains or not all(math.isfinite(gain) for gain in gains):
        return Compared(measure, worse, better, None, None, None, "undecided")
    ends = interval(gains)
    p = permutation_p(np.asarray(second, float), np.asarray(first, float), [str(i) for i in range(len(gains))])
    verdict: Verdict = "undecided"
    if ends is not None and ends[0] > -margin:
        verdict = "holds"
    elif ends is not None and ends[1] < -margin:
        verdict = "does not hold"
    return Compared(measure, worse, better, math.fsum(gains) / len(gains), ends, p, verdict)
