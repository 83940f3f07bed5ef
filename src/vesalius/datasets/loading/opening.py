"""Media opened for workers, and whether their content has to be hashed: the one place where it is decided what is believed.

A file of a folder is hashed when it is first read, and again whenever its inode, size or times are others than they were then.
What is fetched from an address is hashed each time. What a cache on the disk holds was checked when it was decoded.
"""

import os
import time
from array import array
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from vesalius.datasets.loading.cache import Disk, Memory
from vesalius.datasets.loading.crew import Job
from vesalius.datasets.loading.cut import Taken
from vesalius.datasets.loading.decode import Item
from vesalius.datasets.loading.index import Picture
from vesalius.datasets.store.media import SETTLED_S
from vesalius.datasets.store.places import Place
from vesalius.errors import InputRefused
from vesalius.types import Array

_MARKS = (1 << 63) - 1
FETCHED_AT_ONCE = 8  # files that are fetched from an address at the same time


@dataclass(eq=False, slots=True)
class File:
    """A picture's file on its way: what is taken of it, and its array once that is there, or why it is refused."""

    picture: Picture
    taken: Taken
    array: Array | None = None
    refused: tuple[str, str] | None = None
    mark: int = 0


class Opening:
    """Opens files for the workers of one loader; `files` is how many the loader may ever meet."""

    def __init__(self, files: int, cache: Memory | Disk | None) -> None:
        self._checked = array("Q", bytes(8 * files))  # of each file the mark that it had when its hash was right
        self._cache = cache
        self._pool: ThreadPoolExecutor | None = None
        self._roots: dict[Place, str] = {}

    def fill(self, job: Job, files: Sequence[File]) -> None:
        """Put the open files of a job into it; a file that is not there is refused and leaves the job."""
        away = [file for file in files if file.picture.place.local is None]
        if away and self._pool is None:
            self._pool = ThreadPoolExecutor(FETCHED_AT_ONCE)
        fetched = dict(zip(away, self._pool.map(_fetched, away), strict=True)) if away and self._pool else {}
        for file in files:
            descriptor, item = fetched[file] if fetched and file in fetched else self._open(file)
            if descriptor >= 0:
                job.descriptors.append(descriptor)
                job.items.append(item)

    def believe(self, files: Sequence[File]) -> None:
        """A worker has found contents to be what the names say, unless it refused them; whole arrays go into the cache."""
        for file in files:
            if file.mark and file.refused is None:
                self._checked[file.picture.number] = file.mark
            if self._cache is not None and file.array is not None:
                self._cache.put(file.picture.name, file.array)

    def forget(self) -> None:
        """Believe nothing any more."""
        self._checked = array("Q", bytes(8 * len(self._checked)))

    def is_cached(self, file: File) -> bool:
        """Whether the array is in memory already; then the file has it."""
        if self._cache is None:
            return False
        file.array = self._cache.get(file.picture.name)
        return file.array is not None

    def close(self) -> None:
        """End the threads that fetch."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _open(self, file: File) -> tuple[int, Item]:
        shown = file.picture
        if self._cache is not None and (kept := self._cache.open(shown.name)) is not None:
            return kept[0], Item(".npy", kept[1], shown.shape, shown.channels, "", *file.taken, shown.room)
        root = self._roots.get(shown.place)
        if root is None:
            assert shown.place.local is not None, "what lies at an address is fetched"
            root = self._roots[shown.place] = str(shown.place.local)
        try:
            descriptor = os.open(f"{root}/{shown.name}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            file.refused = ("bad_dataset", "A file of the dataset is gone. Copy the folder again, or write it again.")
            return -1, _item(file)
        seen = os.fstat(descriptor)
        mark = hash((seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)) & _MARKS | 1  # never 0
        if mark == self._checked[shown.number]:
            return descriptor, _item(file, "")
        if time.time() - seen.st_ctime > SETTLED_S:  # clocks of files are coarse: what has just changed may change unseen
            file.mark = mark
        return descriptor, _item(file)


def _item(file: File, sha256: str | None = None) -> Item:
    _, _, name, size_bytes, shape, channels, room = file.picture
    slices, box = file.taken
    return Item(name[-4:], size_bytes, shape, channels, name[-68:-4] if sha256 is None else sha256, slices, box, room)


def _fetched(file: File) -> tuple[int, Item]:
    """The content of a file at an address, in memory that has a descriptor."""
    try:
        content = file.picture.place.content(file.picture.name)
    except InputRefused as refusal:
        file.refused = (refusal.code, refusal.message)
        return -1, _item(file)
    descriptor = os.memfd_create("fetched", os.MFD_CLOEXEC)
    with os.fdopen(os.dup(descriptor), "wb") as held:
        held.write(content)
    return descriptor, _item(file)
