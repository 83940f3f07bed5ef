"""Which compressions of DICOM pixels are read, by which packages, and which of those are missing here."""

import functools
import importlib.util
from dataclasses import dataclass

from pydicom import uid

FAMILIES: dict[str, tuple[uid.UID, ...]] = {
    "JPEG": (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit),
    "JPEG lossless": (uid.JPEGLosslessSV1, uid.JPEGLossless),
    "JPEG-LS": (uid.JPEGLSLossless, uid.JPEGLSNearLossless),
    "JPEG 2000": (uid.JPEG2000Lossless, uid.JPEG2000),
    "high-throughput JPEG 2000": (uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K),
    "RLE": (uid.RLELossless,),
}
# Package by the module that it is imported as, for each transfer syntax.
_GDCM, _OPENJPEG = {"gdcm": "python-gdcm"}, {"openjpeg": "pylibjpeg-openjpeg"}
_READERS: dict[str, dict[str, str]] = {
    "JPEG": {"PIL": "pillow", **_GDCM},
    "JPEG lossless": _GDCM,
    "JPEG-LS": {"jpeg_ls": "pyjpegls"},
    "JPEG 2000": _OPENJPEG,
    "high-throughput JPEG 2000": _OPENJPEG,
    "RLE": {"rle": "pylibjpeg-rle"},
}


@dataclass(frozen=True)
class Codec:
    """One family of compressions: the packages that read it and are here, and the DICOM names that cannot be read."""

    family: str
    readers: tuple[str, ...]
    unread: tuple[str, ...]


def codecs() -> list[Codec]:
    """One `Codec` per family, in the order in which they are met most often. Nothing is decoded to find out."""
    found = []
    for family, syntaxes in FAMILIES.items():
        here = [package for module, package in _READERS[family].items() if importlib.util.find_spec(module)]
        unread = () if len(here) == len(_READERS[family]) else tuple(syntax.name for syntax in syntaxes)
        found.append(Codec(family, tuple(sorted(here)), unread))
    return found


@functools.cache
def missing(syntax: str) -> str | None:
    """The packages that reading a transfer syntax lacks, for pip; empty when none. None for what no package reads."""
    for family, syntaxes in FAMILIES.items():
        if syntax in syntaxes:
            return " ".join(package for module, package in _READERS[family].items() if not importlib.util.find_spec(module))
    return None
