"""What there is to load: the samples of stored datasets and their media; rows lie on the disk until they are asked for."""

import mmap
import tempfile
from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vesalius.datasets.loading.decode import room_of
from vesalius.datasets.store import table
from vesalius.datasets.store.media import NAME
from vesalius.datasets.store.places import Place, Root
from vesalius.datasets.store.rows import Row
from vesalius.errors import InputRefused
from vesalius.types import Sample

ROWS = 512  # of a stretch on the disk
LOOKED_UP = 1024  # samples at a time
_COLUMNS = ["media", "bytes", "shape", "channels"]


class Picture(NamedTuple):
    """A picture of a sample: its number among all of them, its file, how many bytes that has, and the array in it.

    `shape` is that of the array without color, `room` how many bytes the array may take.
    """

    number: int
    place: Place
    name: str
    bytes: int
    shape: Sequence[int]
    channels: int
    room: int


class Listed(NamedTuple):
    """Samples by their numbers and keys, their pictures one sample's behind the other's, and how many each has."""

    numbers: npt.NDArray[np.int64]
    keys: tuple[str, ...]
    pictures: list[Picture]
    counts: list[int]


class Index:
    """The samples of datasets, one behind the other, numbered from 0."""

    def __init__(self, roots: Sequence[Root], split: str | None, tasks: Collection[str] | None) -> None:
        """Read the manifests once.

        Args:
            roots: folders or addresses of stored datasets.
            split: only samples of this one; None: all.
            tasks: only samples of these; None: all.

        Raises:
            InputRefused: `bad_dataset`, `empty_split`.
        """
        self.places = [Place(root) for root in roots]
        digest = sha256()
        keys: list[pa.Array] = []
        media = _Media()
        counts: list[npt.NDArray[np.int64]] = []
        ends: list[int] = []
        self._rows = _Rows()
        for place in self.places:
            for chosen in (batch.filter(_mask(batch, split, tasks)) for batch in _batches(place)):
                shown = chosen.column("images")
                keys.append(chosen.column("key"))
                columns = _media_of(shown)
                media.add(*columns)
                counts.append(pc.list_value_length(shown).fill_null(0).to_numpy(zero_copy_only=False))
                self._rows.add(chosen)
                for told in (keys[-1].to_pylist(), columns[0].to_pylist(), columns[2].to_pylist()):
                    digest.update(repr(told).encode())
            ends.append(sum(map(len, keys)))
        self.sha256 = digest.hexdigest()  # of keys and pictures: whether two indexes are of the same samples
        self.keys = pa.concat_arrays(keys) if keys else pa.array([], pa.string())
        self._ends = np.array(ends, np.int64)
        self._start = np.concatenate([np.zeros(1, np.int64), *counts]).cumsum()
        self._media = media
        if len(self) == 0:
            raise InputRefused(
                "empty_split", "No sample of the datasets is in the split and of the tasks that are asked for. Check them."
            )
        self._rows.finish()
        self._media.finish()

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def files(self) -> int:
        """How many pictures the samples have, each counted as often as it is shown."""
        return int(self._start[-1])

    def listed(self, batches: Sequence[npt.NDArray[np.int64]]) -> Iterator[Listed]:
        """Each of these batches, looked up some at a time: a call of a library costs more than what it finds for one of them."""
        start = 0
        while start < len(batches):
            end = start + max(1, LOOKED_UP // max(1, len(batches[start])))
            some, start = batches[start:end], end
            every = self._listed(np.concatenate(some))
            keys, pictures, counts = iter(every.keys), iter(every.pictures), iter(every.counts)
            for numbers in some:
                count_of = list(islice(counts, len(numbers)))
                yield Listed(numbers, tuple(islice(keys, len(numbers))), list(islice(pictures, sum(count_of))), count_of)

    def _listed(self, numbers: npt.NDArray[np.int64]) -> Listed:
        ends = self._start[numbers + 1]
        counts = ends - self._start[numbers]
        which = np.repeat(ends - counts.cumsum(), counts) + np.arange(counts.sum())
        places = np.repeat(np.searchsorted(self._ends, numbers, "right"), counts)
        pictures = self._media.pictures(which, [self.places[at] for at in places.tolist()])
        return Listed(numbers, tuple(self.keys.take(pa.array(numbers)).to_pylist()), pictures, counts.tolist())

    def place(self, number: int) -> Place:
        """The dataset that a sample lies in."""
        return self.places[int(np.searchsorted(self._ends, number, "right"))]

    def row(self, number: int) -> Row:
        """The row of a sample."""
        return self._rows.row(number)

    def sample(self, number: int) -> Sample:
        """A sample, its pictures not yet loaded."""
        return table.sample_of(self.row(number), self.place(number))

    def lengths(self, length: Callable[[Sample], int]) -> npt.NDArray[np.int64]:
        """The length of every sample, by a function of it that loads no picture."""
        return np.fromiter((length(self.sample(number)) for number in range(len(self))), np.int64, len(self))


class _Media:
    """What is told of pictures, by columns: an object for each of them is made when it is loaded."""

    def __init__(self) -> None:
        self._names: list[pa.Array] = []
        self._bytes, self._rooms, self._forms = array("q"), array("q"), array("q")
        self._form_of: dict[tuple[tuple[int, ...], int], int] = {}  # shapes with channels: there are few

    def add(self, names: pa.Array, sizes: pa.Array, shapes: pa.Array, channels: pa.Array) -> None:
        """Pictures behind those that are there."""
        self._names.append(names)
        self._bytes.extend(sizes.to_pylist())
        for name, size, shape, colors in zip(*(told.to_pylist() for told in (names, sizes, shapes, channels)), strict=True):
            self._rooms.append(-(-room_of(name[-4:], size, shape, colors) // 8) * 8)
            self._forms.append(self._form_of.setdefault((tuple(shape), colors), len(self._form_of)))

    def finish(self) -> None:
        """From now on pictures are looked up."""
        self._name = pa.concat_arrays(self._names)
        self._numbers = np.array([self._bytes, self._rooms, self._forms], np.int64)
        self._form = list(self._form_of)

    def pictures(self, which: npt.NDArray[np.int64], places: Sequence[Place]) -> list[Picture]:
        """Those of these numbers, which lie there."""
        names = self._name.take(pa.array(which)).to_pylist()
        sizes, rooms, forms = self._numbers[:, which].tolist()
        shapes, channels = zip(*[self._form[form] for form in forms], strict=True) if forms else ((), ())
        return list(map(Picture, which.tolist(), places, names, sizes, shapes, channels, rooms))


class _Rows:
    """Rows in files without names, mapped: in memory are the pages that are looked at, and the system may take them back."""

    def __init__(self) -> None:
        self._files: list[BinaryIO] = []
        self._schema: pa.Schema | None = None
        self._writer: Any = None
        self._table: list[pa.RecordBatch] = []
        self._first: npt.NDArray[np.int64] = np.zeros(0, np.int64)

    def add(self, batch: pa.RecordBatch) -> None:
        """Rows behind those that are there; those of an older version have a file of their own."""
        batch = batch.replace_schema_metadata(None)  # that of each dataset is its own
        if self._schema is None or not batch.schema.equals(self._schema):
            self._end()
            self._files.append(tempfile.TemporaryFile())  # noqa: SIM115 - it lives as long as this does
            self._schema = batch.schema
            self._writer = pa.ipc.new_file(pa.PythonFile(self._files[-1], "w"), batch.schema)
        self._writer.write_batch(batch)

    def finish(self) -> None:
        """From now on rows are read."""
        self._end()
        for file in self._files:
            file.flush()
            held = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            reader = pa.ipc.open_file(pa.py_buffer(held))
            self._table += [reader.get_batch(number) for number in range(reader.num_record_batches)]
        self._first = np.cumsum([0, *(batch.num_rows for batch in self._table)])

    def row(self, number: int) -> Row:
        """The row of that number, from 0."""
        at = int(np.searchsorted(self._first, number, "right")) - 1
        (row,) = self._table[at].slice(number - int(self._first[at]), 1).to_pylist()
        found: Row = row
        return found

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _batches(place: Place) -> Iterator[pa.RecordBatch]:
    try:
        yield from table.manifest(place).iter_batches(ROWS)
    except (pa.ArrowException, OSError) as error:
        said = "The rows of a dataset are damaged. Nothing is learnt from a part of them. Write or copy the folder again."
        raise InputRefused("bad_dataset", said) from error


def _mask(batch: pa.RecordBatch, split: str | None, tasks: Collection[str] | None) -> pa.Array:
    wanted = pa.array(np.ones(batch.num_rows, bool))
    if split is not None:
        wanted = pc.and_(wanted, pc.equal(batch.column("provenance").field("split"), split).fill_null(False))
    if tasks is not None:
        wanted = pc.and_(wanted, pc.is_in(batch.column("task"), pa.array(sorted(tasks), pa.string())))
    return wanted


def _media_of(shown: pa.Array) -> list[pa.Array]:
    """Of pictures what is needed to decode them, by columns; names are those that a dataset of ours has."""
    flat = pc.list_flatten(shown)
    columns = [pc.struct_field(flat, name) for name in _COLUMNS]
    if not all(name is not None and NAME.fullmatch(name) for name in columns[0].to_pylist()):
        raise InputRefused(
            "bad_dataset",
            "A file of a row has a name that no dataset of ours has. It is not followed. Write the folder again from its source.",
        )
    if any(column.null_count for column in columns):
        raise InputRefused("bad_dataset", "A row does not say what its pictures are. Write the folder again from its source.")
    return columns
