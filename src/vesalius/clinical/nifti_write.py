"""NIfTI-1 files written: `.nii.gz` with one image, its place in the patient, and nothing that says when or where.

Source: nifti1.h of the NIfTI Data Format Working Group; the fields stand where `formats/nifti.py` reads them.
"""

import gzip
import struct
from pathlib import Path

import numpy as np

from vesalius.clinical.geometry import ras_from_lps
from vesalius.errors import UsageError
from vesalius.types import Array

HEAD_BYTES, FIRST_VOXEL = 348, 352
LONGEST = 2**15 - 1  # samples along an axis: a field has two bytes
LEVEL = 6  # of compression
_TYPES = {"uint8": 2, "int16": 4, "uint16": 512}
_RGB = 128
_MM, _SECONDS = 2, 8


def write_nifti(
    path: Path,
    values: Array,
    *,
    spacing_mm: tuple[float, ...] | None = None,
    affine_lps_mm: Array | None = None,
    frame_s: float | None = None,
    is_color: bool = False,
) -> None:
    """Write a picture, a volume or a film; the same arguments give the same bytes.

    Args:
        path: the file to write, `.nii.gz`; its folder must exist.
        values: bool, uint8, int16 or uint16: (Y, X), (Z, Y, X), or with `frame_s` (T, Y, X); a last axis of 3 if `is_color`,
            then uint8. A film is a series of volumes of one slice.
        spacing_mm: per spatial axis in array order; None when unknown.
        affine_lps_mm: (4, 4), (z, y, x, 1) at voxel centers → LPS mm; None when the position is unknown. The file has it in RAS.
        frame_s: from frame to frame of a film.
        is_color: the values are RGB.

    Raises:
        UsageError: `bad_option`, when the file cannot hold the values.
    """
    stored = values.astype(np.uint8) if values.dtype == np.bool_ else values
    lengths = stored.shape[:-1] if is_color else stored.shape
    if stored.dtype.name not in _TYPES or (is_color and (stored.shape[-1] != 3 or stored.dtype != np.uint8)):
        raise UsageError("bad_option", "NIfTI is written of bool, uint8, int16, uint16 and RGB. Others are not. Convert it.")
    if len(lengths) not in (2, 3) or min(lengths) < 1 or max(lengths) > LONGEST:
        raise UsageError("bad_option", f"NIfTI-1 holds sides of 1 to {LONGEST} samples along 2 or 3 axes. Cut the picture.")
    head = _head(lengths, stored, spacing_mm, affine_lps_mm, frame_s, is_color=is_color)
    voxels = np.ascontiguousarray(stored, stored.dtype.newbyteorder("<")).tobytes()
    # The file's own name and time are left out of the gzip header: the same image is the same bytes.
    path.write_bytes(gzip.compress(head + voxels, compresslevel=LEVEL, mtime=0))


def _head(
    lengths: tuple[int, ...],
    stored: Array,
    spacing_mm: tuple[float, ...] | None,
    affine_lps_mm: Array | None,
    frame_s: float | None,
    *,
    is_color: bool,
) -> bytes:
    head = bytearray(FIRST_VOXEL)
    sides = lengths[::-1] if frame_s is None else (*lengths[:0:-1], 1, lengths[0])  # i, j, k, t
    bits = 8 * stored.dtype.itemsize * (3 if is_color else 1)
    steps = (*spacing_mm[::-1], 1.0)[:3] if spacing_mm else (0.0, 0.0, 0.0)  # a lone slice has a thickness of 1
    struct.pack_into("<i", head, 0, HEAD_BYTES)
    struct.pack_into("<8h", head, 40, len(sides), *sides, *([1] * (7 - len(sides))))
    struct.pack_into("<2h", head, 70, _RGB if is_color else _TYPES[stored.dtype.name], bits)
    struct.pack_into("<5f", head, 76, 1.0, *steps, frame_s or 0.0)
    struct.pack_into("<3f", head, 108, FIRST_VOXEL, 1.0, 0.0)
    struct.pack_into("<B", head, 123, (_MM if spacing_mm else 0) | (_SECONDS if frame_s else 0))
    if affine_lps_mm is not None:
        struct.pack_into("<h", head, 254, 1)  # sform: where the scanner has it
        struct.pack_into("<12f", head, 280, *ras_from_lps(affine_lps_mm)[:3].ravel())
    head[344:348] = b"n+1\0"
    return bytes(head)
