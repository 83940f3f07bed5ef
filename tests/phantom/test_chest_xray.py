"""chest_xray: every box, mask and millimetre is as stated."""

from functools import cache

import numpy as np
import pytest

from vesalius.phantom import world
from vesalius.phantom.truth import Phantom, box_around

SIZE_PX = 160


@cache
def patient(seed: int, visit: int = 0, **factors: object) -> Phantom:
    return world.make("chest_xray", seed=seed, visit=visit, **{"size_px": SIZE_PX, **factors})


def extent_mm(phantom: Phantom, mask: str) -> tuple[float, float]:
    height, width = box_around(phantom.masks[mask]).size
    return height * phantom.spacing_mm[0], width * phantom.spacing_mm[1]


def diagonal_mm(phantom: Phantom) -> float:
    return float(np.hypot(*phantom.spacing_mm))


@pytest.mark.parametrize("size_px", [64, 160, 400])
@pytest.mark.parametrize("size_mm", [8, 21, 35])
def test_the_diameter_of_a_nodule_is_the_stated_one_within_a_pixels_diagonal(size_px: int, size_mm: int) -> None:
    for seed in range(6):
        phantom = patient(seed, size_px=size_px, finding="nodule", nodules=2 if size_mm < 30 else 1, size_mm=size_mm)
        for lesion in phantom.lesions:
            for measured in extent_mm(phantom, str(lesion.mask)):
                assert abs(measured - size_mm) <= diagonal_mm(phantom)


def test_a_nodule_that_has_changed_measures_what_it_says_now() -> None:
    for seed in range(12):
        before = patient(seed, 0, finding="nodule", nodules=1, change="larger", size_mm=20)
        after = patient(seed, 1, finding="nodule", nodules=1, change="larger", size_mm=20)
        (now,) = after.lesions
        assert now.size_mm > 1.2 * before.lesions[0].size_mm
        assert abs(extent_mm(after, str(now.mask))[0] - now.size_mm) <= diagonal_mm(after)


@pytest.mark.parametrize("size_mm", [15, 40, 80, 120])
def test_the_depth_of_an_effusion_is_the_height_of_its_mask(size_mm: int) -> None:
    for seed in range(6):
        phantom = patient(seed, finding="effusion", size_mm=size_mm)
        assert abs(extent_mm(phantom, "effusion")[0] - size_mm) <= 1.5 * diagonal_mm(phantom)
        assert phantom.lesions[0].severity == ("small" if size_mm < 35 else "moderate" if size_mm < 75 else "large")


