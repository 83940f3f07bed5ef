"""Parse failure: how often could the answer not be read?

An item fails when the output broke its grammar beyond repair (status `failed`), or when its text is not of the form that the
task's metric needs (a count that is not a number). A repaired output is no failure; it is counted apart.

Direction:       lower is better.
At the extremes: 0 every answer could be read; 1 none. A failed item is scored as wrong, never left out.
Undefined when:  there is no item.
Interval:        percentile bootstrap over patients.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

NAME = "parse_failure"
DIRECTION: Literal["higher", "lower"] = "lower"


def items(statuses: Sequence[str], readable: Sequence[bool]) -> npt.NDArray[np.float64]:
    """Mark each item that could not be read.

    Args:
        statuses: "strict", "repaired" or "failed", one per item.
        readable: whether the answer's text has the form that the task needs; as many.

    Returns:
        float64, (items,), 1.0 where reading failed, else 0.0.
    """
    pairs = zip(statuses, readable, strict=True)
    return np.array([status == "failed" or not fits for status, fits in pairs], dtype=np.float64)
