"""A phantom's pictures as every reader gives them: the values that their DICOM files hold, in memory."""

import hashlib

from vesalius.phantom.truth import Phantom, Picture
from vesalius.types import Image, Source


def to_image(picture: Picture, phantom: Phantom) -> Image:
    """One of the phantom's pictures, volumes or clips; a slide is read by region and has no array in memory.

    The pixels are `picture.pixels` as they are: HU as int16, other gray as uint16 of 12 bits, color as uint8.
    """
    frame_times_s = None
    if picture.kind == "clip" and picture.frame_s:
        frame_times_s = tuple(round(index * picture.frame_s, 9) for index in range(len(picture.pixels)))
    return Image(
        kind=picture.kind,
        shape=picture.pixels.shape[:-1] if picture.channels == 3 else picture.pixels.shape,
        channels=picture.channels,
        load=lambda: picture.pixels,
        source=Source(None, hashlib.sha256(picture.pixels.tobytes()).hexdigest(), "phantom"),
        spacing_mm=picture.spacing_mm,
        frame_s=None if frame_times_s is None else round(float(picture.frame_s or 0), 9),
        affine_lps_mm=picture.affine_lps_mm,
        modality=picture.modality,
        view=picture.view,
        window=picture.window,
        day=float(phantom.day),
        frame_times_s=frame_times_s,
    )
