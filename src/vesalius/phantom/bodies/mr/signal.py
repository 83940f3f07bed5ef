"""Magnetic resonance: how bright a tissue is in a sequence, and what the scanner makes of it.

A tissue is its relaxation times and proton density. Sequences (repetition TR, echo TE, inversion TI, all in ms):
    spin echo            S = density (1 - exp(-TR / T1)) exp(-TE / T2)
    inversion recovery   S = density |1 - 2 exp(-TI / T1) + exp(-TR / T1)| exp(-TE / T2)
A detector adds complex Gaussian noise and shows the magnitude, so that air is Rayleigh and bright tissue Gaussian (Rician).
Used by the brain and by the knee.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp

import numpy as np

from vesalius.phantom.site import Look, toned
from vesalius.phantom.truth import Bools, Floats
from vesalius.types import Array


@dataclass(frozen=True)
class Tissue:
    """Relaxation times at 1.5 T and proton density relative to water. `fat`: share that fat suppression takes away."""

    t1_ms: float
    t2_ms: float
    density: float
    fat: float = 0.0


@dataclass(frozen=True)
class Sequence3:
    """A sequence. `ti_ms` 0: no inversion. `suppressed`: share of the fat's signal that is taken away. `gain`: of display."""

    name: str
    tr_ms: float
    te_ms: float
    ti_ms: float = 0.0
    suppressed: float = 0.0
    gain: float = 1.0

    def signal(self, tissue: Tissue) -> float:
        """How bright a tissue is, in shares of the display's range."""
        recovery = 1 - exp(-self.tr_ms / tissue.t1_ms)
        if self.ti_ms:
            recovery = abs(1 - 2 * exp(-self.ti_ms / tissue.t1_ms) + exp(-self.tr_ms / tissue.t1_ms))
        shown = tissue.density * recovery * exp(-self.te_ms / tissue.t2_ms)
        return self.gain * shown * (1 - self.suppressed * tissue.fat)


def protocol(sequences: Sequence[Sequence3], rng: np.random.Generator) -> tuple[Sequence3, ...]:
    """The sequences as one visit's scanner runs them: TR, TE and gain each up to 15 % off."""
    found = []
    for sequence in sequences:
        a, b, c = (float(value) for value in rng.uniform(-1, 1, 3))
        tr, te = sequence.tr_ms * (1 + 0.15 * a), sequence.te_ms * (1 + 0.15 * b)
        found.append(replace(sequence, tr_ms=tr, te_ms=te, gain=sequence.gain * (1 + 0.15 * c)))
    return tuple(found)


class Canvas:
    """Noise-free pictures of all sequences at once, (S, …), on which tissues are laid one over the other."""

    def __init__(self, shape: tuple[int, ...], sequences: Sequence[Sequence3]) -> None:
        self.sequences = tuple(sequences)
        self.light: Floats = np.zeros((len(self.sequences), *shape), np.float32)

    def lay(self, share: Floats, tissue: Tissue, where: object = ...) -> None:
        """Cover what is there by a share in [0, 1] of the tissue; `where` selects the samples that `share` is given for."""
        for light, sequence in zip(self.light, self.sequences, strict=True):
            under = light[where]
            light[where] = under + share * (np.float32(sequence.signal(tissue)) - under)


def share(distance_mm: Floats, edge_mm: float) -> Floats:
    """How much of a sample lies inside, from its signed distance to a surface: negative inside, half on the surface."""
    found: Floats = distance_mm * np.float32(-1 / edge_mm)
    found += np.float32(0.5)
    return np.clip(found, 0, 1, out=found)


def step(value: Floats, low: float, high: float) -> Floats:
    """0 up to `low`, 1 from `high`, smooth between."""
    t: Floats = np.clip((value - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    return t * t * (3 - 2 * t)


def smooth(rng: np.random.Generator, cells: int | tuple[int, int, int], shape: tuple[int, ...]) -> Floats:
    """Smooth noise of standard deviation near 0.5 over a volume; the draw does not depend on the number of voxels."""
    many = (cells,) * 3 if isinstance(cells, int) else cells
    knots = rng.standard_normal(tuple(number + 1 for number in many), dtype=np.float32)
    for axis, (count, number) in enumerate(zip(shape, many, strict=True)):
        at = (np.arange(count) + 0.5) * (number / count)
        cell = np.minimum(at.astype(np.intp), number - 1)
        fraction = (at - cell).astype(np.float32)
        eased = (fraction * fraction * (3 - 2 * fraction)).reshape([-1 if other == axis else 1 for other in range(3)])
        low = np.take(knots, cell, axis)
        knots = low + (np.take(knots, cell + 1, axis) - low) * eased
    return np.ascontiguousarray(knots)


def detect(light: Floats, look: Look, noise: float, rng: np.random.Generator) -> Array:
    """A volume in [0, 1] as the scanner stores it: blurred by under a voxel, with Rician noise, toned, 12 bits."""
    seen = _soften(light, 0.16 * look.blur)
    sigma = np.float32(noise * look.noise)
    real = rng.standard_normal(light.shape, dtype=np.float32)
    real *= sigma
    real += seen
    other = rng.standard_normal(light.shape, dtype=np.float32)
    other *= sigma
    real *= real
    other *= other
    real += other
    np.sqrt(real, out=real)
    shown = toned(real, look)
    shown *= np.float32(4095)
    return np.rint(shown, out=shown).astype(np.uint16)


def _soften(light: Floats, side: float) -> Floats:
    """A kernel of three voxels along every axis; `side` is the weight of each neighbor."""
    for axis in range(light.ndim):
        out = light * np.float32(1 - 2 * side)
        for ahead in (True, False):
            one: list[slice] = [slice(None)] * light.ndim
            two: list[slice] = [slice(None)] * light.ndim
            edge: list[slice] = [slice(None)] * light.ndim
            one[axis], two[axis] = (slice(1, None), slice(None, -1)) if ahead else (slice(None, -1), slice(1, None))
            edge[axis] = slice(0, 1) if ahead else slice(-1, None)
            scaled = light * np.float32(side)
            out[tuple(one)] += scaled[tuple(two)]
            out[tuple(edge)] += scaled[tuple(edge)]
        light = out
    return light


def scattered(shape: tuple[int, ...], at: Array, inside: Bools) -> Bools:
    """A mask of a volume from the flat indices `at` of some of its voxels and whether each is inside."""
    mask = np.zeros(shape, np.bool_)
    mask.reshape(-1)[at[inside]] = True
    return mask
