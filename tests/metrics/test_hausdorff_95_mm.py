import math

import numpy as np
import pytest
import surface_distance as peer
from scipy import ndimage

from vesalius.metrics.hausdorff_95_mm import items


def blob(draw: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    noise = ndimage.gaussian_filter(draw.random(shape), 1.5)
    return noise >= np.quantile(noise, draw.uniform(0.5, 0.97))


def by_scipy(one: np.ndarray, other: np.ndarray, spacing_mm: tuple[float, ...]) -> float:
    cross = ndimage.generate_binary_structure(one.ndim, 1)
    a, b = (mask & ~ndimage.binary_erosion(mask, cross) for mask in (one, other))
    to_a, to_b = (ndimage.distance_transform_edt(~mask, sampling=spacing_mm) for mask in (a, b))
    return max(np.percentile(to_b[a], 95), np.percentile(to_a[b], 95))


def test_hand_computed_case() -> None:
    """A line of 40 pixels, and the same with one pixel 10 mm off: 1 of 41 is far. Of 43 with 3 far the rank 39.9 is asked for."""
    one = np.zeros((20, 60), bool)
    one[3, 5:45] = True
    other = one.copy()
    other[13, 5] = True
    assert items([one], [other], [(1.0, 1.0)]).tolist() == [0]
    other[13, 6:8] = True
    assert items([one], [other], [(1.0, 1.0)]) == pytest.approx([9])
    assert items([other], [one], [(1.0, 1.0)]) == pytest.approx([9])


def test_the_extremes() -> None:
    mask = np.zeros((3, 4), bool)
    empty = mask.copy()
    mask[1, 1:3] = True
    found = items([mask, empty, empty, mask, None], [mask, empty, mask, empty, mask], [(2.0, 1.0)] * 5)
    assert found == pytest.approx([0, 0, *[math.hypot(6, 4)] * 3])


@pytest.mark.parametrize("spacing_mm", [(0.7, 3.1), (3.0, 0.8, 0.6)])
def test_agrees_with_scipy_on_random_masks_in_any_order(spacing_mm: tuple[float, ...]) -> None:
    draw = np.random.default_rng(len(spacing_mm))
    shape = (31, 40) if len(spacing_mm) == 2 else (12, 20, 17)
    given, true = ([blob(draw, shape) for _ in range(12)] for _ in range(2))
    expected = [by_scipy(g, t, spacing_mm) for g, t in zip(given, true, strict=True)]
    assert items(given, true, [spacing_mm] * 12) == pytest.approx(expected, abs=1e-9)
    assert items(given[::-1], true[::-1], [spacing_mm] * 12) == pytest.approx(expected[::-1], abs=1e-9)


def test_on_ellipsoids_the_package_with_areas_differs_by_less_than_a_pixel() -> None:
    grid = np.stack(np.meshgrid(*[np.arange(40)] * 3, indexing="ij"), axis=-1)
    one, other = (np.linalg.norm((grid - center) / (14, 11, 9), axis=-1) < 1 for center in ((19, 19, 19), (21, 20, 17)))
    theirs = peer.compute_robust_hausdorff(peer.compute_surface_distances(one, other, (1.0, 1.0, 1.0)), 95)
    assert items([one], [other], [(1.0, 1.0, 1.0)])[0] == pytest.approx(theirs, abs=1.0)
