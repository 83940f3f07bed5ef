"""What is special to photographs of the retina: places, sizes, counts and the stage of retinopathy."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from vesalius.phantom import world
from vesalius.phantom.kinds.fundus import QUADRANTS, graded
from vesalius.phantom.truth import Bools, Phantom

SIZED = [item for item in world.catalogue("fundus") if item.size_mm]


def spacing(phantom: Phantom) -> float:
    assert phantom.picture.spacing_mm is not None
    return phantom.picture.spacing_mm[0]


@cache
def eye(seed: int, size_px: int = 256, visit: int = 0, **factors: Any) -> Phantom:
    return world.make("fundus", seed=seed, size_px=size_px, visit=visit, wording="canonical", **factors)


def measured(phantom: Phantom, name: str) -> float:
    return next(found.value for found in phantom.measurements if found.name == name)


def greatest_extent_px(mask: Bools) -> float:
    at = np.argwhere(mask) + 0.5
    turns = np.arange(180) * np.pi / 180
    return float(max(np.ptp(at[:, 0] * np.sin(turn) + at[:, 1] * np.cos(turn)) for turn in turns)) + 1


def pieces(mask: Bools) -> int:
    """Connected regions, by diagonals too."""
    left, found = set(map(tuple, np.argwhere(mask))), 0
    while left:
        found += 1
        open_ends = [left.pop()]
        while open_ends:
            y, x = open_ends.pop()
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            open_ends += near
    return found


@pytest.mark.parametrize("item", SIZED, ids=lambda item: item.name)
def test_a_lesion_is_as_large_as_stated_on_its_mask(item: Any) -> None:
    low, high = item.size_mm
    for seed, size_mm in ((1, low), (2, high)):
        for visit, change in ((0, "smaller"), (1, "smaller"), (1, "larger")):
            phantom = eye(seed, 384, visit, finding=item.name, size_mm=size_mm, change=change)
            step = spacing(phantom)
            for lesion in phantom.lesions:
                extent = greatest_extent_px(phantom.picture.masks[lesion.mask]) * step
                assert extent == pytest.approx(lesion.size_mm, abs=1.5 * step), (lesion, seed)


@pytest.mark.parametrize("item", [item for item in SIZED if "zone" in item.attributes], ids=lambda item: item.name)
def test_a_lesion_lies_in_its_zone(item: Any) -> None:
    for seed in range(6):
        phantom = eye(seed, 128, finding=item.name)
        fovea, disc = (np.array(phantom.picture.points[name].at) for name in ("fovea", "optic disc"))
        mirror = measured(phantom, "laterality")
        for lesion in phantom.lesions:
            middle = np.argwhere(phantom.picture.masks[lesion.mask]).mean(axis=0) + 0.5
            up = "superior" if middle[0] < disc[0] else "inferior"
            out = "temporal" if (middle[1] - disc[1]) * mirror < 0 else "nasal"
            if lesion.zone in QUADRANTS:
                assert f"{up} {out}" == lesion.zone, seed
            else:
                target = fovea if lesion.zone == "macula" else disc
                assert np.hypot(*(middle - target)) * spacing(phantom) < 1.8, seed


def test_no_lesion_is_cut_off_by_the_camera() -> None:
    for seed in range(12):
        phantom = eye(seed, 128, 1, finding="hard exudates,cotton-wool spot,laser scars", change="larger")
        for lesion in phantom.lesions:
            assert not (phantom.picture.masks[lesion.mask] & ~phantom.picture.masks["field"]).any(), (seed, lesion)


def test_the_disc_lies_toward_the_nose_in_right_and_left_eyes() -> None:
    for seed in range(4):
        for name, view, sign in (("right", "R", 1), ("left", "L", -1)):
            phantom = eye(seed, 64, eye=name)
            fovea, disc = (phantom.picture.points[point].at for point in ("fovea", "optic disc"))
            assert phantom.picture.view == view
            assert (disc[1] - fovea[1]) * sign > 0
            assert fovea[0] > disc[0], "the fovea lies a little below the middle of the disc"


def test_what_is_measured_on_the_masks_is_what_is_stated() -> None:
    for seed in range(6):
        phantom = eye(seed)
        step = spacing(phantom)
        heights = {
            name: np.ptp(np.flatnonzero(phantom.picture.masks[name].any(axis=1))) + 1 for name in ("optic disc", "optic cup")
        }
        disc_mm = heights["optic disc"] * step
        assert disc_mm == pytest.approx(measured(phantom, "disc diameter"), abs=1.5 * step)
        ratio = measured(phantom, "vertical cup-to-disc ratio")
        assert heights["optic cup"] * step == pytest.approx(ratio * measured(phantom, "disc diameter"), abs=1.5 * step)
        points = phantom.picture.points
        distance = np.hypot(*np.subtract(points["fovea"].at, points["optic disc"].at)) * step
        assert distance == pytest.approx(measured(phantom, "distance from disc to fovea"), abs=1e-3)


def test_cups_of_glaucoma_are_larger_than_healthy_ones_and_grow_with_severity() -> None:
    ratios = [
        [
            measured(eye(seed, 64, finding="glaucomatous cupping", severity=word), "vertical cup-to-disc ratio")
            for seed in range(5)
        ]
        for word in ("mild", "moderate", "severe")
    ]
    healthy = [measured(eye(seed, 64, finding="none"), "vertical cup-to-disc ratio") for seed in range(40)]
    assert max(healthy) < min(ratios[0])
    assert max(ratios[0]) < min(ratios[1])
    assert max(ratios[1]) < min(ratios[2])


def test_microaneurysms_can_be_counted_on_their_masks() -> None:
    for seed in range(5):
        phantom = eye(seed, 512, finding="microaneurysms")
        counted = sum(pieces(phantom.picture.masks[lesion.mask]) for lesion in phantom.lesions)
        assert counted == measured(phantom, "number of microaneurysms")


def test_severe_hemorrhages_are_more_than_twenty_in_each_of_four_quadrants() -> None:
    phantom = eye(3, 512, finding="hemorrhages", severity="severe")
    mask, disc = phantom.picture.masks["hemorrhages"], np.round(phantom.picture.points["optic disc"].at).astype(int)
    quadrants = [
        mask[rows, columns]
        for rows in (slice(disc[0]), slice(disc[0], None))
        for columns in (slice(disc[1]), slice(disc[1], None))
    ]
    assert min(pieces(part) for part in quadrants) > 16, "some touch each other"
    assert measured(phantom, "fewest hemorrhages in a quadrant") > 20
    assert measured(phantom, "retinopathy grade") == 3


def test_the_stage_follows_from_the_findings() -> None:
    expected = {"none": 0, "microaneurysms": 1, "hard exudates": 2, "cotton-wool spot": 2, "neovascularization": 4, "drusen": 0}
    for finding, grade in expected.items():
        phantom = eye(5, 64, finding=finding)
        assert measured(phantom, "retinopathy grade") == grade, finding
        assert measured(phantom, "referable") == (grade >= 2)
    assert graded({"hemorrhages"}, 20) == 2
    assert graded({"hemorrhages"}, 21) == 3
    assert graded({"hemorrhages", "neovascularization"}, 30) == 4


def test_veins_are_wider_than_arteries_by_the_stated_ratio() -> None:
    for seed in range(4):
        phantom = eye(seed)
        assert 0.55 < measured(phantom, "arteriole-to-venule ratio") < 0.8
        masks = phantom.picture.masks
        assert masks["veins"].sum() > masks["arteries"].sum()


def test_the_fovea_lies_at_the_stated_distance_and_angle_from_the_disc() -> None:
    for seed in range(8):
        phantom = eye(seed, 128, finding="none")
        disc, fovea = (np.array(phantom.picture.points[name].at) for name in ("optic disc", "fovea"))
        down, aside = (fovea - disc) * spacing(phantom)
        assert np.hypot(down, aside) == pytest.approx(measured(phantom, "distance from disc to fovea"), rel=1e-3)
        assert np.degrees(np.arctan2(down, abs(aside))) == pytest.approx(measured(phantom, "disc-fovea angle"), abs=0.05)
