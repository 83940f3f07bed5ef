"""The chip at the end of an endoscope: what light becomes as 8-bit color."""

import numpy as np

from vesalius.phantom.paint import blur
from vesalius.phantom.site import Look, toned
from vesalius.phantom.truth import Bools, Floats
from vesalius.types import Array

_BLUR, _MOST_PX, _AT_PX = 0.75, 0.8, 96  # a wider blur would reach more than two pixels beyond an edge
_GRAIN = 0.011
_VIVID = 0.25  # by how much a recorder spreads colors


def developed(picture: Floats, field: Bools, look: Look, noise: np.random.Generator) -> Array:
    """Frames as a recorder stores them, (T, Y, X, 3) uint8: blurred, in the site's tones, with noise, black outside the field.

    Args:
        picture: light in [0, 1], (T, Y, X, 3); changed in place.
        field: (Y, X), what the lens fills.
        look: of the site.
        noise: draws as many numbers as there are pixels, whatever they show.
    """
    sigma_px = min(_BLUR * look.blur * field.shape[0] / _AT_PX, _MOST_PX)
    shown = np.empty(picture.shape, np.uint8)
    grain = np.float32(_GRAIN * look.noise)
    for frame, kept in zip(picture, shown, strict=True):
        gray = (frame[..., 0] + frame[..., 1] + frame[..., 2])[..., None] * np.float32(_VIVID / 3)
        frame *= np.float32(1 + _VIVID)
        frame -= gray
        soft = toned(blur(frame, sigma_px), look)
        spots = noise.standard_normal(field.shape, dtype=np.float32)
        spots *= grain
        soft += spots[..., None]
        soft[..., 2] += np.roll(spots, 7, axis=1)  # the eye forgives blue: chips have least of it
        np.clip(soft, 0, 1, out=soft)
        soft *= np.float32(255)
        soft += np.float32(0.5)
        soft *= field[..., None]
        kept[:] = soft
    return shown
