"""What is special to the brain: sizes on masks, sides and lobes, the midline that really moves, the physics of the signals."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from tests.phantom.kinds.measuring import diameter_mm, named

from vesalius.phantom import world
from vesalius.phantom.bodies.brain.head import CSF
from vesalius.phantom.bodies.brain.inside import GRAY, WHITE
from vesalius.phantom.bodies.mr.signal import Tissue
from vesalius.phantom.kinds.brain_mr import SEQUENCES
from vesalius.phantom.truth import Bools, Phantom, Picture

BLOBS = ("glioma", "meningioma", "infarct", "white matter lesion", "pituitary mass")


@cache
def head(seed: int, visit: int = 0, **factors: Any) -> Phantom:
    return world.make("brain_mr", seed=seed, visit=visit, wording="canonical", **{"size_px": 64, **factors})


def center_lps_mm(mask: Bools, picture: Picture) -> np.ndarray[Any, Any]:
    assert picture.affine_lps_mm is not None
    place: np.ndarray[Any, Any] = picture.affine_lps_mm @ np.array([*np.argwhere(mask).mean(axis=0), 1.0])
    return place[:3]


@pytest.mark.parametrize("finding", BLOBS)
def test_the_greatest_diameter_of_a_mask_is_the_stated_one(finding: str) -> None:
    for seed, change in ((1, None), (2, "larger"), (3, "smaller")):
        phantom = head(seed, int(change is not None), finding=finding, **({"change": change} if change else {}))
        picture = phantom.picture
        diagonal = float(np.linalg.norm(picture.spacing_mm or ()))
        for lesion in phantom.lesions:
            assert diameter_mm(picture.masks[lesion.mask], picture) == pytest.approx(lesion.size_mm, abs=diagonal)


def test_a_collection_is_as_thick_from_side_to_side_as_stated() -> None:
    for seed in range(3):
        phantom = head(seed, finding="subdural collection")
        picture, (lesion,) = phantom.picture, phantom.lesions
        assert picture.spacing_mm is not None
        thickest = picture.masks[lesion.mask].sum(axis=2).max() * picture.spacing_mm[2]
        assert thickest == pytest.approx(lesion.size_mm, abs=float(np.linalg.norm(picture.spacing_mm)))


def test_lesions_lie_on_their_side_and_in_their_lobe() -> None:
    for index, zone in enumerate(("frontal", "parietal", "temporal", "occipital")):
        for finding in ("glioma", "meningioma", "infarct"):
            side, sign = (("left", 1), ("right", -1))[index % 2]
            phantom = head(4, finding=finding, zone=zone, side=side, size_mm=22, size_px=32)
            x, y, z = center_lps_mm(phantom.picture.masks[phantom.lesions[0].mask], phantom.picture)
            assert x * sign > 0
            assert {"frontal": y < -12, "parietal": z > 10, "temporal": z < 10, "occipital": y > 15}[zone], (finding, zone)


def test_the_midline_shifts_by_the_stated_distance_away_from_the_lesion() -> None:
    for side, sign in (("left", -1), ("right", 1)):
        phantom, twin = head(6, finding="subdural collection", side=side, size_mm=13), head(6, finding="none")
        shift, picture = named(phantom, "midline shift"), phantom.picture
        assert shift > 3.5
        assert named(twin, "midline shift") == 0
        assert picture.spacing_mm is not None
        moved = (picture.points["septum"].at[2] - twin.picture.points["septum"].at[2]) * picture.spacing_mm[2]
        assert moved == pytest.approx(sign * shift, rel=0.03)
        # The third ventricle and the horns go with it: near the middle every voxel moves alike.
        own = center_lps_mm(picture.masks["ventricles"], picture)[0] - center_lps_mm(twin.picture.masks["ventricles"], picture)[0]
        assert own == pytest.approx(sign * shift, abs=3)


def test_volumes_and_widths_are_those_of_the_masks() -> None:
    for seed, finding in ((7, "none"), (8, "hydrocephalus")):
        phantom = head(seed, finding=finding)
        picture = phantom.picture
        assert picture.spacing_mm is not None
        volume = picture.masks["ventricles"].sum() * np.prod(picture.spacing_mm) / 1000
        assert volume == pytest.approx(named(phantom, "ventricular volume"), rel=0.08)
        front = picture.masks["ventricles"][:, : int(picture.points["septum"].at[1] - 12 / picture.spacing_mm[1])]
        columns = np.flatnonzero(front.any(axis=(0, 1)))
        width = (columns[-1] - columns[0] + 1) * picture.spacing_mm[2]
        assert width == pytest.approx(named(phantom, "frontal horn width"), abs=2 * picture.spacing_mm[2])


def test_free_fluid_is_dark_in_flair_and_bright_in_t2_and_white_matter_is_brighter_than_gray_only_in_t1() -> None:
    flair, t1, t2 = SEQUENCES
    assert flair.signal(CSF) < 0.25 * flair.signal(WHITE)
    assert t2.signal(CSF) > 1.8 * t2.signal(GRAY)
    assert t1.signal(WHITE) > t1.signal(GRAY) > t1.signal(CSF)
    assert flair.signal(GRAY) > flair.signal(WHITE)
    assert t2.signal(GRAY) > t2.signal(WHITE)


def test_the_spin_echo_equation_holds() -> None:
    tissue = Tissue(1000, 100, 0.8)
    t2 = SEQUENCES[2]
    assert t2.signal(tissue) == pytest.approx(t2.gain * 0.8 * (1 - np.exp(-4.5)) * np.exp(-0.95))


def test_perivascular_spaces_of_the_healthy_are_dark_in_flair_where_lesions_are_bright() -> None:
    phantom = head(11, finding="white matter lesion", size_mm=13)
    twin = head(11, finding="none")
    for lesion in phantom.lesions:
        mask = phantom.picture.masks[lesion.mask]
        assert phantom.picture.pixels[mask].mean() > 1.15 * twin.picture.pixels[mask].mean()
