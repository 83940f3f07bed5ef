"""totalsegmentator: volumes with masks of many structures."""

import gzip
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from tests.datasets.collections.made import Told, volume

from vesalius.datasets.collections import totalsegmentator

SHAPE = (3, 4, 5)
CT = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.int16)


def mask(*planes: int) -> np.ndarray:
    made = np.zeros(SHAPE, np.uint8)
    made[list(planes)] = 1
    return made


def with_names(path: Path, names: dict[int, str]) -> None:
    """Put the program's table of labels behind the header."""
    content = gzip.decompress(path.read_bytes())
    labels = "".join(f'<Label Key="{key}" Red="0.0"><![CDATA[{name}]]></Label>' for key, name in names.items())
    text = f"<CaretExtension><LabelTable>{labels}</LabelTable></CaretExtension>".encode()
    size = -(-(8 + len(text)) // 16) * 16
    extension = struct.pack("<ii", size, 0) + text.ljust(size - 8, b"\0")
    first = int(struct.unpack("<f", content[108:112])[0])
    head = content[:108] + struct.pack("<f", first + size) + content[112:348] + b"\x01\0\0\0"
    path.write_bytes(gzip.compress(head + extension + content[first:]))


@pytest.fixture
def subjects(tmp_path) -> Path:
    volume(tmp_path / "s0000" / "ct.nii.gz", CT)
    volume(tmp_path / "s0000" / "segmentations" / "lung_upper_lobe_left.nii.gz", mask(1), flipped=True)
    volume(tmp_path / "s0000" / "segmentations" / "spleen.nii.gz", mask())
    (tmp_path / "meta.csv").write_text(
        "image_id;age;gender;institute;study_type;split;manufacturer;scanner_model\n"
        "s0000;61;f;B;ct thorax;val;siemens;SOMATOM Definition Edge\n"
    )
    return tmp_path


@pytest.fixture
def references(tmp_path) -> Path:
    volume(tmp_path / "example_ct_sm.nii.gz", CT)
    volume(tmp_path / "example_mr_sm.nii.gz", CT, first_mm=100.0)
    volume(tmp_path / "example_seg.nii.gz", mask(0) + 26 * mask(2))
    with_names(tmp_path / "example_seg.nii.gz", {1: "spleen", 26: "vertebrae_L1"})
    volume(tmp_path / "example_seg_mr.nii.gz", mask(1), first_mm=100.0)
    volume(tmp_path / "example_seg_fast" / "liver.nii.gz", mask(0, 1))
    volume(tmp_path / "example_seg_fast" / "colon.nii.gz", mask())
    return tmp_path


def test_a_subject_has_its_structures_and_those_that_are_absent(subjects):
    (sample,) = totalsegmentator.read(subjects)
    assert [(r.label, int(r.geometry.load().sum())) for r in sample.regions] == [("lung upper lobe left", 20)]
    assert sample.labels == {"spleen": "absent"}
    about = sample.provenance
    assert (about.split, about.age_years, about.sex, about.site) == ("validation", 61.0, "F", "B")
    assert (sample.images[0].image.modality, sample.images[0].image.spacing_mm) == ("CT", (3.0, 3.0, 3.0))
    assert sample.images[0].image.scanner == "Siemens Definition"


def test_a_mask_that_lies_elsewhere_or_is_damaged_is_told_and_the_others_stay(subjects):
    volume(subjects / "s0000" / "segmentations" / "liver.nii.gz", mask(1), first_mm=7.0)
    (subjects / "s0000" / "segmentations" / "colon.nii.gz").write_bytes(b"no volume")
    (subjects / "s0001").mkdir()
    told = Told()
    (sample,) = totalsegmentator.read(subjects, told.append)
    assert len(sample.regions) == 1
    assert [(fault.code, fault.where) for fault in told] == [
        ("media_unreadable", "subject s0000, colon"),
        ("mask_geometry", "subject s0000, liver"),
        ("media_missing", "subject s0001"),
    ]


def test_reference_files_are_joined_to_the_volume_that_has_their_voxels(references):
    by_name = {sample.provenance.annotation: sample for sample in totalsegmentator.read(references)}
    assert {name: [r.label for r in sample.regions] for name, sample in by_name.items()} == {
        "example_seg.nii.gz": ["spleen", "vertebrae l1"],
        "example_seg_mr.nii.gz": ["label 1"],
        "example_seg_fast": ["liver"],
    }
    assert by_name["example_seg_mr.nii.gz"].images[0].image.modality == "MR"
    assert by_name["example_seg_fast"].labels == {"colon": "absent"}
    assert len({sample.provenance.patient_key for sample in by_name.values()}) == 2


def test_numbers_of_the_spine_report_stand_at_their_vertebrae(references):
    place = references / "spine_report" / "example_ct_report"
    volume(place / "totalseg.nii.gz", 26 * mask(2) + 27 * mask(1))
    with_names(place / "totalseg.nii.gz", {26: "vertebrae_L1", 27: "vertebrae_L2"})
    results = {
        "vertebrae_L2_height_posterior_mm": 27.0,
        "vertebrae_L1_volume_ml": 35.6,
        "vertebrae_L9_volume_ml": 1.0,
        "LWS_max": 0.2,
    }
    (place / "spine_report.json").write_text(json.dumps({"results": results}))
    sample = next(s for s in totalsegmentator.read(references) if "totalseg" in s.provenance.annotation)
    assert [(m.name, m.value, m.unit, sample.regions[m.region].label) for m in sample.measurements] == [
        ("height posterior", 27.0, "mm", "vertebrae l2"),
        ("volume", 35.6, "mL", "vertebrae l1"),
    ]
    (place / "spine_report.json").write_text("[]")
    told = Told()
    assert len(list(totalsegmentator.read(references, told.append))) == 4
    assert told.codes == ["record_malformed"]


def test_a_segmentation_without_its_volume_is_told(references):
    volume(references / "example_seg_dicom.nii.gz", mask(1), first_mm=50.0)
    told = Told()
    assert len(list(totalsegmentator.read(references, told.append))) == 3
    assert [(fault.code, fault.where) for fault in told] == [("mask_geometry", "example_seg_dicom.nii.gz")]


def test_the_real_folder_has_what_its_files_hold(public_data: Path):
    told = Told()
    samples = list(totalsegmentator.read(public_data / "totalsegmentator", told.append))
    regions = {sample.provenance.annotation: len(sample.regions) for sample in samples}
    assert (regions["example_seg.nii.gz"], regions["example_seg_dicom.nii.gz"], regions["example_seg_mr.nii.gz"]) == (41, 31, 23)
    assert (len(samples), sum(len(sample.measurements) for sample in samples), told) == (14, 35, [])
    assert len({sample.provenance.patient_key for sample in samples}) == 3
    # The mask of the DICOM series runs the other way than its slices: where it says lung or liver, there is liver.
    liver = next(s for s in samples if s.provenance.annotation == "example_seg_roi_subset.nii.gz")
    inside = liver.images[0].image.load()[liver.regions[0].geometry.load()]
    assert 20 < float(inside.mean()) < 80
