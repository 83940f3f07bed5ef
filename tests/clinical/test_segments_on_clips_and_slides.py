"""Segmentations of what lies nowhere in the patient: frames of clips, by hand; tiles of slides, by another writer."""

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

from vesalius.clinical import geometry, study
from vesalius.clinical.dicom.objects import slide
from vesalius.clinical.dicom.objects.segmentation import Drawn, TileMasks, write_segmentation
from vesalius.clinical.dicom.write import Names, Visit
from vesalius.clinical.segments import read
from vesalius.clinical.timing import LIMIT_FRAMES
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Mask, Part, Region

Write = Callable[..., Path]
Array = np.ndarray[Any, Any]
FRAMES, ROWS, COLUMNS = 5, 6, 7
VISIT = Visit("a", "1.2.3.100", 0, "F", 40.0, "M")
LEVELS = ((70, 90), (35, 45))
TILE = 32
_FLAT = dict.fromkeys(("ImagePositionPatient", "ImageOrientationPatient", "RescaleSlope", "RescaleIntercept"))


def mask_of(region: Region) -> Mask:
    assert isinstance(region.geometry, Mask)
    return region.geometry


def clip(write: Write, frames: int = FRAMES, **attributes: Any) -> Path:
    """Eight bits of ultrasound."""
    pixels = np.arange(frames * ROWS * COLUMNS, dtype=np.uint8).reshape(frames * ROWS, COLUMNS)
    told = {"SOPClassUID": uid.UltrasoundMultiFrameImageStorage, "Modality": "US", "NumberOfFrames": frames, "Rows": ROWS}
    return write(pixels=pixels, FrameTime="40", **_FLAT | told | attributes)


def drawn_on(instance: str, *frames: int, number: int = 1) -> Dataset:
    source, derivation, segment, group = Dataset(), Dataset(), Dataset(), Dataset()
    source.ReferencedSOPInstanceUID, segment.ReferencedSegmentNumber = instance, number
    if frames:
        source.ReferencedFrameNumber = list(frames)
    derivation.SourceImageSequence = [source]
    group.DerivationImageSequence, group.SegmentIdentificationSequence = [derivation], [segment]
    return group


def drawn(write: Write, groups: Sequence[Dataset], masks: Array) -> Path:
    """A binary segmentation, one bit a pixel, of segments 1 and 2."""
    segments = [Dataset(), Dataset()]
    segments[0].SegmentNumber, segments[1].SegmentNumber = 1, 2
    told = {
        "SOPClassUID": uid.SegmentationStorage,
        "Modality": "SEG",
        "SegmentationType": "BINARY",
        "SeriesInstanceUID": "1.2.3.201",
        "NumberOfFrames": len(groups),
        "Rows": ROWS,
        "SegmentSequence": segments,
        "PerFrameFunctionalGroupsSequence": list(groups),
        **{"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0, "PixelSpacing": None},
    }
    bits = np.packbits(masks.astype(bool).ravel(), bitorder="little").tobytes()
    return write(pixels=np.zeros((ROWS, COLUMNS), np.uint8), PixelData=bits + b"\0" * (len(bits) % 2), **_FLAT | told)


def some(count: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).random((count, ROWS, COLUMNS)) < 0.3


def instance(path: Path) -> str:
    return str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID)


def test_a_mask_lies_in_the_frame_of_the_clip_that_it_names(write_dicom: Write) -> None:
    other, film = clip(write_dicom), clip(write_dicom)
    masks = some(3)
    groups = [drawn_on(instance(film), 2), drawn_on(instance(film), 5), drawn_on(instance(film), 2, number=2)]
    segmented = read(drawn(write_dicom, groups, masks), [other, film])
    assert segmented.image is not None
    assert (segmented.image.kind, segmented.image.source.path) == ("clip", film)
    assert segmented.shape == (FRAMES, ROWS, COLUMNS) == segmented.image.shape
    first, second = [mask_of(region) for region in segmented.regions]
    wanted = np.zeros((2, FRAMES, ROWS, COLUMNS), bool)
    wanted[0, 1], wanted[0, 4], wanted[1, 1] = masks
    np.testing.assert_array_equal(first.load(), wanted[0])
    np.testing.assert_array_equal(second.load(), wanted[1])
    np.testing.assert_array_equal(first.part(Part((4,), (1, 2, 5, 6))), masks[1, 1:5, 2:6])


