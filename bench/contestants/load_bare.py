"""The bare loop: as many processes as there are workers read and decode the next files that nobody has taken, and nothing else.

It decodes by the very function that our workers decode by, into one piece of memory. Nothing is shuffled by anybody, hashed, put
together or handed over: no loader can be faster with this decoder and this disk.
"""

import os
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from loads import Epoch
from vesalius.datasets.loading.decode import Item, decode, room_of
from vesalius.datasets.store import table
from vesalius.datasets.store.places import Place

PACKAGES = ("vesalius", "pillow", "numpy")
TAKES = 200  # in which the files of an epoch are taken: nobody waits long for the last
_WORKERS: dict[Path, tuple[Any, list[Connection]]] = {}


def read(folder: Path) -> Epoch:
    """One epoch."""
    if folder not in _WORKERS:
        files, taken = _files(folder), get_context("fork").Value("q", 0)
        _WORKERS[folder] = taken, [_started(files, taken) for _ in range(Epoch.WORKERS)]
    taken, workers = _WORKERS[folder]
    taken.value = 0
    for worker in workers:
        worker.send(None)
    parts = [worker.recv() for worker in workers]
    return Epoch(sum(count for count, _ in parts), sum(total for _, total in parts))


def aligned(result: Epoch) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """What says whether the same was delivered."""
    return result.told()


def _files(folder: Path) -> list[tuple[str, Item]]:
    rows = table.manifest(Place(folder / "vesalius")).read(["images"]).to_pylist()
    files = [_file(folder / "vesalius", row["images"][0]) for row in rows]
    np.random.default_rng(0).shuffle(files)
    return files


def _started(files: list[tuple[str, Item]], taken: Any) -> Connection:
    ours, theirs = get_context("fork").Pipe()
    get_context("fork").Process(target=_work, args=(files, taken, theirs), daemon=True).start()
    return ours


def _work(files: list[tuple[str, Item]], taken: Any, connection: Connection) -> None:
    room = memoryview(bytearray(max(item.room for _, item in files)))
    step = max(1, len(files) // TAKES)
    while True:
        connection.recv()
        count = total = 0
        while True:
            with taken.get_lock():
                at = taken.value
                taken.value += step
            if at >= len(files):
                break
            for path, item in files[at : at + step]:
                total += Epoch.touched(_decoded(path, item, room))
                count += 1
        connection.send((count, total))


def _file(folder: Path, shown: dict[str, Any]) -> tuple[str, Item]:
    suffix, size, shape, channels = shown["media"][-4:], shown["bytes"], shown["shape"], shown["channels"]
    return f"{folder}/{shown['media']}", Item(
        suffix, size, shape, channels, "", None, None, room_of(suffix, size, shape, channels)
    )


def _decoded(path: str, item: Item, room: memoryview) -> npt.NDArray[Any]:
    descriptor = os.open(path, os.O_RDONLY)
    dtype, shape = decode(descriptor, item, room)
    os.close(descriptor)
    return np.ndarray(shape, dtype, room)
