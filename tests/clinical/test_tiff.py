"""TIFF pictures written by tifffile and by libtiff, and read back to the value; damaged ones are made in `bad_inputs`."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from vesalius.clinical.formats import tiff
from vesalius.clinical.images import open_image
from vesalius.errors import InputRefused
from vesalius.types import Image, Part

tifffile = pytest.importorskip("tifffile", reason="tifffile, which writes the files, is not installed")

Array = np.ndarray[Any, Any]
NOISE = np.random.default_rng(0).integers(0, 256, (45, 70, 4), dtype=np.uint8)
SMOOTH = (np.add.outer(np.arange(45), np.arange(70))[..., None] * [1, 2, 1.5] % 256).astype(np.uint8)


def write(path: Path, pixels: Array, **options: Any) -> Path:
    tifffile.imwrite(path, pixels, **options)
    return path


def codes(image: Image) -> set[str]:
    return {warning.code for warning in image.warnings} - {"no_calibration"}


def refusal(path: Path) -> str:
    with pytest.raises(InputRefused) as caught:
        open_image(path).load()
    return caught.value.code


COMPRESSIONS = [None, "lzw", "zlib", "adobe_deflate", "packbits"]


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "float32"])
def test_gray_values_come_back_as_they_were(tmp_path: Path, compression: str, order: str, dtype: str) -> None:
    values = (NOISE[..., 0].astype(float) * 200 - (9000 if dtype == "int16" else 0)).astype(dtype)
    predictor = compression in ("lzw", "zlib") and dtype != "float32"
    path = write(tmp_path / "a.tif", values, compression=compression, byteorder=order, rowsperstrip=8, predictor=predictor)
    image = open_image(path)
    assert (image.kind, image.shape, image.channels) == ("image", (45, 70), 1)
    loaded = image.load()
    assert loaded.dtype == dtype
    np.testing.assert_array_equal(loaded, values)
    np.testing.assert_array_equal(image.part(Part(box_yxyx_px=(3, 5, 30, 66))), values[3:30, 5:66])
    assert codes(image) == set()


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_colors_come_back_as_they_were(tmp_path: Path, compression: str, planar: str, bigtiff: bool) -> None:
    pixels = NOISE[..., :3]
    stored = pixels if planar == "contig" else np.moveaxis(pixels, -1, 0)
    options = {"photometric": "rgb", "planarconfig": planar, "rowsperstrip": 7, "bigtiff": bigtiff}
    image = open_image(write(tmp_path / "a.tif", stored, compression=compression, predictor=compression == "lzw", **options))
    assert (image.shape, image.channels) == ((45, 70), 3)
    np.testing.assert_array_equal(image.load(), pixels)


def test_deep_colors_are_read_with_eight_bits_and_transparency_is_dropped(tmp_path: Path) -> None:
    deep = NOISE[..., :3].astype(np.uint16) * 256 + 77
    image = open_image(write(tmp_path / "a.tif", deep, photometric="rgb", compression="zlib", predictor=True))
    assert codes(image) == {"depth_reduced"}
    np.testing.assert_array_equal(image.load(), NOISE[..., :3])
    image = open_image(write(tmp_path / "b.tif", NOISE, photometric="rgb", extrasamples=["unassalpha"]))
    assert codes(image) == {"transparency_dropped"}
    np.testing.assert_array_equal(image.load(), NOISE[..., :3])
    image = open_image(write(tmp_path / "c.tif", NOISE[..., :2], photometric="minisblack", extrasamples=["unassalpha"]))
    np.testing.assert_array_equal(image.load(), NOISE[..., 0])


def test_channels_that_are_no_colors_are_refused(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.tif", NOISE[..., :2], photometric="minisblack", planarconfig="contig", extrasamples=["unspecified"]
    )
    assert refusal(path) == "unsupported_dimensions"


@pytest.mark.parametrize("options", [{"photometric": "rgb"}, {"photometric": "ycbcr", "subsampling": (2, 2)}, {}])
def test_jpeg_is_read_as_libjpeg_reads_it(tmp_path: Path, options: dict[str, Any]) -> None:
    pixels = SMOOTH if options else SMOOTH[..., 0]
    stored = np.asarray(Pillow.fromarray(pixels).convert("YCbCr")) if options.get("subsampling") else pixels
    path = write(tmp_path / "a.tif", stored, compression="jpeg", compressionargs={"level": 95}, rowsperstrip=16, **options)
    loaded = open_image(path).load()
    with Pillow.open(path) as picture:
        np.testing.assert_array_equal(loaded, np.asarray(picture))
    assert np.abs(loaded.astype(int) - pixels).mean() < (12 if options.get("subsampling") else 3)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate", "raw", "jpeg"])
@pytest.mark.parametrize("mode", ["1", "P", "L", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_what_libtiff_wrote_is_what_pillow_reads(tmp_path: Path, mode: str, compression: str) -> None:
    if compression == "jpeg" and mode in ("1", "P", "RGBA", "I;16", "F"):
        pytest.skip("libtiff writes no JPEG of that kind")
    if mode == "I;16":
        picture = Pillow.fromarray(NOISE[..., 0].astype(np.uint16) * 250)
    else:
        picture = Pillow.fromarray(NOISE[..., :3]).convert(mode)
    picture.save(tmp_path / "a.tif", compression=compression)
    image = open_image(tmp_path / "a.tif")
    with Pillow.open(tmp_path / "a.tif") as second:
        wanted = np.asarray(second.convert({"1": "L", "P": "RGB", "CMYK": "RGB", "RGBA": "RGB"}.get(mode, mode)))
    np.testing.assert_array_equal(image.load(), wanted)
    assert image.load().dtype == wanted.dtype


def test_white_is_zero_is_inverted_and_not_turned_around(tmp_path: Path) -> None:
    image = open_image(write(tmp_path / "a.tif", NOISE[..., 0], photometric="miniswhite"))
    assert image.inverted
    np.testing.assert_array_equal(image.load(), NOISE[..., 0])


@pytest.mark.parametrize("turn", range(1, 9))
def test_the_turn_is_applied(tmp_path: Path, turn: int) -> None:
    path = write(tmp_path / "a.tif", SMOOTH, photometric="rgb", extratags=[(274, "H", 1, turn, True)])
    image = open_image(path)
    transposes = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # Pillow's numbers of the turns that the standard names
    upright = Pillow.fromarray(SMOOTH)
    wanted = np.asarray(upright.transpose(Pillow.Transpose(transposes[turn])) if turn > 1 else upright)
    assert image.shape == wanted.shape[:2]
    np.testing.assert_array_equal(image.load(), wanted)


def test_the_first_page_is_read_and_the_others_are_said(tmp_path: Path) -> None:
    stack = np.stack([NOISE[..., 0], NOISE[..., 1], NOISE[..., 2]])
    image = open_image(write(tmp_path / "a.tif", stack, photometric="minisblack", metadata=None))
    assert codes(image) == {"first_frame_only"}
    np.testing.assert_array_equal(image.load(), stack[0])
    imagej = open_image(write(tmp_path / "b.tif", stack, imagej=True))
    assert codes(imagej) == {"first_frame_only"}
    np.testing.assert_array_equal(imagej.load(), stack[0])


def test_only_programs_of_microscopy_say_how_large_a_pixel_is(tmp_path: Path) -> None:
    gray = NOISE[..., 0]
    plain = open_image(write(tmp_path / "a.tif", gray, resolution=(300, 300), resolutionunit="INCH"))
    assert plain.spacing_mm is None
    assert [warning.code for warning in plain.warnings] == ["no_calibration"]
    imagej = open_image(write(tmp_path / "b.tif", gray, imagej=True, resolution=(4.0, 2.0), metadata={"unit": "um"}))
    assert imagej.spacing_mm == pytest.approx((0.0005, 0.00025))
    said = {"PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 500, "PhysicalSizeYUnit": "nm"}
    ome = open_image(write(tmp_path / "c.ome.tif", gray, ome=True, metadata={"axes": "YX", **said}))
    assert ome.spacing_mm == pytest.approx((0.0005, 0.00025))
    inches = open_image(write(tmp_path / "d.tif", gray, imagej=True, resolution=(4, 4), metadata={"unit": "parsec"}))
    assert inches.spacing_mm is None


def test_one_strip_of_many_rows_is_read_in_pieces(tmp_path: Path) -> None:
    values = np.random.default_rng(1).integers(0, 60000, (3000, 1500), dtype=np.uint16)
    image = open_image(write(tmp_path / "a.tif", values, rowsperstrip=3000))
    np.testing.assert_array_equal(image.load(), values)


def test_a_cut_or_damaged_file_is_refused(tmp_path: Path) -> None:
    for compression, code in ((None, {"bad_offsets"}), ("lzw", {"bad_offsets"}), ("zlib", {"bad_offsets"})):
        content = write(tmp_path / "a.tif", NOISE, photometric="rgb", compression=compression).read_bytes()
        (tmp_path / "a.tif").write_bytes(content[: len(content) * 2 // 3])
        assert refusal(tmp_path / "a.tif") in code
    content = bytearray(write(tmp_path / "b.tif", NOISE, photometric="rgb", compression="zlib").read_bytes())
    content[-2000:-1500] = bytes(500)
    (tmp_path / "b.tif").write_bytes(content)
    assert refusal(tmp_path / "b.tif") == "decode_failed"


WHOLE = io.BytesIO()
tifffile.imwrite(WHOLE, SMOOTH, photometric="rgb", compression="lzw", rowsperstrip=8, metadata=None)


@given(st.integers(0, len(WHOLE.getvalue()) - 1), st.binary(min_size=1, max_size=12))
def test_whatever_is_changed_it_is_read_or_refused(at: int, change: bytes) -> None:
    content = bytearray(WHOLE.getvalue())
    content[at : at + len(change)] = change
    file = io.BufferedReader(io.BytesIO(bytes(content)))  # type: ignore[arg-type]
    try:
        description = tiff.describe(file)
        if np.prod(description.shape) < 10**7:
            tiff.decode(file, description, Part(), np.empty(description.shape_of(Part()), description.dtype))
    except InputRefused:
        pass


def test_real_fundus_photographs_are_read_as_pillow_reads_them(public_data: Path) -> None:
    paths = sorted((public_data / "drive_fundus").rglob("*.tif"))
    assert len(paths) >= 4
    for path in paths:
        image = open_image(path)
        assert (image.kind, image.shape, image.channels, codes(image)) == ("image", (584, 565), 3, set())
        with Pillow.open(path) as picture:
            np.testing.assert_array_equal(image.load(), np.asarray(picture.convert("RGB")))
