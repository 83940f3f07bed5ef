"""clinical_files: any folder of clinical files."""

import logging
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tests.datasets.collections.made import Told, volume
from tests.datasets.conftest import picture

from vesalius.datasets.formats import clinical_files
from vesalius.errors import InputRefused
from vesalius.workflows.data import formats

VOXELS = np.arange(60).reshape(3, 4, 5).astype(np.int16)


def test_every_study_is_a_sample_and_what_cannot_be_read_is_told(tmp_path):
    volume(tmp_path / "a" / "t1.nii.gz", VOXELS)
    volume(tmp_path / "b.nii", VOXELS + 1)
    (tmp_path / "c.nii.gz").write_bytes(b"no volume")
    (tmp_path / "README.md").write_text("What is here.")
    told = Told()
    first, second = clinical_files.read(tmp_path, told.append)
    assert (first.task, first.images[0].image.kind, first.images[0].image.shape) == ("annotation", "volume", (3, 4, 5))
    assert first.provenance.patient_key != second.provenance.patient_key
    assert [(fault.code, fault.where) for fault in told] == [("media_unreadable", "file 3")]


def test_a_folder_with_a_table_or_masks_is_for_others_to_know(tmp_path):
    volume(tmp_path / "t1.nii.gz", VOXELS)
    assert formats.reader(tmp_path, None)[0] == "clinical_files"
    (tmp_path / "dataset.json").write_text("{}")
    assert not clinical_files.recognizes(tmp_path)
    (tmp_path / "dataset.json").unlink()
    volume(tmp_path / "labelsTr" / "t1.nii.gz", VOXELS)
    assert not clinical_files.recognizes(tmp_path)


def test_pictures_alone_are_recognized_by_nobody_but_read_when_named(tmp_path):
    picture(tmp_path / "a.png", 32, 24, 1)
    assert not clinical_files.recognizes(tmp_path)
    assert len(list(clinical_files.read(tmp_path))) == 1


def test_a_folder_of_texts_is_refused(tmp_path):
    (tmp_path / "README.md").write_text("Nothing.")
    with pytest.raises(InputRefused) as refused:
        list(clinical_files.read(tmp_path))
    assert refused.value.code == "input_empty"


def test_the_real_folders_are_read(public_data: Path, caplog):
    told = Told()
    with caplog.at_level(logging.WARNING):
        dicom = list(clinical_files.read(public_data / "dicom_real", told.append))
    assert (len(dicom), Counter(told.codes)) == (36, {"media_unreadable": 8})
    assert "of the kind segmentation, left out: 1" in caplog.text
    makers = Counter((shown.image.scanner or "none").split()[0] for sample in dicom for shown in sample.images)
    assert {name: makers[name] for name in ("GE", "Philips", "Siemens", "none")} == {
        "GE": 9,
        "Philips": 5,
        "Siemens": 2,
        "none": 26,
    }
    told.clear()
    volumes = list(clinical_files.read(public_data / "nifti_samples", told.append))
    assert (len(volumes), {shown.image.kind for s in volumes for shown in s.images}) == (11, {"volume"})
    assert len(told) == 8
