"""Masks as DICOM segmentations: one segment a mask, one bit a pixel, of frames only those that hold something.

Object: Segmentation Storage, DICOM PS3.3 A.51 and C.8.20. Every frame names the picture that it was drawn on; where that lies
in the patient's space, the frame lies there too.
"""

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Listed
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import SegmentationStorage

from vesalius.clinical.dicom import write
from vesalius.clinical.dicom.objects import slide
from vesalius.clinical.dicom.write import OWN_CODES, Names, Visit
from vesalius.errors import UsageError
from vesalius.types import Array

Bools = npt.NDArray[np.bool_]
# Says in a frame's own group where its plane lies, and gives the plane's numbers along the dimensions behind the segment.
Placing = Callable[[Dataset, int], tuple[int, ...]]

# Concepts of PS3.16 (CID 7150, 7203, 7202): what a segment is, how it came to be, what its picture was used for.
_ANATOMY, _ABNORMAL = ("91723000", "Anatomical Structure"), ("49755003", "Morphologically Abnormal Structure")
_SEGMENTED, _SOURCE = ("113076", "Segmentation", "DCM"), ("121322", "Source image for image processing operation", "DCM")
# Dimensions: an attribute, and the functional group that it stands in.
_SEGMENT, _PLACE, _TIME = (0x0062000B, 0x0062000A), (0x00200032, 0x00209113), (0x00209128, 0x00209111)
_TILE = ((0x0048021F, 0x0048021A), (0x0048021E, 0x0048021A))  # row and column of the slide


@dataclass(frozen=True, eq=False)
class Drawn:
    """The picture that masks were drawn on.

    Attributes:
        sop_class: of its files.
        series_uid: of its files.
        instances: the files: of a volume one for each plane, of all others one.
        layout: what a mask's planes are: the pictures of those files, frames of a film, or tiles of a slide.
        affine_lps_mm: (4, 4), (z, y, x, 1) → LPS mm; None when its place is unknown, and for slides.
        spacing_mm: (y, x) of a slide.
        frame_uid: Frame of Reference UID, where there is an affine, and of slides.
    """

    sop_class: str
    series_uid: str
    instances: Listed[str]
    layout: Literal["pictures", "frames", "tiles"]
    affine_lps_mm: Array | None = None
    spacing_mm: tuple[float, float] = (1.0, 1.0)
    frame_uid: str = ""


def write_segmentation(
    path: Path, masks: Mapping[str, Bools], drawn: Drawn, visit: Visit, names: Names, *, abnormal: Listed[str] = ()
) -> None:
    """Write masks of one picture; they may overlap. An empty one is left out.

    Args:
        path: the file to write; its folder must exist.
        masks: name → bool of the picture's shape: (Y, X), or planes or frames of it; of a slide (Y, X) of the level.
        drawn: the picture.
        visit: whose it is.
        names: of the object.
        abnormal: names of those masks that are no normal anatomy.

    Raises:
        UsageError: `bad_option`, when there is nothing in any mask.
    """
    held = {name: mask for name, mask in masks.items() if mask.any()}
    if not held:
        raise UsageError("bad_option", "There is nothing in any mask. A segmentation of nothing cannot be. Leave it out.")
    dataset = write.begin(SegmentationStorage, "SEG", visit, names)
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.PatientOrientation = ""
    dataset.ContentLabel, dataset.ContentDescription, dataset.ContentCreatorName = "PHANTOM", "As drawn", ""
    dataset.SegmentationType = "BINARY"
    dataset.SegmentsOverlap = "YES" if _overlap(list(held.values())) else "NO"
    dataset.SegmentSequence = Sequence(
        [_segment(number, name, is_abnormal=name in abnormal) for number, name in enumerate(held, start=1)]
    )
    shape = next(iter(held.values())).shape[-2:]
    planes = [_tiles(mask) if drawn.layout == "tiles" else mask.reshape(-1, *shape) for mask in held.values()]
    filled = [np.flatnonzero(each.any(axis=(1, 2))) for each in planes]
    frames = [(number, int(index)) for number, indices in enumerate(filled, start=1) for index in indices]
    _set_places(dataset, drawn, frames, shape)
    _set_bits(dataset, np.concatenate([each[indices] for each, indices in zip(planes, filled, strict=True)]))
    write.save(dataset, path)


def _overlap(masks: Listed[Bools]) -> bool:
    seen = masks[0].copy()
    for mask in masks[1:]:
        if (seen & mask).any():
            return True
        seen |= mask
    return False


def _tiles(mask: Bools) -> Bools:
    """The tiles of a slide's mask, (N, Y, X), beyond its edge False."""
    tile = slide.tile_of((mask.shape[0], mask.shape[1]))
    found = []
    for y, x in slide.corners_of((mask.shape[0], mask.shape[1]), tile):
        part = mask[y : y + tile[0], x : x + tile[1]]
        found.append(np.pad(part, [(0, tile[axis] - part.shape[axis]) for axis in (0, 1)]))
    return np.stack(found)


