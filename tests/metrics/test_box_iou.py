import itertools
import math
import random

import numpy as np
import pytest

from vesalius.metrics import box_iou
from vesalius.types import Box, Point, Region


def at(label: str, x0: float, y0: float, x1: float, y1: float, image: int = 0) -> Region:
    return Region(label, Box.from_xyxy_px(x0, y0, x1, y1), image=image)


LUNG = at("left lung", 0, 0, 10, 20)


def test_hand_computed_overlap() -> None:
    # 5x20 shared of 200 + 200 - 100
    assert box_iou.items([[at("left lung", 5, 0, 15, 20)]], [[LUNG]])[0] == pytest.approx(1 / 3)


def test_iou_of_disjoint_boxes_and_of_touching_boxes_is_zero() -> None:
    assert box_iou.iou(Box((0, 0), (2, 2)), Box((2, 0), (4, 2))) == 0
    assert box_iou.iou(Box((0, 0), (2, 2)), Box((9, 9), (10, 10))) == 0


def test_iou_in_three_dimensions() -> None:
    assert box_iou.iou(Box((0, 0, 0), (2, 2, 2)), Box((1, 0, 0), (3, 2, 2))) == pytest.approx(4 / 12)
    assert box_iou.iou(Box((0, 0, 0), (2, 2, 2)), Box((0, 0), (2, 2))) == 0


def test_a_missing_box_a_wrong_label_and_a_wrong_image_are_zero() -> None:
    assert box_iou.items([[]], [[LUNG]]).tolist() == [0]
    assert box_iou.items([[at("right lung", 0, 0, 10, 20)]], [[LUNG]]).tolist() == [0]
    assert box_iou.items([[at("left lung", 0, 0, 10, 20, image=1)]], [[LUNG]]).tolist() == [0]


def test_nothing_to_find_is_one_when_no_box_was_given_and_zero_when_one_was() -> None:
    assert box_iou.items([[], [LUNG]], [[], []]).tolist() == [1, 0]


def test_naming_the_same_box_twice_or_many_boxes_does_not_pay() -> None:
    assert box_iou.items([[LUNG, LUNG]], [[LUNG]])[0] == pytest.approx(1 / 2)
    spam = [LUNG, *(at("left lung", i, 0, i + 5, 5) for i in range(9))]
    assert box_iou.items([spam], [[LUNG]])[0] == pytest.approx(1 / 10)
    assert box_iou.items([[LUNG, at("heart", 0, 0, 5, 5)]], [[LUNG]])[0] == pytest.approx(1 / 2)


def test_pairing_is_the_best_and_not_the_greedy_one() -> None:
    # Greedy takes the pair of 0.9 and is left with 0; the best takes 0.8 + 0.7.
    assert box_iou.best_pairing(np.array([[0.9, 0.8], [0.7, 0.0]])) == pytest.approx(1.5)


def test_pairing_agrees_with_all_permutations_on_random_input() -> None:
    draw = np.random.default_rng(4)
    for round_ in range(400):
        shape = tuple(draw.integers(1, 6, 2))
        value = draw.random(shape) * (draw.random(shape) < draw.choice([0.3, 0.7, 1.0]))
        value = np.round(value, 1) if round_ % 3 == 0 else value  # with ties
        wide = value if shape[0] <= shape[1] else value.T
        orders = itertools.permutations(range(wide.shape[1]), wide.shape[0])
        expected = max(sum(wide[row, column] for row, column in enumerate(order)) for order in orders)
        assert box_iou.best_pairing(value) == pytest.approx(expected, abs=1e-9)


def test_agrees_with_counting_pixels_on_random_boxes() -> None:
    draw = random.Random(7)
    for _ in range(100):
        corners = [sorted(draw.sample(range(20), 2)) + sorted(draw.sample(range(20), 2)) for _ in range(2)]
        cells = [{(y, x) for y in range(y0, y1) for x in range(x0, x1)} for x0, x1, y0, y1 in corners]
        expected = len(cells[0] & cells[1]) / len(cells[0] | cells[1])
        boxes = [Box.from_xyxy_px(x0, y0, x1, y1) for x0, x1, y0, y1 in corners]
        assert box_iou.iou(boxes[0], boxes[1]) == pytest.approx(expected, abs=1e-9)


def test_score_is_unchanged_by_order_shift_scale_and_case() -> None:
    given = [at("cell", 0, 0, 4, 4), at("Cell ", 10, 10, 15, 14), at("platelet", 3, 3, 6, 7)]
    true = [at("cell", 11, 10, 15, 15), at("cell", 1, 0, 4, 4), at("platelet", 3, 4, 6, 8)]
    moved = [[at(r.label, *(3 * v + 100 for v in r.geometry.xyxy_px)) for r in rows] for rows in (given, true)]
    value = box_iou.items([given], [true])[0]
    assert 0 < value < 1
    assert box_iou.items([given[::-1]], [true])[0] == pytest.approx(value)
    assert box_iou.items([moved[0]], [moved[1]])[0] == pytest.approx(value)
    assert box_iou.items([true], [given])[0] == pytest.approx(value)


@pytest.mark.parametrize(
    "geometry", [Box((5, 5), (5, 9)), Box((9, 9), (2, 2)), Box((0, 0), (math.nan, 4)), Box((0, 0), (math.inf, 4)), Point((2, 2))]
)
def test_a_degenerate_box_misses(geometry: Box | Point) -> None:
    assert box_iou.items([[Region("left lung", geometry)]], [[LUNG]]).tolist() == [0]
