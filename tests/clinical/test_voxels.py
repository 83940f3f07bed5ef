"""What all formats share whose voxels stand in a row: only what is asked for is read, and little of it is held."""

import gzip
import io
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vesalius.clinical import voxels
from vesalius.clinical.picture import Description
from vesalius.clinical.voxels import Grid, Stored
from vesalius.errors import InputRefused
from vesalius.types import Part

SERIES = np.arange(3 * 4 * 5 * 6, dtype=np.int16).reshape(3, 4, 5, 6)
INDICES = [(), (1,), (2, 3)]
HEAD, WHOLE = b"head", Part()


class Counted(io.FileIO):
    """A file that knows how many bytes were read of it."""

    read_bytes = 0

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        self.read_bytes += count
        return count


def described(file: io.BufferedReader, stored: Stored, shape: tuple[int, ...], **more: Any) -> Description:
    return voxels.describe(file, "nifti", stored, Grid((*[1] * (4 - len(shape)), *shape), None, None), [], **more)


def decoded(path: Path, stored: Stored, shape: tuple[int, ...], part: Part = WHOLE, **more: Any) -> np.ndarray[Any, Any]:
    with path.open("rb") as file:
        description = described(file, stored, shape, **more)
        out = np.full(description.shape_of(part), 77, dtype=description.dtype)
        voxels.decode(file, description, part, out)
    return out


def refusal(path: Path, stored: Stored, shape: tuple[int, ...]) -> str:
    with pytest.raises(InputRefused) as caught:
        decoded(path, stored, shape)
    return caught.value.code


@pytest.mark.parametrize("index", INDICES)
@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<f4", ">f8", "|u1", "<u4"])
@pytest.mark.parametrize("compression", ["", "gzip", "zlib"])
def test_any_part_of_any_order_and_packing_is_the_same_part(
    tmp_path: Path, compression: str, dtype: str, index: tuple[int, ...]
) -> None:
    content = HEAD + SERIES.astype(dtype).tobytes()
    pack: dict[str, Callable[[bytes], bytes]] = {"": bytes, "gzip": gzip.compress, "zlib": zlib.compress}
    (tmp_path / "a").write_bytes(b"ab" + pack[compression](content))
    found = decoded(tmp_path / "a", Stored(dtype, 2, compression, len(HEAD)), SERIES.shape, Part(index))
    assert found.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(found, SERIES.astype(dtype)[index])


def test_scaled_values_are_rounded_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(SERIES.tobytes())
    found = decoded(tmp_path / "a", Stored("<i2", 0, slope=0.1, intercept=-1000.3), SERIES.shape)
    np.testing.assert_array_equal(found, (SERIES * 0.1 - 1000.3).astype(np.float32))


@pytest.mark.parametrize("index", INDICES)
def test_volumes_that_are_stored_voxel_by_voxel_are_taken_apart(tmp_path: Path, index: tuple[int, ...]) -> None:
    (tmp_path / "a").write_bytes(np.ascontiguousarray(np.moveaxis(SERIES, 0, -1)).tobytes())
    np.testing.assert_array_equal(
        decoded(tmp_path / "a", Stored("<i2", 0, components=3), SERIES.shape, Part(index)), SERIES[index]
    )


@pytest.mark.parametrize("components", [3, 4])
def test_colors_keep_their_first_three_components(tmp_path: Path, components: int) -> None:
    colors = np.random.default_rng(0).integers(0, 255, (4, 5, 6, components), dtype=np.uint8)
    (tmp_path / "a").write_bytes(colors.tobytes())
    stored = Stored("|u1", 0, components=components)
    np.testing.assert_array_equal(decoded(tmp_path / "a", stored, (4, 5, 6), is_color=True), colors[..., :3])
    np.testing.assert_array_equal(decoded(tmp_path / "a", stored, (4, 5, 6), Part((2,)), is_color=True), colors[2, ..., :3])


@pytest.mark.parametrize(("compression", "most"), [("", 2 * 4096 + 8192), ("gzip", 2 * voxels.FEED_BYTES)])
def test_of_a_slice_no_more_is_read_than_leads_to_its_end(tmp_path: Path, compression: str, most: int) -> None:
    volume = np.random.default_rng(0).integers(0, 2**15, (400, 64, 32), dtype=np.int16)
    content = volume.tobytes()
    (tmp_path / "a").write_bytes(gzip.compress(content, 1) if compression else content)
    with Counted(tmp_path / "a") as raw:
        file = io.BufferedReader(raw)
        description = described(file, Stored("<i2", 0, compression), volume.shape)
        out = np.empty((64, 32), np.int16)
        raw.read_bytes = 0
        voxels.decode(file, description, Part((1,)), out)
        assert 0 < raw.read_bytes <= most
    np.testing.assert_array_equal(out, volume[1])


