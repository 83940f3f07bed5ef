"""What is special to the knee: sizes on masks, compartments, thickness of cartilage, fluid, fat suppression."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from tests.phantom.kinds.measuring import diameter_mm, named

from vesalius.phantom import world
from vesalius.phantom.bodies.knee.body import COMPARTMENTS, FLUID, MARROW, MENISCUS
from vesalius.phantom.kinds.knee_mr import SEQUENCES
from vesalius.phantom.truth import Bools, Phantom

BLOBS = ("cartilage loss", "meniscal tear", "bone marrow edema", "popliteal cyst", "osteophyte")


@cache
def knee(seed: int, visit: int = 0, **factors: Any) -> Phantom:
    return world.make("knee_mr", seed=seed, visit=visit, wording="canonical", **{"size_px": 64, **factors})


def middle(mask: Bools) -> np.ndarray[Any, Any]:
    found: np.ndarray[Any, Any] = np.argwhere(mask).mean(axis=0)
    return found


@pytest.mark.parametrize("finding", BLOBS)
def test_the_greatest_diameter_of_a_mask_is_the_stated_one(finding: str) -> None:
    for seed, change in ((1, None), (2, "larger"), (3, "smaller")):
        phantom = knee(seed, int(change is not None), finding=finding, **({"change": change} if change else {}))
        picture = phantom.picture
        diagonal = float(np.linalg.norm(picture.spacing_mm or ()))
        for lesion in phantom.lesions:
            assert diameter_mm(picture.masks[lesion.mask], picture) == pytest.approx(lesion.size_mm, abs=diagonal)


def test_an_effusion_is_as_deep_and_as_much_as_stated() -> None:
    for seed, size_mm in ((1, 6), (3, 12)):
        phantom = knee(seed, finding="joint effusion", size_mm=size_mm)
        picture, (lesion,) = phantom.picture, phantom.lesions
        assert picture.spacing_mm is not None
        mask = picture.masks[lesion.mask]
        assert mask.sum(axis=1).max() * picture.spacing_mm[1] == pytest.approx(
            size_mm, abs=float(np.linalg.norm(picture.spacing_mm))
        )
        volume = mask.sum() * np.prod(picture.spacing_mm) / 1000
        assert volume == pytest.approx(named(phantom, "effusion volume"), rel=0.12)


def test_medial_is_toward_the_other_knee() -> None:
    for side, sign in (("right", 1), ("left", -1)):  # the other knee of a right one is to the left, where x rises
        masks = knee(4, finding="none", knee=side).picture.masks
        for bone in ("femoral", "tibial"):
            apart = middle(masks[f"medial {bone} cartilage"])[2] - middle(masks[f"lateral {bone} cartilage"])[2]
            assert apart * sign > 5
        assert (middle(masks["medial meniscus"])[2] - middle(masks["lateral meniscus"])[2]) * sign > 5


@pytest.mark.parametrize("zone", COMPARTMENTS)
def test_what_is_wrong_with_a_compartment_lies_in_its_cartilage_and_its_bone(zone: str) -> None:
    healthy = knee(5, finding="none").picture.masks
    lost = knee(5, finding="cartilage loss", zone=zone, size_mm=12).picture.masks["cartilage loss"]
    assert healthy[f"{zone} cartilage"][lost].mean() > 0.9
    wet = knee(5, finding="bone marrow edema", zone=zone, size_mm=12).picture.masks["bone marrow edema"]
    bone = {"patellar": "patella", "al femoral": "femur", "al tibial": "tibia"}[zone.replace("medi", "").replace("later", "")]
    assert healthy[bone][wet].all()
    if zone != "patellar":
        other = zone.replace("medial", "lateral") if "medial" in zone else zone.replace("lateral", "medial")
        away = [np.abs(middle(wet) - middle(healthy[f"{name} cartilage"]))[2] for name in (zone, other)]
        assert away[0] < away[1]


def test_cartilage_is_as_thick_as_measured() -> None:
    fine = (0.5, 2.5, 2.5)
    phantom = world.make("knee_mr", seed=6, finding="none", spacing_mm=fine, wording="canonical")
    masks = phantom.picture.masks
    for side in ("medial", "lateral"):
        _, y, x = (round(float(at)) for at in middle(masks[f"{side} tibial cartilage"]))
        for bone in ("femoral", "tibial"):
            columns = masks[f"{side} {bone} cartilage"][:, y - 1 : y + 2, x - 1 : x + 2].sum(axis=0) * fine[0]
            assert np.median(columns) == pytest.approx(named(phantom, f"{side} {bone} cartilage thickness"), abs=0.6), (
                side,
                bone,
            )


def test_severity_is_the_share_of_cartilage_that_is_gone() -> None:
    left = [
        named(knee(7, finding="cartilage loss", zone="medial tibial", severity=severity), "medial tibial cartilage thickness")
        for severity in ("mild", "moderate", "severe")
    ]
    whole = named(knee(7, finding="none"), "medial tibial cartilage thickness")
    assert left == pytest.approx([0.65 * whole, 0.3 * whole, 0], abs=0.01)
    grades = [
        named(knee(7, finding="cartilage loss", severity=s), "osteoarthritis grade") for s in ("mild", "moderate", "severe")
    ]
    assert grades == [1, 3, 4]


def test_fat_suppression_darkens_marrow_and_leaves_fluid_bright() -> None:
    suppressed, plain = SEQUENCES
    assert suppressed.signal(MARROW) < 0.4 * plain.signal(MARROW)
    assert suppressed.signal(FLUID) > 3 * suppressed.signal(MARROW)
    assert plain.signal(MENISCUS) < 0.3 * plain.signal(MARROW)
    phantom = knee(8, finding="none", site="a")
    marrow = phantom.picture.masks["femur"]
    by_name = {picture.name: picture.pixels[marrow].mean() for picture in phantom.pictures}
    assert by_name["pd_fs"] < 0.6 * by_name["pd"]


def test_edema_is_bright_where_fat_is_suppressed() -> None:
    for seed in range(3):
        phantom, twin = (knee(seed, finding=finding) for finding in ("bone marrow edema", "none"))
        mask = phantom.picture.masks["bone marrow edema"]
        assert phantom.picture.pixels[mask].mean() > 1.4 * twin.picture.pixels[mask].mean()


def test_a_tear_is_taken_from_the_meniscus() -> None:
    phantom, twin = knee(9, finding="meniscal tear", zone="medial posterior horn"), knee(9, finding="none")
    tear = phantom.picture.masks["meniscal tear"]
    assert twin.picture.masks["medial meniscus"][tear].mean() > 0.9
    assert not phantom.picture.masks["medial meniscus"][tear].any()
