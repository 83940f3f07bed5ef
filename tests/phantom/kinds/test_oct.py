"""What is special to sections of the macula: layers in order, widths, thickness and fluid as measured on the masks."""

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from vesalius.errors import UsageError
from vesalius.phantom import world
from vesalius.phantom.kinds.oct import FIELD_MM
from vesalius.phantom.truth import Bools, Phantom, Picture

LAYERS = (
    "nerve fiber layer",
    "ganglion cell layer",
    "inner nuclear layer",
    "outer plexiform layer",
    "outer nuclear layer",
    "photoreceptors",
    "pigment epithelium",
    "choroid",
)
SIZED = [item for item in world.catalogue("oct") if item.size_mm]


@cache
def scan(seed: int, size_px: int = 256, visit: int = 0, **factors: Any) -> Phantom:
    return world.make("oct", seed=seed, size_px=size_px, visit=visit, wording="canonical", **factors)


def measured(phantom: Phantom, name: str) -> float:
    return next(found.value for found in phantom.measurements if found.name == name)


def spacing(phantom: Phantom) -> tuple[float, ...]:
    assert phantom.picture.spacing_mm is not None
    return phantom.picture.spacing_mm


def temporal_to_nasal_mm(phantom: Phantom) -> Any:
    """Of each column from the fovea, positive toward the nose."""
    columns = np.arange(phantom.picture.pixels.shape[1]) + 0.5
    return (columns - phantom.picture.points["fovea"].at[1]) * spacing(phantom)[1] * measured(phantom, "laterality")


def span_px(mask: Bools) -> int:
    return int(np.ptp(np.flatnonzero(mask.any(axis=0)))) + 1


def depth_px(picture: Picture, layer: str) -> Any:
    """The mean row of a layer in each column."""
    mask = picture.masks[layer]
    rows = np.arange(mask.shape[0])[:, None] + 0.5
    with np.errstate(invalid="ignore"):
        return (mask * rows).sum(axis=0) / mask.sum(axis=0)


def test_the_layers_lie_in_order_and_do_not_overlap() -> None:
    for seed in range(6):
        picture = scan(seed, 512).picture
        assert np.sum([picture.masks[layer] for layer in LAYERS], axis=0).max() == 1
        depths = [depth_px(picture, layer) for layer in LAYERS]
        for above, below in pairwise(depths):
            both = np.isfinite(above) & np.isfinite(below)
            assert (above[both] < below[both]).all(), seed


@pytest.mark.parametrize("item", SIZED, ids=lambda item: item.name)
def test_a_lesion_is_as_wide_as_stated_on_its_mask(item: Any) -> None:
    low, high = item.size_mm
    for seed, size_mm in ((1, low), (2, high), (3, high)):
        for visit, change in ((0, "smaller"), (1, "smaller"), (1, "larger")):
            phantom = scan(seed, 256, visit, finding=item.name, size_mm=size_mm, change=change)
            (lesion,) = phantom.lesions
            width = span_px(phantom.picture.masks[lesion.mask]) * spacing(phantom)[1]
            assert width == pytest.approx(lesion.size_mm, abs=1.5 * spacing(phantom)[1]), (lesion, seed)


@pytest.mark.parametrize("item", [item for item in SIZED if "zone" in item.attributes], ids=lambda item: item.name)
def test_a_lesion_lies_in_its_zone(item: Any) -> None:
    for seed in range(5):
        phantom = scan(seed, 96, 1, finding=item.name, change="larger")
        (lesion,) = phantom.lesions
        columns = np.flatnonzero(phantom.picture.masks[lesion.mask].any(axis=0))
        middle = float(temporal_to_nasal_mm(phantom)[columns].mean())
        zone = "fovea" if abs(middle) < 0.5 else "nasal parafovea" if middle > 0 else "temporal parafovea"
        assert zone == lesion.zone, seed


def test_the_retina_is_as_thick_on_the_masks_as_stated() -> None:
    for seed, finding in enumerate(("none", "subretinal fluid", "pigment epithelial detachment", "intraretinal fluid")):
        phantom = scan(seed, 512, finding=finding)
        picture, step = phantom.picture, spacing(phantom)[0]
        above = picture.masks["choroid"].argmax(axis=0) - picture.masks["nerve fiber layer"].argmax(axis=0)
        first = np.where(picture.masks["nerve fiber layer"].any(axis=0), above, np.nan)
        for layer in LAYERS[1:3]:  # in the pit the nerve fibers may be thinner than a pixel
            below = picture.masks["choroid"].argmax(axis=0) - picture.masks[layer].argmax(axis=0)
            first = np.where(np.isnan(first) & picture.masks[layer].any(axis=0), below, first)
        central = np.abs(temporal_to_nasal_mm(phantom)) < 0.5
        assert np.nanmean(first[central]) * step == pytest.approx(measured(phantom, "central retinal thickness"), abs=1.5 * step)


