"""Vesalius: a folder's studies, and the volume of the chosen series, through the gate."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vesalius.clinical import study
from vesalius.types import Image

PACKAGES = ("vesalius", "pydicom", "pylibjpeg", "pylibjpeg-openjpeg", "python-gdcm", "numpy")


def read(folder: Path) -> tuple[npt.NDArray[Any], Image]:
    """The array in HU, and the picture that says where it lies."""
    (found,) = study.read([folder]).studies
    (image,) = next(series.images for series in found.series if series.chosen)
    return image.load(), image


def aligned(result: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """As it is."""
    volume, image = result
    return volume, image.affine_lps_mm
