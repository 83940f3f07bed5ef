"""Group 56: zip and tar archives that climb, link, lie about their sizes, hide, or never end."""

import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tests.clinical.bad_inputs import builders as b
from tests.clinical.bad_inputs.builders import one_file
from tests.clinical.bad_inputs.case import CANARY, NAME, Case
from tests.clinical.bad_inputs.dicom_pixels import SCENE
from tests.clinical.bad_inputs.pictures import saved

STORED, DEFLATED = 0, 8
_LINK = (stat.S_IFLNK | 0o777) << 16
GOOD = b.one()


@dataclass(frozen=True)
class Entry:
    """An entry of a zip, said twice: in front of its content and in the list at the end.

    What is None follows from the content; `local_…` differ from the list where they are given.
    """

    name: bytes
    content: bytes
    method: int = STORED
    flags: int = 0
    attributes: int = 0
    size: int | None = None
    packed_size: int | None = None
    check: int | None = None
    local_name: bytes | None = None
    local_size: int | None = None
    offset: int | None = None
    extra: bytes = b""
    packed: bytes | None = None

    @property
    def stream(self) -> bytes:
        """As it lies in the archive."""
        if self.packed is not None:
            return self.packed
        if self.method != DEFLATED:
            return self.content
        squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return squeezer.compress(self.content) + squeezer.flush()


def cases() -> list[Case]:
    """Group 56."""
    return [*_names(), *_lies(), *_bombs(), *_counts(), *_tapes(), *_good()]


def archive(*entries: Entry, comment: bytes = b"", count: int | None = None, start: int | None = None, cut: int = 0) -> bytes:
    """A zip of entries; `count` and `start` are what its end says of the list, `cut` how many bytes of the end are missing."""
    body, listed = bytearray(), b""
    for entry in entries:
        at = len(body) if entry.offset is None else entry.offset
        stream = entry.stream
        check = zlib.crc32(entry.content) if entry.check is None else entry.check
        size = len(entry.content) if entry.size is None else entry.size
        packed_size = len(stream) if entry.packed_size is None else entry.packed_size
        local_size = size if entry.local_size is None else entry.local_size
        local_name = entry.name if entry.local_name is None else entry.local_name
        common = struct.pack("<HHHHHI", 20, entry.flags, entry.method, 0, 33, check)
        if entry.offset is None:
            local = struct.pack("<IIHH", min(packed_size, 2**32 - 1), min(local_size, 2**32 - 1), len(local_name), 0)
            body += b"PK\3\4" + common + local + local_name + stream
        sizes = struct.pack("<IIHHH", min(packed_size, 2**32 - 1), min(size, 2**32 - 1), len(entry.name), len(entry.extra), 0)
        where = struct.pack("<HHII", 0, 0, entry.attributes, min(at, 2**32 - 1))
        listed += b"PK\1\2" + struct.pack("<H", 0x031E) + common + sizes + where + entry.name + entry.extra
    said = len(entries) if count is None else count
    begin = len(body) if start is None else start
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, said, said, len(listed), begin, len(comment)) + comment
    whole = bytes(body) + listed + end
    return whole[: len(whole) - cut]


def tape(entries: Iterable[tuple[tarfile.TarInfo, bytes]], mode: str = "w") -> bytes:
    """A tar of entries."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as opened:
        for entry, content in entries:
            opened.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def on_tape(name: str, content: bytes = GOOD, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """One entry of a tar."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry, content


def _zip(name: str, content: bytes, code: str, behavior: Any = "refused", ending: str = "zip", **more: Any) -> Case:
    return one_file(56, name, content, code, behavior, f"{NAME}.{ending}", **more)


GOOD_ENTRY = Entry(f"{NAME}/001".encode(), GOOD)


