"""What one format of annotated pictures writes, no other takes for its own; and collections come before formats."""

from pathlib import Path

import numpy as np
import pytest
from tests.datasets.formats.drawn import HEIGHT, WIDTH, image, mask, sample, volume

from vesalius.datasets import recognized
from vesalius.datasets.exports import Dropped
from vesalius.datasets.formats import coco, dicom_seg, mask_folder, monai, nnunet, qupath, voc, yolo
from vesalius.types import Region
from vesalius.workflows.data import formats

ALL = (coco, dicom_seg, mask_folder, monai, nnunet, qupath, voc, yolo)


@pytest.mark.parametrize("module", ALL, ids=lambda module: module.NAME)
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_format_recognizes_what_it_writes_and_no_other_does(tmp_path: Path, module: object, split: str) -> None:
    plane, whole = np.zeros((HEIGHT, WIDTH), bool), np.zeros((4, HEIGHT, WIDTH), bool)
    plane[3:9, 4:9] = whole[1:3, 3:9, 4:9] = True
    is_volume = module is dicom_seg
    made = sample([Region("polyp", mask(whole if is_volume else plane))], volume() if is_volume else image(), split=split)
    module.write([made], tmp_path, Dropped())
    assert [each.NAME for each in ALL if each.recognizes(tmp_path)] == [module.NAME]


@pytest.mark.parametrize("name", [module.NAME for module in ALL])
def test_every_format_is_read_and_written_by_its_name(name: str) -> None:
    assert name in recognized.readers()
    assert name in formats.writable()


def test_no_format_of_texts_or_collection_takes_them_either(tmp_path: Path) -> None:
    plane = np.zeros((HEIGHT, WIDTH), bool)
    plane[3:9, 4:9] = True
    for module in ALL:
        if module is not dicom_seg:  # studies of DICOM are read with and without their segmentations
            module.write([sample([Region("polyp", mask(plane))], split="train")], tmp_path / module.NAME, Dropped())
            assert formats.reader(tmp_path / module.NAME, None)[0] == module.NAME


@pytest.mark.parametrize(
    "collection", ["bccd", "covid_chestxray", "kvasir_seg_sample", "hc18_fetal_head", "monuseg_histology", "drive_fundus"]
)
def test_a_published_collection_comes_before_a_format_that_fits_too(public_data: Path, collection: str) -> None:
    assert any(module.recognizes(public_data / collection) for module in ALL)
    _, module = formats.reader(public_data / collection, None)
    assert ".collections." in module.__name__
