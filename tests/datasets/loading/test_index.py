"""What is told of samples is what their rows say, however many of them are looked up at a time."""

import numpy as np
import pytest
from tests.datasets.store.made import CARD, in_memory, many, stated

from vesalius.datasets.loading import index
from vesalius.datasets.loading.index import Index
from vesalius.datasets.store import table
from vesalius.datasets.store.places import Place


@pytest.mark.parametrize("looked_up", [1, 5, 1024])
def test_batches_are_listed_as_their_rows_tell(tmp_path, monkeypatch, looked_up):
    voxels = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    color = np.zeros((6, 7, 3), np.uint8)
    others = [stated("text"), stated("pair", in_memory(color, "image", 3), in_memory(voxels, "volume")), stated("none")]
    roots = [tmp_path / "pictures", tmp_path / "others"]
    table.write(many(12), roots[0], CARD)
    table.write(others, roots[1], CARD)
    rows = [row for root in roots for row in table.manifest(Place(root)).read().to_pylist()]
    monkeypatch.setattr(index, "LOOKED_UP", looked_up)
    read = Index(roots, None, None)
    batches = np.array_split(np.random.default_rng(0).permutation(len(rows)), 6)
    found = list(read.listed(batches))
    assert [listed.numbers.tolist() for listed in found] == [batch.tolist() for batch in batches]
    for listed in found:
        assert len(listed.pictures) == sum(listed.counts)
        pictures = iter(listed.pictures)
        for number, key, count in zip(listed.numbers.tolist(), listed.keys, listed.counts, strict=True):
            assert key == rows[number]["key"]
            assert count == len(rows[number]["images"] or [])
            for shown in rows[number]["images"] or []:
                picture = next(pictures)
                told = (picture.name, picture.bytes, list(picture.shape), picture.channels)
                assert told == (shown["media"], shown["bytes"], shown["shape"], shown["channels"])
                assert picture.place.local == roots[number >= 12]
                assert picture.room % 8 == 0
                assert picture.room >= np.prod(shown["shape"]) * shown["channels"]
    assert len({picture.number for listed in found for picture in listed.pictures}) == read.files