@pytest.mark.parametrize("frames", [(), (0,), (6,), (1, 2)], ids=["none", "before the first", "behind the last", "two"])
def test_a_mask_that_names_no_single_frame_of_the_clip_stays_on_its_own_grid(write_dicom: Write, frames: tuple[int, ...]) -> None:
    film = clip(write_dicom)
    groups = [drawn_on(instance(film), 1), drawn_on(instance(film), *frames)]
    segmented = read(drawn(write_dicom, groups, some(2)), [film])
    assert (segmented.image, segmented.shape) == (None, (2, ROWS, COLUMNS))
    assert [warning.code for warning in segmented.warnings] == ["position_unknown"]


def test_a_clip_of_another_size_or_with_another_name_is_not_the_one(write_dicom: Write) -> None:
    film, small = clip(write_dicom), clip(write_dicom, Columns=COLUMNS - 1)
    for named, given in ((instance(film), clip(write_dicom)), (instance(small), small)):
        assert read(drawn(write_dicom, [drawn_on(named, 1)], some(1)), [given]).image is None


def test_of_a_clip_of_which_every_second_frame_is_read_masks_of_the_others_are_left_out(write_dicom: Write) -> None:
    film = clip(write_dicom, frames=LIMIT_FRAMES + 2)
    masks = some(3)
    path = drawn(write_dicom, [drawn_on(instance(film), number, number=1 + number % 2) for number in (2, 3, 4)], masks)
    segmented = read(path, [film])
    assert segmented.shape == (LIMIT_FRAMES // 2 + 1, ROWS, COLUMNS)
    (region,) = segmented.regions
    assert region.attributes == {"segment": "2"}
    found = mask_of(region).load()
    np.testing.assert_array_equal(found[1], masks[1])
    assert found.sum() == masks[1].sum()


def test_a_study_shows_the_masks_of_its_clips(write_dicom: Write, tmp_path: Path) -> None:
    films = [clip(write_dicom) for _ in range(2)]
    drawn(write_dicom, [drawn_on(instance(films[1]), 3)], some(1))
    (one,) = [series for series in study.read([tmp_path]).studies[0].series if series.images]
    (region,) = one.regions
    assert one.images[region.image].source.path == films[1]
    np.testing.assert_array_equal(mask_of(region).load()[2], some(1)[0])


def level(folder: Path, shape: tuple[int, int], name: str = "", series: str = "1.2.3.300") -> Path:
    """One level of a slide; all of a series share their space."""
    path = folder / f"level-{shape[0]}{name}.dcm"
    pixels = np.random.default_rng(shape[0]).integers(0, 256, (*shape, 3), np.uint8)
    slide.write_level(
        path,
        lambda y0, x0, y1, x1: pixels[y0:y1, x0:x1],
        shape,
        VISIT,
        Names(series, f"1.2.3.9{shape[0]}{len(name)}", 1, shape[0]),
        spacing_mm=(0.0005 * LEVELS[0][0] / shape[0], 0.0005 * LEVELS[0][1] / shape[1]),
        frame_uid="1.2.3.400",
        specimen_uid="1.2.3.500",
        tile_px=TILE,
    )
    return path


def tumors(shape: tuple[int, int]) -> Array:
    """Two structures that do not overlap, over several tiles and up to the edges: (2, Y, X)."""
    found = np.zeros((2, *shape), bool)
    found[0, 10:40, 5:50] = np.random.default_rng(1).random(found[0, 10:40, 5:50].shape) < 0.7
    found[1, -20:, -9:] = True
    return found & ~np.roll(found, 1, axis=0)


def annotated(path: Path, picture: Path, masks: Array, kind: str, organization: str, **more: Any) -> Path:
    """By highdicom; `masks` are (segments, Y, X)."""
    labels = [
        SegmentDescription(1 + n, "ZZCANARY", codes.SCT.Organ, code, "MANUAL") for n, code in enumerate(KINDS[: len(masks)])
    ]
    stacked = masks.transpose(1, 2, 0)[None].astype(np.float32 if kind == "FRACTIONAL" else np.uint8)
    if kind == "LABELMAP":
        stacked = (masks * np.arange(1, len(masks) + 1)[:, None, None]).sum(axis=0)[None].astype(np.uint8)
    Segmentation(
        *([pydicom.dcmread(picture)], stacked, kind, labels, "1.2.3.77", 9, f"1.2.3.78{len(path.name)}", 1, "M", "N", "1", "2"),
        tile_pixel_array=True,
        tile_size=(TILE, TILE),
        dimension_organization_type=organization,
        **more,
    ).save_as(path)
    return path


KINDS = [codes.SCT.Neoplasm, codes.SCT.Necrosis]


@pytest.mark.parametrize("organization", ["TILED_SPARSE", "TILED_FULL"])
@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP", "FRACTIONAL"])
def test_structures_lie_on_the_level_of_the_slide_that_they_were_drawn_on(tmp_path: Path, kind: str, organization: str) -> None:
    levels = [level(tmp_path, shape) for shape in LEVELS]
    masks = tumors(LEVELS[1])
    more = {"omit_empty_frames": False} if organization == "TILED_FULL" else {}
    segmented = read(annotated(tmp_path / "seg.dcm", levels[1], masks, kind, organization, **more), levels)
    assert segmented.image is not None
    assert (segmented.image.kind, segmented.image.levels, segmented.shape) == ("slide", LEVELS, LEVELS[1])
    assert [region.label for region in segmented.regions] == ["neoplasm", "necrosis"]
    for region, wanted in zip(segmented.regions, masks, strict=True):
        mask = mask_of(region)
        assert mask.level == 1
        np.testing.assert_array_equal(mask.load(), wanted)
        for box in ((0, 0, 1, 1), (31, 30, 35, 45), (9, 4, 34, 33)):
            y0, x0, y1, x1 = box
            np.testing.assert_array_equal(mask.part(Part(box_yxyx_px=box, level=1)), wanted[y0:y1, x0:x1])


def test_a_part_of_a_mask_on_a_slide_is_of_its_own_level_and_within_it(tmp_path: Path) -> None:
    levels = [level(tmp_path, shape) for shape in LEVELS]
    path = annotated(tmp_path / "seg.dcm", levels[0], tumors(LEVELS[0]), "BINARY", "TILED_SPARSE")
    mask = mask_of(read(path, levels).regions[0])
    for part in (Part(level=1), Part(box_yxyx_px=(0, 0, LEVELS[0][0] + 1, 5)), Part((0,))):
        with pytest.raises(IndexError):
            mask.part(part)


def test_without_its_slide_a_segmentation_of_tiles_has_a_grid_of_its_own(tmp_path: Path) -> None:
    coarse, beside = level(tmp_path, LEVELS[1]), level(tmp_path, LEVELS[0], "other", "1.2.3.301")
    masks = tumors(LEVELS[0])
    path = annotated(tmp_path / "seg.dcm", level(tmp_path, LEVELS[0]), masks, "BINARY", "TILED_SPARSE")
    segmented = read(path, [coarse, beside])
    assert (segmented.image, segmented.shape, segmented.affine_lps_mm) == (None, LEVELS[0], None)
    np.testing.assert_array_equal(mask_of(segmented.regions[1]).load(), masks[1])


def edited(path: Path, change: Callable[[pydicom.FileDataset], None]) -> Path:
    dataset = pydicom.dcmread(path)
    change(dataset)
    dataset.save_as(path)
    return path


def test_of_a_level_beyond_any_array_masks_are_read_by_region_alone(tmp_path: Path) -> None:
    def enlarge(dataset: pydicom.FileDataset) -> None:
        dataset.TotalPixelMatrixRows = dataset.TotalPixelMatrixColumns = 50_000

    picture, masks = level(tmp_path, LEVELS[0]), tumors(LEVELS[0])
    path = edited(annotated(tmp_path / "seg.dcm", picture, masks, "BINARY", "TILED_SPARSE"), enlarge)
    segmented = read(path, [picture])
    assert segmented.shape[0] * segmented.shape[1] > geometry.LIMIT_PX
    mask = mask_of(segmented.regions[0])
    with pytest.raises(InputRefused) as caught:
        mask.load()
    assert caught.value.code == "size_limit"
    np.testing.assert_array_equal(mask.part(Part(box_yxyx_px=(0, 0, 64, 90))), masks[0, :64])
    assert not mask.part(Part(box_yxyx_px=(40_000, 40_000, 40_010, 40_010))).any()


def test_of_several_planes_of_a_slide_the_first_is_read_and_that_is_said(tmp_path: Path) -> None:
    def deepen(dataset: pydicom.FileDataset) -> None:
        groups = dataset.PerFrameFunctionalGroupsSequence
        for group in groups[len(groups) // 2 :]:
            group.PlanePositionSlideSequence[0].ZOffsetInSlideCoordinateSystem = "0.001"

    picture, masks = level(tmp_path, LEVELS[0]), np.ones((1, *LEVELS[0]), bool)
    path = edited(annotated(tmp_path / "seg.dcm", picture, masks, "BINARY", "TILED_SPARSE"), deepen)
    segmented = read(path, [picture])
    assert [warning.code for warning in segmented.warnings] == ["first_frame_only"]
    assert 0 < mask_of(segmented.regions[0]).load().mean() < 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda dataset: setattr(dataset, "TotalPixelMatrixRows", 0), "bad_attribute"),
        (lambda dataset: dataset.PerFrameFunctionalGroupsSequence.pop(), "bad_attribute"),
        (lambda dataset: setattr(dataset, "TotalPixelMatrixColumns", 40), "bad_attribute"),
        (lambda dataset: setattr(dataset, "TotalPixelMatrixRows", 2**24), None),
    ],
    ids=["no rows", "a tile without a place", "a tile outside", "very tall"],
)
def test_tiles_without_a_place_are_refused(
    tmp_path: Path, change: Callable[[pydicom.FileDataset], None], code: str | None
) -> None:
    picture = level(tmp_path, LEVELS[0])
    path = edited(annotated(tmp_path / "seg.dcm", picture, tumors(LEVELS[0]), "BINARY", "TILED_SPARSE"), change)
    if code is None:
        assert len(read(path).regions) == 2
        return
    with pytest.raises(InputRefused) as caught:
        read(path)
    assert caught.value.code == code


