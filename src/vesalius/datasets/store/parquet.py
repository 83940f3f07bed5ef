"""Parquet files of other programs, row by row, read and written; pictures as Hugging Face `datasets` keeps them.

A picture is a struct of `bytes` (a PNG or JPEG file) and `path`. What the columns are is told to `datasets` in the file's
metadata, so that it shows pictures as pictures: `load_dataset` on the folder needs nothing else.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vesalius.datasets.store.media import appearing
from vesalius.errors import InputRefused

ROWS_AT_ONCE = 32
TEXT, FLAG, PICTURE = "text", "flag", "picture"
PICTURES, MESSAGES = "pictures", "messages"
_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_PART = pa.struct([("type", pa.string()), ("text", pa.string())])
_TYPES: dict[str, pa.DataType] = {
    TEXT: pa.string(),
    FLAG: pa.bool_(),
    PICTURE: _IMAGE,
    PICTURES: pa.list_(_IMAGE),
    MESSAGES: pa.list_(pa.struct([("role", pa.string()), ("content", pa.list_(_PART))])),
}
_STRING = {"dtype": "string", "_type": "Value"}
# As `datasets` 2 to 4 read them.
_FEATURES: dict[str, Any] = {
    TEXT: _STRING,
    FLAG: {"dtype": "bool", "_type": "Value"},
    PICTURE: {"_type": "Image"},
    PICTURES: {"feature": {"_type": "Image"}, "_type": "Sequence"},
    MESSAGES: [{"role": _STRING, "content": [{"type": _STRING, "text": _STRING}]}],
}


def columns(place: Path) -> tuple[str, ...]:
    """The names of a file's columns; none when it is no Parquet."""
    try:
        return tuple(pq.read_schema(place).names)
    except (pa.ArrowException, OSError):
        return ()


def features(place: Path) -> Mapping[str, Any]:
    """What Hugging Face `datasets` says of the columns, such as the names of classes; empty when it says nothing."""
    try:
        found = json.loads((pq.read_schema(place).metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        return found if isinstance(found, dict) else {}
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
        return {}


def rows(place: Path, which: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows: ("row 1", {column: value}); nothing but a few of them is in memory.

    Raises:
        InputRefused: `bad_dataset`: the file is no Parquet, or is damaged or cut off.
    """
    number = 0
    try:
        with pq.ParquetFile(place) as file:
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{which}row {number}", row
    except (pa.ArrowException, OSError, UnicodeDecodeError) as wrong:
        raise InputRefused(
            "bad_dataset", "A Parquet file of the dataset is damaged or cut off. The rest of it is not known. Copy it again."
        ) from wrong


class Tables:
    """Parquet files below a folder, written row by row; a context that makes them appear when it ends well."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self._open: dict[str, tuple[pq.ParquetWriter, list[dict[str, Any]]]] = {}

    def __enter__(self) -> "Tables":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            for name in self._open:
                self._flush(name)
        self._stack.__exit__(kind, error, trace)

    @property
    def names(self) -> tuple[str, ...]:
        """The files so far, without their suffix, in the order in which they were begun."""
        return tuple(self._open)

    def add(self, name: str, kinds: Mapping[str, str], row: dict[str, Any]) -> None:
        """Append a row to the file of that name, whose columns are of these kinds."""
        if name not in self._open:
            draft = self._stack.enter_context(appearing(self.folder / f"{name}.parquet"))
            said = {"info": {"features": {column: _FEATURES[kind] for column, kind in kinds.items()}}}
            schema = pa.schema([(column, _TYPES[kind]) for column, kind in kinds.items()], {"huggingface": json.dumps(said)})
            self._open[name] = (self._stack.enter_context(pq.ParquetWriter(draft, schema, compression="zstd")), [])
        self._open[name][1].append(row)
        if len(self._open[name][1]) == ROWS_AT_ONCE:
            self._flush(name)

    def _flush(self, name: str) -> None:
        writer, waiting = self._open[name]
        if waiting:
            writer.write_table(pa.Table.from_pylist(waiting, schema=writer.schema))
            waiting.clear()
