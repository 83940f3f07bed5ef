"""Phantoms written as DICOM are what the standard asks for, and are read back as they are in memory."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from highdicom import _standard_utils
from tests.datasets.by_hand import FRAMES, PLANES, every, masks, phantom, picture, pixels

from vesalius.clinical import keys, study
from vesalius.clinical.images import open_image
from vesalius.datasets.phantoms import dicom as phantom_dicom
from vesalius.datasets.phantoms.image import to_image
from vesalius.phantom import world
from vesalius.phantom.truth import Phantom, Picture
from vesalius.types import Image, Mask, Part

BY_HAND = every()
KINDS = world.kinds()
# What the checker says of files that are right.
# - It knows no private scheme of codes, and no detector that is simulated.
# - Of a picture of the skin, a probe's and a knee's it wants the side of the body, and minds that it is unknown.
# - Of an ophthalmic tomography it asks for the numbers of a concatenation and refuses them: C.8.17.7 wants them.
KNOWN = (
    "<99VESALIUS>",
    "<SIMULATED>",
    "permitted to be empty when actually unknown",
    "Concatenation",
    "Duration(0018,9220)[1]> - Value is zero",
)


def made(kind: str, visit: int = 0) -> Phantom:
    size_px = 20 if world.factors(kind)["spacing_mm"].numbers == 3 else 48
    return world.make(kind, seed=5, visit=visit, size_px=size_px)


def written(source: Phantom, folder: Path) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in phantom_dicom.write(source, folder)]


def read(folder: Path) -> list[Image]:
    """All pictures, in the order in which the phantom has them."""
    (found,) = study.read([folder]).studies
    images = [image for series in found.series for image in series.images]
    return sorted(images, key=lambda image: str(image.source.path).replace("-0001", ""))


def fits(found: Image, kept: Image, *, is_slide: bool) -> None:
    values = found.load()
    assert values.dtype == kept.load().dtype
    assert np.array_equal(values, kept.load())
    # A step between slices is the difference of two positions.
    assert found.spacing_mm == (None if kept.spacing_mm is None else pytest.approx(kept.spacing_mm, rel=1e-12))
    names = ("shape", "channels", "modality", "view", "frame_s", "frame_times_s", "inverted", "day")
    for name in (*names, *(() if is_slide else ("kind",))):
        assert getattr(found, name) == getattr(kept, name), name
    assert kept.window in (None, found.window)
    assert (found.affine_lps_mm is None) == (kept.affine_lps_mm is None)
    if kept.affine_lps_mm is not None:
        np.testing.assert_allclose(found.affine_lps_mm, kept.affine_lps_mm, atol=1e-6)
    assert {warning.code for warning in found.warnings} <= {"no_calibration"}


def check_read_back(source: Phantom, folder: Path) -> None:
    phantom_dicom.write(source, folder)
    pictures = sorted(source.pictures, key=lambda item: item.name)
    found = read(folder)
    assert len(found) == len(pictures)
    for image, item in zip(found, pictures, strict=True):
        fits(image, to_image(item, source), is_slide=item.modality == "SM")


@pytest.mark.parametrize("name", BY_HAND)
def test_a_file_read_back_gives_the_same_picture_as_the_one_in_memory(tmp_path: Path, name: str) -> None:
    check_read_back(BY_HAND[name], tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_back_as_it_was_drawn(tmp_path: Path, kind: str) -> None:
    check_read_back(made(kind, visit=1), tmp_path)


def check_regions(source: Phantom, folder: Path) -> None:
    """Masks lie on the very grid of their picture: slices, frames of a film, the level of a slide."""
    phantom_dicom.write(source, folder)
    (found,) = study.read([folder]).studies
    series = {
        str(image.source.path).replace("-0001", ""): (one, index)
        for one in found.series
        for index, image in enumerate(one.images)
    }
    for item, (path, (one, index)) in zip(
        sorted(source.pictures, key=lambda item: item.name), sorted(series.items()), strict=True
    ):
        assert item.name.replace(" ", "-") in path
        regions = [region for region in one.regions if region.image == index]
        drawn = {name: mask for name, mask in item.masks.items() if mask.any()}
        assert [region.label for region in regions] == [name.lower() for name in drawn]
        for region, mask in zip(regions, drawn.values(), strict=True):
            assert isinstance(region.geometry, Mask)
            assert np.array_equal(region.geometry.load(), mask), region.label


@pytest.mark.parametrize("name", BY_HAND)
def test_masks_read_back_lie_on_the_picture_that_they_were_drawn_on(tmp_path: Path, name: str) -> None:
    check_regions(BY_HAND[name], tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_masks_of_every_kind_are_read_back_as_they_were_drawn(tmp_path: Path, kind: str) -> None:
    check_regions(made(kind), tmp_path)


def segment(path: Path, item: Picture) -> np.ndarray:
    """By highdicom: of the picture's planes or frames, (…, Y, X, masks)."""
    found = highdicom.seg.segread(path)
    sources = [uid for *_, uid in found.get_source_image_uids()]
    if item.modality == "SM":
        return found.get_total_pixel_matrix()
    if item.kind == "clip":
        return found.get_pixels_by_source_frame(sources[0], list(range(1, len(item.pixels) + 1)))
    return found.get_pixels_by_source_instance(sources, ignore_spatial_locations=True)


