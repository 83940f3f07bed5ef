"""NIfTI volumes: `.nii` and `.nii.gz`, versions 1 and 2."""

import contextlib
import gzip
import logging
import math
import os
import struct
import zlib
from collections.abc import Iterator
from io import BufferedIOBase, BufferedReader
from typing import Any

import nibabel
import numpy as np
from nibabel.arrayproxy import ArrayProxy

from vesalius.clinical.geometry import SHEAR_DEG, Affine, checked_size, is_usable, lps_from_ras, rows_of, shear_deg, spacing_of
from vesalius.clinical.picture import Description
from vesalius.clinical.signatures import GZIP
from vesalius.errors import InputRefused
from vesalius.types import Array, CodedWarning, Part

LIMIT_REST_BYTES, BLOCK_BYTES = 2**28, 2**20
HEAD_BYTES = 540  # the longer of the two headers
# NIfTI-1 says "n+1" at byte 344 when the pixels follow, "ni1" when they lie in a second file; NIfTI-2 says it at byte 4.
_UNITS_MM = {"mm": 1.0, "meter": 1000.0, "micron": 0.001, "unknown": 1.0}
_FAULTS = (OSError, EOFError, ValueError, TypeError, KeyError, ArithmeticError, struct.error, zlib.error)
_COLORS = {128: 3, 2304: 4}  # data types of packed RGB and RGBA
_COMPLEX = {32, 1792, 2048}


