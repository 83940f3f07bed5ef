"""Masks as DICOM segmentations: one segment a mask, one bit a pixel, of frames only those that hold something.

Object: Segmentation Storage, DICOM PS3.3 A.51 and C.8.20. Every frame names the picture that it was drawn on; where that lies
in the patient's space, the frame lies there too.
"""

from collections.abc import Mapping
from collections.abc import Sequence as Listed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import SegmentationStorage

from vesalius.clinical.dicom import write
from vesalius.clinical.dicom.write import OWN_CODES, Names, Visit
from vesalius.errors import UsageError
from vesalius.types import Array

Bools = npt.NDArray[np.bool_]

# Concepts of PS3.16 (CID 7150, 7203, 7202): what a segment is, how it came to be, what its picture was used for.
_ANATOMY, _ABNORMAL = ("91723000", "Anatomical Structure"), ("49755003", "Morphologically Abnormal Structure")
_SEGMENTED, _SOURCE = ("113076", "Segmentation", "DCM"), ("121322", "Source image for image processing operation", "DCM")
_SEGMENT, _PLACE, _TIME = (0x0062000B, 0x0062000A), (0x00200032, 0x00209113), (0x00209128, 0x00209111)  # dimensions


@dataclass(frozen=True, eq=False)
class Drawn:
    """The picture that masks were drawn on.

    Attributes:
        sop_class: of its files.
        series_uid: of its files.
        instances: of each plane the file that holds it; of a film or a single picture one for all.
        affine_lps_mm: (4, 4), (z, y, x, 1) → LPS mm; None when its place is unknown.
        frame_uid: Frame of Reference UID, where there is an affine.
    """

    sop_class: str
    series_uid: str
    instances: Listed[str]
    affine_lps_mm: Array | None = None
    frame_uid: str = ""


def write_segmentation(
    path: Path, masks: Mapping[str, Bools], drawn: Drawn, visit: Visit, names: Names, *, abnormal: Listed[str] = ()
) -> None:
    """Write masks of one picture; they may overlap. An empty one is left out.

    Args:
        path: the file to write; its folder must exist.
        masks: name → bool of the picture's shape: (Y, X), or planes or frames of it. One at least holds something.
        drawn: the picture.
        visit: whose it is.
        names: of the object.
        abnormal: names of those masks that are no normal anatomy.

    Raises:
        UsageError: `bad_option`, when there is nothing in any mask.
    """
    planes = {name: mask.reshape(-1, *mask.shape[-2:]) for name, mask in masks.items() if mask.any()}
    if not planes:
        raise UsageError("bad_option", "There is nothing in any mask. A segmentation of nothing cannot be. Leave it out.")
    dataset = write.begin(SegmentationStorage, "SEG", visit, names)
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.PatientOrientation = ""
    dataset.ContentLabel, dataset.ContentDescription, dataset.ContentCreatorName = "PHANTOM", "As drawn", ""
    dataset.SegmentationType = "BINARY"
    total = sum(mask.astype(np.uint8) for mask in planes.values())
    dataset.SegmentsOverlap = "YES" if int(np.max(total)) > 1 else "NO"
    dataset.SegmentSequence = Sequence(
        [_segment(number, name, is_abnormal=name in abnormal) for number, name in enumerate(planes, start=1)]
    )
    frames = [
        (number, int(index))
        for number, mask in enumerate(planes.values(), start=1)
        for index in np.flatnonzero(mask.any(axis=(1, 2)))
    ]
    _set_places(dataset, drawn, frames, names)
    bits = [mask[mask.any(axis=(1, 2))] for mask in planes.values()]
    _set_bits(dataset, np.concatenate(bits))
    write.save(dataset, path)


