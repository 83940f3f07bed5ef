"""The files of a dataset beside its table: arrays put away under their content's hash, and read back only if it fits.

A file is whole or not there: it is written elsewhere and renamed. Pictures in the plane are PNG, or the JPEG and PNG that they
were; all else is `.npy`, of which slices and frames are read alone.
"""

import os
import re
import secrets
import tempfile
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vesalius.clinical import gate, images
from vesalius.clinical.images import open_image
from vesalius.clinical.keys import content_sha256
from vesalius.clinical.signatures import JPEG, PNG
from vesalius.datasets.store.npy import opened_npy
from vesalius.datasets.store.places import Place
from vesalius.datasets.store.rows import Row
from vesalius.errors import InputRefused
from vesalius.transforms.draw import png_bytes
from vesalius.types import Array, Image, Mask, Part

MEDIA = "media"
NAME = re.compile(r"media/[0-9a-f]{2}/([0-9a-f]{64})\.(?:png|jpg|npy)")
MOST_KNOWN = 1 << 16  # files whose content was checked and that are not checked again while they stay as they are
SETTLED_S = 2.0  # a file that changed later than this before it was checked is checked again: clocks of files are coarse

_CHECKED: dict[Path, tuple[int, ...]] = {}


class Media:
    """Puts the arrays of pictures and masks below `folder` and gives references to them; `drafts` is where they are written."""

    def __init__(self, folder: Path, drafts: Path | None = None) -> None:
        self.folder, self.drafts = folder, drafts
        # By identity, and only while the picture lives: pictures in memory are not kept for the sake of this.
        self.known: weakref.WeakKeyDictionary[Image | Mask, Row] = weakref.WeakKeyDictionary()

    def keep(self, item: Image | Mask) -> Row:
        """Write the item's array unless it is there; its reference `{media, bytes}`, of a mask `level` as well."""
        if item not in self.known:
            pieces, suffix = _pieces(item)
            level = {"level": item.level} if isinstance(item, Mask) else {}
            self.known[item] = {**self._file(pieces, suffix), **level}
        return self.known[item]

    def _file(self, pieces: Sequence[bytes | memoryview], suffix: str) -> Row:
        digest, size = sha256(), 0
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
        name = f"{MEDIA}/{digest.hexdigest()[:2]}/{digest.hexdigest()}{suffix}"
        place = self.folder / name
        if not place.is_file() or place.stat().st_size != size:
            with appearing(place, self.drafts) as draft, draft.open("wb") as file:
                for piece in pieces:
                    file.write(piece)
        return {"media": name, "bytes": size}


def values(place: Place, name: str) -> Array:
    """The array of a media file whose content is what its name says; pictures are decoded behind the gate.

    Raises:
        InputRefused: `bad_dataset`, when the file is gone or its bytes have another hash; what the readers refuse.
    """
    if place.local is None:
        return _fetched(place, name)
    path = place.local / name
    if name.endswith(".npy"):
        return np.array(_checked(path), order="C")
    if not path.is_file():
        raise changed()
    try:
        picture = open_image(path)
        if picture.source.sha256 == path.stem:
            return picture.load()
    except InputRefused:
        if content_sha256(path) == path.stem:
            raise
    raise changed()


def part(place: Place, name: str, color: bool, wanted: Part) -> Array:
    """What `wanted` names of a media file. Of an `.npy` file that lies here nothing else is read, once it has been checked."""
    whole = _checked(place.local / name) if place.local is not None and name.endswith(".npy") else values(place, name)
    found = whole[wanted.index]
    if wanted.box_yxyx_px is not None:
        y0, x0, y1, x1 = wanted.box_yxyx_px
        found = found[..., y0:y1, x0:x1, :] if color else found[..., y0:y1, x0:x1]
    return np.array(found, order="C")


def inside(place: Place, name: str, wanted: Part | None = None) -> npt.NDArray[np.bool_]:
    """The mask that a media file holds, or a part of it; as `values`."""
    found: npt.NDArray[np.bool_] = (values(place, name) if wanted is None else part(place, name, False, wanted)) != 0
    return found


