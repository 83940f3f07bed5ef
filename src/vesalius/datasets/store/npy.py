"""The head of a stored `.npy` file: what workers that decode need of the store, and no more, so that they start soon."""

import os
from dataclasses import dataclass
from typing import BinaryIO, Literal

import numpy as np

from vesalius.errors import InputRefused


@dataclass(frozen=True)
class Stated:
    """What the head of an `.npy` file says: the type and shape of its array, its order, and where the values begin."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    order: Literal["C", "F"]
    begin: int


def opened_npy(file: BinaryIO) -> Stated:
    """The head of an `.npy` file that holds as many numbers as it states.

    Raises:
        InputRefused: `bad_dataset`.
    """
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, in_columns, dtype = read(file)
    except (ValueError, EOFError) as error:
        raise _no_array() from error
    begin = file.tell()
    size = file.seek(0, os.SEEK_END) - begin
    count = 1
    for length in shape:
        count *= length  # Python's own numbers: none is too large
    if dtype.hasobject or dtype.kind not in "biuf" or count * dtype.itemsize != size:
        raise _no_array()
    return Stated(dtype, shape, "F" if in_columns else "C", begin)


def _no_array() -> InputRefused:
    return InputRefused(
        "bad_dataset", "A file of the dataset holds no array of numbers. Nothing of it is read. Write the folder again."
    )
