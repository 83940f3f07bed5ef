"""Files of the published shapes, made by code: masks, volumes and what is told while a folder is read."""

from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from vesalius.clinical.nifti_write import write_nifti
from vesalius.datasets.faults import Fault


class Told(list[Fault]):
    """Takes faults and gives their codes."""

    @property
    def codes(self) -> list[str]:
        return [fault.code for fault in self]


def mask(path: Path, width: int, height: int, box_xyxy: tuple[int, int, int, int]) -> None:
    """White inside a box, black elsewhere; GIF, PNG or JPEG by the name."""
    x0, y0, x1, y1 = box_xyxy
    pixels = np.zeros((height, width), np.uint8)
    pixels[y0:y1, x0:x1] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(pixels).save(path)


def volume(path: Path, voxels: np.ndarray, *, first_mm: float = 0.0, flipped: bool = False) -> None:
    """A NIfTI file of (Z, Y, X) voxels of 3 mm; `flipped` runs along x the other way at the same place."""
    affine = np.diag([3.0, 3.0, 3.0, 1.0])[:, [2, 1, 0, 3]]
    affine[:3, 3] = first_mm
    if flipped:
        affine[:3, 3] += affine[:3, 2] * (voxels.shape[2] - 1)
        affine[:3, 2] *= -1
        voxels = voxels[..., ::-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_nifti(path, np.ascontiguousarray(voxels), spacing_mm=(3.0, 3.0, 3.0), affine_lps_mm=affine)
