import math

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from vesalius.metrics import point_f1
from vesalius.types import Box, Geometry, Point, Region


def at(*points: tuple[float, ...], label: str = "cell", image: int = 0) -> list[Region]:
    return [Region(label, Point(point), image=image) for point in points]


def test_hand_computed_case() -> None:
    """Three asked for, two given, one of them near: 2 x 1 / 5."""
    found = point_f1.items([at((0, 0), (50, 50))], [at((6, 8), (90, 90), (70, 10))])
    assert found == pytest.approx([2 / 5])  # 6 and 8 are 10 apart, which is within


def test_the_extremes() -> None:
    assert point_f1.items(
        [at((0, 0)), [], at((99, 0)), [], at((1, 1))], [at((0, 0)), at((0, 0)), at((0, 0)), [], []]
    ).tolist() == [
        *(1, 0, 0),
        *(1, 0),
    ]


def test_a_point_serves_one_place_only() -> None:
    assert point_f1.items([at((0, 0))], [at((0, 1), (1, 0))]) == pytest.approx([2 / 3])


def test_another_label_or_picture_misses_and_case_does_not_matter() -> None:
    given = [at((0, 0), label="platelet"), at((0, 0), image=1), at((0, 0), label=" Cell")]
    assert point_f1.items(given, [at((0, 0))] * 3).tolist() == [0, 0, 1]


@pytest.mark.parametrize("geometry", [Box((0, 0), (1, 1)), Point((math.nan, 0)), Point((0, 0, 0))])
def test_what_is_no_point_is_a_point_that_misses(geometry: Geometry) -> None:
    assert point_f1.items([[Region("cell", geometry), *at((0, 0))]], [at((0, 0))]) == pytest.approx([2 / 3])
    assert point_f1.items([[Region("cell", geometry)]], [[]]).tolist() == [0]


def test_agrees_with_scipy_s_assignment_in_any_order() -> None:
    draw = np.random.default_rng(0)
    given, true = ([[tuple(p) for p in draw.uniform(0, 40, (draw.integers(1, 8), 2))] for _ in range(50)] for _ in range(2))
    expected = []
    for some, asked in zip(given, true, strict=True):
        near = np.array([[math.dist(a, b) <= 10 for b in asked] for a in some])
        expected.append(2 * near[linear_sum_assignment(~near)].sum() / (len(some) + len(asked)))
    found = point_f1.items([at(*some) for some in given], [at(*asked) for asked in true])
    assert found == pytest.approx(expected, abs=1e-12)
    turned = point_f1.items([at(*some[::-1]) for some in given[::-1]], [at(*asked[::-1]) for asked in true[::-1]])
    assert turned == pytest.approx(expected[::-1], abs=1e-12)
