"""Stains: how much light of each color a dye takes, and how that varies between laboratories."""

from dataclasses import dataclass

import numpy as np

from vesalius.phantom.bodies.cells.stamp import DYES
from vesalius.phantom.truth import Floats

# Optical density in red, green and blue of one unit of each dye: hemoglobin or eosin, azure or hematoxylin bound to a
# nucleus, blue of the cytoplasm, orange granules, pigment.
_GIEMSA = ((0.13, 0.42, 0.36), (0.78, 1.45, 0.52), (0.40, 0.30, 0.05), (0.07, 0.62, 0.80), (1.20, 1.40, 0.95))
_HE = ((0.07, 0.62, 0.30), (0.95, 1.12, 0.48), (0.34, 0.42, 0.10), (0.04, 0.95, 0.72), (1.10, 1.30, 1.25))
# Of each stain in words: how strong eosin, nuclear dye, blue and orange are, and what is added to eosin's three densities.
_WORDS = {
    "standard": ((1.0, 1.0, 1.0, 1.0), (0.0, 0.0, 0.0)),
    "pale": ((0.68, 0.66, 0.68, 0.72), (0.0, 0.0, 0.0)),
    "dark": ((1.35, 1.32, 1.3, 1.2), (0.02, 0.0, 0.0)),
    "blue": ((0.85, 1.1, 1.45, 0.9), (0.15, 0.06, -0.08)),
    "pink": ((1.3, 0.9, 0.7, 1.15), (-0.04, 0.06, 0.03)),
}


@dataclass(frozen=True, eq=False)
class Stain:
    """Densities (DYES, 3) and the color of the empty slide, (3,), in [0, 1]."""

    densities: Floats
    empty: Floats


def mixed(rng: np.random.Generator, kind: str, word: str) -> Stain:
    """The stain of one slide."""
    strength, added = _WORDS[word]
    table = np.array(_GIEMSA if kind == "smear" else _HE, np.float64)
    table[0] += added
    table[:4] *= np.array(strength)[:, None] * np.exp(rng.normal(0, 0.10, (4, 1)))
    table *= 1 + rng.normal(0, 0.06, (DYES, 3))
    empty = np.array([0.925, 0.915, 0.92]) + rng.normal(0, 0.012, 3)
    return Stain(np.maximum(table, 0).astype(np.float32), np.clip(empty, 0.85, 0.97).astype(np.float32))


def shown(dyes: Floats, stain: Stain) -> Floats:
    """The light that passes amounts of dye, (DYES, Y, X), as (Y, X, 3) in [0, 1]: Beer and Lambert's law."""
    out = np.empty((3, *dyes.shape[1:]), np.float32)
    used = [dye for dye in range(len(dyes)) if dyes[dye].any()]
    part = np.empty(dyes.shape[1:], np.float32)
    for channel in range(3):
        light = out[channel]
        light[...] = np.log(stain.empty[channel])
        for dye in used:
            np.multiply(dyes[dye], -stain.densities[dye, channel], out=part)
            light += part
    np.exp(out, out=out)
    return np.moveaxis(out, 0, -1)
