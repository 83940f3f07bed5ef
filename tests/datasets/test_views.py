"""Regions are drawn where they lie: in pictures, on the frames and slices that they belong to, and turned with them."""

from collections.abc import Callable

import numpy as np
import pytest

from vesalius.datasets.views import COLORS, panels
from vesalius.types import (
    Array,
    Box,
    Geometry,
    Image,
    Mask,
    Point,
    Polygon,
    Provenance,
    Region,
    Sample,
    SampleImage,
    Source,
    Turn,
)

PROVENANCE = Provenance("made", "none", "p", "s")
RAS = np.array([[0, 0, -1, 0], [0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], np.float64)  # columns to the right, rows to the front


def image(pixels: Array, kind: str, **facts: object) -> Image:
    shape = pixels.shape[:-1] if kind != "volume" and pixels.shape[-1] == 3 else pixels.shape
    source = Source(None, "0" * 64, "made")
    part = lambda chosen: pixels[chosen.index]  # noqa: E731
    return Image(kind, shape, 1, lambda: pixels, source, load_part=part, **facts)  # type: ignore[arg-type]


def sample(shown: Image, *regions: Region) -> Sample:
    return Sample("k", "annotation", (SampleImage("current", shown),), (), PROVENANCE, regions)


def colored(pixels: Array) -> set[tuple[int, ...]]:
    """Rows and columns that have the first color."""
    return {tuple(place) for place in np.argwhere((pixels == COLORS[0]).all(axis=-1)).tolist()}


@pytest.mark.parametrize(
    ("geometry", "rows", "columns"),
    [
        (Box((10, 20), (20, 40)), (10, 20), (20, 40)),
        (Polygon(((10, 20), (10, 40), (20, 40), (20, 20))), (10, 21), (20, 41)),
        (Point((15, 30)), (10, 21), (25, 36)),
        (Mask(lambda: np.pad(np.ones((10, 20), np.bool_), ((10, 80), (20, 60)))), (10, 20), (20, 40)),
    ],
)
def test_every_geometry_is_drawn_at_its_place(geometry: Geometry, rows: tuple[int, int], columns: tuple[int, int]) -> None:
    (panel,) = panels(sample(image(np.zeros((100, 100), np.uint8), "image"), Region("", geometry)), side_px=100)
    places = colored(panel.pixels)
    assert places
    assert all(rows[0] <= y < rows[1] and columns[0] <= x < columns[1] for y, x in places)


def test_a_small_picture_is_enlarged_with_its_regions() -> None:
    shown = image(np.zeros((10, 20), np.uint8), "image")
    (panel,) = panels(sample(shown, Region("", Box((2, 4), (4, 8)))), side_px=200)
    assert panel.pixels.shape == (100, 200, 3)
    places = colored(panel.pixels)
    assert min(places) == (20, 40)
    assert max(places) == (39, 79)


def test_a_clip_shows_the_frames_that_have_regions_and_no_region_on_others() -> None:
    shown = image(np.zeros((9, 50, 50), np.uint8), "clip")
    found = panels(sample(shown, Region("", Box((5, 5), (9, 9)), frame=6), Region("", Box((1, 1), (3, 3)), frame=2)), side_px=50)
    assert [panel.caption for panel in found] == ["picture 0: frame 2", "picture 0: frame 6"]
    assert min(colored(found[1].pixels)) == (5, 5)
    assert [p.caption[-7:] for p in panels(sample(shown))] == ["frame 0", "frame 4", "frame 8"]


def test_a_volume_is_cut_through_its_region_and_turned_with_it() -> None:
    values = np.zeros((8, 20, 30), np.int16)
    inside = np.zeros(values.shape, np.bool_)
    inside[5, 2:6, 3:9] = True
    shown = image(values, "volume", affine_lps_mm=RAS, spacing_mm=(1.0, 1.0, 1.0))
    by_mask = panels(sample(shown, Region("", Mask(lambda: inside))), side_px=30)
    by_box = panels(sample(shown, Region("", Box((5, 2, 3), (6, 6, 9)))), side_px=30)
    assert [panel.caption.split(": ")[1].split(",")[0] for panel in by_mask] == ["axial", "coronal", "sagittal"]
    # Columns run to the patient's right in the file and to the left as shown; so do rows, from the front.
    assert {min(colored(panel[0].pixels)) for panel in (by_mask, by_box)} == {(14, 21)}
    assert {max(colored(panel[0].pixels)) for panel in (by_mask, by_box)} == {(17, 26)}


def test_planes_have_the_proportions_of_the_body() -> None:
    shown = image(np.zeros((10, 40, 40), np.int16), "volume", affine_lps_mm=np.diag([1.0, 1, 5, 1])[:, [2, 1, 0, 3]])
    axial, coronal, _ = panels(sample(Image(**{**vars(shown), "spacing_mm": (5.0, 1.0, 1.0)})), side_px=80)
    assert axial.pixels.shape == (80, 80, 3)
    assert coronal.pixels.shape[0] == 80 * 50 // 50


def test_a_region_of_patient_space_lies_where_the_affine_puts_it() -> None:
    affine = np.array([[0, 0, 1, 100], [0, 1, 0, 200], [1, 0, 0, 300], [0, 0, 0, 1]], np.float64)
    shown = image(np.zeros((8, 20, 20), np.int16), "volume", affine_lps_mm=affine, spacing_mm=(1.0, 1.0, 1.0))
    place = Region("", Box((103.5, 204.5, 302.5), (107.5, 206.5, 303.5)), space="patient")
    axial = panels(sample(shown, place), side_px=20)[0]
    assert axial.caption == "picture 0: axial, slice 3 of 8"
    assert (min(colored(axial.pixels)), max(colored(axial.pixels))) == ((5, 4), (6, 7))


def test_text_alone_has_no_panels() -> None:
    assert panels(Sample("k", "open", (), (Turn("user", "What?"),), PROVENANCE)) == []


@pytest.mark.parametrize("kind", ["image", "clip", "volume"])
def test_a_region_that_does_not_fit_its_picture_is_left_out(kind: str) -> None:
    shape: Callable[[], tuple[int, ...]] = lambda: (20, 20) if kind == "image" else (4, 20, 20)  # noqa: E731
    shown = image(np.zeros(shape(), np.uint8), kind)
    wrong = Region(
        "", Mask(lambda: np.ones((3, 3, 3), np.bool_)) if kind != "clip" else Mask(lambda: np.zeros((20, 20), np.bool_))
    )
    assert not any(colored(panel.pixels) for panel in panels(sample(shown, wrong), side_px=20))
