"""Sites: the look that a scanner gives to every picture that it takes."""

from dataclasses import dataclass

import numpy as np

from vesalius.phantom.truth import Floats

# (contrast, brightness, noise, blur, warmth): what a site's pictures have in common.
SITES = {
    "a": (1.00, 0.00, 1.00, 0.6, 0.00),
    "b": (1.12, -0.04, 0.75, 0.8, 0.05),
    "c": (0.90, 0.05, 1.35, 0.5, -0.05),
    "d": (1.05, 0.03, 1.10, 1.0, 0.02),
}


@dataclass(frozen=True)
class Look:
    """How one picture was taken.

    Attributes:
        contrast: slope of the tone curve about the middle, near 1.
        brightness: added to values in [0, 1], near 0.
        noise: multiplies a kind's usual standard deviation of noise, near 1.
        blur: multiplies a kind's usual width of blur, 0.5 to 1.
        warmth: of color pictures: red up and blue down by that share, near 0.
    """

    contrast: float
    brightness: float
    noise: float
    blur: float
    warmth: float


def look_of(site: str, rng: np.random.Generator) -> Look:
    """A picture's look at a site: the site's own, and a little of its own at every visit."""
    contrast, brightness, noise, blur, warmth = SITES[site]
    own = rng.uniform(-1, 1, 5)
    return Look(
        contrast=contrast * (1 + 0.06 * own[0]),
        brightness=brightness + 0.02 * own[1],
        noise=noise * (1 + 0.15 * own[2]),
        blur=blur * (1 + 0.10 * own[3]),
        warmth=warmth + 0.02 * own[4],
    )


def toned(picture: Floats, look: Look) -> Floats:
    """A picture in [0, 1], gray or with a last axis of 3 for color, as that scanner shows it; in [0, 1] again."""
    shown = (picture - np.float32(0.5)) * np.float32(look.contrast) + np.float32(0.5 + look.brightness)
    if shown.shape[-1] == 3:
        shown = shown * np.array([1 + look.warmth, 1, 1 - look.warmth], np.float32)
    clipped: Floats = np.clip(shown, 0, 1, out=shown)
    return clipped
