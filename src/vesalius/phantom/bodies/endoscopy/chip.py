"""The chip at the end of an endoscope: what light becomes as 8-bit color."""

from math import exp

import numpy as np

from vesalius.phantom.site import Look, toned
from vesalius.phantom.truth import Bools, Floats
from vesalius.types import Array

_BLUR, _MOST_PX, _AT_PX = 0.75, 0.8, 96  # a wider blur would reach more than two pixels beyond an edge
_GRAIN = 0.011
_VIVID = 0.25  # by how much a recorder spreads colors


def developed(picture: Floats, field: Bools, look: Look, noise: np.random.Generator) -> Array:
    """Frames as a recorder stores them, (T, Y, X, 3) uint8: blurred, in the site's tones, with noise, black outside the field.

    Args:
        picture: light in [0, 1], (3, T, Y, X): red, green and blue; changed in place.
        field: (Y, X), what the lens fills.
        look: of the site.
        noise: draws as many numbers as there are pixels, whatever they show.
    """
    picture *= field  # nothing from outside the field is blurred into it
    soft = _blurred(picture, min(_BLUR * look.blur * field.shape[0] / _AT_PX, _MOST_PX))
    gray = soft[0] + soft[1]
    gray += soft[2]
    gray *= np.float32(_VIVID / 3)
    soft *= np.float32(1 + _VIVID)
    soft -= gray
    soft = np.moveaxis(toned(np.moveaxis(soft, 0, -1), look), -1, 0)
    spots = noise.standard_normal(picture.shape[1:], dtype=np.float32)
    spots *= np.float32(_GRAIN * look.noise)
    soft += spots
    soft[2] += np.roll(spots, 7, axis=2)  # chips have least of blue
    np.clip(soft, 0, 1, out=soft)
    soft *= np.float32(255)
    soft += np.float32(0.5)
    soft *= field
    shown = np.empty((*picture.shape[1:], 3), np.uint8)
    for channel in range(3):
        shown[..., channel] = soft[channel]
    return shown


def _blurred(picture: Floats, sigma_px: float) -> Floats:
    """A Gaussian blur of the last two axes that reaches two pixels, edges repeated."""
    weights = [exp(-0.5 * (step / sigma_px) ** 2) for step in range(3)]
    total = weights[0] + 2 * weights[1] + 2 * weights[2]
    for axis in (2, 3):
        picture = np.moveaxis(picture, axis, 0)
        out = picture * np.float32(weights[0] / total)
        for step in (1, 2):
            part = picture * np.float32(weights[step] / total)
            out[step:] += part[:-step]
            out[:-step] += part[step:]
            out[:step] += part[0]
            out[-step:] += part[-1]
        picture = np.moveaxis(out, 0, axis)
    return picture
