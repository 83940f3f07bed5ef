"""Segmentations as regions: made by another writer on slices of ours, by hand, and a real one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from highdicom.seg import Segmentation, SegmentDescription
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from vesalius.clinical import study
from vesalius.clinical.gate import Place
from vesalius.clinical.images import Found, describe
from vesalius.clinical.segments import Segmented, read, regions_of
from vesalius.errors import InputRefused
from vesalius.types import Mask, Region

Write = Callable[..., Path]
CONTEXT: dict[str, Any] = {
    **dict.fromkeys(("PatientName", "PatientBirthDate", "AccessionNumber", "ReferringPhysicianName"), ""),
    **{"PatientSex": "O", "StudyID": "1", "StudyTime": "101010", "FrameOfReferenceUID": "1.2.3.9", "SliceThickness": 2},
    "PositionReferenceIndicator": "",
}
PLACES = (0.0, 2.0, 4.0, 6.0)
MASKS = np.zeros((2, 4, 6, 5), dtype=bool)  # of two structures that overlap; the first plane is empty
MASKS[0, 1:3, 1:4, 1:3] = True
MASKS[1, 2:4, 2:5, 2:5] = True


def found(*paths: Path) -> list[Found]:
    results = describe([Place(path) for path in paths])
    assert not [result for result in results if isinstance(result, InputRefused)]
    return [result for result in results if isinstance(result, Found)]


def slices(write: Write, places: Sequence[float] = PLACES, **attributes: Any) -> list[Path]:
    return [write(ImagePositionPatient=[-10, -20, z], **CONTEXT | attributes) for z in places]


def mask_of(region: Region) -> np.ndarray[Any, Any]:
    assert isinstance(region.geometry, Mask)
    return region.geometry.load()


def structure(number: int, kind: Any) -> SegmentDescription:
    return SegmentDescription(number, "ZZCANARY", codes.SCT.Organ, kind, "MANUAL")


def written(path: Path, sources: Sequence[Path], masks: np.ndarray[Any, Any], kind: str, *structures: SegmentDescription) -> Path:
    """A segmentation by another writer; `masks` are (Z, Y, X, segments) or labels (Z, Y, X)."""
    pictures = [pydicom.dcmread(source) for source in sources]
    made = Segmentation(
        *(pictures, masks, kind, structures or [structure(1, codes.SCT.Liver), structure(2, codes.SCT.Spleen)]),
        *("1.2.3.77", 9, "1.2.3.78", 1, "M", "N", "1", "2"),
    )
    made.save_as(path)
    return path


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP", "FRACTIONAL"])
def test_structures_lie_on_the_grid_of_the_picture_that_they_were_drawn_on(write_dicom: Write, tmp_path: Path, kind: str) -> None:
    sources = slices(write_dicom)
    masks = MASKS.copy()
    if kind == "LABELMAP":
        masks[1] &= ~masks[0]  # there each pixel is of one structure
        drawn: np.ndarray[Any, Any] = (masks[0] + 2 * masks[1]).astype(np.uint8)
    else:
        drawn = masks.transpose(1, 2, 3, 0).astype(np.float32 if kind == "FRACTIONAL" else np.uint8)
    segmented = read(written(tmp_path / "seg.dcm", sources, drawn, kind), sources)
    assert segmented.image is not None
    assert (segmented.image.kind, segmented.image.shape, segmented.shape) == ("volume", (4, 6, 5), (4, 6, 5))
    assert [region.label for region in segmented.regions] == ["liver", "spleen"]
    for region, mask in zip(segmented.regions, masks, strict=True):
        np.testing.assert_array_equal(mask_of(region), mask)
    np.testing.assert_array_equal(segmented.affine_lps_mm, segmented.image.affine_lps_mm)


def test_of_fractions_what_is_at_least_half_belongs_to_a_structure(write_dicom: Write, tmp_path: Path) -> None:
    sources = slices(write_dicom)
    parts = np.linspace(0, 1, 4 * 6 * 5, dtype=np.float32).reshape(4, 6, 5)
    path = written(tmp_path / "seg.dcm", sources, parts, "FRACTIONAL", structure(1, codes.SCT.Liver))
    (region,) = regions_of(*found(path), found(*sources)).regions
    np.testing.assert_array_equal(mask_of(region), np.round(parts * 255) >= 127.5)


def test_the_picture_is_found_by_its_place_whatever_the_order_of_its_slices(write_dicom: Write, tmp_path: Path) -> None:
    sources = slices(write_dicom)
    path = written(tmp_path / "seg.dcm", sources[::-1], MASKS[:, ::-1].transpose(1, 2, 3, 0).astype(np.uint8), "BINARY")
    beside = slices(write_dicom, SeriesInstanceUID="1.2.3.555", PixelSpacing=[1, 1])
    segmented = regions_of(*found(path), found(*beside, *sources))
    assert segmented.image is not None
    assert segmented.image.spacing_mm == (2.0, 0.5, 0.4)
    np.testing.assert_array_equal(mask_of(segmented.regions[1]), MASKS[1])


def test_a_structure_on_a_series_of_volumes_lies_on_each(write_dicom: Write, tmp_path: Path) -> None:
    first = slices(write_dicom, AcquisitionNumber=1)
    path = written(tmp_path / "seg.dcm", first, MASKS.transpose(1, 2, 3, 0).astype(np.uint8), "BINARY")
    segmented = regions_of(*found(path), found(*first, *slices(write_dicom, AcquisitionNumber=2)))
    assert segmented.shape == (2, 4, 6, 5)
    np.testing.assert_array_equal(mask_of(segmented.regions[0]), np.stack([MASKS[0]] * 2))


def test_without_its_picture_a_segmentation_has_a_grid_of_its_own(write_dicom: Write, tmp_path: Path) -> None:
    path = written(tmp_path / "seg.dcm", slices(write_dicom), MASKS.transpose(1, 2, 3, 0).astype(np.uint8), "BINARY")
    segmented = regions_of(*found(path), [])
    assert (segmented.image, segmented.shape) == (None, (3, 6, 5))  # the empty plane is not stored
    np.testing.assert_array_equal(mask_of(segmented.regions[0]), MASKS[0, 1:])
    assert segmented.affine_lps_mm is not None
    np.testing.assert_allclose(segmented.affine_lps_mm @ [1, 2, 3, 1], [-10 + 1.2, -20 + 1, 4, 1])


@pytest.mark.parametrize(
    "other",
    [
        {"PixelSpacing": [0.5, 0.41]},
        {"ImageOrientationPatient": [0.9998, 0.02, 0, -0.02, 0.9998, 0]},
        {"places": (0.0, 2.3, 4.6, 6.9)},
        {"FrameOfReferenceUID": "1.2.3.10"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_picture_on_another_grid_is_not_the_one(write_dicom: Write, tmp_path: Path, other: dict[str, Any]) -> None:
    path = written(tmp_path / "seg.dcm", slices(write_dicom), MASKS.transpose(1, 2, 3, 0).astype(np.uint8), "BINARY")
    renamed = {"SeriesInstanceUID": "1.2.3.556"}
    assert regions_of(*found(path), found(*slices(write_dicom, **renamed, **other))).image is None


def hand_made(path: Path, *, frames: Sequence[Dataset], pixels: np.ndarray[Any, Any], **attributes: Any) -> Path:
    """A binary segmentation whose bits run on from frame to frame."""
    dataset = pydicom.dcmread(path)
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept"):
        delattr(dataset, keyword)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = uid.SegmentationStorage
    dataset.Modality, dataset.SegmentationType, dataset.NumberOfFrames = "SEG", "BINARY", len(frames)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 1, 1, 0
    dataset.PerFrameFunctionalGroupsSequence = list(frames)
    packed = np.packbits(pixels.ravel(), bitorder="little").tobytes()
    dataset.PixelData = packed + b"\0" * (len(packed) % 2)
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


def coded(value: str, meaning: str, **more: Any) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "SCT", meaning
    for keyword, item in more.items():
        setattr(code, keyword, item)
    return code


def drawn_on(instance: str) -> Dataset:
    source, derivation, number, group = Dataset(), Dataset(), Dataset(), Dataset()
    source.ReferencedSOPInstanceUID, number.ReferencedSegmentNumber = instance, 1
    derivation.SourceImageSequence = [source]
    group.DerivationImageSequence, group.SegmentIdentificationSequence = [derivation], [number]
    return group


def segment(number: int, *kinds: Dataset, label: str = "ZZCANARY") -> Dataset:
    described = Dataset()
    described.SegmentNumber, described.SegmentLabel = number, label
    described.SegmentedPropertyTypeCodeSequence = list(kinds)
    return described


def test_a_radiograph_is_found_by_its_name(write_dicom: Write) -> None:
    flat = dict.fromkeys(("ImagePositionPatient", "ImageOrientationPatient"))
    radiograph = write_dicom(SOPClassUID=uid.DigitalXRayImageStorageForPresentation, Modality="DX", **flat)
    side = coded("24028007", "Right")
    lung = coded("39607008", "Lung", SegmentedPropertyTypeModifierCodeSequence=[side])
    instance = pydicom.dcmread(radiograph).SOPInstanceUID
    path = hand_made(write_dicom(), frames=[drawn_on(instance)], pixels=MASKS[0, 1], SegmentSequence=[segment(1, lung)])
    segmented = regions_of(*found(path), found(radiograph))
    assert segmented.image is not None
    assert (segmented.image.modality, segmented.shape) == ("DX", (6, 5))
    (region,) = segmented.regions
    assert (region.label, region.attributes) == ("right lung", {"segment": "1"})
    np.testing.assert_array_equal(mask_of(region), MASKS[0, 1])


@pytest.mark.filterwarnings("ignore:The value length")
def test_names_that_are_no_coded_words_are_not_shown(write_dicom: Write) -> None:
    named = [segment(1, coded("1", "<b>ZZCANARY</b>")), segment(2), segment(3, coded("1", "A" * 65))]
    frames = [Dataset() for _ in named]
    for index, group in enumerate(frames):
        group.SegmentIdentificationSequence = [Dataset()]
        group.SegmentIdentificationSequence[0].ReferencedSegmentNumber = index + 1
    path = hand_made(write_dicom(), frames=frames, pixels=MASKS[0, 1:], SegmentSequence=named)
    segmented = regions_of(*found(path), [])
    assert [region.label for region in segmented.regions] == ["segment 1", "segment 2", "segment 3"]
    assert {doubt.code for doubt in segmented.warnings} == {"position_unknown"}
    np.testing.assert_array_equal(mask_of(segmented.regions[1])[1], MASKS[0, 2])  # bits of a frame begin within a byte


def test_what_is_no_segmentation_is_refused(write_dicom: Write) -> None:
    (picture,) = found(write_dicom())
    with pytest.raises(InputRefused) as caught:
        regions_of(picture, [])
    assert caught.value.code == "unsupported_iod"


def test_a_path_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as caught:
        read(tmp_path / "seg.dcm")
    assert caught.value.code == "input_missing"


def test_inspect_names_a_segmentation_and_counts_its_structures(write_dicom: Write, tmp_path: Path) -> None:
    written(tmp_path / "seg.dcm", slices(write_dicom), MASKS.transpose(1, 2, 3, 0).astype(np.uint8), "BINARY")
    shown = study.read([tmp_path]).to_json()
    series = {one["kind"]: one for one in shown["studies"][0]["series"]}
    assert series["segmentation"]["segments"] == 2
    assert "segments" not in series["volume"]
    assert "ZZCANARY" not in str(shown)


def test_a_real_segmentation_is_read_as_regions(public_data: Path) -> None:
    path = public_data / "dicom_real" / "pydicom-data" / "liver.dcm"
    if not path.exists():
        pytest.skip("the collection does not hold this file")
    segmented: Segmented = read(path)
    dataset = pydicom.dcmread(path)
    (region,) = segmented.regions
    assert (region.label, segmented.shape) == ("liver", (3, 512, 512))
    np.testing.assert_array_equal(mask_of(region), dataset.pixel_array.astype(bool))
    assert segmented.affine_lps_mm is not None
    for index, described in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        place = described.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose((segmented.affine_lps_mm @ [index, 0, 0, 1])[:3], place, atol=1e-6)
