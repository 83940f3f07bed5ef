"""A phantom written as the DICOM files that a hospital's machines would send."""

import hashlib

from vesalius.phantom.truth import Phantom


def patient_id(phantom: Phantom) -> str:
    """The number that the phantom's DICOM files carry: kind and seed."""
    return f"{phantom.kind}-{phantom.seed}"


def uid(phantom: Phantom, level: str, *parts: str) -> str:
    """A UID of the phantom's: the same for the same first picture, visit, level and parts, never the same for others.

    Args:
        phantom: whose.
        level: "study", "series", "frame" (of reference), "instance", …
        parts: what tells the objects of one level apart: the picture, the slice.
    """
    content = hashlib.sha256(phantom.picture.pixels.tobytes()).hexdigest()
    name = "|".join([level, patient_id(phantom), str(phantom.visit), content, *parts])
    return f"2.25.{int.from_bytes(hashlib.sha256(name.encode()).digest()[:15], 'big')}"