def _segment(number: int, name: str, *, is_abnormal: bool) -> Dataset:
    """A segment has the mask's own name as its code, because it says just what was drawn."""
    item = Dataset()
    item.SegmentNumber = number
    item.SegmentLabel = name
    item.SegmentAlgorithmType, item.SegmentAlgorithmName = "AUTOMATIC", "Vesalius phantom"
    item.SegmentedPropertyCategoryCodeSequence = write.coded(*(_ABNORMAL if is_abnormal else _ANATOMY))
    item.SegmentedPropertyTypeCodeSequence = write.coded(name, name, OWN_CODES)
    return item


def _set_places(dataset: Dataset, drawn: Drawn, frames: Listed[tuple[int, int]], names: Names) -> None:
    """Which frame belongs to which segment, and where it lies. Source: PS3.3, A.51.5, C.7.6.16 and C.7.6.17."""
    affine, is_film = drawn.affine_lps_mm, len(drawn.instances) == 1 and max(index for _, index in frames) > 0
    second = _PLACE if affine is not None else _TIME if is_film else None
    organization = write.uid_of("dimensions", names.instance_uid)
    dataset.DimensionOrganizationSequence = write.only(DimensionOrganizationUID=organization)
    dataset.DimensionIndexSequence = Sequence([_dimension(organization, *which) for which in (_SEGMENT, second) if which])
    shared = Dataset()
    if affine is not None:
        dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = drawn.frame_uid, ""
        z, y, x = (float(length) for length in np.sqrt((affine[:3, :3] ** 2).sum(axis=0)))
        shared.PixelMeasuresSequence = write.only(
            PixelSpacing=write.decimals((y, x)), SliceThickness=write.decimal(z), SpacingBetweenSlices=write.decimal(z)
        )
        directions = write.decimals([*(affine[:3, 2] / x), *(affine[:3, 1] / y)])
        shared.PlaneOrientationSequence = write.only(ImageOrientationPatient=directions)
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for number, index in frames:
        group = Dataset()
        group.SegmentIdentificationSequence = write.only(ReferencedSegmentNumber=number)
        content = {"DimensionIndexValues": [number, index + 1] if second else [number]}
        group.FrameContentSequence = write.only(**content, **({"TemporalPositionIndex": index + 1} if is_film else {}))
        group.DerivationImageSequence = _derived(drawn, index, is_film=is_film)
        if affine is not None:
            position = write.decimals(affine[:3, 3] + index * affine[:3, 0])
            group.PlanePositionSequence = write.only(ImagePositionPatient=position)
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(groups)
    dataset.NumberOfFrames = len(frames)
    instances = Sequence([_reference(drawn, uid) for uid in drawn.instances])
    dataset.ReferencedSeriesSequence = write.only(SeriesInstanceUID=drawn.series_uid, ReferencedInstanceSequence=instances)


def _dimension(organization: str, pointer: int, group: int) -> Dataset:
    item = Dataset()
    item.DimensionOrganizationUID, item.DimensionIndexPointer, item.FunctionalGroupPointer = organization, pointer, group
    return item


def _derived(drawn: Drawn, index: int, *, is_film: bool) -> Sequence:
    source = _reference(drawn, drawn.instances[0 if len(drawn.instances) == 1 else index])
    if is_film:
        source.ReferencedFrameNumber = index + 1
    source.SpatialLocationsPreserved = "YES"
    source.PurposeOfReferenceCodeSequence = write.coded(*_SOURCE)
    return write.only(SourceImageSequence=Sequence([source]), DerivationCodeSequence=write.coded(*_SEGMENTED))


def _reference(drawn: Drawn, uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = drawn.sop_class, uid
    return item


def _set_bits(dataset: Dataset, frames: Bools) -> None:
    """(N, Y, X) as bits that follow one another without a gap, the first in the lowest place. Source: PS3.5, 8.1.1."""
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = frames.shape[1:]
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = dataset.PixelRepresentation = 0
    dataset.PixelData = write.padded(np.packbits(frames.ravel(), bitorder="little").tobytes())
    dataset["PixelData"].VR = "OB"
