"""Our loader of a dataset, kept from one epoch to the next, for the contestants that are ours."""

from pathlib import Path

from loads import Epoch
from vesalius.datasets.loading.loader import Loader

PACKAGES = ("vesalius", "pillow", "numpy", "pyarrow")
_LOADERS: dict[Path, Loader] = {}


def loader(folder: Path) -> Loader:
    """The loader of a folder."""
    if folder not in _LOADERS:
        _LOADERS[folder] = Loader(folder / "vesalius", batch=Epoch.BATCH[folder.name], seed=1, workers=Epoch.WORKERS)
    return _LOADERS[folder]
