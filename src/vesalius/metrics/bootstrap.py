"""Intervals for every metric: the percentile bootstrap over patients.

Items of one patient are not independent, so patients are drawn, with all their items, as many as there are, with replacement;
the value is the mean over the drawn items, and the interval the 2.5th to the 97.5th percentile of 1,000 such values. A paired
difference of two systems is the same thing on the differences per item, so the same patients are drawn for both.

At the extremes: when all items have the same value the interval has no width. That is what these patients say, not certainty:
with 0 failures among n patients the true rate may still be about 3/n. With one patient there is no interval; below 30 it is
too narrow (warning `few_patients`, where it is shown).
Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13; clusters as in ch. 8.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.types import Score

RESAMPLES = 1000
LEVEL = 0.95
FEW_PATIENTS = 30

Values = npt.NDArray[np.float64]


def score(
    metric: str,
    direction: Literal["higher", "lower"],
    values: Values,
    patients: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Score:
    """The mean of a metric's items with its interval.

    Args:
        metric: the metric's `NAME`.
        direction: its `DIRECTION`.
        values: float64, (items,); NaN items are undefined and left out of value, interval and n.
        patients: whose item it is, as many.
        resamples: how often the patients are drawn.
        seed: of the draws; the same seed draws the same patients for every metric and system.
    """
    defined = ~np.isnan(values)
    kept = values[defined]
    if not len(kept):
        return Score(metric, None, None, 0, 0, direction)
    _, patient = np.unique(np.asarray(patients, dtype=np.str_)[defined], return_inverse=True)
    count = int(patient.max()) + 1
    interval = None
    if count > 1:
        means = _resampled_means(kept, patient, count, resamples, seed)
        tails = (50 * (1 - LEVEL), 50 * (1 + LEVEL))
        low, high = (float(v) for v in np.percentile(means, tails))
        interval = (low, high)
    return Score(metric, float(kept.mean()), interval, len(kept), count, direction)


def paired(
    metric: str,
    direction: Literal["higher", "lower"],
    values: Values,
    others: Values,
    patients: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Score:
    """The mean difference `values - others` of two systems on the same items, with its interval.

    A positive difference favors the first system when the direction is "higher". Items that are undefined (NaN) for either
    are left out. The two do differ, at 95 %, when the interval excludes zero.
    """
    return score(metric, direction, values - others, patients, resamples=resamples, seed=seed)


def _resampled_means(
    values: Values, patient: npt.NDArray[np.intp], count: int, resamples: int, seed: int
) -> npt.NDArray[np.float64]:
    """(resamples,): the mean over the items of each draw of patients."""
    sums = np.bincount(patient, weights=values, minlength=count)
    sizes = np.bincount(patient, minlength=count).astype(np.float64)
    columns = np.stack([sums, sizes], axis=1)
    draws = _draws(count, resamples, seed)
    # In slices: the draws are small integers, and all of them as float64 would not fit for many patients.
    drawn = np.concatenate([part.astype(np.float64) @ columns for part in np.array_split(draws, max(1, draws.size // 2**21))])
    means: npt.NDArray[np.float64] = drawn[:, 0] / drawn[:, 1]
    return means


@lru_cache(maxsize=2)
def _draws(count: int, resamples: int, seed: int) -> npt.NDArray[np.uint16]:
    """(resamples, patients): how often each patient is drawn."""
    generator = np.random.default_rng(seed)
    drawn = np.empty((resamples, count), np.uint16)
    for row in drawn:
        row[:] = np.bincount(generator.integers(0, count, count), minlength=count)
    return drawn
