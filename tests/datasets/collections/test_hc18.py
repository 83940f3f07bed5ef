"""hc18: fetal heads with pixel size, outline and circumference."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from tests.datasets.collections.made import Told, mask
from tests.datasets.conftest import picture

from vesalius.datasets.collections import hc18
from vesalius.types import Mask

HEAD = "filename,pixel size(mm),head circumference (mm)\n"


@pytest.fixture
def heads(tmp_path) -> Path:
    """Two pictures of one pregnancy, one with a filled mask and one with an outline."""
    (tmp_path / "training_set_pixel_size_and_HC.csv").write_text(f"{HEAD}010_HC.png,0.1,70.5\n010_2HC.png,0.2,71\n")
    for shade, name in enumerate(("010_HC", "010_2HC")):
        picture(tmp_path / "training_set" / f"{name}.png", 32, 24, shade)
    mask(tmp_path / "training_set" / "010_HC_Mask.png", 32, 24, (4, 5, 14, 11))
    line = np.zeros((24, 32), np.uint8)
    line[5:11, 4:14], line[6:10, 5:13] = 255, 0
    Pillow.fromarray(line).save(tmp_path / "training_set" / "010_2HC_Annotation.png")
    return tmp_path


def test_a_picture_has_its_pixel_size_its_head_and_its_circumference(heads):
    first, second = hc18.read(heads)
    assert first.images[0].image.spacing_mm == (0.1, 0.1)
    assert [(m.name, m.value, m.unit, m.region) for m in first.measurements] == [("head circumference", 70.5, "mm", 0)]
    assert int(first.regions[0].geometry.load().sum()) == 60
    assert np.array_equal(second.regions[0].geometry.load(), first.regions[0].geometry.load())
    assert first.provenance.patient_key == second.provenance.patient_key
    assert {sample.provenance.split for sample in (first, second)} == {"train"}


def test_pictures_to_be_tested_on_have_no_truth(heads):
    (heads / "test_set_pixel_size.csv").write_text("filename,pixel size(mm)\n003_HC.png,0.3\n")
    picture(heads / "test_set" / "003_HC.png", 32, 24, 5)
    last = list(hc18.read(heads))[-1]
    assert (last.provenance.split, last.regions, last.measurements) == ("test", (), ())
    assert last.images[0].image.spacing_mm == (0.3, 0.3)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("010_HC.png,0,70", "record_malformed"),
        ("010_HC.png,0.1,wide", "record_malformed"),
        ("head.png,0.1,70", "record_malformed"),
        ("011_HC.png,0.1,70", "media_missing"),
    ],
)
def test_a_row_that_cannot_be_used_is_told(heads, line, code):
    (heads / "training_set_pixel_size_and_HC.csv").write_text(f"{HEAD}{line}\n010_2HC.png,0.2,71\n")
    told = Told()
    assert len(list(hc18.read(heads, told.append))) == 1
    assert [(fault.code, fault.where.split(" of ")[0]) for fault in told] == [(code, "line 2")]


def test_a_mask_of_another_size_and_a_picture_without_one_are_told(heads):
    mask(heads / "training_set" / "010_HC_Mask.png", 30, 24, (4, 5, 14, 11))
    (heads / "training_set" / "010_2HC_Annotation.png").unlink()
    told = Told()
    assert list(hc18.read(heads, told.append)) == []
    assert told.codes == ["mask_geometry", "media_missing"]


def test_an_open_line_encloses_nothing_but_itself():
    line = np.zeros((9, 9), bool)
    line[2, 2:7] = line[2:7, 2] = line[6, 2:7] = True
    assert np.array_equal(hc18.filled(Mask(lambda: line)), line)
    line[2:7, 6] = True
    assert int(hc18.filled(Mask(lambda: line)).sum()) == 25


def test_the_real_folder_has_the_published_counts(public_data: Path):
    told = Told()
    samples = list(hc18.read(public_data / "hc18_fetal_head", told.append))
    assert (len(samples), told) == (66, [])
    assert len({sample.provenance.patient_key for sample in samples}) == 55
    assert all(len(sample.regions) == len(sample.measurements) == 1 for sample in samples)
