"""DICOM segmentations as a dataset: structures on the pictures that they were drawn on."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.datasets.by_hand import every, phantom, picture
from tests.datasets.formats.drawn import (
    HEIGHT,
    WIDTH,
    codes,
    image,
    mask,
    pixels,
    same_pixels,
    sample,
    save,
    there_and_back,
    told,
    volume,
)

from vesalius.clinical.dicom import write as dicom_write
from vesalius.datasets.exports import Dropped
from vesalius.datasets.formats import dicom_seg
from vesalius.datasets.phantoms import dicom as phantom_files
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Box, Image, Polygon, Region, Source

FEW = settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
INSIDE = np.zeros((4, HEIGHT, WIDTH), bool)
INSIDE[1:3, 3:9, 4:9] = True


def test_segments_lie_on_the_pictures_that_they_were_drawn_on(tmp_path: Path) -> None:
    made = phantom("chest_ct", picture("CT", "ct"))
    phantom_files.write(made, tmp_path)
    assert dicom_seg.recognizes(tmp_path)
    (found,) = dicom_seg.read(tmp_path)
    drawn = {name: held for name, held in made.pictures[0].masks.items() if held.any()}
    assert [region.label for region in found.regions] == list(drawn)
    assert all(np.array_equal(region.geometry.load(), drawn[region.label]) for region in found.regions)
    assert np.array_equal(found.images[0].image.load(), made.pictures[0].pixels)
    assert found.task == "annotation"


@pytest.mark.parametrize("kind", ["chest_xray", "fundus", "skin"])
def test_plane_pictures_are_read_too(tmp_path: Path, kind: str) -> None:
    made = every()[kind]
    phantom_files.write(made, tmp_path)
    found, faults = told(dicom_seg.read, tmp_path)
    assert len(found) == len(made.pictures)
    assert faults == []


def test_folders_of_splits_are_splits(tmp_path: Path) -> None:
    for split, seed in (("train", 3), ("val", 4)):
        phantom_files.write(phantom("chest_ct", picture("CT", "ct"), seed=seed), tmp_path / split)
    found = list(dicom_seg.read(tmp_path))
    assert [one.provenance.split for one in found] == ["train", "validation"]
    assert len({one.provenance.patient_key for one in found}) == 2


def test_what_lies_on_no_picture_and_cannot_be_read_is_told(tmp_path: Path) -> None:
    paths = phantom_files.write(phantom("chest_ct", picture("CT", "ct")), tmp_path)
    for path in paths[:-1]:
        path.unlink()
    (tmp_path / "broken.dcm").write_bytes(paths[-1].read_bytes()[:900])
    found, faults = told(dicom_seg.read, tmp_path)
    assert found == []
    assert codes(faults) == ["media_unreadable", "mask_geometry"]
    assert "3 of 3 segments" in faults[1].message


def test_pictures_without_a_segmentation_are_counted_and_empty_segments_told(tmp_path: Path) -> None:
    phantom_files.write(phantom("chest_ct", picture("CT", "ct")), tmp_path)
    bare = picture("CT", "second", masks={}, pixels=np.ones((6, 20, 24), np.int16))
    phantom_files.write(phantom("chest_ct", picture("CT", "ct"), bare), tmp_path)
    (path,) = tmp_path.glob("*-masks.dcm")
    dataset = pydicom.dcmread(path)
    frames = [
        group.SegmentIdentificationSequence[0].ReferencedSegmentNumber for group in dataset.PerFrameFunctionalGroupsSequence
    ]
    bits = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")[: len(frames) * 480].reshape(-1, 480)
    bits[np.array(frames) == 2] = 0
    dataset.PixelData = dicom_write.padded(np.packbits(bits.ravel(), bitorder="little").tobytes())
    dataset.save_as(path)
    (found,), faults = told(dicom_seg.read, tmp_path)
    assert [(fault.code, fault.where) for fault in faults] == [
        ("mask_all_zero", "study 1, segment 2"),
        ("media_unused", "study 1"),
    ]
    assert [region.label for region in found.regions] == ["right lung", "nodule 2"]


@pytest.mark.parametrize("content", [b"", b"3", b"\0" * 128 + b"DICM", b"1.2.840.10008.5.1.4.1.1.66.4\0"])
def test_garbage_and_pictures_alone_are_not_recognized(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.dcm").write_bytes(content)
    save(tmp_path / "b.png", pixels())
    assert not dicom_seg.recognizes(tmp_path)
    assert not dicom_seg.recognizes(tmp_path / "a.dcm")
    with pytest.raises(InputRefused, match="no DICOM segmentation"):
        told(dicom_seg.read, tmp_path)


@FEW
@given(st.integers(1, 2), st.integers(0, 99), st.sampled_from(["train", "test", None]))
def test_masks_of_volumes_come_back(tmp_path_factory: pytest.TempPathFactory, many: int, seed: int, split: str | None) -> None:
    random = np.random.default_rng(seed)
    regions = [Region(f"label {n}", mask(random.random((4, HEIGHT, WIDTH)) < 0.3)) for n in range(many)]
    made = sample(regions, volume(seed), split=split)
    (found,), dropped = there_and_back(dicom_seg, [made], tmp_path_factory.mktemp("seg"))
    assert [region.label for region in found.regions] == [region.label for region in made.regions]
    assert all(np.array_equal(a.geometry.load(), b.geometry.load()) for a, b in zip(found.regions, made.regions, strict=True))
    assert same_pixels(found, made)
    assert np.allclose(found.images[0].image.affine_lps_mm, made.images[0].image.affine_lps_mm)
    assert found.provenance.split == split
    assert not dropped


def test_what_is_written_says_nothing_that_is_not_known(tmp_path: Path) -> None:
    dicom_seg.write([sample([Region("liver", mask(INSIDE))], volume())], tmp_path, Dropped())
    (path,) = tmp_path.rglob("segmentation.dcm")
    written = pydicom.dcmread(path)
    assert (written.PatientName, written.PatientSex, "PatientAge" in written) == ("", "", False)
    assert written.SegmentSequence[0].SegmentAlgorithmType == "SEMIAUTOMATIC"
    assert "phantom" not in str(written).lower()
    assert written.ReferencedSeriesSequence[0].SeriesInstanceUID == pydicom.dcmread(path.with_name("00001.dcm")).SeriesInstanceUID


def test_outlines_on_color_are_filled_and_the_rest_is_counted(tmp_path: Path) -> None:
    values = pixels(0, (HEIGHT, WIDTH, 3))
    color = Image("image", (HEIGHT, WIDTH), 3, lambda: values, Source(None, "c" * 64, "memory"), modality="XC")
    square = Polygon(((5, 5), (5, 10), (10, 10), (10, 5)))
    made = [sample([Region("mole", square), Region("hair", Box((1, 1), (5, 5)))], color), sample([Region("a", square)], image())]
    dropped = Dropped()
    dicom_seg.write([*made, sample([], color)], tmp_path, dropped)
    (found,), faults = told(dicom_seg.read, tmp_path)
    assert faults == []
    assert int(found.regions[0].geometry.load().sum()) == 25
    assert dropped == {
        "boxes, points and outlines in volumes: the format has masks alone": 1,
        "pictures that no object here holds: plane pictures in color, or radiographs with view and pixel size alone": 1,
        "pictures without a mask": 1,
    }
    with pytest.raises(UsageError, match="written as DICOM"):
        dicom_seg.write([sample([], volume())], tmp_path / "none", Dropped())


def test_a_real_segmentation_without_its_pictures_is_told(public_data: Path) -> None:
    found, faults = told(dicom_seg.read, public_data / "dicom_real" / "pydicom-data")
    assert found == []
    assert "mask_geometry" in codes(faults)
