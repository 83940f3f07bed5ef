"""What is true of ultrasound clips: biometry, motion, shadows and speckle are as stated."""

import math
from functools import cache
from typing import Any

import numpy as np
import pytest

from vesalius.errors import UsageError
from vesalius.phantom import world
from vesalius.phantom.bodies.ultrasound import beam
from vesalius.phantom.grid import Grid
from vesalius.phantom.site import Look
from vesalius.phantom.truth import Bools, Floats, Phantom

PLAIN = Look(contrast=1, brightness=0, noise=1, blur=0.7, warmth=0)


@cache
def patient(seed: int, visit: int = 0, **factors: Any) -> Phantom:
    return world.make("ultrasound", seed=seed, visit=visit, wording="canonical", **{"size_px": 128, "frames": 6, **factors})


def measured(phantom: Phantom) -> dict[str, float]:
    return {m.name: m.value for m in phantom.measurements}


def axes_mm(mask: Bools, spacing_mm: float) -> tuple[float, float]:
    """Long and short axis of an ellipse, from its moments."""
    places = np.argwhere(mask) * spacing_mm
    spread = np.cov(places.T)
    half = math.hypot((spread[0, 0] - spread[1, 1]) / 2, spread[0, 1])
    mean = (spread[0, 0] + spread[1, 1]) / 2
    return 4 * math.sqrt(mean + half), 4 * math.sqrt(mean - half)


def test_biometry_is_that_of_the_mask_in_every_frame() -> None:
    for seed in range(4):
        phantom = patient(seed, finding="none", exam="fetal head")
        stated = measured(phantom)
        for frame in phantom.picture.masks["head"]:
            long, short = axes_mm(frame, phantom.picture.spacing_mm[0])
            assert long == pytest.approx(stated["occipitofrontal diameter"], rel=0.02)
            assert short == pytest.approx(stated["biparietal diameter"], rel=0.02)
            h = ((long - short) / (long + short)) ** 2
            around = math.pi * (long + short) / 2 * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))
            assert around == pytest.approx(stated["head circumference"], rel=0.02)


def test_ventricles_are_as_wide_as_their_grade_says_and_below_ten_in_health() -> None:
    for severity, (least, most) in {"mild": (10, 12), "moderate": (12, 15), "severe": (15, 18)}.items():
        assert least <= measured(patient(5, finding="ventriculomegaly", severity=severity))["atrial width"] <= most
    assert measured(patient(5, finding="none", exam="fetal head"))["atrial width"] < 10


@pytest.mark.parametrize(
    ("finding", "size_mm"), [("gallstone", 6), ("gallstone", 16), ("gallbladder polyp", 9), ("choroid plexus cyst", 10)]
)
def test_the_extent_of_a_lesion_is_its_size_within_a_pixel_diagonal(finding: str, size_mm: float) -> None:
    several = {"count": 1} if finding in ("gallstone", "gallbladder polyp") else {}
    phantom = patient(6, finding=finding, size_mm=size_mm, **several)
    spacing = phantom.picture.spacing_mm[0]
    for frame in phantom.picture.masks[finding]:
        assert abs(np.ptp(np.argwhere(frame), axis=0).max() * spacing + spacing - size_mm) <= math.sqrt(2) * spacing


@pytest.mark.parametrize("finding", ["pleural effusion", "consolidation"])
def test_the_depth_of_fluid_and_of_solid_lung_is_the_size(finding: str) -> None:
    for seed in range(4):
        phantom = patient(seed, finding=finding)
        size = phantom.lesions[0].size_mm
        assert size
        spacing = phantom.picture.spacing_mm[0]
        deepest = phantom.picture.masks[finding][0].sum(axis=0).max() * spacing
        assert abs(deepest - size) <= math.sqrt(2) * spacing


def test_a_stone_casts_a_shadow_and_a_polyp_does_not() -> None:
    dark = {}
    for finding in ("gallstone", "gallbladder polyp"):
        phantom = patient(7, finding=finding, size_mm=11, count=1)
        values, differences = phantom.picture.pixels.astype(float), []
        twin = patient(7, finding="none", exam="gallbladder").picture.pixels.astype(float)
        for now, healthy, mask in zip(values, twin, phantom.picture.masks[finding], strict=True):
            rows, columns = np.nonzero(mask)
            below = slice(rows.max() + 8, rows.max() + 30), slice(int(columns.mean()) - 1, int(columns.mean()) + 2)
            differences.append((now[below] - healthy[below]).mean())
        dark[finding] = float(np.mean(differences))
    assert dark["gallstone"] < -600
    assert abs(dark["gallbladder polyp"]) < 200


