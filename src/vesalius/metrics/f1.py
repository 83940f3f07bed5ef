"""F1 of one class: how well do the answers "present" and the true ones agree, right answers "absent" not counted?

Direction:       higher is better.
At the extremes: 1 exactly the positives are called; 0 none of them is. Calling everything gives 2p / (1 + p) for a share p of
                 positives: give that beside it.
Undefined when:  nothing is positive and nothing was called.
Interval:        percentile bootstrap over patients (`bootstrap.corpus_score`).
Differs:         MedEvalKit's helper returns (F1, precision, recall) and its caller reads (precision, recall, F1), so what it
                 prints as F1 is the recall.
"""

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

NAME = "f1"
DIRECTION: Literal["higher", "lower"] = "higher"


def value(answers: npt.NDArray[np.bool_], truths: npt.NDArray[np.bool_]) -> float:
    """The F1.

    Args:
        answers: bool, (items,).
        truths: as many.

    Returns:
        In [0, 1]; NaN when neither holds a positive.
    """
    called = int(np.count_nonzero(answers)) + int(np.count_nonzero(truths))
    return 2 * int(np.count_nonzero(answers & truths)) / called if called else math.nan
