"""Masks as DICOM segmentations: one segment a mask, one bit a pixel, of frames only those that hold something.

A picture's masks are written at once; those of a slide's level, which may be larger than memory, are taken tile by tile.

Object: Segmentation Storage, DICOM PS3.3 A.51 and C.8.20. Every frame names the picture that it was drawn on; where that lies
in the patient's space, the frame lies there too.
"""

import shutil
import struct
from collections.abc import Callable, Mapping
from collections.abc import Sequence as Listed
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileDataset
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

PHANTOM = "Vesalius phantom"

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
        tile_px: side of its tiles.
        frame_uid: Frame of Reference UID, where there is an affine, and of slides.
    """

    sop_class: str
    series_uid: str
    instances: Listed[str]
    layout: Literal["pictures", "frames", "tiles"]
    affine_lps_mm: Array | None = None
    spacing_mm: tuple[float, float] = (1.0, 1.0)
    tile_px: int = slide.TILE_PX
    frame_uid: str = ""


def write_segmentation(
    path: Path,
    masks: Mapping[str, Bools],
    drawn: Drawn,
    visit: Visit,
    names: Names,
    *,
    abnormal: Listed[str] = (),
    algorithm: str = PHANTOM,
) -> None:
    """Write masks of one picture; they may overlap. An empty one is left out.

    Args:
        path: the file to write; its folder must exist.
        masks: name → bool of the picture's shape: (Y, X), or planes or frames of it; of a slide (Y, X) of the level.
        drawn: the picture.
        visit: whose it is.
        names: of the object.
        abnormal: names of those masks that are no normal anatomy.
        algorithm: what drew them; of phantoms that is known to be exact, of anything else a person may have had a hand in it.

    Raises:
        UsageError: `bad_option`, when there is nothing in any mask.
    """
    held = {name: mask for name, mask in masks.items() if mask.any()}
    if not held:
        raise _nothing()
    shape = next(iter(held.values())).shape[-2:]
    planes = [_tiles(mask, drawn.tile_px) if drawn.layout == "tiles" else mask.reshape(-1, *shape) for mask in held.values()]
    filled = [np.flatnonzero(each.any(axis=(1, 2))) for each in planes]
    frames = [(number, int(index)) for number, indices in enumerate(filled, start=1) for index in indices]
    dataset = _begun(list(held), drawn, frames, (shape[0], shape[1]), visit, names, abnormal, algorithm)
    dataset.SegmentsOverlap = "YES" if _overlap(list(held.values())) else "NO"
    _set_bits(dataset, planes[0].shape[1:])
    bits = np.concatenate([each[indices] for each, indices in zip(planes, filled, strict=True)])
    dataset.PixelData = write.padded(_packed(bits))
    dataset["PixelData"].VR = "OB"
    write.save(dataset, path)


class TileMasks:
    """Masks of a slide's level, gathered while its tiles are drawn; their bits lie in a file without a name until then."""

    def __init__(self, shape: tuple[int, int], tile_px: int = slide.TILE_PX) -> None:
        """A level of (rows, columns) in tiles of that side."""
        self.shape, self.tile = shape, slide.tile_of(shape, tile_px)
        self.names: dict[str, int] = {}
        self.frames: list[tuple[int, int]] = []
        self.overlap = False
        self._numbers = {corner: index for index, corner in enumerate(slide.corners_of(shape, self.tile))}
        self._bits = TemporaryFile()  # noqa: SIM115 - closed on the way out

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bits.close()

    def add(self, corner: tuple[int, int], masks: Mapping[str, Bools]) -> None:
        """The masks of the tile that begins at (y, x), each bool of its part of the level."""
        for name, mask in masks.items():
            if not mask.any():
                continue
            number = self.names.setdefault(name, len(self.names) + 1)
            self.frames.append((number, self._numbers[corner]))
            whole = np.pad(mask, [(0, side - length) for side, length in zip(self.tile, mask.shape, strict=True)])
            self._bits.write(_packed(np.pad(whole.ravel(), (0, -whole.size % 8))))
        self.overlap = self.overlap or _overlap(list(masks.values()))

    def write(self, path: Path, drawn: Drawn, visit: Visit, names: Names, *, abnormal: Listed[str] = ()) -> None:
        """As `write_segmentation`, of what was added.

        Raises:
            UsageError: `bad_option`, when there is nothing in any mask, or more than one file can hold.
        """
        if not self.frames:
            raise _nothing()
        size = self.tile[0] * self.tile[1]
        length = -(-size * len(self.frames) // 8)
        if length >= 2**32 - 2:
            raise UsageError("bad_option", "The masks are larger than one file can hold, 4 GiB. Ask for a coarser level.")
        dataset = _begun(list(self.names), drawn, self.frames, self.shape, visit, names, abnormal)
        dataset.SegmentsOverlap = "YES" if self.overlap else "NO"
        _set_bits(dataset, self.tile)
        write.save(dataset, path)
        self._bits.seek(0)
        with path.open("ab") as file:  # the last element, as PS3.5, 7.1.2 has it
            file.write(struct.pack("<2H2sHI", 0x7FE0, 0x0010, b"OB", 0, length + length % 2))
            if size % 8:  # then frames follow on one another within a byte
                held = np.frombuffer(self._bits.read(), np.uint8).reshape(len(self.frames), -1)
                file.write(_packed(np.unpackbits(held, axis=1, count=size, bitorder="little").astype(np.bool_)))
            else:
                shutil.copyfileobj(self._bits, file)
            file.write(bytes(length % 2))


def _nothing() -> UsageError:
    return UsageError("bad_option", "There is nothing in any mask. A segmentation of nothing cannot be. Leave it out.")


def _begun(
    held: Listed[str],
    drawn: Drawn,
    frames: Listed[tuple[int, int]],
    shape: tuple[int, int],
    visit: Visit,
    names: Names,
    abnormal: Listed[str],
    algorithm: str = PHANTOM,
) -> FileDataset:
    """The object without its bits: masks by name, and of each frame its segment and its plane."""
    dataset = write.begin(SegmentationStorage, "SEG", visit, names)
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.PatientOrientation = ""
    dataset.ContentLabel = "PHANTOM" if algorithm == PHANTOM else "REGIONS"
    dataset.ContentDescription, dataset.ContentCreatorName = "As drawn", ""
    dataset.SegmentationType = "BINARY"
    dataset.SegmentSequence = Sequence(
        [_segment(number, name, algorithm, is_abnormal=name in abnormal) for number, name in enumerate(held, start=1)]
    )
    _set_places(dataset, drawn, frames, shape)
    return dataset


def _overlap(masks: Listed[Bools]) -> bool:
    seen = masks[0].copy()
    for mask in masks[1:]:
        if (seen & mask).any():
            return True
        seen |= mask
    return False


def _tiles(mask: Bools, tile_px: int) -> Bools:
    """The tiles of a slide's mask, (N, Y, X), beyond its edge False."""
    tile = slide.tile_of((mask.shape[0], mask.shape[1]), tile_px)
    found = []
    for y, x in slide.corners_of((mask.shape[0], mask.shape[1]), tile):
        part = mask[y : y + tile[0], x : x + tile[1]]
        found.append(np.pad(part, [(0, tile[axis] - part.shape[axis]) for axis in (0, 1)]))
    return np.stack(found)


def _segment(number: int, name: str, algorithm: str, *, is_abnormal: bool) -> Dataset:
    """A segment has the mask's own name as its code, because it says just what was drawn."""
    item = Dataset()
    item.SegmentNumber = number
    item.SegmentLabel = name
    item.SegmentAlgorithmType = "AUTOMATIC" if algorithm == PHANTOM else "SEMIAUTOMATIC"
    item.SegmentAlgorithmName = algorithm
    item.SegmentedPropertyCategoryCodeSequence = write.coded(*(_ABNORMAL if is_abnormal else _ANATOMY))
    item.SegmentedPropertyTypeCodeSequence = write.coded(name, name, OWN_CODES)
    return item


def _set_places(dataset: Dataset, drawn: Drawn, frames: Listed[tuple[int, int]], shape: tuple[int, int]) -> None:
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
        place = _on_slide(dataset, shared, drawn, shape)
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
    tile = slide.tile_of(shape, drawn.tile_px)
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


def _set_bits(dataset: Dataset, plane: tuple[int, ...]) -> None:
    """Frames of (Y, X) are stored as single bits."""
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = plane
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = dataset.PixelRepresentation = 0


def _packed(bits: Bools) -> bytes:
    """Bits that follow one another without a gap, the first in the lowest place. Source: PS3.5, 8.1.1."""
    return np.packbits(bits.ravel(), bitorder="little").tobytes()