def test_bone_lets_nothing_through() -> None:
    phantom = patient(1, finding="none", exam="lung")
    ribs = phantom.picture.masks["rib"].any(axis=0)
    columns = np.flatnonzero(ribs[:, 40:88].sum(axis=0) > 3) + 40
    column = int(columns[len(columns) // 2])
    row = int(np.flatnonzero(ribs[:, column]).max())
    behind = phantom.picture.pixels[:, row + 6 : row + 12, column].mean()
    before = phantom.picture.pixels[:, max(row - 25, 0) : row - 8, column].mean()
    assert behind < 0.4 * before


def shift_mm(phantom: Phantom, below_mm: tuple[float, float]) -> float:
    """How far the tissue below the pleura moved sideways from the first to the last frame, by the best correlation."""
    spacing = phantom.picture.spacing_mm[0]
    first, last = (phantom.picture.pixels[frame].astype(float) for frame in (0, -1))
    row = int(np.median(np.nonzero(phantom.picture.masks["pleura"][0])[0]))
    rows = slice(row + int(below_mm[0] / spacing), row + int(below_mm[1] / spacing))
    ribs = phantom.picture.masks["rib"].any(axis=(0, 1))
    clear = ~ribs & (first[rows].sum(axis=0) > 0)
    best = (-2.0, 0)
    for shift in range(-round(9 / spacing), round(9 / spacing) + 1):
        moved = np.roll(first, shift, axis=1)
        both = clear & np.roll(clear, shift)
        score = float(np.corrcoef(moved[rows][:, both].ravel(), last[rows][:, both].ravel())[0, 1])
        best = max(best, (score, shift))
    return best[1] * spacing


def test_a_lung_slides_unless_air_lies_between() -> None:
    slides = {"none": 0.0, "pneumothorax": 0.0}
    for seed in range(8):
        for finding in slides:
            phantom = patient(seed, finding=finding, exam="lung", size_px=256, frames=14)
            slides[finding] += abs(shift_mm(phantom, (0.0, 8.0)))
    assert slides["none"] > 3 * max(slides["pneumothorax"], 1)


def test_b_lines_are_counted_and_healthy_lungs_have_few() -> None:
    counts = {
        severity: measured(patient(3, finding="interstitial syndrome", severity=severity))["B-lines"]
        for severity in ("mild", "moderate", "severe")
    }
    assert counts == {"mild": 3, "moderate": 4, "severe": pytest.approx(5.5, abs=0.5)}
    assert all(measured(patient(seed, finding="none", exam="lung"))["B-lines"] <= 2 for seed in range(6))


def test_the_healthy_twin_of_a_patient_has_the_same_examination() -> None:
    for seed in range(12):
        one, twin = patient(seed, size_px=32, frames=2), patient(seed, size_px=32, frames=2, finding="none")
        assert measured(one).keys() == measured(twin).keys()
        assert one.picture.masks.keys() - {lesion.mask for lesion in one.lesions} == twin.picture.masks.keys()


def test_an_examination_that_does_not_show_the_finding_is_a_problem() -> None:
    for factors in ({"exam": "lung", "finding": "gallstone"}, {"exam": "fetal head"}):
        with pytest.raises(UsageError) as caught:
            world.make("ultrasound", seed=1, **factors)
        assert [problem.key for problem in caught.value.problems] == ["exam"]


def test_speckle_is_rayleigh_distributed_and_finer_along_the_beam_than_across() -> None:
    probe = beam.Probe(90.0, 50.0, 0.55)
    machine = beam.Machine(range_db=200, gain_db=0, slope_db=0, axial_mm=0.45, lateral_lines=1.2, noise_db=-80)
    start, x, y = beam.field_axes(probe)
    ones = np.ones((y.shape[0], x.shape[1]), np.float32)
    tissue = beam.Tissue(start, ones, 0 * ones, 0 * ones)
    at_x, at_y = probe.samples()
    scene = beam.Scene(
        tissue, tissue, np.zeros((1, *at_x.shape), np.bool_), at_x[None], at_y[None], None, np.zeros((1, 2), np.float32)
    )
    side = 512
    screen = beam.screen(probe, Grid((side, side), (probe.field_mm / side,) * 2))
    clip = beam.film(probe, scene, machine, PLAIN, screen, lambda number: np.random.Generator(np.random.PCG64(number)))
    patch: Floats = 10 ** ((clip[0, 250:400, 200:312] - 0.47) * machine.range_db / 20)
    assert 1.6 < patch.mean() / patch.std() < 2.3, "1.91 of a Rayleigh distribution"
    level = np.log(patch) - np.log(patch).mean()
    along, across = ((level[3:] * level[:-3]).mean(), (level[:, 3:] * level[:, :-3]).mean())
    assert across > along
