"""What a file is, told by its content: never by its name."""

import struct
import zlib

HEAD_BYTES = 4096

GZIP = b"\x1f\x8b"
PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
EXECUTABLES = (
    b"MZ",
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
)
# First elements that DICOM files without a preamble begin with: group length, character set, image type, class, instance.
_FIRST_ELEMENTS = {0x0002: {0x00, 0x01, 0x02, 0x10}, 0x0008: {0x00, 0x01, 0x05, 0x08, 0x12, 0x16, 0x18, 0x20}}
_FIRST_VRS = {b"UL", b"OB", b"UI", b"CS", b"DA", b"TM", b"LO", b"RET"}
# The names by which files of a type are called; a file that is called otherwise is still read by its content.
SUFFIXES = {
    "dicom": (".dcm", ".dicom", ".dic"),
    "nifti": (".nii", ".nii.gz", ".hdr"),
    "mgh": (".mgh", ".mgz"),
    "nrrd": (".nrrd", ".nhdr"),
    "metaimage": (".mha", ".mhd"),
    "raster": (".png", ".jpg", ".jpeg", ".webp", ".bmp"),
    "tiff": (".tif", ".tiff", ".svs", ".ndpi"),
    "video": (".mp4", ".mov", ".avi", ".mpeg", ".mpg", ".gif", ".m4v"),
    "archive": (".zip", ".tar", ".tgz", ".tar.gz"),
}


def types_of(head: bytes) -> list[str]:
    """The readers whose signature `head`, a file's first 4096 bytes, carries: several for a file that is two things at once."""
    content = _inflated(head) if head.startswith(GZIP) else head
    found = {
        "dicom": has_preamble(head) or _looks_bare(head),
        "nifti": content[344:348] in (b"n+1\0", b"ni1\0") or content[4:8] in (b"n+2\0", b"ni2\0"),
        "mgh": content[:4] == b"\0\0\0\1" and len(content) >= 284,
        "nrrd": head.startswith(b"NRRD000"),
        "metaimage": head.startswith((b"ObjectType", b"NDims")) and b"ElementType" in head,
        "raster": head.startswith((PNG, JPEG)) or (head.startswith(b"RIFF") and head[8:12] == b"WEBP"),
        "tiff": head.startswith(TIFF),
        "video": _is_video(head),
        "archive": head.startswith((b"PK\3\4", b"PK\5\6")) or content[257:262] == b"ustar",
    }
    return [name for name, fits in found.items() if fits]


def has_preamble(head: bytes) -> bool:
    """Whether DICOM's four letters stand where they should."""
    return head[128:132] == b"DICM"


def _looks_bare(head: bytes) -> bool:
    """Whether a DICOM data set begins at once, without a preamble."""
    if len(head) < 12:
        return False
    group, element, length = struct.unpack("<HHI", head[:8])
    if element not in _FIRST_ELEMENTS.get(group, set()):
        return False
    return head[4:6] in _FIRST_VRS or length <= 256


def _is_video(head: bytes) -> bool:
    is_avi = head.startswith(b"RIFF") and head[8:12] == b"AVI "
    is_mp4 = head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip") and head[:4] < b"\1\0\0\0"
    is_mpeg = head.startswith((b"\0\0\1\xba", b"\0\0\1\xb3"))
    return is_avi or is_mp4 or is_mpeg or head.startswith((b"GIF87a", b"GIF89a"))


def _inflated(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""
