"""Volumes for tests, as NIfTI."""

from pathlib import Path

import numpy as np

from vesalius.clinical.nifti_write import write_nifti


def volume(place: Path, shade: int) -> None:
    """16 x 18 x 20 voxels of 2 x 1 x 1 mm, different for every shade."""
    place.parent.mkdir(parents=True, exist_ok=True)
    values = (np.arange(16 * 18 * 20).reshape(16, 18, 20) * (shade + 2) % 900).astype(np.int16)
    write_nifti(place, values, spacing_mm=(2.0, 1.0, 1.0), affine_lps_mm=np.diag([1.0, 1.0, 2.0, 1.0])[:, [2, 1, 0, 3]])
