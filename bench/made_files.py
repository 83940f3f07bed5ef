"""Small files made by code in every format but DICOM: volumes, pictures, animations, slides, archives."""

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence

import nibabel
import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin

from made_content import NAME, NUMBER, Pixels, saved


def volume_files(volume: npt.NDArray[np.int16]) -> Iterator[tuple[str, bytes]]:
    """One int16 volume (Z, Y, X), or a series of them (T, Z, Y, X), in every volume format, as suffix and content."""
    affine = np.array([[-0.8, 0, 0, 7], [0, 0.8, 0, -9], [0, 0, 2.5, 4], [0, 0, 0, 1]])
    xyz = volume.T
    for suffix, kind in ((".nii", nibabel.Nifti1Image), (".nii.gz", nibabel.Nifti1Image), (".nii", nibabel.Nifti2Image)):
        image = kind(xyz, affine)  # type: ignore[no-untyped-call]
        image.header["descrip"], image.header["aux_file"] = NAME.encode(), NUMBER.encode()
        image.header.set_xyzt_units("mm", "sec")  # type: ignore[no-untyped-call]
        image.header.set_slope_inter(1.5, -3)  # type: ignore[no-untyped-call]
        content = image.to_bytes()
        yield suffix, gzip.compress(content, 1) if suffix.endswith("gz") else content
    if volume.ndim == 3:
        plain = nibabel.MGHImage(np.ascontiguousarray(xyz), affine).to_bytes()  # type: ignore[no-untyped-call]
        yield ".mgh", plain
        yield ".mgz", gzip.compress(plain, 1)
    for encoding in ("raw", "gzip"):
        yield ".nrrd", nrrd_bytes(volume, encoding)
        yield ".mha", metaimage_bytes(volume, compressed=encoding == "gzip")


def nrrd_bytes(volume: npt.NDArray[np.int16], encoding: str) -> bytes:
    """A NRRD file with header and data in one."""
    sizes = " ".join(map(str, reversed(volume.shape)))
    directions = "(0.8,0,0) (0,0.8,0) (0,0,2.5)" + " none" * (volume.ndim - 3)
    lines = [
        *("NRRD0005", f"# {NAME}", "type: short", f"dimension: {volume.ndim}", "space: left-posterior-superior"),
        *(f"sizes: {sizes}", f"space directions: {directions}", "space origin: (-7,-9,4)", "endian: little"),
        *(f"encoding: {encoding}", f'content: "{NAME}"', f"patient:={NUMBER}", "", ""),
    ]
    data = volume.astype("<i2").tobytes()
    return "\n".join(lines).encode() + (gzip.compress(data, 1) if encoding == "gzip" else data)


def metaimage_bytes(volume: npt.NDArray[np.int16], *, compressed: bool) -> bytes:
    """A MetaImage file with header and data in one."""
    data = volume.astype("<i2").tobytes()
    packed = zlib.compress(data) if compressed else data
    sizes, axes = " ".join(map(str, reversed(volume.shape))), volume.ndim
    matrix = " ".join(str(int(row == column)) for row in range(axes) for column in range(axes))
    lines = [
        *("ObjectType = Image", f"NDims = {axes}", f"Comment = {NAME}", "BinaryData = True", "BinaryDataByteOrderMSB = False"),
        *([f"CompressedData = True\nCompressedDataSize = {len(packed)}"] if compressed else ["CompressedData = False"]),
        *(f"TransformMatrix = {matrix}", "Offset = " + " ".join(["-7"] * axes), "ElementSpacing = " + " ".join(["0.8"] * axes)),
        *(f"DimSize = {sizes}", f"PatientName = {NAME}", "ElementType = MET_SHORT", "ElementDataFile = LOCAL", ""),
    ]
    return "\n".join(lines).encode() + packed


def picture_files(gray: Pixels) -> Iterator[tuple[str, str, bytes]]:
    """One uint8 picture (Y, X) in every picture format and some variants, as suffix, label and content."""
    color = np.stack([gray, gray[::-1], gray[:, ::-1]], axis=-1)
    text, exif = PngImagePlugin.PngInfo(), Image.Exif()
    text.add_text("Patient", NAME)
    exif[0x010E], exif[0x0112] = NAME, 6
    wide = gray.astype(np.uint16) * 257
    yield ".png", "PNG", saved(Image.fromarray(gray), "PNG", pnginfo=text, exif=exif)
    yield ".png", "PNG 16", saved(Image.fromarray(wide), "PNG", pnginfo=text)
    yield ".png", "PNG palette", saved(Image.fromarray(color).quantize(16), "PNG", pnginfo=text, transparency=0)
    yield ".jpg", "JPEG", saved(Image.fromarray(gray), "JPEG", comment=NAME.encode(), exif=exif)
    yield ".jpg", "JPEG color", saved(Image.fromarray(color), "JPEG", comment=NAME.encode(), progressive=True)
    yield ".jpg", "JPEG CMYK", saved(Image.fromarray(color).convert("CMYK"), "JPEG")
    yield ".webp", "WebP", saved(Image.fromarray(color), "WEBP", exif=exif, lossless=True)
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg"):
        yield ".tif", f"TIFF {compression}", saved(Image.fromarray(color), "TIFF", compression=compression, description=NAME)
    yield ".tif", "TIFF 16", saved(Image.fromarray(wide), "TIFF", description=NAME)
    yield ".svs", "SVS", slide_bytes(np.tile(color, (5, 5, 1)))


