"""One body, three ways of seeing it: volume, frontal and lateral agree, and what is stated of it is true in all."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from vesalius.phantom import world
from vesalius.phantom.bodies.chest import parts
from vesalius.phantom.bodies.chest.body import Chest, chest_of
from vesalius.phantom.bodies.chest.lesions import Placed, placed
from vesalius.phantom.bodies.chest.scene import MASKS, SEEN_MM, scene_of
from vesalius.phantom.bodies.chest.spans import Span, cropped, fill, from_the_side, gaps, total, upright_rays
from vesalius.phantom.bodies.chest.voxels import labelled
from vesalius.phantom.case import Case, open_case
from vesalius.phantom.findings import timeline
from vesalius.phantom.grid import Grid
from vesalius.phantom.kinds import chest_ct, chest_xray
from vesalius.phantom.truth import Bools, Phantom

STEP_MM = 2.5
ALL = "effusion,nodule,consolidation,pneumothorax,cardiomegaly"


def case_of(kind: str, seed: int, **values: Any) -> Case:
    fixed: dict[str, Any] = {"sex": "F", "age_years": 50, **values}
    first, _, _ = timeline(kind, seed, chest_ct.FINDINGS, fixed)
    return open_case(kind, seed, 0, fixed, first, ())


def body_of(seed: int, **values: Any) -> tuple[Chest, list[Placed]]:
    case = case_of("chest_ct", seed, **values)
    return chest_of(case), placed(case)


@cache
def ct(seed: int, **factors: Any) -> Phantom:
    return world.make("chest_ct", seed=seed, **{"size_px": 96, **factors})


@cache
def xray(seed: int, **factors: Any) -> Phantom:
    return world.make("chest_xray", seed=seed, **{"size_px": 160, **factors})


def edge_of(mask: Bools) -> Bools:
    """A pixel on either side of a mask's outline."""
    padded = np.pad(mask, 1)
    near = [padded[1 + a : padded.shape[0] - 1 + a, 1 + b : padded.shape[1] - 1 + b] for a in (-1, 0, 1) for b in (-1, 0, 1)]
    found: Bools = np.any(near, axis=0) & ~np.all(near, axis=0)
    return found


def agree(counted: Bools, stated: Bools, name: str) -> None:
    """Two masks of one picture differ at their edges alone, and in area by no more than half of the edge's pixels."""
    rim = edge_of(stated) | edge_of(counted)
    assert not ((counted != stated) & ~rim).any(), name
    assert abs(int(counted.sum()) - int(stated.sum())) <= 0.3 * rim.sum() + 2, name


@pytest.mark.parametrize("seed", [2, 7])
def test_rays_counted_through_the_voxels_give_the_masks_of_both_radiographs(seed: int) -> None:
    chest, lesions = body_of(seed, finding=ALL)
    grid = Grid((132, 150, 150), (STEP_MM,) * 3)
    rays = upright_rays(150, 132, STEP_MM, STEP_MM)
    scene = scene_of(chest, lesions, rays)
    _, voxels = labelled(scene, grid)
    voxels["lungs"] = voxels["right lung"] | voxels["left lung"]
    named = {"lungs": scene.air} | {name: scene.named(*parts) for name, parts in MASKS.items()}
    named |= {wrong.lesion.mask: list(wrong.inside) for wrong in scene.wrong}
    for name, spans in named.items():
        frontal = total(spans, rays.shape)
        lateral = from_the_side(spans, 132, 150, STEP_MM, STEP_MM, -75 * STEP_MM)
        if name in ("ribs", "clavicles"):  # thinner than a voxel here and there, so that not every ray counts one
            assert not (voxels[name].any(axis=1) & (frontal <= SEEN_MM)).any(), name
            assert not (voxels[name].any(axis=2) & (lateral <= SEEN_MM)).any(), name
        else:
            agree(np.any(voxels[name], axis=1), frontal > SEEN_MM, f"{name}, frontal")
            agree(np.any(voxels[name], axis=2), lateral > SEEN_MM, f"{name}, lateral")
        if name in ("aorta", "clavicles"):
            continue  # its parts overlap one another
        assert voxels[name].sum() * STEP_MM == pytest.approx(float(frontal.sum()), rel=0.04, abs=10), name