def _names() -> list[Case]:
    outside = {
        "climbing": b"../../../../tmp/ZZCANARY",
        "climbing_from_within": b"series/../../ZZCANARY",
        "absolute": b"/tmp/ZZCANARY",
        "of_windows": b"C:\\WINDOWS\\ZZCANARY",
        "climbing_by_backslashes": b"..\\..\\ZZCANARY",
        "of_a_share": b"\\\\server\\share\\ZZCANARY",
    }
    link = Entry(b"link", b"/etc/passwd", attributes=_LINK)
    within = Entry(b"link", f"{NAME}/001".encode(), attributes=_LINK)
    two = archive(GOOD_ENTRY, replace(GOOD_ENTRY, content=b.one(InstanceNumber=2)))
    device = Entry(b"pipe", b"", attributes=(stat.S_IFIFO | 0o666) << 16)
    return [
        *(_zip(name, archive(GOOD_ENTRY, Entry(path, GOOD)), "path_outside_root") for name, path in outside.items()),
        *(_zip(f"{name}_alone", archive(Entry(path, b"*")), "path_outside_root") for name, path in list(outside.items())[:3]),
        _zip(
            "only_in_front_of_the_content",
            archive(replace(GOOD_ENTRY, local_name=b"../../tmp/ZZCANARYY")),
            "bad_archive",
            other_code="path_outside_root",
        ),
        _zip("link", archive(GOOD_ENTRY, link), "path_outside_root"),
        _zip("link_within", archive(GOOD_ENTRY, within), "path_outside_root"),
        _zip("pipe", archive(GOOD_ENTRY, device), "bad_archive", other_code="path_outside_root"),
        _zip("twice_the_same_name", two, "bad_archive"),
        _zip("same_name_in_other_letters", archive(Entry(b"A/1", GOOD), Entry(b"a/1", saved(SCENE, "PNG"))), "", "survived"),
        _zip("zero_byte_in_a_name", archive(Entry(b"a.dcm\0.png", GOOD)), "bad_archive", other_code="path_outside_root"),
        _zip("name_of_65000_characters", archive(Entry(b"a/" * 32500 + b"1", GOOD)), "", "survived"),
    ]