def test_a_healthy_center_is_as_thick_as_in_published_tables() -> None:
    thick = [measured(scan(seed, 32, finding="none"), "central retinal thickness") for seed in range(60)]
    assert 0.22 < np.mean(thick) < 0.30
    assert np.std(thick) > 0.01


def test_the_area_of_fluid_is_that_of_the_masks() -> None:
    for seed in range(4):
        phantom = scan(seed, 512, finding="intraretinal fluid,subretinal fluid")
        picture, (dy, dx) = phantom.picture, spacing(phantom)
        fluid = (picture.masks["intraretinal fluid"] | picture.masks["subretinal fluid"]).sum() * dy * dx
        assert fluid == pytest.approx(measured(phantom, "fluid area"), rel=0.08)
    assert measured(scan(0, finding="drusen"), "fluid area") == 0


def test_fluid_thickens_the_retina_and_atrophy_thins_it() -> None:
    for seed in range(4):
        healthy = measured(scan(seed, 64, finding="none"), "central retinal thickness")
        for finding, sign in (("intraretinal fluid", 1), ("subretinal fluid", 1), ("geographic atrophy", -1)):
            ill = measured(scan(seed, 64, finding=finding, zone="fovea"), "central retinal thickness")
            assert (ill - healthy) * sign > 0.01, (finding, seed)


def test_fewer_nerve_fibers_are_left_the_worse_the_thinning() -> None:
    words = ("mild", "moderate", "severe")
    for seed in range(4):
        left = [
            measured(scan(seed, 64, finding="nerve fiber layer thinning", severity=word), "nerve fiber layer thickness")
            for word in words
        ]
        healthy = measured(scan(seed, 64, finding="none"), "nerve fiber layer thickness")
        assert healthy > left[0] > left[1] > left[2] > 0


def test_a_hole_goes_through_the_retina_at_the_fovea() -> None:
    for seed in range(4):
        phantom = scan(seed, 256, finding="macular hole")
        mask, picture = phantom.picture.masks["macular hole"], phantom.picture
        column = int(picture.points["fovea"].at[1])
        assert mask[:, column].any()
        assert not any(picture.masks[layer][:, column].any() for layer in LAYERS[:6])
        assert picture.masks["choroid"][:, column].any()
        assert np.median(picture.pixels[mask]) < 0.6 * np.median(picture.pixels[picture.masks["ganglion cell layer"]])


def test_light_reaches_the_choroid_where_the_pigment_epithelium_is_lost() -> None:
    for seed in range(4):
        ill, twin = (scan(seed, 256, finding=finding) for finding in ("geographic atrophy", "none"))
        columns = ill.picture.masks["geographic atrophy"].any(axis=0)
        below = ill.picture.masks["choroid"] & columns
        assert ill.picture.pixels[below].mean() > 1.15 * twin.picture.pixels[below].mean()


def test_the_spacing_of_rows_and_columns_can_be_stated() -> None:
    phantom = world.make("oct", seed=1, spacing_mm=(0.01, 0.05))
    assert phantom.picture.pixels.shape == (150, 120)
    assert phantom.picture.spacing_mm == (0.01, 0.05)
    assert np.multiply(scan(1).picture.pixels.shape, spacing(scan(1))) == pytest.approx(FIELD_MM, abs=1e-3)
    for wrong in ({"spacing_mm": 0.01}, {"spacing_mm": (0.3, 0.3)}, {"spacing_mm": (0.01, 0.05), "size_px": 128}):
        with pytest.raises(UsageError):
            world.make("oct", seed=1, **wrong)


def test_the_nose_is_on_the_right_of_right_eyes() -> None:
    right, left = (scan(2, 64, eye=eye, finding="drusen", zone="nasal parafovea") for eye in ("right", "left"))
    for phantom, sign in ((right, 1), (left, -1)):
        column = np.flatnonzero(phantom.picture.masks["drusen"].any(axis=0)).mean()
        assert (column - phantom.picture.points["fovea"].at[1]) * sign > 0
    assert (right.picture.view, left.picture.view) == ("R", "L")
