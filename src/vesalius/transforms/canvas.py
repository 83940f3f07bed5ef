"""Fitting a picture onto a square canvas, and boxes there and back."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vesalius.types import Box


@dataclass(frozen=True)
class Placement:
    """Where a picture lies on a canvas: canvas = offset + scale x picture, per axis (y, x), in pixels."""

    scale: tuple[float, float]
    offset_px: tuple[float, float]
    picture_px: tuple[int, int]
    canvas_px: int

    def to_canvas(self, box: Box) -> Box:
        """A 2-D box of the picture, in canvas pixels."""
        return Box(self._forward(box.low), self._forward(box.high))

    def to_picture(self, box: Box) -> Box:
        """A 2-D box of the canvas, in the picture's pixels, cut at the picture's border and at least one pixel large."""
        low, high = self._backward(box.low), self._backward(box.high)
        lows = tuple(min(max(v, 0.0), side - 1.0) for v, side in zip(low, self.picture_px, strict=True))
        highs = tuple(min(max(v, lo + 1.0), float(s)) for v, lo, s in zip(high, lows, self.picture_px, strict=True))
        return Box(lows, highs)

    def _forward(self, point: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(o + s * p for p, s, o in zip(point, self.scale, self.offset_px, strict=True))

    def _backward(self, point: tuple[float, ...]) -> tuple[float, ...]:
        return tuple((p - o) / s for p, s, o in zip(point, self.scale, self.offset_px, strict=True))


def place(shape: tuple[int, int], canvas_px: int) -> Placement:
    """The placement that shows a whole picture as large as fits, centered, its proportions kept.

    Args:
        shape: the picture's (Y, X), both > 0.
        canvas_px: side of the square canvas.
    """
    scale = canvas_px / max(shape)
    offset = tuple((canvas_px - scale * side) / 2 for side in shape)
    return Placement((scale, scale), (offset[0], offset[1]), shape, canvas_px)


def resample(picture: npt.NDArray[np.float32], placement: Placement) -> npt.NDArray[np.float32]:
    """Draw a picture onto its canvas: area-averaging when shrinking, linear when enlarging, 0 outside.

    Args:
        picture: float32, (Y, X, C).
        placement: from `place`.

    Returns:
        float32, (canvas, canvas, C).
    """
    side = placement.canvas_px
    rows = _weights(picture.shape[0], side, placement.scale[0], placement.offset_px[0])
    columns = _weights(picture.shape[1], side, placement.scale[1], placement.offset_px[1])
    drawn = np.einsum("ay,yxc->axc", rows, picture, optimize=True)
    canvas: npt.NDArray[np.float32] = np.einsum("bx,axc->abc", columns, drawn, optimize=True).astype(np.float32)
    return canvas


def _weights(size: int, side: int, scale: float, offset: float) -> npt.NDArray[np.float32]:
    """(side, size): row i holds the weights with which canvas pixel i averages the picture's pixels (a triangle filter)."""
    centers = (np.arange(side, dtype=np.float64) + 0.5 - offset) / scale  # in picture pixels
    reach = max(1.0, 1.0 / scale)  # half width of the triangle, in picture pixels
    distance = np.abs(np.arange(size)[None, :] + 0.5 - centers[:, None]) / reach
    weights = np.clip(1.0 - distance, 0.0, None)
    inside = (centers > 0) & (centers < size)
    total = weights.sum(axis=1, keepdims=True)
    shares: npt.NDArray[np.float32] = (weights / np.where(total > 0, total, 1)).astype(np.float32)
    shares[~inside] = 0
    return shares
