"""Slides written by tifffile as makers write them: every region of every level is the one that was written."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from vesalius.clinical.formats import tiff
from vesalius.clinical.images import open_image
from vesalius.errors import InputRefused
from vesalius.types import Image, Part

tifffile = pytest.importorskip("tifffile", reason="tifffile, which writes the files, is not installed")

Array = np.ndarray[Any, Any]
TILE = 64
_Y, _X = np.mgrid[:300, :420]
SCENE = np.stack([_Y % 256, _X % 256, (_X * 3 + _Y * 5) % 200 + 20], axis=-1).astype(np.uint8)
LEVELS = [SCENE, SCENE[::2, ::2].copy(), SCENE[::4, ::4].copy()]
APERIO = "Aperio Image Library v11.2.1\r\n420x300 [0,0 420x300] (64x64) JPEG/RGB Q=70|AppMag = 20|MPP = 0.5|User = Zebra^Q"


def write_svs(path: Path, *, says: str = APERIO, extras: bool = False, **options: Any) -> Path:
    """Levels one after another, as Aperio's scanners write them; with a thumbnail, a label and an overview if wanted."""
    common = {"tile": (TILE, TILE), "photometric": "rgb", "metadata": None, **options}
    with tifffile.TiffWriter(path) as out:
        out.write(LEVELS[0], description=says, **common)
        if extras:
            out.write(SCENE[::8, ::8].copy(), description=f"{says} thumbnail", photometric="rgb", metadata=None)
        for level in LEVELS[1:]:
            out.write(level, description=says, **common)
        if extras:
            label = np.zeros((90, 80, 3), dtype=np.uint8)
            out.write(label, description="Aperio\r\nlabel 80x90", photometric="rgb", metadata=None, subfiletype=1)
            out.write(label[:40], description="Aperio\r\nmacro 80x40", photometric="rgb", metadata=None, subfiletype=9)
    return path


def write_ome(path: Path, **options: Any) -> Path:
    """Levels below the finest one, as OME wants them."""
    said = {"axes": "YXS", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25}
    common = {"tile": (TILE, TILE), "photometric": "rgb", **options}
    with tifffile.TiffWriter(path, ome=True, bigtiff=True) as out:
        out.write(LEVELS[0], subifds=2, metadata=said, **common)
        for level in LEVELS[1:]:
            out.write(level, subfiletype=1, metadata=None, **common)
    return path


def codes(image: Image) -> set[str]:
    return {warning.code for warning in image.warnings}


def refusal(path: Path) -> str:
    with pytest.raises(InputRefused) as caught:
        open_image(path).load()
    return caught.value.code


def check_regions(image: Image, levels: list[Array], seed: int = 0) -> None:
    """Whole levels, regions at random, and those along the edges."""
    generator = np.random.default_rng(seed)
    for level, wanted in enumerate(levels):
        rows, columns = wanted.shape[:2]
        boxes = [
            (0, 0, rows, columns),
            (0, 0, 1, 1),
            (rows - 1, columns - 1, rows, columns),
            (TILE - 1, TILE - 1, TILE + 1, TILE + 1),
        ]
        for _ in range(8):
            y0, x0 = int(generator.integers(rows)), int(generator.integers(columns))
            boxes.append((y0, x0, int(generator.integers(y0, rows)) + 1, int(generator.integers(x0, columns)) + 1))
        for y0, x0, y1, x1 in boxes:
            found = image.part(Part(box_yxyx_px=(y0, x0, y1, x1), level=level))
            np.testing.assert_array_equal(found, wanted[y0:y1, x0:x1])
        np.testing.assert_array_equal(image.part(Part(level=level)), wanted)


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "packbits"])
@pytest.mark.parametrize("write", [write_svs, write_ome])
def test_every_region_of_every_level_is_the_one_that_was_written(tmp_path: Path, write: Any, compression: str) -> None:
    image = open_image(write(tmp_path / "a.tif", compression=compression))
    assert (image.kind, image.shape, image.channels) == ("slide", (300, 420), 3)
    assert image.levels == ((300, 420), (150, 210), (75, 105))
    check_regions(image, LEVELS)
    np.testing.assert_array_equal(image.load(), SCENE)


