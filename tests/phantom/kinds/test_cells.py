"""What is special to stained cells: counts, two magnifications, slides."""

import numpy as np
import pytest

from vesalius.errors import UsageError
from vesalius.phantom import world
from vesalius.phantom.bodies.cells import slide as slides
from vesalius.phantom.bodies.cells.specimen import CELLS, SPECIMENS
from vesalius.phantom.bodies.cells.stain import mixed, shown
from vesalius.phantom.kinds.cells import slide_case
from vesalius.phantom.truth import Phantom


def cells(seed: int, **factors: object) -> Phantom:
    return world.make("cells", seed=seed, **{"size_px": 128, **factors})


def number(phantom: Phantom, name: str, picture: int = 0) -> float:
    (found,) = [
        m.value for m in phantom.measurements if m.name == f"number of {name}s" and m.picture == phantom.pictures[picture].name
    ]
    return found


@pytest.mark.parametrize("specimen", SPECIMENS)
@pytest.mark.parametrize(
    ("finding", "cell"), [("malaria", "parasite"), ("sickle cells", "sickle cell"), ("malignant cells", "malignant cell")]
)
def test_a_grade_says_how_many_cells_are_counted(specimen: str, finding: str, cell: str) -> None:
    for severity in ("mild", "moderate", "severe"):
        least, most = CELLS[finding][severity][SPECIMENS.index(specimen)]
        for seed in range(3):
            phantom = cells(seed, specimen=specimen, finding=finding, severity=severity, size_px=64)
            assert least <= number(phantom, cell) <= most
        assert number(cells(1, specimen=specimen, finding="none", size_px=64), cell) == 0


def test_cells_that_do_not_touch_are_counted_again_on_the_mask() -> None:
    for seed in range(6):
        phantom = cells(seed, specimen="smear", finding="sickle cells", size_px=400)
        mask, found = phantom.picture.masks["sickle cells"].copy(), 0
        while mask.any():  # take one connected part after another
            part = np.zeros_like(mask)
            part[tuple(np.argwhere(mask)[0])] = True
            while True:
                wider = part.copy()
                for axis in (0, 1):
                    for step in (-1, 1):
                        wider |= np.roll(part, step, axis)
                wider &= mask
                if (wider == part).all():
                    break
                part = wider
            found += int(part.sum() > 40)
            mask &= ~part
        assert abs(found - number(phantom, "sickle cell")) <= 1, "one pair may touch, or a white cell cut one in two"


def test_every_center_lies_in_the_mask_of_its_cell() -> None:
    for seed in range(4):
        picture = cells(seed, specimen="smear", finding="eosinophilia,malaria", size_px=256).picture
        for name, point in picture.points.items():
            sort = name.rsplit(" ", 1)[0]
            if sort in picture.masks:
                assert picture.masks[sort][int(point.at[0]), int(point.at[1])], name


def test_mitoses_are_as_many_lesions_as_were_asked_for() -> None:
    for specimen in SPECIMENS:
        for count in (1, 2, 4):
            phantom = cells(5, specimen=specimen, finding="mitosis", count=count)
            assert number(phantom, "mitotic cell") == count == len(phantom.lesions)
            assert all(phantom.picture.masks[lesion.mask].any() for lesion in phantom.lesions)


def test_both_magnifications_show_the_same_cells() -> None:
    for specimen in SPECIMENS:
        phantom = cells(3, specimen=specimen, finding="malaria,eosinophilia", magnification="40,10", size_px=128)
        near, far = phantom.pictures
        assert far.spacing_mm is not None
        assert near.spacing_mm is not None
        assert far.spacing_mm[0] == pytest.approx(4 * near.spacing_mm[0], rel=2e-3)
        small = [name for name in near.points if name.startswith("eosinophil")]
        assert small
        seen = np.array([point.at for name, point in far.points.items() if name.startswith("eosinophil")])
        for name in small:
            expected = np.array(near.points[name].at) / 4 + 48
            assert np.abs(seen - expected).max(axis=1).min() < 0.3
        coarse = near.masks["eosinophil"].reshape(32, 4, 32, 4).mean(axis=(1, 3)) > 0.5
        assert (coarse == far.masks["eosinophil"][48:80, 48:80]).mean() > 0.97


def test_regions_of_a_slide_that_overlap_agree_to_the_pixel() -> None:
    case = slide_case(7, specimen="tissue", finding="malignant cells")
    one, two = slides.region(case, (8000, 10000, 8450, 10500)), slides.region(case, (8200, 10300, 8600, 10700))
    assert (one.pixels[200:, 300:] == two.pixels[:250, :200]).all()
    assert all((mask[200:, 300:] == two.masks[name][:250, :200]).all() for name, mask in one.masks.items())
    assert slides.shape_px(0) == (16000, 20000)


def test_a_level_of_a_slide_is_the_mean_of_the_level_before() -> None:
    case = slide_case(8, specimen="smear", finding="malaria")
    first, second = slides.region(case, (4000, 4000, 4400, 4400)), slides.region(case, (1000, 1000, 1100, 1100), 1)
    mean = first.pixels.astype(float).reshape(100, 4, 100, 4, 3).mean(axis=(1, 3))
    assert np.abs(second.pixels - mean).max() <= 0.5 + 1e-6
    third = slides.region(case, (250, 250, 275, 275), 2).pixels
    assert np.abs(third - second.pixels.astype(float).reshape(25, 4, 25, 4, 3).mean(axis=(1, 3))).max() <= 0.5 + 1e-6
    assert first.counts == second.counts
    assert first.spacing_mm[0] * 4 == second.spacing_mm[0]


def test_counts_of_regions_side_by_side_add_up() -> None:
    case = slide_case(9, specimen="smear")
    whole = slides.region(case, (800, 800, 1000, 1300)).counts
    parts = [slides.region(case, box).counts for box in ((800, 800, 1000, 1050), (800, 1050, 1000, 1300))]
    assert {name: parts[0][name] + parts[1][name] for name in whole} == whole
    assert whole["red cell"] > 10


def test_a_slide_has_no_region_beyond_its_edge() -> None:
    for box, level in (((0, 0, 10, 20001), 0), ((5, 5, 5, 9), 0), ((0, 0, 9, 9), 3)):
        with pytest.raises(UsageError):
            slides.region(slide_case(1), box, level)
    with pytest.raises(UsageError):
        slide_case(1, specimen="bone")


def test_dye_takes_light_by_the_law_of_beer_and_lambert() -> None:
    stain = mixed(np.random.default_rng(1), "smear", "standard")
    dyes = np.zeros((5, 1, 3), np.float32)
    dyes[0, 0] = (0, 1, 2)
    light = shown(dyes, stain)[0] / stain.empty
    assert np.allclose(light[0], 1)
    assert np.allclose(light[2], light[1] ** 2, rtol=1e-4)


def test_red_cells_are_as_wide_as_is_stated() -> None:
    for seed in range(3):
        phantom = cells(seed, specimen="smear", finding="none", crowding="sparse", size_px=512)
        (stated,) = [m.value for m in phantom.measurements if m.name == "mean red cell diameter"]
        picture = phantom.picture
        assert picture.spacing_mm is not None
        # The area of all of them by their number; sparse cells hardly overlap.
        area = picture.masks["red cell"].sum() * picture.spacing_mm[0] ** 2 / number(phantom, "red cell")
        assert 0.85 < 2 * np.sqrt(area / np.pi) / stated < 1.1
