"""endoscopy: sizes, distances and places hold on the tube that the clip was made from."""

import numpy as np
import pytest

from vesalius.phantom import case as cases
from vesalius.phantom import findings, world
from vesalius.phantom.bodies.endoscopy import lesions as disease
from vesalius.phantom.bodies.endoscopy.lumen import Camera, cast, draw_tube, rays
from vesalius.phantom.bodies.endoscopy.view import optics
from vesalius.phantom.kinds import endoscopy
from vesalius.phantom.truth import Floats, Phantom

SIZE, FRAMES = 128, 3


def made(seed: int, **factors: object) -> Phantom:
    return world.make("endoscopy", seed=seed, **{"size_px": SIZE, "frames": FRAMES, "tool": "none", **factors})


def case_of(seed: int, **factors: object) -> cases.Case:
    first, _, _ = findings.timeline("endoscopy", seed, endoscopy.FINDINGS, dict(factors))
    return cases.open_case("endoscopy", seed, 0, dict(factors), first, ())


def camera_of(case: cases.Case) -> Camera:
    moments = ((np.arange(FRAMES) + 0.5) / FRAMES).astype(np.float32)
    return endoscopy._camera(case, draw_tube(case.body(0)), moments)[0]


def places_of(case: cases.Case) -> Floats:
    """Where the wall is that each pixel sees, (T, Y, X, 3) in mm."""
    camera, lens = camera_of(case), optics(SIZE)
    hits = cast(draw_tube(case.body(0)), camera, rays(camera, lens.view))
    return np.stack([hits.x, hits.y, hits.z], axis=-1).reshape(FRAMES, SIZE, SIZE, 3)


def greatest_mm(points: Floats) -> float:
    away = points[:, None, :] - points[None, :, :]
    return float(np.sqrt((away**2).sum(axis=-1)).max()) if len(points) else 0.0


@pytest.mark.parametrize("finding", ["ulcer", "diverticulum", "angiodysplasia", "bleeding"])
def test_a_lesion_of_the_wall_is_as_large_on_the_wall_as_stated(finding: str) -> None:
    errors = []
    for seed in range(6):
        case = case_of(seed, finding=finding)
        phantom, places = made(seed, finding=finding), places_of(case)
        for lesion in phantom.lesions:
            seen = [greatest_mm(where[mask]) for where, mask in zip(places, phantom.picture.masks[lesion.mask], strict=True)]
            assert max(seen) <= 1.02 * lesion.size_mm + 0.05, "no two places of it are farther apart than its size"
            errors.append(lesion.size_mm - max(seen))
    # What a fold hides is missing; of most lesions nothing is hidden, and two pixels at 25 mm are 0.8 mm.
    assert np.median(errors) < 1.3


def test_a_polyp_is_seen_under_the_angle_of_its_diameter() -> None:
    lens, errors = optics(SIZE), []
    view = np.stack(lens.view, axis=-1).reshape(SIZE, SIZE, 3)
    for seed in range(10):
        factors = {"finding": "polyp", "shape": "sessile", "count": 1, "size_mm": 12.0}
        case, phantom = case_of(seed, **factors), made(seed, **factors)
        (item,) = disease.place_all(case, draw_tube(case.body(0)), endoscopy._FOLD)
        for camera, mask in zip((camera_of(case)[i : i + 1] for i in range(FRAMES)), phantom.picture.masks["polyp"], strict=True):
            if mask[[0, -1]].any() or mask[:, [0, -1]].any() or not mask.any():
                continue
            distance = float(lens.place(camera, item.point)[2][0])
            seen = greatest_mm(view[mask].astype(np.float32)) * distance
            errors.append(seen / 12.0 - 1)
    assert len(errors) >= 10
    assert abs(np.median(errors)) < 0.12, "parts that a fold hides are missing, the top is nearer than the wall"