def changed() -> InputRefused:
    """The refusal of a file that is gone or is not what it was."""
    return InputRefused(
        "bad_dataset",
        "A file of the dataset is gone or has changed since it was written. What it shows now is not what its labels "
        "are about. Write the folder again from its source.",
    )


@contextmanager
def appearing(path: Path, drafts: Path | None = None) -> Iterator[Path]:
    """A draft beside `path`, or below `drafts`, that takes its place when the block ends well, and vanishes when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = (drafts or path.parent) / f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}"
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def encoded(item: Image | Mask) -> tuple[bytes, str]:
    """The bytes that give the item's values back, and the suffix of a file that holds them."""
    pieces, suffix = _pieces(item)
    return b"".join(pieces), suffix


def _checked(path: Path) -> Array:
    """The array of an `.npy` file of this machine, mapped; its content is hashed once while the file stays as it is."""
    try:
        with path.open("rb") as file:
            seen = os.fstat(file.fileno())
            mark = (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
            if _CHECKED.get(path) != mark:
                if content_sha256(path) != path.stem:
                    raise changed()
                if time.time() - seen.st_ctime > SETTLED_S:
                    if len(_CHECKED) >= MOST_KNOWN:
                        _CHECKED.pop(next(iter(_CHECKED)))
                    _CHECKED[path] = mark
            said = opened_npy(file)
            if not all(said.shape):
                return np.empty(said.shape, said.dtype)
            return np.memmap(file, said.dtype, "r", said.begin, said.shape, said.order)
    except OSError:
        raise changed() from None


def _fetched(place: Place, name: str) -> Array:
    content = place.content(name)
    if sha256(content).hexdigest() != Path(name).stem:
        raise changed()
    if name.endswith(".npy"):
        said = opened_npy(BytesIO(content))
        return np.frombuffer(content, said.dtype, offset=said.begin).reshape(said.shape, order=said.order).copy()
    with tempfile.TemporaryFile() as spool:
        spool.write(content)
        spool.flush()
        (found,) = images.describe([gate.Place(None, spool, 0, len(content))], [Path(name).suffix])
        if isinstance(found, InputRefused):
            raise found
        if found.facts.description is None:
            raise changed()
        return images.image_of(found, found.facts.description).load()


def _pieces(item: Image | Mask) -> tuple[Sequence[bytes | memoryview], str]:
    """As `encoded`, in pieces that need not be copied."""
    array: Array = item.load()
    if isinstance(item, Mask):
        plane = array.ndim == 2 and array.size > 0
        return ([png_bytes(np.where(array, np.uint8(255), np.uint8(0)))], ".png") if plane else (_npy(array), ".npy")
    as_published = _same_file(item, array)
    if as_published is not None:
        return [as_published[0]], as_published[1]
    flat = item.kind == "image" and array.size > 0
    if flat and (array.dtype == np.uint8 or (array.dtype == np.uint16 and array.ndim == 2)):
        return [png_bytes(array)], ".png"
    return _npy(array), ".npy"


def _same_file(image: Image, array: Array) -> tuple[bytes, str] | None:
    """The picture's own file, when that is a PNG or JPEG that decodes to just these values."""
    path = image.source.path
    if path is None or not path.is_file():
        return None
    with path.open("rb") as file:
        if not file.read(len(PNG)).startswith((PNG, JPEG)):
            return None
    content = path.read_bytes()
    decoded = open_image(path).load()
    if decoded.dtype != array.dtype or not np.array_equal(decoded, array):
        return None
    return content, ".png" if content.startswith(PNG) else ".jpg"


def _npy(array: Array) -> list[bytes | memoryview]:
    whole = np.ascontiguousarray(array)
    head = BytesIO()
    np.lib.format.write_array_header_1_0(head, np.lib.format.header_data_from_array_1_0(whole))
    return [head.getvalue(), whole.reshape(-1).view(np.uint8).data if whole.size else b""]