@pytest.mark.parametrize("name", BY_HAND)
def test_highdicom_finds_the_same_masks(tmp_path: Path, name: str) -> None:
    source = BY_HAND[name]
    paths = phantom_dicom.write(source, tmp_path)
    for item in source.pictures:
        for path in (path for path in paths if path.name.endswith(f"-{item.name}-masks.dcm")):
            drawn = {key: mask for key, mask in item.masks.items() if mask.any()}
            found = segment(path, item)
            for index, mask in enumerate(drawn.values()):
                assert np.array_equal(found[..., index].reshape(mask.shape), mask)
            labels = [found.SegmentLabel for found in highdicom.seg.segread(path).SegmentSequence]
            assert labels == list(drawn)


@pytest.mark.parametrize("name", BY_HAND)
def test_pydicom_and_highdicom_decode_every_frame(tmp_path: Path, name: str) -> None:
    for path in phantom_dicom.write(BY_HAND[name], tmp_path):
        values = pydicom.dcmread(path).pixel_array
        frames = highdicom.imread(path).get_stored_frames()
        assert np.array_equal(np.squeeze(frames), np.squeeze(values)), path.name


def test_frames_of_a_volume_have_geometry_for_highdicom(tmp_path: Path) -> None:
    source = BY_HAND["chest_ct"]
    paths = [path for path in phantom_dicom.write(source, tmp_path) if "masks" not in path.name]
    volume = highdicom.get_volume_from_series([pydicom.dcmread(path) for path in paths])
    assert volume.spatial_shape == source.picture.pixels.shape
    affine = source.picture.affine_lps_mm
    assert affine is not None
    corner = volume.map_indices_to_reference(np.array([[0, 0, 0]]))[0]
    ends = {tuple(np.round((affine @ [z, 0, 0, 1])[:3], 4)) for z in (0, PLANES - 1)}
    assert tuple(np.round(corner, 4)) in ends


@cache
def tables() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """PS3.3 as highdicom brings it: the object of each class, its modules, their attributes."""
    folder = Path(_standard_utils.__file__).parent / "_standard"
    found = [
        json.loads((folder / f"{name}.json").read_text())
        for name in ("sop_class_iod_map", "iod_module_map", "module_attribute_map")
    ]
    return found[0], found[1], found[2]


def missing(dataset: pydicom.Dataset) -> set[str]:
    """Attributes of types 1 and 2 that a module asks for at the top of the data set and that are not there, or empty."""
    objects, modules, attributes = tables()
    asked = [m["key"] for m in modules[objects[dataset.SOPClassUID]] if m["usage"] == "M"]
    assert len(asked) > 5
    found = set()
    for one in (attribute for key in asked for attribute in attributes[key] if not attribute["path"]):
        if one["type"] in ("1", "2"):
            is_there = one["keyword"] in dataset
            if not is_there or (one["type"] == "1" and dataset[one["keyword"]].is_empty):
                found.add(one["keyword"])
    return found


