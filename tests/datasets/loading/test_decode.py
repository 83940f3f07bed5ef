"""What workers decode is what the readers give, for every way in which a picture may be stored."""

import io
import os
import struct
import zlib
from hashlib import sha256

import numpy as np
import pytest
from PIL import Image as Pillow

from vesalius.clinical.images import open_image
from vesalius.datasets.loading.decode import Item, decode, room_of
from vesalius.errors import InputRefused

PIXELS = np.random.default_rng(0).integers(0, 255, (12, 17, 3), np.uint8)


def turned(picture: Pillow.Image) -> dict:
    exif = picture.getexif()
    exif[0x0112] = 6
    return {"exif": exif}


def saved(mode: str, kind: str, *, turn: bool = False, **options) -> bytes:
    picture = (
        Pillow.fromarray(PIXELS).convert("L").convert(mode) if mode in ("1", "LA") else Pillow.fromarray(PIXELS).convert(mode)
    )
    stream = io.BytesIO()
    picture.save(stream, kind, **options, **(turned(picture) if turn else {}))
    return stream.getvalue()


def sixteen() -> bytes:
    stream = io.BytesIO()
    Pillow.fromarray(PIXELS[..., 0].astype(np.uint16) * 257).save(stream, "PNG")
    return stream.getvalue()


def pieces(content: bytes, size: int) -> bytes:
    """The same picture with its data in several chunks."""
    begin = content.index(b"IDAT") - 4
    length = int.from_bytes(content[begin : begin + 4])
    data = content[begin + 8 : begin + 8 + length]
    return (
        content[:begin] + b"".join(chunk(data[at : at + size]) for at in range(0, length, size)) + content[begin + 12 + length :]
    )


def chunk(data: bytes) -> bytes:
    return len(data).to_bytes(4) + b"IDAT" + data + zlib.crc32(b"IDAT" + data).to_bytes(4)


def interlaced() -> bytes:
    """Adam7 of a gray picture, by hand."""
    gray = PIXELS[..., 0]
    passes = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1)]
    rows = [row for y, dy, x, dx in passes for row in gray[y::dy, x::dx] if row.size]
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    head = struct.pack(">2I5B", gray.shape[1], gray.shape[0], 8, 0, 0, 0, 1)
    begin = b"\x89PNG\r\n\x1a\n" + len(head).to_bytes(4) + b"IHDR" + head + zlib.crc32(b"IHDR" + head).to_bytes(4)
    return begin + chunk(data) + b"\0\0\0\0IEND" + zlib.crc32(b"IEND").to_bytes(4)


PICTURES = {
    "gray": lambda: saved("L", "PNG"),
    "color": lambda: saved("RGB", "PNG"),
    "sixteen bits": sixteen,
    "interlaced": interlaced,
    "in several pieces": lambda: pieces(saved("RGB", "PNG"), 40),
    "bilevel": lambda: saved("1", "PNG"),
    "palette": lambda: saved("P", "PNG"),
    "transparent": lambda: saved("RGBA", "PNG"),
    "gray and transparent": lambda: saved("LA", "PNG"),
    "gray with a transparent shade": lambda: saved("L", "PNG", transparency=3),
    "turned": lambda: saved("RGB", "PNG", turn=True),
    "jpeg gray": lambda: saved("L", "JPEG"),
    "jpeg color": lambda: saved("RGB", "JPEG"),
    "jpeg cmyk": lambda: saved("CMYK", "JPEG"),
    "jpeg turned": lambda: saved("L", "JPEG", turn=True),
}


def run(path, shape, channels=1, **changed):
    digest, size = sha256(path.read_bytes()).hexdigest(), path.stat().st_size
    item = Item(path.suffix, size, shape, channels, digest, None, None, room_of(path.suffix, size, shape, channels))
    item = item._replace(**changed)
    room = bytearray(item.room)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        dtype, found = decode(descriptor, item, memoryview(room))
    finally:
        os.close(descriptor)
    return np.ndarray(found, dtype, room)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_decoded_as_the_readers_decode_it(tmp_path, name):
    path = tmp_path / ("a.jpg" if "jpeg" in name else "a.png")
    path.write_bytes(PICTURES[name]())
    image = open_image(path)
    wanted = image.load()
    found = run(path, image.shape, image.channels)
    assert found.dtype == wanted.dtype
    assert np.array_equal(found, wanted)
    box = run(path, image.shape, image.channels, box=[2, 3, 9, 11])
    assert np.array_equal(box, wanted[2:9, 3:11])


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["i2", "f4", "?", ">u2"])
def test_slices_and_boxes_of_arrays_are_read_alone(tmp_path, order, channels, dtype):
    shape = (7, 8, 9)
    values = np.random.default_rng(1).integers(0, 200, (*shape, 3) if channels == 3 else shape).astype(dtype)
    path = tmp_path / "a.npy"
    np.save(path, np.asarray(values, order=order))
    for index in (None, [2], [1, 2, 3], [0, 3, 6]):
        for box in (None, [1, 2, 5, 9]):
            found = run(path, shape, channels, slices=index, box=box)
            wanted = values if index is None else values[index]
            wanted = wanted if box is None else wanted[:, 1:5, 2:9]
            assert found.dtype == wanted.dtype
            assert np.array_equal(found, wanted)


def test_what_is_not_what_the_row_says_is_refused(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PICTURES["gray"]())
    np.save(tmp_path / "a.npy", np.zeros((2, 3)))
    for changed in ({"shape": [12, 16]}, {"bytes": 5}, {"sha256": "0" * 64}, {"channels": 3}):
        with pytest.raises(InputRefused):
            run(path, **{"shape": (12, 17), "channels": 1, **changed})
    for changed in ({"shape": (3, 2)}, {"sha256": "0" * 64}, {"sha256": "0" * 64, "slices": [1]}):
        with pytest.raises(InputRefused, match="changed"):
            run(tmp_path / "a.npy", **{"shape": (2, 3), **changed})
    np.save(tmp_path / "b.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputRefused, match="no array"):
        run(tmp_path / "b.npy", (1,))
    path.write_bytes(PICTURES["gray"]()[:60])
    with pytest.raises(InputRefused) as refused:
        run(path, (12, 17))
    assert refused.value.code == "decode_failed"
