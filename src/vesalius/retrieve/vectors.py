"""Vectors of pictures and texts as one Parquet file, that says which model made them.

One row per picture, volume, clip or text: `key`, `kind`, `item` (as `inspect` numbers files; of a dataset the sample's key),
`patient_key`, `modality`, `text` (of a text) and `vector`, of unit length. The schema's metadata hold the model. Any row can be
read with pyarrow, DuckDB or polars and nothing of ours.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from vesalius.errors import InputRefused

FORMAT = 1
KINDS = ("picture", "volume", "clip", "text")
COLUMNS = ("key", "kind", "item", "patient_key", "modality", "text", "vector")


@dataclass(frozen=True)
class Maker:
    """What made vectors: two files may stand in one index when all of it is equal.

    Attributes:
        name: of the model.
        sha256: of its weights.
        configuration: sha256 of how pictures and texts were shown to it.
        width: of the vectors.
    """

    name: str
    sha256: str
    configuration: str
    width: int


@dataclass(frozen=True)
class Entry:
    """What a vector is of. Keys are hashes; `text` is "" for what is no text."""

    key: str
    kind: str
    item: str
    patient_key: str
    modality: str
    text: str


def table(entries: Sequence[Entry], vectors: npt.NDArray[np.float32], maker: Maker) -> pa.Table:
    """Entries and their vectors (n, E) as one table."""
    columns = {name: [getattr(entry, name) for entry in entries] for name in COLUMNS[:-1]}
    flat = pa.array(np.ascontiguousarray(vectors, np.float32).reshape(-1), pa.float32())
    vector = pa.FixedSizeListArray.from_arrays(flat, maker.width)
    schema = pa.schema([*((name, pa.string()) for name in COLUMNS[:-1]), ("vector", vector.type)])
    found = pa.table([*(pa.array(columns[name], pa.string()) for name in COLUMNS[:-1]), vector], schema=schema)
    return found.replace_schema_metadata({"vesalius": json.dumps({"format": FORMAT, **asdict(maker)})})


def write(path: Path, rows: pa.Table) -> None:
    """Write a file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    pq.write_table(rows, part, compression="zstd")
    os.replace(part, path)


def read(path: Path) -> tuple[pa.Table, Maker]:
    """Read a file.

    Raises:
        InputRefused: `bad_dataset`: it is not a file of vectors.
    """
    try:
        found = pq.read_table(path)
        return found.select(COLUMNS), maker_of(found)
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise InputRefused(
            "bad_dataset",
            "The file holds no vectors of ours. It cannot be searched. Make one with `vesalius embed PATH -o FILE`.",
        ) from error


def maker_of(rows: pa.Table) -> Maker:
    """The model that made a table's vectors.

    Raises:
        KeyError, ValueError, TypeError: the table does not say so.
    """
    stated = json.loads((rows.schema.metadata or {})[b"vesalius"])
    if stated.pop("format") != FORMAT:
        raise ValueError("another format")
    return Maker(**stated)
