"""A phantom written as PNG: pictures as they are, volumes and films as folders of them, masks of one bit beside them.

Gray has twelve bits in sixteen, as `png_write` says. A CT's -1024 HU is 0 and its 3071 HU 4095.
"""

from pathlib import Path

import numpy as np

from vesalius.clinical.png_write import write_png
from vesalius.datasets.phantoms.image import mask_stem_of, stem_of
from vesalius.phantom.truth import Phantom, Picture
from vesalius.types import Array

LEAST_HU = -1024


def write(phantom: Phantom, folder: Path) -> list[Path]:
    """Write one visit as `<kind>-<seed>-visit-<visit>-<picture>.png` into `folder`, which is made.

    A mask is `…-<picture>-mask-<name>.png`. Of a volume or film these are folders of `0001.png`, `0002.png`, … along its first
    axis, which for a volume rises from the feet.

    Returns:
        The files, those of each picture together.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for picture in phantom.pictures:
        stem = stem_of(phantom, picture)
        plane_mm = None if picture.spacing_mm is None else (picture.spacing_mm[-2], picture.spacing_mm[-1])
        arrays = {stem: _positive(picture)}
        arrays |= {mask_stem_of(phantom, picture, name): mask for name, mask in picture.masks.items()}
        for name, values in arrays.items():
            if picture.kind == "image":
                planes = {folder / f"{name}.png": values}
            else:
                (folder / name).mkdir(exist_ok=True)
                planes = {folder / name / f"{number:04d}.png": plane for number, plane in enumerate(values, start=1)}
            for path, plane in planes.items():
                write_png(path, plane, spacing_mm=plane_mm)
            files += planes
    return files


def _positive(picture: Picture) -> Array:
    """The pixels with nothing below 0."""
    if picture.pixels.dtype != np.int16:
        return picture.pixels
    shifted: Array = (picture.pixels - np.int16(LEAST_HU)).astype(np.uint16)
    return shifted
