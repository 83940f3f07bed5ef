"""Annotated pictures: places are checked against their picture, and never mended in silence."""

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.datasets.formats.drawn import HEIGHT, WIDTH, boxes, polygons

from vesalius.datasets.annotated import box_of, contradiction, extent, finite, label_of, polygon_of, split_of
from vesalius.datasets.sources import RecordRefused
from vesalius.types import Box, Point, Polygon

PLANE = (HEIGHT, WIDTH)


@given(boxes())
def test_a_box_inside_is_taken_as_it_is(box: Box) -> None:
    assert box_of(box.xyxy_px, PLANE) == box


@given(st.tuples(*[st.floats(-50, 90) for _ in range(4)]))
@example((-0.0078125, 0.0, 0.0, 2.0))
def test_a_box_is_inside_or_refused(corners: tuple[float, float, float, float]) -> None:
    x0, y0, x1, y1 = corners
    assume(max(x1, y1) > 1)  # what lies in the first pixel has a test of its own
    is_inside = min(corners) >= -0.01 and x1 <= WIDTH + 0.01 and y1 <= HEIGHT + 0.01
    has_extent = min(x1, WIDTH) > max(x0, 0) and min(y1, HEIGHT) > max(y0, 0)  # a sliver within the rounding has none inside
    if not is_inside or not has_extent:
        with pytest.raises(RecordRefused, match=re.escape(f"({x0:g}, {y0:g}) to ({x1:g}, {y1:g})")) as refused:
            box_of(corners, PLANE)
        assert refused.value.code in ("box_inverted", "box_without_extent", "box_outside")
        return
    box = box_of(corners, PLANE)
    assert max(abs(a - b) for a, b in zip(box.xyxy_px, corners, strict=True)) <= 0.01
    assert min(box.low) >= 0
    assert box.high[0] <= HEIGHT
    assert box.high[1] <= WIDTH


def test_a_single_pixel_in_the_corner_is_no_part_of_the_picture() -> None:
    assert box_of((0, 0, 1, 1), PLANE) == Box((0, 0), (1, 1))
    with pytest.raises(RecordRefused, match="parts of the picture"):
        box_of((0.1, 0, 1, 1), PLANE)


@given(polygons())
def test_an_outline_is_taken_as_it_is_and_lies_in_its_extent(polygon: Polygon) -> None:
    taken = polygon_of([(x, y) for y, x in polygon.vertices], PLANE)
    closed = polygon_of([(x, y) for y, x in (*polygon.vertices, polygon.vertices[0])], PLANE)
    assert taken == closed == polygon
    box = extent(polygon)
    assert box is not None
    assert all(box.low[a] <= vertex[a] <= box.high[a] for vertex in polygon.vertices for a in (0, 1))


def test_a_point_takes_up_nothing() -> None:
    assert extent(Point((1, 2))) is None


def test_boxes_that_overlap_by_less_than_half_contradict() -> None:
    one = Box((0, 0), (10, 10))
    assert contradiction(one, Box((0, 0), (10, 6))) == ""
    assert "40%" in contradiction(one, Box((0, 0), (10, 4)))
    assert "0%" in contradiction(one, Box((20, 20), (22, 22)))


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (("train",), "train"),
        (("instances_val2017",), "validation"),
        (("train", "masks"), "train"),
        (("data", "Test-Set"), "test"),
        (("trainval",), None),
        (("train_and_test",), None),
        ((), None),
        (("train", "valid"), "validation"),
        (("attest", "contrain"), None),
    ],
)
def test_splits_are_words_of_names(names: tuple[str, ...], split: str | None) -> None:
    assert split_of(*names) == split


def test_labels_are_as_a_reader_says_them() -> None:
    assert label_of(" Right_Lung\t") == "right lung"
    for name, code in ((None, "label_unknown"), ("  ", "label_unknown"), (3, "label_unknown"), ("<image:0>", "special_token")):
        with pytest.raises(RecordRefused) as refused:
            label_of(name)
        assert refused.value.code == code


@pytest.mark.parametrize(
    "values", [None, "1234", [1, 2, 3], [1, 2, 3, "4"], [1, 2, 3, True], [1, 2, 3, float("inf")], [1, 2, 3, 10**999]]
)
def test_what_are_not_four_finite_numbers_are_refused(values: object) -> None:
    with pytest.raises(RecordRefused) as refused:
        finite(values, 4)
    assert refused.value.code == "record_malformed"
