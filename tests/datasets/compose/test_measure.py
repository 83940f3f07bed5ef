"""Sizes of masks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.datasets.compose import measure


def disk(radius_mm: float, spacing: tuple[float, float], shape: tuple[int, int] = (80, 80)) -> np.ndarray:
    y, x = np.indices(shape)
    return np.hypot((y - shape[0] / 2 + 0.3) * spacing[0], (x - shape[1] / 2 - 0.2) * spacing[1]) <= radius_mm


def test_a_row_of_pixels_is_as_long_as_its_pixels() -> None:
    row = np.zeros((9, 9), bool)
    row[4, 2:7] = True
    assert measure.diameter_mm(row, (3.0, 2.0)) == pytest.approx(10)
    assert measure.axes_mm(row, (3.0, 2.0)) == pytest.approx((10, 3))


def test_one_voxel_has_the_length_of_its_longest_side() -> None:
    alone = np.zeros((3, 3, 3), bool)
    alone[1, 1, 1] = True
    assert measure.diameter_mm(alone, (5.0, 0.5, 0.7)) == 5


@given(st.floats(6, 25), st.floats(0.7, 1.5), st.floats(0.7, 1.5))
def test_a_disk_is_as_wide_as_its_diameter_within_a_pixels_diagonal(radius: float, dy: float, dx: float) -> None:
    mask = disk(radius, (dy, dx))
    for length in measure.axes_mm(mask, (dy, dx)):
        assert abs(length - 2 * radius) <= math.hypot(dy, dx)
    assert measure.area_mm2(mask, (dy, dx)) == pytest.approx(math.pi * radius**2, rel=0.06)


def test_a_ball_in_coarse_slices_has_its_diameter_and_its_volume() -> None:
    spacing, radius = (3.0, 0.8, 0.8), 15.0
    z, y, x = np.indices((16, 50, 50))
    mask = np.hypot(np.hypot((z - 8) * 3.0, (y - 25) * 0.8), (x - 25) * 0.8) <= radius
    assert abs(measure.diameter_mm(mask, spacing) - 30) <= measure.diagonal_mm(spacing)
    assert measure.volume_ml(mask, spacing) == pytest.approx(4 / 3 * math.pi * 1.5**3, rel=0.03)


def test_the_farthest_pixels_are_those_of_a_search_through_all_pairs() -> None:
    random = np.random.default_rng(4)
    for _ in range(20):
        mask = random.random((6, 9, 8)) < 0.1
        at = np.argwhere(mask) * (2.0, 1.0, 0.7)
        farthest = max(float(np.linalg.norm(a - b)) for a in at for b in at)
        longer = measure.diameter_mm(mask, (2.0, 1.0, 0.7)) - farthest
        assert 0.7 - 1e-9 <= longer <= 2.5  # the chord of one voxel: no shorter than its shortest side


def test_angles_are_measured_in_millimeters() -> None:
    assert measure.angle_deg((0, 10), (0, 0), (10, 0), (1.0, 1.0)) == pytest.approx(90)
    assert measure.angle_deg((0, 10), (0, 0), (10, 10), (1.0, 1.0)) == pytest.approx(45)
    assert measure.angle_deg((0, 10), (0, 0), (10, 10), (2.0, 1.0)) == pytest.approx(math.degrees(math.atan(2)))
    assert measure.angle_deg((0, 0), (0, 0), (1, 1), (1.0, 1.0)) is None


def test_the_long_axis_of_a_bar_runs_along_it() -> None:
    bar = np.zeros((40, 40), bool)
    bar[18:21, 5:35] = True
    axis, elongation = measure.long_axis(bar, (1.0, 1.0))
    assert abs(axis[1]) == pytest.approx(1, abs=1e-6)
    assert elongation > 8
