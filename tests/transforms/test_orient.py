import itertools

import numpy as np
import pytest

from vesalius.transforms.orient import (
    AS_STORED,
    Order,
    Plane,
    box_from_display,
    box_to_display,
    display_affine,
    display_order,
    in_display_order,
    slice_from_display,
    to_display_order,
)
from vesalius.types import Array, Box

SHAPE = (4, 5, 6)
AXES = [*itertools.permutations(range(3))]
SIGNS = [*itertools.product((1, -1), repeat=3)]
# Where the picture's columns and rows have to run, in LPS, and the slices.
CONVENTION: dict[Plane, tuple[tuple[int, int, int], ...]] = {
    "axial": ((0, 0, 1), (0, 1, 0), (1, 0, 0)),
    "coronal": ((0, 1, 0), (0, 0, -1), (1, 0, 0)),
    "sagittal": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
}


def placed(axes: tuple[int, ...], signs: tuple[int, ...], tilt_deg: float = 0.0) -> Array:
    """An affine whose array axes run along the named body axes, turned by some degrees about an odd direction."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for column, (body, sign) in enumerate(zip(axes, signs, strict=True)):
        affine[body, column] = sign * (2.0, 0.5, 0.4)[column]
    about = np.array([1.0, 2.0, -2.0]) / 3
    cross = np.array([[0, -about[2], about[1]], [about[2], 0, -about[0]], [-about[1], about[0], 0]])
    angle = np.radians(tilt_deg)
    turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    affine[:3, :3] = turn @ affine[:3, :3]
    affine[:3, 3] = (-90, 40, 700)
    return affine


@pytest.mark.parametrize("tilt_deg", [0.0, 20.0])
@pytest.mark.parametrize("plane", CONVENTION)
def test_every_stored_order_is_shown_by_the_convention(plane: Plane, tilt_deg: float) -> None:
    for axes, signs in itertools.product(AXES, SIGNS):
        affine = placed(axes, signs, tilt_deg)
        order = display_order(affine, plane)
        steps = display_affine(affine, order, SHAPE)[:3, :3]
        for step, wanted in zip(steps.T, CONVENTION[plane], strict=True):
            assert step @ wanted / np.linalg.norm(step) > np.cos(np.radians(tilt_deg + 1))


def test_a_marked_voxel_stays_at_its_place_in_the_patient() -> None:
    volume = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    for axes, signs, plane in itertools.product(AXES, SIGNS, CONVENTION):
        affine = placed(axes, signs, 13)
        order = display_order(affine, plane)
        shown, there = to_display_order(volume, order), display_affine(affine, order, SHAPE)
        assert shown.shape == in_display_order(SHAPE, order)
        index = np.argwhere(shown == volume[1, 3, 2])[0]
        np.testing.assert_allclose(there @ [*index, 1], affine @ [1, 3, 2, 1], atol=1e-9)


def test_without_a_plane_the_stored_slices_are_kept() -> None:
    coronal = placed((1, 2, 0), (-1, -1, -1))  # as FreeSurfer stores: slices to the front, rows to the feet, columns to the right
    order = display_order(coronal)
    assert order == Order((0, 1, 2), (True, False, True))
    assert order.keeps_slices
    assert not display_order(coronal, "axial").keeps_slices
    for axes, signs in itertools.product(AXES, SIGNS):
        assert display_order(placed(axes, signs)).keeps_slices


def test_a_single_slice_turns_as_its_volume_does() -> None:
    volume = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    colors = np.stack([volume, volume + 1, volume + 2], axis=-1)
    for axes, signs in itertools.product(AXES, SIGNS):
        order = display_order(placed(axes, signs))
        shown = to_display_order(volume, order)
        for index in range(SHAPE[0]):
            axis, stored = slice_from_display(index, order, SHAPE)
            assert axis == 0
            np.testing.assert_array_equal(to_display_order(volume[stored], order), shown[index])
            np.testing.assert_array_equal(to_display_order(colors[stored], order, channels=3)[..., 1], shown[index] + 1)
        np.testing.assert_array_equal(to_display_order(np.stack([volume, -volume]), order)[1], -shown)
    assert np.shares_memory(volume, shown), "nothing is copied"


def test_a_slice_cannot_be_cut_across() -> None:
    with pytest.raises(AssertionError, match="cut across"):
        to_display_order(np.zeros((5, 6)), display_order(placed((1, 2, 0), (1, 1, 1)), "axial"))


def test_boxes_go_there_and_back() -> None:
    volume = np.zeros(SHAPE)
    volume[1:3, 0:2, 3:6] = 1
    box = Box((1.0, 0.0, 3.0), (3.0, 2.0, 6.0))
    for axes, signs, plane in itertools.product(AXES, SIGNS, CONVENTION):
        order = display_order(placed(axes, signs), plane)
        shown = box_to_display(box, order, SHAPE)
        marked = np.argwhere(to_display_order(volume, order))
        assert shown == Box(tuple(map(float, marked.min(axis=0))), tuple(map(float, marked.max(axis=0) + 1)))
        assert box_from_display(shown, order, SHAPE) == box
        if order.keeps_slices:
            flat = Box(box.low[1:], box.high[1:])
            there = box_to_display(flat, order, SHAPE[1:])
            assert there == Box(shown.low[1:], shown.high[1:])
            assert box_from_display(there, order, SHAPE[1:]) == flat


def test_spacing_goes_with_its_axis() -> None:
    order = display_order(placed((1, 0, 2), (1, 1, 1)))
    assert in_display_order((2.0, 0.5, 0.4), order) == (2.0, 0.4, 0.5)
    assert in_display_order((0.5, 0.4), order) == (0.4, 0.5)
    assert in_display_order((9, 2, 3, 4), order) == (9, 2, 4, 3)


def test_an_unknown_place_is_shown_as_stored() -> None:
    assert display_order(None) == AS_STORED
    np.testing.assert_array_equal(to_display_order(np.arange(6).reshape(2, 3), AS_STORED), np.arange(6).reshape(2, 3))
