"""Ours: pictures of their own shapes, packed."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import shapes

PACKAGES = ("vesalius", "torch", "numpy")


def read(folder: Path) -> int:
    """Embed all once."""
    return shapes.embedded(shapes.pictures())


def aligned(result: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """What says whether the same pictures were embedded."""
    return shapes.told()


def told(folder: Path) -> dict[str, Any]:
    """How much smaller the pictures are than the largest."""
    return {"share_of_pixels": round(shapes.share(), 3), "shapes": len({one.shape for one in shapes.pictures()})}
