"""The entries of an archive, one after another with their bytes: zip, and tar as it is or packed by gzip, bzip2 or xz.

Both formats are walked here and not by Python's libraries: those hold every entry in memory before one can be counted, inflate
without a bound, and take a tar that breaks off in the middle for one that ends.

Sources: APPNOTE.TXT 6.3.10 of PKWARE (zip); POSIX.1-2017, pax, and the manual of GNU tar (tar).
"""

import bz2
import gzip
import lzma
import os
import stat
import struct
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from typing import IO, Literal, cast

from vesalius.errors import InputRefused

BLOCK_BYTES = 2**20
MOST_ENTRIES = 20_000
LONGEST_NAME = 4096  # bytes of one name, and of what belongs to it
_GZIP, _BZIP2, _XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"
_LISTED, _LOCAL, _END, _END_64, _LOCATOR_64 = b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7"
_END_BYTES, _LONGEST_COMMENT = 22, 65535
_STORED, _DEFLATED, _BY_BZIP2 = 0, 8, 12
_ENCRYPTED, _SIZES_FOLLOW, _UTF8 = 0x0001 | 0x0040 | 0x2000, 0x0008, 0x0800  # flags of an entry
_FULL = 0xFFFFFFFF  # stands in a field whose value is in the 64-bit extension
_MOST_PADDING_BLOCKS = 8  # of zeros, behind a tar's end
_FILES, _FOLDERS = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE), (tarfile.DIRTYPE,)
_LINKS = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)

# What the libraries that inflate raise on damaged bytes. An OSError of theirs has no number, one of the system has.
FAULTS = (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError, struct.error, tarfile.HeaderError)


@dataclass(frozen=True)
class Entry:
    """One entry: its name as the archive has it, what it is, and its bytes in blocks, which must be taken before the next."""

    name: str
    kind: Literal["file", "folder", "link"]
    size: int
    is_packed: bool
    blocks: Iterator[bytes]


def entries_of(file: BufferedReader) -> Iterator[Entry]:
    """All entries, in the archive's own order. `link` is whatever points elsewhere: links, devices, pipes.

    Raises:
        InputRefused: `bad_archive`, `archive_encrypted` or `unsupported_type`; damaged bytes may raise `FAULTS` too.
    """
    head = file.read(6)
    file.seek(0)
    if head.startswith(_GZIP):
        return _tar_entries(cast("IO[bytes]", gzip.GzipFile(fileobj=file)))
    if head.startswith(_BZIP2):
        return _tar_entries(bz2.BZ2File(file))
    if head.startswith(_XZ):
        return _tar_entries(lzma.LZMAFile(file))
    return _zip_entries(file) if head.startswith(b"PK") else _tar_entries(file, is_packed=False)


def bad_archive(what: str) -> InputRefused:
    """The refusal of an archive that contradicts itself or is damaged."""
    return InputRefused("bad_archive", f"The archive {what}. What it held cannot be told for sure. Pack it again.")


def too_many() -> InputRefused:
    """The refusal of an archive that has more entries than are looked at."""
    return InputRefused(
        "size_limit", f"The archive has more than {MOST_ENTRIES} entries. It was not read further. Pack it in parts."
    )


def _zip_entries(file: BufferedReader) -> Iterator[Entry]:
    begin, end, total = _zip_list(file)
    if total * 46 > end - begin:
        raise bad_archive("has a list of its entries that is not as long as it says")
    if total > MOST_ENTRIES:
        raise too_many()
    at, count = begin, 0
    while at < end:
        file.seek(at)
        head = file.read(46)
        if len(head) < 46 or head[:4] != _LISTED:
            raise bad_archive("has a list of its entries that breaks off")
        flags, method, _, _, crc, packed, size, *lengths = struct.unpack("<HHHHIIIHHH", head[8:34])
        mode, local_at = struct.unpack("<II", head[38:46])
        name, extra = file.read(lengths[0]), file.read(lengths[1])
        at, count = at + 46 + sum(lengths), count + 1
        size, packed, local_at = _zip_64(extra, size, packed, local_at)
        if flags & _ENCRYPTED:
            raise InputRefused(
                "archive_encrypted", "The archive is encrypted. Nothing in it can be looked at. Unpack it and name the folder."
            )
        text = name.decode("utf-8" if flags & _UTF8 else "cp437")
        kind = _zip_kind(text, head[5], mode >> 16)
        blocks = _zip_blocks(file, local_at, name, (flags, method, crc, packed, size)) if kind == "file" else iter(())
        yield Entry(text, kind, size, method != _STORED, blocks)
    if at != end or (count & 0xFFFF) != (total & 0xFFFF):
        raise bad_archive("has a list of its entries that is not as long as it says")


