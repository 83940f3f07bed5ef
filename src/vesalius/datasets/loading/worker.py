"""The worker's side of loading: a process that decodes stored media into shared memory, job after job, and can do nothing else.

It stands behind the same walls as the gate's workers: it opens no file, makes no socket and starts no program; files come to
it open, arrays go out through memory that it shares with its parent, words are JSON.
"""

import contextlib
import json
import mmap
import os
import socket
import struct
import sys
from collections.abc import Mapping
from typing import Any

from vesalius.clinical import sandbox
from vesalius.datasets.loading.decode import Item, decode
from vesalius.errors import InputRefused

MOST_DESCRIPTORS = 253
EXTRA_BYTES = 768 << 20  # memory for a job beyond its result and copies of it, which decoders make on the way


def main(descriptor: int) -> None:
    """Serve until the parent is gone."""
    connection = socket.socket(fileno=descriptor)
    sandbox.enclose()
    slots: dict[int, mmap.mmap] = {}
    while True:
        head, descriptors, _, _ = socket.recv_fds(connection, 4, MOST_DESCRIPTORS)
        if len(head) < 4:
            return
        job = json.loads(_exactly(connection, struct.unpack("!I", head)[0]))
        for number in job["drop"]:
            slots.pop(number).close()
        if job["is_new"]:
            shared = descriptors.pop(0)
            slots[job["slot"]] = mmap.mmap(shared, job["slot_bytes"])
            os.close(shared)
        reply = _done(job, descriptors, slots[job["slot"]])
        connection.sendall(json.dumps(reply).encode() + b"\n")


def _done(job: Mapping[str, Any], descriptors: list[int], slot: mmap.mmap) -> list[Any]:
    """Where arrays lie, with type and shape, the step to the next and the count of those alike; code and message of refusals."""
    sandbox.limit_time(job["limit_s"])
    items = [Item(*said) for said in job["items"]]
    sandbox.limit_memory(EXTRA_BYTES + 3 * max((item.room for item in items), default=0))
    found: list[Any] = []
    last: tuple[str, tuple[int, ...]] | None = None  # of what lies before
    at, step = job["at"], 0
    with memoryview(slot) as whole:
        for item, descriptor in zip(items, descriptors, strict=True):
            try:
                with whole[at : at + item.room] as room:
                    dtype, shape = decode(descriptor, item, room)
                if (dtype, shape) == last:
                    found[-1][4] += 1
                else:
                    last, step = (dtype, shape), _size(dtype, shape)
                    found.append([at, dtype, shape, step, 1])
                at += step
            except InputRefused as refusal:
                last = None
                found.append([refusal.code, refusal.message])
            except MemoryError:
                last = None
                said = (
                    "Decoding needs more memory than a file of this size may take. It was stopped. The file may be made to do so."
                )
                found.append(["memory_limit", said])
            finally:
                os.close(descriptor)
    return found


def _size(dtype: str, shape: tuple[int, ...]) -> int:
    """Bytes up to where the next array may begin: arrays of one kind lie one behind the other, without gaps where they can."""
    item = int(dtype[2:])
    for length in shape:
        item *= length
    return -(-item // 8) * 8


def _exactly(connection: socket.socket, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        more = connection.recv(min(1 << 20, size - len(content)))
        if not more:
            raise EOFError
        content += more
    return bytes(content)


if __name__ == "__main__":
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the parent is gone
        main(int(sys.argv[1]))
