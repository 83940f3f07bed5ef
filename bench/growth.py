"""Whether a process grows: the slope of its memory over what it has done, with an interval that does not flatter.

Neighboring samples resemble each other, so an interval from single samples would be far too narrow. The samples are
put into blocks and the line is laid through the blocks' means; the first fifth is warming up and is left out.
"""

import bisect
import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WARM_UP = 0.2
BLOCKS = 16
T_95 = 2.145  # two-sided 95 % of Student's t with BLOCKS - 2 degrees of freedom
FLAT_MIB = 16.0  # growth over the whole run below which nobody would call it a leak


@dataclass(frozen=True)
class Growth:
    """MiB for each thousand units of work, with its 95 % interval, and what that makes over the run.

    `verdict` is "flat" when even the interval's upper end stays below `FLAT_MIB` over the run, "grows" when the lower
    end is above 0, and "undecided" between.
    """

    per_thousand_mib: float
    low_mib: float
    high_mib: float
    over_the_run_mib: float
    first_mib: float
    last_mib: float
    verdict: str

    def to_json(self) -> dict[str, Any]:
        """Rounded."""
        return {key: round(value, 3) if isinstance(value, float) else value for key, value in vars(self).items()}


def growth(done: Sequence[float], used_mib: Sequence[float], *, warm_after: float = 0) -> Growth:
    """The growth of samples: work done so far, and memory used then; what comes before `warm_after` is left out too.

    Raises:
        ValueError: fewer than two samples for each block after warming up.
    """
    kept = range(max(int(len(done) * WARM_UP), bisect.bisect(done, warm_after)), len(done))
    if len(kept) < 2 * BLOCKS:
        raise ValueError("too few samples")
    edges = [kept.start + len(kept) * block // BLOCKS for block in range(BLOCKS + 1)]
    x = [statistics.fmean(done[a:b]) for a, b in itertools.pairwise(edges)]
    y = [statistics.fmean(used_mib[a:b]) for a, b in itertools.pairwise(edges)]
    slope, intercept = statistics.linear_regression(x, y)
    middle = statistics.fmean(x)
    rest = sum((b - intercept - slope * a) ** 2 for a, b in zip(x, y, strict=True)) / (BLOCKS - 2)
    error = T_95 * math.sqrt(rest / sum((a - middle) ** 2 for a in x))
    span = done[-1] - done[kept.start]
    verdict = "flat" if (slope + error) * span < FLAT_MIB else "grows" if slope > error else "undecided"
    return Growth(slope * 1000, (slope - error) * 1000, (slope + error) * 1000, slope * span, y[0], y[-1], verdict)
