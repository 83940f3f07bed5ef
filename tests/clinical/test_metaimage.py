import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vesalius.clinical.images import open_image
from vesalius.errors import InputRefused
from vesalius.types import Part

VOXELS = np.random.default_rng(0).integers(-999, 999, (4, 6, 5)).astype(np.int16)  # slices, rows, columns
PLACED = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "BinaryDataByteOrderMSB": "False",
    "CompressedData": "False",
    "TransformMatrix": "1 0 0 0 0.6 0.8 0 -0.8 0.6",
    "Offset": "10 -20 30",
    "CenterOfRotation": "0 0 0",
    "AnatomicalOrientation": "RAI",
    "ElementSpacing": "0.4 0.5 2",
    "DimSize": "5 6 4",
    "ElementType": "MET_SHORT",
}
AFFINE = np.array([[0, 0, 0.4, 10], [-1.6, 0.3, 0, -20], [1.2, 0.4, 0, 30], [0, 0, 0, 1]])


def save(path: Path, voxels: Any = VOXELS, *, data: bytes | None = None, **fields: str | None) -> Path:
    """PLACED with other fields; None leaves one out."""
    said = PLACED | {"ElementDataFile": "LOCAL"} | fields
    said["ElementDataFile"] = said.pop("ElementDataFile")  # has to be the last
    header = "".join(f"{name} = {value}\n" for name, value in said.items() if value is not None).encode()
    path.write_bytes(header + (voxels.tobytes() if data is None else data))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputRefused) as caught:
        open_image(path).load()
    return caught.value.code


def codes(path: Path) -> list[str]:
    return [warning.code for warning in open_image(path).warnings]


def test_voxels_and_places_are_those_of_the_file(tmp_path: Path) -> None:
    image = open_image(save(tmp_path / "a.mha"))
    assert (image.kind, image.shape, image.warnings, image.source.format) == ("volume", (4, 6, 5), (), "metaimage")
    assert image.spacing_mm == pytest.approx((2, 0.5, 0.4))
    np.testing.assert_allclose(image.affine_lps_mm, AFFINE)
    np.testing.assert_array_equal(image.load(), VOXELS)
    np.testing.assert_array_equal(image.part(Part((2,))), VOXELS[2])


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (VOXELS.astype(">i2").tobytes(), {"BinaryDataByteOrderMSB": "True"}),
        (VOXELS.astype(">i2").tobytes(), {"ElementByteOrderMSB": "true", "BinaryDataByteOrderMSB": None}),
        (zlib.compress(VOXELS.tobytes()), {"CompressedData": "True"}),
        (zlib.compress(VOXELS.tobytes()), {"CompressedData": "True", "CompressedDataSize": "77"}),
    ],
)
def test_voxels_are_read_however_they_are_stored(tmp_path: Path, data: bytes, fields: dict[str, str | None]) -> None:
    image = open_image(save(tmp_path / "a.mha", data=data, **fields))
    np.testing.assert_array_equal(image.load(), VOXELS)
    np.testing.assert_array_equal(image.part(Part((3,))), VOXELS[3])


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [("MET_CHAR", "i1"), ("MET_UCHAR", "u1"), ("MET_LONG", "<i4"), ("MET_ULONG_LONG", "<u8"), ("MET_DOUBLE", "<f8")],
)
def test_every_usual_type_of_voxel_is_read(tmp_path: Path, kind: str, dtype: str) -> None:
    voxels = np.abs(VOXELS).clip(0, 120).astype(dtype)
    loaded = open_image(save(tmp_path / "a.mha", voxels, ElementType=kind)).load()
    assert loaded.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(loaded, voxels)


def test_stated_intensities_are_computed(tmp_path: Path) -> None:
    scale = {"ElementToIntensityFunctionSlope": "0.5", "ElementToIntensityFunctionOffset": "-3"}
    loaded = open_image(save(tmp_path / "a.mha", **scale)).load()
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded, (VOXELS * 0.5 - 3).astype(np.float32))


def test_a_series_of_volumes_has_time_first(tmp_path: Path) -> None:
    series = np.stack([VOXELS, VOXELS + 1])
    fields = {
        "NDims": "4",
        "DimSize": "5 6 4 2",
        "ElementSpacing": "0.4 0.5 2 1",
        "Offset": "10 -20 30 0",
        "TransformMatrix": "1 0 0 0 0 0.6 0.8 0 0 -0.8 0.6 0 0 0 0 1",
    }
    image = open_image(save(tmp_path / "a.mha", series, **fields))
    assert (image.kind, image.shape) == ("volume", (2, 4, 6, 5))
    assert [warning.code for warning in image.warnings] == ["frame_time_unknown"]
    np.testing.assert_allclose(image.affine_lps_mm, AFFINE)
    np.testing.assert_array_equal(image.load(), series)
    np.testing.assert_array_equal(image.part(Part((1, 2))), series[1, 2])
    leaning = fields | {"TransformMatrix": "1 0 0 0 0 0.6 0.8 0 0 -0.8 0.6 0 0.1 0 0 1"}
    assert refusal(save(tmp_path / "b.mha", series, **leaning)) == "bad_geometry"