def describe(file: BufferedReader) -> Description:
    """A volume (Z, Y, X), or a picture (Y, X) when there is one slice; only the header is read now.

    The file's (i, j, k) becomes (k, j, i), and its RAS affine LPS, so that a voxel lies where it lies in DICOM. The
    array keeps the file's order along each axis. Integers with a scale are float32, packed RGB is uint8.

    Raises:
        InputRefused: `unsupported_type` for a header without pixels and for complex numbers,
            `unsupported_dimensions` for a series of volumes, `truncated`, `bad_attribute`, `bad_geometry`,
            `size_limit`. `load` raises `truncated` or `decode_failed`.
    """
    with _refusing("bad_attribute", "The header is damaged. It breaks the format. Export it again."):
        head = _content(file).read(HEAD_BYTES)
        if head[344:347] == b"ni1" or head[4:7] == b"ni2":
            raise InputRefused(
                "unsupported_type", "The header's pixels lie in a second file. Pairs are not read. Convert them to one .nii file."
            )
        header = _header(head)
        shape = _spatial_shape(header)
        datatype = int(header["datatype"])
        if datatype in _COMPLEX or datatype == 0:
            raise InputRefused("unsupported_type", "The voxels are complex numbers or of no type. Convert them to magnitudes.")
        stored = math.prod(shape) * int(header["bitpix"]) // 8
        item_bytes = _COLORS.get(datatype, max(4, int(header["bitpix"]) // 8))
        checked_size(shape[0], shape[1], shape[2], item_bytes=item_bytes)
        end = int(header["vox_offset"]) + stored
    if not _is_gzip(file) and file.seek(0, os.SEEK_END) < end:
        raise InputRefused("truncated", "The file ends before its voxels do. The rest is not guessed. Copy it again.")
    return _described(header, shape)


def _described(header: Any, shape: tuple[int, int, int]) -> Description:
    with _refusing("bad_geometry", "The orientation's numbers are impossible. Places would be guessed. Export it again."):
        affine, spacing, doubts = _geometry(header, shape)
    datatype = int(header["datatype"])
    if _COLORS.get(datatype) == 4:
        doubts.append(CodedWarning("transparency_dropped", "The voxels' transparency was dropped."))
    low, high = float(header["cal_min"]), float(header["cal_max"])
    is_volume = shape[0] > 1
    slope, intercept = (float(header[name]) for name in ("scl_slope", "scl_inter"))
    is_scaled = math.isfinite(slope) and slope != 0 and (slope, intercept if math.isfinite(intercept) else 0.0) != (1.0, 0.0)
    return Description(
        format="nifti",
        kind="volume" if is_volume else "image",
        shape=shape if is_volume else shape[1:],
        channels=3 if datatype in _COLORS else 1,
        dtype="uint8" if datatype in _COLORS else "float32" if is_scaled else header.get_data_dtype().newbyteorder("=").name,
        spacing_mm=spacing if is_volume or spacing is None else spacing[1:],
        affine_lps_mm=None if affine is None else rows_of(affine),
        window=((low + high) / 2, high - low) if math.isfinite(high - low) and high > low else None,
        warnings=tuple(doubts),
    )


def _geometry(
    header: Any, shape: tuple[int, int, int]
) -> tuple[Affine | None, tuple[float, float, float] | None, list[CodedWarning]]:
    doubts = []
    unit = header.get_xyzt_units()[0]
    if unit == "unknown":
        doubts.append(CodedWarning("units_unknown", "The file does not state its unit of length; millimetres were assumed."))
    scale = np.diag([_UNITS_MM[unit]] * 3 + [1.0])
    sform, qform = (None if code == 0 else scale @ ras for ras, code in _forms(header))
    ras = sform if sform is not None else qform
    if ras is None:
        doubts.append(CodedWarning("affine_unknown", "The file states no orientation; directions and sides are unknown."))
        sizes = [float(size) * _UNITS_MM[unit] for size in header["pixdim"][1:4]]
        known = all(math.isfinite(size) and size > 0 for size in sizes)
        if not known:
            doubts.append(CodedWarning("no_calibration", "The voxel size is unknown: nothing can be measured in millimetres."))
        return None, (sizes[2], sizes[1], sizes[0]) if known else None, doubts
    affine = lps_from_ras(ras)
    if not is_usable(affine):
        raise InputRefused("bad_geometry", "The orientation is not finite or folds the volume flat. Places would be guessed.")
    if sform is not None and qform is not None and (apart := _apart_mm(lps_from_ras(sform), lps_from_ras(qform), shape)):
        said = f"The file's two orientations place voxels up to {apart:g} mm apart; the sform was used."
        doubts.append(CodedWarning("orientation_conflict", said, {"mm": apart}))
    if (tilt := shear_deg(affine)) > SHEAR_DEG:
        said = f"The slices are sheared by {tilt:.1f} degrees: the stacking direction is not their normal."
        doubts.append(CodedWarning("gantry_tilt", said, {"degrees": round(tilt, 1)}))
    return affine, spacing_of(affine), doubts


def _forms(header: Any) -> tuple[tuple[Affine, int], tuple[Affine, int]]:
    """The sform and the qform in RAS with their codes; a qform that is no rotation is refused."""
    q_code = int(header["qform_code"])
    return (header.get_sform(), int(header["sform_code"])), (header.get_qform() if q_code else np.eye(4), q_code)


def _apart_mm(one: Affine, other: Affine, shape: tuple[int, int, int]) -> float:
    """How far the two place a corner voxel at most; 0 within half a voxel. Not finite counts as far."""
    ends = np.array(np.meshgrid(*[(0, length - 1) for length in shape])).reshape(3, -1)
    corners = np.vstack([ends, np.ones(ends.shape[1])])
    apart = float(np.linalg.norm(((one - other) @ corners)[:3], axis=0).max())
    return round(apart, 2) if not apart <= min(spacing_of(one)) / 2 else 0.0


def _spatial_shape(header: Any) -> tuple[int, int, int]:
    """(k, j, i); trailing axes of length 1 are none."""
    lengths = [int(length) for length in header["dim"][1 : 1 + int(header["dim"][0])]]
    while len(lengths) > 3 and lengths[-1] == 1:
        lengths.pop()
    if len(lengths) > 3:
        raise InputRefused(
            "unsupported_dimensions",
            f"The file holds {math.prod(lengths[3:])} volumes or components, which is not read yet. Export one of them.",
        )
    i, j, k = (*lengths, 1, 1, 1)[:3]
    return (k, j, i)


def decode(file: BufferedReader, description: Description, part: Part, out: Array) -> None:
    """(Z, Y, X) or (Y, X), with a last axis of 3 for color, into `out`.

    Raises:
        InputRefused: `truncated` or `decode_failed`.
    """
    shape = description.shape if description.kind == "volume" else (1, *description.shape)
    with _refusing("decode_failed", "The voxels are damaged. Nothing is guessed. Copy the file again."):
        content = _content(file)
        proxy = ArrayProxy(content, _header(content.read(HEAD_BYTES)), mmap=False)  # type: ignore[no-untyped-call]
        voxels = np.asanyarray(proxy)
        _check_rest(content)
    if voxels.dtype.names:
        voxels = np.stack([voxels[name] for name in voxels.dtype.names[:3]], axis=-1)
        voxels = voxels.reshape(*shape[::-1], 3).transpose(2, 1, 0, 3)
    else:
        voxels = voxels.reshape(shape[::-1]).transpose(2, 1, 0)
    found = voxels if description.kind == "volume" else voxels[0]
    out[...] = found[part.index]


def _check_rest(file: BufferedIOBase) -> None:
    """Read on to the end: only there does gzip compare its checksum, and damaged voxels would pass without."""
    for _ in range(LIMIT_REST_BYTES // BLOCK_BYTES):
        if not file.read(BLOCK_BYTES):
            return
    raise ValueError("too much follows the voxels")


def _header(head: bytes) -> Any:
    """The header alone: extensions, which may claim any length, are not read."""
    is_second = head[4:6] in (b"n+", b"ni")
    if is_second:
        return nibabel.Nifti2Header(head[:540])  # type: ignore[no-untyped-call]
    return nibabel.Nifti1Header(head[:348])  # type: ignore[no-untyped-call]


def _content(file: BufferedReader) -> BufferedIOBase:
    """The file from its beginning, inflated where it is compressed."""
    is_gzip = _is_gzip(file)
    file.seek(0)
    return gzip.GzipFile(fileobj=file, mode="rb") if is_gzip else file


def _is_gzip(file: BufferedReader) -> bool:
    file.seek(0)
    return file.read(2) == GZIP


@contextlib.contextmanager
def _refusing(code: str, message: str) -> Iterator[None]:
    """Turn what gzip and nibabel raise on broken files into a refusal, and keep nibabel's log off the terminal."""
    logger = logging.getLogger("nibabel")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    except EOFError:
        raise InputRefused("truncated", "The compressed file ends early. The rest is not guessed. Copy it again.") from None
    except (*_FAULTS, nibabel.filebasedimages.ImageFileError, nibabel.spatialimages.HeaderDataError):
        raise InputRefused(code, message) from None
    finally:
        logger.setLevel(level)
