"""A dataset that is being written: pieces that are finished lie below `.parts/`, until one manifest is made of all of them.

Every piece stands for the next `ROWS` samples of the source. It holds their rows, and the hash of what the source said of them;
its media are there before it is. A piece appears whole, flushed to the disk, under the next number. Who writes again with the
same plan reads the source again, finds that it says the same, and decodes and writes only what no piece stands for.
One process writes at a time.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from vesalius.datasets.store.media import appearing
from vesalius.datasets.store.rows import Row
from vesalius.datasets.store.schema import SCHEMA, VERSION
from vesalius.errors import InputRefused, UsageError

PARTS, PLAN, LOCK, COMMIT = ".parts", "plan.json", "lock", "commit.json"
ROWS = 256  # samples of a piece
_FACTS = b"vesalius_part"
_GONE = f"{PARTS}.done"


@dataclass(frozen=True)
class Piece:
    """A finished piece: `said` is the hash of what the source said, `left` which of the samples became faults, and those."""

    path: Path
    samples: int
    said: str
    left: dict[int, dict[str, Any]]

    def rows(self) -> list[Row]:
        """Its rows, in order."""
        found: list[Row] = pq.read_table(self.path).to_pylist()
        return found


class Unfinished:
    """The pieces of a dataset, from the first to the last that is whole."""

    def __init__(self, folder: Path, lock: TextIO) -> None:
        self.folder, self.parts, self._lock = folder, folder / PARTS, lock
        self.pieces: list[Piece] = []
        while (piece := self._piece(len(self.pieces))) is not None:
            self.pieces.append(piece)

    def land(self, rows: Sequence[Row], samples: int, said: str, left: dict[int, dict[str, Any]]) -> None:
        """Make the next piece of rows whose media are there."""
        path = self.parts / f"{len(self.pieces):06}.parquet"
        facts = json.dumps({"samples": samples, "said": said, "left": {str(at): fault for at, fault in left.items()}})
        with appearing(path) as draft:
            pq.write_table(pa.Table.from_pylist(list(rows), SCHEMA.with_metadata({_FACTS: facts.encode()})), draft)
            flush(draft)
        flush(self.parts)
        self.pieces.append(Piece(path, samples, said, left))

    def promise(self, manifest_sha256: str) -> None:
        """Say which manifest is about to take its place: if it has done so, all is done but the clearing."""
        with appearing(self.parts / COMMIT) as draft:
            draft.write_text(manifest_sha256)
            flush(draft)

    def promised(self) -> str:
        """The manifest that was about to take its place, or ""."""
        place = self.parts / COMMIT
        return place.read_text() if place.is_file() else ""

    def clear(self) -> None:
        """Take the pieces away, in one step for whoever looks."""
        sweep(self.folder)
        self.parts.rename(self.folder / _GONE)
        sweep(self.folder)

    def _piece(self, number: int) -> Piece | None:
        path = self.parts / f"{number:06}.parquet"
        try:
            held = pq.ParquetFile(path)
            facts = json.loads(held.schema_arrow.metadata[_FACTS])
            left = {int(at): fault for at, fault in facts["left"].items()}
            piece = Piece(path, facts["samples"], facts["said"], left)
            named = held.read(["images", "regions"]).to_pylist()
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
            return None
        files = [entry for row in named for entry in (*row["images"], *(r["mask"] for r in row["regions"] if r["mask"]))]
        return piece if all(self._is_there(entry) for entry in files) else None

    def _is_there(self, entry: Row) -> bool:
        with suppress(OSError):
            return bool((self.folder / entry["media"]).stat().st_size == entry["bytes"])
        return False


@contextmanager
def unfinished(folder: Path, plan: dict[str, Any]) -> Iterator[Unfinished]:
    """The pieces that lie in a folder, for the one process that goes on with them.

    They stay when the block ends in any way but well (`clear` takes them away then) or in a refusal of the source, which has to
    be mended first, so that they could not be gone on with; of those the media stay.

    Args:
        folder: of the dataset; is made.
        plan: JSON-able: what steers the samples besides the source's own words.

    Raises:
        UsageError: `bad_option`: another process writes there.
        InputRefused: `resume_mismatch`: the pieces that lie there were made by another plan.
    """
    parts = folder / PARTS
    parts.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    with (parts / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            said = "Another process is writing this dataset. Two would mix their samples. Wait for it, or choose another folder."
            raise UsageError("bad_option", said) from None
        _compare(parts / PLAN, {"schema": VERSION, "rows": ROWS, **plan})
        for draft in parts.glob(".*"):  # of a process that was killed; we hold the lock
            draft.unlink()
        work = Unfinished(folder, lock)
        try:
            yield work
        except (InputRefused, UsageError) as refusal:
            if refusal.code not in ("resume_mismatch", "disk_full"):
                work.clear()
            raise


def sweep(folder: Path) -> None:
    """Take away what a process left that was killed while it cleared."""
    shutil.rmtree(folder / _GONE, ignore_errors=True)


def mismatch(what: str) -> InputRefused:
    """The refusal to go on with pieces that something else has begun."""
    return InputRefused(
        "resume_mismatch",
        f"The folder holds an unfinished dataset that was begun with {what}. Going on would mix two datasets. Give what it was "
        f"begun with, or delete the folder {PARTS} in it (or all of it) to begin anew.",
    )


def flush(path: Path) -> None:
    """Wait until a file or folder lies on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _compare(place: Path, plan: dict[str, Any]) -> None:
    said = json.dumps(plan, sort_keys=True)
    if not place.is_file():
        with appearing(place) as draft:
            draft.write_text(said)
            flush(draft)
        return
    before = json.loads(place.read_text())
    now = json.loads(said)
    others = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if others:
        raise mismatch(f"another {' and another '.join(others)}")