def _lies() -> list[Case]:
    squeezed = replace(GOOD_ENTRY, method=DEFLATED)
    wide = struct.pack("<HHQQ", 1, 16, 2**63, len(GOOD))
    first = archive(GOOD_ENTRY)
    overlapping = [GOOD_ENTRY, *(Entry(f"{NAME}/{index}".encode(), GOOD, offset=0) for index in range(2, 30))]
    wrong = {
        "list_says_less": archive(replace(squeezed, size=100, local_size=len(GOOD))),
        "list_says_more": archive(replace(squeezed, size=len(GOOD) + 100, local_size=len(GOOD))),
        "both_say_less": archive(replace(squeezed, size=100)),
        "stored_says_less": archive(replace(GOOD_ENTRY, size=100)),
        "packed_longer_than_the_file": archive(replace(squeezed, packed_size=0x7FFFFFFF)),
        "content_at_the_end": archive(GOOD_ENTRY, Entry(b"b", GOOD, offset=0x7FFFFFF0)),
        "content_in_the_middle": archive(GOOD_ENTRY, Entry(b"b", GOOD, offset=40)),
        "many_share_one_content": archive(*overlapping),
        "wrong_sum": archive(replace(GOOD_ENTRY, check=12345)),
        "damaged_stream": archive(replace(squeezed, packed=squeezed.stream[:90] + b"\xff" * 40 + squeezed.stream[130:])),
        "stream_cut": archive(replace(squeezed, packed=squeezed.stream[:-90])),
        "more_named_than_there": archive(GOOD_ENTRY, count=60_000),
        "fewer_named_than_there": archive(GOOD_ENTRY, Entry(b"b", GOOD), count=1),
        "list_elsewhere": archive(GOOD_ENTRY, start=0x7FFFFFF0),
        "end_missing": archive(GOOD_ENTRY, cut=22),
        "cut_in_the_middle": first[: len(first) // 2],
        "head_only": b"PK\3\4" + b"\0" * 40,
        "method_of_nobody": archive(replace(GOOD_ENTRY, method=97)),
    }
    locked = {
        "encrypted": archive(replace(GOOD_ENTRY, flags=1, packed=b"x" * 12 + GOOD, packed_size=len(GOOD) + 12)),
        "encrypted_in_part": archive(GOOD_ENTRY, Entry(b"b", b"y" * 100, flags=1)),
        "encrypted_by_aes": archive(
            replace(GOOD_ENTRY, flags=1, method=99, extra=struct.pack("<HHHHBH", 0x9901, 7, 2, 0x4541, 3, 8))
        ),
    }
    return [
        *(_zip(name, content, "bad_archive") for name, content in wrong.items()),
        *(_zip(name, content, "archive_encrypted") for name, content in locked.items()),
        _zip(
            "size_of_2_to_the_63",
            archive(replace(squeezed, size=2**32 - 1, packed_size=2**32 - 1, extra=wide)),
            "bad_archive",
            other_code="decompression_limit",
        ),
    ]


def _bombs() -> list[Case]:
    def flat(name: str, *, ratio_said: bool) -> Entry:
        size = 3 * 2**30
        stream = b.zeros(3 * 1024) + b"\3\0"
        return Entry(name.encode(), b"", DEFLATED, size=size if ratio_said else 2**20, packed=stream, check=0)

    def writing(make: Callable[[], bytes], ending: str = "zip") -> Callable[[Path], None]:
        return lambda folder: b.put(folder, make(), f"{NAME}.{ending}")

    def tar_of_zeros() -> bytes:
        squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        entry = tarfile.TarInfo(NAME)
        entry.size = 6 * 2**30
        head = squeezer.compress(entry.tobuf(tarfile.GNU_FORMAT)) + squeezer.flush(zlib.Z_FULL_FLUSH)
        return b"\x1f\x8b\x08\0\0\0\0\0\0\3" + head + b.zeros(6 * 1024) + b"\3\0" + struct.pack("<II", 0, 0)

    claimed = replace(flat("a", ratio_said=True), size=2**32 - 2, packed=b"\3\0")
    inner = archive(Entry(b"zeros", b"\0" * 2**20, DEFLATED))
    picture = np.zeros((256, 256), dtype=np.uint16) + np.uint16(1024)
    blank = b.one(pixels=picture)
    return [
        Case(56, "three_gigabytes", writing(lambda: archive(GOOD_ENTRY, flat("a", ratio_said=True))), "decompression_limit"),
        Case(
            56,
            "three_gigabytes_called_one_megabyte",
            writing(lambda: archive(GOOD_ENTRY, flat("a", ratio_said=False))),
            "decompression_limit",
            other_code="bad_archive",
        ),
        Case(
            56,
            "thirty_gigabytes_in_ten_entries",
            writing(lambda: archive(GOOD_ENTRY, *(flat(f"{i}", ratio_said=True) for i in range(10)))),
            "decompression_limit",
        ),
        _zip("claims_four_gigabytes", archive(GOOD_ENTRY, claimed), "decompression_limit", other_code="bad_archive"),
        _zip("archive_in_an_archive", archive(GOOD_ENTRY, Entry(b"inner.zip", inner)), "bad_archive"),
        _zip("archive_in_an_archive_under_another_name", archive(Entry(b"inner.dcm", inner)), "bad_archive"),
        _zip("tape_in_an_archive", archive(GOOD_ENTRY, Entry(b"inner.tar", tape([on_tape(NAME)]))), "bad_archive"),
        Case(56, "tape_of_six_gigabytes", writing(tar_of_zeros, "tar.gz"), "decompression_limit", other_code="bad_archive"),
        _zip(
            "a_blank_picture_is_no_bomb",
            archive(Entry(NAME.encode(), blank, DEFLATED)),
            "decompression_limit",
            "golden",
            values=np.zeros((256, 256)),
        ),
    ]


def _counts() -> list[Case]:
    def many(count: int) -> Callable[[Path], None]:
        def build(folder: Path) -> None:
            with zipfile.ZipFile(folder / f"{NAME}.zip", "w") as opened:
                for index in range(count):
                    opened.writestr(zipfile.ZipInfo(f"{index}"), b"")

        return build

    def listed_many(folder: Path) -> None:
        """A million entries that share one content: only the list is long."""
        local = archive(Entry(b"0000000", GOOD))
        body = local[: local.index(b"PK\1\2")]
        line = local[local.index(b"PK\1\2") : local.index(b"PK\5\6")]
        before, after = line[: line.index(b"0000000")], line[line.index(b"0000000") + 7 :]
        listing = b"".join(before + b"%07d" % index + after for index in range(10**6))
        wide = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 10**6, 10**6, len(listing), len(body))
        locator = b"PK\6\7" + struct.pack("<IQI", 0, len(body) + len(listing), 1)
        end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
        b.put(folder, body + listing + wide + locator + end, f"{NAME}.zip")

    return [
        Case(56, "20001_entries", many(20_001), "size_limit"),
        Case(56, "million_entries", listed_many, "size_limit"),
        _zip("nothing_in_it", archive(), "input_empty", other_code="bad_archive"),
    ]


