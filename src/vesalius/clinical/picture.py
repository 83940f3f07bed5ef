"""What a reader says of one picture, before any pixel is decoded: plain data that crosses the gate."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vesalius.clinical.geometry import Rows, checked_size
from vesalius.types import CodedWarning, Kind, Part


@dataclass(frozen=True)
class Description:
    """One picture as its header states it. Fields that `Image` has too mean the same there.

    Attributes:
        format: the reader's name, as `signatures` has it.
        dtype: of the decoded array, as numpy names it.
        affine_lps_mm: the rows of `Image.affine_lps_mm`.
        levels: (rows, columns) of each level of a slide, finest first.
        notes: what the reader's own `decode` needs to know again.
    """

    format: str
    kind: Kind
    shape: tuple[int, ...]
    channels: int
    dtype: str
    spacing_mm: tuple[float, ...] | None = None
    frame_s: float | None = None
    frame_times_s: tuple[float, ...] | None = None
    affine_lps_mm: Rows | None = None
    modality: str | None = None
    view: str | None = None
    scanner: str | None = None
    window: tuple[float, float] | None = None
    inverted: bool = False
    levels: tuple[tuple[int, int], ...] = ()
    warnings: tuple[CodedWarning, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)

    def shape_of(self, part: Part) -> tuple[int, ...]:
        """The shape of the array that `part` decodes to, colors last.

        Raises:
            IndexError: the part lies outside the picture.
            InputRefused: `size_limit`, when it is larger than an array may be.
        """
        leading = self.shape[:-2]
        outside = len(part.index) > len(leading) or any(
            not 0 <= at < length for at, length in zip(part.index, leading, strict=False)
        )
        levels = self.levels or (self.shape[-2:],)
        if outside or not 0 <= part.level < len(levels):
            raise IndexError(f"{part} lies outside a picture of {self.shape} with {len(levels)} levels")
        rows, columns = levels[part.level]
        y0, x0, y1, x1 = part.box_yxyx_px or (0, 0, rows, columns)
        if not (0 <= y0 < y1 <= rows and 0 <= x0 < x1 <= columns):
            raise IndexError(f"{part} lies outside a level of {(rows, columns)}")
        rest, colors = leading[len(part.index) :], (3,) if self.channels == 3 else ()
        checked_size(math.prod(rest), y1 - y0, x1 - x0, item_bytes=self.channels * np.dtype(self.dtype).itemsize)
        return (*rest, y1 - y0, x1 - x0, *colors)