@pytest.mark.parametrize("zone", list(disease.ZONES))
def test_a_lesion_lies_on_the_wall_that_is_named(zone: str) -> None:
    for seed in range(6):
        phantom = made(seed, finding="ulcer", zone=zone)
        if not {"lumen", "ulcer"} <= set(phantom.picture.points):
            continue
        lumen, lesion = (np.array(phantom.picture.points[name].at)[1:] for name in ("lumen", "ulcer"))
        down, right = lesion - lumen
        angle = np.arctan2(down, right) - disease.ZONES[zone]
        assert np.cos(angle) > 0.45, (zone, seed)


def test_what_the_endoscope_comes_nearer_to_grows_in_the_picture() -> None:
    factors = {"finding": "angiodysplasia", "size_mm": 9.0, "frames": 6}
    for seed in range(4):
        near = made(seed, motion="insertion", **factors).picture.masks["angiodysplasia"].sum(axis=(1, 2))
        far = made(seed, motion="withdrawal", **factors).picture.masks["angiodysplasia"].sum(axis=(1, 2))
        assert np.argmax(near) >= 2
        assert np.argmax(far) <= 3


def test_the_measured_distance_is_that_of_the_wall_there() -> None:
    for seed in range(6):
        case, phantom = case_of(seed, finding="ulcer"), made(seed, finding="ulcer")
        places, camera = places_of(case), camera_of(case)
        told = {m.name: m.value for m in phantom.measurements}["distance of the ulcer"]
        nearest = []
        for frame, mask in enumerate(phantom.picture.masks["ulcer"]):
            if mask.any():
                away = places[frame][mask] - camera.at[frame]
                nearest.append(np.sqrt((away**2).sum(axis=1)).mean())
        assert abs(min(nearest) - told) < 4.5, "three frames see the lesion at three of the many distances"


def test_counts_events_and_masks_agree() -> None:
    for tool in ("forceps", "snare"):
        phantom = made(3, finding="polyp", count=3, tool=tool, frames=16)
        counts = {m.name: m.value for m in phantom.measurements}
        assert counts["number of polyps"] == 3 == len([name for name in phantom.picture.masks if name.startswith("polyp")])
        (event,) = [event for event in phantom.events if event.sort == "tool"]
        out = phantom.picture.masks["tool"].any(axis=(1, 2))
        assert event.name == tool
        assert list(np.flatnonzero(out)) == list(range(event.begin, event.end))
        parts = [phantom.picture.masks[name] for name in ("lumen", "fold", "mucosa", "tool")]
        assert np.sum(parts, axis=0).max() == 1, "what a pixel shows of the healthy colon is one thing"


def test_the_far_lumen_is_dark_and_nothing_is_seen_outside_the_field() -> None:
    for seed in range(4):
        picture = made(seed, finding="none").picture
        gray = picture.pixels.mean(axis=-1)
        field = np.any([picture.masks[name] for name in ("lumen", "fold", "mucosa", "tool")], axis=0)
        assert gray[~field].max() == 0
        assert gray[picture.masks["lumen"]].mean() < 0.6 * gray[picture.masks["mucosa"]].mean()


def test_more_frames_cut_the_same_clip_finer() -> None:
    few, many = (made(2, finding="ulcer", frames=count) for count in (4, 12))
    assert few.picture.frame_s == pytest.approx(3 * many.picture.frame_s, rel=1e-4)
    assert few.measurements == many.measurements
    assert np.array_equal(few.picture.masks["ulcer"][0], many.picture.masks["ulcer"][1]), "the middle of the first quarter"


def test_inflamed_mucosa_hides_the_vessels() -> None:
    changed = []
    for seed in range(4):
        ill, well = made(seed, finding="colitis", severity="severe"), made(seed, finding="none")
        mask = ill.picture.masks["colitis"]
        rough = [np.abs(np.diff(p.picture.pixels[..., 1].astype(float), axis=2))[mask[..., 1:]].mean() for p in (ill, well)]
        changed.append(rough[0] / rough[1])
    assert min(changed) > 1.05, "its surface is granular"