def slide_bytes(color: Pixels, tile_px: int = 64) -> bytes:
    """A tiled TIFF of two levels with Aperio's description, JPEG tiles."""
    content = bytearray(b"II*\0\0\0\0\0")
    link_at = 4
    for index, level in enumerate((color, color[::2, ::2])):
        rows, columns = level.shape[:2]
        tiles = []
        for y in range(0, rows, tile_px):
            for x in range(0, columns, tile_px):
                tile = np.zeros((tile_px, tile_px, 3), np.uint8)
                part = level[y : y + tile_px, x : x + tile_px]
                tile[: part.shape[0], : part.shape[1]] = part
                tiles.append(saved(Image.fromarray(tile), "JPEG"))
        places = []
        for tile_bytes in tiles:
            places.append(len(content))
            content += tile_bytes
        words = f"Aperio Image Library\n{columns}x{rows}|AppMag = 20|MPP = 0.5|Patient = {NAME}\0".encode()
        content += b"\0" * (len(content) % 2)
        at = {"words": len(content)}
        content += words + b"\0" * (len(words) % 2)
        at["bits"] = len(content)
        content += struct.pack("<3H", 8, 8, 8)
        at["places"] = len(content)
        content += struct.pack(f"<{len(tiles)}I", *places)
        at["sizes"] = len(content)
        content += struct.pack(f"<{len(tiles)}I", *map(len, tiles))
        entries = [
            *((254, 4, 1, int(index > 0)), (256, 4, 1, columns), (257, 4, 1, rows), (258, 3, 3, at["bits"]), (259, 3, 1, 7)),
            *((262, 3, 1, 6), (270, 2, len(words), at["words"]), (277, 3, 1, 3), (284, 3, 1, 1)),
            *((322, 4, 1, tile_px), (323, 4, 1, tile_px)),
            *((324, 4, len(tiles), at["places"]), (325, 4, len(tiles), at["sizes"])),
        ]
        content[link_at : link_at + 4] = struct.pack("<I", len(content))
        content += struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
        link_at = len(content)
        content += b"\0\0\0\0"
    return bytes(content)


def animation_files(frames: Sequence[Pixels]) -> Iterator[tuple[str, str, bytes]]:
    """Pictures of one size as the animations that can be written here, as suffix, label and content."""
    first, *rest = [Image.fromarray(frame) for frame in frames]
    yield ".gif", "GIF", saved(first, "GIF", save_all=True, append_images=rest, duration=80, comment=NAME.encode())
    yield ".png", "APNG", saved(first, "PNG", save_all=True, append_images=rest, duration=80)
    yield ".tif", "TIFF pages", saved(first, "TIFF", save_all=True, append_images=rest, description=NAME)
    yield ".avi", "AVI", avi_bytes([saved(Image.fromarray(frame), "JPEG") for frame in frames], frames[0].shape)


def avi_bytes(jpegs: Sequence[bytes], shape: tuple[int, ...]) -> bytes:
    """An AVI file of JPEG pictures, 25 a second, with a comment."""
    rows, columns = shape[:2]
    main = struct.pack("<14I", 40_000, 0, 0, 16, len(jpegs), 0, 1, max(map(len, jpegs)), columns, rows, 0, 0, 0, 0)
    stream = b"vidsMJPG" + struct.pack("<10I4H", 0, 0, 0, 1, 25, 0, len(jpegs), 0, 0, 0, 0, 0, columns, rows)
    picture = struct.pack("<3I2H4s5I", 40, columns, rows, 1, 24, b"MJPG", rows * columns * 3, 0, 0, 0, 0)
    streams = _list(b"strl", _chunk(b"strh", stream) + _chunk(b"strf", picture))
    header = _list(b"hdrl", _chunk(b"avih", main) + streams)
    movie = _list(b"movi", b"".join(_chunk(b"00dc", jpeg) for jpeg in jpegs))
    index, at = b"", 4
    for jpeg in jpegs:
        index += struct.pack("<4s3I", b"00dc", 16, at, len(jpeg))
        at += 8 + len(jpeg) + len(jpeg) % 2
    info = _list(b"INFO", _chunk(b"INAM", NAME.encode()))
    return _chunk(b"RIFF", b"AVI " + header + info + movie + _chunk(b"idx1", index))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _list(name: bytes, content: bytes) -> bytes:
    return _chunk(b"LIST", name + content)


def archive_files(members: dict[str, bytes]) -> Iterator[tuple[str, str, bytes]]:
    """Files by their names as zip, stored and deflated, and as tar, plain and compressed; suffix, label and content."""
    for label, compression in (("ZIP stored", zipfile.ZIP_STORED), ("ZIP", zipfile.ZIP_DEFLATED)):
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", compression) as archive:
            archive.comment = NAME.encode()
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content, compression)
        yield ".zip", label, written.getvalue()
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    yield ".tar", "TAR", written.getvalue()
    yield ".tar.gz", "TAR gzip", gzip.compress(written.getvalue(), 1, mtime=0)
