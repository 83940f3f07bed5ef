"""A phantom's pictures as every reader gives them: the values that their DICOM files hold, in memory."""

import hashlib

import numpy as np

from vesalius.phantom.grid import Grid
from vesalius.phantom.truth import Phantom, Picture
from vesalius.types import Array, Image, Source

SCREEN_BITS = 4  # that an ultrasound machine drops of twelve: its pictures have eight (PS3.3, C.8.5.6.1.13)


def to_image(picture: Picture, phantom: Phantom) -> Image:
    """One of the phantom's pictures, volumes or clips; a slide is read by region and has no array in memory."""
    pixels = stored(picture)
    shape = pixels.shape[:-1] if picture.channels == 3 else pixels.shape
    frame_times_s = None
    if picture.kind == "clip" and picture.frame_s:
        frame_times_s = tuple(round(index * picture.frame_s, 9) for index in range(shape[0]))
    return Image(
        kind=picture.kind,
        shape=shape,
        channels=picture.channels,
        load=lambda: pixels,
        source=Source(None, hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest(), "phantom"),
        spacing_mm=picture.spacing_mm,
        frame_s=None if frame_times_s is None else round(float(picture.frame_s or 0), 9),
        affine_lps_mm=affine_of(picture),
        modality=picture.modality,
        view=picture.view if picture.modality == "DX" else None,  # the side of an eye is no view
        window=picture.window,
        day=float(phantom.day),
        frame_times_s=frame_times_s,
    )


def stem_of(phantom: Phantom, picture: Picture) -> str:
    """What the names of a picture's files begin with."""
    return f"{phantom.kind}-{phantom.seed}-visit-{phantom.visit}-{picture.name.replace(' ', '-')}"


def mask_stem_of(phantom: Phantom, picture: Picture, mask: str) -> str:
    """What the names of the files of one of its masks begin with."""
    return f"{stem_of(phantom, picture)}-mask-{mask.replace(' ', '-')}"


def on_screen(pixels: Array) -> Array:
    """Gray of twelve bits with the eight that a screen or a film shows; other pixels as they are."""
    return (pixels >> SCREEN_BITS).astype(np.uint8) if pixels.dtype == np.uint16 else pixels


def stored(picture: Picture) -> Array:
    """The pixels as files hold them: HU as int16, other gray as uint16 of 12 bits, ultrasound and color as uint8."""
    return on_screen(picture.pixels) if picture.modality == "US" else picture.pixels


def affine_of(picture: Picture) -> Array | None:
    """Where the picture lies in the patient, as its DICOM file says it: a volume, or a section through the retina.

    A section must have a place (PS3.3, A.52.4.3); one without lies in the middle of the eye, its depth toward the back.
    """
    if picture.modality == "OPT" and picture.affine_lps_mm is None and picture.spacing_mm is not None:
        return Grid(picture.pixels.shape, picture.spacing_mm).affine_lps_mm()
    return picture.affine_lps_mm if picture.kind == "volume" or picture.modality == "OPT" else None
