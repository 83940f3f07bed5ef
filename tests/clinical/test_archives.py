"""Archives of any content come out as they went in, or not at all; the bad inputs test what an archive may be refused for."""

import io
import lzma
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.clinical import archive_reading, archives, gate
from vesalius.errors import InputRefused

Files = dict[str, bytes]
NAMES = st.lists(st.text("abcäZ_ -", min_size=1, max_size=40), min_size=1, max_size=3).map("/".join).map(lambda name: f"x{name}")
FILES = st.dictionaries(NAMES, st.binary(max_size=3000), min_size=1, max_size=6)
KINDS = ("zip", "zip stored", "zip bzip2", "tar", "tar gz", "tar bz2", "tar xz", "tar old")


def without_folders_of_one_name(files: Files) -> Files:
    """What a folder could hold: no file where another's folder is."""
    return {
        name: content
        for name, content in files.items()
        if not any(other.startswith(f"{name}/") or other.strip("/") != other or "//" in other for other in files)
    }


def packed(files: Files, kind: str) -> bytes:
    file = io.BytesIO()
    if kind.startswith("zip"):
        method = {"zip": zipfile.ZIP_DEFLATED, "zip stored": zipfile.ZIP_STORED, "zip bzip2": zipfile.ZIP_BZIP2}[kind]
        with zipfile.ZipFile(file, "w", method) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return file.getvalue()
    form = tarfile.GNU_FORMAT if kind == "tar gz" else tarfile.USTAR_FORMAT if kind == "tar old" else tarfile.PAX_FORMAT
    packing = kind.removeprefix("tar").strip().replace("old", "")
    with tarfile.open(fileobj=file, mode=f"w:{packing}", format=form) as tape:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tape.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def unpacked(content: bytes) -> Files:
    with tempfile.TemporaryFile() as target:
        found = archive_reading.unpack(io.BufferedReader(io.BytesIO(content)), {}, None, target)["members"]  # type: ignore[arg-type]
        files = {}
        for _, name, offset, length in found:
            target.seek(offset)
            files[name] = target.read(length)
    return files


@pytest.mark.parametrize("kind", KINDS)
@given(files=FILES)
@settings(max_examples=25)
def test_what_goes_in_comes_out(kind: str, files: Files) -> None:
    files = without_folders_of_one_name(files) or {"x": b"1"}
    assert unpacked(packed(files, kind)) == files


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_any_length_come_out(kind: str) -> None:
    files = {"a" * length + "/" + "b" * 90: bytes([length]) for length in (1, 60, 99, 100, 120)}
    assert unpacked(packed(files, kind)) == files


@pytest.mark.parametrize("kind", ["zip", "tar gz", "tar bz2", "tar xz"])
def test_no_single_damaged_byte_changes_a_file_unseen(kind: str) -> None:
    files = {"one": bytes(range(256)) * 3, "two/three": b"another" * 40}
    content = packed(files, kind)
    refused = 0
    for place in range(len(content)):
        for change in (0xFF, 0x01):
            damaged = bytearray(content)
            damaged[place] ^= change
            try:
                found = unpacked(bytes(damaged))
            except InputRefused:
                refused += 1
                continue
            assert list(found.values()) == list(files.values())
    assert refused > len(content)


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_that_ends_early_is_refused(kind: str) -> None:
    content = packed({"one": b"1" * 700, "two": b"2" * 700}, kind)
    end = len(content) - (9 * 1024 if kind in ("tar", "tar old") else 1)  # a tar ends in zeros, of which two blocks are its end
    for length in range(6, end, 7):
        with pytest.raises(InputRefused) as caught:
            unpacked(content[:length])
        assert caught.value.code in ("bad_archive", "unsupported_type")


def test_members_that_are_hidden_are_left_out_and_counted_all_the_same() -> None:
    content = packed({".a": b"1", "__MACOSX/._b": b"2", "b/.c/d": b"3", "e": b"4"}, "tar")
    with tempfile.TemporaryFile() as target:
        found = archive_reading.unpack(io.BufferedReader(io.BytesIO(content)), {}, None, target)  # type: ignore[arg-type]
    assert found["members"] == [(4, "e", 0, 1)]


def test_documents_that_are_archives_inside_are_not_opened() -> None:
    for name in ("[Content_Types].xml", "META-INF/MANIFEST.MF", "mimetype"):
        with pytest.raises(InputRefused) as caught:
            unpacked(packed({"a": b"1", name: b"2"}, "zip"))
        assert caught.value.code == "unsupported_type"


def test_what_is_packed_and_no_archive_is_told_from_one() -> None:
    with pytest.raises(InputRefused) as caught:
        unpacked(lzma.compress(b"no archive" * 200))
    assert caught.value.code == "unsupported_type"


def test_the_bytes_of_members_lie_in_one_file_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "drawer"))
    (tmp_path / "drawer").mkdir()
    (tmp_path / "a.zip").write_bytes(packed({"two": b"22", "one": b"1"}, "zip"))
    members = archives.members_of(gate.Place(tmp_path / "a.zip"))
    assert [(member.number, member.name) for member in members] == [(2, "one"), (1, "two")]
    assert [read(member.place) for member in members] == [b"1", b"22"]
    assert len({id(member.place.spool) for member in members}) == 1
    assert list((tmp_path / "drawer").iterdir()) == []


def read(place: gate.Place) -> bytes:
    assert place.spool is not None
    place.spool.seek(place.offset)
    return place.spool.read(place.length or 0)


@pytest.mark.parametrize("said", [b"", b"PK\3\4", b"PK\5\6" + bytes(18), bytes(512), b"BZh91AY&SY", b"\xfd7zXZ\0"])
def test_fragments_are_refused(said: bytes) -> None:
    with pytest.raises(InputRefused) as caught:
        unpacked(said)
    assert caught.value.code in ("bad_archive", "unsupported_type", "input_empty")


def test_unpacking_stops_when_the_target_takes_no_more() -> None:
    with Path("/dev/full").open("wb") as full, pytest.raises(InputRefused) as caught:
        archive_reading.unpack(io.BufferedReader(io.BytesIO(packed({"a": b"1" * 9000}, "zip"))), {}, None, full)  # type: ignore[arg-type]
    assert caught.value.code == "disk_full"
