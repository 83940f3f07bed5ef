"""The tasks of reading a series, each slice described and decoded, sent through the gate."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gate_tasks import shape_of, sorted_files
from vesalius.clinical import images
from vesalius.clinical.gate import Place
from vesalius.errors import InputRefused
from vesalius.types import Part

PACKAGES = ("vesalius", "pydicom", "numpy")


def read(folder: Path) -> npt.NDArray[Any]:
    """(files, Y, X) in the order of the files' names."""
    found = [one for one in images.describe([Place(path) for path in sorted_files(folder)]) if not isinstance(one, InputRefused)]
    pictures = [one.facts.header.picture for one in found if one.facts.header and one.facts.header.picture]
    pieces = [(one.place, picture, Part()) for one, picture in zip(found, pictures, strict=True)]
    return images.load_all(pieces, shape_of(pictures), pictures[0].dtype)


def aligned(result: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """The slices as they come, with no place."""
    return result, np.eye(4)
