"""A phantom as one annotated sample."""

import numpy as np
import pytest

from vesalius.datasets.phantoms.annotations import annotated, read_annotated
from vesalius.datasets.phantoms.cohorts import read_phantom
from vesalius.datasets.store.rows import contradiction
from vesalius.phantom import world
from vesalius.types import Mask, Point


def small(kind: str) -> dict[str, object]:
    return {"size_px": max(32, int(world.factors(kind)["size_px"].low))}


@pytest.mark.parametrize("kind", world.kinds())
def test_everything_that_was_drawn_is_annotated_once(kind: str) -> None:
    phantom = world.make(kind, seed=5, **small(kind))
    sample = annotated(phantom)
    assert (sample.task, sample.turns, contradiction(sample)) == ("annotation", (), "")
    assert sample.labels == phantom.labels
    assert sample.report == phantom.report
    for number, picture in enumerate(phantom.pictures):
        drawn = [mask for mask in picture.masks.values() if mask.any()]
        masks = [r.geometry.load() for r in sample.regions if r.image == number and isinstance(r.geometry, Mask)]
        assert len(masks) == len(drawn)
        assert all(np.array_equal(a, b) for a, b in zip(masks, drawn, strict=True))
    measured = {(m.name, m.value) for m in sample.measurements}
    assert {(m.name, float(m.value)) for m in phantom.measurements} <= measured


def test_lesions_bear_their_findings_name_attributes_and_size() -> None:
    for seed in range(12):
        phantom = world.make("chest_xray", seed=seed, size_px=64)
        sample = annotated(phantom)
        for lesion in phantom.lesions:
            (region,) = [
                r for r in sample.regions
                if r.label == lesion.finding and np.array_equal(r.geometry.load(), phantom.picture.masks[lesion.mask])
            ]  # fmt: skip
            assert region.attributes == lesion.attributes
            sizes = [m.value for m in sample.measurements if m.name == "size" and sample.regions[m.region] is region]
            assert sizes == ([] if lesion.size_mm is None else [lesion.size_mm])


def test_a_prior_stands_beside_with_regions_and_sizes_of_its_own() -> None:
    for seed in range(12):
        first, second = (world.make("chest_xray", seed=seed, visit=visit, size_px=64) for visit in (0, 1))
        sample = read_annotated("chest_xray", seed, visits=2, factors={"size_px": 64})
        assert [shown.role for shown in sample.images] == ["current", "prior"]
        assert sample.labels == second.labels
        for number, visit in enumerate((second, first)):
            sizes = sorted(m.value for m in sample.measurements if m.name == "size" and sample.regions[m.region].image == number)
            assert sizes == sorted(lesion.size_mm for lesion in visit.lesions if lesion.size_mm is not None)


def test_masks_of_all_cells_bear_the_plural_and_landmarks_are_single_cells() -> None:
    sample = read_annotated("cells", 3, factors={"size_px": 64})
    masks = {r.label for r in sample.regions if isinstance(r.geometry, Mask)}
    assert {"red cells", "platelets", "nuclei"} <= masks
    points = {r.label for r in sample.regions if isinstance(r.geometry, Point)}
    assert points
    assert not points & masks


def test_patient_and_study_are_those_of_the_questions_about_the_same_phantom() -> None:
    asked = read_phantom("fundus", 4, size_px=32, visits=2, split="test")[0].provenance
    told = read_annotated("fundus", 4, visits=2, split="test", factors={"size_px": 32}).provenance
    assert told == asked
