"""The bare loop: pydicom in one process; read, decode, rescale to float32 into one preallocated array, affine."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import dcmread
from pydicom.pixels.utils import pixel_array

PACKAGES = ("pydicom", "pylibjpeg", "pylibjpeg-openjpeg", "numpy")
CODEC = "pylibjpeg"  # the same openjpeg that we decode JPEG 2000 with


def read(folder: Path) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """(Z, Y, X) in HU, and the affine from (z, y, x, 1) to LPS mm."""
    datasets = [dcmread(entry.path) for entry in os.scandir(folder)]
    first = datasets[0]
    row, column = np.array(first.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
    normal = np.cross(row, column)
    datasets.sort(key=lambda dataset: float(np.dot(normal, dataset.ImagePositionPatient)))
    codec = CODEC if first.file_meta.TransferSyntaxUID.is_compressed else ""
    volume = np.empty((len(datasets), first.Rows, first.Columns), dtype=np.float32)
    for plane, dataset in zip(volume, datasets, strict=True):
        np.multiply(pixel_array(dataset, decoding_plugin=codec), np.float32(dataset.RescaleSlope), out=plane)
        plane += np.float32(dataset.RescaleIntercept)
    start, end = (np.array(datasets[index].ImagePositionPatient, dtype=np.float64) for index in (0, -1))
    affine = np.eye(4)
    affine[:3, 0] = (end - start) / (len(datasets) - 1)
    affine[:3, 1] = column * float(first.PixelSpacing[0])
    affine[:3, 2] = row * float(first.PixelSpacing[1])
    affine[:3, 3] = start
    return volume, affine


def aligned(result: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """As it is."""
    volume, affine = result
    return volume, affine