def test_the_lateral_picture_has_the_rows_and_the_masks_of_the_same_body() -> None:
    for seed in (1, 4):
        phantom = world.make("chest_xray", seed=seed, size_px=128, views="both", finding="nodule,effusion", count=1)
        frontal, lateral = phantom.pictures
        assert (frontal.view, lateral.view, lateral.name) == ("PA", "LL", "lateral")
        assert set(frontal.masks) == set(lateral.masks)
        one, other = frontal.boxes()["aorta"], lateral.boxes()["aorta"]
        assert one.low[0] == pytest.approx(other.low[0], abs=6), "a tilt of the frontal picture moves rows a little"
        assert np.argwhere(lateral.masks["spine"])[:, 1].mean() > np.argwhere(lateral.masks["heart"])[:, 1].mean() + 10


def test_gaps_are_what_cuts_leave_whatever_their_order() -> None:
    rng = np.random.default_rng(3)
    shape, depth = (6, 9), np.arange(-60, 60, 0.5).astype(np.float32)

    def drawn() -> Span:
        front = rng.uniform(-55, 50, shape).astype(np.float32)
        return Span(slice(0, 6), slice(0, 9), front, front + rng.uniform(-5, 30, shape).astype(np.float32))

    hull = Span(slice(0, 6), slice(0, 9), np.full(shape, -50, np.float32), np.full(shape, 50, np.float32))
    for _ in range(20):
        cuts = [drawn() for _ in range(4)]
        cuts[0] = cropped(cuts[0], (slice(0, 6), slice(2, 5)))
        left = gaps(hull, cuts)
        counted = np.zeros((6, len(depth), 9), np.uint8)
        fill(counted, depth, hull, 1)
        for cut in cuts:
            fill(counted, depth, cut, 0)
        assert np.abs(total(left, shape) - counted.sum(axis=1) * 0.5).max() <= 0.5 * 6


def test_the_same_seed_is_the_same_body_with_the_same_lesions_in_both_kinds() -> None:
    for seed in range(6):
        fixed: dict[str, Any] = {
            "finding": "nodule,consolidation",
            "side": "left",
            "zone": "upper",
            "shape": "round",
            "margin": "smooth",
        }
        fixed |= {"density": "solid", "count": 1}
        one, other = (case_of(kind, seed, **fixed) for kind in ("chest_ct", "chest_xray"))
        a, b = chest_of(one), chest_of(other)
        assert (a.depth, a.half_width, a.arch, a.rib_gap, a.ratio) == (b.depth, b.half_width, b.arch, b.rib_gap, b.ratio)
        for first, second in zip(placed(one), placed(other), strict=True):
            if first.lesion.size_mm == second.lesion.size_mm:
                assert first.center == second.center
        same = {**fixed, "finding": "nodule", "size_mm": 18.0}
        centers = [placed(case_of(kind, seed, **same))[0].center for kind in ("chest_ct", "chest_xray")]
        assert centers[0] == centers[1]
        assert all(d.name == e.name for d, e in zip(chest_ct.FINDINGS, chest_xray.FINDINGS, strict=True))


def extents_mm(phantom: Phantom, mask: str) -> list[float]:
    """Of a mask of the first picture, along each axis."""
    picture = phantom.picture
    spacing = picture.spacing_mm
    assert spacing is not None
    return [float(np.ptp(axis) + 1) * step for axis, step in zip(np.nonzero(picture.masks[mask]), spacing, strict=True)]


@pytest.mark.parametrize("size_mm", [10, 14, 60, 120])
@pytest.mark.parametrize("side", ["right", "left"])
def test_an_effusion_is_as_high_as_stated(size_mm: float, side: str) -> None:
    for seed in (3, 8):
        volume, picture = (
            ct(seed, size_px=64, finding="effusion", side=side, size_mm=size_mm),
            xray(seed, finding="effusion", side=side, size_mm=size_mm),
        )
        spacing = volume.picture.spacing_mm
        assert spacing is not None
        assert extents_mm(volume, "effusion")[0] == pytest.approx(size_mm, abs=float(np.hypot(spacing[0], spacing[1])))
        tilt = 0.07 * extents_mm(picture, "effusion")[1]  # a tilted patient's fluid is measured along the picture
        assert extents_mm(picture, "effusion")[0] == pytest.approx(size_mm, abs=3.3 + tilt)
        for phantom in (volume, picture):
            columns = np.nonzero(phantom.picture.masks["effusion"])[-1]
            middle = phantom.picture.masks["effusion"].shape[-1] / 2
            assert (columns.mean() > middle) == (side == "left")