def _zip_list(file: BufferedReader) -> tuple[int, int, int]:
    """Where the list of entries begins and ends, and how many it has."""
    length = file.seek(0, os.SEEK_END)
    tail_at = max(0, length - _END_BYTES - _LONGEST_COMMENT)
    file.seek(tail_at)
    tail = file.read()
    end_at = tail.rfind(_END)
    if end_at < 0 or len(tail) - end_at < _END_BYTES:
        raise bad_archive("ends before its list of entries")
    total, size, begin = struct.unpack("<HII", tail[end_at + 10 : end_at + 20])
    end = tail_at + end_at
    file.seek(max(0, end - 20))
    locator = file.read(20)
    if locator.startswith(_LOCATOR_64):
        (end,) = struct.unpack("<Q", locator[8:16])
        file.seek(min(end, length))
        record = file.read(56)
        if len(record) < 56 or not record.startswith(_END_64):
            raise bad_archive("has no list of entries where it says")
        total, size, begin = struct.unpack("<QQQ", record[32:56])
    if begin + size != end:
        raise bad_archive("has a list of entries that lies elsewhere than it says")
    return begin, end, total


def _zip_64(extra: bytes, *values: int) -> list[int]:
    """Sizes and places that do not fit into 32 bits stand in an extension, in the order of the fields."""
    wide = b""
    while len(extra) >= 4:
        tag, length = struct.unpack("<HH", extra[:4])
        wide, extra = extra[4 : 4 + length] if tag == 1 else wide, extra[4 + length :]
    if len(wide) < 8 * values.count(_FULL):
        raise bad_archive("has a size that is stated nowhere")
    in_turn = (number for (number,) in struct.iter_unpack("<Q", wide[: len(wide) // 8 * 8]))
    return [next(in_turn) if value == _FULL else value for value in values]


def _zip_kind(name: str, system: int, mode: int) -> Literal["file", "folder", "link"]:
    """What an entry is; only those who pack under Unix (3) and macOS (19) say more than file or folder."""
    if system in (3, 19) and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "link"
    return "folder" if name.endswith("/") else "file"


def _zip_blocks(file: BufferedReader, at: int, name: bytes, listed: tuple[int, ...]) -> Iterator[bytes]:
    """The bytes of one entry, checked against what the list says of it and against its own head."""
    flags, method, crc, packed, size = listed
    file.seek(at)
    head = file.read(30)
    if len(head) < 30 or head[:4] != _LOCAL:
        raise bad_archive("has no entry where its list says")
    own_flags, own_method, _, _, own_crc, own_packed, own_size, *lengths = struct.unpack("<HHHHIIIHH", head[6:30])
    stated = ((own_crc, crc), (own_packed, packed), (own_size, size))
    differs = not flags & _SIZES_FOLLOW and any(own not in (_FULL, value) for own, value in stated)
    if file.read(lengths[0]) != name or own_method != method or (own_flags ^ flags) & _SIZES_FOLLOW or differs:
        raise bad_archive("states other sizes or names in its list than at an entry")
    file.seek(lengths[1], os.SEEK_CUR)
    total, found_crc = 0, 0
    for block in _unpacked(file, method, packed):
        total, found_crc = total + len(block), zlib.crc32(block, found_crc)
        yield block
        if total > size:
            raise bad_archive("holds an entry that is longer than it says")
    if total != size or found_crc != crc:
        raise bad_archive("holds an entry that is damaged")


def _unpacked(file: BufferedReader, method: int, packed: int) -> Iterator[bytes]:
    """What the next `packed` bytes of a zip's entry inflate to, never more than a block at a time."""
    if method == _STORED:
        yield from _raw(file, packed)
    elif method == _DEFLATED:
        yield from _inflated(file, packed)
    elif method == _BY_BZIP2:
        yield from _expanded(file, packed)
    else:
        raise InputRefused(
            "bad_archive", "The archive is packed by a method that is not read. Only deflate and bzip2 are. Pack it again."
        )


def _raw(file: BufferedReader, left: int) -> Iterator[bytes]:
    while left > 0:
        block = file.read(min(left, BLOCK_BYTES))
        if not block:
            raise bad_archive("ends inside an entry")
        left -= len(block)
        yield block


def _inflated(file: BufferedReader, packed: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for block in _raw(file, packed):
        rest = block
        while rest and not inflater.eof:
            yield inflater.decompress(rest, BLOCK_BYTES)
            rest = inflater.unconsumed_tail
    while not inflater.eof and (more := inflater.decompress(inflater.unconsumed_tail, BLOCK_BYTES)):
        yield more
    if not inflater.eof or inflater.unused_data:
        raise bad_archive("holds an entry that ends elsewhere than it says")


def _expanded(file: BufferedReader, packed: int) -> Iterator[bytes]:
    expander = bz2.BZ2Decompressor()
    for block in _raw(file, packed):
        if not expander.eof:
            yield expander.decompress(block, BLOCK_BYTES)
        while not expander.eof and not expander.needs_input:
            yield expander.decompress(b"", BLOCK_BYTES)
    if not expander.eof or expander.unused_data:
        raise bad_archive("holds an entry that ends elsewhere than it says")


def _tar_entries(stream: IO[bytes], *, is_packed: bool = True) -> Iterator[Entry]:
    long_name, stated, is_first = "", dict[str, str](), True
    while any(head := stream.read(tarfile.BLOCKSIZE)):
        try:
            found = tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
        except tarfile.HeaderError:
            if is_first:
                raise InputRefused(
                    "unsupported_type", "The file is packed, but is no archive of files. Unpack it, and name what is inside."
                ) from None
            raise
        is_first, size = False, int(stated.get("size", found.size))
        if size < 0:
            raise bad_archive("has an entry of less than no length")
        if found.type == tarfile.XHDTYPE:
            stated = _pax_records(_small(stream, found.size))
        elif found.type == tarfile.GNUTYPE_LONGNAME:
            long_name = _small(stream, found.size).partition(b"\0")[0].decode("utf-8", "surrogateescape")
        elif found.type in (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):
            _small(stream, found.size)
        else:
            name = stated.get("path") or long_name or found.name
            blocks = _tar_blocks(stream, 0 if found.type in (*_LINKS, *_FOLDERS) else size)
            yield Entry(name, _tar_kind(found.type, stated), size, is_packed, blocks)
            for _ in blocks:
                pass  # whatever was not wanted
            long_name, stated = "", {}
    if len(head) < tarfile.BLOCKSIZE:
        raise bad_archive("ends before its end")
    for _ in range(_MOST_PADDING_BLOCKS):
        block = stream.read(BLOCK_BYTES)
        if not block:
            return
        if any(block):
            break
    raise bad_archive("goes on behind its end")


def _tar_kind(mark: bytes, stated: dict[str, str]) -> Literal["file", "folder", "link"]:
    if any(name.startswith("GNU.sparse") for name in stated) or mark not in (*_FILES, *_FOLDERS, *_LINKS):
        raise bad_archive("holds an entry of a kind that is not read")
    return "file" if mark in _FILES else "folder" if mark in _FOLDERS else "link"


def _tar_blocks(stream: IO[bytes], size: int) -> Iterator[bytes]:
    """The bytes of one entry, and past the padding behind them."""
    left = size
    while left > 0:
        block = stream.read(min(left, BLOCK_BYTES))
        if not block:
            raise bad_archive("ends inside an entry")
        left -= len(block)
        yield block
    stream.read(-size % tarfile.BLOCKSIZE)


def _small(stream: IO[bytes], size: int) -> bytes:
    """What belongs to the next entry's name."""
    if not 0 <= size <= 4 * LONGEST_NAME:
        raise bad_archive("has a name that is too long")
    return b"".join(_tar_blocks(stream, size))


def _pax_records(content: bytes) -> dict[str, str]:
    """Lines of "length key=value"."""
    records = {}
    while content.strip(b"\0"):
        length = int(content.partition(b" ")[0])
        line, content = content[:length], content[length:]
        key, is_set, value = line.partition(b" ")[2].rstrip(b"\n").partition(b"=")
        if length < 5 or not is_set:
            raise bad_archive("has a head that cannot be read")
        records[key.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")
    return records
