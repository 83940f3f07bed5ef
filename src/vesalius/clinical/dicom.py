"""DICOM files that hold one picture or one clip."""

import functools
from pathlib import Path

import numpy as np

from vesalius.clinical.dicom_file import recognizes
from vesalius.clinical.dicom_header import Header, read_header
from vesalius.clinical.dicom_pixels import decode
from vesalius.clinical.geometry import Affine
from vesalius.errors import InputRefused
from vesalius.types import Image, Source

__all__ = ["open_image", "picture", "recognizes"]


def open_image(path: Path) -> Image:
    """One file as a picture or, when it has several frames, a clip; only the header is read now.

    A single slice of a CT or MR is a picture with an affine; `study.read` stacks slices to volumes.

    Raises:
        InputRefused: with the code of what is wrong; `no_pixels` for reports, segmentations, plans and the like.
            `load` raises `decode_failed` or `bad_pixel_module`.
    """
    header = read_header(path)
    if header.kind != "picture":
        raise InputRefused(
            "no_pixels", f"The object is of the kind '{header.kind}' and holds no picture. Name a file that holds one."
        )
    return picture(header)


def picture(header: Header) -> Image:
    """The image of one header whose kind is picture."""
    pixels = header.pixels
    assert pixels is not None, "a header of kind picture has pixels"
    is_clip = pixels.frames > 1
    return Image(
        kind="clip" if is_clip else "image",
        shape=(pixels.frames, pixels.rows, pixels.columns) if is_clip else (pixels.rows, pixels.columns),
        channels=pixels.channels,
        load=functools.partial(decode, header.path, pixels),
        source=Source(header.path, header.sha256, "DICOM"),
        spacing_mm=header.spacing_mm,
        frame_s=header.frame_s,
        affine_lps_mm=plane_affine(header, (0.0, 0.0, 0.0)),
        modality=header.modality,
        view=header.view,
        window=header.window,
        inverted=header.inverted,
        day=header.day,
        warnings=header.warnings,
    )


def plane_affine(header: Header, step_mm: tuple[float, float, float]) -> Affine | None:
    """The affine of a slice and those stacked on it by `step_mm`; None without position, orientation or spacing.

    For a single picture the step is unknown: pass zeros, and the affine gets the normal, 1 mm long, so that it can be
    inverted. z is 0 there.
    """
    if header.position_mm is None or header.row is None or header.column is None or header.spacing_mm is None:
        return None
    affine: Affine = np.eye(4)
    row, column = np.asarray(header.row), np.asarray(header.column)
    affine[:3, 0] = step_mm if any(step_mm) else np.cross(row, column)
    affine[:3, 1] = column * header.spacing_mm[0]
    affine[:3, 2] = row * header.spacing_mm[1]
    affine[:3, 3] = header.position_mm
    return affine
