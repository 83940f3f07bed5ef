"""A phantom written as DICOM is read back as it was in memory."""

from pathlib import Path

import numpy as np

from vesalius.clinical import study
from vesalius.clinical.images import open_image
from vesalius.datasets import phantom_dicom, phantoms
from vesalius.phantom import world


def test_a_file_read_back_gives_the_same_picture_as_the_one_in_memory(tmp_path: Path) -> None:
    for visit in (0, 1):
        phantom = world.make("chest_xray", seed=11, visit=visit, size_px=120)
        read, kept = open_image(phantom_dicom.write(phantom, tmp_path)), phantoms.to_image(phantom)
        assert np.array_equal(read.load(), kept.load())
        for name in ("kind", "shape", "channels", "spacing_mm", "modality", "view", "inverted"):
            assert getattr(read, name) == getattr(kept, name), name


def test_the_reader_finds_the_keys_that_the_samples_carry(tmp_path: Path) -> None:
    phantom = world.make("chest_xray", seed=12, size_px=64)
    found = study.read([phantom_dicom.write(phantom, tmp_path)])
    (sample, *_) = phantoms.samples_of(phantom)
    assert [s.patient_key for s in found.studies] == [sample.provenance.patient_key]
    assert [s.study_key for s in found.studies] == [sample.provenance.study_key]


def test_two_visits_are_two_studies_of_one_patient(tmp_path: Path) -> None:
    for visit in (0, 1):
        phantom_dicom.write(world.make("chest_xray", seed=13, visit=visit, size_px=64), tmp_path)
    found = study.read([tmp_path])
    assert len({s.patient_key for s in found.studies}) == 1
    assert len({s.study_key for s in found.studies}) == len(found.studies) == 2


def test_the_same_phantom_gives_the_same_bytes(tmp_path: Path) -> None:
    phantom = world.make("chest_xray", seed=14, size_px=64)
    first, second = (phantom_dicom.write(phantom, tmp_path / name).read_bytes() for name in ("a", "b"))
    assert first == second
