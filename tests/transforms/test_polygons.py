"""Polygons as pixels: by their centers, neither twice nor not at all, holes left out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from vesalius.transforms.outline import outlines, signed_area_px
from vesalius.transforms.polygons import area_px, filled, rings, with_holes
from vesalius.types import Polygon

SQUARE = ((1.0, 1.0), (1.0, 9.0), (9.0, 9.0), (9.0, 1.0))
HOLE = ((3.0, 3.0), (3.0, 5.0), (5.0, 5.0), (5.0, 3.0))
OTHER = ((6.0, 6.0), (8.0, 6.0), (8.0, 8.0), (6.0, 8.0))


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.booleans()))
def test_the_outlines_of_a_mask_give_it_back(mask: np.ndarray) -> None:
    found = np.zeros(mask.shape, np.bool_)
    for polygon in outlines(mask):
        found ^= filled([polygon], mask.shape)  # holes are outlines of their own
    assert np.array_equal(found, mask)


@given(st.lists(st.floats(4.0, 28.0), min_size=5, max_size=9), st.floats(0, 1))
def test_an_outline_keeps_its_area_through_pixels_within_its_rim(radii: list[float], turn: float) -> None:
    angles = (np.arange(len(radii)) + turn) * 2 * np.pi / len(radii)
    polygon = Polygon(tuple((32 + r * np.sin(a), 32 + r * np.cos(a)) for r, a in zip(radii, angles, strict=True)))
    mask = filled([polygon], (64, 64))
    back = sum(signed_area_px(outline) for outline in outlines(mask))
    rim = np.linalg.norm(np.diff(np.array([*polygon.vertices, polygon.vertices[0]]), axis=0), axis=1).sum()
    assert back == mask.sum()
    assert abs(back - area_px(polygon)) <= rim


@given(st.floats(1.0, 15.0), st.floats(1.0, 15.0), st.floats(1.0, 15.0))
def test_outlines_that_share_an_edge_share_no_pixel_and_leave_none_out(left: float, right: float, cut: float) -> None:
    corners = ((0.0, 0.0), (0.0, 16.0), (16.0, 16.0), (16.0, 0.0))
    one = Polygon((corners[0], (0.0, left), (cut, 8.0), (16.0, right), corners[3]))
    other = Polygon(((0.0, left), corners[1], corners[2], (16.0, right), (cut, 8.0)))
    counts = filled([one], (16, 16)).astype(int) + filled([other], (16, 16))
    assert (counts == 1).all()


@pytest.mark.parametrize("edge", [0.5, 2.25, 7.5])
def test_a_pixel_belongs_to_what_holds_its_center(edge: float) -> None:
    mask = filled([Polygon(((0.0, 0.0), (0.0, edge), (4.0, edge), (4.0, 0.0)))], (4, 8))
    assert mask.sum(axis=1).tolist() == [int(np.ceil(edge - 0.5))] * 4


def test_holes_are_walked_around_and_found_again() -> None:
    polygon = with_holes(SQUARE, [HOLE, OTHER])
    assert area_px(polygon) == 64 - 4 - 4
    assert filled([polygon], (10, 10)).sum() == 56
    ring, holes = rings(polygon)
    assert ring == SQUARE
    assert [set(hole) for hole in holes] == [set(HOLE), set(OTHER)]


def test_an_outline_without_holes_is_its_own_ring() -> None:
    eight = Polygon(((0.0, 0.0), (2.0, 2.0), (0.0, 4.0), (0.0, 0.0), (4.0, 4.0)))  # comes back to its beginning
    for polygon in (Polygon(SQUARE), with_holes(SQUARE, []), eight):
        assert rings(polygon) == (polygon.vertices, ())


def test_a_part_of_a_large_picture_is_filled_alone_and_the_rest_cut_off() -> None:
    far = Polygon(tuple((y + 1e5, x + 2e5) for y, x in SQUARE))
    assert np.array_equal(filled([far], (6, 6), origin_px=(100004, 200004)), filled([Polygon(SQUARE)], (10, 10))[4:, 4:])
    assert not filled([far], (6, 6)).any()
    assert filled([Polygon(((-50.0, -50.0), (-50.0, 50.0), (50.0, 50.0), (50.0, -50.0)))], (3, 4)).all()
