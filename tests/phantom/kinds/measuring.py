"""How tests measure volumes of the scanner, whatever the body."""

import numpy as np

from vesalius.phantom.truth import Bools, Phantom, Picture


def diameter_mm(mask: Bools, picture: Picture) -> float:
    """The greatest distance of two voxels' outer faces, over many directions."""
    places = np.argwhere(mask) * np.array(picture.spacing_mm)
    toward = np.random.default_rng(0).normal(size=(400, 3))
    toward /= np.linalg.norm(toward, axis=1)[:, None]
    spans = [np.ptp((places * way).sum(axis=1)) + float((np.abs(way) * picture.spacing_mm).sum()) * 0.6 for way in toward]
    return float(max(spans))


def named(phantom: Phantom, name: str) -> float:
    return next(measured.value for measured in phantom.measurements if measured.name == name)
