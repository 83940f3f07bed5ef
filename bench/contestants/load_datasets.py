"""Hugging Face datasets: rows in memory-mapped Arrow files, torch's DataLoader with shuffling and the same workers."""

import io
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.utils.data import DataLoader

from loads import Epoch, summed

PACKAGES = ("datasets", "torch", "pillow", "numpy", "pyarrow")
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
    files = sorted(str(path) for path in (folder / "parquet").glob("*.parquet"))
    rows = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(folder / "cache"))
    decode = _volumes if folder.name == "volumes" else _pictures
    batch, workers = Epoch.BATCH[folder.name], Epoch.WORKERS
    return DataLoader(
        rows.with_transform(decode), batch, shuffle=True, num_workers=workers, persistent_workers=True, collate_fn=_together
    )


def _pictures(rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {"key": rows["key"], "array": [np.asarray(Image.open(io.BytesIO(each["bytes"]))) for each in rows["content"]]}


def _volumes(rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {"key": rows["key"], "array": [np.load(io.BytesIO(each["bytes"])) for each in rows["content"]]}


def _together(samples: list[dict[str, Any]]) -> tuple[list[str], Any]:
    """Tensors go to the main process through shared memory, arrays would be pickled."""
    return [each["key"] for each in samples], torch.from_numpy(np.stack([each["array"] for each in samples]))
