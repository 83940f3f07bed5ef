"""The truth of a visit as one JSON object: what it says of places is what the masks say."""

import json

import numpy as np
import pytest
from tests.datasets.by_hand import every

from vesalius.datasets.phantoms.truth import record
from vesalius.phantom import world
from vesalius.transforms.outline import signed_area_px
from vesalius.types import Polygon

BY_HAND = every()


@pytest.mark.parametrize("kind", ["chest_ct", "ultrasound", "skin"])
def test_outlines_and_boxes_of_lesions_are_those_of_their_masks(kind: str) -> None:
    size = {"chest_ct": 32, "ultrasound": 48, "skin": 64}[kind]
    phantom = world.make(kind, seed=5, normal_share=0, size_px=size)
    told = json.loads(json.dumps(record(phantom)))
    assert told["lesions"]
    for lesion in told["lesions"]:
        for place in lesion["places"]:
            (picture,) = [one for one in phantom.pictures if one.name == place["picture"]]
            mask = picture.masks[lesion["mask"]]
            assert place["pixels"] == mask.sum()
            np.testing.assert_array_equal(place["box"][0], np.argwhere(mask).min(axis=0))
            np.testing.assert_array_equal(place["box"][1], np.argwhere(mask).max(axis=0) + 1)
            planes = {"": place["outlines"]} if mask.ndim == 2 else place["outlines"]
            wanted = {"": mask} if mask.ndim == 2 else {str(at): plane for at, plane in enumerate(mask) if plane.any()}
            assert planes.keys() == wanted.keys()
            for at, polygons in planes.items():
                areas = [signed_area_px(Polygon(tuple((y, x) for y, x in polygon))) for polygon in polygons]
                assert sum(areas) == wanted[at].sum()


def test_a_record_is_json_for_every_kind_of_picture_and_names_its_split() -> None:
    for source in BY_HAND.values():
        told = json.loads(json.dumps(record(source, "test")))
        assert (told["kind"], told["seed"], told["split"]) == (source.kind, source.seed, "test")
        assert [picture["name"] for picture in told["pictures"]] == [picture.name for picture in source.pictures]