def test_a_grid_of_tiles_that_ends_early_is_placed_as_far_as_it_goes(tmp_path: Path) -> None:
    def cut(dataset: pydicom.FileDataset) -> None:
        dataset.NumberOfFrames = dataset.NumberOfFrames - 1
        dataset.PixelData = dataset.PixelData[: TILE * TILE * dataset.NumberOfFrames // 8]

    picture, masks = level(tmp_path, LEVELS[0]), tumors(LEVELS[0])
    path = annotated(tmp_path / "seg.dcm", picture, masks, "BINARY", "TILED_FULL", omit_empty_frames=False)
    segmented = read(edited(path, cut), [picture])
    assert [warning.code for warning in segmented.warnings] == ["frames_contradictory"]
    np.testing.assert_array_equal(mask_of(segmented.regions[0]).load(), masks[0])
    held = mask_of(segmented.regions[1]).load()
    np.testing.assert_array_equal(held[:64], masks[1, :64])
    assert not held[64:, 64:].any()


def test_a_study_shows_the_masks_of_its_slides(tmp_path: Path) -> None:
    levels = [level(tmp_path, shape) for shape in LEVELS]
    annotated(tmp_path / "seg.dcm", levels[1], tumors(LEVELS[1]), "BINARY", "TILED_SPARSE")
    (one,) = [series for series in study.read([tmp_path]).studies[0].series if series.images]
    assert [(region.label, region.image, mask_of(region).level) for region in one.regions] == [
        ("neoplasm", 0, 1),
        ("necrosis", 0, 1),
    ]


@pytest.mark.parametrize("tile_px", [32, 33, 90])
def test_masks_gathered_tile_by_tile_are_those_that_are_written_at_once(tmp_path: Path, tile_px: int) -> None:
    shape = LEVELS[0]
    masks = dict(zip(("tumor", "necrosis", "nothing"), (*tumors(shape), np.zeros(shape, bool)), strict=True))
    drawn = Drawn("1.2.3", "1.2.3.300", ["1.2.3.301"], "tiles", tile_px=tile_px, frame_uid="1.2.3.400")
    at_once, tile = tmp_path / "once.dcm", slide.tile_of(shape, tile_px)
    names = Names("1.2.3.302", "1.2.3.303", 1, 1)
    write_segmentation(at_once, masks, drawn, VISIT, names)
    with TileMasks(shape, tile_px) as gathered:
        for y, x in slide.corners_of(shape, tile):
            gathered.add((y, x), {name: mask[y : y + tile[0], x : x + tile[1]] for name, mask in masks.items()})
        gathered.write(tmp_path / "tiles.dcm", drawn, VISIT, names)
    one, other = read(at_once), read(tmp_path / "tiles.dcm")
    assert [region.label for region in other.regions] == [region.label for region in one.regions] == ["tumor", "necrosis"]
    for region, same, mask in zip(other.regions, one.regions, tumors(shape), strict=True):
        np.testing.assert_array_equal(mask_of(region).load(), mask)
        np.testing.assert_array_equal(mask_of(same).load(), mask)
    with TileMasks(shape) as nothing, pytest.raises(UsageError):
        nothing.write(tmp_path / "empty.dcm", drawn, VISIT, names)