def _tapes() -> list[Case]:
    links = {"type": tarfile.SYMTYPE, "size": 0}
    huge = bytearray(tape([on_tape(NAME)]))
    huge[124:136] = b"\x80" + b"\0" * 3 + struct.pack(">Q", 2**62)
    _sum(huge)
    negative = bytearray(tape([on_tape(NAME)]))
    negative[124:136] = b"\xff" * 12
    _sum(negative)
    wrong_sum = bytearray(tape([on_tape(NAME), on_tape("second")]))
    second = 512 + -(-len(GOOD) // 512) * 512
    wrong_sum[second + 148 : second + 156] = b"000000\0 "
    sparse, _ = on_tape(NAME, b"")
    sparse.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(2**40)}
    cut = tape([on_tape(NAME)])[: 512 + len(GOOD) // 2]
    outside = {
        "climbing": [on_tape("../../tmp/ZZCANARY")],
        "absolute": [on_tape("/tmp/ZZCANARY")],
        "link": [on_tape("link", b"", linkname="/etc/passwd", **links), on_tape(NAME)],
        "link_that_climbs": [on_tape("link", b"", linkname="../../etc", **links), on_tape("link/passwd")],
        "hard_link_outside": [on_tape("link", b"", type=tarfile.LNKTYPE, size=0, linkname="../../../etc/passwd"), on_tape(NAME)],
    }
    bad = {
        "device": tape([on_tape("null", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=3, size=0), on_tape(NAME)]),
        "pipe": tape([on_tape("pipe", b"", type=tarfile.FIFOTYPE, size=0), on_tape(NAME)]),
        "twice_the_same_name": tape([on_tape(NAME), on_tape(NAME, b.one(InstanceNumber=2))]),
        "cut": cut,
        "size_of_2_to_the_62": bytes(huge),
        "size_negative": bytes(negative),
        "wrong_sum": bytes(wrong_sum),
        "archive_in_it": tape([on_tape("inner.zip", archive(GOOD_ENTRY))]),
    }
    squeezed = tape([on_tape(NAME)], "w:gz")
    return [
        *(_zip(f"tape_{name}", tape(entries), "path_outside_root", ending="tar") for name, entries in outside.items()),
        *(_zip(f"tape_{name}", content, "bad_archive", ending="tar", other_code=_other(name)) for name, content in bad.items()),
        _zip("tape_sparse_of_a_terabyte", tape([(sparse, b"")]), "bad_archive", ending="tar", other_code="decompression_limit"),
        _zip("tape_compressed_and_cut", squeezed[: len(squeezed) // 2], "bad_archive", ending="tar.gz", other_code="truncated"),
    ]


def _other(name: str) -> str | None:
    return {"device": "path_outside_root", "pipe": "path_outside_root", "size_of_2_to_the_62": "size_limit"}.get(name)


def _sum(head: bytearray) -> None:
    """Mend the check sum of a tar's first entry."""
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head[:512])


def _good() -> list[Case]:
    folders = [Entry(b"study/", b""), Entry(b"study/ZZCANARY/1", GOOD, DEFLATED)]
    golden = {"code": "", "behavior": "golden", "values": b.VALUES}
    return [
        _zip("stored_is_no_harm", archive(GOOD_ENTRY), **golden),
        _zip("folders_are_no_harm", archive(*folders, comment=CANARY.encode()), **golden),
        _zip("names_of_no_alphabet_are_no_harm", archive(Entry(b"ZZCANARY\xff\xfe\x1b[31m", GOOD)), **golden),
        _zip("tape_is_no_harm", tape([on_tape(NAME)]), ending="tar", **golden),
        _zip("tape_compressed_is_no_harm", tape([on_tape(NAME)], "w:gz"), ending="tar.gz", **golden),
    ]
