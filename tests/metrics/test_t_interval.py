import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from vesalius.metrics.t_interval import interval, quantile


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 6, 7, 30, 101])
def test_quantiles_are_those_of_scipy(level: float, freedom: int) -> None:
    assert quantile(level, freedom) == pytest.approx(stats.t.ppf(0.5 + level / 2, freedom), rel=1e-9)


def test_quantiles_are_those_of_the_printed_tables() -> None:
    assert quantile(0.95, 4) == pytest.approx(2.776, abs=5e-4)
    assert quantile(0.95, 9) == pytest.approx(2.262, abs=5e-4)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12).filter(lambda values: len({round(v, 6) for v in values}) > 1))
def test_intervals_are_those_of_scipy(values: list[float]) -> None:
    """Mean and deviation of the reference are exact sums, because those of nearly equal values lose digits in numpy."""
    found = interval(values)
    error = statistics.stdev(values) / math.sqrt(len(values))
    expected = stats.t.interval(0.95, len(values) - 1, statistics.fmean(values), error)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("values", [[], [0.5], [0.5, math.nan], [0.5, math.inf, 0.1]])
def test_too_few_values_and_values_that_are_none_have_no_interval(values: list[float]) -> None:
    assert interval(values) is None


def test_equal_values_have_an_interval_without_width() -> None:
    assert interval([0.1] * 7) == (0.1, 0.1)


def test_the_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    found = [interval(list(generator.normal(3.0, 1.0, 5))) for _ in range(4000)]
    share = sum(ends is not None and ends[0] <= 3.0 <= ends[1] for ends in found) / len(found)
    assert share == pytest.approx(0.95, abs=0.012)
