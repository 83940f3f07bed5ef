"""DICOM slides made with pydicom: objects of one series as levels of one picture, read by region."""

import io
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, VLWholeSlideMicroscopyImageStorage

from vesalius.clinical import study
from vesalius.clinical.images import open_image
from vesalius.errors import InputRefused
from vesalius.types import Image, Part, Series

Array = np.ndarray[Any, Any]
TILE = 32
_Y, _X = np.mgrid[:150, :210]
SCENE = np.stack([_Y, _X % 256, (_X + _Y) % 200 + 20], axis=-1).astype(np.uint8)
LEVELS = [SCENE, SCENE[::2, ::2].copy(), SCENE[::4, ::4].copy()]


def tiles_of(pixels: Array) -> dict[tuple[int, int], Array]:
    """Each tile by the place of its first pixel; those at the edges are filled up."""
    found = {}
    for y in range(0, pixels.shape[0], TILE):
        for x in range(0, pixels.shape[1], TILE):
            part = pixels[y : y + TILE, x : x + TILE]
            tile = np.zeros((TILE, TILE, *pixels.shape[2:]), dtype=pixels.dtype)
            tile[: part.shape[0], : part.shape[1]] = part
            found[y, x] = tile
    return found


def encoded(tile: Array, syntax: str) -> bytes:
    file = io.BytesIO()
    if syntax == JPEG2000Lossless:
        Pillow.fromarray(tile).save(file, "JPEG2000", irreversible=False, no_jp2=True)
    else:
        Pillow.fromarray(tile).save(file, "JPEG", quality=95, subsampling=0)
    return file.getvalue()


def write(
    path: Path,
    pixels: Array,
    *,
    syntax: str = ExplicitVRLittleEndian,
    places: Sequence[tuple[int, int]] | None = None,
    depths: Sequence[float] = (0.0,),
    spacing_mm: float | None = 0.0005,
    **attributes: Any,
) -> Path:
    """One object: tiles in a grid, or at `places` alone; once for each depth."""
    tiles = tiles_of(pixels)
    chosen = list(tiles) if places is None else list(places)
    frames = [tiles[place] if depth == depths[0] else 255 - tiles[place] for depth in depths for place in chosen]
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    shared, measures = Dataset(), Dataset()
    if spacing_mm is not None:
        measures.PixelSpacing = [spacing_mm, spacing_mm]
    shared.PixelMeasuresSequence = [measures]
    values = {
        "SOPClassUID": VLWholeSlideMicroscopyImageStorage,
        "SOPInstanceUID": f"1.2.3.{zlib.crc32(path.name.encode())}",
        "PatientID": "Zebra^Q",
        "StudyInstanceUID": "1.2.3.100",
        "SeriesInstanceUID": "1.2.3.200",
        "Modality": "SM",
        "ImageType": ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
        "InstanceNumber": 1,
        "SamplesPerPixel": 3 if pixels.ndim == 3 else 1,
        "PhotometricInterpretation": "MONOCHROME2" if pixels.ndim == 2 else {
            ExplicitVRLittleEndian: "RGB", JPEGBaseline8Bit: "YBR_FULL_422", JPEG2000Lossless: "YBR_RCT"}[syntax],
        "PlanarConfiguration": 0 if pixels.ndim == 3 else None,
        "NumberOfFrames": len(frames),
        "Rows": TILE,
        "Columns": TILE,
        "TotalPixelMatrixRows": pixels.shape[0],
        "TotalPixelMatrixColumns": pixels.shape[1],
        "BitsAllocated": 8 * pixels.itemsize,
        "BitsStored": 8 * pixels.itemsize,
        "HighBit": 8 * pixels.itemsize - 1,
        "PixelRepresentation": 0,
        "DimensionOrganizationType": "TILED_FULL" if places is None else "TILED_SPARSE",
        "SharedFunctionalGroupsSequence": [shared],
    } | attributes  # fmt: skip
    if places is not None:
        values["PerFrameFunctionalGroupsSequence"] = [_group(place, depth) for depth in depths for place in chosen]
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = values["SOPClassUID"], values["SOPInstanceUID"]
    for keyword, value in values.items():
        if value is not None:
            setattr(dataset, keyword, value)
    if syntax == ExplicitVRLittleEndian:
        dataset.PixelData = b"".join(frame.tobytes() for frame in frames)
    else:
        dataset.PixelData = encapsulate([encoded(frame, syntax) for frame in frames])
    dataset["PixelData"].VR = "OB" if pixels.itemsize == 1 else "OW"
    dataset.save_as(path, enforce_file_format=True)
    return path


