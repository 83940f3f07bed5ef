"""Random moves of a canvas for training: small shifts and stretches, other exposures, mirror images where allowed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vesalius.types import Box


@dataclass(frozen=True)
class Jitter:
    """How far a canvas may be moved; all 0 leaves it as it is.

    Args:
        stretch: each axis is scaled by up to this share more or less, the mean of both by as much again.
        shift: of the side, per axis.
        gamma: exponent of the values, up to e^±gamma.
        gain: contrast and brightness, up to this share.
        noise: standard deviation of white noise at most.
    """

    stretch: float = 0.0
    shift: float = 0.0
    gamma: float = 0.0
    gain: float = 0.0
    noise: float = 0.0


@dataclass(frozen=True)
class Move:
    """One drawn move: axes exchanged where `transposed`, then center + scale x (canvas - center) + shift, then mirrored.

    `scale`, `shift` and `flip` are per axis (y, x) of the result.
    """

    scale: tuple[float, float] = (1.0, 1.0)
    shift: tuple[float, float] = (0.0, 0.0)
    flip: tuple[bool, bool] = (False, False)
    transposed: bool = False
    gamma: float = 1.0
    gain: float = 1.0
    offset: float = 0.0
    noise: float = 0.0

    def box(self, box: Box, side_px: int) -> Box:
        """A box of the canvas after the move; it may reach over the border."""
        low, high = [], []
        if self.transposed:
            box = Box(box.low[::-1], box.high[::-1])
        for axis in range(2):
            ends = [
                (v - side_px / 2) * self.scale[axis] + side_px * (0.5 + self.shift[axis]) for v in (box.low[axis], box.high[axis])
            ]
            if self.flip[axis]:
                ends = [side_px - ends[1], side_px - ends[0]]
            low.append(ends[0])
            high.append(ends[1])
        return Box(tuple(low), tuple(high))


def draw(random: np.random.Generator, jitter: Jitter, *, mirror: bool) -> Move:
    """Draw a move.

    Args:
        random: consumed by a fixed number of draws.
        jitter: bounds.
        mirror: whether the picture means the same in a mirror (smears do, bodies do not).
    """
    u = random.uniform(-1, 1, size=9)
    both = 1 + jitter.stretch * u[0]
    flips = random.random(3) < 0.5
    return Move(
        scale=(both * (1 + jitter.stretch * u[1] / 2), both * (1 + jitter.stretch * u[2] / 2)),
        shift=(jitter.shift * u[3], jitter.shift * u[4]),
        flip=(bool(flips[0]), bool(flips[1])) if mirror else (False, False),
        transposed=bool(flips[2]) if mirror else False,
        gamma=float(np.exp(jitter.gamma * u[5])),
        gain=float(1 + jitter.gain * u[6]),
        offset=float(jitter.gain * u[7] / 2),
        noise=float(jitter.noise * abs(u[8])),
    )


def apply(canvases: Tensor, moves: Sequence[Move]) -> Tensor:
    """Move canvases.

    Args:
        canvases: float (B, C, S, S) in [0, 1].
        moves: one per canvas.

    Returns:
        (B, C, S, S) in [0, 1]; what comes in from outside is 0. Noise is drawn from torch's generator.
    """
    affine = torch.zeros(len(moves), 2, 3)
    for row, move in enumerate(moves):
        for target, axis in ((0, 1), (1, 0)):  # grid_sample's x first; our axes are (y, x)
            sign, source = -1.0 if move.flip[axis] else 1.0, 1 - target if move.transposed else target
            affine[row, source, target] = sign / move.scale[axis]
            affine[row, source, 2] = -2 * move.shift[axis] / move.scale[axis]
    grid = F.affine_grid(affine.to(canvases), list(canvases.shape), align_corners=False)
    moved = F.grid_sample(canvases, grid, mode="bilinear", padding_mode="zeros", align_corners=False)

    def column(name: str) -> Tensor:
        return torch.tensor([getattr(move, name) for move in moves], dtype=moved.dtype, device=moved.device)[:, None, None, None]

    lit = (moved.clamp(min=0) ** column("gamma") - 0.5) * column("gain") + 0.5 + column("offset")
    noisy = lit + column("noise") * torch.randn_like(lit)
    # What lies outside the picture stays black, or its brightness would tell how the picture was moved.
    return noisy.clamp(0, 1) * (moved > 0)
