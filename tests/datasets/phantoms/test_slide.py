"""A whole slide written as DICOM is a pyramid to our reader, whose regions are those that were drawn."""

from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest

from vesalius.clinical import study
from vesalius.clinical.keys import phantom_study_key
from vesalius.datasets.phantoms import dicom as phantom_dicom
from vesalius.datasets.phantoms import slide as phantom_slide
from vesalius.phantom import world
from vesalius.phantom.bodies.cells import slide as cells_slide
from vesalius.phantom.kinds import cells
from vesalius.types import Mask, Part

TILES = (2, 2)  # of the slide, here: the whole one takes minutes


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells_slide, "TILES", TILES)


@pytest.mark.usefixtures("small")
def test_a_slide_is_a_pyramid_whose_regions_are_those_that_were_drawn(tmp_path: Path) -> None:
    paths = phantom_slide.write(4, tmp_path, levels=(0, 1), masked=(0, 1))
    stem = "cells-4-visit-0-slide-level"
    assert [path.name for path in paths] == [f"{stem}-{end}.dcm" for end in ("0", "0-masks", "1", "1-masks")]
    (found,) = study.read([tmp_path]).studies
    (series,) = [one for one in found.series if one.images]
    (image,) = series.images
    assert (image.kind, image.levels, image.spacing_mm) == ("slide", ((800, 800), (200, 200)), (0.00025, 0.00025))
    case = cells.slide_case(4)
    for level, box in ((0, (350, 390, 450, 800)), (1, (90, 0, 200, 200))):
        assert np.array_equal(image.part(Part(box_yxyx_px=box, level=level)), cells_slide.region(case, box, level).pixels)
    assert found.study_key == phantom_study_key(phantom_dicom.uid(world.make("cells", seed=4), "study"))
    for level in (0, 1):
        rows, columns = image.levels[level]
        wanted = {k: m for k, m in cells_slide.region(case, (0, 0, rows, columns), level).masks.items() if m.any()}
        masks = {r.label: r.geometry for r in series.regions if isinstance(r.geometry, Mask) and r.geometry.level == level}
        assert masks.keys() == wanted.keys()
        for name, mask in masks.items():
            assert np.array_equal(mask.load(), wanted[name]), name
            assert np.array_equal(mask.part(Part(box_yxyx_px=(90, 0, 200, 200), level=level)), wanted[name][90:200, :200])


@pytest.mark.usefixtures("small")
def test_the_same_slide_gives_the_same_bytes_and_highdicom_sees_its_tiles(tmp_path: Path) -> None:
    (first, masks), (second, again) = (phantom_slide.write(5, tmp_path / name, levels=(1,)) for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    assert masks.read_bytes() == again.read_bytes()
    whole = highdicom.imread(first).get_total_pixel_matrix(apply_icc_profile=False)
    assert np.array_equal(whole, cells_slide.region(cells.slide_case(5), (0, 0, 200, 200), 1).pixels)
    found, drawn = highdicom.seg.segread(masks), cells_slide.region(cells.slide_case(5), (0, 0, 200, 200), 1).masks
    for index, segment in enumerate(found.SegmentSequence):
        assert np.array_equal(found.get_total_pixel_matrix()[..., index], drawn[segment.SegmentLabel])
    assert pydicom.dcmread(first).ImageType == ["DERIVED", "PRIMARY", "VOLUME", "RESAMPLED"]
