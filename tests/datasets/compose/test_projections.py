"""projections: CT volumes as radiographs, with their masks."""

import logging

import numpy as np
import pytest
from tests.datasets.compose import annotated

from vesalius.datasets.compose import places, projections
from vesalius.datasets.compose.projections import FULL
from vesalius.types import Image, Mask, Sample, Source

SHAPE, SPACING = (12, 20, 16), (5.0, 1.5, 2.0)


def image(affine: np.ndarray | None, hu: np.ndarray, modality: str = "CT") -> Image:
    return Image(
        "volume", hu.shape, 1, lambda: hu, Source(None, "0" * 64, "made"), SPACING, affine_lps_mm=affine, modality=modality
    )


def affine(*signs: int) -> np.ndarray:
    """Of an axial volume: z runs along the body, y from front to back, x from side to side, each turned where its sign is -1."""
    found = np.eye(4)
    found[:3, :3] = np.array([[0, 0, SPACING[2] * signs[2]], [0, SPACING[1] * signs[1], 0], [SPACING[0] * signs[0], 0, 0]])
    return found


def volumes() -> list[Sample]:
    return annotated.patients("chest_ct", 4, size_px=32)


@pytest.mark.parametrize("projection", ["PA", "LL"])
def test_the_area_of_a_projected_mask_is_a_count_of_rays(projection: str) -> None:
    compared = 0
    for source in volumes():
        (made,) = projections.compose([source], projections=(projection,))
        masks = {region.label: 0 for region in made.regions}
        for region in made.regions:
            masks[region.label] += int(region.geometry.load().sum())
        beam = {"PA": 1, "LL": 2}[projection]
        for label in masks:
            rays = sum(int(r.geometry.load().any(axis=beam).sum()) for r in source.regions if r.label == label)
            assert masks[label] == rays
            compared += 1
    assert compared > 40


def test_a_ray_through_water_is_attenuated_by_its_length() -> None:
    hu = np.full(SHAPE, -1000, np.int16)
    hu[:, 4:12] = 0
    lay = projections.lay_of(image(affine(1, 1, 1), hu), "PA")
    film = projections.radiograph(hu, lay, SPACING[1], 0.01)
    assert film.shape == (SHAPE[0], SHAPE[2])
    assert np.all(film == round(FULL * (1 - np.exp(-0.01 * 8 * SPACING[1]))))
    assert not projections.radiograph(np.full(SHAPE, -1024, np.int16), lay, SPACING[1], 0.01).any()


@pytest.mark.parametrize("turned", [(1, 1, 1), (-1, 1, 1), (1, -1, 1), (1, 1, -1), (-1, -1, -1)])
def test_head_is_on_top_and_right_on_the_left_however_the_volume_lies(turned: tuple[int, int, int]) -> None:
    hu = np.full(SHAPE, -1000, np.int16)
    hu[11, 2, 3] = 3000  # toward the head, the front and the right side where every axis grows as LPS does
    stored = hu[tuple(slice(None, None, sign) for sign in turned)]
    for projection, expected in (("PA", (0, 3)), ("LL", (0, 2))):
        lay = projections.lay_of(image(affine(*turned), stored), projection)
        film = projections.radiograph(stored, lay, 1.0, 0.01)
        assert tuple(np.argwhere(film)[0]) == expected


def test_a_sagittal_volume_gives_the_same_films_as_an_axial_one() -> None:
    hu = np.random.default_rng(0).integers(-1000, 1000, SHAPE, np.int16)
    straight = affine(1, 1, 1)
    turned = straight[:, [2, 1, 0, 3]]  # x first: slices from side to side
    for projection in ("PA", "LL"):
        one, other = image(straight, hu), image(turned, np.ascontiguousarray(hu.transpose(2, 1, 0)))
        lays = [projections.lay_of(each, projection) for each in (one, other)]
        films = [projections.radiograph(each.load(), lay, 1.0, 0.001) for each, lay in zip((one, other), lays, strict=True)]
        assert np.array_equal(*films)


def test_oblique_and_unplaced_volumes_and_other_pictures_are_passed_over_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    oblique = affine(1, 1, 1)
    oblique[:3, :3] = np.array([[0.6, 0.8, 0], [-0.8, 0.6, 0], [0, 0, 1]]) @ oblique[:3, :3]
    assert projections.lay_of(image(oblique, np.zeros(SHAPE)), "PA") is None
    unplaced = annotated.by_hand("a", shape=SHAPE, kind="volume", modality="CT", spacing_mm=SPACING)
    with caplog.at_level(logging.WARNING):
        assert not list(projections.compose([unplaced, annotated.by_hand("b")]))
    assert len(caplog.messages) == 2


def test_short_rays_can_be_left_out() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[3, 4:6, 5], mask[3, 4:10, 6] = True, True
    lay = projections.lay_of(image(affine(1, 1, 1), np.zeros(SHAPE)), "PA")
    assert projections.shadow(mask, lay, 1.5, 0.0).sum() == 2
    assert projections.shadow(mask, lay, 1.5, 3.5).sum() == 1


def test_what_was_known_of_the_volume_is_known_of_the_film_and_can_be_asked() -> None:
    (source,) = annotated.patients("chest_ct", 1, size_px=32)
    films = list(projections.compose([source]))
    assert [film.images[0].image.view for film in films] == ["PA", "LL"]
    for film in films:
        assert film.labels == source.labels
        assert film.task == "annotation"
        assert film.images[0].image.spacing_mm[0] == source.images[0].image.spacing_mm[0]
        assert all(isinstance(region.geometry, Mask) for region in film.regions)
        sizes = {film.regions[m.region].label: m.value for m in film.measurements if m.name == "size"}
        assert sizes == {source.regions[m.region].label: m.value for m in source.measurements if m.name == "size"}
    asked = list(places.compose(films, tasks=("where",)))
    assert {sample.provenance.patient_key for sample in asked} == {source.provenance.patient_key}