def _group(place: tuple[int, int], depth: float) -> Dataset:
    position, group = Dataset(), Dataset()
    position.RowPositionInTotalImagePixelMatrix, position.ColumnPositionInTotalImagePixelMatrix = place[0] + 1, place[1] + 1
    position.XOffsetInSlideCoordinateSystem, position.YOffsetInSlideCoordinateSystem = 0.0, 0.0
    position.ZOffsetInSlideCoordinateSystem = depth
    group.PlanePositionSlideSequence = [position]
    return group


def codes(image: Image) -> set[str]:
    return {warning.code for warning in image.warnings}


def series_of(folder: Path) -> list[Series]:
    (found,) = study.read([folder]).studies
    return list(found.series)


def check_regions(image: Image, levels: Sequence[Array]) -> None:
    generator = np.random.default_rng(0)
    for level, wanted in enumerate(levels):
        rows, columns = wanted.shape[:2]
        boxes = [(0, 0, rows, columns), (rows - 1, columns - 1, rows, columns), (TILE - 1, TILE - 1, TILE + 1, TILE + 1)]
        for _ in range(6):
            y0, x0 = int(generator.integers(rows)), int(generator.integers(columns))
            boxes.append((y0, x0, int(generator.integers(y0, rows)) + 1, int(generator.integers(x0, columns)) + 1))
        for y0, x0, y1, x1 in boxes:
            found = image.part(Part(box_yxyx_px=(y0, x0, y1, x1), level=level))
            np.testing.assert_array_equal(found, wanted[y0:y1, x0:x1])
        np.testing.assert_array_equal(image.part(Part(level=level)), wanted)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit])
def test_objects_of_a_series_are_levels_of_one_slide(tmp_path: Path, syntax: str) -> None:
    for index, (level, spacing_mm) in enumerate(zip(LEVELS, (0.0005, 0.001, 0.002), strict=True)):
        write(tmp_path / f"{2 - index}.dcm", level, syntax=syntax, spacing_mm=spacing_mm)
    (series,) = series_of(tmp_path)
    (image,) = series.images
    assert (series.kind, series.instances, image.modality) == ("slide", 3, "SM")
    assert (image.shape, image.channels) == ((150, 210), 3)
    assert image.levels == ((150, 210), (75, 105), (38, 53))
    assert image.spacing_mm == pytest.approx((0.0005, 0.0005))
    assert codes(image) == set()
    if syntax == JPEGBaseline8Bit:
        wholes = [image.part(Part(level=level)) for level in range(3)]
        for whole, level in zip(wholes, LEVELS, strict=True):
            assert np.abs(whole.astype(int) - level).mean() < 4
        check_regions(image, wholes)
    else:
        check_regions(image, LEVELS)
        np.testing.assert_array_equal(image.load(), SCENE)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEG2000Lossless])
def test_tiles_lie_where_they_say_and_what_is_missing_is_white(tmp_path: Path, syntax: str) -> None:
    places = [place for place in reversed(tiles_of(SCENE)) if place not in ((0, 0), (64, 96))]
    image = open_image(write(tmp_path / "a.dcm", SCENE, syntax=syntax, places=places))
    wanted = SCENE.copy()
    wanted[:32, :32] = wanted[64:96, 96:128] = 255
    assert (image.kind, codes(image)) == ("slide", {"tiles_missing"})
    check_regions(image, [wanted])
    shifted = open_image(write(tmp_path / "b.dcm", SCENE, syntax=syntax, places=list(tiles_of(SCENE))))
    assert codes(shifted) == set()
    check_regions(shifted, [SCENE])


@pytest.mark.parametrize("is_sparse", [False, True])
def test_of_several_depths_the_first_is_read(tmp_path: Path, is_sparse: bool) -> None:
    places = list(tiles_of(SCENE)) if is_sparse else None
    image = open_image(write(tmp_path / "a.dcm", SCENE, syntax=JPEG2000Lossless, places=places, depths=(0.0, 1.5)))
    assert codes(image) == {"first_frame_only"}
    check_regions(image, [SCENE])


