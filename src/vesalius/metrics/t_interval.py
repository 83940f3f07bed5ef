"""Intervals over a few repetitions: the mean of independent runs, and Student's t by which far it may be off.

`bootstrap` resamples patients; five runs cannot be resampled. A t interval takes the runs as drawn from a normal distribution,
which means of many patients' scores nearly are.

Source: Student 1908; the distribution in closed form for whole degrees of freedom: Abramowitz and Stegun 26.7.3 and 26.7.4.
"""

import math
from collections.abc import Sequence

LEVEL = 0.95


def interval(values: Sequence[float], level: float = LEVEL) -> tuple[float, float] | None:
    """The t interval of the mean.

    At the extremes: None for fewer than two values, and when one of them is not finite; equal values give an interval
    without width.

    Args:
        values: one per run.
        level: how often the interval holds the true mean, in (0, 1).
    """
    count = len(values)
    if count < 2 or not all(math.isfinite(value) for value in values):
        return None
    center = math.fsum(values) / count
    if len(set(values)) == 1:  # without the rounding of the sum
        return values[0], values[0]
    variance = math.fsum((value - center) ** 2 for value in values) / (count - 1)
    half = quantile(level, count - 1) * math.sqrt(variance / count)
    return center - half, center + half


def quantile(level: float, freedom: int) -> float:
    """The t that |T| stays below with probability `level`, by bisection to the last bits.

    Args:
        level: in (0, 1).
        freedom: degrees, at least 1.
    """
    low, high = 0.0, math.pi / 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _within(middle, freedom) < level else (low, middle)
    return math.tan(low) * math.sqrt(freedom)


def _within(angle: float, freedom: int) -> float:
    """P(|T| < t) for t = tan(angle) sqrt(freedom)."""
    odd = freedom % 2
    # Eq. 26.7.3 and 26.7.4: a sum of even (odd) powers of the cosine, each term the one before times (k - 1) / k.
    term, total = (math.cos(angle), 0.0) if odd else (1.0, 0.0)
    for k in range(3 if odd else 2, freedom + 1, 2):
        total += term
        term *= math.cos(angle) ** 2 * (k - 1) / k
    return 2 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total
