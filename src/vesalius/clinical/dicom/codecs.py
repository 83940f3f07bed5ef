"""Which compressions of DICOM pixels this installation reads, and by which library."""

from dataclasses import dataclass

from pydicom import uid
from pydicom.pixels.decoders.base import get_decoder

FAMILIES: dict[str, tuple[uid.UID, ...]] = {
    "JPEG": (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit),
    "JPEG lossless": (uid.JPEGLosslessSV1, uid.JPEGLossless),
    "JPEG-LS": (uid.JPEGLSLossless, uid.JPEGLSNearLossless),
    "JPEG 2000": (uid.JPEG2000Lossless, uid.JPEG2000),
    "high-throughput JPEG 2000": (uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K),
    "RLE": (uid.RLELossless,),
}


@dataclass(frozen=True)
class Codec:
    """One family of compressions: the libraries that read some of it, and the DICOM names that none reads."""

    family: str
    readers: tuple[str, ...]
    unread: tuple[str, ...]


def codecs() -> list[Codec]:
    """One `Codec` per family, in the order in which they are met most often. Nothing is decoded to find out."""
    return [_codec(family, syntaxes) for family, syntaxes in FAMILIES.items()]


def _codec(family: str, syntaxes: tuple[uid.UID, ...]) -> Codec:
    decoders = [get_decoder(syntax) for syntax in syntaxes]
    readers = sorted({plugin for decoder in decoders for plugin in decoder.available_plugins})
    unread = tuple(decoder.UID.name for decoder in decoders if not decoder.is_available)
    return Codec(family, tuple(readers), unread)
