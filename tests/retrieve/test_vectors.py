from pathlib import Path

import numpy as np
import pytest

from vesalius.errors import InputRefused
from vesalius.retrieve import vectors
from vesalius.retrieve.vectors import Entry, Maker

MAKER = Maker("m", "a" * 64, "b" * 64, 3)


def entries(count: int) -> list[Entry]:
    return [
        Entry(f"k{i}", "picture" if i % 2 else "text", f"item {i}", f"p{i}", "DX", "" if i % 2 else f"text {i}")
        for i in range(count)
    ]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    made = np.random.default_rng(0).random((4, 3)).astype(np.float32)
    vectors.write(tmp_path / "v.parquet", vectors.table(entries(4), made, MAKER))
    rows, maker = vectors.read(tmp_path / "v.parquet")
    assert maker == MAKER
    assert rows.column("text").to_pylist() == ["text 0", "", "text 2", ""]
    np.testing.assert_array_equal(np.stack(rows.column("vector").to_pylist()), made)


@pytest.mark.parametrize("content", [b"", b"PAR1 not a table PAR1", b"key,vector\n1,2\n"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "v.parquet").write_bytes(content)
    with pytest.raises(InputRefused, match="no vectors of ours"):
        vectors.read(tmp_path / "v.parquet")