@pytest.mark.parametrize("compression", ["", "gzip"])
@pytest.mark.parametrize("slope", [1.0, 0.5])
def test_a_large_volume_is_read_with_little_memory_beside_it(tmp_path: Path, compression: str, slope: float) -> None:
    shape = (64, 512, 512)
    content = np.ones(shape, dtype=np.int16).tobytes()
    (tmp_path / "a").write_bytes(gzip.compress(content, 1) if compression else content)
    with (tmp_path / "a").open("rb") as file:
        description = described(file, Stored("<i2", 0, compression, slope=slope), shape)
        out = np.empty(shape, description.dtype)
        tracemalloc.start()
        voxels.decode(file, description, WHOLE, out)
        _, most_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (out == slope).all()
    assert most_bytes < 8 * 2**20


def test_a_wrong_checksum_is_found_by_reading_everything(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(SERIES.tobytes()))
    content[-6] ^= 255
    (tmp_path / "a").write_bytes(content)
    stored = Stored("<i2", 0, "gzip")
    assert refusal(tmp_path / "a", stored, SERIES.shape) == "decode_failed"
    np.testing.assert_array_equal(decoded(tmp_path / "a", stored, SERIES.shape, Part((1,))), SERIES[1])


@pytest.mark.parametrize("after", [b"", bytes(300), b"something else", gzip.compress(b"more", mtime=0)])
def test_members_are_joined_and_what_follows_them_is_left(tmp_path: Path, after: bytes) -> None:
    content = SERIES.tobytes()
    (tmp_path / "a").write_bytes(gzip.compress(content[:99]) + gzip.compress(content[99:]) + after)
    np.testing.assert_array_equal(decoded(tmp_path / "a", Stored("<i2", 0, "gzip"), SERIES.shape), SERIES)


def test_a_cut_is_found_before_anything_is_allocated_where_it_can_be(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(SERIES.tobytes()[:-1])
    with (tmp_path / "a").open("rb") as file, pytest.raises(InputRefused, match="ends before"):
        described(file, Stored("<i2", 0), SERIES.shape)
    # Deflate makes nothing a thousand times smaller, so that this little cannot hold that much.
    (tmp_path / "a").write_bytes(gzip.compress(bytes(1000)))
    with (tmp_path / "a").open("rb") as file, pytest.raises(InputRefused, match="ends before"):
        described(file, Stored("<i2", 0, "gzip"), (1000, 1000, 1000))


@pytest.mark.parametrize("kept", [0.02, 0.5, 0.99])
def test_a_cut_stream_is_refused(tmp_path: Path, kept: float) -> None:
    content = gzip.compress(np.random.default_rng(0).integers(0, 999, SERIES.shape, dtype=np.int16).tobytes())
    (tmp_path / "a").write_bytes(content[: int(len(content) * kept)])
    assert refusal(tmp_path / "a", Stored("<i2", 0, "gzip"), SERIES.shape) == "truncated"


def test_a_stream_that_goes_on_and_on_is_stopped(tmp_path: Path) -> None:
    content = SERIES.tobytes() + bytes(voxels.LIMIT_REST_BYTES + voxels.BLOCK_BYTES)
    (tmp_path / "a").write_bytes(gzip.compress(content, 1))
    assert refusal(tmp_path / "a", Stored("<i2", 0, "gzip"), SERIES.shape) == "decompression_limit"


def test_what_follows_plain_voxels_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(SERIES.tobytes() + b"more")
    with (tmp_path / "a").open("rb") as file:
        (said,) = described(file, Stored("<i2", 0), SERIES.shape).warnings
        assert (said.code, said.at) == ("trailing_bytes", {"bytes": 4})
        assert described(file, Stored("<i2", 0), SERIES.shape, may_be_followed=True).warnings == ()


@pytest.mark.parametrize(
    ("shape", "code"),
    [
        ((40_000, 40_000, 40_000), "size_limit"),
        ((2, 2**16, 2**16), "size_limit"),
        ((0, 5, 5), "bad_attribute"),
        ((-3, 5, 5), "bad_attribute"),
    ],
)
def test_impossible_lengths_are_refused(tmp_path: Path, shape: tuple[int, int, int], code: str) -> None:
    (tmp_path / "a").write_bytes(b"x")
    assert refusal(tmp_path / "a", Stored("<i2", 0), shape) == code


@pytest.mark.parametrize("scale", [(0.0, 0.0), (float("nan"), 0.0), (1e308, 0.0), (1.0, float("inf")), (2.0, -1e31)])
def test_scales_that_mean_nothing_are_refused(scale: tuple[float, float]) -> None:
    with pytest.raises(InputRefused) as caught:
        voxels.checked_scale(*scale)
    assert caught.value.code == "bad_rescale"
