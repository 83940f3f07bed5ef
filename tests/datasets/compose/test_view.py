"""Pictures with what is marked in them."""

import numpy as np
from tests.datasets.compose import annotated

from vesalius.datasets.compose.view import frames_of, still, view, views
from vesalius.types import Box, Mask, Point, Polygon

CLIP = (6, 20, 30)


def clip(marked: list) -> object:
    return view(annotated.by_hand(marked=marked, shape=CLIP, kind="clip", modality="ES", spacing_mm=(1.0, 2.0)), 0)


def test_every_geometry_has_a_box_a_center_and_a_point_inside() -> None:
    marked = [
        ("a", annotated.filled((40, 60), (2, 4), (6, 10))),
        ("b", Box((2, 4), (6, 10))),
        ("c", Polygon(((2, 4), (2, 10), (6, 10), (6, 4)))),
    ]
    for place in view(annotated.by_hand(marked=marked), 0).places:
        assert place.box == Box((2, 4), (6, 10))
        assert place.center == (4, 7)
        assert place.count == 24
        y, x = place.inner.at
        assert 2 <= y < 6
        assert 4 <= x < 10
    (point,) = view(annotated.by_hand(marked=[("p", Point((3.5, 4.5)))]), 0).places
    assert (point.box, point.center) == (None, (3.5, 4.5))


def test_an_empty_mask_and_one_of_another_grid_mark_nothing() -> None:
    other = annotated.filled((10, 10), (1, 1), (3, 3))
    marked = [("empty", Mask(lambda: np.zeros((40, 60), bool))), ("other", other)]
    seen = view(annotated.by_hand(marked=marked), 0)
    assert not seen.places
    assert not seen.of("empty")


def test_a_frame_is_a_picture_with_what_is_marked_in_it() -> None:
    moving = annotated.filled(CLIP, (2, 5, 5), (4, 10, 10))
    seen = clip([("tool", moving), ("lumen", Box((0, 1, 1), (6, 9, 9)))])
    assert [frames_of(place, 6) for place in seen.places] == [[2, 3], [0, 1, 2, 3, 4, 5]]
    early, late = still(seen, 0), still(seen, 3)
    assert early.labels == ("lumen",)
    assert late.labels == ("tool", "lumen")
    assert late.of("tool")[0].box == Box((5, 5), (10, 10))
    assert np.array_equal(late.image.load(), seen.image.load()[3])
    assert (late.image.kind, late.image.shape, late.spacing_mm) == ("image", (20, 30), (1.0, 2.0))
    assert late.image.source.sha256 != early.image.source.sha256


def test_no_mask_is_read_that_nobody_asks_for() -> None:
    read = []

    def load() -> np.ndarray:
        read.append(1)
        return np.ones((40, 60), bool)

    seen = view(annotated.by_hand(marked=[("a", Mask(load)), ("b", annotated.filled((40, 60), (1, 1), (2, 2)))]), 0)
    assert seen.of("b")
    assert not read
    assert seen.labels == ("a", "b")
    assert len(read) == 1
    assert len(seen.places) == 2
    assert len(read) == 1


def test_pictures_of_the_prior_are_views_of_their_own() -> None:
    (sample,) = annotated.patients("chest_xray", 1, visits=2)
    now, before = next(views(sample)), next(views(sample, role="prior"))
    assert (now.index, before.index) == (0, 1)
    assert {place.region.image for place in before.places} == {1}
