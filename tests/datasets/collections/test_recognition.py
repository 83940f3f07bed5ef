"""Which reader takes which folder: one each, and none takes what is broken or foreign."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from vesalius.datasets.formats import clinical_files
from vesalius.errors import InputRefused
from vesalius.workflows.data import formats
from vesalius.workflows.info import PACKAGE, REGISTRIES, members

NAMES = [member["name"] for member in members(PACKAGE / REGISTRIES["collections"][0], REGISTRIES["collections"][1])]
READ_BY = {
    "bccd": "bccd",
    "covid_chestxray": "covid_chestxray",
    "covid_ct": "covid_ct",
    "derived_vqa": "derived_vqa",
    "dicom_real": "dicom_seg",  # it holds a segmentation; `--from clinical_files` reads all of it
    "drive_fundus": "drive",
    "hc18_fetal_head": "hc18",
    "hpo_ontology": "hpo",
    "iu_xray_reports": "iu_xray",
    "kermany_chestxray": "kermany",
    "kvasir_seg_sample": "kvasir_seg",
    "monuseg_histology": "monuseg",
    "nifti_samples": "clinical_files",
    "pocus_atlas_bench": "pocus_atlas",
    "pocus_ultrasound": "pocus",
    "pubmedqa": "pubmedqa",
    "slake_text": "slake",
    "totalsegmentator": "totalsegmentator",
    "vqa_med": "vqa_med",
}
FILES = [
    "train.json",
    "annotation.json",
    "metadata.csv",
    "dataset_metadata.csv",
    "hp.obo",
    "ori_pqal.json",
    "training_set_pixel_size_and_HC.csv",
    "All_QA_Pairs_train.txt",
    "COVID-CT-MetaInfo.xlsx",
    "img_0.png",
    "example_ct.nii.gz",
    "images/cju0qkwl35piu0993l0dewei2.jpg",
    "s0000/ct.nii.gz",
    "train/x.jpeg",
]
BROKEN = {"empty": b"", "binary": b"\xff\xfe\x00\x81" * 40, "a number": b"7", "a list": b"[]", "cut off": b'[{"img_name": "a'}


def reader(name: str) -> ModuleType:
    return importlib.import_module(f"vesalius.datasets.collections.{name}")


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_no_collection_is_recognized_in_broken_files_of_their_names(tmp_path, content):
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert [name for name in NAMES if reader(name).recognizes(tmp_path)] == []


def test_no_collection_is_recognized_in_an_empty_folder_or_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    for place in (tmp_path, tmp_path / "file"):
        assert [name for name in NAMES if reader(name).recognizes(place)] == []
        assert not clinical_files.recognizes(place)


@pytest.mark.parametrize("name", NAMES)
def test_a_foreign_folder_that_is_named_all_the_same_is_refused_with_what_it_lacks(tmp_path, name):
    with pytest.raises(InputRefused) as refused:
        list(reader(name).read(tmp_path))
    assert refused.value.code == "bad_dataset"


@pytest.mark.parametrize("folder", READ_BY)
def test_every_real_folder_is_recognized_by_one_reader_alone(public_data: Path, folder):
    taken = [name for name in NAMES if reader(name).recognizes(public_data / folder)]
    assert taken == ([] if READ_BY[folder] in ("clinical_files", "dicom_seg") else [READ_BY[folder]])
    assert formats.reader(public_data / folder, None)[0] == READ_BY[folder]


def test_there_is_a_reader_for_every_real_folder(public_data: Path):
    assert {place.name for place in public_data.iterdir() if place.is_dir()} == READ_BY.keys()
