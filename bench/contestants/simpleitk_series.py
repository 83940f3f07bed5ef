"""SimpleITK: its series reader, with float32 as output, and a numpy array of it."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK

PACKAGES = ("simpleitk", "numpy")


def read(folder: Path) -> tuple[npt.NDArray[np.float32], Any]:
    """(Z, Y, X) in HU, and the image that says where it lies."""
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    reader.SetOutputPixelType(SimpleITK.sitkFloat32)
    image = reader.Execute()
    return SimpleITK.GetArrayFromImage(image), image


def aligned(result: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """The affine of (x, y, z) with its columns in the array's order."""
    volume, image = result
    direction = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine = np.eye(4)
    affine[:3, :3] = direction[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    return volume, affine
