"""Expected calibration error, 15 bins of equal mass: as `ece_equal_width`, with as many answers in each bin as can be.

The borders are the quantiles of the confidences (linear between ranks), so that models whose confidences all lie above 0.9 are
told apart. Equal confidences lie in one bin, so the order of the answers does not matter.

Direction:       lower is better.
At the extremes: 0 confidence and accuracy agree in every bin; 1 always certain and always wrong.
Unreadable:      an answer without a confidence (NaN) counts as certain when wrong and as 0 when right.
Undefined when:  there is no answer.
Interval:        percentile bootstrap over patients (`bootstrap.corpus_score`); the borders are those of each draw.
Source:          Nguyen and O'Connor, EMNLP 2015 (adaptive binning).
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics import ece_equal_width

NAME = "ece_equal_mass"
DIRECTION: Literal["higher", "lower"] = "lower"

BINS = 15


def value(confidences: npt.NDArray[np.float64], correct: npt.NDArray[np.bool_], *, bins: int = BINS) -> float:
    """The error.

    Args:
        confidences: float64, (answers,), in [0, 1]; NaN where there is none.
        correct: bool, (answers,).
        bins: how many.

    Returns:
        In [0, 1]; NaN when there is no answer.
    """
    if not len(confidences):
        return float("nan")
    known = ece_equal_width.worst(confidences, correct)
    borders = np.quantile(known, np.arange(1, bins) / bins)
    place = np.searchsorted(borders, known, side="left")  # a bin holds its upper border
    number, confidence, right = (np.bincount(place, weights=w, minlength=bins) for w in (np.ones(len(known)), known, correct))
    return float(np.abs(confidence - right).sum() / number.sum())
