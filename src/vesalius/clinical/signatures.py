"""What a file is, told by its content: never by its name."""

import contextlib
import struct
import zlib

HEAD_BYTES = 4096
TAIL_BYTES = 22 + 65535  # in which the end of a zip lies, whatever comment follows

GZIP, PDF = b"\x1f\x8b", b"%PDF-"
PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BMP_HEADS = {struct.pack("<I", size) for size in (12, 16, 40, 52, 56, 64, 108, 124)}
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
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"})  # an MP4 or QuickTime file begins with one of these
_BOXED = (".mp4", ".mov", ".m4v", ".qt")  # and is called by one of these
# Brands of files that are built like videos and hold pictures: HEIF, AVIF, a maker's raw ones.
_STILLS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis", b"crx "})
# The names by which files of a type are called; a file that is called otherwise is still read by its content.
SUFFIXES = {
    "dicom": (".dcm", ".dicom", ".dic"),
    "nifti": (".nii", ".nii.gz", ".hdr"),
    "mgh": (".mgh", ".mgz"),
    "nrrd": (".nrrd", ".nhdr"),
    "metaimage": (".mha", ".mhd"),
    "raster": (".png", ".jpg", ".jpeg", ".webp", ".bmp"),
    "tiff": (".tif", ".tiff", ".svs", ".ndpi"),
    "gif": (".gif",),
    "video": (".mp4", ".mov", ".avi", ".mpeg", ".mpg", ".m4v", ".qt"),
    "archive": (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz"),
}

# The first names in documents and programs that are zip archives inside, and are none to those who use them.
_PACKED_DOCUMENTS = (b"[Content_Types].xml", b"mimetype", b"META-INF/")
# Of types that have several signatures, the names that go with each.
_OF_CONTENT = {
    PNG: (".png",),
    JPEG: (".jpg", ".jpeg"),
    b"RIFF": (".webp", ".avi"),
    b"\0\0\1": (".mpeg", ".mpg"),
    b"PK": (".zip",),
    b"BZh": (".tar.bz2", ".tbz2"),
    b"\xfd7zXZ": (".tar.xz", ".txz"),
}


def types_of(head: bytes) -> list[str]:
    """The readers whose signature `head`, a file's first 4096 bytes, carries: several for a file that is two things at once."""
    content = _inflated(head) if head.startswith(GZIP) else head
    found = {
        "dicom": has_preamble(head) or _looks_bare(head),
        "nifti": content[344:348] in (b"n+1\0", b"ni1\0") or content[4:8] in (b"n+2\0", b"ni2\0"),
        "mgh": _is_mgh(content),
        "nrrd": head.startswith(b"NRRD000"),
        "metaimage": head.startswith((b"ObjectType", b"NDims")) and b"ElementType" in head,
        "raster": head.startswith((PNG, JPEG)) or (head.startswith(b"RIFF") and head[8:12] == b"WEBP") or _is_bmp(head),
        "tiff": head.startswith(TIFF),
        "gif": head.startswith((b"GIF87a", b"GIF89a")),
        "video": _is_video(head),
        "archive": _is_archive(head, content),
    }
    return [name for name, fits in found.items() if fits]


def is_misnamed(suffix: str, name: str, head: bytes) -> bool:
    """Whether a file of the type `name` is called by the suffix of another; names that say nothing are right."""
    if suffix in SUFFIXES[name]:
        if name == "video" and head[4:8] in _BOXES:
            return suffix not in _BOXED
        ours = (names for start, names in _OF_CONTENT.items() if head.startswith(start) and set(names) & set(SUFFIXES[name]))
        known = next(ours, SUFFIXES[name])
        return suffix not in known or (suffix == ".zip" and not head.startswith(b"PK"))
    return any(suffix in known for known in SUFFIXES.values())


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


def _is_mgh(content: bytes) -> bool:
    """Version 1, a small number for the type of voxels, and yes or no to whether the volume is placed."""
    is_likely = content[20:23] == b"\0\0\0" and content[28:30] in (b"\0\0", b"\0\1")
    return content[:4] == b"\0\0\0\1" and len(content) >= 284 and is_likely


def _is_bmp(head: bytes) -> bool:
    """Two letters, and a second header of a length that there is."""
    return head.startswith(b"BM") and head[6:10] == bytes(4) and head[14:18] in _BMP_HEADS


def _is_archive(head: bytes, content: bytes) -> bool:
    """A zip, a tar of any age, or what only a tar is packed by (a picture packed by gzip is told by its content)."""
    if head.startswith(b"PK\3\4"):
        return not head[30:].startswith(_PACKED_DOCUMENTS)
    if head.startswith((b"PK\5\6", b"PK\6\6", b"\xfd7zXZ\0")) or (head[:3] == b"BZh" and head[4:10] == b"1AY&SY"):
        return True
    return content[257:262] == b"ustar" or _is_old_tar(content)


def _is_old_tar(content: bytes) -> bool:
    """Whether the first block's checksum is where a tar without a signature has it."""
    stated = content[148:156].strip(b"\0 ")
    if len(content) < 512 or not stated or stated.strip(b"01234567"):
        return False
    return int(stated, 8) == sum(content[:148]) + 8 * 32 + sum(content[156:512])


def ends_as_zip(tail: bytes) -> bool:
    """Whether `tail`, a file's last bytes, ends a zip: then an unpacker sees an archive, whatever the file begins with."""
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < 22:
        return False
    size, _, comment = struct.unpack("<IIH", tail[at + 12 : at + 22])
    return at + 22 + comment == len(tail) and (size > at or tail[at - size : at - size + 4] in (b"PK\1\2", b"PK\5\6"))


def _is_video(head: bytes) -> bool:
    is_avi = head.startswith(b"RIFF") and head[8:12] == b"AVI "
    is_box = head[4:8] in _BOXES and head[:4] < b"\1\0\0\0"
    is_still = head[4:8] == b"ftyp" and head[8:12] in _STILLS
    is_mpeg = head.startswith((b"\0\0\1\xba", b"\0\0\1\xb3"))
    return is_avi or (is_box and not is_still) or is_mpeg


def _inflated(head: bytes) -> bytes:
    """What a compressed file begins with; of a damaged one what comes before the damage."""
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error:
        return _inflated_until_damage(head)


def _inflated_until_damage(head: bytes) -> bytes:
    inflater, found = zlib.decompressobj(wbits=31), b""
    with contextlib.suppress(zlib.error):
        for at in range(len(head)):
            found += inflater.decompress(head[at : at + 1], HEAD_BYTES - len(found))
            if len(found) == HEAD_BYTES:
                break
    return found
