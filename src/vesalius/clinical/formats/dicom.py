"""DICOM files: pictures, clips and slices, and the objects beside them that hold no picture."""

from io import BufferedReader

from vesalius.clinical import wire
from vesalius.clinical.dicom.facts import Header
from vesalius.clinical.dicom.header import read_header
from vesalius.clinical.dicom.pixels import PixelFormat, decode_frames
from vesalius.clinical.picture import Description
from vesalius.types import Array, Part


def describe(file: BufferedReader, sha256: str) -> Header:
    """What the header says; no pixel is decoded.

    Raises:
        InputRefused: with the code of what is wrong.
    """
    return read_header(file, sha256)


def decode(file: BufferedReader, description: Description, part: Part, out: Array) -> None:
    """The acquisition's values of `part`, into `out`.

    Raises:
        InputRefused: `decode_failed`, `pixel_mismatch`, `pixel_data_short`.
    """
    pixels = wire.unpack(PixelFormat, description.notes["pixels"])
    decode_frames(file, pixels, part.index[0] if part.index else None, out)
