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
from vesalius.types import Part

TILES = (2, 2)  # of the slide, here: the whole one takes minutes


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells_slide, "TILES", TILES)


@pytest.mark.usefixtures("small")
def test_a_slide_is_a_pyramid_whose_regions_are_those_that_were_drawn(tmp_path: Path) -> None:
    paths = phantom_slide.write(4, tmp_path, levels=(0, 1))
    assert [path.name for path in paths] == ["cells-4-visit-0-slide-level-0.dcm", "cells-4-visit-0-slide-level-1.dcm"]
    (found,) = study.read([tmp_path]).studies
    (series,) = found.series
    (image,) = series.images
    assert (image.kind, image.levels, image.spacing_mm) == ("slide", ((800, 800), (200, 200)), (0.00025, 0.00025))
    case = cells.slide_case(4)
    for level, box in ((0, (350, 390, 450, 800)), (1, (90, 0, 200, 200))):
        assert np.array_equal(image.part(Part(box_yxyx_px=box, level=level)), cells_slide.region(case, box, level).pixels)
    assert found.study_key == phantom_study_key(phantom_dicom.uid(world.make("cells", seed=4), "study"))


@pytest.mark.usefixtures("small")
def test_the_same_slide_gives_the_same_bytes_and_highdicom_sees_its_tiles(tmp_path: Path) -> None:
    first, second = (phantom_slide.write(5, tmp_path / name, levels=(1,))[0] for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    whole = highdicom.imread(first).get_total_pixel_matrix(apply_icc_profile=False)
    assert np.array_equal(whole, cells_slide.region(cells.slide_case(5), (0, 0, 200, 200), 1).pixels)
    assert pydicom.dcmread(first).ImageType == ["DERIVED", "PRIMARY", "VOLUME", "RESAMPLED"]
