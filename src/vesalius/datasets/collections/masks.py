"""Masks that lie in files beside their pictures, on grids that may run the other way, or drawn in brightness and in color.

For the readers of this folder; it reads no collection itself. Formats whose maps lie on the very grid of their pictures have
`label_maps.check_geometry`: there anything else is a fault.
"""

from functools import partial

import numpy as np
import numpy.typing as npt

from vesalius.datasets.label_maps import marked_by, numbers_in
from vesalius.datasets.sources import RecordRefused
from vesalius.types import Array, Image, Mask

MOST_APART_MM = 0.1  # of corners that are meant to be the same place: affines are rounded to fewer digits by some writers

Flip = tuple[slice, ...]


def above(drawn: Image, picture: Image, *, value: float = 0.0) -> Mask:
    """The pixels of a file that are brighter than `value`, in any channel, as a mask of `picture`.

    Lossy files (JPEG) need a value in the middle; others 0.

    Raises:
        RecordRefused: `mask_geometry`: the two have different sizes.
    """
    if drawn.shape != picture.shape:
        sizes = " and ".join(" × ".join(str(side) for side in image.shape) for image in (drawn, picture))
        raise RecordRefused("mask_geometry", f"A mask and its picture have different sizes: {sizes}.")
    return Mask(partial(_above, drawn, value))


def labeled(drawn: Image, picture: Image) -> dict[int, Mask]:
    """A mask for each label above 0 that a map of labels holds, in ascending order; the map is decoded once here.

    Raises:
        RecordRefused: as `label_maps.numbers_in`; `mask_geometry`: its voxels are not those of `picture`; `record_malformed`: it
            has numbers below 0.
    """
    flip = alignment(drawn, picture)
    labels = numbers_in(drawn)
    if any(label < 0 for label in labels):
        raise RecordRefused("record_malformed", "The values of a map of labels are not whole numbers from 0.")
    return {label: marked_by(drawn, [label], picture.shape, flip) for label in labels}


def aligned(drawn: Image, picture: Image) -> Mask:
    """The voxels of a volume of zeros and others, as a mask of `picture`.

    Raises:
        RecordRefused: `mask_geometry`: its voxels are not those of `picture`.
    """
    return Mask(partial(_is_set, drawn, alignment(drawn, picture)))


def alignment(drawn: Image, picture: Image) -> Flip:
    """How to index the array of `drawn` so that its voxels are those of `picture`: some axes may run backward.

    Where either does not say where it lies, equal shapes are taken as the same grid.

    Raises:
        RecordRefused: `mask_geometry`.
    """
    if drawn.shape != picture.shape or len(drawn.shape) > 3:
        raise RecordRefused("mask_geometry", f"A mask has {drawn.shape} voxels and its picture {picture.shape}.")
    if drawn.affine_lps_mm is None or picture.affine_lps_mm is None:
        return (slice(None),) * len(drawn.shape)
    axes = []
    for axis, side in enumerate(drawn.shape, start=3 - len(drawn.shape)):
        own, other = drawn.affine_lps_mm[:3, axis], picture.affine_lps_mm[:3, axis]
        axes.append(slice(None, None, -1) if side > 1 and float(own @ other) < 0 else slice(None))
    corners = np.array(np.meshgrid(*([0, side - 1] for side in drawn.shape), indexing="ij"), float).reshape(len(drawn.shape), -1)
    backward = np.array([axis.step == -1 for axis in axes])[:, None]
    sides = np.array(drawn.shape, float)[:, None] - 1
    apart = _places(drawn, np.where(backward, sides - corners, corners)) - _places(picture, corners)
    if (distance := float(np.abs(apart).max())) > MOST_APART_MM:
        raise RecordRefused("mask_geometry", f"The corners of a mask lie up to {distance:.1f} mm from those of its picture.")
    return tuple(axes)


def _places(image: Image, indices: Array) -> Array:
    """Where voxels lie, (3, n) in LPS millimeters, of indices (axes, n)."""
    assert image.affine_lps_mm is not None
    padded = np.zeros((3, indices.shape[1]))
    padded[3 - len(indices) :] = indices
    affine = image.affine_lps_mm
    places: Array = affine[:3, :3] @ padded + affine[:3, 3:]
    return places


def _above(drawn: Image, value: float) -> npt.NDArray[np.bool_]:
    pixels = drawn.load()
    inside: npt.NDArray[np.bool_] = (pixels.max(axis=-1) if drawn.channels == 3 else pixels) > value
    return inside


def _is_set(drawn: Image, flip: Flip) -> npt.NDArray[np.bool_]:
    inside: npt.NDArray[np.bool_] = drawn.load()[flip] != 0
    return inside
