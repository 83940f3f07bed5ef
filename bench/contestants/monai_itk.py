"""MONAI: `LoadImage` with the reader that it takes where itk is installed, and `Orientation`."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from monai.transforms import LoadImage, Orientation

PACKAGES = ("monai", "itk-io", "torch", "numpy")
_load, _orient = LoadImage(reader="ITKReader", ensure_channel_first=True), Orientation(axcodes="RAS")


def read(folder: Path) -> Any:
    """A MetaTensor (1, X, Y, Z) in RAS."""
    return _orient(_load(folder))


def aligned(result: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """Axes from (X, Y, Z) in RAS to (Z, Y, X) in LPS: x and y turned round."""
    volume = result.numpy()[0].transpose(2, 1, 0)[:, ::-1, ::-1]
    shape = volume.shape
    to_lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.asarray(result.affine, dtype=np.float64)
    turned = np.array([[0, 0, -1, shape[2] - 1], [0, -1, 0, shape[1] - 1], [1, 0, 0, 0], [0, 0, 0, 1]], dtype=np.float64)
    return volume, to_lps @ turned