def test_an_effusion_has_a_meniscus() -> None:
    for seed in range(8):
        phantom = patient(seed, finding="effusion", severity="moderate", side="left", size_px=256)
        mask = phantom.masks["effusion"]
        columns = np.flatnonzero(mask.any(axis=0))
        rim = np.argmax(mask[:, columns], axis=0)
        outer, inner = rim[-len(rim) // 4 :].min(), rim[: len(rim) // 4].min()
        assert outer < inner, "the rim is highest at the chest wall"


def test_a_twin_without_the_findings_differs_inside_the_masks_and_nowhere_else() -> None:
    for seed in range(30):
        phantom, twin = patient(seed), patient(seed, finding="none")
        differs = phantom.stored() != twin.stored()
        marked = np.zeros_like(differs)
        for lesion in phantom.lesions:
            mask = phantom.masks[str(lesion.mask)]
            marked |= mask
            assert differs[mask].mean() > 0.95, lesion
            assert (phantom.pixels - twin.pixels)[mask].mean() > 0.01, f"cannot be seen: {lesion}"
        assert not (differs & ~marked).any()
        assert not twin.lesions


def test_boxes_are_tight_around_the_masks() -> None:
    phantom = patient(1)
    assert {"right lung", "left lung", "heart", "ribs"} < set(phantom.boxes())
    for name, box in phantom.boxes().items():
        mask = phantom.masks[name]
        x0, y0, x1, y1 = (int(v) for v in box.xyxy_px)
        assert mask[y0:y1, x0:x1].sum() == mask.sum()
        for edge in (mask[y0, x0:x1], mask[y1 - 1, x0:x1], mask[y0:y1, x0], mask[y0:y1, x1 - 1]):
            assert edge.any()


def test_truth_scales_with_the_size_of_the_picture() -> None:
    for seed in range(12):
        small, large = patient(seed, size_px=96), patient(seed, size_px=288)
        assert [lesion.mask for lesion in small.lesions] == [lesion.mask for lesion in large.lesions]
        assert small.spacing_mm[0] * 96 == pytest.approx(large.spacing_mm[0] * 288, abs=1e-3)
        boxes = large.boxes()
        for name, box in small.boxes().items():
            if name != "ribs":
                scaled = [v * 3 for v in (*box.low, *box.high)]
                assert np.abs(np.array(scaled) - np.array([*boxes[name].low, *boxes[name].high])).max() <= 6, name


def test_the_patients_right_is_on_the_left_of_the_picture() -> None:
    for seed in range(10):
        right, left = patient(seed, finding="effusion", side="right"), patient(seed, finding="effusion", side="left")
        lungs = {name: np.argwhere(right.masks[f"{name} lung"])[:, 1].mean() for name in ("right", "left")}
        assert lungs["right"] < lungs["left"]
        assert np.argwhere(right.masks["effusion"])[:, 1].mean() < SIZE_PX / 2
        assert np.argwhere(left.masks["effusion"])[:, 1].mean() > SIZE_PX / 2
        heart = np.argwhere(right.masks["heart"])[:, 1].mean()
        assert heart > sum(lungs.values()) / 2, "the heart lies towards the patient's left"


def test_nodules_lie_in_their_zone_of_the_lung_that_is_seen_and_in_no_other_lesion() -> None:
    for seed in range(40):
        phantom = patient(seed)
        for lesion in phantom.lesions:
            mask = phantom.masks[str(lesion.mask)]
            if lesion.finding != "nodule":
                continue
            lung = phantom.masks[f"{lesion.side} lung"]
            assert (mask & ~lung).sum() <= 0.02 * mask.sum() + 1
            others = [other for other in phantom.lesions if other is not lesion and other.side == lesion.side]
            for other in others:
                covered = mask & phantom.masks[str(other.mask)]
                assert covered.sum() <= 0.2 * mask.sum(), (seed, lesion, other)


def test_a_third_of_the_patients_are_normal_and_sides_and_findings_are_balanced() -> None:
    number = 300
    patients = [patient(seed, size_px=32) for seed in range(number)]
    normal = sum(not p.lesions for p in patients) / number
    assert abs(normal - 0.35) < 3 * np.sqrt(0.35 * 0.65 / number)
    sides = [lesion.side for p in patients for lesion in p.lesions]
    assert abs(sides.count("right") / len(sides) - 0.5) < 3 * np.sqrt(0.25 / len(sides))
    for finding in ("effusion", "nodule", "consolidation"):
        share = sum(any(lesion.finding == finding for lesion in p.lesions) for p in patients) / number
        assert abs(share - 0.394) < 3 * np.sqrt(0.394 * 0.606 / number)


def test_what_is_known_of_the_patient_does_not_decide_the_findings() -> None:
    patients = [patient(seed, size_px=32) for seed in range(300)]
    ill = {sex: [bool(p.lesions) for p in patients if p.facts["sex"] == sex] for sex in ("F", "M")}
    spread = 3 * np.sqrt(0.35 * 0.65 * (1 / len(ill["F"]) + 1 / len(ill["M"])))
    assert abs(np.mean(ill["F"]) - np.mean(ill["M"])) < spread
    ages = {state: [float(p.facts["age_years"]) for p in patients if bool(p.lesions) is state] for state in (True, False)}
    assert abs(np.mean(ages[True]) - np.mean(ages[False])) < 3 * 20 * np.sqrt(1 / len(ages[True]) + 1 / len(ages[False]))


@pytest.mark.parametrize("change", ["new", "larger", "smaller", "unchanged", "resolved"])
def test_a_follow_up_is_the_same_patient_with_the_stated_change(change: str) -> None:
    for seed in range(8):
        factors = {"finding": "effusion,consolidation", "change": change}
        before, after = patient(seed, 0, **factors), patient(seed, 1, **factors)
        assert before.day == 0 < after.day
        assert not np.array_equal(before.pixels, after.pixels)
        assert {before.facts[name] == after.facts[name] for name in ("age_years", "sex")} == {True}
        sizes = [{lesion.finding: lesion.size_mm for lesion in p.lesions} for p in (before, after)]
        assert len(sizes[0]) == (0 if change == "new" else 2)
        assert len(sizes[1]) == (0 if change == "resolved" else 2)
        assert len(after.resolved) == (2 if change == "resolved" else 0)
        assert {lesion.change for lesion in (*after.lesions, *after.resolved)} == {change}
        for finding in set(sizes[0]) & set(sizes[1]):
            ratio = sizes[1][finding] / sizes[0][finding]
            assert {"larger": ratio > 1.2, "smaller": ratio < 0.8, "unchanged": ratio == 1}[change]


def test_fixing_one_factor_leaves_the_others_as_the_seed_has_them() -> None:
    for seed in range(10):
        free, fixed = patient(seed, finding="nodule", marker="R"), patient(seed, finding="nodule", marker="L")
        assert free.lesions == fixed.lesions
        assert all(np.array_equal(free.masks[name], fixed.masks[name]) for name in free.masks)


def test_the_marker_stands_on_its_side_and_covers_no_lung() -> None:
    for seed in range(10):
        for marker, other in (("R", "none"), ("L", "none")):
            with_marker, without = patient(seed, marker=marker), patient(seed, marker=other)
            drawn = with_marker.pixels != without.pixels
            columns = np.argwhere(drawn)[:, 1]
            assert (columns < SIZE_PX / 2).all() if marker == "R" else (columns > SIZE_PX / 2).all()
            assert not any((drawn & with_marker.masks[f"{side} lung"]).any() for side in ("right", "left"))


def test_values_and_spacing_are_in_range_at_every_size() -> None:
    for size_px in (32, 100, 512):
        phantom = patient(5, size_px=size_px)
        assert phantom.pixels.dtype == np.float32
        assert phantom.pixels.shape == (size_px, size_px)
        assert 0 <= phantom.pixels.min() < 0.1 < 0.7 < phantom.pixels.max() <= 1
        assert 340 < phantom.spacing_mm[0] * size_px < 400
        assert phantom.stored().max() <= 4095
    assert patient(5, size_px=128, spacing_mm=3.0).spacing_mm == (3.0, 3.0)
