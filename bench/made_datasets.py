"""Three datasets made by code, each laid out for every contestant of `load.py` with the very same files in it.

<kind>/vesalius/    ours: samples.parquet, media/
<kind>/parquet/     for Hugging Face datasets: rows of key and content
<kind>/shards/      for WebDataset: {00000..}.tar
"""

import io
import shutil
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image as Pillow

from vesalius.clinical.images import open_image
from vesalius.datasets.store import table
from vesalius.datasets.store.places import Place
from vesalius.types import Array, Image, Provenance, Sample, SampleImage, Source, Turn

KINDS = ("small", "xrays", "volumes")
SHARDS = 8
_CARD = table.Card("made for a measurement", "bench/made_datasets.py", "none", "made up", "nobody", "none")


def folder_of(root: Path, kind: str, count: int) -> Path:
    """The folder of a dataset, made now unless it is there."""
    folder = root / f"{kind}-{count}" / kind
    if (folder / "done").is_file():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    table.write(MAKERS[kind](folder, count), folder / "vesalius", _CARD)
    shutil.rmtree(folder / "drafts", ignore_errors=True)
    _lay_out(folder, kind)
    (folder / "done").write_text("")
    return folder


def _small(folder: Path, count: int) -> Iterator[Sample]:
    """64 px, gray, PNG."""
    for number in range(count):
        pixels = _smooth(number, 64)
        yield _sample(number, Image("image", (64, 64), 1, partial(np.asarray, pixels), _source(number)))


def _xrays(folder: Path, count: int) -> Iterator[Sample]:
    """512 px, gray; every other one JPEG, the rest PNG."""
    (folder / "drafts").mkdir()
    for number in range(count):
        path = folder / "drafts" / f"{number}{'.png' if number % 2 else '.jpg'}"
        Pillow.fromarray(_smooth(number, 512)).save(path, quality=90)  # of PNG there is none
        yield _sample(number, open_image(path))


def _volumes(folder: Path, count: int) -> Iterator[Sample]:
    """128 slices of 256 px, int16."""
    for number in range(count):
        voxels = np.random.default_rng(number).integers(-1000, 2000, (128, 256, 256)).astype(np.int16)
        yield _sample(number, Image("volume", voxels.shape, 1, partial(np.asarray, voxels), _source(number)))


MAKERS: dict[str, Callable[[Path, int], Iterator[Sample]]] = {"small": _small, "xrays": _xrays, "volumes": _volumes}


def _smooth(number: int, size: int) -> Array:
    """Shapes with some noise: they compress as radiographs do."""
    random = np.random.default_rng(number)
    coarse = Pillow.fromarray(random.integers(0, 255, (8, 8), np.uint8)).resize((size, size), Pillow.Resampling.BICUBIC)
    return (np.asarray(coarse).astype(np.int16) + random.integers(-4, 4, (size, size))).clip(0, 255).astype(np.uint8)


def _source(number: int) -> Source:
    return Source(None, f"{number:064x}", "array")


def _sample(number: int, image: Image) -> Sample:
    turns = (Turn("user", "<image:0> Is there an effusion?"), Turn("assistant", "yes" if number % 2 else "no"))
    about = Provenance("made", "none", f"p{number}", f"s{number}", "made", "train")
    return Sample(f"k{number:06}", "presence", (SampleImage("current", image),), turns, about)


def _lay_out(folder: Path, kind: str) -> None:
    """The same files for the peers."""
    rows = table.manifest(Place(folder / "vesalius")).read(["key", "images"]).to_pylist()
    places = [(row["key"], folder / "vesalius" / row["images"][0]["media"]) for row in rows]
    for name in ("parquet", "shards"):
        (folder / name).mkdir()
    each = -(-len(places) // SHARDS)
    for shard in range(SHARDS):
        some = places[shard * each : (shard + 1) * each]
        with tarfile.open(folder / "shards" / f"{shard:05}.tar", "w") as tar:
            for key, path in some:
                entry = tarfile.TarInfo(f"{key}{path.suffix}")
                content = path.read_bytes()
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        content_type = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        contents = [{"bytes": path.read_bytes(), "path": None} for _, path in some]
        held = pa.table({"key": pa.array([key for key, _ in some]), "content": pa.array(contents, content_type)})
        pq.write_table(held, folder / "parquet" / f"{shard:05}.parquet", row_group_size=64, compression="none")
