import numpy as np
import pytest

from vesalius.metrics import box_iou, box_success
from vesalius.types import Box, Region


def at(x0: float, x1: float, image: int = 0) -> list[Region]:
    return [Region("heart", Box.from_xyxy_px(x0, 0, x1, 10), image=image)]


def test_hand_computed_case() -> None:
    """Of 10 columns 10, 6, 5 and 4 are covered: IoU 1, 0.6, 0.5, 0.4."""
    given, true = [at(0, 10), at(0, 6), at(0, 5), at(0, 4)], [at(0, 10)] * 4
    assert box_success.items(given, true, threshold=0.3).tolist() == [1, 1, 1, 1]
    assert box_success.items(given, true).tolist() == [1, 1, 1, 0]
    assert box_success.items(given, true, threshold=0.7).tolist() == [1, 0, 0, 0]


def test_the_extremes() -> None:
    assert box_success.items([at(0, 10)], [at(0, 10)], threshold=1.0).tolist() == [1]
    assert box_success.items([[]], [at(0, 10)], threshold=0.01).tolist() == [0]


def test_agrees_with_the_overlap_and_ignores_order_on_random_boxes() -> None:
    draw = np.random.default_rng(0)
    given, true = ([at(*sorted(draw.integers(0, 20, 2))) for _ in range(80)] for _ in range(2))
    found = box_success.items(given, true, threshold=0.3)
    assert found.tolist() == [float(box_iou.iou(a[0].geometry, b[0].geometry) >= 0.3) for a, b in zip(given, true, strict=True)]
    assert 0 < found.mean() < 1
    assert box_success.items(given[::-1], true[::-1], threshold=0.3).tolist() == found[::-1].tolist()


@pytest.mark.parametrize("threshold", box_success.THRESHOLDS)
def test_the_stored_name_says_the_threshold(threshold: float) -> None:
    assert box_success.named(threshold) == f"box_success_{threshold}"