def test_planes_of_their_own_and_deep_grays_are_read_too(tmp_path: Path) -> None:
    planes = np.moveaxis(SCENE, -1, 0)
    common = {"tile": (TILE, TILE), "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", planes, planarconfig="separate", photometric="rgb", compression="zlib", **common)
    check_regions(open_image(tmp_path / "a.tif"), [SCENE])
    deep = SCENE[..., 2].astype(np.uint16) * 250
    tifffile.imwrite(tmp_path / "b.tif", deep, photometric="minisblack", compression="lzw", predictor=True, **common)
    image = open_image(tmp_path / "b.tif")
    assert (image.channels, image.load().dtype) == (1, np.uint16)
    check_regions(image, [deep])


@pytest.mark.parametrize("options", [{"compression": "jpeg"}, {"compression": "jpeg", "photometric": "ycbcr"}])
def test_jpeg_regions_are_cut_from_the_whole_and_near_the_truth(tmp_path: Path, options: dict[str, Any]) -> None:
    path = write_svs(tmp_path / "a.svs", compressionargs={"level": 92}, **options)
    image = open_image(path)
    with tifffile.TiffFile(path) as second:
        wholes = [page.asarray() for page in second.pages]  # decoded by imagecodecs
    assert [whole.shape[:2] for whole in wholes] == list(image.levels)
    check_regions(image, [image.part(Part(level=level)) for level in range(3)])
    if options.get("photometric") != "ycbcr":  # then tifffile hands out what is stored
        for level, whole in enumerate(wholes):
            assert np.abs(image.part(Part(level=level)).astype(int) - whole).max() <= 2


@pytest.mark.parametrize("compression", [33003, 33005, 34712])
def test_jpeg_2000_regions_are_exact(tmp_path: Path, compression: int) -> None:
    tiles = []
    for y in range(0, 300, TILE):
        for x in range(0, 420, TILE):
            tile = np.zeros((TILE, TILE, 3), dtype=np.uint8)
            part = SCENE[y : y + TILE, x : x + TILE]
            tile[: part.shape[0], : part.shape[1]] = part
            content = io.BytesIO()
            picture = Pillow.fromarray(tile)
            stored = Pillow.merge("RGB", picture.convert("YCbCr").split()) if compression == 33003 else picture
            stored.save(content, "JPEG2000", irreversible=False, no_jp2=True, mct=0)
            tiles.append(content.getvalue())
    write_encoded(tmp_path / "a.svs", tiles, compression, APERIO)
    image = open_image(tmp_path / "a.svs")
    whole = image.load()
    if compression == 33003:
        assert np.abs(whole.astype(int) - SCENE).max() <= 3
    else:
        np.testing.assert_array_equal(whole, SCENE)
    check_regions(image, [whole])


def write_encoded(
    path: Path, tiles: list[bytes], compression: int, says: str = "", *, tables: bytes = b"", photo: str = "rgb"
) -> None:
    """A page of tiles that are encoded already."""
    tags = [(347, 7, len(tables), tables, True)] if tables else []
    placeholder = tifffile.COMPRESSION.JPEG if compression == 7 else tifffile.COMPRESSION(compression)
    with tifffile.TiffWriter(path) as out:
        out.write(
            iter(tiles), shape=SCENE.shape, dtype=np.uint8, tile=(TILE, TILE), photometric=photo, compression=placeholder,
            description=says or None, metadata=None, extratags=tags,
        )  # fmt: skip


def abbreviated() -> tuple[list[bytes], bytes]:
    """JPEG tiles without their tables, and the tables."""
    tiles, tables = [], b""
    for y in range(0, 300, TILE):
        for x in range(0, 420, TILE):
            tile = np.zeros((TILE, TILE, 3), dtype=np.uint8)
            part = SCENE[y : y + TILE, x : x + TILE]
            tile[: part.shape[0], : part.shape[1]] = part
            content = io.BytesIO()
            Pillow.fromarray(tile).save(content, "JPEG", quality=95, subsampling=0)
            segments, at, data = [], 2, content.getvalue()
            while data[at + 1] != 0xDA:
                size = 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
                segments.append(data[at : at + size])
                at += size
            tables = b"\xff\xd8" + b"".join(each for each in segments if each[1] in (0xDB, 0xC4)) + b"\xff\xd9"
            kept = b"".join(each for each in segments if each[1] not in (0xDB, 0xC4, 0xE0))
            tiles.append(b"\xff\xd8" + kept + data[at:])
    return tiles, tables


