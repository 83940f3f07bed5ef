"""Which part of a volume, clip or picture is shown: slices or frames, and a box in the plane, drawn anew in each epoch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Taken(NamedTuple):
    """What was taken of one picture.

    Attributes:
        slices: of a volume, frames of a clip, volumes of a series; None: all, or it has none.
        box_yxyx_px: (y0, x0, y1, x1) in the plane, half-open; None: the whole plane.
    """

    slices: tuple[int, ...] | None
    box_yxyx_px: tuple[int, int, int, int] | None


WHOLE = Taken(None, None)


@dataclass(frozen=True)
class Cut:
    """How parts are drawn; what is smaller than asked for is taken whole, so that no value is made up.

    Args:
        slices: how many slices or frames; None: all.
        is_spread: spread evenly over the whole, beginning at random within the first step; else one behind the other.
        crop_px: (height, width) of the box in the plane; None: the whole plane.
    """

    slices: int | None = None
    is_spread: bool = False
    crop_px: tuple[int, int] | None = None

    def draw(self, random: np.random.Generator, shape: Sequence[int]) -> Taken:
        """A part of an array of this shape, without color."""
        index = box = None
        if len(shape) > 2 and self.slices is not None and self.slices < shape[0]:
            if self.is_spread:
                step = shape[0] / self.slices
                begin = random.random() * step
                index = tuple(min(int(begin + number * step), shape[0] - 1) for number in range(self.slices))
            else:
                first = int(random.integers(shape[0] - self.slices + 1))
                index = tuple(range(first, first + self.slices))
        if self.crop_px is not None and len(shape) > 1:
            height, width = (min(wanted, there) for wanted, there in zip(self.crop_px, shape[-2:], strict=True))
            y0, x0 = int(random.integers(shape[-2] - height + 1)), int(random.integers(shape[-1] - width + 1))
            if (height, width) != tuple(shape[-2:]):
                box = (y0, x0, y0 + height, x0 + width)
        return Taken(index, box)
