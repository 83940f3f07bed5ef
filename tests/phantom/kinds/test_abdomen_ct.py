"""What is true of abdomens on CT: sizes, sides, volumes and densities are as stated."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from vesalius.phantom import world
from vesalius.phantom.truth import Bools, Phantom, Picture

SIZED = ("liver mass", "gallstone", "kidney stone", "renal cyst", "renal mass")


@cache
def patient(seed: int, visit: int = 0, **factors: Any) -> Phantom:
    return world.make("abdomen_ct", seed=seed, visit=visit, wording="canonical", **{"size_px": 64, **factors})


def measured(phantom: Phantom, name: str) -> float:
    return next(m.value for m in phantom.measurements if m.name == name)


def middle(mask: Bools) -> tuple[float, float, float]:
    z, y, x = np.argwhere(mask).mean(axis=0)
    return float(z), float(y), float(x)


def diameter_mm(picture: Picture, mask: Bools) -> float:
    """The greatest distance between the middles of two voxels, and one voxel."""
    places = np.argwhere(mask & ~_inner(mask)) * np.array(picture.spacing_mm)
    apart = np.sqrt(((places[:, None] - places[None]) ** 2).sum(axis=2))
    return float(apart.max() + np.mean(picture.spacing_mm))


def _inner(mask: Bools) -> Bools:
    """Voxels whose neighbors are all inside."""
    inner = mask.copy()
    for axis in range(3):
        inner &= np.roll(mask, 1, axis) & np.roll(mask, -1, axis)
    return inner


@pytest.mark.parametrize("finding", SIZED)
def test_the_extent_of_a_lesion_is_its_size_within_a_voxel_diagonal(finding: str) -> None:
    item = next(item for item in world.catalogue("abdomen_ct") if item.name == finding)
    assert item.size_mm
    for seed, size_mm in ((3, item.size_mm[0]), (4, item.size_mm[1])):
        phantom = (
            patient(seed, finding=finding, size_mm=size_mm, count=1)
            if item.most > 1
            else patient(seed, finding=finding, size_mm=size_mm)
        )
        picture = phantom.picture
        diagonal = float(np.linalg.norm(picture.spacing_mm))
        assert abs(diameter_mm(picture, picture.masks[finding]) - size_mm) <= diagonal


def test_ascites_is_as_deep_as_stated_in_the_right_flank() -> None:
    for seed in (1, 2):
        phantom = patient(seed, finding="ascites", size_mm=28)
        mask = phantom.picture.masks["ascites"]
        right = mask[:, :, : mask.shape[2] // 2]
        deepest = right.sum(axis=2).max() * phantom.picture.spacing_mm[2]
        assert abs(deepest - 28) <= np.linalg.norm(phantom.picture.spacing_mm)


def test_sides_are_the_patients_own_and_poles_lie_in_order() -> None:
    heights = {}
    for side in ("right", "left"):
        for zone in ("upper pole", "middle third", "lower pole"):
            phantom = patient(5, finding="renal cyst", side=side, zone=zone, size_mm=20)
            z, _, x = middle(phantom.picture.masks["renal cyst"])
            assert (x > 32) == (side == "left")
            heights[side, zone] = z
        assert heights[side, "upper pole"] > heights[side, "middle third"] > heights[side, "lower pole"]


def test_volumes_are_those_of_the_masks() -> None:
    for seed in range(3):
        phantom = patient(seed, finding="none")
        voxel_ml = float(np.prod(phantom.picture.spacing_mm)) / 1000
        for name in ("liver", "spleen", "right kidney", "left kidney"):
            stated = measured(phantom, f"{name} volume")
            assert phantom.picture.masks[name].sum() * voxel_ml == pytest.approx(stated, rel=0.06), name


def test_the_length_of_the_spleen_is_that_of_its_mask() -> None:
    for severity, least in (("mild", 126), ("severe", 152)):
        phantom = patient(8, finding="splenomegaly", severity=severity)
        length = measured(phantom, "spleen length")
        spacing = phantom.picture.spacing_mm[0]
        assert length >= least
        assert abs(phantom.picture.masks["splenomegaly"].any(axis=(1, 2)).sum() * spacing - length) <= 2 * spacing
    assert measured(patient(8, finding="none"), "spleen length") < 120


def test_an_aneurysm_is_as_wide_as_its_grade_says() -> None:
    for severity, (least, most) in {"small": (31, 40), "moderate": (40, 50), "large": (50, 62)}.items():
        phantom = patient(9, finding="aortic aneurysm", severity=severity)
        width = measured(phantom, "aortic diameter")
        assert least <= width <= most
        mask = phantom.picture.masks["aorta"]
        spans = [np.ptp(np.flatnonzero(plane.any(axis=0))) + 1 for plane in mask if plane.any()]
        assert abs(max(spans) * phantom.picture.spacing_mm[2] - width) <= np.linalg.norm(phantom.picture.spacing_mm)
    assert measured(patient(9, finding="none"), "aortic diameter") < 30


def test_contrast_medium_comes_and_goes_with_the_phase() -> None:
    aorta, urine_free = {}, {}
    for phase in ("native", "arterial", "portal", "delayed"):
        phantom = patient(11, finding="none", phase=phase)
        aorta[phase] = float(np.median(phantom.picture.pixels[_inner(phantom.picture.masks["aorta"])]))
        urine_free[phase] = float(np.median(phantom.picture.pixels[_inner(phantom.picture.masks["liver"])]))
    assert aorta["arterial"] > aorta["portal"] > aorta["native"]
    assert urine_free["portal"] > urine_free["arterial"] > urine_free["native"] - 5


def test_a_cyst_is_water_in_every_phase_and_a_mass_takes_up_contrast_medium() -> None:
    for phase, least in (("native", 20), ("arterial", 70)):
        found = {}
        for finding in ("renal cyst", "renal mass"):
            phantom = patient(12, finding=finding, size_mm=45, phase=phase)
            found[finding] = float(np.median(phantom.picture.pixels[_inner(phantom.picture.masks[finding])]))
        assert abs(found["renal cyst"]) < 25
        assert found["renal mass"] > least


def test_a_mass_is_darker_or_brighter_than_the_liver_as_stated() -> None:
    for density in ("hypodense", "hyperdense"):
        phantom = patient(
            13, finding="liver mass", density=density, margin="well-defined", zone="right lobe", size_mm=40, count=1
        )
        mask = phantom.picture.masks["liver mass"]
        liver = phantom.picture.masks["liver"] & ~mask
        values = phantom.picture.pixels
        assert (np.median(values[mask]) > np.median(values[liver])) == (density == "hyperdense")


def test_a_lesion_between_the_middles_of_voxels_has_one_voxel() -> None:
    phantom = patient(14, finding="kidney stone", size_mm=8, size_px=16)
    assert phantom.picture.masks["kidney stone"].sum() >= 1