def _segment(number: int, name: str, *, is_abnormal: bool) -> Dataset:
    """A segment has the mask's own name as its code, because it says just what was drawn."""
    item = Dataset()
    item.SegmentNumber = number
    item.SegmentLabel = name
    item.SegmentAlgorithmType, item.SegmentAlgorithmName = "AUTOMATIC", "Vesalius phantom"
    item.SegmentedPropertyCategoryCodeSequence = write.coded(*(_ABNORMAL if is_abnormal else _ANATOMY))
    item.SegmentedPropertyTypeCodeSequence = write.coded(name, name, OWN_CODES)
    return item


def _set_places(dataset: Dataset, drawn: Drawn, frames: Listed[tuple[int, int]], shape: tuple[int, ...]) -> None:
    """Which frame belongs to which segment, and where it lies. Source: PS3.3, A.51.5, C.7.6.16 and C.7.6.17."""
    is_placed = drawn.affine_lps_mm is not None
    further = {"frames": (_TIME,), "tiles": _TILE, "pictures": (_PLACE,) if is_placed else ()}[drawn.layout]
    organization = write.uid_of("dimensions", dataset.SOPInstanceUID)
    dataset.DimensionOrganizationSequence = write.only(DimensionOrganizationUID=organization)
    dataset.DimensionIndexSequence = Sequence([_dimension(organization, *which) for which in (_SEGMENT, *further)])
    if drawn.frame_uid:
        dataset.FrameOfReferenceUID = drawn.frame_uid
        dataset.PositionReferenceIndicator = "SLIDE_CORNER" if drawn.layout == "tiles" else ""
    shared = Dataset()
    place: Placing = _nowhere
    if drawn.layout == "tiles":
        place = _on_slide(dataset, shared, drawn, (shape[0], shape[1]))
    elif drawn.affine_lps_mm is not None:
        place = _in_patient(shared, drawn.affine_lps_mm)
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for number, index in frames:
        group = Dataset()
        group.SegmentIdentificationSequence = write.only(ReferencedSegmentNumber=number)
        group.DerivationImageSequence = _derived(drawn, index)
        content = Dataset()
        if drawn.layout == "frames":
            content.TemporalPositionIndex = index + 1
        content.DimensionIndexValues = [number, *place(group, index)][: 1 + len(further)]
        group.FrameContentSequence = Sequence([content])
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(groups)
    dataset.NumberOfFrames = len(frames)
    instances = Sequence([_reference(drawn, uid) for uid in drawn.instances])
    dataset.ReferencedSeriesSequence = write.only(SeriesInstanceUID=drawn.series_uid, ReferencedInstanceSequence=instances)


def _nowhere(group: Dataset, index: int) -> tuple[int, ...]:
    """Of a plane whose place is unknown only its number can be said."""
    return (index + 1,)


def _in_patient(shared: Dataset, affine: Array) -> Placing:
    """State the grid once; what is given back places each plane and says its number."""
    z, y, x = (float(length) for length in np.sqrt((affine[:3, :3] ** 2).sum(axis=0)))
    shared.PixelMeasuresSequence = write.only(
        PixelSpacing=write.decimals((y, x)), SliceThickness=write.decimal(z), SpacingBetweenSlices=write.decimal(z)
    )
    directions = write.decimals([*(affine[:3, 2] / x), *(affine[:3, 1] / y)])
    shared.PlaneOrientationSequence = write.only(ImageOrientationPatient=directions)

    def place(group: Dataset, index: int) -> tuple[int, ...]:
        group.PlanePositionSequence = write.only(ImagePositionPatient=write.decimals(affine[:3, 3] + index * affine[:3, 0]))
        return (index + 1,)

    return place


def _on_slide(dataset: Dataset, shared: Dataset, drawn: Drawn, shape: tuple[int, int]) -> Placing:
    """As `_in_patient`, for tiles of a slide. Source: PS3.3, C.7.6.17.3 (TILED_SPARSE) and C.8.12.6.1."""
    dataset.DimensionOrganizationType = "TILED_SPARSE"
    slide.set_glass(dataset, shape)
    shared.PixelMeasuresSequence = write.only(
        PixelSpacing=write.decimals(drawn.spacing_mm), SliceThickness=write.decimal(slide.THICKNESS_MM)
    )
    tile = slide.tile_of(shape)
    corners = slide.corners_of(shape, tile)

    def place(group: Dataset, index: int) -> tuple[int, ...]:
        y, x = corners[index]
        group.PlanePositionSlideSequence = write.only(
            RowPositionInTotalImagePixelMatrix=y + 1,
            ColumnPositionInTotalImagePixelMatrix=x + 1,
            XOffsetInSlideCoordinateSystem=write.decimal(y * drawn.spacing_mm[0]),
            YOffsetInSlideCoordinateSystem=write.decimal(x * drawn.spacing_mm[1]),
            ZOffsetInSlideCoordinateSystem="0",
        )
        return y // tile[0] + 1, x // tile[1] + 1

    return place


def _dimension(organization: str, pointer: int, group: int) -> Dataset:
    item = Dataset()
    item.DimensionOrganizationUID, item.DimensionIndexPointer, item.FunctionalGroupPointer = organization, pointer, group
    return item


def _derived(drawn: Drawn, index: int) -> Sequence:
    """The picture, frame or tile that a plane was drawn on."""
    is_one_file = drawn.layout != "pictures"
    source = _reference(drawn, drawn.instances[0 if is_one_file else index])
    if is_one_file:
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
