"""WebDataset: tar shards, a buffer for shuffling, torch's workers through its own loader."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import webdataset

from loads import Epoch, summed

PACKAGES = ("webdataset", "torch", "pillow", "numpy")
SHUFFLED = {"small": 1000, "xrays": 300, "volumes": 8}  # samples in the buffer, about a tenth of all or more
_LOADERS: dict[Path, Any] = {}


def read(folder: Path) -> Epoch:
    """One epoch."""
    if folder not in _LOADERS:
        _LOADERS[folder] = _loader(folder)
    return summed((keys, stack.numpy()) for keys, stack in _LOADERS[folder])


def aligned(result: Epoch) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """What says whether the same was delivered."""
    return result.told()


def _loader(folder: Path) -> Any:
    files = sorted(str(path) for path in (folder / "shards").glob("*.tar"))
    shards = webdataset.WebDataset(files, shardshuffle=len(files), empty_check=False).shuffle(SHUFFLED[folder.name])
    samples = shards.decode() if folder.name == "volumes" else shards.decode("l8")
    batches = samples.to_tuple("__key__", "png;jpg;npy").batched(Epoch.BATCH[folder.name], collation_fn=_together)
    return webdataset.WebLoader(batches, batch_size=None, num_workers=Epoch.WORKERS, persistent_workers=True)


def _together(samples: list[tuple[str, Any]]) -> tuple[list[str], Any]:
    """Tensors go to the main process through shared memory, arrays would be pickled."""
    return [key for key, _ in samples], torch.from_numpy(np.stack([array for _, array in samples]))
