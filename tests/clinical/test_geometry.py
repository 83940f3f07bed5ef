import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.clinical import geometry
from vesalius.errors import InputRefused


def rotation(about: int, degrees: float) -> np.ndarray:
    """Of LPS, about one axis."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    matrix = np.eye(4)
    one, two = (about + 1) % 3, (about + 2) % 3
    matrix[[one, one, two, two], [one, two, one, two]] = c, -s, s, c
    return matrix


AXIAL = np.array([[0, 0, 0.4, -10], [0, 0.5, 0, -20], [2, 0, 0, 30], [0, 0, 0, 1.0]])


def test_a_voxel_lies_in_lps_where_it_lies_in_ras() -> None:
    ras = np.array([[0.4, 0.1, 0, 5], [0, 0.5, 0.2, -7], [0, 0, 2, 11], [0, 0, 0, 1.0]])
    lps = geometry.lps_from_ras(ras)
    x, y, z, _ = ras @ [3, 4, 5, 1]
    np.testing.assert_allclose(lps @ [5, 4, 3, 1], [-x, -y, z, 1])


@given(st.lists(st.floats(0.1, 9), min_size=3, max_size=3), st.integers(0, 2), st.floats(-80, 80))
def test_spacing_survives_any_rotation(spacing: list[float], about: int, degrees: float) -> None:
    z, y, x = spacing
    affine = rotation(about, degrees) @ (AXIAL @ np.diag([z / 2, y / 0.5, x / 0.4, 1]))
    np.testing.assert_allclose(geometry.spacing_of(affine), spacing)
    assert geometry.shear_deg(affine) < 1e-3


def test_a_tilted_stack_is_sheared_by_its_tilt_and_not_longer_along_its_normal() -> None:
    tilted = AXIAL.copy()
    tilted[:3, 0] = [0, 2 * math.tan(math.radians(15)), 2]
    assert geometry.shear_deg(tilted) == pytest.approx(15)
    assert geometry.spacing_of(tilted)[0] == pytest.approx(2)


def test_the_plane_has_the_name_that_radiologists_give_it() -> None:
    sagittal = AXIAL[:, [2, 0, 1, 3]]
    coronal = AXIAL[:, [1, 0, 2, 3]]
    assert [geometry.orientation_of(affine) for affine in (AXIAL, sagittal, coronal)] == ["axial", "sagittal", "coronal"]
    assert geometry.orientation_of(rotation(0, 20) @ AXIAL) == "axial"
    assert geometry.orientation_of(rotation(0, 40) @ AXIAL) == "oblique"
    assert geometry.orientation_of(rotation(0, 70) @ AXIAL) == "coronal"
    assert geometry.orientation_of(None) is None


@pytest.mark.parametrize(
    ("sizes", "code"),
    [((1, 40_000, 40_000), "size_limit"), ((60_000, 65_535, 65_535), "size_limit"), ((0, 5, 5), "bad_attribute")],
)
def test_sizes_are_refused_before_anything_is_allocated(sizes: tuple[int, int, int], code: str) -> None:
    with pytest.raises(InputRefused) as caught:
        geometry.checked_size(*sizes, item_bytes=2)
    assert caught.value.code == code


def test_a_size_is_its_bytes() -> None:
    assert geometry.checked_size(3, 4, 5, item_bytes=2) == 120


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_affines_without_numbers_are_unusable(wrong: float) -> None:
    broken = AXIAL.copy()
    broken[0, 3] = wrong
    flat = AXIAL.copy()
    flat[:3, 0] = flat[:3, 1]
    assert geometry.is_usable(AXIAL)
    assert not geometry.is_usable(broken)
    assert not geometry.is_usable(flat)
    assert not geometry.is_usable(np.zeros((4, 4)))


def test_numbers_beyond_any_place_are_unusable() -> None:
    far = np.eye(4)
    far[0, 3] = 1e200
    assert not geometry.is_usable(far)
    assert geometry.is_usable(np.eye(4))