@pytest.mark.parametrize("size_mm", [8, 15, 35])
@pytest.mark.parametrize("shape", ["round", "oval", "lobulated"])
def test_a_nodule_is_as_wide_as_stated(size_mm: float, shape: str) -> None:
    for margin in ("smooth", "spiculated"):
        phantom = xray(5, size_px=300, finding="nodule", count=1, size_mm=size_mm, shape=shape, margin=margin)
        spacing = phantom.picture.spacing_mm
        assert spacing is not None
        places = np.argwhere(phantom.picture.masks["nodule"]) * spacing[0]
        apart = np.hypot(*(places[:, None, :] - places[None, :, :]).transpose(2, 0, 1)).max() + spacing[0]
        assert apart == pytest.approx(size_mm, abs=1.42 * spacing[0]), margin


@pytest.mark.parametrize("finding", ["nodule", "consolidation"])
def test_a_lesion_lies_in_its_zone_of_its_lung(finding: str) -> None:
    for seed in range(4):
        for zone in ("upper", "middle", "lower"):
            for side in ("right", "left"):
                phantom = xray(seed, finding=finding, side=side, zone=zone, size_px=96)
                masks, spacing = phantom.picture.masks, phantom.picture.spacing_mm
                assert spacing is not None
                lung = np.nonzero(masks[f"{side} lung"])
                dome = phantom.picture.points[f"{side} dome"].at[0]
                share = (np.nonzero(masks[finding])[0].mean() + 0.5 - lung[0].min()) / (dome - lung[0].min())
                expected = ("upper", "middle", "lower").index(zone) / 3
                assert expected - 0.12 < share < expected + 0.45, (seed, zone, side)
                assert (masks[finding] & masks[f"{side} lung"]).sum() >= 0.95 * masks[finding].sum()


def test_a_consolidation_is_as_high_as_stated() -> None:
    for seed in range(3):
        for size_mm in (45, 105):
            phantom = ct(seed, size_px=64, finding="consolidation", size_mm=size_mm)
            assert extents_mm(phantom, "consolidation")[0] == pytest.approx(size_mm, abs=7.3), (seed, size_mm)


def test_a_pneumothorax_parts_the_lung_from_the_top_of_its_cavity_by_what_is_stated() -> None:
    for seed in range(2):
        for size_mm in (14, 60):
            phantom = ct(seed, finding="pneumothorax", side="left", size_mm=size_mm)
            masks, spacing = phantom.picture.masks, phantom.picture.spacing_mm
            assert spacing is not None
            tops = [np.nonzero(masks[name])[0].max() for name in ("pneumothorax", "left lung")]
            assert (tops[0] - tops[1]) * spacing[0] == pytest.approx(size_mm, abs=5.2)
            hu = phantom.picture.pixels
            assert hu[masks["pneumothorax"]].mean() < -900 < hu[masks["left lung"]].mean()


@pytest.mark.parametrize("grade", ["none", "mild", "moderate", "severe"])
def test_the_cardiothoracic_ratio_is_that_of_the_masks(grade: str) -> None:
    fixed = {"finding": "none"} if grade == "none" else {"finding": "cardiomegaly", "severity": grade}
    for seed in range(2):
        phantom = ct(seed, **fixed)
        stated = {m.name: m.value for m in phantom.measurements}
        widths = [extents_mm(phantom, "heart")[2]]
        lungs = phantom.picture.masks["right lung"] | phantom.picture.masks["left lung"]
        spacing = phantom.picture.spacing_mm
        assert spacing is not None
        widths.append(float(np.ptp(np.nonzero(lungs)[2]) + 1) * spacing[2])
        assert widths[0] == pytest.approx(stated["heart width"], abs=2 * spacing[2])
        assert widths[0] / widths[1] == pytest.approx(stated["cardiothoracic ratio"], abs=0.03)
        assert (stated["cardiothoracic ratio"] > 0.5) == (grade != "none")


def test_volumes_are_those_of_the_masks() -> None:
    phantom = ct(2, finding=ALL.replace(",cardiomegaly", ""))
    spacing = phantom.picture.spacing_mm
    assert spacing is not None
    for measured in phantom.measurements:
        if measured.unit == "mL":
            counted = phantom.picture.masks[measured.of].sum() * float(np.prod(spacing)) / 1000
            assert counted == pytest.approx(measured.value, rel=0.05, abs=4), measured.name


