"""The bare loop: as many processes as there are workers read and decode their share of the files, and nothing else.

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
_WORKERS: dict[Path, list[Connection]] = {}


def read(folder: Path) -> Epoch:
    """One epoch."""
    if folder not in _WORKERS:
        _WORKERS[folder] = [_started(folder, share) for share in range(Epoch.WORKERS)]
    for worker in _WORKERS[folder]:
        worker.send(None)
    parts = [worker.recv() for worker in _WORKERS[folder]]
    return Epoch(sum(count for count, _ in parts), sum(total for _, total in parts))


def aligned(result: Epoch) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """What says whether the same was delivered."""
    return result.told()


def _started(folder: Path, share: int) -> Connection:
    ours, theirs = get_context("fork").Pipe()
    get_context("fork").Process(target=_work, args=(folder, share, theirs), daemon=True).start()
    return ours


def _work(folder: Path, share: int, connection: Connection) -> None:
    rows = table.manifest(Place(folder / "vesalius")).read(["images"]).to_pylist()[share :: Epoch.WORKERS]
    files = [_file(folder / "vesalius", row["images"][0]) for row in rows]
    np.random.default_rng(share).shuffle(files)
    room = memoryview(bytearray(max(item.room for _, item in files)))
    while True:
        connection.recv()
        total = 0
        for path, item in files:
            total += Epoch.touched(_decoded(path, item, room))
        connection.send((len(files), total))


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
