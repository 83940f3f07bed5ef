"""Decoded arrays that are kept: in memory or on a local disk, up to a limit in bytes.

What has come first stays: in epochs of random order no choice of what to drop keeps more of what is asked for next.
"""

import os
from pathlib import Path

import numpy as np

from vesalius.datasets.store.media import appearing
from vesalius.types import Array


class Memory:
    """Arrays in this process, read-only."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes, self.bytes = most_bytes, 0
        self._held: dict[str, Array] = {}

    def get(self, name: str) -> Array | None:
        """The array of a media file, if it is kept."""
        return self._held.get(name)

    def open(self, name: str) -> tuple[int, int] | None:
        """No file: arrays are at hand."""
        return None

    def put(self, name: str, array: Array) -> None:
        """Keep a copy, if there is room."""
        if name not in self._held and self.bytes + array.nbytes <= self.most_bytes:
            copy = array.copy()
            copy.flags.writeable = False
            self._held[name] = copy
            self.bytes += copy.nbytes


class Disk:
    """Arrays as `.npy` below a folder, named as the media that they were decoded from; the folder serves later runs as well.

    Files there are taken as ours: they are checked for their form and not for their content. Choose a folder that only you
    can write to.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder, self.most_bytes = folder, most_bytes
        self._there = {path.stem: path.stat().st_size for path in folder.glob("??/*.npy")}
        self.bytes = sum(self._there.values())

    def get(self, name: str) -> Array | None:
        """Nothing is in memory: workers read the files."""
        return None

    def open(self, name: str) -> tuple[int, int] | None:
        """A descriptor of the file that holds the array of a media file, and its size, if it is kept."""
        stem = Path(name).stem
        if stem not in self._there:
            return None
        try:
            descriptor = os.open(self._path(stem), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # somebody has tidied up
            self.bytes -= self._there.pop(stem)
            return None
        return descriptor, os.fstat(descriptor).st_size

    def put(self, name: str, array: Array) -> None:
        """Keep it, if there is room; what is `.npy` already is not kept twice."""
        stem = Path(name).stem
        if name.endswith(".npy") or stem in self._there or self.bytes + array.nbytes > self.most_bytes:
            return
        with appearing(self._path(stem)) as draft, draft.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        self._there[stem] = self._path(stem).stat().st_size
        self.bytes += self._there[stem]

    def _path(self, stem: str) -> Path:
        return self.folder / stem[:2] / f"{stem}.npy"