def test_the_axis_of_the_heart_is_that_of_its_ventricles_seen_from_the_front() -> None:
    for seed in range(4):
        chest, _ = body_of(seed, finding="none")
        rays = upright_rays(300, 300, 1.0, 1.0)
        ventricles = np.zeros(rays.shape, bool)
        ventricles[parts.heart(chest, rays)[0].window] = parts.heart(chest, rays)[0].length > 0
        z, x = (axis - axis.mean() for axis in np.nonzero(ventricles))
        turn = 0.5 * np.degrees(np.arctan2(2 * (x * z).mean(), (x * x).mean() - (z * z).mean()))
        (stated,) = [m.value for m in ct(seed, finding="none", sex="F", age_years=50).measurements if m.unit == "deg"]
        assert -turn == pytest.approx(stated, abs=0.5)


def test_landmarks_lie_where_they_are_in_the_volume() -> None:
    for seed in range(3):
        phantom = ct(seed, finding="none")
        masks, at = phantom.picture.masks, {name: point.at for name, point in phantom.picture.points.items()}
        trachea = np.argwhere(masks["trachea"])
        lowest = trachea[trachea[:, 0] == trachea[:, 0].min()].mean(axis=0) + 0.5
        np.testing.assert_allclose(at["carina"], lowest, atol=1.0)
        z, y, x = (int(value) for value in at["right dome"])  # on the left one lies the heart
        assert masks["right lung"][z + 2, y, x]
        assert not masks["right lung"][: z - 1, y, x].any()


def test_lobes_make_up_the_lungs() -> None:
    for phantom in (ct(1), xray(1)):
        masks = phantom.picture.masks
        for side, lobes in (("right", ("upper", "middle", "lower")), ("left", ("upper", "lower"))):
            joined = np.any([masks[f"{side} {lobe} lobe"] for lobe in lobes], axis=0)
            assert (joined == masks[f"{side} lung"]).all()


def test_tissues_have_their_hounsfield_units() -> None:
    plain, given = ct(4, finding="none", contrast="none"), ct(4, finding="none", contrast="given")
    masks = plain.picture.masks
    assert 30 < np.median(plain.picture.pixels[masks["heart"]]) < 60
    assert np.median(given.picture.pixels[masks["aorta"]]) > 120
    assert -950 < np.median(plain.picture.pixels[masks["left lung"]]) < -700
    assert np.median(plain.picture.pixels[masks["trachea"]]) < -900
    assert np.percentile(plain.picture.pixels[masks["ribs"]], 90) > 250


def test_the_call_of_the_issue_works_and_is_exact() -> None:
    phantom = world.make("chest_ct", seed=7, finding="effusion", side="right", size_mm=14, spacing_mm=(4, 1.4, 1.4))
    picture = phantom.picture
    assert picture.spacing_mm == (4, 1.4, 1.4)
    assert extents_mm(phantom, "effusion")[0] == pytest.approx(14, abs=4.3)
    assert 340 <= picture.pixels.shape[2] * 1.4 <= 380


def test_a_marker_stands_on_its_side_and_a_lesion_is_brighter_than_its_twin() -> None:
    for seed in range(3):
        for marker in ("R", "L"):
            drawn = xray(seed, marker=marker).picture.pixels != xray(seed, marker="none").picture.pixels
            assert (np.nonzero(drawn)[1] < 80).all() == (marker == "R")
        for finding, sign in (("effusion", 1), ("nodule", 1), ("consolidation", 1), ("pneumothorax", -1)):
            one, twin = xray(seed, finding=finding).picture, xray(seed, finding="none").picture
            mask = one.masks[finding]
            change = one.pixels[mask].astype(int) - twin.pixels[mask]
            assert sign * change.mean() > 15, finding


def test_a_nodule_between_all_beams_is_on_the_nearest_one() -> None:
    for seed in range(12):
        for phantom in (xray(seed, size_px=32, finding="nodule", size_mm=8), ct(seed, size_px=16, finding="nodule", size_mm=8)):
            assert all(phantom.picture.masks[lesion.mask].any() for lesion in phantom.lesions)
