"""The same tasks of reading a series, called in one process without the gate."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gate_tasks import shape_of, sorted_files
from vesalius.clinical import reading
from vesalius.clinical.reading import Facts
from vesalius.clinical.wire import pack, unpack
from vesalius.types import Part

PACKAGES = ("vesalius", "pydicom", "numpy")


def read(folder: Path) -> npt.NDArray[Any]:
    """(files, Y, X) in the order of the files' names."""
    files = sorted_files(folder)
    pictures = []
    for path in files:
        with path.open("rb") as file:
            facts = unpack(Facts, reading.describe(file, {"suffix": path.suffix, "salt": "bench"}, None, None))
        assert facts.header is not None, "the folder holds DICOM alone"
        assert facts.header.picture is not None, "and every file a picture"
        pictures.append(facts.header.picture)
    volume = np.empty(shape_of(pictures), dtype=pictures[0].dtype)
    for path, picture, plane in zip(files, pictures, volume, strict=True):
        with path.open("rb") as file:
            reading.decode(file, {"description": pack(picture), "part": pack(Part())}, plane, None)
    return volume


def aligned(result: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """The slices as they come, with no place."""
    return result, np.eye(4)
