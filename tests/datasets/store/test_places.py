"""A dataset is read in the same words from a folder and from what a URL names."""

import shutil
import sys

import fsspec
import numpy as np
import pytest
from tests.datasets.store.made import CARD, in_memory, many, stated

from vesalius.datasets.store import table
from vesalius.errors import InputRefused, MissingFromEnvironment, UsageError


@pytest.fixture
def dataset(tmp_path):
    """A picture, a volume with its mask, and a clip in color."""
    values = np.arange(5 * 6 * 7).reshape(5, 6, 7)
    samples = [
        *many(3),
        stated("volume", in_memory(values.astype(np.int16), "volume"), mask=values % 3 == 0),
        stated("clip", in_memory(np.stack([values] * 3, -1).astype(np.uint8), "clip", 3)),
    ]
    table.write(samples, tmp_path / "dataset", CARD)
    return tmp_path / "dataset"


def addresses(dataset, tmp_path):
    memory = fsspec.filesystem("memory")
    memory.put(str(dataset), "/bucket/dataset", recursive=True)
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", dataset)
    return {"file": dataset.as_uri(), "memory": "memory://bucket/dataset", "zip": f"zip://::file://{packed}"}


def test_every_address_gives_the_samples_of_the_folder(dataset, tmp_path):
    here = list(table.read(dataset))
    for name, address in addresses(dataset, tmp_path).items():
        there = list(table.read(address))
        assert [sample.key for sample in there] == [sample.key for sample in here], name
        for one, other in zip(there, here, strict=True):
            assert np.array_equal(one.images[0].image.load(), other.images[0].image.load())
        assert (there[3].regions[0].geometry.load() == here[3].regions[0].geometry.load()).all()
        assert table.card(address) == CARD
        assert table.recognizes(address)


def test_a_changed_or_missing_file_at_an_address_is_refused_as_in_a_folder(dataset, tmp_path):
    address = addresses(dataset, tmp_path)["memory"]
    memory = fsspec.filesystem("memory")
    (sample, *_) = table.read(address)
    row = table.manifest(table.Place(address)).read(["images"]).to_pylist()[0]
    name = f"/bucket/dataset/{row['images'][0]['media']}"
    content = memory.cat_file(name)
    memory.pipe_file(name, content[:-1] + b"x")
    with pytest.raises(InputRefused, match="changed"):
        sample.images[0].image.load()
    memory.pipe_file(name, content[:-1])
    faults = []
    assert len(list(table.read(address, faults.append))) == 4
    assert [(fault.code, fault.where) for fault in faults] == [("media_unreadable", "row 1")]
    memory.rm(name)
    with pytest.raises(InputRefused) as refused:
        next(table.read(address))
    assert [problem.key for problem in refused.value.problems] == ["row 1"]


def test_an_address_that_nobody_knows_is_refused_without_being_shown():
    with pytest.raises(UsageError) as refused:
        table.recognizes("nonsense://patient-name/dataset")
    assert "patient-name" not in refused.value.message
    with pytest.raises(InputRefused, match="holds no"):
        next(table.read("memory://nowhere"))


def test_a_protocol_without_its_package_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingFromEnvironment, match="s3fs"):
        table.recognizes("s3://bucket/dataset")
