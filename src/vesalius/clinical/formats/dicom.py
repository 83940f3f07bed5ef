"""DICOM files: pictures, clips and slices, and the objects beside them that hold no picture."""

from io import BufferedReader

from vesalius.clinical import wire
from vesalius.clinical.dicom.decoding import decode_frames
from vesalius.clinical.dicom.facts import Header
from vesalius.clinical.dicom.header import read_header
from vesalius.clinical.dicom.pixels import PixelFormat
from vesalius.clinical.dicom.slide import decode_region
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
    if description.kind == "slide":
        decode_region(file, description, part, out)
        return
    pixels, step = wire.unpack(PixelFormat, description.notes["pixels"]), description.notes.get("step", 1)
    if part.index or step == 1:
        decode_frames(file, pixels, part.index[0] * step if part.index else None, out)
        return
    for index in range(len(out)):  # of a clip with too many frames some are read
        decode_frames(file, pixels, index * step, out[index])
