"""What a file is: every format has a signature, and no signature is without a format."""

import io
import zipfile
from pathlib import Path

import pytest

import vesalius
from vesalius.clinical.signatures import SUFFIXES, ends_as_zip, is_misnamed, types_of

FORMATS = {place.stem for place in (Path(vesalius.__file__).parent / "clinical" / "formats").glob("[a-z]*.py")}


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (bytes(128) + b"DICM", "dicom"),
        (b"\x08\0\x05\0CS\x0a\0ISO_IR 100", "dicom"),
        (bytes(344) + b"n+1\0", "nifti"),
        (b"\x1c\x02\0\0n+2\0", "nifti"),
        (b"\x89PNG\r\n\x1a\n", "raster"),
        (b"\xff\xd8\xff\xe0", "raster"),
        (b"RIFF\0\0\0\0WEBP", "raster"),
        (b"II*\0\x08\0\0\0", "tiff"),
        (b"MM\0*\0\0\0\x08", "tiff"),
        (b"GIF89a", "gif"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (b"\0\0\0\x18ftypisom", "video"),
        (b"NRRD0005\n", "nrrd"),
        (b"ObjectType = Image\nNDims = 3\nElementType = MET_SHORT", "metaimage"),
        (b"PK\3\4", "archive"),
        (bytes(257) + b"ustar", "archive"),
    ],
)
def test_content_says_what_a_file_is(head: bytes, name: str) -> None:
    assert types_of(head) == [name]


@pytest.mark.parametrize(
    "head", [b"", b"\0\0\0\x18ftypheic", b"hello", b"<svg/>", b"%PDF-1.7", bytes(600), b"\x1f\x8b" + bytes(50)]
)
def test_what_is_nothing_that_is_read_is_nothing(head: bytes) -> None:
    assert types_of(head) == []


@pytest.mark.parametrize(
    ("suffix", "name", "head", "misnamed"),
    [
        ("", "raster", b"\x89PNG\r\n\x1a\n", False),
        (".png", "raster", b"\x89PNG\r\n\x1a\n", False),
        (".jpg", "raster", b"\x89PNG\r\n\x1a\n", True),
        (".dcm", "raster", b"\x89PNG\r\n\x1a\n", True),
        (".nii", "nifti", b"\0\0\1\x5c", False),  # the high byte first, which begins like a video
        (".avi", "video", b"\0\0\0\x20ftypisom", True),
        (".avi", "video", b"RIFF\0\0\0\0AVI ", False),
        (".mpg", "video", b"\0\0\1\xba", False),
        (".tar.gz", "archive", b"\x1f\x8b\x08", False),
        (".zip", "archive", b"\x1f\x8b\x08", True),
        (".zip", "archive", b"PK\3\4", False),
        (".tar", "archive", b"PK\3\4", True),
    ],
)
def test_a_name_that_says_another_type_is_seen(suffix: str, name: str, head: bytes, misnamed: bool) -> None:
    assert is_misnamed(suffix, name, head) == misnamed


def test_the_end_of_a_zip_is_seen_behind_anything() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", "b")
        archive.comment = b"some words"
    assert ends_as_zip(b"\x89PNG" + file.getvalue())
    assert not ends_as_zip(file.getvalue()[:-1])
    assert not ends_as_zip(b"PK\5\6 in a text")
    assert not ends_as_zip(bytes(100) + b"PK\5\6" + bytes(8) + b"\x0a" + bytes(9)), "no list lies where it says"


def test_every_format_has_names_and_every_name_a_format() -> None:
    assert SUFFIXES.keys() - {"archive"} <= FORMATS
    assert FORMATS - SUFFIXES.keys() <= {"slide"}, "slides are told from other TIFFs by what is in them"
