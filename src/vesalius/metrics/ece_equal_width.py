"""Expected calibration error, 15 bins of equal width: when the model says 80 %, is it right in 80 % of the cases?

Answers are put into bins by their confidence, (0, 1/15], (1/15, 2/15], …, with 0 in the first; the value is the mean over answers
of the distance between the share that is right and the mean confidence in their bin.

Direction:       lower is better.
At the extremes: 0 confidence and accuracy agree in every bin, which the constant confidence "overall accuracy" reaches too: it
                 says nothing about telling right from wrong (`aurc`). 1 always certain and always wrong.
Bias:            with few answers per bin it is above 0 for a calibrated model, too; so compare models on the same answers only.
Unreadable:      an answer without a confidence (NaN) counts as certain when wrong and as 0 when right.
Undefined when:  there is no answer.
Interval:        percentile bootstrap over patients: `bootstrap.counted_score` with `counts` and `of_sums`.
Source:          Naeini et al., AAAI 2015; Guo et al., On Calibration of Modern Neural Networks, ICML 2017, with 15 bins.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

NAME = "ece_equal_width"
DIRECTION: Literal["higher", "lower"] = "lower"

BINS = 15

Values = npt.NDArray[np.float64]


def value(confidences: Values, correct: npt.NDArray[np.bool_], *, bins: int = BINS) -> float:
    """The error.

    Args:
        confidences: float64, (answers,), in [0, 1]; NaN where there is none.
        correct: bool, (answers,).
        bins: how many.

    Returns:
        In [0, 1]; NaN when there is no answer.
    """
    return float(of_sums(counts(confidences, correct, bins=bins).sum(axis=0)[None])[0])


def counts(confidences: Values, correct: npt.NDArray[np.bool_], *, bins: int = BINS) -> Values:
    """What each answer adds to its bin: 1, its confidence, whether it is right; float64, (answers, 3 x bins)."""
    known = worst(confidences, correct)
    place = np.clip(np.ceil(known * bins).astype(np.intp) - 1, 0, bins - 1)
    return binned(known, correct, place, bins)


def binned(confidences: Values, correct: npt.NDArray[np.bool_], place: npt.NDArray[np.intp], bins: int) -> Values:
    """What each answer adds to the bin that it was put into; float64, (answers, 3 x bins)."""
    added = np.zeros((len(confidences), 3, bins))
    everyone = np.arange(len(confidences))
    for kind, what in enumerate((np.ones(len(confidences)), confidences, correct.astype(np.float64))):
        added[everyone, kind, place] = what
    return added.reshape(len(added), 3 * bins)


def of_sums(sums: Values) -> Values:
    """The error from the sums of `counts`, float64 (sets, 3 x bins), to (sets,); NaN where there is no answer."""
    number, confidence, right = np.split(sums, 3, axis=1)
    total = number.sum(axis=1)
    return np.where(total > 0, np.abs(confidence - right).sum(axis=1) / np.where(total > 0, total, 1.0), np.nan)


def worst(confidences: Values, correct: npt.NDArray[np.bool_]) -> Values:
    """The confidences, those that are missing filled with the ones that are worst for the model."""
    return np.where(np.isnan(confidences), np.where(correct, 0.0, 1.0), confidences)