def test_jpeg_tiles_share_their_tables_and_are_refused_without(tmp_path: Path) -> None:
    tiles, tables = abbreviated()
    write_encoded(tmp_path / "a.svs", tiles, 7, APERIO, tables=tables, photo="ycbcr")
    content = bytearray((tmp_path / "a.svs").read_bytes())
    subsampling = content.index(struct.pack("<HHI", 530, 3, 2)) + 8
    content[subsampling : subsampling + 4] = struct.pack("<HH", 1, 1)
    (tmp_path / "a.svs").write_bytes(content)
    image = open_image(tmp_path / "a.svs")
    whole = image.load()
    assert np.abs(whole.astype(int) - SCENE).mean() < 4
    check_regions(image, [whole])
    write_encoded(tmp_path / "b.svs", tiles, 7, APERIO, photo="ycbcr")
    assert refusal(tmp_path / "b.svs") == "decode_failed"


def test_the_size_of_a_pixel_is_the_makers_or_unknown(tmp_path: Path) -> None:
    svs = open_image(write_svs(tmp_path / "a.svs"))
    assert svs.spacing_mm == pytest.approx((0.0005, 0.0005))
    assert (codes(svs), svs.modality) == (set(), "SM")
    assert open_image(write_ome(tmp_path / "b.ome.tif")).spacing_mm == pytest.approx((0.00025, 0.00025))
    by_tags = open_image(write_svs(tmp_path / "c.tif", says="", resolution=(20_000, 10_000), resolutionunit="CENTIMETER"))
    assert by_tags.spacing_mm == pytest.approx((0.001, 0.0005))
    for name, options in {"none": {}, "a screen's": {"resolution": (72, 72), "resolutionunit": "INCH"}}.items():
        unknown = open_image(write_svs(tmp_path / "d.tif", says="", **options))
        assert unknown.spacing_mm is None, name
        assert codes(unknown) == {"no_mpp"}


def test_label_and_overview_are_never_shown(tmp_path: Path) -> None:
    image = open_image(write_svs(tmp_path / "a.svs", extras=True))
    assert codes(image) == {"label_image_dropped"}
    assert image.levels == ((300, 420), (150, 210), (75, 105))
    check_regions(image, LEVELS)
    assert "Zebra" not in repr(image.warnings)