@pytest.mark.parametrize("name", BY_HAND)
def test_no_attribute_that_the_standard_requires_is_missing(tmp_path: Path, name: str) -> None:
    for dataset in written(BY_HAND[name], tmp_path):
        assert not missing(dataset), dataset.file_meta.MediaStorageSOPClassUID.name


def check_valid(paths: list[Path]) -> None:
    checker = shutil.which("dciodvfy")
    if checker is None:
        pytest.skip("dciodvfy is not installed: Debian's dicom3tools has it")
    for path in paths:
        said = subprocess.run([checker, "-new", path], capture_output=True, text=True, check=False).stderr.splitlines()
        assert [line for line in said[1:] if not any(known in line for known in KNOWN)] == [], path.name


@pytest.mark.parametrize("name", BY_HAND)
def test_files_are_valid_to_an_independent_checker(tmp_path: Path, name: str) -> None:
    check_valid(phantom_dicom.write(BY_HAND[name], tmp_path))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_valid_to_an_independent_checker(tmp_path: Path, kind: str) -> None:
    paths = phantom_dicom.write(made(kind), tmp_path)
    slices = [path for path in paths if path.stem[-4:].isdigit()]
    check_valid([path for path in paths if path not in slices[1:-1]])


def test_the_reader_finds_the_keys_that_the_samples_carry(tmp_path: Path) -> None:
    for name, source in BY_HAND.items():
        phantom_dicom.write(source, tmp_path / name)
        (found,) = study.read([tmp_path / name]).studies
        assert found.patient_key == keys.phantom_patient_key(phantom_dicom.patient_id(source))
        assert found.study_key == keys.phantom_study_key(phantom_dicom.uid(source, "study"))


def test_two_visits_are_two_studies_of_one_patient(tmp_path: Path) -> None:
    for visit in (0, 1):
        phantom_dicom.write(phantom("chest_ct", picture("CT"), visit=visit), tmp_path)
    found = study.read([tmp_path])
    assert len({s.patient_key for s in found.studies}) == 1
    assert len({s.study_key for s in found.studies}) == len(found.studies) == 2


@pytest.mark.parametrize("name", BY_HAND)
def test_the_same_phantom_gives_the_same_bytes(tmp_path: Path, name: str) -> None:
    first, second = (phantom_dicom.write(every()[name], tmp_path / folder) for folder in ("a", "b"))
    assert [path.name for path in first] == [path.name for path in second]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_no_two_objects_have_the_same_uid_and_no_file_knows_what_day_it_is(tmp_path: Path) -> None:
    datasets = [dataset for name, source in BY_HAND.items() for dataset in written(source, tmp_path / name)]
    dates = {element.value for dataset in datasets for element in dataset.iterall() if element.VR in ("DA", "DT")}
    assert {date[:8] for date in dates} <= {"20000101", ""}
    by_hand = {"ultrasound in color", "endoscopy still"}  # the same patient's other pictures
    uids = [
        str(d.SOPInstanceUID)
        for name in BY_HAND
        if name not in by_hand
        for d in map(pydicom.dcmread, sorted((tmp_path / name).iterdir()))
    ]
    assert len(set(uids)) == len(uids) > 20


def test_a_uid_depends_on_pixels_visit_level_and_parts() -> None:
    same = phantom("skin", picture("XC"))
    others = [phantom("skin", picture("XC", pixels=pixels((20, 24, 3), "uint8", 9))), phantom("skin", picture("XC"), visit=1)]
    found = [phantom_dicom.uid(one, "study") for one in (same, *others)]
    found += [
        phantom_dicom.uid(same, "series"),
        phantom_dicom.uid(same, "series", "a"),
        phantom_dicom.uid(same, "series", "a", "b"),
    ]
    assert len(set(found)) == 6
    assert phantom_dicom.uid(phantom("skin", picture("XC")), "study") == found[0]
    assert all(len(uid) <= 64 and uid.startswith("2.25.") for uid in found)


def test_a_file_says_that_its_patient_is_simulated(tmp_path: Path) -> None:
    for dataset in written(BY_HAND["brain_mr"], tmp_path):
        assert dataset.QualityControlSubject == "YES"
        assert dataset.Manufacturer == keys.PHANTOM_MANUFACTURER
        assert dataset.PatientName == ""


