"""Media opened for workers, and whether their content has to be hashed: the one place where it is decided what is believed.

A file of a folder is hashed when it is first read, and again whenever its inode, size or times are others than they were then.
What is fetched from an address is hashed each time. What a cache on the disk holds was checked when it was decoded.
"""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.datasets.loading.cache import Disk, Memory
from vesalius.datasets.loading.crew import Job
from vesalius.datasets.loading.cut import Taken
from vesalius.datasets.loading.decode import room_of
from vesalius.datasets.loading.index import Picture
from vesalius.datasets.store.media import SETTLED_S
from vesalius.errors import InputRefused
from vesalius.types import Array

FETCHED_AT_ONCE = 8  # files that are fetched from an address at the same time


@dataclass(eq=False)
class File:
    """A picture's file on its way: what is taken of it, and its array once that is there, or why it is refused."""

    picture: Picture
    taken: Taken
    array: Array | None = None
    refused: tuple[str, str] | None = None
    job: Job | None = None
    mark: int = 0

    @property
    def room(self) -> int:
        """How many bytes its array may take."""
        shown = self.picture
        return -(-room_of(Path(shown.name).suffix, shown.bytes, shown.shape, shown.channels) // 8) * 8


class Opening:
    """Opens files for the workers of one loader; `files` is how many the loader may ever meet."""

    def __init__(self, files: int, cache: Memory | Disk | None) -> None:
        self._checked = np.zeros(files, np.uint64)  # of each file the mark that it had when its hash was right
        self._cache = cache
        self._pool: ThreadPoolExecutor | None = None

    def fill(self, job: Job, files: Sequence[File]) -> None:
        """Put the open files of a job into it; a file that is not there is refused and leaves the job."""
        away = [file for file in files if file.picture.place.local is None]
        if away and self._pool is None:
            self._pool = ThreadPoolExecutor(FETCHED_AT_ONCE)
        fetched = dict(zip(away, self._pool.map(_fetched, away), strict=True)) if away and self._pool else {}
        for file in files:
            descriptor, item = fetched[file] if file in fetched else self._open(file)
            if descriptor < 0:
                file.job = None
                continue
            job.descriptors.append(descriptor)
            job.items.append(item)

    def believe(self, file: File) -> None:
        """A worker has found the content to be what the name says."""
        if file.mark:
            self._checked[file.picture.number] = file.mark

    def keep(self, file: File) -> None:
        """Put a whole array into the cache, where there is one."""
        if self._cache is not None and file.array is not None:
            self._cache.put(file.picture.name, file.array)

    def cached(self, file: File) -> Array | None:
        """The array, where it is in memory already."""
        return None if self._cache is None else self._cache.get(file.picture.name)

    def close(self) -> None:
        """End the threads that fetch."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _open(self, file: File) -> tuple[int, dict[str, Any]]:
        item = _item(file)
        kept = None if self._cache is None else self._cache.open(file.picture.name)
        if kept is not None:
            return kept[0], {**item, "suffix": ".npy", "bytes": kept[1], "sha256": ""}
        assert file.picture.place.local is not None, "what lies at an address is fetched"
        try:
            descriptor = os.open(file.picture.place.local / file.picture.name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            file.refused = ("bad_dataset", "A file of the dataset is gone. Copy the folder again, or write it again.")
            return -1, item
        seen = os.fstat(descriptor)
        mark = _mark(seen)
        if mark == int(self._checked[file.picture.number]):
            item["sha256"] = ""
        elif time.time() - seen.st_ctime > SETTLED_S:  # clocks of files are coarse: what has just changed may change unseen
            file.mark = mark
        return descriptor, item


def _item(file: File) -> dict[str, Any]:
    shown, taken = file.picture, file.taken
    path = Path(shown.name)
    return {
        "suffix": path.suffix,
        "bytes": shown.bytes,
        "shape": shown.shape,
        "channels": shown.channels,
        "sha256": path.stem,
        "index": taken.index,
        "box": taken.box_yxyx_px,
        "room": file.room,
    }


def _fetched(file: File) -> tuple[int, dict[str, Any]]:
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


def _mark(seen: os.stat_result) -> int:
    """A number, never 0, that is another when the file is."""
    said = f"{seen.st_dev} {seen.st_ino} {seen.st_size} {seen.st_mtime_ns} {seen.st_ctime_ns}"
    return int.from_bytes(blake2b(said.encode(), digest_size=8).digest(), "big") | 1