def test_channels_of_one_size_are_said(tmp_path: Path) -> None:
    stack = np.moveaxis(SCENE, -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack", tile=(TILE, TILE), metadata=None)
    image = open_image(tmp_path / "a.tif")
    assert codes(image) == {"first_frame_only", "no_mpp"}
    check_regions(image, [SCENE[..., 0]])


def test_a_picture_in_one_tile_is_no_slide(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", SCENE[:60, :60], photometric="rgb", tile=(TILE, TILE))
    image = open_image(tmp_path / "a.tif")
    assert image.kind == "image"
    np.testing.assert_array_equal(image.load(), SCENE[:60, :60])


def test_only_the_tiles_of_a_region_are_read(tmp_path: Path) -> None:
    path = write_svs(tmp_path / "a.svs", compression="zlib")
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        start, size = page.dataoffsets[0], page.databytecounts[0]
    content = bytearray(path.read_bytes())
    content[start : start + size] = b"\xff" * size
    path.write_bytes(content)
    image = open_image(path)
    np.testing.assert_array_equal(image.part(Part(box_yxyx_px=(0, TILE, 300, 420))), SCENE[:, TILE:])
    np.testing.assert_array_equal(image.part(Part(level=1)), LEVELS[1])
    with pytest.raises(InputRefused) as caught:
        image.part(Part(box_yxyx_px=(0, 0, 10, TILE + 1)))
    assert caught.value.code == "decode_failed"


def test_tiles_that_were_not_stored_are_white_and_said(tmp_path: Path) -> None:
    path = write_svs(tmp_path / "a.svs", compression="zlib")
    with tifffile.TiffFile(path) as file:
        tag = file.pages[0].tags[325]
    content = bytearray(path.read_bytes())
    content[tag.valueoffset : tag.valueoffset + 4] = bytes(4)
    path.write_bytes(content)
    image = open_image(path)
    assert codes(image) == {"tiles_missing"}
    wanted = SCENE.copy()
    wanted[:TILE, :TILE] = 255
    np.testing.assert_array_equal(image.load(), wanted)


def test_a_slide_larger_than_a_picture_is_read_by_region_alone(tmp_path: Path) -> None:
    tile = np.arange(256 * 256, dtype=np.uint32).view(np.uint8)[: 256 * 256].reshape(256, 256)
    side = 256 * 1024
    with tifffile.TiffWriter(tmp_path / "b.tif", bigtiff=True) as out:
        out.write(iter([tile.tobytes()] * 4), shape=(512, 512), dtype=np.uint8, tile=(256, 256), photometric="minisblack",
                  compression=None, metadata=None)  # fmt: skip
    content = bytearray((tmp_path / "b.tif").read_bytes())
    count = (side // 256) ** 2
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        start = file.pages[0].dataoffsets[0]
        tags = {tag.code: tag for tag in file.pages[0].tags}
    for code, value in ((256, side), (257, side)):
        at = tags[code].offset
        content[at : at + 20] = struct.pack("<HHQQ", code, 4, 1, value)
    for code, value in ((324, start), (325, tile.nbytes)):
        content[tags[code].offset : tags[code].offset + 20] = struct.pack("<HHQQ", code, 16, count, len(content))
        content += np.full(count, value, dtype="<u8").tobytes()
    (tmp_path / "b.tif").write_bytes(content)
    image = open_image(tmp_path / "b.tif")
    assert (image.kind, image.shape) == ("slide", (side, side))
    y, x = 200_000, 123_456
    found = image.part(Part(box_yxyx_px=(y, x, y + 300, x + 200)))
    np.testing.assert_array_equal(found, tile[np.ix_(np.arange(y, y + 300) % 256, np.arange(x, x + 200) % 256)])
    for load in (image.load, lambda: image.part(Part(box_yxyx_px=(0, 0, side, 5000)))):
        with pytest.raises(InputRefused) as caught:
            load()
        assert caught.value.code == "size_limit"


@pytest.mark.parametrize(
    "part", [Part(level=3), Part(box_yxyx_px=(0, 0, 301, 4)), Part(box_yxyx_px=(5, 5, 5, 9)), Part(index=(0,))]
)
def test_what_lies_outside_is_no_part(tmp_path: Path, part: Part) -> None:
    with pytest.raises(IndexError):
        open_image(write_svs(tmp_path / "a.svs")).part(part)


WHOLE = io.BytesIO()
with tifffile.TiffWriter(WHOLE) as _out:
    for _level in LEVELS:
        _out.write(
            _level[:130, :130], tile=(TILE, TILE), photometric="rgb", compression="jpeg", metadata=None, description=APERIO
        )


@settings(max_examples=200)
@given(st.integers(0, len(WHOLE.getvalue()) - 1), st.binary(min_size=1, max_size=12))
def test_whatever_is_changed_it_is_read_or_refused(at: int, change: bytes) -> None:
    content = bytearray(WHOLE.getvalue())
    content[at : at + len(change)] = change
    file = io.BufferedReader(io.BytesIO(bytes(content)))  # type: ignore[arg-type]
    try:
        description = tiff.describe(file)
        reader = tiff if description.format == "tiff" else pytest.importorskip("vesalius.clinical.formats.slide")
        box = (0, 0, min(description.shape[0], 200), min(description.shape[1], 200))
        part = Part(box_yxyx_px=box) if description.kind == "slide" else Part()
        if description.kind == "slide" or np.prod(description.shape) < 10**7:
            reader.decode(file, description, part, np.empty(description.shape_of(part), description.dtype))
    except InputRefused:
        pass


def test_regions_agree_with_openslide(tmp_path: Path) -> None:
    openslide = pytest.importorskip("openslide", reason="OpenSlide, a second reader, is not installed")
    path = write_svs(tmp_path / "a.svs", compression="jpeg", compressionargs={"level": 92}, extras=True)
    image = open_image(path)
    with openslide.OpenSlide(str(path)) as slide:
        assert [size[::-1] for size in slide.level_dimensions] == list(image.levels)
        assert float(slide.properties["openslide.mpp-x"]) / 1000 == pytest.approx(image.spacing_mm[1])
        for y, x in ((0, 0), (60, 100), (200, 333)):
            second = np.asarray(slide.read_region((x, y), 0, (80, 90)))[..., :3]
            ours = image.part(Part(box_yxyx_px=(y, x, y + 90, x + 80)))
            assert np.abs(ours.astype(int) - second).max() <= 2