def test_deep_grays_and_objects_of_one_size(tmp_path: Path) -> None:
    deep = SCENE[..., 2].astype(np.uint16) * 200
    write(tmp_path / "b.dcm", deep, InstanceNumber=2)
    write(tmp_path / "a.dcm", deep // 2, InstanceNumber=1)
    (series,) = series_of(tmp_path)
    (image,) = series.images
    assert codes(image) == {"first_frame_only"}
    assert image.load().dtype == np.uint16
    check_regions(image, [deep // 2])


def test_label_and_overview_are_left_out(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", SCENE)
    for index, kind in enumerate(("LABEL", "OVERVIEW", "THUMBNAIL")):
        write(tmp_path / f"{index}.dcm", SCENE[:64, :64], ImageType=["ORIGINAL", "PRIMARY", kind, "NONE"])
    slide, rest = sorted(series_of(tmp_path), key=lambda series: series.kind, reverse=True)
    assert (slide.kind, len(slide.images), slide.chosen) == ("slide", 1, True)
    assert (rest.kind, rest.images, {warning.code for warning in rest.warnings}) == ("other", (), {"label_image_dropped"})
    np.testing.assert_array_equal(slide.images[0].load(), SCENE)


def test_the_size_of_a_pixel_may_be_unknown(tmp_path: Path) -> None:
    image = open_image(write(tmp_path / "a.dcm", SCENE, spacing_mm=None))
    assert image.spacing_mm is None
    assert codes(image) == {"no_mpp"}


def test_only_the_tiles_of_a_region_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", SCENE, syntax=JPEG2000Lossless)
    content = bytearray(path.read_bytes())
    second = content.index(b"\xff\x4f\xff\x51", content.index(b"\xff\x4f\xff\x51") + 4)
    content[second + 60 : second + 200] = bytes(140)
    path.write_bytes(content)
    image = open_image(path)
    np.testing.assert_array_equal(image.part(Part(box_yxyx_px=(32, 0, 150, 210))), SCENE[32:])
    np.testing.assert_array_equal(image.part(Part(box_yxyx_px=(0, 0, 150, 32))), SCENE[:, :32])
    with pytest.raises(InputRefused) as caught:
        image.part(Part(box_yxyx_px=(0, 30, 5, 40)))
    assert caught.value.code == "decode_failed"


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"TotalPixelMatrixRows": 0}, "bad_attribute"),
        ({"TotalPixelMatrixColumns": None}, "bad_attribute"),
        ({"TotalPixelMatrixRows": 2**31 - 1, "TotalPixelMatrixColumns": 2**31 - 1}, "bad_attribute"),
        ({"TotalPixelMatrixRows": 2**22, "TotalPixelMatrixColumns": 2**22}, "size_limit"),
        ({"ConcatenationUID": "1.2.3.9"}, "unsupported_iod"),
    ],
)
def test_impossible_sizes_are_refused(tmp_path: Path, attributes: dict[str, Any], code: str) -> None:
    with pytest.raises(InputRefused) as caught:
        open_image(write(tmp_path / "a.dcm", SCENE, **attributes))
    assert caught.value.code == code


def test_a_tile_outside_of_the_slide_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as caught:
        open_image(write(tmp_path / "a.dcm", SCENE, places=list(tiles_of(SCENE)), TotalPixelMatrixRows=40))
    assert caught.value.code == "bad_attribute"


def test_fewer_tiles_than_the_slide_needs_are_white_and_said(tmp_path: Path) -> None:
    image = open_image(write(tmp_path / "a.dcm", SCENE, TotalPixelMatrixRows=2**13, TotalPixelMatrixColumns=210))
    assert codes(image) == {"tiles_missing"}
    assert image.shape == (2**13, 210)
    np.testing.assert_array_equal(image.part(Part(box_yxyx_px=(0, 0, 150, 210))), SCENE)
    assert np.all(image.part(Part(box_yxyx_px=(8000, 0, 8100, 210))) == 255)


def test_a_large_slide_is_read_by_region_alone(tmp_path: Path) -> None:
    flat = np.zeros((TILE, TILE, 3), dtype=np.uint8)
    path = write(tmp_path / "a.dcm", flat, syntax=JPEGBaseline8Bit, TotalPixelMatrixRows=2**15 * 2, TotalPixelMatrixColumns=2**15)
    image = open_image(path)
    with pytest.raises(InputRefused) as caught:
        image.load()
    assert caught.value.code == "size_limit"
    assert image.part(Part(box_yxyx_px=(0, 0, TILE, TILE))).max() <= 2
