"""The files of a dataset beside its table: arrays put away under their content's hash, and read back only if it fits."""

import os
import re
import secrets
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vesalius.clinical.images import open_image
from vesalius.clinical.keys import content_sha256
from vesalius.clinical.signatures import JPEG, PNG
from vesalius.datasets.store.rows import Row
from vesalius.errors import InputRefused
from vesalius.transforms.draw import png_bytes
from vesalius.types import Array, Image, Mask

MEDIA = "media"
NAME = re.compile(r"media/[0-9a-f]{2}/([0-9a-f]{64})\.(?:png|jpg|npy)")


class Media:
    """Puts the arrays of pictures and masks below `folder` and gives references to them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # By identity, and only while the picture lives: pictures in memory are not kept for the sake of this.
        self.known: weakref.WeakKeyDictionary[Image | Mask, Row] = weakref.WeakKeyDictionary()

    def keep(self, item: Image | Mask) -> Row:
        """Write the item's array unless it is there; its reference `{media, bytes}`."""
        if item not in self.known:
            self.known[item] = self._file(*encoded(item))
        return self.known[item]

    def _file(self, content: bytes, suffix: str) -> Row:
        digest = sha256(content).hexdigest()
        name = f"{MEDIA}/{digest[:2]}/{digest}{suffix}"
        place = self.folder / name
        if not place.is_file() or place.stat().st_size != len(content):
            with appearing(place) as draft:
                draft.write_bytes(content)
        return {"media": name, "bytes": len(content)}


def values(path: Path) -> Array:
    """The array of a media file whose content is what its name says.

    Raises:
        InputRefused: `bad_dataset`, when the file is gone or its bytes have another hash.
    """
    if not path.is_file() or content_sha256(path) != path.stem:
        raise InputRefused(
            "bad_dataset",
            "A file of the dataset is gone or has changed since it was written. What it shows now is not what its labels "
            "are about. Write the folder again from its source.",
        )
    if path.suffix != ".npy":
        return open_image(path).load()
    array: Array = np.load(path, allow_pickle=False)
    return array


def inside(path: Path) -> npt.NDArray[np.bool_]:
    """The mask that a media file holds; as `values`."""
    found: npt.NDArray[np.bool_] = values(path) != 0
    return found


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A draft beside `path` that takes its place when the block ends well, and vanishes when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def encoded(item: Image | Mask) -> tuple[bytes, str]:
    """The bytes that give the item's values back, and the suffix of a file that holds them."""
    array: Array = item.load()
    if isinstance(item, Mask):
        plane = array.ndim == 2 and array.size > 0
        return (png_bytes(np.where(array, np.uint8(255), np.uint8(0))), ".png") if plane else (_npy(array), ".npy")
    as_published = _same_file(item, array)
    if as_published is not None:
        return as_published
    flat = item.kind == "image" and array.size > 0
    if flat and (array.dtype == np.uint8 or (array.dtype == np.uint16 and array.ndim == 2)):
        return png_bytes(array), ".png"
    return _npy(array), ".npy"


def _same_file(image: Image, array: Array) -> tuple[bytes, str] | None:
    """The picture's own file, when that is a PNG or JPEG that decodes to just these values."""
    path = image.source.path
    if path is None or not path.is_file():
        return None
    content = path.read_bytes()
    if not content.startswith((PNG, JPEG)):
        return None
    decoded = open_image(path).load()
    if decoded.dtype != array.dtype or not np.array_equal(decoded, array):
        return None
    return content, ".png" if content.startswith(PNG) else ".jpg"


def _npy(array: Array) -> bytes:
    stream = BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()