@pytest.mark.parametrize("depth", [3, 4])
def test_bytes_by_threes_are_colors(tmp_path: Path, depth: int) -> None:
    colors = np.random.default_rng(0).integers(0, 255, (*VOXELS.shape, depth), dtype=np.uint8)
    image = open_image(save(tmp_path / "a.mha", colors, ElementType="MET_UCHAR", ElementNumberOfChannels=str(depth)))
    assert (image.channels, image.shape) == (3, VOXELS.shape)
    assert [warning.code for warning in image.warnings] == (["transparency_dropped"] if depth == 4 else [])
    np.testing.assert_array_equal(image.load(), colors[..., :3])


def test_a_picture_has_two_axes(tmp_path: Path) -> None:
    flat = {"NDims": "2", "DimSize": "5 6", "ElementSpacing": "0.4 0.5", "Offset": "0 0", "TransformMatrix": "1 0 0 1"}
    image = open_image(save(tmp_path / "a.mha", VOXELS[0], **flat))
    assert (image.kind, image.shape, image.spacing_mm) == ("image", (6, 5), pytest.approx((0.5, 0.4)))
    assert image.affine_lps_mm is None
    np.testing.assert_array_equal(image.load(), VOXELS[0])


def test_what_is_not_stated_is_unknown(tmp_path: Path) -> None:
    image = open_image(save(tmp_path / "a.mha", TransformMatrix=None))
    assert (image.affine_lps_mm, image.spacing_mm) == (None, pytest.approx((2, 0.5, 0.4)))
    assert [warning.code for warning in image.warnings] == ["affine_unknown"]
    image = open_image(save(tmp_path / "b.mha", ElementSpacing=None))
    assert (image.affine_lps_mm, image.spacing_mm) == (None, None)
    assert [warning.code for warning in image.warnings] == ["no_calibration", "affine_unknown"]
    assert codes(save(tmp_path / "c.mha", DistanceUnits="furlong")) == ["units_unknown"]


def test_fields_may_go_by_their_other_names(tmp_path: Path) -> None:
    other = {"TransformMatrix": None, "Offset": None, "Orientation": PLACED["TransformMatrix"], "Position": PLACED["Offset"]}
    np.testing.assert_allclose(open_image(save(tmp_path / "a.mha", **other)).affine_lps_mm, AFFINE)


def test_units_and_modality_are_those_of_the_file(tmp_path: Path) -> None:
    image = open_image(save(tmp_path / "a.mha", DistanceUnits="cm", Modality="MET_MOD_CT"))
    assert image.spacing_mm == pytest.approx((20, 5, 4))
    np.testing.assert_allclose(image.affine_lps_mm, np.diag([10, 10, 10, 1]) @ AFFINE)
    assert image.modality == "CT"
    assert open_image(save(tmp_path / "b.mha", Modality="MET_MOD_OTHER")).modality is None


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"ElementType": "MET_STRING"}, "unsupported_type"),
        ({"BinaryData": "False"}, "unsupported_type"),
        ({"ElementDataFile": "a.raw"}, "unsupported_type"),
        ({"ElementDataFile": "../../etc/passwd"}, "unsupported_type"),
        ({"ElementDataFile": "LIST"}, "unsupported_type"),
        ({"ElementNumberOfChannels": "3"}, "unsupported_dimensions"),
        ({"NDims": "5"}, "unsupported_dimensions"),
        ({"ElementNumberOfChannels": "0"}, "bad_attribute"),
        ({"NDims": None}, "bad_attribute"),
        ({"NDims": "two"}, "bad_attribute"),
        ({"DimSize": "5 6"}, "bad_attribute"),
        ({"DimSize": "5 6 -4"}, "bad_attribute"),
        ({"DimSize": "5 6 0"}, "bad_attribute"),
        ({"DimSize": "99999 99999 99999"}, "size_limit"),
        ({"DimSize": "5 6 5"}, "truncated"),
        ({"HeaderSize": "-1"}, "bad_attribute"),
        ({"CompressedData": "perhaps"}, "bad_attribute"),
        ({"TransformMatrix": "1 0 0 0 1 0"}, "bad_attribute"),
        ({"TransformMatrix": "1 0 0 0 1 0 0 0 x"}, "bad_attribute"),
        ({"TransformMatrix": "1 0 0 0 1 0 0 1 0"}, "bad_geometry"),
        ({"TransformMatrix": "nan 0 0 0 1 0 0 0 1"}, "bad_geometry"),
        ({"ElementSpacing": "0.4 0 2"}, "bad_geometry"),
        ({"ElementSpacing": "0.4 inf 2"}, "bad_geometry"),
        ({"Offset": "0 0 inf"}, "bad_geometry"),
        ({"ElementToIntensityFunctionSlope": "0"}, "bad_rescale"),
        ({"ElementToIntensityFunctionOffset": "1e308"}, "bad_rescale"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_be_read_for_certain_is_refused(tmp_path: Path, fields: dict[str, str | None], code: str) -> None:
    assert refusal(save(tmp_path / "a.mha", **fields)) == code


def test_damage_is_refused(tmp_path: Path) -> None:
    packed = bytearray(zlib.compress(VOXELS.tobytes()))
    packed[40:60] = bytes(20)
    assert refusal(save(tmp_path / "a.mha", data=bytes(packed), CompressedData="True")) == "decode_failed"
    path = save(tmp_path / "b.mha")
    path.write_bytes(path.read_bytes().partition(b"LOCAL")[0])
    assert refusal(path) == "truncated"


def test_what_follows_the_voxels_is_said(tmp_path: Path) -> None:
    assert codes(save(tmp_path / "a.mha", data=VOXELS.tobytes() + b"more")) == ["trailing_bytes"]
