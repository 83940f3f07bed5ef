"""The worker's side of the gate: a process that parses and decodes foreign bytes, item after item, and can do nothing else."""

import contextlib
import ctypes
import functools
import gc
import importlib
import json
import math
import mmap
import os
import resource
import socket
import struct
import sys
import traceback
from collections.abc import Iterator, Mapping
from io import BufferedReader, BufferedWriter, RawIOBase
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.clinical import sandbox
from vesalius.errors import InputRefused
from vesalius.types import Array

EXTRA_BYTES = 768 * 2**20  # memory for an item beyond its result, and
COPIED_BYTES = 4 * 2**20  # results up to this size are made in memory of the worker's own and copied
COPIES = 3  # so many copies of the result, which decoders make on the way
TRIM_BYTES = 128 * 2**20  # a worker that keeps more than this for itself gives back what is free, and
RETIRE_BYTES = 512 * 2**20  # one that still keeps more than this makes way for a new one
MOST_DESCRIPTORS = 253
# Each is a function of its module: (file, arguments, out, target) -> JSON. Modules are imported when first needed.
TASKS = {
    "clean": "vesalius.clinical.deid.files",
    "verify": "vesalius.clinical.deid.files",
    "describe": "vesalius.clinical.reading",
    "decode": "vesalius.clinical.reading",
    "digest": "vesalius.clinical.reading",
    "unpack": "vesalius.clinical.archive_reading",
    "references": "vesalius.clinical.dicom.directory",
}


def main(descriptor: int) -> None:
    """Serve until the parent is gone."""
    connection = socket.socket(fileno=descriptor)
    walls = sandbox.enclose()
    _send(connection, {"walls": walls})
    while True:
        head, descriptors, _, _ = socket.recv_fds(connection, 4, MOST_DESCRIPTORS)
        if len(head) < 4:
            return
        message = json.loads(_exactly(connection, struct.unpack("!I", head)[0]))
        for last, reply in _replies(message, descriptors):
            if last and _resident_bytes() > TRIM_BYTES:
                _trim()
                reply |= {"retiring": _resident_bytes() > RETIRE_BYTES}
            _send(connection, reply)


def _replies(message: Mapping[str, Any], descriptors: list[int]) -> Iterator[tuple[bool, dict[str, Any]]]:
    """The reply to each item, and whether it is the last."""
    items = message["items"]
    shared = descriptors.pop(0) if message["out_bytes"] else None
    files, targets = descriptors[: len(items)], descriptors[len(items) :]
    try:
        for index, item in enumerate(items):
            with contextlib.ExitStack() as opened:
                whole = opened.enter_context(os.fdopen(files[index], "rb"))
                target = opened.enter_context(os.fdopen(targets.pop(0), "wb")) if item["has_target"] else None
                reply = _reply(item, whole, shared, target)
            yield index == len(items) - 1, reply  # what was written is whole before it is said
    finally:
        if shared is not None:
            os.close(shared)  # left open, it would keep the parent's memory for ever


def _reply(item: Mapping[str, Any], whole: BufferedReader, shared: int | None, target: BufferedWriter | None) -> dict[str, Any]:
    sandbox.limit_time(item["limit_s"])
    out = None if item["out"] is None else _result(item["out"], shared)
    sandbox.limit_memory(EXTRA_BYTES + COPIES * (0 if out is None else out.nbytes))
    try:
        task = getattr(importlib.import_module(TASKS[item["task"]]), item["task"])
        said = task(_stretch(whole, item["offset"], item["length"]), item["arguments"], out, target)
        if out is not None and out.nbytes <= COPIED_BYTES:
            _put(out, shared, item["out"]["at"])
        return {"done": said}
    except InputRefused as refusal:
        return {"refused": {"code": refusal.code, "message": refusal.message}}
    except MemoryError:
        gc.collect()
        said = "Reading needs more memory than a file of this size may take. It was stopped. The file may be made to do so."
        return {"refused": {"code": "memory_limit", "message": said}}
    except Exception as error:  # whatever a reader meets in foreign bytes and does not expect: the file's refusal, not the end
        return {"fault": f"{type(error).__name__} at {_where(error)}"}


def _result(said: Mapping[str, Any], shared: int | None) -> Array:
    """Where an item's values go: the parent's memory; or for few of them memory of our own, which is there already."""
    assert shared is not None, "an item with a result has memory for it"
    shape, dtype = tuple(said["shape"]), np.dtype(said["dtype"])
    size = math.prod(shape) * dtype.itemsize
    if size <= COPIED_BYTES:
        return np.ndarray(shape, dtype, buffer=_own())
    return np.ndarray(shape, dtype, buffer=mmap.mmap(shared, said["at"] + size), offset=said["at"])


@functools.cache
def _own() -> bytearray:
    """Memory for one small result after another: fresh memory would be given page by page each time."""
    return bytearray(COPIED_BYTES)


def _put(out: Array, shared: int | None, at: int) -> None:
    """Values of our own into the parent's memory: a copy costs less than mapping page by page what is small."""
    assert shared is not None, "an item with a result has memory for it"
    content = out.data.cast("B")
    while content:
        written = os.pwrite(shared, content, at)
        content, at = content[written:], at + written


def _where(error: Exception) -> str:
    """File and line of our own code that was left last: nothing of the message, which may quote the file."""
    package = Path(__file__).resolve().parents[1]
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(package)]
    return f"{Path(ours[-1].filename).relative_to(package)}:{ours[-1].lineno}" if ours else "outside"


def _stretch(whole: BufferedReader, offset: int, length: int | None) -> BufferedReader:
    """The file, or the part of it that stands for one: a member of an archive."""
    if offset == 0 and length is None:
        return whole
    size = os.fstat(whole.fileno()).st_size
    end = size if length is None else min(size, offset + length)
    return BufferedReader(_Stretch(whole.fileno(), offset, end))


class _Stretch(RawIOBase):
    """Bytes `begin` to `end` of an open file, as a file."""

    def __init__(self, descriptor: int, begin: int, end: int) -> None:
        self.descriptor, self.begin, self.end, self.at = descriptor, begin, end, begin
        self.name = descriptor  # as that of a file without a path

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: self.begin, os.SEEK_CUR: self.at, os.SEEK_END: self.end}[whence]
        self.at = max(self.begin, origin + offset)
        return self.at - self.begin

    def readinto(self, buffer: Any) -> int:
        content = os.pread(self.descriptor, max(0, min(len(buffer), self.end - self.at)), self.at)
        buffer[: len(content)] = content
        self.at += len(content)
        return len(content)


def _exactly(connection: socket.socket, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        more = connection.recv(min(1 << 20, size - len(content)))
        if not more:
            raise EOFError
        content += more
    return bytes(content)


def _send(connection: socket.socket, reply: Mapping[str, Any]) -> None:
    connection.sendall(json.dumps(reply).encode() + b"\n")


def _resident_bytes() -> int:
    """Memory that this process alone keeps; 0 where the system does not say."""
    if sys.platform != "linux":
        return 0
    _, resident, shared = Path("/proc/self/statm").read_text("ascii").split()[:3]
    return (int(resident) - int(shared)) * resource.getpagesize()


def _trim() -> None:
    """Give freed memory back to the system; glibc alone keeps it otherwise."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