def test_a_mask_that_is_empty_is_no_segment_and_a_picture_without_masks_has_no_file_of_them(tmp_path: Path) -> None:
    (_, found) = written(phantom("skin", picture("XC")), tmp_path / "a")
    assert [item.SegmentLabel for item in found.SegmentSequence] == ["right lung", "nodule", "nodule 2"]
    assert [item.SegmentedPropertyCategoryCodeSequence[0].CodeValue for item in found.SegmentSequence] == [
        "91723000",
        "49755003",
        "49755003",
    ]
    empty = {"nothing": np.zeros((20, 24), bool)}
    assert len(phantom_dicom.write(phantom("skin", picture("XC", masks=empty)), tmp_path / "b")) == 1


def test_a_mask_of_a_film_that_holds_something_in_its_first_frame_alone_names_that_frame(tmp_path: Path) -> None:
    first = np.zeros((FRAMES, 20, 24), bool)
    first[0, 3:5, 7] = True
    (_, found) = written(phantom("ultrasound", picture("US", masks={"pleura": first})), tmp_path)
    (group,) = found.PerFrameFunctionalGroupsSequence
    assert group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber == 1
    assert group.FrameContentSequence[0].TemporalPositionIndex == 1


def test_a_field_of_cells_is_cut_into_tiles(tmp_path: Path) -> None:
    shape = (300, 530)
    source = phantom(
        "cells", picture("SM", pixels=pixels((*shape, 3), "uint8"), masks=masks(shape), spacing_mm=(0.00025, 0.00025))
    )
    path, of_masks = phantom_dicom.write(source, tmp_path)
    dataset = pydicom.dcmread(path)
    assert (dataset.NumberOfFrames, dataset.Rows, dataset.Columns) == (6, 256, 256)
    image = open_image(path)
    assert (image.kind, image.shape, image.spacing_mm) == ("slide", shape, (0.00025, 0.00025))
    assert np.array_equal(image.part(Part(box_yxyx_px=(250, 200, 300, 530))), source.picture.pixels[250:300, 200:530])
    found = highdicom.seg.segread(of_masks)
    assert found.NumberOfFrames == 3  # tiles without anything are left out
    for index, mask in enumerate(mask for mask in source.picture.masks.values() if mask.any()):
        assert np.array_equal(found.get_total_pixel_matrix()[..., index], mask)
    whole = highdicom.imread(path).get_total_pixel_matrix(apply_icc_profile=False)
    assert np.array_equal(whole, source.picture.pixels)


def test_ultrasound_has_eight_bits_in_the_file_and_in_memory(tmp_path: Path) -> None:
    source = BY_HAND["ultrasound"]
    (path, _) = phantom_dicom.write(source, tmp_path)
    dataset = pydicom.dcmread(path)
    assert (dataset.BitsStored, dataset.NumberOfFrames, float(dataset.FrameTime)) == (8, FRAMES, pytest.approx(1000 / 15))
    (region,) = dataset.SequenceOfUltrasoundRegions
    assert (region.PhysicalDeltaY, region.PhysicalDeltaX) == (0.05, 0.025)
    assert np.array_equal(open_image(path).load(), source.picture.pixels >> 4)


def test_sequences_of_one_head_share_its_space_and_no_series(tmp_path: Path) -> None:
    found = [dataset for dataset in written(BY_HAND["brain_mr"], tmp_path) if dataset.Modality == "MR"]
    assert len({dataset.FrameOfReferenceUID for dataset in found}) == 1
    assert len({dataset.SeriesInstanceUID for dataset in found}) == 2
    assert {(dataset.SeriesDescription, "IR" in dataset.ScanningSequence) for dataset in found} == {
        ("t1", False),
        ("flair", True),
    }


def test_radiographs_of_one_visit_are_one_series(tmp_path: Path) -> None:
    found = [dataset for dataset in written(BY_HAND["chest_xray"], tmp_path) if dataset.Modality == "DX"]
    assert [(dataset.ViewPosition, dataset.InstanceNumber) for dataset in found] == [("PA", 1), ("LL", 2)]
    assert len({dataset.SeriesInstanceUID for dataset in found}) == 1
