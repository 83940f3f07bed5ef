"""Box codecs: how a model family writes a box. Each says its space, its order and its range.

A codec maps a `Box` in pixels of the picture *as the model is shown it* to integers and back. The round trip moves no
corner by more than a pixel of that picture; a property test holds every codec in this file to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from vesalius.types import Box


class BoxCodec(Protocol):
    """How one model family writes 2-D boxes."""

    def encode(self, box: Box, shown_px: tuple[int, int]) -> tuple[int, int, int, int]:
        """Four integers in the family's own order, from a box in pixels of the shown picture (Y, X)."""

    def decode(self, numbers: Sequence[int], shown_px: tuple[int, int]) -> Box:
        """The box in pixels of the shown picture; corners that come in the wrong order are swapped."""


@dataclass(frozen=True)
class CanvasBins:
    """The native model's: x0 y0 x1 y1, each an index of one of `bins` equal shares of the canvas' side.

    Exact to half a share: within a pixel for canvases of up to 2 x `bins` pixels.
    """

    bins: int = 256

    def encode(self, box: Box, shown_px: tuple[int, int]) -> tuple[int, int, int, int]:
        """Corners outside the canvas are moved to its border."""
        height, width = shown_px
        x0, y0, x1, y1 = box.xyxy_px
        numbers = [int(v / side * self.bins) for v, side in ((x0, width), (y0, height), (x1, width), (y1, height))]
        a, b, c, d = (min(max(number, 0), self.bins - 1) for number in numbers)
        return a, b, c, d

    def decode(self, numbers: Sequence[int], shown_px: tuple[int, int]) -> Box:
        """Middles of the shares; at least one share large."""
        height, width = shown_px
        x0, x1 = sorted((numbers[0], numbers[2]))
        y0, y1 = sorted((numbers[1], numbers[3]))
        low = ((y0 + 0.5) * height / self.bins, (x0 + 0.5) * width / self.bins)
        high = ((max(y1, y0 + 1) + 0.5) * height / self.bins, (max(x1, x0 + 1) + 0.5) * width / self.bins)
        return Box(low, high)
