"""What workers decode is what the readers give, for every way in which a picture may be stored."""

import io
import os
from hashlib import sha256

import numpy as np
import pytest
from PIL import Image as Pillow

from vesalius.clinical.images import open_image
from vesalius.datasets.loading.decode import decode, room_of
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


PICTURES = {
    "gray": lambda: saved("L", "PNG"),
    "color": lambda: saved("RGB", "PNG"),
    "sixteen bits": sixteen,
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
    item = {"suffix": path.suffix, "bytes": path.stat().st_size, "shape": list(shape), "channels": channels}
    item |= {"sha256": sha256(path.read_bytes()).hexdigest(), "index": None, "box": None, **changed}
    room = bytearray(room_of(path.suffix, item["bytes"], tuple(shape), channels))
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
            found = run(path, shape, channels, index=index, box=box)
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
    for changed in ({"shape": (3, 2)}, {"sha256": "0" * 64}, {"sha256": "0" * 64, "index": [1]}):
        with pytest.raises(InputRefused, match="changed"):
            run(tmp_path / "a.npy", **{"shape": (2, 3), **changed})
    np.save(tmp_path / "b.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputRefused, match="no array"):
        run(tmp_path / "b.npy", (1,))
    path.write_bytes(PICTURES["gray"]()[:60])
    with pytest.raises(InputRefused) as refused:
        run(path, (12, 17))
    assert refused.value.code == "decode_failed"
